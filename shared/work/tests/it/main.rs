//! Queues against an SQS on the loopback interface.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the way tests do")]

mod queue;
mod redelivery;
mod sqs;
