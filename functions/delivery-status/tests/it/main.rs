//! The function against a Core Messaging and an AWS that are faked on the wire.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the way tests do")]
#![recursion_limit = "256"]

mod facts;
mod next_channel;
mod pass;
mod printed;
mod watch;
mod world;
