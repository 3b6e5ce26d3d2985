//! The ledger against a DynamoDB on the loopback interface.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the way tests do")]

mod lost;
mod queries;
mod recipients;
mod search;
mod table;
