//! The channels that deliver: how each is reached, and what it may do.

use crate::{Channel, Print, Token};
use comms::{HttpsUrl, MessageClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How to reach the channels that deliver.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Delivery {
    /// E-mail by OpenText Core Messaging. Required if a document has the channel `email`.
    pub email: Option<Email>,
    /// SMS by OpenText Core Messaging. Required if a document has the channel `sms`.
    pub sms: Option<Sms>,
    /// WhatsApp by OpenText Core Messaging. Required if a document has the channel `whatsapp`.
    pub whatsapp: Option<WhatsApp>,
    /// Pages for customers, behind links. Required if a document has the channel `web`, or a text with `{link}`.
    pub web: Option<Web>,
    /// How documents are printed and posted.
    pub print: Print,
}

/// OpenText Core Messaging.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// Scheme and host, such as `https://t2api.us.cloudmessaging.opentext.com`.
    pub base_url: HttpsUrl,
    /// How an access token for Core Messaging is obtained.
    pub token: Token,
    /// The time for one message.
    #[schemars(range(min = 100, max = 600_000))]
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u64,
    /// For how many days Core Messaging is asked whether an e-mail came back after it was delivered.
    #[schemars(range(min = 1, max = 60))]
    #[serde(default = "default_watch_days")]
    pub watch_days: u16,
    /// The same for marketing, whose recipients may also opt out. Each day is one more question for each e-mail.
    #[schemars(range(min = 1, max = 60))]
    #[serde(default = "default_marketing_watch_days")]
    pub marketing_watch_days: u16,
    /// Whether it is noted when a recipient first opened an e-mail, as Core Messaging's `html_open` says. Off, so that
    /// nobody is watched unless the shop has a reason and may; many mail programs open pictures for their readers, or
    /// none.
    #[serde(default)]
    pub note_openings: bool,
}

/// Text messages by OpenText Core Messaging.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sms {
    /// Scheme and host, such as `https://t2api.us.cloudmessaging.opentext.com`.
    pub base_url: HttpsUrl,
    /// How an access token for Core Messaging is obtained.
    pub token: Token,
    /// The time for one message.
    #[schemars(range(min = 100, max = 600_000))]
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u64,
    /// For how many days Core Messaging is asked what became of a message.
    #[schemars(range(min = 1, max = 60))]
    #[serde(default = "default_watch_days")]
    pub watch_days: u16,
    /// The segments that one message may have, each of which is charged. A text that needs more is not sent.
    #[schemars(range(min = 1, max = 10))]
    #[serde(default = "default_most_segments")]
    pub most_segments: u16,
    /// What stands before a number's country code.
    #[serde(default)]
    pub number_prefix: NumberPrefix,
    /// The account that pays, as Core Messaging's `billing_code`.
    pub billing_code: Option<String>,
}

/// WhatsApp template messages by OpenText Core Messaging.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhatsApp {
    /// Scheme and host, such as `https://t2api.us.cloudmessaging.opentext.com`.
    pub base_url: HttpsUrl,
    /// How an access token for Core Messaging is obtained.
    pub token: Token,
    /// The time for one message.
    #[schemars(range(min = 100, max = 600_000))]
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u64,
    /// For how many days Core Messaging is asked what became of a message.
    #[schemars(range(min = 1, max = 60))]
    #[serde(default = "default_watch_days")]
    pub watch_days: u16,
    /// What stands before a number's country code. OpenText publishes no example, so it is asked for here.
    pub number_prefix: NumberPrefix,
}

/// How a telephone number begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum NumberPrefix {
    /// As in OpenText's example of an SMS.
    #[default]
    #[serde(rename = "00")]
    Zeros,
    /// E.164.
    #[serde(rename = "+")]
    Plus,
    /// The country code comes first.
    #[serde(rename = "")]
    Nothing,
}

/// Pages for customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Web {
    /// For how many days a link opens its document.
    #[schemars(range(min = 1, max = 400))]
    #[serde(default = "default_valid_days")]
    pub valid_days: u16,
}

/// What all of Core Messaging's channels have in common.
#[derive(Debug, Clone, Copy)]
pub struct Messaging<'a> {
    pub base_url: &'a HttpsUrl,
    pub token: &'a Token,
    pub timeout: Duration,
    /// For how many days after it took a message it is asked about it.
    pub watch_days: u16,
}

impl Delivery {
    /// How a channel of Core Messaging is reached; `None` for other channels, and for one without its section.
    pub fn messaging(&self, channel: Channel, class: MessageClass) -> Option<Messaging<'_>> {
        match channel {
            Channel::Email => self.email.as_ref().map(|it| Messaging {
                base_url: &it.base_url,
                token: &it.token,
                timeout: Duration::from_millis(it.timeout_ms),
                watch_days: match class {
                    MessageClass::Marketing => it.marketing_watch_days,
                    MessageClass::Transactional | MessageClass::Regulated => it.watch_days,
                },
            }),
            Channel::Sms => self.sms.as_ref().map(|it| Messaging {
                base_url: &it.base_url,
                token: &it.token,
                timeout: Duration::from_millis(it.timeout_ms),
                watch_days: it.watch_days,
            }),
            Channel::WhatsApp => self.whatsapp.as_ref().map(|it| Messaging {
                base_url: &it.base_url,
                token: &it.token,
                timeout: Duration::from_millis(it.timeout_ms),
                watch_days: it.watch_days,
            }),
            Channel::Exstream | Channel::Print | Channel::Web => None,
        }
    }
}

impl NumberPrefix {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Zeros => "00",
            Self::Plus => "+",
            Self::Nothing => "",
        }
    }
}

fn default_timeout_ms() -> u64 {
    15_000
}

fn default_watch_days() -> u16 {
    3
}

fn default_marketing_watch_days() -> u16 {
    14
}

fn default_most_segments() -> u16 {
    3
}

fn default_valid_days() -> u16 {
    90
}
