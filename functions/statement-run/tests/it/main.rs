//! The function against an AWS, a Shopify and an Exstream on the wire.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the way tests do")]
#![recursion_limit = "256"]

mod aws;
mod batch;
mod crashes;
mod run;
mod shopify;
mod world;
