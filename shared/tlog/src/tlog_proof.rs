//! Proofs that can be checked offline, by c2sp.org/tlog-proof: the index of an entry, its inclusion proof and the
//! checkpoint. There is no extra data.

use crate::{Hash, SignedNote, checkpoint::canonical};
use std::{fmt, str::FromStr};

const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// A tree of 2^64 leaves is no higher.
const MAX_HASHES: usize = 64;

/// A `.tlog-proof`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// The entry's place in the log.
    pub index: u64,
    /// From the leaf's sibling up.
    pub hashes: Vec<Hash>,
    /// As the log issued it.
    pub checkpoint: SignedNote,
}

/// A text that is no proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a proof of the form c2sp.org/tlog-proof@v1")]
pub struct InvalidProof;

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}\nindex {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for TlogProof {
    type Err = InvalidProof;

    fn from_str(text: &str) -> Result<Self, InvalidProof> {
        let (proof, checkpoint) = text.split_once("\n\n").ok_or(InvalidProof)?;
        let mut lines = proof.split('\n');
        if lines.next() != Some(HEADER) {
            return Err(InvalidProof);
        }
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(canonical);
        let hashes: Vec<Hash> = lines.map(Hash::from_base64).collect::<Option<_>>().ok_or(InvalidProof)?;
        if hashes.len() > MAX_HASHES {
            return Err(InvalidProof);
        }
        let checkpoint = checkpoint.parse().map_err(|_| InvalidProof)?;
        Ok(Self { index: index.ok_or(InvalidProof)?, hashes, checkpoint })
    }
}
