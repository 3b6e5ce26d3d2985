//! Facts beside a record: whoever writes, how often, in whatever order, and whatever dies.

use crate::bucket::World;
use archive::{ArchiveError, Decision, Fact, FactKind, FactRecord, RecordRef};
use jiff::{SignedDuration, Timestamp};

pub fn at(day: i64) -> Timestamp {
    "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(24 * day)
}

pub fn decision() -> Decision {
    Decision { actor: "legal@acme.example".to_owned(), reason: "a claim".to_owned() }
}

fn accepted(reference: &str) -> Fact {
    Fact { reference: Some(reference.to_owned()), ..Fact::new(FactKind::Accepted, at(0)) }
}

async fn kinds(world: &World, record: &RecordRef) -> Vec<FactKind> {
    let facts = world.archive.facts(record).await.unwrap();
    facts.iter().map(|(it, _): &(FactRecord, _)| it.fact.kind).collect()
}

#[tokio::test]
async fn each_fact_names_the_one_before_it_and_is_locked_like_the_record() {
    let world = World::new(at(0)).await;
    let record = world.document(1, "statutory", 30).await;
    let retention = world.archive.retention(at(0), 30);
    world.archive.add_first_fact(&record, &accepted("job-1"), &retention, at(0)).await.unwrap();
    let delivered = Fact::new(FactKind::Delivered, at(1));
    world.archive.add_fact(&record, &delivered, at(1)).await.unwrap();
    let facts = world.archive.facts(&record).await.unwrap();
    assert_eq!(facts[0].0.previous_sha256, record.sha256);
    assert_eq!(facts[1].0.previous_sha256, archive::sha256_hex(&facts[0].1));
    assert!(facts.iter().all(|(it, _)| it.record_sha256 == record.sha256));
    world.bucket.with(|state| {
        for (key, versions) in &state.objects {
            assert_eq!(versions[0].until, Some(retention.until), "{key}");
        }
    });
}

/// A second delivery, a late one, another order: each outcome is one fact, and none is lost.
#[tokio::test]
async fn facts_that_come_twice_late_or_in_another_order_are_one_each() {
    let bounced = || Fact::new(FactKind::Bounced, at(3)).saying(Some("550 <zoe@example.com>"));
    let delivered = || Fact::new(FactKind::Delivered, at(2));
    for order in [[accepted("a"), delivered(), bounced()], [bounced(), accepted("a"), delivered()]] {
        let world = World::new(at(0)).await;
        let record = world.document(1, "statutory", 30).await;
        for fact in order.iter().chain(&order) {
            world.archive.add_fact(&record, fact, at(3)).await.unwrap();
        }
        let expected: Vec<_> = order.iter().map(|it| it.kind).collect();
        assert_eq!(kinds(&world, &record).await, expected);
    }
}

#[tokio::test]
async fn of_two_writers_at_once_both_facts_stay() {
    let world = World::new(at(0)).await;
    let record = world.document(1, "statutory", 30).await;
    let facts: Vec<_> = (0..8).map(|number| accepted(&format!("job-{}", number / 2))).collect();
    let adding = facts.iter().map(|fact| world.archive.add_fact(&record, fact, at(0)));
    for added in futures::future::join_all(adding).await {
        added.unwrap();
    }
    let facts = world.archive.facts(&record).await.unwrap();
    let mut references: Vec<_> = facts.iter().filter_map(|(it, _)| it.fact.reference.clone()).collect();
    references.sort();
    assert_eq!(references, ["job-0", "job-1", "job-2", "job-3"], "each twice by two writers, and there once");
}

/// Whatever the request at which the writer dies, coming to the outcome once more leaves one fact.
#[tokio::test]
async fn a_writer_that_dies_at_any_request_is_repeated() {
    for requests in 0..6 {
        let world = World::new(at(0)).await;
        let record = world.document(1, "statutory", 30).await;
        world.archive.add_fact(&record, &accepted("job-1"), at(0)).await.unwrap();
        let delivered = Fact::new(FactKind::Delivered, at(1));
        world.bucket.answers(Some(requests));
        let first = world.archive.add_fact(&record, &delivered, at(1)).await;
        world.bucket.answers(None);
        assert_eq!(first.is_ok(), requests >= 4, "HEAD, PUT, GET, PUT");
        world.archive.add_fact(&record, &delivered, at(2)).await.unwrap();
        assert_eq!(kinds(&world, &record).await, [FactKind::Accepted, FactKind::Delivered], "{requests}");
    }
}

#[tokio::test]
async fn a_fact_that_was_taken_out_or_exchanged_is_noticed() {
    for number in 1..=3 {
        for exchanged in [true, false] {
            let world = World::new(at(0)).await;
            let record = world.document(1, "statutory", 30).await;
            for reference in ["a", "b", "c"] {
                world.archive.add_fact(&record, &accepted(reference), at(0)).await.unwrap();
            }
            let key = format!("{}fact-{number:02}.json", record.folder);
            world.bucket.with(|state| {
                if exchanged {
                    let version = &mut state.objects.get_mut(&key).unwrap()[0];
                    let text = String::from_utf8(version.body.clone()).unwrap();
                    version.body = text.replace("\"accepted\"", "\"refused\"").into();
                    version.headers.clear();
                } else {
                    state.objects.remove(&key);
                }
            });
            let read = world.archive.facts(&record).await;
            // nothing follows the last one that would show it: the log does
            match number {
                3 => assert!(read.is_ok(), "{exchanged}"),
                _ => assert!(matches!(read, Err(ArchiveError::Conflict { .. })), "{number} {exchanged}"),
            }
        }
    }
}

/// What comes after the retention has ended cannot be locked in the past.
#[tokio::test]
async fn a_late_fact_is_locked_for_a_day() {
    let world = World::new(at(0)).await;
    let record = world.document(1, "statutory", 1).await;
    world.set_now(at(20));
    world.archive.add_fact(&record, &Fact::new(FactKind::Bounced, at(20)), at(20)).await.unwrap();
    let key = format!("{}fact-01.json", record.folder);
    assert_eq!(world.bucket.with(|state| state.objects[&key][0].until), Some(at(21)));
}
