//! Requests as Shopify makes them, against strict stand-ins of AWS.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod customers;
mod exports;
mod shops;
mod world;
