//! The messages of a queue, ten at a time, each once, however many there are. What was received and not deleted stays hidden
//! meanwhile, and can be shown again at the end; after a crash it shows by itself, within a minute if it was meant and in a
//! large queue within an hour.

use crate::{DeadLetterError, Letter};
use aws_sdk_sqs::{
    Client,
    types::{
        ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, MessageSystemAttributeName,
        QueueAttributeName,
    },
};
use std::collections::{HashMap, HashSet};

/// So long a message stays hidden that was received: an interrupted move can be continued after this.
const HIDDEN_SECONDS: i32 = 60;

/// How thoroughly a queue is gone through.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// So long a message stays hidden that is left alone, or comes again: longer than going through the queue takes.
    pub left_alone_seconds: i32,
    /// So long SQS waits for a message. Without a wait, an answer asks only a part of its servers.
    pub wait_seconds: i32,
    /// A queue is empty once it has answered so often that it is.
    pub empty_answers: u32,
}

impl Patience {
    /// To the last message, however many there are.
    pub const THOROUGH: Self = Self { left_alone_seconds: 3600, wait_seconds: 1, empty_answers: 3 };
    /// For somebody who waits for a page. A few messages may be missed.
    pub const QUICK: Self = Self { left_alone_seconds: HIDDEN_SECONDS, wait_seconds: 0, empty_answers: 2 };
}

/// A message, and what may be shown of it.
pub struct Message {
    pub body: String,
    handle: String,
    pub letter: Letter,
}

pub struct Batches<'a> {
    client: &'a Client,
    url: &'a str,
    patience: Patience,
    /// The latest receipt handle of each message that was received and is still there.
    hidden: HashMap<String, String>,
    seen: HashSet<String>,
}

impl<'a> Batches<'a> {
    pub fn of(client: &'a Client, url: &'a str, patience: Patience) -> Self {
        Self { client, url, patience, hidden: HashMap::new(), seen: HashSet::new() }
    }

    /// The next ones; nothing once there are no more.
    ///
    /// # Errors
    /// When SQS does not answer.
    pub async fn next(&mut self) -> Result<Option<Vec<Message>>, DeadLetterError> {
        let (mut empty, mut again) = (0, 0);
        // once as many have come again in a row as there are, there is nothing besides
        while empty < self.patience.empty_answers && again <= self.seen.len() {
            let received = self.receive().await?;
            empty += u32::from(received.is_empty());
            for message in &received {
                self.hidden.insert(message.letter.message_id.clone(), message.handle.clone());
            }
            let (fresh, seen): (Vec<_>, Vec<_>) =
                received.into_iter().partition(|message| self.seen.insert(message.letter.message_id.clone()));
            again += seen.len();
            // its time was up before all others were looked at, or SQS has handed it out twice
            self.leave_alone(&seen).await;
            if !fresh.is_empty() {
                return Ok(Some(fresh));
            }
        }
        Ok(None)
    }

    async fn receive(&self) -> Result<Vec<Message>, DeadLetterError> {
        let request = self.client.receive_message().queue_url(self.url).max_number_of_messages(10);
        let request =
            request.visibility_timeout(HIDDEN_SECONDS).wait_time_seconds(self.patience.wait_seconds);
        let request = request.message_system_attribute_names(MessageSystemAttributeName::SentTimestamp);
        let answer = request.message_attribute_names("All").send().await.map_err(DeadLetterError::sqs)?;
        Ok(answer.messages.unwrap_or_default().into_iter().filter_map(read).collect())
    }

    /// Deletes messages of the last batch; says how many are gone.
    ///
    /// # Errors
    /// When SQS does not answer.
    pub async fn delete(&mut self, messages: &[&Message]) -> Result<u64, DeadLetterError> {
        if messages.is_empty() {
            return Ok(0);
        }
        let entry = |(index, message): (usize, &&Message)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string());
            entry.receipt_handle(&message.handle).build().ok()
        };
        let entries = messages.iter().enumerate().filter_map(entry).collect();
        let request = self.client.delete_message_batch().queue_url(self.url).set_entries(Some(entries));
        let answer = request.send().await.map_err(DeadLetterError::sqs)?;
        let gone = answer.successful().iter().filter_map(|it| messages.get(it.id().parse::<usize>().ok()?));
        let before = self.hidden.len();
        for message in gone {
            self.hidden.remove(&message.letter.message_id);
        }
        Ok((before - self.hidden.len()) as u64)
    }

    /// Keeps messages out of the batches to come.
    pub async fn leave_alone(&self, messages: &[Message]) {
        let handles: Vec<_> = messages.iter().map(|message| message.handle.clone()).collect();
        self.hide(&handles, self.patience.left_alone_seconds).await;
    }

    /// Makes what is still there visible again. If this fails, it becomes visible by itself.
    pub async fn show_again(self) {
        self.hide(&self.hidden.values().cloned().collect::<Vec<_>>(), 0).await;
    }

    async fn hide(&self, handles: &[String], seconds: i32) {
        for chunk in handles.chunks(10) {
            let entry = |(index, handle): (usize, &String)| {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(index.to_string());
                entry.receipt_handle(handle).visibility_timeout(seconds).build().ok()
            };
            let entries = chunk.iter().enumerate().filter_map(entry).collect();
            let request = self.client.change_message_visibility_batch().queue_url(self.url);
            if let Err(error) = request.set_entries(Some(entries)).send().await {
                tracing::warn!(error = comms::chain(&error), "some messages stay hidden for a while");
                return;
            }
        }
    }
}

fn read(message: aws_sdk_sqs::types::Message) -> Option<Message> {
    let (id, handle) = (message.message_id?, message.receipt_handle?);
    let (body, attributes) =
        (message.body.unwrap_or_default(), message.message_attributes.unwrap_or_default());
    let values: HashMap<_, _> =
        attributes.iter().filter_map(|(name, value)| Some((name.as_str(), value.string_value()?))).collect();
    let sent =
        message.attributes.and_then(|all| all.get(&MessageSystemAttributeName::SentTimestamp)?.parse().ok());
    let letter = Letter::read(&id, &body, &values, sent);
    Some(Message { body, handle, letter })
}

/// The number of messages in a queue, hidden ones included.
///
/// # Errors
/// When SQS does not answer.
pub async fn count(client: &Client, url: &str) -> Result<u64, DeadLetterError> {
    let names = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    ];
    let request = client.get_queue_attributes().queue_url(url).set_attribute_names(Some(names.to_vec()));
    let answer = request.send().await.map_err(DeadLetterError::sqs)?;
    let attributes = answer.attributes.unwrap_or_default();
    let value = |name| attributes.get(name).and_then(|count| count.parse::<u64>().ok()).unwrap_or_default();
    Ok(names.iter().map(value).sum())
}
