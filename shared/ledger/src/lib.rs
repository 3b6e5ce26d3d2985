//! The ledger: one DynamoDB item per communication, and the only place that knows who works on it.
//!
//! A communication is claimed with a lease, by one conditional write:
//!
//! ```text
//!            claim                     complete
//! worker A ───┬──────── works ────────────┬───▶        one holder, one outcome
//!             │ lease_until               │
//! worker B ───┼── InProgress{until} ──────┼── AlreadyDone
//!             │          A dies           │
//! worker B ───┴────────── ✗ ──── lease lapses ── Started (attempts 2, what A left is in the entry)
//! ```
//!
//! Promises: a lease has one holder; only the holder moves the state ([`LedgerError::LostLease`] for everyone
//! else); a state never goes back. A crash at any point leaves an item that the next claim takes over
//! once the lease has lapsed. Times are milliseconds since the Unix epoch, given by the caller.

#![warn(missing_docs)]

mod channel;
mod entry;
mod error;
mod lease;
mod outcomes;
mod queries;
mod recipients;
mod request;
mod search;
mod shop_state;
mod table;

pub use channel::Outage;
pub use entry::{ArchivedAs, Entry};
pub use error::LedgerError;
pub use lease::{Lease, SendMark};
pub use outcomes::ChannelOutcome;
pub use queries::{Found, Problem};
pub use recipients::{Admission, Cap};
pub use search::{MAX_FOUND, Undelivered};
pub use shop_state::{Ill, Paused, ShopState};
pub use table::{Claim, ClaimRequest, Ledger, Outcome};
