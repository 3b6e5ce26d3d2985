//! What a step comes to: how it stands, what was found, what to do about it, and how what is missing can be made.

use super::make::Missing;
use comms::names;
use schemars::JsonSchema;
use serde::Serialize;

names! {
    /// One thing that has to be there.
    Step, "step", {
        /// Shopify's partner event source, associated with a bus.
        EventSource = "event-source",
        /// The bus that the deployment listens to.
        Bus = "bus",
        /// The rule from the bus to the deployment.
        Rule = "rule",
        /// The shop's configuration.
        Configuration = "configuration",
        /// The schedules of its statements and campaigns.
        Schedules = "schedules",
        /// Its secret.
        Secret = "secret",
        /// Whether Shopify takes its credentials.
        ShopifyToken = "shopify-token",
        /// The scopes that the shop granted the app.
        Scopes = "scopes",
        /// The topics that Shopify sends to the event source.
        Subscription = "subscription",
        /// The definitions of the status metafield.
        Metafield = "metafield",
        /// Whether Exstream takes its credentials.
        ExstreamToken = "exstream-token",
        /// The approved version of a document's template.
        Template = "template",
        /// The production data source of a document.
        DataSource = "data-source",
        /// The queues of a document's outputs.
        Queue = "queue",
        /// Whether a template can hold every script.
        Characters = "characters",
        /// Whether Core Messaging takes the credentials of a channel.
        CoreMessaging = "core-messaging",
        /// How many invocations the account allows at once.
        Concurrency = "concurrency",
    }
}

names! {
    /// How a step stands.
    Verdict, "verdict", {
        Ok = "ok",
        /// It keeps the shop from working.
        Wrong = "wrong",
        /// The person may not ask or make it.
        Denied = "denied",
        /// The service did not say.
        Unknown = "unknown",
        /// Nobody can ask it, or something before it is missing.
        NotChecked = "not-checked",
        /// The shop works without it.
        NotNeeded = "not-needed",
    }
}

/// What was found, as `ctl doctor --json` and `ctl setup --json` print it. Fields are only added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Row {
    pub step: Step,
    /// Which of several: a document, a topic, a channel, a kind of resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    pub verdict: Verdict,
    /// What is there.
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Whether it was made just now.
    pub made: bool,
}

/// A row, and how what is missing can be made.
#[derive(Debug)]
pub struct Finding {
    pub row: Row,
    pub missing: Option<Missing>,
}

impl Finding {
    pub fn new(step: Step, verdict: Verdict, found: impl Into<String>) -> Self {
        let row = Row { step, of: None, verdict, found: found.into(), remedy: None, made: false };
        Self { row, missing: None }
    }

    pub fn ok(step: Step, found: impl Into<String>) -> Self {
        Self::new(step, Verdict::Ok, found)
    }

    pub fn wrong(step: Step, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(step, Verdict::Wrong, found).with(remedy)
    }

    pub fn with(mut self, remedy: impl Into<String>) -> Self {
        self.row.remedy = Some(remedy.into());
        self
    }

    pub fn of(mut self, of: impl Into<String>) -> Self {
        self.row.of = Some(of.into());
        self
    }

    pub fn makes(mut self, missing: Missing) -> Self {
        self.missing = Some(missing);
        self
    }

    /// A step that rests on one that is not there.
    pub fn after(step: Step, needs: &str) -> Self {
        Self::new(step, Verdict::NotChecked, format!("needs {needs}"))
    }
}
