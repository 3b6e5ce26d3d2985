//! Hashing and proofs by RFC 6962, section 2.1: the hash of a leaf and of a node, of which ranges of leaves a proof
//! consists, and whether a proof holds (the iterative algorithms of RFC 9162, sections 2.1.3.2 and 2.1.4.2).

use base64::prelude::{BASE64_STANDARD, Engine};
use sha2::{Digest, Sha256};
use std::{fmt, ops::Range};

/// A SHA-256 hash of a leaf or of a node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

/// A proof does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// There is no such leaf or smaller tree.
    #[error("{index} is not within a tree of {size} leaves")]
    OutOfRange {
        /// The leaf, or the size of the smaller tree.
        index: u64,
        /// Of the tree.
        size: u64,
    },
    /// Too few hashes, or too many.
    #[error("the proof has not as many hashes as its tree needs")]
    Length,
    /// The root that follows is another one.
    #[error("the proof leads to another root")]
    Root,
}

/// The hash of a leaf that says `entry`.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(entry).finalize().into())
}

/// The hash of the node above two.
pub fn node_hash(left: Hash, right: Hash) -> Hash {
    Hash(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// The ranges of leaves whose hashes prove that the leaf `index` is in a tree of `size`, from the leaf's sibling up.
///
/// # Errors
/// There is no such leaf.
pub fn inclusion(index: u64, size: u64) -> Result<Vec<Range<u64>>, Unproven> {
    if index >= size {
        return Err(Unproven::OutOfRange { index, size });
    }
    let (mut tree, mut path) = (0..size, Vec::new());
    while tree.end - tree.start > 1 {
        let middle = tree.start + split(tree.end - tree.start);
        let (inside, sibling) = if index < middle {
            (tree.start..middle, middle..tree.end)
        } else {
            (middle..tree.end, tree.start..middle)
        };
        path.push(sibling);
        tree = inside;
    }
    path.reverse();
    Ok(path)
}

/// The ranges of leaves whose hashes prove that a tree of `size` begins with a tree of `old` leaves.
///
/// # Errors
/// The old tree is empty or the larger one.
pub fn consistency(old: u64, size: u64) -> Result<Vec<Range<u64>>, Unproven> {
    if old == 0 || old > size {
        return Err(Unproven::OutOfRange { index: old, size });
    }
    let (mut tree, mut path, mut is_old_tree) = (0..size, Vec::new(), true);
    while tree.end != old {
        let middle = tree.start + split(tree.end - tree.start);
        if old <= middle {
            path.push(middle..tree.end);
            tree.end = middle;
        } else {
            path.push(tree.start..middle);
            tree.start = middle;
            is_old_tree = false;
        }
    }
    if !is_old_tree {
        path.push(tree);
    }
    path.reverse();
    Ok(path)
}

/// The largest power of two below `width`, which is at least two.
const fn split(width: u64) -> u64 {
    1 << (width - 1).ilog2()
}

/// Whether `proof` shows that `leaf` is at `index` in the tree of `size` leaves whose root is `root`.
///
/// # Errors
/// It does not.
pub fn verify_inclusion(
    leaf: Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: Hash,
) -> Result<(), Unproven> {
    if index >= size {
        return Err(Unproven::OutOfRange { index, size });
    }
    let mut hash = leaf;
    climb((index, size - 1), proof.iter().copied(), |side, sibling| match side {
        Side::Left => hash = node_hash(sibling, hash),
        Side::Right => hash = node_hash(hash, sibling),
    })?;
    if hash == root { Ok(()) } else { Err(Unproven::Root) }
}

/// Whether `proof` shows that the tree of `size` leaves with `root` begins with the tree of `old` leaves with `old_root`.
///
/// # Errors
/// It does not.
pub fn verify_consistency(
    (old, old_root): (u64, Hash),
    (size, root): (u64, Hash),
    proof: &[Hash],
) -> Result<(), Unproven> {
    if old == 0 || old > size {
        return Err(Unproven::OutOfRange { index: old, size });
    }
    if old == size {
        return match (proof.is_empty(), old_root == root) {
            (false, _) => Err(Unproven::Length),
            (true, false) => Err(Unproven::Root),
            (true, true) => Ok(()),
        };
    }
    let mut rest = proof.iter().copied();
    // a smaller tree that is a whole subtree of the larger one is not repeated in the proof
    let first = if old.is_power_of_two() { old_root } else { rest.next().ok_or(Unproven::Length)? };
    let (mut node, mut last) = (old - 1, size - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old_hash, mut hash) = (first, first);
    climb((node, last), rest, |side, sibling| match side {
        Side::Left => {
            old_hash = node_hash(sibling, old_hash);
            hash = node_hash(sibling, hash);
        }
        Side::Right => hash = node_hash(hash, sibling),
    })?;
    if old_hash == old_root && hash == root { Ok(()) } else { Err(Unproven::Root) }
}

/// On which side of the way up a sibling is.
enum Side {
    Left,
    Right,
}

/// Goes up from a node, where `last` is the last one of its level, and joins each sibling on the way.
///
/// # Errors
/// There are more siblings, or fewer, than levels.
fn climb(
    (mut node, mut last): (u64, u64),
    siblings: impl Iterator<Item = Hash>,
    mut join: impl FnMut(Side, Hash),
) -> Result<(), Unproven> {
    for sibling in siblings {
        if last == 0 {
            return Err(Unproven::Length);
        }
        if node & 1 == 1 || node == last {
            join(Side::Left, sibling);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            join(Side::Right, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last == 0 { Ok(()) } else { Err(Unproven::Length) }
}

impl Hash {
    /// The root of a tree without leaves.
    pub fn empty_tree() -> Self {
        Self(Sha256::digest([]).into())
    }

    /// From base64, in its one canonical form.
    pub fn from_base64(text: &str) -> Option<Self> {
        BASE64_STANDARD.decode(text).ok()?.try_into().ok().map(Self)
    }
}

/// In base64, as in checkpoints and proofs.
impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
