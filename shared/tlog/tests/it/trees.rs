use proptest::prelude::*;
use std::collections::BTreeMap;
use tlog::{
    Bundle, Edge, Hash, Tile, Tiles, bundle_path, consistency, inclusion, leaf_hash, node_hash, tiles_for,
    verify_consistency, verify_inclusion,
};

/// MTH of RFC 6962, as it is written there.
fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::empty_tree(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(mth(left), mth(right))
        }
    }
}

fn leaves(size: u64) -> Vec<Hash> {
    (0..size).map(|index| leaf_hash(&index.to_be_bytes())).collect()
}

/// The files of a tree of each size that is looked at: as a log keeps them.
fn files(leaves: &[Hash]) -> BTreeMap<Tile, Vec<u8>> {
    let (mut edge, mut full) = (Edge::empty(), Vec::new());
    leaves.iter().for_each(|leaf| edge.append(*leaf, &mut full));
    full.extend(edge.partial());
    full.into_iter().collect()
}

fn prove(files: &BTreeMap<Tile, Vec<u8>>, size: u64, ranges: &[std::ops::Range<u64>]) -> Vec<Hash> {
    let mut tiles = Tiles::default();
    for tile in tiles_for(ranges, size) {
        tiles.insert(tile, tile.hashes(&files[&tile]).unwrap());
    }
    ranges.iter().map(|range| tiles.hash(range).unwrap()).collect()
}

/// The reference tree of the Certificate Transparency test suites.
#[test]
fn roots_are_those_of_certificate_transparency() {
    let entries =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let (mut edge, mut full) = (Edge::empty(), Vec::new());
    assert_eq!(hex::encode(edge.root().0), roots[0]);
    for (entry, root) in entries.iter().zip(&roots[1..]) {
        edge.append(leaf_hash(&hex::decode(entry).unwrap()), &mut full);
        assert_eq!(hex::encode(edge.root().0), *root);
    }
}

/// The examples of tlog-tiles.
#[test]
fn paths_and_widths_are_those_of_the_specification() {
    assert_eq!(Tile { level: 2, index: 1_234_067, width: 256 }.path(), "tile/2/x001/x234/067");
    assert_eq!(bundle_path(Tile { level: 0, index: 5, width: 7 }), "tile/entries/005.p/7");
    let widths =
        |size| Edge::tiles_of(size).iter().map(|tile| (tile.level, tile.index, tile.width)).collect();
    let seventy: Vec<_> = widths(70_000);
    assert_eq!(seventy, [(0, 273, 112), (1, 1, 17), (2, 0, 1)]);
    let full: Vec<_> = widths(256);
    assert_eq!(full, [(1, 0, 1)]);
    assert_eq!(Tile::within(0, 272, 70_000).unwrap().width, 256);
    assert_eq!(Tile::within(0, 274, 70_000), None);
    assert_eq!(files(&leaves(70_000)).len(), 273 + 1 + 1 + 1 + 1);
}

#[test]
fn every_leaf_and_every_smaller_tree_is_proved() {
    let all = leaves(300);
    let old_roots: Vec<Hash> = (0..=all.len()).map(|size| mth(&all[..size])).collect();
    for size in (1..=40u64).chain([64, 65, 255, 256, 257, 300]) {
        let leaves = &all[..size as usize];
        let (root, files) = (mth(leaves), files(leaves));
        for index in 0..size {
            let proof = prove(&files, size, &inclusion(index, size).unwrap());
            verify_inclusion(leaves[index as usize], index, size, &proof, root).unwrap();
            let wrong = leaf_hash(b"another");
            assert!(verify_inclusion(wrong, index, size, &proof, root).is_err());
        }
        for old in 1..=size {
            let proof = prove(&files, size, &consistency(old, size).unwrap());
            let old_root = old_roots[old as usize];
            verify_consistency((old, old_root), (size, root), &proof).unwrap();
            let other = leaf_hash(b"another");
            assert!(verify_consistency((old, other), (size, root), &proof).is_err());
            assert!(verify_consistency((old, old_root), (size, other), &proof).is_err());
        }
    }
    assert!(inclusion(3, 3).is_err() && consistency(0, 3).is_err() && consistency(4, 3).is_err());
}

