//! The right edge of a tree: the partial tiles, which are all that is needed to make the tree grow and to know its root.
//! It takes 8 KB per level and never more than four levels within a thousand million leaves.

use crate::{Hash, TILE_WIDTH, Tile, node_hash, tiles::whole};

/// The right edge of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    /// The hashes of each level's partial tile, from level 0 up; always fewer than 256.
    levels: Vec<Vec<Hash>>,
}

/// Files that are not the edge of a tree of that size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} is not as long as its name says")]
pub struct InvalidEdge {
    /// The file.
    pub path: String,
}

impl Edge {
    /// Of a tree without leaves.
    pub const fn empty() -> Self {
        Self { size: 0, levels: Vec::new() }
    }

    /// The partial tiles that the edge of a tree of `size` leaves consists of.
    pub fn tiles_of(size: u64) -> Vec<Tile> {
        let levels = (0..8u8).map(|level| (level, size.checked_shr(8 * u32::from(level)).unwrap_or(0)));
        let tile = |(level, hashes): (u8, u64)| {
            let width = u16::try_from(hashes % TILE_WIDTH).ok().filter(|width| *width > 0)?;
            Some(Tile { level, index: hashes / TILE_WIDTH, width })
        };
        levels.filter_map(tile).collect()
    }

    /// From the files of [`Edge::tiles_of`].
    ///
    /// # Errors
    /// A file has another length.
    pub fn read<'a>(
        size: u64,
        files: impl IntoIterator<Item = (Tile, &'a [u8])>,
    ) -> Result<Self, InvalidEdge> {
        let mut levels: Vec<Vec<Hash>> = Vec::new();
        for (tile, file) in files {
            let hashes = tile.hashes(file).ok_or_else(|| InvalidEdge { path: tile.path() })?;
            let level = usize::from(tile.level);
            levels.resize(levels.len().max(level + 1), Vec::new());
            if let Some(place) = levels.get_mut(level) {
                *place = hashes;
            }
        }
        Ok(Self { size, levels })
    }

    /// How many leaves the tree has.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf, and what becomes whole by it to `full`: tiles with their files.
    pub fn append(&mut self, leaf: Hash, full: &mut Vec<(Tile, Vec<u8>)>) {
        self.size += 1;
        let mut hash = leaf;
        for level in 0..8u8 {
            let place = usize::from(level);
            if self.levels.len() <= place {
                self.levels.push(Vec::new());
            }
            let Some(hashes) = self.levels.get_mut(place) else { return };
            hashes.push(hash);
            if (hashes.len() as u64) < TILE_WIDTH {
                return;
            }
            let hashes = std::mem::take(hashes);
            let index = (self.size >> (8 * (u32::from(level) + 1))) - 1;
            let tile = Tile { level, index, width: 256 };
            full.push((tile, file(&hashes)));
            let Some(root) = whole(&hashes) else { return };
            hash = root;
        }
    }

    /// The partial tiles with their files.
    pub fn partial(&self) -> Vec<(Tile, Vec<u8>)> {
        let tiles = Self::tiles_of(self.size).into_iter();
        tiles.filter_map(|tile| Some((tile, file(self.levels.get(usize::from(tile.level))?)))).collect()
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        let mut root: Option<Hash> = None;
        for hashes in &self.levels {
            let mut end = hashes.len();
            // whole subtrees, the smallest and rightmost first
            while end > 0 {
                let width = 1 << end.trailing_zeros();
                let subtree = hashes.get(end - width..end).and_then(whole);
                root = match (subtree, root) {
                    (Some(left), Some(right)) => Some(node_hash(left, right)),
                    (left, right) => left.or(right),
                };
                end -= width;
            }
        }
        root.unwrap_or_else(Hash::empty_tree)
    }
}

fn file(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}
