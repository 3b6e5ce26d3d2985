//! Bringing a composed document to its recipient: e-mail, print spool, or Exstream's own output channel.
//!
//! [`choose()`] picks the channel, [`Channels::send`] sends, [`Channels::ask`] finds out after a crash between
//! "about to send" and "recorded" whether a send happened. A document is only sent if its bytes hash to what
//! was archived. Print is idempotent and can always tell; e-mail and Exstream cannot, which the answers say
//! instead of guessing. Outcomes that may be a send are of class [`comms::Class::Unknown`], never retried here.

mod call;
mod channels;
mod choose;
mod email;
mod email_status;
mod error;
mod print;
mod wording;

pub use call::{Accepted, AskCall, SendCall, SendOutput, SendStatus};
pub use channels::Channels;
pub use choose::{Recipient, choose};
pub use email_status::{EmailOutcome, EmailStatus, StatusCall};
pub use error::DeliveryError;
pub use print::PrintManifest;
