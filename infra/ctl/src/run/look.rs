//! One look at a run: the state that it keeps of itself, and what waits in the queues.

use super::Run;
use crate::{failure::Failure, stack::Stack};
use aws_sdk_sqs::types::QueueAttributeName as Attribute;
use comms::one_line;
use jiff::Timestamp;
use serde_json::Value;

/// What a run says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct RunState(Value);

impl RunState {
    /// Reads the state, if there is one.
    pub async fn read(stack: &Stack, run: &Run) -> Result<Option<Self>, Failure> {
        let (bucket, key) = (&stack.outputs.operations_bucket, run.key());
        let object = match stack.s3.get_object().bucket(bucket).key(&key).send().await {
            Ok(object) => object,
            // S3 tells nobody but those who may list everything that there is none
            Err(error) if objects::is_missing(&stack.s3, bucket, &key, &error).await => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let bytes = object.body.collect().await?.into_bytes();
        Ok(Some(Self(
            serde_json::from_slice(&bytes).map_err(|error| format!("the state {}: {error}", run.key()))?,
        )))
    }

    /// How it ended: well, or why not. A campaign has one stage, a statement run an outcome once it has ended.
    pub fn end(&self) -> Option<Result<(), String>> {
        match self.0["stage"].as_str().or(self.0["outcome"]["is"].as_str()) {
            Some("done") => Some(Ok(())),
            Some("failed") => {
                Some(Err(one_line(self.0["outcome"]["reason"].as_str().unwrap_or("it does not say why"))))
            }
            _ => None,
        }
    }

    /// Items that it has queued.
    pub fn queued(&self) -> u64 {
        let count = self.0["members"].as_u64().or_else(|| self.0["counts"]["queued"].as_u64());
        count.unwrap_or_default()
    }

    /// When it began.
    pub fn begun_at(&self) -> Option<Timestamp> {
        self.0["begun_at"].as_str().or(self.0["at"].as_str())?.parse().ok()
    }

    /// What it is about to read, for a person.
    pub fn parts(&self) -> Option<String> {
        let word = |value: &Value| one_line(value.as_str().unwrap_or("?"));
        let parts = self.0["parts"].as_array()?.iter();
        let parts: Vec<_> = parts
            .map(|part| format!("{} {}", word(&part["source"]["of"]), word(&part["stage"]["is"])))
            .collect();
        Some(parts.join(", ")).filter(|text| !text.is_empty())
    }
}

/// What is in the queues of a run and its documents' flow, and why nothing moves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Queues {
    /// The run's own messages.
    pub of_run: u64,
    /// Of the flow.
    pub of_flow: u64,
    pub dead_of_run: u64,
    pub dead_of_flow: u64,
    /// The shop's work of the flow is paused, or a service is ill.
    pub held: Option<String>,
}

impl Queues {
    pub async fn read(stack: &Stack, run: &Run) -> Result<Self, Failure> {
        let flow = run.flow();
        let state = stack.ledger.shop_state(&run.shop).await?;
        let paused = state.paused.iter().find(|(of, _)| **of == flow);
        let held =
            paused.map(|(_, it)| format!("{flow} is paused by {}: {}", it.actor, it.reason)).or_else(|| {
                let now = Timestamp::now().as_millisecond();
                let (service, _) = state.ill.iter().find(|(_, ill)| ill.until_epoch_ms > now)?;
                Some(format!("{service} is ill, and is tried again now and then"))
            });
        Ok(Self {
            of_run: depth(stack, stack.queue_url(run.queue())?).await?,
            of_flow: depth(stack, stack.queue_url(flow.name())?).await?,
            dead_of_run: depth(stack, stack.dead_letter_queue(run.queue())?).await?,
            dead_of_flow: depth(stack, stack.dead_letter_queue(flow.name())?).await?,
            held,
        })
    }
}

/// The messages of a queue: those that can be received, are put off, or are worked on. An estimate of SQS.
async fn depth(stack: &Stack, url: &str) -> Result<u64, Failure> {
    let names = [
        Attribute::ApproximateNumberOfMessages,
        Attribute::ApproximateNumberOfMessagesDelayed,
        Attribute::ApproximateNumberOfMessagesNotVisible,
    ];
    let request = stack.sqs.get_queue_attributes().queue_url(url).set_attribute_names(Some(names.to_vec()));
    let attributes = request.send().await?.attributes.unwrap_or_default();
    let value = |name| attributes.get(name).and_then(|count| count.parse::<u64>().ok()).unwrap_or_default();
    Ok(names.iter().map(value).sum())
}
