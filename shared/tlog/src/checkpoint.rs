//! Checkpoints, by c2sp.org/tlog-checkpoint: which log, how many leaves, and the root they lead to. There are no
//! extension lines: nobody could audit them.

use crate::{Hash, KeyName};
use std::{fmt, str::FromStr};

/// The most leaves of a log, so that no arithmetic on sizes overflows.
pub const MAX_LEAVES: u64 = 1 << 48;

/// The text of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log; also the name of the key it is signed with.
    pub origin: KeyName,
    /// How many leaves the tree has.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

/// A text that is no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a checkpoint: expected a line each for origin, size and root")]
pub struct InvalidCheckpoint;

/// The text that is signed.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin.as_str(), self.size, self.root)
    }
}

impl FromStr for Checkpoint {
    type Err = InvalidCheckpoint;

    fn from_str(text: &str) -> Result<Self, InvalidCheckpoint> {
        let lines: Vec<&str> = text.strip_suffix('\n').ok_or(InvalidCheckpoint)?.split('\n').collect();
        let [origin, size, root] = lines.as_slice() else { return Err(InvalidCheckpoint) };
        let origin = origin.parse().map_err(|_| InvalidCheckpoint)?;
        let root = Hash::from_base64(root).ok_or(InvalidCheckpoint)?;
        let size = canonical(size).filter(|size| *size <= MAX_LEAVES).ok_or(InvalidCheckpoint)?;
        Ok(Self { origin, size, root })
    }
}

/// A number in its one canonical form: no sign, no leading zeroes.
pub(crate) fn canonical(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}
