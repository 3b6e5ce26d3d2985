//! Putting events on the deployer's bus. Ten in one request; an entry that the bus refuses is put again by itself, so
//! that one bad event never keeps back what stands beside it.

use crate::event::{DETAIL_TYPE, OutcomeEvent, SOURCE};
use aws_sdk_eventbridge::{
    Client,
    primitives::DateTime,
    types::{PutEventsRequestEntry, PutEventsResultEntry},
};
use serde_json::{Value, json};
use std::time::Duration;

/// EventBridge's bound on one request.
pub const MOST: usize = 10;

/// How often a refused entry is put again, and the first pause, which doubles.
const REPEATS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(100);

/// Codes of entries that no repetition helps.
const LASTING: [&str; 5] = [
    "InvalidArgument",
    "MalformedDetail",
    "NotAuthorizedForDetailTypeException",
    "NotAuthorizedForSourceException",
    "ValidationException",
];

/// Why the bus did not take an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    #[error("the event cannot be written as JSON: {0}")]
    NotJson(String),
    /// The bus was asked and refused this entry.
    #[error("the bus refused it: {code}")]
    Refused { code: String },
    /// The bus did not answer, or refused the request.
    #[error("the bus was not reached: {0}")]
    Request(String),
}

impl PublishError {
    /// Whether a repetition may help.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::NotJson(_) => false,
            Self::Refused { code } => !LASTING.contains(&code.as_str()),
            Self::Request(_) => true,
        }
    }
}

pub struct Bus {
    client: Client,
    name: String,
}

impl Bus {
    /// `name` is the bus's name or ARN.
    pub fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    /// Puts events; answers for each, in order. At most ten, as many as EventBridge takes at once.
    pub async fn put(&self, events: &[&OutcomeEvent]) -> Vec<Result<(), PublishError>> {
        let mut results = self.put_once(events).await;
        let is_refused =
            |result: &Result<(), PublishError>| matches!(result, Err(PublishError::Refused { .. }));
        for (result, event) in results.iter_mut().zip(events) {
            let mut pause = PAUSE;
            for _ in 0..REPEATS {
                if !is_refused(result) || result.as_ref().is_err_and(|error| !error.may_pass()) {
                    break;
                }
                tokio::time::sleep(pause).await;
                pause = pause.saturating_mul(2);
                if let Some(again) = self.put_once(&[*event]).await.pop() {
                    *result = again;
                }
            }
        }
        results
    }

    async fn put_once(&self, events: &[&OutcomeEvent]) -> Vec<Result<(), PublishError>> {
        let entries: Result<Vec<_>, _> = events.iter().map(|event| self.entry(event)).collect();
        let all = |error: PublishError| vec![Err(error); events.len()];
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => return all(PublishError::NotJson(error.to_string())),
        };
        let put = self.client.put_events().set_entries(Some(entries)).send().await;
        match put {
            Err(error) => all(PublishError::Request(comms::chain(&error))),
            Ok(output) => {
                let mut results: Vec<_> = output.entries().iter().map(result).collect();
                // an entry that the answer says nothing of is not known to be taken
                results.resize(events.len(), Err(PublishError::Refused { code: "no answer".to_owned() }));
                results
            }
        }
    }

    fn entry(&self, event: &OutcomeEvent) -> Result<PutEventsRequestEntry, serde_json::Error> {
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(DETAIL_TYPE)
            .time(DateTime::from_millis(event.recorded_at.as_millisecond()))
            .detail(serde_json::to_string(event)?);
        Ok(entry.build())
    }

    /// The same event as `aws events put-events --entries` takes it, for a person to put again.
    pub fn for_a_person(&self, event: &OutcomeEvent) -> Value {
        json!({
            "EventBusName": self.name, "Source": SOURCE, "DetailType": DETAIL_TYPE,
            "Time": event.recorded_at.to_string(), "Detail": serde_json::to_string(event).unwrap_or_default(),
        })
    }
}

/// An entry with an id was taken; any other was not.
fn result(entry: &PutEventsResultEntry) -> Result<(), PublishError> {
    match entry.event_id() {
        Some(_) if entry.error_code().is_none() => Ok(()),
        _ => Err(PublishError::Refused { code: entry.error_code().unwrap_or("no event id").to_owned() }),
    }
}
