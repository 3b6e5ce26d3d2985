//! Deliveries on the wire: a small Core Messaging and a small S3.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod email;
mod print;
mod support;
mod text_message;
