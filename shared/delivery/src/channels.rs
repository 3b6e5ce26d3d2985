//! Sending and asking, by channel.
//!
//! Owns no state: whoever calls has marked the communication as being sent, and asks after a crash. A
//! document of which one output does not hash to what was archived is not sent by any channel.

use crate::{
    Accepted, AskCall, DeliveryError, JobOutcome, Page, PageCall, SendCall, SendOutput, SendStatus,
    StatusCall, WebPages, email, job_status, messaging, print::Spool, sms, whatsapp,
};
use bytes::Bytes;
use exstream::TokenSource;
use sha2::{Digest, Sha256};
use shop_config::Channel;
use std::{sync::Arc, time::Duration};

/// The clients that all channels send with, shared by every shop.
pub struct Channels {
    http: reqwest::Client,
    tokens: Arc<TokenSource>,
    s3: aws_sdk_s3::Client,
    operations_bucket: String,
    pages: Option<WebPages>,
}

impl Channels {
    /// Channels that publish no pages.
    pub fn new(
        http: reqwest::Client,
        tokens: Arc<TokenSource>,
        s3: aws_sdk_s3::Client,
        operations_bucket: String,
    ) -> Self {
        Self { http, tokens, s3, operations_bucket, pages: None }
    }

    /// The same, that publish pages here.
    #[must_use]
    pub fn publishing(self, pages: WebPages) -> Self {
        Self { pages: Some(pages), ..self }
    }

    /// Sends a document. For channel `exstream` composing was sending, and there is nothing left to do. A page is
    /// published by [`Channels::publish`].
    ///
    /// # Errors
    /// [`DeliveryError`]. Of class [`comms::Class::Unknown`] if the document may be on its way: such a send
    /// must not be repeated without asking.
    pub async fn send(&self, call: SendCall<'_>) -> Result<Accepted, DeliveryError> {
        if !call.outputs.iter().all(is_archived) {
            return Err(DeliveryError::NotArchived);
        }
        match call.channel {
            Channel::Email => self.submit(&call, email::message(&call)?).await,
            Channel::Sms => self.submit(&call, sms::message(&call)?).await,
            Channel::WhatsApp => self.submit(&call, whatsapp::message(&call)?).await,
            Channel::Web => Err(DeliveryError::Settings("a page is published, not sent")),
            Channel::Print => {
                let left = call.budget.left().map_err(|_| DeliveryError::OutOfTime)?;
                self.spool(left).send(&call).await
            }
            Channel::Exstream => Ok(Accepted { reference: Channel::Exstream.name().to_owned() }),
        }
    }

    async fn submit(&self, call: &SendCall<'_>, message: Bytes) -> Result<Accepted, DeliveryError> {
        messaging::submit(&self.http, &self.tokens, call, message).await
    }

    /// Publishes a document, or finds what an earlier attempt has published.
    ///
    /// # Errors
    /// [`DeliveryError`], never of class unknown: publishing bears repetition.
    pub async fn publish(&self, call: PageCall<'_>) -> Result<Page, DeliveryError> {
        self.pages()?.publish(call).await
    }

    /// Where pages are published, if this deployment has any.
    pub const fn web_pages(&self) -> Option<&WebPages> {
        self.pages.as_ref()
    }

    fn pages(&self) -> Result<&WebPages, DeliveryError> {
        self.pages.as_ref().ok_or(DeliveryError::Settings("this function publishes no pages"))
    }

    /// Whether an earlier `send` of the same communication by the same channel happened. Only the spool and the pages
    /// can tell: Core Messaging looks jobs up by the job id that was lost, Exstream not at all.
    ///
    /// # Errors
    /// [`DeliveryError`] if the channel cannot be asked.
    pub async fn ask(&self, call: AskCall<'_>) -> Result<SendStatus, DeliveryError> {
        match call.channel {
            Channel::Print => self.spool(call.timeout).ask(&call).await,
            Channel::Web => Ok(match self.pages()?.find(call.communication).await? {
                Some(reference) => SendStatus::Accepted { reference },
                None => SendStatus::NotSent,
            }),
            Channel::Email | Channel::Sms | Channel::WhatsApp | Channel::Exstream => {
                Ok(SendStatus::CannotTell)
            }
        }
    }

    /// What became of a message that Core Messaging accepted.
    ///
    /// # Errors
    /// [`DeliveryError`]; asking has no effect, so every class but permanent means: ask again later.
    pub async fn job_status(&self, call: StatusCall<'_>) -> Result<JobOutcome, DeliveryError> {
        job_status::status(&self.http, &self.tokens, call).await
    }

    /// Whether Core Messaging answers a question at all. Has no effect there.
    pub async fn messaging_answers(&self, call: StatusCall<'_>) -> bool {
        messaging::answers(&self.http, &self.tokens, call).await
    }

    fn spool(&self, timeout: Duration) -> Spool<'_> {
        Spool { s3: &self.s3, bucket: &self.operations_bucket, timeout }
    }
}

fn is_archived(output: &SendOutput<'_>) -> bool {
    output.sha256.eq_ignore_ascii_case(&hex::encode(Sha256::digest(output.bytes)))
}
