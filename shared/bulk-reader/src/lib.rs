//! Reads the JSONL of a Shopify bulk query back into accounts: a root line and the lines that name it as
//! their parent.
//!
//! Pure reading: bytes are pushed in as they arrive, from a file or a connection, and nothing is known of
//! either. A [`Survey`] looks through the whole file first and says whether every account's lines stand
//! together. If so, [`Groups`] gives one account after the other with no more than one in memory, and each
//! carries the [`Mark`] from which reading continues after it. If not, [`Partition`] spreads the lines over
//! files by account, and [`Buckets`] reads those one by one. Both give the same accounts; both use the same
//! memory whatever the file's size. The order of [`Buckets`] depends on the file alone, so that a reader
//! that was interrupted can skip what it had.
//!
//! The survey is a pass of its own because a file is only known to be grouped at its end: an account handed
//! on before could turn out to lack lines. Lines of a connection below another connection are not
//! supported: they count as lines without an account.

mod group;
mod line;
mod partition;
mod survey;

pub use group::{Group, Groups};
pub use line::Mark;
pub use partition::{Buckets, Partition};
pub use survey::Survey;

use std::io;

/// What a reader may use of memory.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest line, in bytes. A longer one ends the reading.
    pub line: usize,
    /// The largest account, in bytes of its lines. A larger one is reported without its content.
    pub account: usize,
    /// What is read at once of a file that is not grouped, in bytes.
    pub bucket: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { line: 8 << 20, account: 64 << 20, bucket: 4 << 20 }
    }
}

/// Lines are named by their number, never by their content.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("line {line} is longer than {limit} bytes")]
    LineTooLong { line: u64, limit: usize },
    #[error("line {line} is not a JSON object with a text `id` or `__parentId`")]
    Malformed { line: u64 },
    /// A survey said otherwise: the file is not the one that was surveyed.
    #[error("line {line} does not belong to the account before it")]
    NotGrouped { line: u64 },
    #[error("sorting the lines in temporary files")]
    Spill(#[source] io::Error),
}
