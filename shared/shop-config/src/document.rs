//! The settings of one document.

use crate::{AttachmentConfig, DocumentPrint, OutputConfig, placeholders::has_link};
use comms::{Document, MessageClass, Undelivered, names};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One document, with the name it has under [The flows](use-cases.md#the-flows).
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentConfig {
    /// Whether the document is made.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// No event leads to the document: it waits until somebody asks for it, such as a
    /// [workflow of Shopify Flow](use-cases.md#shopify-flow). For `order-confirmation`, `receipt` and
    /// `cancellation-letter`.
    #[serde(default)]
    pub on_request: bool,
    /// The id of Exstream's communication (orchestration), or the service's name (service gateway).
    pub communication: String,
    /// The production data source that the driver data is mapped to. Orchestration needs it.
    #[serde(default)]
    pub data_source: String,
    /// How driver data is written. XML has the same shape below `<driver>`.
    #[serde(default)]
    pub driver_format: DriverFormat,
    /// The media type of the document, where the composition yields one; anything else is a failure. Default:
    /// `application/pdf`. For several, see `outputs`. `email` carries `application/pdf` (attached) and
    /// `text/html` (as the message); `print` carries both, and AFP (`application/vnd.afpc.modca`), PCL
    /// (`application/vnd.hp-pcl`), PostScript (`application/postscript`) and TIFF (`image/tiff`).
    pub output: Option<String>,
    /// How Exstream is asked to answer: an envelope with names and queues, or the document alone (`raw`).
    /// Orchestration only.
    #[serde(default)]
    pub answer: Answer,
    /// The account that owns editable output (`application/vnd.exstream-empower`). A service client's account has the
    /// suffix `@OAuthClients`. Orchestration only.
    pub empower_user: Option<String>,
    /// Channels in order of preference. The first that can reach the recipient sends. Empty: archive only.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// One of `brands`, if it is not `brand`.
    pub brand: Option<String>,
    /// The locales this document's template speaks, if they are not the shop's.
    pub locales: Option<Vec<String>>,
    /// How carefully the document is sent. Default: `marketing` for offers, `regulated` for exception letters,
    /// `transactional` for all others.
    pub message_class: Option<MessageClass>,
    /// The class of `retention` by which it is kept. Default: `marketing` for documents of that message class, `statutory`
    /// for all others.
    pub retention: Option<String>,
    /// The version that must be the latest approved one; with another one nothing is composed. Needs
    /// `exstream.catalogue`.
    pub template_pin: Option<u32>,
    /// The hash of the parts that must be in force: the record's `template.parts.sha256`, which `ctl preview` shows
    /// as well; with other parts nothing is composed. Needs `exstream.catalogue`.
    pub parts_pin: Option<String>,
    /// What a PDF must claim to be: `pdf/a`, `pdf/ua`, or a list of both. One that does not is neither archived nor
    /// sent.
    #[serde(default)]
    pub require: Require,
    /// What to do if a crash or a lost answer leaves a send that the channel cannot tell about.
    #[serde(default)]
    pub on_unknown: OnUnknown,
    /// The e-mail's subject by locale. `{order}` and `{name}` both stand for what the document is about: the order's
    /// name, the statement's period, the title of the offer or product; `{brand}` for the brand's name. The channel
    /// `email` needs it for the default locale.
    #[serde(default)]
    pub subject: BTreeMap<String, String>,
    /// The e-mail's text by locale, where the document is attached and is not the text itself. Plain text of up to 4000
    /// characters, with the placeholders of `subject`, and `{link}` for the document's page, which is published then.
    /// Default: the subject and the brand's name.
    #[serde(default)]
    pub message: BTreeMap<String, String>,
    /// The name of the attached file by locale, such as `Receipt {order}.pdf`, with the placeholders of `subject`.
    /// Default: what the document is about, in letters and digits.
    #[serde(default)]
    pub file_name: BTreeMap<String, String>,
    /// The text message by locale, with the placeholders of `message`. The channel `sms` needs it for the default
    /// locale.
    #[serde(default)]
    pub sms: BTreeMap<String, String>,
    /// The WhatsApp template by locale. The channel `whatsapp` needs it for the default locale.
    #[serde(default)]
    pub whatsapp: BTreeMap<String, WhatsAppTemplate>,
    /// When the next of `channels` is tried, with a further issue of the document: after `bounced` and `refused` the
    /// channel certainly did not deliver; `no-outcome` says that a day's silence counts as that. Never after doubt. Not
    /// for marketing.
    #[serde(default)]
    pub next_channel_on: Vec<Undelivered>,
    /// How this document is printed, where it differs from `[delivery.print]`.
    #[serde(default)]
    pub print: DocumentPrint,
    /// Tags for the order or customer, added once a channel accepted the document, or once it is archived if it has no
    /// channel. At most 40 characters each, no comma.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Order confirmations only: send another one after an order edit. Not with `on_request`.
    #[serde(default)]
    pub after_edits: bool,
    /// Order confirmations only: ask Shopify for each line's picture and product page, which events do not have. This
    /// costs one more query per confirmation; receipts have them anyway.
    #[serde(default)]
    pub pictures: bool,
    /// Compose and archive under `test/`; deliver and report nothing. The copy is locked for one day.
    #[serde(default)]
    pub dry_run: bool,
    /// When this document was switched on. Earlier events lead to none, however late they arrive.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub since: Option<Timestamp>,
    /// The outputs of the composition, where there are several: an e-mail's text and what is attached to it, a letter
    /// and its label. The first is the one that reports and `ctl` call the document. At most 8, each with a media type
    /// or a queue of its own. What Exstream yields besides is not kept, but for the pictures of a page.
    #[serde(default)]
    pub outputs: Vec<OutputConfig>,
    /// Files from elsewhere that go with the e-mail, such as the labels of a return: PDF, together up to 1 MB and with the
    /// outputs at most 8. They are fetched once, archived and recorded like an output.
    #[serde(default)]
    pub attachments: Vec<AttachmentConfig>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DriverFormat {
    #[default]
    Json,
    Xml,
}

/// A standard for PDF files. That one is claimed is checked for every document, whether it is kept is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Standard {
    /// For archives: the file needs nothing from outside to be shown as it was.
    #[serde(rename = "pdf/a")]
    PdfA,
    /// For accessibility: the file can be read aloud.
    #[serde(rename = "pdf/ua")]
    PdfUa,
}

impl Standard {
    /// As people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PdfA => "PDF/A",
            Self::PdfUa => "PDF/UA",
        }
    }
}

