//! The stubs over real sockets: what they promise to the tests that stand on them.

#![allow(clippy::unwrap_used, reason = "a helper that fails, fails its test")]

mod bulk;
mod compose;
mod consent;
mod documents;
mod email;
mod faults;
mod flow_triggers;
mod metafields;
mod orders;
mod recorder;
mod runtime;
mod support;
mod text_message;
mod throttle;
mod tokens;
