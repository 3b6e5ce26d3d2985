//! Holding, releasing and destroying, each of which dies at every request and is done again.

use crate::{
    bucket::{SHOP, World},
    facts::{at, decision},
};
use archive::{Access, AccessKind, AccessLog, Disposal, Fact, FactKind, LockMode, Plan, RecordRef, Verdict};
use comms::ShopDomain;
use jiff::Timestamp;

impl World {
    fn all_held(&self, record: &RecordRef) -> Vec<bool> {
        self.bucket.with(|state| {
            let of = state.objects.iter().filter(|(key, _)| key.starts_with(&record.folder));
            of.flat_map(|(_, versions)| versions.iter().map(|it| it.is_held)).collect()
        })
    }

    async fn verdict(&self, disposal: &Disposal<'_>, folder: &str, now: Timestamp) -> Verdict {
        let versions = self.archive.versions(folder).await.unwrap();
        disposal.verdict(folder, &versions, |class| class == "books", now).await.unwrap()
    }
}

#[tokio::test]
async fn a_hold_is_on_every_version_of_every_object_and_a_fact() {
    for requests in 0..12 {
        let world = World::new(at(0)).await;
        let record = world.document(1, "statutory", 30).await;
        world.archive.add_fact(&record, &Fact::new(FactKind::Accepted, at(0)), at(0)).await.unwrap();
        world.bucket.answers(Some(requests));
        let died = world.archive.hold(&record, "case 7", &decision(), at(1)).await.is_err();
        world.bucket.answers(None);
        let change = world.archive.hold(&record, "case 7", &decision(), at(1)).await.unwrap();
        assert_eq!(change.matters, ["case 7"]);
        assert_eq!(world.all_held(&record), [true; 4], "{requests} {died}");
        assert!(world.archive.is_held(&record).await.unwrap());
        let facts = world.archive.facts(&record).await.unwrap();
        let kinds: Vec<_> = facts.iter().map(|(it, _)| it.fact.kind).collect();
        assert_eq!(kinds, [FactKind::Accepted, FactKind::Held], "{requests}");
        assert_eq!(facts[1].0.fact.decision, Some(decision()));
        // what is added later is held as well
        world.archive.add_fact(&record, &Fact::new(FactKind::Bounced, at(2)), at(2)).await.unwrap();
        assert_eq!(world.all_held(&record), [true; 5]);
    }
}

#[tokio::test]
async fn what_is_held_for_two_matters_is_free_when_both_have_ended() {
    let world = World::new(at(0)).await;
    let record = world.document(1, "statutory", 30).await;
    for matter in ["a", "b"] {
        assert!(world.archive.hold(&record, matter, &decision(), at(1)).await.unwrap().is_new);
    }
    let change = world.archive.release(&record, "a", &decision(), at(2)).await.unwrap();
    assert_eq!((change.is_new, change.matters.as_slice()), (true, ["b".to_owned()].as_slice()));
    assert!(world.archive.is_held(&record).await.unwrap());
    let again = world.archive.release(&record, "a", &decision(), at(2)).await.unwrap();
    assert!(!again.is_new);
    assert!(world.all_held(&record).iter().all(|it| *it));
    world.archive.release(&record, "b", &decision(), at(3)).await.unwrap();
    assert_eq!(world.all_held(&record), [false; 6], "document, record, four facts");
    assert!(!world.archive.is_held(&record).await.unwrap());
}

/// A release that dies leaves it held rather than free without a fact.
#[tokio::test]
async fn a_release_that_dies_at_any_request_is_completed() {
    for requests in 0..14 {
        let world = World::new(at(0)).await;
        let record = world.document(1, "statutory", 30).await;
        world.archive.hold(&record, "a", &decision(), at(1)).await.unwrap();
        world.bucket.answers(Some(requests));
        let _ = world.archive.release(&record, "a", &decision(), at(2)).await;
        world.bucket.answers(None);
        let is_open = !world.archive.matters(&record).await.unwrap().is_empty();
        assert!(!is_open || world.archive.is_held(&record).await.unwrap(), "{requests}: free without a fact");
        world.archive.release(&record, "a", &decision(), at(2)).await.unwrap();
        assert_eq!(world.all_held(&record), [false; 4], "{requests}");
        assert_eq!(world.archive.facts(&record).await.unwrap().len(), 2, "{requests}");
    }
}

#[tokio::test]
async fn only_what_has_expired_by_a_class_that_is_destroyed_and_is_not_held_may_go() {
    let world = World::new(at(0)).await;
    let expired = world.document(1, "books", 10).await;
    let kept = world.document(2, "statutory", 10).await;
    let locked = world.document(3, "books", 200).await;
    let held = world.document(4, "books", 10).await;
    world.archive.hold(&held, "a", &decision(), at(1)).await.unwrap();
    world.set_now(at(100));
    let (shop, by): (ShopDomain, _) = (SHOP.parse().unwrap(), decision());
    let disposal = Disposal { archive: &world.archive, shop: &shop, run: "r", decision: &by, days: 30 };
    for (record, expected) in [(&kept, Verdict::Kept), (&locked, Verdict::Locked), (&held, Verdict::Held)] {
        assert_eq!(world.verdict(&disposal, &record.folder, at(100)).await, expected);
    }
    let Verdict::Expired(it) = world.verdict(&disposal, &expired.folder, at(100)).await else { panic!() };
    assert_eq!((it.rule.class.as_str(), it.rule.legal_basis.as_str()), ("books", "law"));
    assert_eq!(it.record_sha256, expired.sha256);
    assert!(it.objects.iter().all(|it| it.sha256.is_some()) && it.objects[1].name == "record.json");
    assert_eq!(
        world.verdict(&disposal, "acme.myshopify.com/2026/01/01/receipt/x/", at(100)).await,
        Verdict::Unknown
    );
}

