//! The function against a Shopify and an AWS that are faked on the wire.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the way tests do")]
#![recursion_limit = "256"]

mod runs;
mod shopify;
