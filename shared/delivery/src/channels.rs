//! Sending and asking, by channel.
//!
//! Owns no state: whoever calls has marked the communication as being sent, and asks after a crash. A
//! document of which one output does not hash to what was archived is not sent by any channel.

use crate::{
    Accepted, AskCall, DeliveryError, EmailOutcome, SendCall, SendOutput, SendStatus, StatusCall, email,
    email_status, print::Spool,
};
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
}

impl Channels {
    pub fn new(
        http: reqwest::Client,
        tokens: Arc<TokenSource>,
        s3: aws_sdk_s3::Client,
        operations_bucket: String,
    ) -> Self {
        Self { http, tokens, s3, operations_bucket }
    }

    /// Sends a document. For channel `exstream` composing was sending, and there is nothing left to do.
    ///
    /// # Errors
    /// [`DeliveryError`]. Of class [`comms::Class::Unknown`] if the document may be on its way: such a send
    /// must not be repeated without asking.
    pub async fn send(&self, call: SendCall<'_>) -> Result<Accepted, DeliveryError> {
        if !call.outputs.iter().all(is_archived) {
            return Err(DeliveryError::NotArchived);
        }
        match call.channel {
            Channel::Email => email::send(&self.http, &self.tokens, &call).await,
            Channel::Print => {
                let left = call.budget.left().map_err(|_| DeliveryError::OutOfTime)?;
                self.spool(left).send(&call).await
            }
            Channel::Exstream => Ok(Accepted { reference: Channel::Exstream.name().to_owned() }),
        }
    }

    /// Whether an earlier `send` of the same communication by the same channel happened. Only the spool can
    /// tell: Core Messaging looks jobs up by the job id that was lost, Exstream not at all.
    ///
    /// # Errors
    /// [`DeliveryError::Spool`] if the spool cannot be asked.
    pub async fn ask(&self, call: AskCall<'_>) -> Result<SendStatus, DeliveryError> {
        match call.channel {
            Channel::Print => self.spool(call.timeout).ask(&call).await,
            Channel::Email | Channel::Exstream => Ok(SendStatus::CannotTell),
        }
    }

    /// What became of an accepted e-mail.
    ///
    /// # Errors
    /// [`DeliveryError`]; asking has no effect, so every class but permanent means: ask again later.
    pub async fn email_status(&self, call: StatusCall<'_>) -> Result<EmailOutcome, DeliveryError> {
        email_status::status(&self.http, &self.tokens, call).await
    }

    /// Whether Core Messaging answers a question at all. Has no effect there.
    pub async fn email_answers(&self, call: StatusCall<'_>) -> bool {
        email_status::answers(&self.http, &self.tokens, call).await
    }

    fn spool(&self, timeout: Duration) -> Spool<'_> {
        Spool { s3: &self.s3, bucket: &self.operations_bucket, timeout }
    }
}

fn is_archived(output: &SendOutput<'_>) -> bool {
    output.sha256.eq_ignore_ascii_case(&hex::encode(Sha256::digest(output.bytes)))
}
