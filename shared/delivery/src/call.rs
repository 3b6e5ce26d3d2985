//! What channels are called with, and what they answer.

use crate::{DeliveryError, Recipient};
use bytes::Bytes;
use comms::{CommunicationId, Document, PostalAddress, ShopDomain};
use exstream::{Budget, Credentials};
use jiff::Timestamp;
use shop_config::{Channel, DocumentConfig, ShopConfig, Use};
use std::{collections::BTreeMap, time::Duration};

/// One document to send, by one channel.
#[derive(Clone, Copy)]
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
    /// What was composed, the primary output first; never empty. Each channel takes those that are for it.
    pub outputs: &'a [SendOutput<'a>],
    /// Where a letter goes.
    pub postal_address: Option<&'a PostalAddress>,
    /// Dates the spool key and the manifest. Must be the same on every attempt: the moment the archive key
    /// is dated with.
    pub dated: Timestamp,
    /// The address of the document's page, where what is sent leads to it.
    pub link: Option<&'a str>,
    /// The address of the page that ends marketing, for marketing: fills `{unsubscribe}`, or ends an e-mail's text.
    pub unsubscribe_url: Option<&'a str>,
    /// The shop's credentials for the channel; not looked at by those that are not Core Messaging's.
    pub credentials: &'a Credentials,
    pub now: Timestamp,
    /// For everything, token included: a send that is not complete by its end does not happen. Core Messaging's end
    /// earlier if the shop's own time-out says so.
    pub budget: Budget,
}

/// One archived output of the document.
#[derive(Clone, Copy)]
pub struct SendOutput<'a> {
    /// What it is for. Empty for a document's only output, which every channel takes as far as its format allows.
    pub uses: &'a [Use],
    pub media_type: &'a str,
    pub bytes: &'a Bytes,
    /// The archived hash in hexadecimal; other bytes are not sent.
    pub sha256: &'a str,
    /// Of a PDF, where they are known.
    pub pages: Option<u32>,
    /// The queue of the template's design that it comes from.
    pub queue: Option<&'a str>,
    /// The configured names of its file, by locale.
    pub file_name: &'a BTreeMap<String, String>,
}

impl SendOutput<'_> {
    /// Whether it is for this.
    pub fn is_for(&self, wanted: Use) -> bool {
        wanted.is_among(self.uses, self.media_type)
    }
}

impl<'a> SendCall<'a> {
    /// The outputs that are for this, in the order of the configuration.
    pub fn outputs_for(&self, wanted: Use) -> impl Iterator<Item = &'a SendOutput<'a>> + use<'a> {
        self.outputs.iter().filter(move |output| output.is_for(wanted))
    }

    /// The first of them.
    ///
    /// # Errors
    /// [`DeliveryError::NoOutput`], or [`DeliveryError::MediaType`] where there is one output for all uses.
    pub fn output_for(&self, wanted: Use) -> Result<&'a SendOutput<'a>, DeliveryError> {
        self.outputs_for(wanted).next().ok_or_else(|| self.no_output(wanted))
    }

    /// That none of the outputs is for this.
    pub(crate) fn no_output(&self, wanted: Use) -> DeliveryError {
        match self.outputs {
            [only] if only.uses.is_empty() => DeliveryError::media_type(self.channel, only.media_type),
            _ => DeliveryError::NoOutput { channel: self.channel, wanted },
        }
    }
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
    /// Core Messaging: the job id. Print: the spooled object's key. Web: the first 32 digits of the token's hash.
    /// Exstream: always `exstream`, as no name Exstream gives a file identifies a send.
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