/// One standard or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected \"pdf/a\", \"pdf/ua\" or a list of both")]
pub enum Require {
    One(Standard),
    Several(Vec<Standard>),
}

impl Default for Require {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl Require {
    pub fn standards(&self) -> &[Standard] {
        match self {
            Self::One(standard) => std::slice::from_ref(standard),
            Self::Several(standards) => standards,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    #[default]
    Envelope,
    Raw,
}

names! {
    /// A way to the customer.
    Channel, "channel", {
        /// Exstream's own output channel sends while it composes.
        Exstream = "exstream",
        /// OpenText Core Messaging.
        Email = "email",
        /// A spool in S3, for a print provider to collect.
        Print = "print",
        /// A text message by OpenText Core Messaging.
        Sms = "sms",
        /// A template message by OpenText Core Messaging.
        WhatsApp = "whatsapp",
        /// A page for the customer, behind a link.
        Web = "web",
    }
}

impl Channel {
    /// Whether Core Messaging carries it: it can be asked what became of a message, and not whether it took one.
    pub const fn is_messaging(self) -> bool {
        match self {
            Self::Email | Self::Sms | Self::WhatsApp => true,
            Self::Exstream | Self::Print | Self::Web => false,
        }
    }
}

/// One of WhatsApp's approved templates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhatsAppTemplate {
    /// As it was approved.
    pub template_id: String,
    /// As it was approved, such as `en`.
    pub language_code: String,
    /// What stands in the template's places, which are called `body[1]text`, `body[2]text` and so on. With the
    /// placeholders of `sms`.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnUnknown {
    /// A person decides (`ctl settle`).
    #[default]
    Hold,
    /// Send once more; the customer may get it twice. Transactional documents only.
    Resend,
}

impl DocumentConfig {
    pub fn class(&self, document: Document) -> MessageClass {
        self.message_class.unwrap_or_else(|| document.default_class())
    }

    /// The channels that come after this one, in order of preference.
    pub fn channels_after(&self, channel: Channel) -> &[Channel] {
        let place = self.channels.iter().position(|it| *it == channel);
        place.and_then(|place| self.channels.get(place.saturating_add(1)..)).unwrap_or_default()
    }

    /// Whether what a channel sends leads to the document's page, in any language. Then the page is published before.
    pub fn links_to_page(&self, channel: Channel) -> bool {
        match channel {
            Channel::Email => self.message.values().any(|text| has_link(text)),
            Channel::Sms => self.sms.values().any(|text| has_link(text)),
            Channel::WhatsApp => {
                self.whatsapp.values().flat_map(|it| it.parameters.values()).any(|text| has_link(text))
            }
            Channel::Exstream | Channel::Print | Channel::Web => false,
        }
    }
}

fn yes() -> bool {
    true
}
