//! The stand-in for Exstream (gateway, OTDS, orchestration, runtime, design, service gateway) and for
//! Core Messaging, on one listener.
//!
//! It composes for real: the same driver data gives a readable document. As with the real engine no two
//! compositions are byte for byte the same (each names its own time and serial) unless `stable_output`
//! is set. Nothing is deduplicated. All state is in memory and ends with the process.

#![allow(clippy::arithmetic_side_effects, reason = "the amounts are those that tests give")]

mod answers;
mod batch;
mod communication;
mod compose;
mod design;
mod email;
mod email_record;
mod job;
mod jobs;
mod options;
mod outcome;
mod service;
mod stub;
mod text_message;
mod token;
mod zip;

pub use communication::{Communication, Output, OutputRecord, Part};
pub use email_record::{EmailRecord, Outcome, OutcomeRule};
pub use options::{EventShape, ExstreamOptions, ExstreamSettings, How, Identify, Spoil, StepFilter};
pub use stub::ExstreamStub;
pub use text_message::{Template, TextChannel, TextRecord};
