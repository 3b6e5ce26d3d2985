//! What a test or the command line chooses: credentials, known communications, and every setting.

use crate::communication::Communication;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What the stub knows from its start.
#[derive(Debug, Clone)]
pub struct ExstreamOptions {
    pub client_id: String,
    pub client_secret: String,
    /// Known communications. With none, every UUID is one.
    pub communications: Vec<Communication>,
    /// Compositions that run at once; others queue, as behind the engine's process limit.
    pub engine_processes: usize,
    pub settings: ExstreamSettings,
}

impl Default for ExstreamOptions {
    fn default() -> Self {
        Self {
            client_id: "local".to_owned(),
            client_secret: "local-secret".to_owned(),
            communications: Vec::new(),
            engine_processes: 32,
            settings: ExstreamSettings::default(),
        }
    }
}

/// What `PUT /__stub/settings` can change.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExstreamSettings {
    pub token_lifetime_seconds: u64,
    /// Whether a token is needed; false is the token mode `none`.
    pub authenticate: bool,
    /// Time of one composition or one accepted e-mail.
    pub latency_ms: u64,
    /// Bytes added to each PDF, to make large documents.
    pub pdf_padding_bytes: usize,
    /// The same driver data gives the same bytes.
    pub stable_output: bool,
    /// How long a batch job stays in each of its states.
    pub job_step_ms: u64,
    /// Which form of filter the list of steps knows.
    pub step_filter: StepFilter,
    /// Where the outputs of batch jobs say whose they are.
    pub identify: Identify,
    /// Customer number 1 of a batch job has the files of the customer so many places further on.
    pub customer_shift: usize,
    /// Every customer of a batch job gets the files of all.
    pub unsplit_files: bool,
    /// What is wrong with one queue of every composition.
    pub spoil: Option<Spoil>,
    /// Whether resources used by a run can be asked for afterwards.
    pub job_tracing: bool,
    /// An e-mail address that contains one of these bounces.
    pub bounce: Vec<String>,
    /// How long an accepted e-mail stays without a delivery attempt.
    pub delivery_ms: u64,
    /// How the events of a delivery are written.
    pub event_shape: EventShape,
    /// What the manifests of communications say of their characters: `DBCS` or `SBCS`.
    pub characters: String,
}

impl Default for ExstreamSettings {
    fn default() -> Self {
        Self {
            token_lifetime_seconds: 900,
            authenticate: true,
            latency_ms: 0,
            pdf_padding_bytes: 0,
            stable_output: false,
            job_step_ms: 200,
            step_filter: StepFilter::default(),
            identify: Identify::default(),
            customer_shift: 0,
            unsplit_files: false,
            spoil: None,
            job_tracing: true,
            bounce: vec!["bounce".to_owned()],
            delivery_ms: 0,
            event_shape: EventShape::default(),
            characters: "DBCS".to_owned(),
        }
    }
}

/// A queue that a composition has otherwise than its design says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spoil {
    pub queue: String,
    pub how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    Missing,
    Twice,
    /// The bytes of a maintenance page, under the type of the queue.
    WrongType,
    /// The page without the files that it shows.
    NoPictures,
}

/// How a list of steps is filtered: both forms are documented, for different services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepFilter {
    /// `filter=flowInstanceId:1;stepTypes:communication`
    #[default]
    Colons,
    /// `filter.flowInstanceId=1&filter.stepTypes=communication`
    Dots,
    /// Neither: every list is that of the whole domain.
    Ignored,
}

/// Where a template says whose its output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identify {
    #[default]
    Text,
    FileName,
    Nowhere,
}

/// The documented shapes are those of OpenText's own samples: objects, lists, and nothing of what did not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventShape {
    #[default]
    Documented,
    Lists,
    Objects,
    Nulls,
}

impl EventShape {
    /// The events of a delivery, by name.
    pub(crate) fn events(self, happened: [(&str, Option<Value>); 4]) -> Value {
        let mut events = serde_json::Map::new();
        for (name, event) in happened {
            let is_list = matches!(name, "html_open" | "pull");
            let shown = match (self, event) {
                (Self::Documented, None) if !is_list => continue,
                (Self::Documented, event) if is_list => json!(event.into_iter().collect::<Vec<_>>()),
                (Self::Lists, event) => json!(event.into_iter().collect::<Vec<_>>()),
                (Self::Objects, None) => json!({}),
                (_, event) => json!(event),
            };
            events.insert(name.to_owned(), shown);
        }
        Value::Object(events)
    }
}
