//! Bringing a composed document to its recipient: e-mail, text message, WhatsApp, page, print spool, or Exstream's own
//! output channel.
//!
//! [`choose()`] picks the channel, [`Channels::send`] sends, [`Channels::ask`] finds out after a crash between
//! "about to send" and "recorded" whether a send happened. A document is only sent if its bytes hash to what
//! was archived. Print and pages are idempotent and can always tell; Core Messaging and Exstream cannot, which the
//! answers say instead of guessing. Outcomes that may be a send are of class [`comms::Class::Unknown`], never retried
//! here.

mod address;
mod call;
mod channels;
mod choose;
mod email;
mod error;
mod job_status;
mod messaging;
mod phone;
mod print;
mod print_status;
mod sms;
mod web;
mod whatsapp;
mod wording;

pub use address::{Address, InvalidAddress};
pub use call::{Accepted, AskCall, SendCall, SendOutput, SendStatus};
pub use channels::Channels;
pub use choose::{Phone, Recipient, address, choose};
pub use error::DeliveryError;
pub use job_status::{JobOutcome, JobStatus};
pub use messaging::StatusCall;
pub use phone::mobile_number;
pub use print::{PrintJob, PrintManifest, PrintedAddress, spool_stem};
pub use print_status::{BadLine, PrintStatus, PrintStatusLine, ReturnReason};
pub use web::{Page, PageCall, WebPages, sender};
