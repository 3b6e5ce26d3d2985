//! Exstream on the wire: a small HTTP server answers, and what it was asked is looked at.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod batch;
mod broken;
mod catalogue;
mod compose;
mod faults;
mod large;
mod late;
mod parts;
mod support;
mod tokens;
