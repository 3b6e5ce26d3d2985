//! The configuration's types. Defaults are the values shown in OpenText's and Shopify's own documentation.

use crate::{Exceptions, Marketing, Returns, Shipping, Statements};
use comms::{Document, Flow, MessageClass, ShopDomain, names};
use jiff::{Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// The configuration of one shop.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShopConfig {
    /// The version of this format: 1.
    pub version: u32,
    /// The shop's permanent domain. Must be the domain the file is stored under.
    pub shop: ShopDomain,
    /// The shop's IANA time zone, such as `Europe/Paris`. Dates in documents are given in it.
    #[serde(with = "time_zone")]
    #[schemars(with = "String")]
    pub time_zone: TimeZone,
    /// The locale of a document whose customer asked for none of `locales`.
    pub default_locale: String,
    /// The locales the templates can speak. Empty means only the default one.
    #[serde(default)]
    pub locales: Vec<String>,
    pub brand: Brand,
    /// Further brands, by a name of one's own, for documents that say so.
    #[serde(default)]
    pub brands: BTreeMap<String, Brand>,
    /// Compose and archive everything under `test/`; deliver nothing.
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
    /// Absent: what no event brought is not looked for.
    pub reconcile: Option<Reconcile>,
    /// Absent: no statement runs.
    pub statements: Option<Statements>,
    /// The documents this shop sends, by document name. A document that is not here is off.
    pub documents: BTreeMap<Document, DocumentConfig>,
}

/// Who the customer thinks is writing.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Brand {
    pub name: String,
    /// The address shown for questions, in documents and as the e-mail's reply address.
    pub reply_to: Option<String>,
    /// The name an e-mail comes from. Default: the brand's.
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
    pub url: Option<String>,
}

/// How to reach the shop's Admin API. The credentials are in the shop's secret.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Shopify {
    /// Default: `https://<shop>`.
    pub base_url: Option<String>,
    pub api_version: String,
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
    pub adapter: Adapter,
    /// Scheme and host, such as `https://communication.us.api.opentext.com`.
    pub base_url: String,
    /// Orchestration: the domain. Service gateway: the tenant.
    pub domain: String,
    /// Orchestration: the last path segment (`generate` on SaaS, the HTTP input channel's name elsewhere).
    #[serde(default = "default_service")]
    pub service: String,
    /// Path of an on-demand request; `{domain}`, `{service}` and, for the service gateway, `{tenant}` are
    /// filled in. Default: the adapter's documented path.
    pub path: Option<String>,
    /// Path of the design service, used to look up template versions. Default: `/design/api/v1`.
    #[serde(default = "default_design_path")]
    pub design_path: String,
    /// Whether template versions can be looked up. Off where the design service is closed to this client.
    #[serde(default = "yes")]
    pub catalogue: bool,
    /// Sent with every request: CSRF tokens, flow variables, whatever a private deployment wants.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The time allowed for one document. A time-out means nobody knows what Exstream did.
    #[serde(default = "default_compose_timeout_ms")]
    pub timeout_ms: u64,
    /// The largest answer accepted, in bytes as they are sent: base64 makes a document a third larger. At most
    /// 33554432.
    #[serde(default = "default_max_output_bytes")]
    pub max_output_bytes: usize,
    /// What stands around the data of a customer, on demand and in batches alike.
    #[serde(default)]
    pub driver_root: DriverRoot,
    pub token: Token,
}

/// The root of a driver file. Data maps match whole paths from it, so every request has the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DriverRoot {
    /// `{"customers":[{…}]}`: each element of the list is a customer.
    #[default]
    Customers,
    /// The customer's object alone. A file then has one customer, so there are no batches.
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

