//! The client against a Shopify that is faked on the wire.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the way tests do")]

mod bulk;
mod changes;
mod consent;
mod failures;
mod fulfillment;
mod operations;
mod returns;
mod throttle;
mod tokens;
mod wire;
