//! What every function needs before its first message: settings, clients, secrets, telemetry.
//!
//! [`Service::start`] runs once per cold start; a variable that is missing or cannot be read names itself and
//! ends the start, so that a misconfigured function never takes a message. Clients are made once and share
//! one HTTP stack. Secrets and shop configurations are read on first use and kept for a time-to-live.

mod batch;
mod error;
mod log;
mod metrics;
#[cfg(test)]
mod mutual_tls;
mod offline;
mod outside;
mod passes;
mod secrets;
mod start;
mod traces;
mod trust;

pub use batch::BatchTime;
pub use error::StartError;
pub use metrics::{Metric, Metrics};
pub use offline::{Stored, StoredToken};
pub use outside::{FileError, OutsideFiles};
pub use passes::{Pass, pass_over_shops};
pub use secrets::{SecretError, Secrets, ShopSecrets};
pub use start::{
    BATCH_CONCURRENCY, Invocation, RESERVE, Service, Serving, flow_queue_variable, function_name, http,
    optional, required, run,
};
pub use traces::{Attributes, Begun, LONGEST_SEND, Place, SpanName, Traces};
