//! The function against servers in the place of DynamoDB and S3: what it answers to whom, and what it asks for before.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the way tests do"
)]

mod answers;
mod browser;
mod documents_in_parts;
mod logs;
mod openings;
mod unsubscribe;
mod world;