/// Whatever the request at which a run dies, the next one ends it, and the certificate names all that is gone.
#[tokio::test]
async fn a_run_that_dies_at_any_request_is_continued_and_certified() {
    let (shop, by): (ShopDomain, _) = (SHOP.parse().unwrap(), decision());
    for requests in 0..24 {
        let world = World::new(at(0)).await;
        let mut expired = Vec::new();
        for order in 1..=3 {
            expired.push(world.document(order, "books", 10).await);
        }
        let safe = world.document(9, "books", 200).await;
        world.set_now(at(100));
        let disposal = Disposal { archive: &world.archive, shop: &shop, run: "r1", decision: &by, days: 30 };
        let mut plan = Vec::new();
        for record in &expired {
            let Verdict::Expired(it) = world.verdict(&disposal, &record.folder, at(100)).await else {
                panic!()
            };
            plan.push(*it);
        }
        // one is held after it was planned
        world.bucket.answers(Some(requests));
        let planned = disposal.plan(1, plan.clone(), at(100)).await;
        if let Ok(plan) = &planned {
            let _ = disposal.carry_out(plan, at(100)).await;
        }
        world.bucket.answers(None);
        let next = Disposal { run: "r2", ..disposal };
        let unfinished: Vec<Plan> = next.unfinished().await.unwrap();
        for plan in &unfinished {
            next.carry_out(plan, at(101)).await.unwrap();
        }
        assert_eq!(next.unfinished().await.unwrap(), [], "{requests}");
        let left = world.bucket.keys();
        if planned.is_err() && unfinished.is_empty() {
            assert_eq!(left.len(), 8, "{requests}: nothing goes without a plan");
            continue;
        }
        let certificate = world.bucket.with(|state| {
            let key = format!("disposal/{SHOP}/r1/certificate-0001.json");
            serde_json::from_slice::<archive::Certificate>(&state.objects[&key][0].body).unwrap()
        });
        assert_eq!(certificate.destroyed, plan, "{requests}");
        assert_eq!(certificate.kept, []);
        assert_eq!(left.iter().filter(|key| key.starts_with(&safe.folder)).count(), 2, "{requests}");
        assert_eq!(left.len(), 4, "{requests}: {left:?}");
        let text = serde_json::to_string(&certificate).unwrap();
        assert!(!text.contains("zoe") && !text.contains("Order"), "{text}");
    }
}

#[tokio::test]
async fn what_is_held_after_it_was_planned_is_kept_and_the_certificate_says_so() {
    let (shop, by): (ShopDomain, _) = (SHOP.parse().unwrap(), decision());
    let world = World::new(at(0)).await;
    let (one, two) = (world.document(1, "books", 10).await, world.document(2, "books", 10).await);
    world.set_now(at(100));
    let disposal = Disposal { archive: &world.archive, shop: &shop, run: "r1", decision: &by, days: 30 };
    let mut plan = Vec::new();
    for record in [&one, &two] {
        let Verdict::Expired(it) = world.verdict(&disposal, &record.folder, at(100)).await else { panic!() };
        plan.push(*it);
    }
    let plan = disposal.plan(1, plan, at(100)).await.unwrap();
    world.archive.hold(&one, "a", &by, at(100)).await.unwrap();
    let certificate = disposal.carry_out(&plan, at(100)).await.unwrap();
    assert_eq!(certificate.kept, std::slice::from_ref(&one.communication));
    assert_eq!(certificate.destroyed.len(), 1);
    let left = world.bucket.keys();
    assert!(left.iter().any(|key| key.starts_with(&one.folder)));
    assert!(!left.iter().any(|key| key.starts_with(&two.folder)));
}

#[tokio::test]
async fn a_reading_is_on_record_or_refused() {
    let world = World::new(at(0)).await;
    let log = AccessLog::new(world.s3.clone(), "archive".to_owned(), LockMode::Compliance, 4018);
    let access = Access {
        actor: "support@acme.example".to_owned(),
        communication: "c4809f9b199959867b344883a5f958d0".parse().unwrap(),
        what: AccessKind::Document,
        why: "asked\nby phone".to_owned(),
        by: "ctl-show".to_owned(),
    };
    let key = log.record_access(&world.shop, &access, at(0)).await.unwrap();
    assert!(key.starts_with("access/acme.myshopify.com/2026/01/01/"), "{key}");
    // the same once more is the same entry
    assert_eq!(log.record_access(&world.shop, &access, at(0)).await.unwrap(), key);
    let body = world.bucket.with(|state| String::from_utf8(state.objects[&key][0].body.clone()).unwrap());
    assert!(body.contains("\"why\":\"asked by phone\""), "{body}");
    world.bucket.answers(Some(0));
    assert!(log.record_access(&world.shop, &access, at(1)).await.is_err());
}