/// A log that was read at one size and grew in any steps has the same files as one that grew in one.
#[test]
fn an_edge_that_is_read_again_continues_as_if_it_had_never_ended() {
    let all = leaves(66_000);
    let whole = files(&all);
    let (mut kept, mut size, mut edge) = (BTreeMap::new(), 0usize, Edge::empty());
    for step in [1, 255, 1, 3, 252, 65_000, 400, 88] {
        let mut full = Vec::new();
        all[size..size + step].iter().for_each(|leaf| edge.append(*leaf, &mut full));
        size += step;
        kept.extend(full);
        kept.extend(edge.partial());
        let tiles = Edge::tiles_of(size as u64);
        let read = Edge::read(size as u64, tiles.iter().map(|tile| (*tile, kept[tile].as_slice()))).unwrap();
        assert_eq!(read.root(), mth(&all[..size]));
        edge = read;
    }
    assert_eq!(size, all.len());
    assert!(whole.iter().all(|(tile, file)| kept[tile] == *file));
    let (tile, file) = whole.iter().find(|(tile, _)| tile.width < 256).unwrap();
    assert!(Edge::read(66_000, [(*tile, &file[1..])]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_proof_holds_in_a_large_tree_and_no_bit_of_it_may_change(
        size in 1u64..2000, at in any::<u64>(), bit in any::<usize>(), other in any::<u64>(),
    ) {
        let leaves = leaves(size);
        let (root, files, index) = (mth(&leaves), files(&leaves), at % size);
        let proof = prove(&files, size, &inclusion(index, size).unwrap());
        let leaf = leaves[index as usize];
        prop_assert!(verify_inclusion(leaf, index, size, &proof, root).is_ok());
        let mut longer = proof.clone();
        longer.push(leaf);
        prop_assert!(verify_inclusion(leaf, index, size, &longer, root).is_err());
        prop_assert!(index == other % size || verify_inclusion(leaf, other % size, size, &proof, root).is_err());
        if !proof.is_empty() {
            let mut changed = proof.clone();
            let place = bit % (proof.len() * 256);
            changed[place / 256].0[place % 256 / 8] ^= 1 << (place % 8);
            prop_assert!(verify_inclusion(leaf, index, size, &changed, root).is_err());
            prop_assert!(verify_inclusion(leaf, index, size, &proof[1..], root).is_err());
            prop_assert!(verify_inclusion(leaf, index, size, &proof[..proof.len() - 1], root).is_err());
        }
        let old = 1 + other % size;
        let proof = prove(&files, size, &consistency(old, size).unwrap());
        let old_root = mth(&leaves[..old as usize]);
        prop_assert!(verify_consistency((old, old_root), (size, root), &proof).is_ok());
        if !proof.is_empty() {
            let mut changed = proof.clone();
            let place = bit % (proof.len() * 256);
            changed[place / 256].0[place % 256 / 8] ^= 1 << (place % 8);
            prop_assert!(verify_consistency((old, old_root), (size, root), &changed).is_err());
            prop_assert!(verify_consistency((old, old_root), (size, root), &proof[1..]).is_err());
        }
    }

    #[test]
    fn bundles_come_back_and_never_panic(entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20), cut in any::<usize>()) {
        let mut bundle = Bundle::default();
        entries.iter().for_each(|entry| bundle.push(entry).unwrap());
        let file = bundle.into_bytes();
        prop_assert_eq!(Bundle::entries(&file).unwrap(), entries.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let _ = Bundle::entries(&file[..cut % (file.len() + 1)]);
    }
}

#[test]
fn an_entry_that_is_too_long_is_refused() {
    assert!(Bundle::default().push(&vec![0; 65_536]).is_err());
    assert!(Bundle::default().push(&vec![0; 65_535]).is_ok());
}
