//! The files of a tree, by c2sp.org/tlog-tiles: tiles of 256 hashes, bundles of 256 entries, and their paths.
//!
//! A tile of level `l` has the hashes of whole subtrees of 256^`l` leaves. The tile at the right edge of a tree is
//! partial, and its width is part of its path; a file never changes.

use crate::{Hash, node_hash};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    ops::Range,
};

/// Hashes in a whole tile.
pub const TILE_WIDTH: u64 = 256;
/// Levels of a tree that one tile covers.
const HEIGHT: u32 = 8;

/// One file of hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    /// 0 for the hashes of leaves.
    pub level: u8,
    /// Its place within its level.
    pub index: u64,
    /// How many hashes it has: 1 to 256.
    pub width: u16,
}

impl Tile {
    /// Its path below the log: `tile/<L>/<N>[.p/<W>]`.
    pub fn path(self) -> String {
        format!("tile/{}/{}", self.level, place(self.index, self.width))
    }

    /// The tile of `level` at `index` in a tree of `size` leaves; none if the tree has none there.
    pub fn within(level: u8, index: u64, size: u64) -> Option<Self> {
        let hashes = size.checked_shr(HEIGHT * u32::from(level)).unwrap_or(0);
        let width = hashes.saturating_sub(index.checked_mul(TILE_WIDTH)?).min(TILE_WIDTH);
        let width = u16::try_from(width).ok().filter(|width| *width > 0)?;
        Some(Self { level, index, width })
    }

    /// The hashes that its file has, if it is as long as it has to be.
    pub fn hashes(self, file: &[u8]) -> Option<Vec<Hash>> {
        let (hashes, rest) = file.as_chunks::<32>();
        (rest.is_empty() && hashes.len() == usize::from(self.width))
            .then(|| hashes.iter().copied().map(Hash).collect())
    }
}

/// The path of a bundle of entries: `tile/entries/<N>[.p/<W>]`.
pub fn bundle_path(tile: Tile) -> String {
    format!("tile/entries/{}", place(tile.index, tile.width))
}

/// The tile of level 0, and so the bundle, that the entry `index` is in.
pub fn bundle_tile(index: u64, size: u64) -> Option<Tile> {
    Tile::within(0, index / TILE_WIDTH, size)
}

/// `x001/x234/067` and the width of a partial one.
fn place(index: u64, width: u16) -> String {
    let mut groups = vec![format!("{:03}", index % 1000)];
    let mut rest = index / 1000;
    while rest > 0 {
        groups.push(format!("x{:03}", rest % 1000));
        rest /= 1000;
    }
    groups.reverse();
    let mut path = groups.join("/");
    if u64::from(width) < TILE_WIDTH {
        // writing to a text cannot fail
        let _ = write!(path, ".p/{width}");
    }
    path
}

/// Entries of the log as their bundle has them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Bundle {
    bytes: Vec<u8>,
}

/// A file that is no bundle of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBundle {
    /// A bundle has no room for it.
    #[error("an entry has more than 65,535 bytes")]
    TooLong,
    /// An entry's length does not fit.
    #[error("a bundle of entries is cut off")]
    CutOff,
}

impl Bundle {
    /// Adds an entry at the end.
    ///
    /// # Errors
    /// It is too long.
    pub fn push(&mut self, entry: &[u8]) -> Result<(), InvalidBundle> {
        let length = u16::try_from(entry.len()).map_err(|_| InvalidBundle::TooLong)?;
        self.bytes.extend(length.to_be_bytes());
        self.bytes.extend(entry);
        Ok(())
    }

    /// The file.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The entries of a file.
    ///
    /// # Errors
    /// It is no bundle.
    pub fn entries(mut file: &[u8]) -> Result<Vec<&[u8]>, InvalidBundle> {
        let mut entries = Vec::new();
        while !file.is_empty() {
            let (length, rest) = file.split_first_chunk::<2>().ok_or(InvalidBundle::CutOff)?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (entry, rest) = rest.split_at_checked(length).ok_or(InvalidBundle::CutOff)?;
            entries.push(entry);
            file = rest;
        }
        Ok(entries)
    }
}

/// A whole subtree of 2^`level` leaves.
#[derive(Debug, Clone, Copy)]
struct Node {
    level: u32,
    index: u64,
}

impl Node {
    /// Level and index of the tile it is in.
    fn tile(self) -> (u32, u64) {
        (self.level / HEIGHT, self.index >> (HEIGHT - self.level % HEIGHT))
    }
}

/// The whole subtrees that a range of leaves consists of, from left to right.
fn nodes(range: &Range<u64>) -> Vec<Node> {
    let (mut start, mut nodes) = (range.start, Vec::new());
    while start < range.end {
        let level = start.trailing_zeros().min((range.end - start).ilog2());
        nodes.push(Node { level, index: start >> level });
        start += 1 << level;
    }
    nodes
}

/// The tiles of a tree of `size` leaves from which the hashes of `ranges` follow.
pub fn tiles_for(ranges: &[Range<u64>], size: u64) -> BTreeSet<Tile> {
    let tile = |node: Node| {
        let (level, index) = node.tile();
        Tile::within(u8::try_from(level).ok()?, index, size)
    };
    ranges.iter().flat_map(nodes).filter_map(tile).collect()
}

/// A hash that is in none of the tiles at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the tiles at hand have not the hashes of leaves {start} to {end}")]
pub struct Absent {
    start: u64,
    end: u64,
}

/// Tiles that were read, by level and index.
#[derive(Debug, Default)]
pub struct Tiles {
    hashes: BTreeMap<(u32, u64), Vec<Hash>>,
}

impl Tiles {
    /// Adds a tile that was read.
    pub fn insert(&mut self, tile: Tile, hashes: Vec<Hash>) {
        self.hashes.insert((u32::from(tile.level), tile.index), hashes);
    }

    /// The hash of a range of leaves, as [`crate::inclusion`] and [`crate::consistency`] name them.
    ///
    /// # Errors
    /// A tile is not at hand.
    pub fn hash(&self, range: &Range<u64>) -> Result<Hash, Absent> {
        let absent = Absent { start: range.start, end: range.end };
        let hashes: Option<Vec<Hash>> = nodes(range).into_iter().map(|node| self.node(node)).collect();
        let mut hashes = hashes.ok_or(absent)?.into_iter().rev();
        let last = hashes.next().ok_or(absent)?;
        Ok(hashes.fold(last, |right, left| node_hash(left, right)))
    }

    fn node(&self, node: Node) -> Option<Hash> {
        let tile = self.hashes.get(&node.tile())?;
        let width = 1usize << (node.level % HEIGHT);
        let first = usize::try_from(node.index % (1 << (HEIGHT - node.level % HEIGHT))).ok()? * width;
        whole(tile.get(first..first + width)?)
    }
}

/// The root of a whole subtree; `hashes` are a power of two.
pub(crate) fn whole(hashes: &[Hash]) -> Option<Hash> {
    match hashes {
        [] => None,
        [hash] => Some(*hash),
        _ => {
            let (left, right) = hashes.split_at(hashes.len() / 2);
            Some(node_hash(whole(left)?, whole(right)?))
        }
    }
}
