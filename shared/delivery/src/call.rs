//! What channels are called with, and what they answer.

use crate::Recipient;
use bytes::Bytes;
use comms::{CommunicationId, Document, ShopDomain};
use exstream::{Budget, Credentials};
use jiff::Timestamp;
use shop_config::{Channel, DocumentConfig, ShopConfig};
use std::time::Duration;

/// One document to send, by one channel.
#[derive(Clone)]
pub struct SendCall<'a> {
    pub shop: &'a ShopDomain,
    pub config: &'a ShopConfig,
    pub document: Document,
    pub settings: &'a DocumentConfig,
    pub communication: &'a CommunicationId,
    pub channel: Channel,
    pub recipient: &'a Recipient,
    /// What a person calls the order or whatever the document is about, such as `#1001`: fills `{order}` and
    /// `{name}`, which mean the same, in the subject, and names the attachment.
    pub order_name: Option<&'a str>,
    pub content: &'a Bytes,
    pub media_type: &'a str,
    /// The archived hash in hexadecimal; other bytes are not sent.
    pub sha256: &'a str,
    pub pages: Option<u32>,
    /// Dates the spool key and the manifest. Must be the same on every attempt: the moment the archive key
    /// is dated with.
    pub dated: Timestamp,
    /// The shop's e-mail credentials; not looked at by the other channels.
    pub email_credentials: &'a Credentials,
    pub now: Timestamp,
    /// For everything, token included: a send that is not complete by its end does not happen. E-mail ends earlier
    /// if the shop's own time-out says so.
    pub budget: Budget,
}

/// An earlier attempt to ask about.
#[derive(Debug, Clone, Copy)]
pub struct AskCall<'a> {
    pub shop: &'a ShopDomain,
    pub document: Document,
    pub communication: &'a CommunicationId,
    pub channel: Channel,
    pub media_type: &'a str,
    /// As in [`SendCall::dated`].
    pub dated: Timestamp,
    pub now: Timestamp,
    pub timeout: Duration,
}

/// The channel took the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// E-mail: the job id. Print: the spooled object's key. Exstream: always `exstream`, as no name Exstream
    /// gives a file identifies a send.
    pub reference: String,
}

/// What a channel knows of an earlier attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendStatus {
    Accepted {
        reference: String,
    },
    NotSent,
    /// The channel has no documented way to find out.
    CannotTell,
}
