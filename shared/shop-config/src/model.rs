//! The configuration's types. Defaults are the values shown in OpenText's and Shopify's own documentation.

use crate::{Exceptions, Marketing, Returns, Shipping, Statements};
use comms::{Document, Flow, HttpsUrl, MessageClass, ShopDomain, names};
use jiff::{Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// Keys outside any table.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShopConfig {
    /// The version of this format: 1.
    pub version: u32,
    /// The shop's permanent domain. Must be the domain the file is stored under.
    pub shop: ShopDomain,
    /// The shop's IANA time zone, such as `Europe/Paris`. Dates in documents, schedules and quiet hours use it.
    #[serde(with = "time_zone")]
    #[schemars(with = "String")]
    pub time_zone: TimeZone,
    /// The locale of a document whose customer asked for none of `locales`.
    pub default_locale: String,
    /// The locales the templates speak. A document takes the one that is closest to the customer's. Empty: only the
    /// default one.
    #[serde(default)]
    pub locales: Vec<String>,
    pub brand: Brand,
    /// Further brands, by names of your own, for documents that name one.
    #[serde(default)]
    pub brands: BTreeMap<String, Brand>,
    /// Compose and archive everything under `test/`; deliver and report nothing.
    #[serde(default)]
    pub dry_run: bool,
    #[serde(default)]
    pub shopify: Shopify,
    pub exstream: Exstream,
    #[serde(default)]
    pub delivery: Delivery,
    #[serde(default)]
    pub write_back: WriteBack,
    #[serde(default)]
    pub shipping: Shipping,
    #[serde(default)]
    pub returns: Returns,
    #[serde(default)]
    pub exceptions: Exceptions,
    #[serde(default)]
    pub marketing: Marketing,
    /// The search in Shopify for missed events. Without this table, nobody looks for them.
    pub reconcile: Option<Reconcile>,
    /// Statements of trade accounts. Without this table, there are none.
    pub statements: Option<Statements>,
    /// The documents that this shop sends. A document that is not here is off. Settings apply once
    /// per communication: an order that was handled in a dry run, or archived only, is not sent later when the setting
    /// changes.
    pub documents: BTreeMap<Document, DocumentConfig>,
}

/// Who writes to the customer.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Brand {
    /// The name in documents, and the name that e-mails come from.
    pub name: String,
    /// The address for questions, in documents, and where replies to e-mails go.
    pub reply_to: Option<String>,
    /// The name that e-mails come from, if it is not `name`.
    pub sender: Option<String>,
    /// The company's name in the commercial register, such as `Northwind Outfitters SAS`.
    pub legal_name: Option<String>,
    /// The lines of the company's postal address.
    #[serde(default)]
    pub address: Vec<String>,
    /// The company's VAT identification number, such as `FR12345678901`.
    pub vat_number: Option<String>,
    /// The company's number in the commercial register, with the register's name, such as `RCS Le Havre 123 456 789`.
    pub register_number: Option<String>,
    /// The telephone number for questions.
    pub phone: Option<String>,
    /// The brand's own page, as `https://`.
    pub url: Option<HttpsUrl>,
}

/// How to reach the shop's Admin API. The credentials are in the shop's secret.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Shopify {
    /// The address of the Admin API, if it is not `https://<shop>`.
    pub base_url: Option<HttpsUrl>,
    /// The version of the Admin API.
    pub api_version: String,
    /// The time for one request.
    #[schemars(range(min = 100, max = 600_000))]
    pub timeout_ms: u64,
}

impl Default for Shopify {
    fn default() -> Self {
        Self { base_url: None, api_version: "2026-10".to_owned(), timeout_ms: 10_000 }
    }
}

