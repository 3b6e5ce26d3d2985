//! The function against an archive that is faked on the wire: what it seals, what it raises an alarm for, and how it is
//! continued.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the way tests do")]
#![recursion_limit = "256"]

mod facts;
mod pass;
mod stamps;