/// How an access token is obtained. Named after the variants OpenText documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum Token {
    /// `POST` of a JSON body to the OpenText API gateway; client credentials.
    GatewayJson { url: String },
    /// `POST` of a form to the OpenText API gateway; client credentials as HTTP Basic.
    GatewayForm { url: String },
    /// `POST` of a form to OTDS on SaaS; client credentials and a scope.
    OtdsSaas { url: String, scope: String },
    /// `POST` of a form to an OTDS of one's own; client credentials.
    OtdsLocal {
        url: String,
        #[serde(default = "default_otds_scope")]
        scope: String,
    },
    /// User name and password for a ticket, sent as `OTDSTicket`.
    OtdsTicket {
        url: String,
        /// What the OTDS calls the user's name; newer ones say `user_name`.
        #[serde(default)]
        user_field: UserField,
    },
    /// HTTP Basic with every request, in place of a token. Core Messaging takes it.
    Basic,
    /// No token: a private network vouches for the caller.
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

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Delivery {
    pub email: Option<Email>,
}

/// OpenText Core Messaging.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// Scheme and host, such as `https://t2api.us.cloudmessaging.opentext.com`.
    pub base_url: String,
    pub token: Token,
    #[serde(default = "default_email_timeout_ms")]
    pub timeout_ms: u64,
}

/// What Shopify is told.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WriteBack {
    pub enabled: bool,
    /// The metafield that carries the status list, as `namespace.key`.
    pub namespace: String,
    pub key: String,
}

impl Default for WriteBack {
    fn default() -> Self {
        Self { enabled: true, namespace: "$app:communications".to_owned(), key: "status".to_owned() }
    }
}

/// The look-back in Shopify for what no event brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reconcile {
    /// When this shop began to use this system, such as `2026-11-22T00:00:00Z`. What happened before was
    /// somebody else's to tell.
    #[schemars(with = "String")]
    pub since: Timestamp,
}

/// One document of one shop.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentConfig {
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Exstream: the id of the communication (orchestration) or the service's name (service gateway).
    pub communication: String,
    /// Exstream: the production data source the driver data is mapped to. Orchestration only.
    #[serde(default)]
    pub data_source: String,
    #[serde(default)]
    pub driver_format: DriverFormat,
    /// The media type expected back. Anything else is an error, not a document.
    #[serde(default = "default_output")]
    pub output: String,
    /// How Exstream is asked to answer: an envelope with names and queues, or the bytes alone.
    #[serde(default)]
    pub answer: Answer,
    /// The account that owns editable output (`application/vnd.exstream-empower`). A service client's has the suffix
    /// `@OAuthClients`.
    pub empower_user: Option<String>,
    /// Channels in order of preference. The first that can reach the recipient is used. Empty: archive only.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// One of `brands`. Default: `brand`.
    pub brand: Option<String>,
    /// The locales this document's template can speak. Default: the shop's.
    pub locales: Option<Vec<String>>,
    /// Default: the document's own class.
    pub message_class: Option<MessageClass>,
    /// For how many days the archive refuses to delete the document.
    #[serde(default = "default_retention_days")]
    pub retention_days: u16,
    /// The template version that must be in force. Composing with another is an error.
    pub template_pin: Option<u32>,
    /// What to do when nobody knows whether a send happened.
    #[serde(default)]
    pub on_unknown: OnUnknown,
    /// The e-mail's subject by locale. `{order}` stands for the order's name.
    #[serde(default)]
    pub subject: BTreeMap<String, String>,
    /// Tags added to the order once the document is accepted.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Order confirmations only: send another one when the order was edited.
    #[serde(default)]
    pub after_edits: bool,
    /// Order confirmations only: ask Shopify for each line's picture and product page, which the event does not
    /// bring. One more query for each confirmation; receipts have them without.
    #[serde(default)]
    pub pictures: bool,
    /// Compose and archive under `test/`; deliver nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// When this document was switched on. What happened before leads to none, however late its event comes.
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
        /// A spool prefix in S3, for a print provider to collect.
        Print = "print",
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnUnknown {
    /// Leave it to a person. The alarm has already rung.
    #[default]
    Hold,
    /// Send again; the customer may get it twice. Transactional documents only.
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