/// How to reach Exstream. The credentials are in the shop's secret.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exstream {
    /// Which interface is called.
    pub adapter: Adapter,
    /// Scheme and host, such as `https://communication.us.api.opentext.com`.
    pub base_url: HttpsUrl,
    /// Orchestration: the domain. Service gateway: the tenant.
    pub domain: String,
    /// Orchestration: the last path segment (`generate` on SaaS, the HTTP input channel's name elsewhere).
    #[serde(default = "default_service")]
    pub service: String,
    /// The path of a request, with `{domain}`, `{service}` and `{tenant}`. Default for orchestration:
    /// `/orchestration/api/v1/inputs/ondemand/{domain}/{service}`; for the service gateway:
    /// `/{tenant}/sgw/v1/communications?name={service}&version=1`.
    pub path: Option<String>,
    /// The path of the design service, where template versions are looked up.
    #[serde(default = "default_design_path")]
    pub design_path: String,
    /// Whether template versions can be looked up. Off where the design service is closed to this client.
    #[serde(default = "yes")]
    pub catalogue: bool,
    /// Headers of every request to Exstream: CSRF tokens, flow variables, whatever a private deployment needs.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The time for one document.
    #[schemars(range(min = 100, max = 600_000))]
    #[serde(default = "default_compose_timeout_ms")]
    pub timeout_ms: u64,
    /// The largest answer that is accepted, in bytes as they are sent: base64 makes a document a third larger.
    #[schemars(range(min = 1, max = 33_554_432))]
    #[serde(default = "default_max_output_bytes")]
    pub max_output_bytes: usize,
    /// What stands around a customer's driver data, on demand and in batches alike.
    #[serde(default)]
    pub driver_root: DriverRoot,
    /// How an access token for Exstream is obtained.
    pub token: Token,
}

/// The root of a driver file. Data maps match whole paths from it, so every request has the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DriverRoot {
    /// `{"customers":[{…}]}`, in XML `<driver><customers>…</customers></driver>`.
    #[default]
    Customers,
    /// The customer's object alone. Not with batches, because a file then has one customer.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Adapter {
    /// Orchestration REST of Cloud Native and SaaS.
    Orchestration,
    /// Service gateway of the 16.x communications server.
    Sgw,
}

/// How an access token is obtained. The credentials are in the shop's secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum Token {
    /// `POST` of a JSON body to the OpenText API gateway. Secret: `client_id`, `client_secret`.
    GatewayJson {
        /// The address of the token service.
        url: HttpsUrl,
    },
    /// `POST` of a form to the OpenText API gateway, with the credentials as HTTP Basic. Secret: `client_id`,
    /// `client_secret`.
    GatewayForm {
        /// The address of the token service.
        url: HttpsUrl,
    },
    /// `POST` of a form to OTDS on SaaS. Secret: `client_id`, `client_secret`.
    OtdsSaas {
        /// The address of the token service.
        url: HttpsUrl,
        /// The scope that is asked for.
        scope: String,
    },
    /// `POST` of a form to an OTDS of your own. Secret: `client_id`, `client_secret`.
    OtdsLocal {
        /// The address of the token service.
        url: HttpsUrl,
        /// The scope that is asked for.
        #[serde(default = "default_otds_scope")]
        scope: String,
    },
    /// A ticket of OTDS, sent as `OTDSTicket`. Secret: `username`, `password`.
    OtdsTicket {
        /// The address of the ticket service.
        url: HttpsUrl,
        /// What the OTDS calls the user's name; newer versions say `user_name`.
        #[serde(default)]
        user_field: UserField,
    },
    /// HTTP Basic with every request, in place of a token; Core Messaging takes it. Secret: `username`, `password`, or
    /// `client_id`, `client_secret`.
    Basic,
    /// No token: a private network vouches for the caller. No secret.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum UserField {
    #[default]
    #[serde(rename = "userName")]
    UserName,
    #[serde(rename = "user_name")]
    UserUnderscoreName,
}

impl UserField {
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserName => "userName",
            Self::UserUnderscoreName => "user_name",
        }
    }
}

/// How to reach the channels that deliver.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Delivery {
    /// E-mail by OpenText Core Messaging. Required if a document has the channel `email`.
    pub email: Option<Email>,
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
    #[serde(default = "default_email_timeout_ms")]
    pub timeout_ms: u64,
    /// For how many days Core Messaging is asked whether an e-mail came back after it was delivered.
    #[schemars(range(min = 1, max = 60))]
    #[serde(default = "default_watch_days")]
    pub watch_days: u16,
    /// The same for marketing, whose recipients may also opt out. Each day is one more question for each e-mail.
    #[schemars(range(min = 1, max = 60))]
    #[serde(default = "default_marketing_watch_days")]
    pub marketing_watch_days: u16,
}

/// Reports to Shopify.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WriteBack {
    /// Whether Shopify is told what became of documents.
    pub enabled: bool,
    /// The namespace of the metafield with the status list, at least 3 characters.
    pub namespace: String,
    /// The key of that metafield, at least 2 characters.
    pub key: String,
}

impl Default for WriteBack {
    fn default() -> Self {
        Self { enabled: true, namespace: "$app:communications".to_owned(), key: "status".to_owned() }
    }
}

