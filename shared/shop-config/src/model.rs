//! The configuration's types. Defaults are the values shown in OpenText's and Shopify's own documentation.

use crate::{
    Delivery, DocumentConfig, Exceptions, Exstream, Marketing, RetentionClass, Returns, Shipping, Statements,
};
use comms::{Document, Flow, HttpsUrl, MessageClass, ShopDomain, State, names};
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
    #[schemars(with = "String", extend("format" = "time-zone"))]
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
    /// How long documents are kept, by classes that documents name.
    #[serde(default)]
    pub retention: BTreeMap<String, RetentionClass>,
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
    /// The colour of the head of customers' pages, such as `#1a5f7a`.
    #[schemars(regex(pattern = "^#[0-9a-fA-F]{6}$"))]
    pub colour: Option<String>,
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
    /// The outcomes that start workflows of [Shopify Flow](use-cases.md#shopify-flow), once the metafield has them. Of
    /// documents that are reported on an order.
    pub flow_triggers: Vec<FlowTrigger>,
}

names! {
    /// An outcome that starts workflows of Shopify Flow.
    FlowTrigger, "trigger of Shopify Flow", {
        /// A channel says that it reached the recipient.
        Delivered = "delivered",
        /// It came back.
        Bounced = "bounced",
        /// It could not be made or was refused.
        Failed = "failed",
    }
}

impl FlowTrigger {
    /// That of a state, if it has one.
    pub const fn of(state: State) -> Option<Self> {
        match state {
            State::Delivered => Some(Self::Delivered),
            State::Bounced => Some(Self::Bounced),
            State::Failed => Some(Self::Failed),
            State::Claimed
            | State::Archived
            | State::Sending
            | State::Accepted
            | State::Suppressed
            | State::Unknown => None,
        }
    }

    /// Its handle in the Shopify app: `extensions/flow-document-*` of `infra/shopify-app`.
    pub const fn handle(self) -> &'static str {
        match self {
            Self::Delivered => "document-delivered",
            Self::Bounced => "document-bounced",
            Self::Failed => "document-failed",
        }
    }
}

impl Default for WriteBack {
    fn default() -> Self {
        Self {
            enabled: true,
            namespace: "$app".to_owned(),
            key: "communications".to_owned(),
            flow_triggers: Vec::new(),
        }
    }
}

/// The search in Shopify for missed events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reconcile {
    /// When this shop began to use this system, such as `2026-11-22T00:00:00Z`. Earlier events were handled by the
    /// previous system.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub since: Timestamp,
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

    /// Whether events lead to any document of a flow.
    pub fn follows_events(&self, flow: Flow) -> bool {
        let on = |settings: &DocumentConfig| settings.enabled && !settings.on_request;
        self.documents.iter().any(|(document, settings)| document.flow() == flow && on(settings))
    }

    /// Whether a document is sent only if somebody asks for it.
    pub fn waits_for_request(&self, document: Document) -> bool {
        self.documents.get(&document).is_some_and(|settings| settings.on_request)
    }

    /// In whose name the document is written.
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

impl Shopify {
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
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
