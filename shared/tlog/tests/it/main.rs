//! The formats against their specifications' examples, against a slow and obvious second implementation, and byte by
//! byte: whatever is changed in a proof or a note is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "helpers of tests fail the way tests do"
)]

mod notes;
mod trees;