/// The search in Shopify for missed events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reconcile {
    /// When this shop began to use this system, such as `2026-11-22T00:00:00Z`. Earlier events were handled by the
    /// previous system.
    #[schemars(with = "String")]
    pub since: Timestamp,
}

/// One document, with the name it has under [The flows](use-cases.md#the-flows).
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentConfig {
    /// Whether the document is made.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The id of Exstream's communication (orchestration), or the service's name (service gateway).
    pub communication: String,
    /// The production data source that the driver data is mapped to. Orchestration needs it.
    #[serde(default)]
    pub data_source: String,
    /// How driver data is written. XML has the same shape below `<driver>`.
    #[serde(default)]
    pub driver_format: DriverFormat,
    /// The media type that is expected; anything else is a failure. `email` carries `application/pdf` (attached) and
    /// `text/html` (as the message), `print` the same two.
    #[serde(default = "default_output")]
    pub output: String,
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
    /// For how many days the archive refuses to delete the document. 2557 days are seven years. At most what the
    /// deployment allows (`maxRetentionDays`).
    #[schemars(range(min = 1))]
    #[serde(default = "default_retention_days")]
    pub retention_days: u16,
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
    /// name, the statement's period, the title of the offer or product. The channel `email` needs it for the default
    /// locale.
    #[serde(default)]
    pub subject: BTreeMap<String, String>,
    /// Tags for the order or customer, added once a channel accepted the document, or once it is archived if it has no
    /// channel. At most 40 characters each, no comma.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Order confirmations only: send another one after an order edit.
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
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
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
    }
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

impl ShopConfig {
    /// The settings of a document that is switched on.
    pub fn document(&self, document: Document) -> Option<&DocumentConfig> {
        self.documents.get(&document).filter(|config| config.enabled)
    }

    /// Whether any document of a flow is switched on.
    pub fn serves(&self, flow: Flow) -> bool {
        self.documents.iter().any(|(document, settings)| document.flow() == flow && settings.enabled)
    }

    /// Who writes a document.
    pub fn brand(&self, document: Document) -> &Brand {
        let named = self.documents.get(&document).and_then(|settings| settings.brand.as_ref());
        named.and_then(|name| self.brands.get(name)).unwrap_or(&self.brand)
    }

    /// Whether the shop sends a document as a regulated one.
    pub fn is_regulated(&self, document: Document) -> bool {
        let settings = self.documents.get(&document);
        settings.is_some_and(|settings| settings.class(document) == MessageClass::Regulated)
    }

    /// Whether a document that is switched on is made of what happened at this moment, if that is known.
    pub fn is_since(&self, document: Document, happened: Option<Timestamp>) -> bool {
        let since = self.documents.get(&document).and_then(|settings| settings.since);
        since.zip(happened).is_none_or(|(since, happened)| happened >= since)
    }

    /// Whether a document is only rehearsed.
    pub fn is_dry_run(&self, document: Document) -> bool {
        self.dry_run || self.documents.get(&document).is_some_and(|settings| settings.dry_run)
    }
}

impl DocumentConfig {
    pub fn class(&self, document: Document) -> MessageClass {
        self.message_class.unwrap_or_else(|| document.default_class())
    }
}

impl Shopify {
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

impl Exstream {
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

impl Email {
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

fn yes() -> bool {
    true
}

fn default_service() -> String {
    "generate".to_owned()
}

fn default_design_path() -> String {
    "/design/api/v1".to_owned()
}

fn default_otds_scope() -> String {
    "otds:groups".to_owned()
}

fn default_compose_timeout_ms() -> u64 {
    30_000
}

fn default_email_timeout_ms() -> u64 {
    15_000
}

fn default_watch_days() -> u16 {
    3
}

fn default_marketing_watch_days() -> u16 {
    14
}

fn default_max_output_bytes() -> usize {
    16 * 1024 * 1024
}

fn default_output() -> String {
    "application/pdf".to_owned()
}

/// Seven years, what most commercial codes ask for.
fn default_retention_days() -> u16 {
    2557
}

mod time_zone {
    use jiff::tz::TimeZone;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(zone: &TimeZone, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(zone.iana_name().unwrap_or("UTC"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeZone, D::Error> {
        let name = String::deserialize(deserializer)?;
        TimeZone::get(&name)
            .map_err(|_| D::Error::custom(format!("`{name}` is not an IANA time zone, such as Europe/Paris")))
    }
}
