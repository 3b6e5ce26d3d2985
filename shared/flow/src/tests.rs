//! The pipeline against servers in the place of AWS, Exstream and Core Messaging: the order of what it asks of them, and
//! what it comes to whatever they answer.

mod attachments;
mod conductor;
pub(crate) mod entry;
mod erasable;
mod facts;
mod next_channel;
mod outside;
mod send;
mod settle_doubt;
mod shop;
mod web;
