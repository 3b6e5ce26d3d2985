//! Links to documents that are published for their customers: what a link is, who may follow it, and its record; and
//! links that end marketing (`unsubscribe.rs`).
//!
//! A link is a token of 256 bits. The table holds its SHA-256 only, so whoever reads the table can open nothing. The
//! token follows from the deployment's key, the communication and the link's serial number: a pipeline that tries again
//! makes the very link it may have sent already, and no place has to keep the token itself.
//!
//! Two items per communication, written in one transaction:
//!
//! ```text
//! communication#<id>   which of its links is in force     publish: both, if neither exists
//! link#<sha256>        what the link shows, until when,   replace: the next link comes into force and the one
//!                      what became of it                           before it is revoked, or nothing happens
//! ```
//!
//! Promises: a communication has at most one link that opens something. Once [`Links::revoke`] has answered, nothing
//! more is opened, because an opening is recorded by a write that is conditional on the link being in force. Each
//! opening is counted; the first [`MAX_OPENINGS`] are kept one by one with their times, and nothing else of who opened
//! it. A crash leaves either a whole link or none. Times are milliseconds since the Unix epoch, given by the caller.

mod error;
mod link;
mod publication;
mod store;
mod token;
mod unsubscribe;

pub use error::LinkError;
pub use link::{Link, LinkState, LinkedOutput, Opened, Opening, Revocation, Sender};
pub use publication::{MAX_OUTPUT_BYTES, MAX_OUTPUTS, MAX_VALID_DAYS, Publication, Unpublishable};
pub use store::{Links, Published, Recorded, Revoked};
pub use token::{InvalidKey, InvalidToken, LinkKey, Token, TokenHash};
pub use unsubscribe::{UnsubscribeOffer, Unsubscription, unsubscribe_path};

/// How many openings of a link are kept one by one; further ones are counted.
pub const MAX_OPENINGS: usize = 50;

/// The path of the page that a token opens, below the address of the deployment's documents.
pub fn path(token: &Token) -> String {
    format!("/d/{}", token.expose())
}
