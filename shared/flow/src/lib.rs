//! The pipeline every flow function runs: claim → settle doubt → gather → admit → produce → send → complete.
//!
//! A flow implements [`DocumentFlow`]: which communications an item leads to, and the data each needs.
//! Everything after that is here and the same for all documents. What a crash leaves behind, and what the
//! next delivery of the same message does about it:
//!
//! | crash after | the next delivery finds | and does |
//! | --- | --- | --- |
//! | claim, gather, compose | a lapsed lease, nothing archived | composes again |
//! | archive | the document, with its hash | adopts it, does not compose |
//! | mark sending, send | `sending`, no reference | asks the channel; else `unknown` |
//! | complete | the outcome | makes sure the report is queued |
//!
//! Where Exstream itself sends while composing, the send is marked before composing.

#![warn(missing_docs)]

mod absent;
mod admit;
mod attachments;
mod batch_output;
mod breaker;
mod check;
mod claim;
mod clients;
mod complete;
mod content;
mod context;
mod copy;
mod document_bytes;
mod document_flow;
mod doubt;
mod evidence;
mod facts;
mod fault;
mod gate;
mod gather;
mod gather_content;
mod gather_error;
mod halt;
mod handler;
mod history;
mod left_behind;
pub mod next_channel;
mod outcome;
mod pipeline;
mod plan;
pub mod preview;
mod produce;
pub mod report;
mod resend;
mod send;
mod send_mark;
mod settle_doubt;
#[cfg(test)]
mod tests;
mod unsubscribe;
mod verdict;

pub use archive::Previous;
pub use content::{BatchOutput, Consent, Content, PreviousIssue, buyer, phones, postal_address};
pub use context::channel_of;
pub use document_flow::{DocumentEntry, DocumentFlow, check_list, plan_all, plans};
pub use facts::record_of;
pub use gather::Gather;
pub use gather_error::GatherError;
pub use handler::serve;
pub use history::History;
pub use plan::{Event, LookUp, Plan, PlanError, Planned};
pub use send::linked;
pub use verdict::{Gathered, Stop, Verdict};
