//! What the stand-ins were asked, by service and operation, and how long each service takes to answer.

use crate::server::lock;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

/// The latencies the batches of real services are modelled with, in milliseconds.
pub const LATENCIES: [(Service, u64); 6] = [
    (Service::DynamoDb, 4),
    (Service::S3, 25),
    (Service::Sqs, 5),
    (Service::Exstream, 200),
    (Service::CoreMessaging, 100),
    (Service::Shopify, 150),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    DynamoDb,
    S3,
    Sqs,
    SecretsManager,
    Exstream,
    CoreMessaging,
    Shopify,
}

impl Service {
    const AWS: [Self; 4] = [Self::DynamoDb, Self::S3, Self::Sqs, Self::SecretsManager];

    pub fn name(self) -> &'static str {
        match self {
            Self::DynamoDb => "DynamoDB",
            Self::S3 => "S3",
            Self::Sqs => "SQS",
            Self::SecretsManager => "SecretsManager",
            Self::Exstream => "Exstream",
            Self::CoreMessaging => "CoreMessaging",
            Self::Shopify => "Shopify",
        }
    }

    /// Whether an operation, by its name in [`Counts::requests`], is one of AWS.
    pub fn is_aws(operation: &str) -> bool {
        let service = operation.split(':').next();
        Self::AWS.iter().any(|aws| service == Some(aws.name()))
    }
}

/// Everything since the start of a worker.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// By `service:operation`.
    pub requests: BTreeMap<String, u64>,
    pub dynamo_writes: u64,
    /// Ledger items begun: one per communication.
    pub communications: u64,
    pub largest_item: usize,
}

impl Counts {
    pub fn since(&self, before: &Self) -> Self {
        let requests = self.requests.iter().map(|(name, count)| {
            (name.clone(), count - before.requests.get(name).copied().unwrap_or_default())
        });
        Self {
            requests: requests.filter(|(_, count)| *count > 0).collect(),
            dynamo_writes: self.dynamo_writes - before.dynamo_writes,
            communications: self.communications - before.communications,
            largest_item: self.largest_item,
        }
    }
}

/// Shared by all stand-ins.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    counts: Counts,
    slow: bool,
}

impl Meter {
    /// Counts a request and takes the time its service would.
    pub async fn request(&self, service: Service, operation: &str) {
        let slow = {
            let mut state = self.lock();
            *state.counts.requests.entry(format!("{}:{operation}", service.name())).or_default() += 1;
            state.slow
        };
        let latency = LATENCIES.iter().find(|(it, _)| *it == service).filter(|_| slow);
        if let Some((_, milliseconds)) = latency {
            tokio::time::sleep(Duration::from_millis(*milliseconds)).await;
        }
    }

    pub fn change(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.lock().counts);
    }

    pub fn counts(&self) -> Counts {
        self.lock().counts.clone()
    }

    pub fn reset(&self) {
        *self.lock() = State::default();
    }

    /// Whether services take their time from now on.
    pub fn slow(&self, slow: bool) {
        self.lock().slow = slow;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_differences_and_services_have_names() {
        let mut before = Counts { dynamo_writes: 2, ..Counts::default() };
        before.requests.insert("S3:GetObject".to_owned(), 1);
        let mut after = before.clone();
        after.requests.insert("S3:PutObject".to_owned(), 4);
        after.dynamo_writes = 6;
        let counts = after.since(&before);
        assert_eq!(counts.requests, BTreeMap::from([("S3:PutObject".to_owned(), 4)]));
        assert_eq!(counts.dynamo_writes, 4);
        assert!(Service::is_aws("S3:PutObject") && !Service::is_aws("Shopify:orders"));
    }
}
