//! Stand-ins for the two outside systems, for tests and for running the project on one machine.
//!
//! [`ExstreamStub`] is OpenText Exstream and Core Messaging, [`ShopifyStub`] is Shopify's Admin API. Both
//! keep what they were asked, behave like the real thing where its behaviour is known, and fail in the
//! ways the real thing can when a test orders it through `/__stub/faults`. Nothing of that is written to disk.
//! [`dynamodb`] reads the expressions of DynamoDB, for tests that bring a table of their own.
//!
//! [`Recorder`] stands before the local AWS and writes down who asks it for what.

#![allow(clippy::arithmetic_side_effects, reason = "the amounts are those that tests give")]

mod body;
mod control;
pub mod dynamodb;
mod exstream;
mod fault;
mod http;
mod journal;
mod recorder;
pub mod render;
mod shopify;
mod wire;

pub use exstream::{
    Communication, EmailRecord, EventShape, ExstreamOptions, ExstreamSettings, ExstreamStub, Identify,
    Outcome, OutcomeRule, Output, OutputRecord, StepFilter,
};
pub use fault::{Fault, FaultKind};
pub use http::{Running, StartError};
pub use journal::{Counts, Entry};
pub use recorder::{Recorder, RecorderOptions};
pub use shopify::{
    AdminSchema, OfflineTokens, SchemaError, ShopifyOptions, ShopifySettings, ShopifyStub, find_schema,
};
