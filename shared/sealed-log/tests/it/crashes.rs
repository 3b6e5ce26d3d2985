use crate::*;
use sealed_log::LogReader;
use tlog::{Checkpoint, SignedNote, verify_consistency};

/// Every batch ends with an entry of its own. Every other entry is proved in the latest checkpoint, once, and every checkpoint that was ever published is a part of it.
async fn is_whole(bucket: &Bucket, count: u64) {
    let store = store(bucket).await;
    let log = open(&store).await.unwrap();
    let batches = bucket.objects().keys().filter(|key| key.contains("/batch/")).count() as u64;
    assert_eq!(log.size(), count + batches);
    let reader = LogReader::new(&store);
    let mut indexes = Vec::new();
    let each = |index, entry: Entry| indexes.push((entry, index));
    reader.sealed_on(&shop(), date(), each).await.unwrap();
    indexes.sort_unstable_by_key(|(_, index)| *index);
    assert!(indexes.is_sorted_by(|(_, one), (_, other)| one < other), "each has one place");
    assert_eq!(indexes.len() as u64, count);
    let mut sealed: Vec<Entry> = indexes.into_iter().map(|(entry, _)| entry).collect();
    sealed.sort_unstable_by_key(|entry| entry.communication.clone());
    assert_eq!(sealed, entries(0..count), "each is sealed once");
    for number in (0..count).step_by(61) {
        let inclusion =
            reader.prove(&shop(), date(), &id(number), None).await.unwrap().expect("it is sealed");
        assert_eq!(inclusion.commitment, entries(number..number + 1)[0].commitment);
    }
    let mut sizes = Vec::new();
    for note in &bucket.objects()["log/acme.myshopify.com/checkpoint"] {
        let note: SignedNote = std::str::from_utf8(note).unwrap().parse().unwrap();
        let checkpoint: Checkpoint = key().verify(&note).unwrap().parse().unwrap();
        sizes.push((checkpoint.size, checkpoint.root));
    }
    assert!(sizes.is_sorted_by_key(|(size, _)| *size));
    let last = sizes[sizes.len() - 1];
    for old in sizes {
        let proof = reader.consistency(&shop(), old.0, last.0).await.unwrap();
        verify_consistency(old, last, &proof).unwrap();
    }
    for (key, versions) in bucket.objects() {
        assert!(versions.len() == 1 || key.ends_with("/checkpoint"), "{key} was changed");
    }
}

/// Before and after each put of a run that seals 600 entries in batches of 250: with full tiles, with partial ones, and
/// with the first checkpoint.
#[tokio::test]
async fn a_run_that_dies_at_any_put_is_continued() {
    let whole = Bucket::default();
    run(&store(&whole).await, entries(0..600), 250).await.unwrap();
    let puts = whole.0.lock().unwrap().puts;
    assert!(puts > 15, "{puts}");
    for put in 1..=puts {
        for takes_effect in [false, true] {
            let bucket = Bucket::default();
            bucket.die_at(Some((put, takes_effect)));
            run(&store(&bucket).await, entries(0..600), 250).await.unwrap_err();
            bucket.die_at(None);
            let store = store(&bucket).await;
            run(&store, entries(0..600), 250).await.unwrap();
            assert_eq!(open(&store).await.unwrap().size(), 603, "put {put}");
            let same = |key: &str| whole.objects()[key].last() == bucket.objects()[key].last();
            assert!(same("log/acme.myshopify.com/checkpoint"), "put {put}: another log");
        }
    }
    is_whole(&whole, 600).await;
}

#[tokio::test]
async fn runs_at_the_same_time_seal_each_entry_once() {
    let bucket = Bucket::default();
    let store = store(&bucket).await;
    // they know of different entries, and meet at different places
    let ranges = [(0..300, 25), (0..310, 50), (20..310, 33), (0..300, 120)];
    for _ in 0..4 {
        let runs = ranges.clone().map(|(range, size)| run(&store, entries(range), size));
        // who is overtaken leaves the rest to the next run
        for result in futures::future::join_all(runs).await {
            assert!(matches!(result, Ok(()) | Err(LogError::Overtaken)), "{result:?}");
        }
    }
    is_whole(&bucket, 310).await;
}

#[tokio::test]
async fn a_late_entry_is_in_the_next_seal() {
    let bucket = Bucket::default();
    let store = store(&bucket).await;
    run(&store, entries(0..10), 4096).await.unwrap();
    assert!(LogReader::new(&store).prove(&shop(), date(), &id(10), None).await.unwrap().is_none());
    run(&store, entries(0..11), 4096).await.unwrap();
    is_whole(&bucket, 11).await;
}

/// One bit of any object that a checkpoint stands on, each of its bytes in turn: the log is not continued.
#[tokio::test]
async fn a_log_that_was_tampered_with_is_not_continued() {
    let bucket = Bucket::default();
    let store = store(&bucket).await;
    run(&store, entries(0..300), 300).await.unwrap();
    let key = |name: &str| format!("log/acme.myshopify.com/{name}");
    for name in ["checkpoint", "tile/0/001.p/45", "tile/1/000.p/1"] {
        let length = bucket.objects()[&key(name)][0].len();
        for at in (0..length).step_by(if name == "checkpoint" { 1 } else { 37 }) {
            let flip = || bucket.0.lock().unwrap().versions.get_mut(&key(name)).unwrap()[0][at] ^= 1;
            flip();
            let error = open(&store).await.expect_err("it was changed");
            assert!(error.is_contradiction(), "{name} {at}: {error}");
            flip();
        }
    }
    for name in ["tile/0/001.p/45", "tile/entries/001.p/45"] {
        let versions = bucket.0.lock().unwrap().versions.remove(&key(name)).unwrap();
        assert!(open(&store).await.expect_err("it is gone").is_contradiction());
        bucket.0.lock().unwrap().versions.insert(key(name), versions);
    }
    assert_eq!(open(&store).await.unwrap().size(), 301);
}

/// Somebody who hides the checkpoint gets the same log again, from its batches.
#[tokio::test]
async fn a_hidden_checkpoint_is_made_again_as_it_was() {
    let bucket = Bucket::default();
    let store = store(&bucket).await;
    run(&store, entries(0..600), 250).await.unwrap();
    let key = "log/acme.myshopify.com/checkpoint";
    let before = bucket.0.lock().unwrap().versions.remove(key).unwrap();
    let mut log = open(&store).await.unwrap();
    assert_eq!(log.size(), 0);
    log.resume(sign, now()).await.unwrap();
    assert_eq!(bucket.objects()[key].last(), before.last());
}
