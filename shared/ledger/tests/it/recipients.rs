//! How many offers a customer gets, whoever else is counting.

use crate::table::{Table, set_version, version};
use comms::{CommunicationId, CustomerKey, Document, Gid, Revision, ShopDomain};
use jiff::{Timestamp, ToSpan};
use ledger::{Admission, Cap, Ledger, LedgerError};
use serde_json::json;

const CAP: Option<Cap> = Some(Cap { most: 2, days: 7 });

fn shop() -> ShopDomain {
    "acme.myshopify.com".parse().unwrap()
}

fn customer(number: u64) -> CustomerKey {
    CustomerKey::derive(b"key", &shop(), &Gid::new("Customer", number))
}

fn offer(name: &str) -> CommunicationId {
    let subject = Gid::new("Customer", 1);
    CommunicationId::derive(&shop(), Document::PromotionalOffer, &subject, &Revision::named(name))
}

fn now() -> Timestamp {
    "2026-11-23T09:00:00Z".parse().unwrap()
}

async fn admit(ledger: &Ledger, name: &str, cap: Option<Cap>, now: Timestamp) -> Admission {
    ledger.admit(&shop(), &customer(1), &offer(name), cap, now).await.unwrap()
}

use Admission::{Admitted, Capped};

#[tokio::test]
async fn the_cap_counts_communications_and_not_attempts() {
    let table = Table::default();
    let ledger = table.ledger().await;
    for _ in 0..5 {
        assert_eq!(admit(&ledger, "a", CAP, now()).await, Admitted);
    }
    assert_eq!(table.items().writes, 1);
    assert_eq!(admit(&ledger, "b", CAP, now()).await, Admitted);
    assert_eq!(admit(&ledger, "c", CAP, now()).await, Capped);
    // what was admitted stays so, or a retry would be suppressed because of itself
    assert_eq!(admit(&ledger, "a", CAP, now()).await, Admitted);
    assert_eq!(ledger.admit(&shop(), &customer(2), &offer("c"), CAP, now()).await.unwrap(), Admitted);
}

#[tokio::test]
async fn the_window_ends_to_the_millisecond() {
    let ledger = Table::default().ledger().await;
    let cap = Some(Cap { most: 1, days: 7 });
    assert_eq!(admit(&ledger, "a", cap, now()).await, Admitted);
    let week_later = now() + (7 * 24).hours();
    assert_eq!(admit(&ledger, "b", cap, week_later - 1.millisecond()).await, Capped);
    assert_eq!(admit(&ledger, "b", cap, week_later).await, Admitted);
    assert_eq!(admit(&ledger, "c", cap, week_later).await, Capped, "the window slides");
}

#[tokio::test]
async fn without_a_cap_nothing_is_counted_and_the_list_still_holds() {
    let table = Table::default();
    let ledger = table.ledger().await;
    assert_eq!(admit(&ledger, "a", None, now()).await, Admitted);
    assert_eq!(table.items().writes, 0);
    ledger.suppress(&shop(), &customer(1), "asked by phone", now()).await.unwrap();
    assert_eq!(admit(&ledger, "a", None, now()).await, Admission::Suppressed("asked by phone".into()));
}

#[tokio::test]
async fn the_suppression_list_beats_the_cap_and_an_earlier_admission() {
    let ledger = Table::default().ledger().await;
    let who = customer(1);
    for name in ["a", "b"] {
        assert_eq!(admit(&ledger, name, CAP, now()).await, Admitted);
    }
    ledger.suppress(&shop(), &who, "bounced", now()).await.unwrap();
    for name in ["a", "c"] {
        assert_eq!(admit(&ledger, name, CAP, now()).await, Admission::Suppressed("bounced".into()));
    }
    assert_eq!(ledger.suppression(&shop(), &who).await.unwrap().as_deref(), Some("bounced"));
    ledger.lift(&shop(), &who).await.unwrap();
    assert_eq!(ledger.suppression(&shop(), &who).await.unwrap(), None);
    assert_eq!(admit(&ledger, "c", CAP, now()).await, Capped, "what was sent before still counts");
}

/// Two documents for the last place: the one that loses the race reads again and finds it taken.
#[tokio::test]
async fn a_count_that_somebody_else_changed_is_made_again() {
    let table = Table::default();
    let ledger = table.ledger().await;
    assert_eq!(admit(&ledger, "a", CAP, now()).await, Admitted);
    table.items().interference.push_back(|item| {
        let at = now().as_millisecond().to_string();
        item["sent"]["M"].as_object_mut().unwrap().insert("other".to_owned(), json!({"N": at}));
        let next = version(item) + 1;
        set_version(item, next);
    });
    assert_eq!(admit(&ledger, "b", CAP, now()).await, Capped);
    assert_eq!(table.items().refused, 1);
}

/// A customer who is put on the list between the read and the write is not sent to.
#[tokio::test]
async fn a_suppression_in_between_is_seen() {
    let table = Table::default();
    let ledger = table.ledger().await;
    table.items().interference.push_back(|item| {
        item.insert("suppressed".to_owned(), json!({"S": "complained"}));
        set_version(item, 1);
    });
    assert_eq!(admit(&ledger, "a", CAP, now()).await, Admission::Suppressed("complained".into()));
}

/// The first write arrived and its answer did not: the repeated one is refused because of it.
#[tokio::test]
async fn a_write_whose_answer_was_lost_counts_once() {
    let table = Table::default();
    let ledger = table.ledger().await;
    table.items().interference.push_back(|item| {
        let at = now().as_millisecond().to_string();
        item.insert("sent".to_owned(), json!({"M": {offer("a").as_str(): {"N": at}}}));
        set_version(item, 1);
    });
    assert_eq!(admit(&ledger, "a", Some(Cap { most: 1, days: 7 }), now()).await, Admitted);
    let items = table.items();
    assert_eq!((items.refused, items.writes), (1, 0));
}

#[tokio::test]
async fn a_customer_everybody_writes_to_is_tried_again_later() {
    let table = Table::default();
    let ledger = table.ledger().await;
    for _ in 0..20 {
        table.items().interference.push_back(|item| {
            let next = version(item) + 1;
            set_version(item, next);
        });
    }
    let error = ledger.admit(&shop(), &customer(1), &offer("a"), CAP, now()).await.unwrap_err();
    assert!(matches!(error, LedgerError::Request { .. }), "{error}");
    assert_eq!(table.items().writes, 0);
}

/// Twelve at once for two places, against a table that refuses what is out of date.
#[tokio::test]
async fn of_many_at_once_no_more_than_the_cap_are_admitted() {
    let ledger = Table::default().ledger().await;
    let names: Vec<_> = (0..12).map(|n| format!("offer-{n}")).collect();
    let tries = names.iter().map(|name| async {
        // those that lose too often come back, as their messages do
        for _ in 0..100 {
            if let Ok(answer) = ledger.admit(&shop(), &customer(1), &offer(name), CAP, now()).await {
                return answer;
            }
        }
        panic!("it never gets its turn");
    });
    let answers = futures::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| **answer == Admitted).count(), 2, "{answers:?}");
}
