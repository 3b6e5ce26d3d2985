//! x
mod control;
pub mod exstream;
pub mod fault;
pub mod http;
pub mod journal;
pub mod render;
pub mod shopify;
