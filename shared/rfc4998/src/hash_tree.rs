//! Hash trees by RFC 4998, section 4.2: the hashes of a group are put in order and hashed together. So one time-stamp
//! serves many records, each of which keeps only its way to the root.

use rfc3161::{Digest, Imprint};

/// The way from one hash to the root: lists of hashes, of which the first has the hash itself and each further one is joined
/// by what follows from the one before.
pub type ReducedTree = Vec<Vec<Vec<u8>>>;

/// A binary tree over hashes.
#[derive(Debug)]
pub struct HashTree {
    root: Imprint,
    /// In the order of the leaves that were given; empty where there is one leaf.
    reduced: Vec<ReducedTree>,
}

impl HashTree {
    /// Over `leaves`, hashes by one function. None if there are none, or if one is by another function.
    pub fn over(leaves: &[Imprint]) -> Option<Self> {
        let digest = leaves.first()?.digest();
        if !leaves.iter().all(|leaf| leaf.digest() == digest) {
            return None;
        }
        let mut reduced: Vec<ReducedTree> = vec![Vec::new(); leaves.len()];
        // each node: its hash and the leaves below it
        let mut level: Vec<(Vec<u8>, Vec<usize>)> =
            leaves.iter().enumerate().map(|(at, leaf)| (leaf.hash().to_vec(), vec![at])).collect();
        while level.len() > 1 {
            let mut above = Vec::with_capacity(level.len().div_ceil(2));
            let mut nodes = level.into_iter();
            while let Some((left, mut below)) = nodes.next() {
                let Some((right, others)) = nodes.next() else {
                    above.push((left, below));
                    break;
                };
                go_up(&mut reduced, &below, &left, &right);
                go_up(&mut reduced, &others, &right, &left);
                below.extend(others);
                above.push((join_hashes(digest, vec![left, right]), below));
            }
            level = above;
        }
        let (root, _) = level.pop()?;
        Some(Self { root: Imprint::from_hash(digest, root)?, reduced })
    }

    /// What is stamped.
    pub const fn root(&self) -> &Imprint {
        &self.root
    }

    /// The way of each leaf; empty where there is only one.
    pub fn into_ways(self) -> Vec<ReducedTree> {
        self.reduced
    }
}

/// Adds to the ways of `leaves`, which have come to the node `own`, its sibling.
fn go_up(ways: &mut [ReducedTree], leaves: &[usize], own: &[u8], sibling: &[u8]) {
    for at in leaves {
        let Some(way) = ways.get_mut(*at) else { continue };
        let list = if way.is_empty() {
            sorted(vec![own.to_vec(), sibling.to_vec()])
        } else {
            vec![sibling.to_vec()]
        };
        way.push(list);
    }
}

/// The root that a hash leads to; none if its way does not begin with it.
pub(crate) fn root_of(digest: Digest, hash: Vec<u8>, way: &[Vec<Vec<u8>>]) -> Option<Vec<u8>> {
    let Some((first, rest)) = way.split_first() else { return Some(hash) };
    if !first.contains(&hash) {
        return None;
    }
    let mut reached = join_hashes(digest, first.clone());
    for list in rest {
        let mut list = list.clone();
        list.push(reached);
        reached = join_hashes(digest, list);
    }
    Some(reached)
}

fn sorted(mut hashes: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    hashes.sort_unstable();
    hashes
}

fn join_hashes(digest: Digest, hashes: Vec<Vec<u8>>) -> Vec<u8> {
    digest.hash(&sorted(hashes).concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_leaf_of_trees_of_many_sizes_leads_to_the_root_and_no_other_hash_does() {
        for count in 1..40u8 {
            let leaves: Vec<Imprint> = (0..count).map(|leaf| Imprint::of(Digest::Sha256, &[leaf])).collect();
            let tree = HashTree::over(&leaves).unwrap();
            let root = tree.root().hash().to_vec();
            for (leaf, way) in leaves.iter().zip(tree.into_ways()) {
                assert_eq!(root_of(Digest::Sha256, leaf.hash().to_vec(), &way).as_ref(), Some(&root));
                assert_ne!(root_of(Digest::Sha256, vec![0; 32], &way).as_ref(), Some(&root));
                let lists = way.len();
                assert!(lists <= 6, "{lists} lists for {count} leaves");
            }
        }
        assert!(HashTree::over(&[]).is_none());
        let mixed = [Imprint::of(Digest::Sha256, b"a"), Imprint::of(Digest::Sha512, b"a")];
        assert!(HashTree::over(&mixed).is_none());
    }
}
