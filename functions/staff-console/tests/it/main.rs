//! The console against servers in the place of AWS and of an identity provider: who is let in, what they see, and what they
//! can do.

// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the way tests do"
)]

mod access;
mod account;
mod actions;
mod aws;
mod browser;
mod dashboard;
mod dead_letters;
mod extensions;
mod flow_action;
mod hold;
mod log_in;
mod pages;
mod world;
