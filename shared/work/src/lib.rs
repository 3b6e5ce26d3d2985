//! Queues: what is in a message, the one loop that handles a batch, and what a failed message does next.
//!
//! Messages are versioned JSON ([`WorkItem`], [`WriteBackItem`], [`RunItem`], [`UnsubscribeItem`]; `schemas/`). A consumer calls [`each`] with
//! a function for one record: records run concurrently within a cap and inside the invocation's deadline,
//! and whatever happens to one (an error, a panic, a time-out, an unreadable body) happens to it alone.
//! [`Queue`] takes a [`Message`] and nothing else, in which every character is one SQS takes; a message that is
//! refused fails alone. [`Inbox::settle`] decides which messages are delivered again, and which are
//! given up; [`BatchResponse::of`] says so in a partial batch response that is always well formed.

mod batch;
mod checkpoint;
mod item;
mod message;
mod opened;
mod privacy;
mod queue;
mod redelivery;
mod run;
mod trace;
mod unsubscribe;

pub use batch::{BatchResponse, Limits, MalformedBatch, Record, Retry, SqsEvent, each};
pub use checkpoint::{CheckpointError, Checkpoints, Version};
pub use item::{
    Decision, DecisionKind, InvalidItem, NextChannel, Request, Resend, Trigger, WorkItem, WriteBackItem,
};
pub use message::{Message, NotJson};
pub use opened::{OpenedItem, OpenedKind};
pub use privacy::{PrivacyItem, PrivacyTopic};
pub use queue::{Payloads, Queue, QueueError, StoredPayload};
pub use redelivery::{Backoff, Failed, GivenUp, Inbox, LONGEST_WAIT, MOST_ATTEMPTS, MOST_DELIVERIES, Next};
pub use run::RunItem;
pub use trace::TraceContext;
pub use unsubscribe::{UnsubscribeItem, UnsubscribeKind};
