//! The ledger against a real table: who may do what, and how large an item gets.

use comms::{CommunicationId, CustomerKey, Document, Flow, Gid, Revision, ShopDomain, State, WriteBackState};
use e2e::{order_number, stack::Stack};
use jiff::{SignedDuration, Timestamp};
use ledger::{Admission, ArchivedAs, Cap, Claim, ClaimRequest, Lease, LedgerError, Outcome, SendMark};

struct Case {
    stack: Stack,
    shop: ShopDomain,
    order: Gid,
    id: comms::CommunicationId,
    now: Timestamp,
}

impl Case {
    async fn new() -> Self {
        let shop: ShopDomain = "ledger-test.myshopify.com".parse().unwrap();
        let order = Gid::new("Order", order_number());
        let id = comms::CommunicationId::derive(&shop, Document::Receipt, &order, &Revision::Initial);
        Self { stack: Stack::open().await, shop, order, id, now: Timestamp::now() }
    }

    async fn claim(&self, owner: &str, after_ms: i64) -> Claim {
        let now = self.now + SignedDuration::from_millis(after_ms);
        let request = ClaimRequest {
            communication: &self.id,
            shop: &self.shop,
            flow: Flow::OrderConfirmation,
            document: Document::Receipt,
            subject: &self.order,
            revision: &Revision::Initial,
            reported_on: &self.order,
            lease_holder: owner,
            now,
            lease_until: now + SignedDuration::from_millis(1000),
        };
        self.stack.ledger.claim(request).await.unwrap()
    }

    async fn lease(&self, owner: &str, after_ms: i64) -> Lease {
        match self.claim(owner, after_ms).await {
            Claim::Started(lease) => lease,
            other => panic!("not ours: {other:?}"),
        }
    }

    async fn complete(&self, lease: &Lease, state: State) -> Result<(), LedgerError> {
        let outcome = Outcome { write_back: Some(WriteBackState::Pending), ..Outcome::default() };
        self.stack.ledger.complete(lease, state, &outcome, self.now).await
    }
}

#[tokio::test]
async fn of_twenty_claims_at_once_one_starts() {
    let case = Case::new().await;
    let (mut started, mut answers) = (0, Vec::new());
    let mut set = tokio::task::JoinSet::new();
    for owner in 0..20 {
        let (shop, order, id) = (case.shop.clone(), case.order.clone(), case.id.clone());
        let case = Case { stack: Stack::open().await, shop, order, id, now: case.now };
        set.spawn(async move { case.claim(&owner.to_string(), 0).await });
    }
    while let Some(claim) = set.join_next().await {
        match claim.unwrap() {
            Claim::Started(_) => started += 1,
            other => answers.push(other),
        }
    }
    assert_eq!(started, 1);
    assert!(answers.iter().all(|answer| matches!(answer, Claim::InProgress { .. })), "{answers:?}");
}

#[tokio::test]
async fn a_lapsed_lease_changes_hands_and_its_old_owner_can_do_nothing() {
    let case = Case::new().await;
    let first = case.lease("first", 0).await;
    assert!(!first.is_takeover());
    assert!(matches!(case.claim("second", 999).await, Claim::InProgress { .. }));
    let second = case.lease("second", 1001).await;
    assert!(second.is_takeover());
    assert_eq!(second.entry.created_epoch_ms, first.entry.created_epoch_ms, "the archive location stays");
    assert!(matches!(case.complete(&first, State::Archived).await, Err(LedgerError::LostLease(_))));
    assert!(matches!(
        case.stack.ledger.release(&first, false, case.now).await,
        Err(LedgerError::LostLease(_))
    ));
    case.complete(&second, State::Archived).await.unwrap();
    assert!(
        matches!(case.claim("third", 9000).await, Claim::AlreadyDone(entry) if entry.state == State::Archived)
    );
    // done is done, even for the owner
    assert!(matches!(case.complete(&second, State::Failed).await, Err(LedgerError::LostLease(_))));
}

#[tokio::test]
async fn a_send_leaves_its_mark_until_it_is_known_not_to_have_happened() {
    let case = Case::new().await;
    let lease = case.lease("first", 0).await;
    assert_eq!(lease.send_mark(), SendMark::NeverBegun);
    case.stack.ledger.mark_sending(&lease, "email", None, case.now).await.unwrap();
    let lease = case.lease("second", 2000).await;
    assert_eq!(lease.send_mark(), SendMark::MayHaveHappened);
    case.stack.ledger.release(&lease, true, case.now).await.unwrap();
    let lease = case.lease("third", 2001).await;
    assert_eq!(lease.send_mark(), SendMark::DidNotHappen);
    case.stack.ledger.mark_sending(&lease, "email", None, case.now).await.unwrap();
    case.complete(&lease, State::Unknown).await.unwrap();
    assert_eq!(case.stack.ledger.get(&case.id).await.unwrap().unwrap().state, State::Unknown);
}

#[tokio::test]
async fn a_report_that_arrived_is_not_overwritten_by_one_that_failed() {
    let case = Case::new().await;
    let lease = case.lease("first", 0).await;
    case.complete(&lease, State::Archived).await.unwrap();
    let record = async |of, state, reason| {
        case.stack.ledger.record_write_back(&case.id, of, state, reason).await.unwrap();
    };
    record(State::Archived, WriteBackState::Failed, Some("resource not found")).await;
    record(State::Accepted, WriteBackState::Reported, None).await;
    let entry = case.stack.ledger.get(&case.id).await.unwrap().unwrap();
    assert_eq!(entry.write_back, WriteBackState::Failed, "the report of another state is not this one's");
    record(State::Archived, WriteBackState::Reported, None).await;
    record(State::Archived, WriteBackState::Failed, Some("late")).await;
    let entry = case.stack.ledger.get(&case.id).await.unwrap().unwrap();
    assert_eq!((entry.write_back, entry.write_back_reason), (WriteBackState::Reported, None));
}

/// Nothing was made of it, so nothing is known of it, and the next event may claim it anew.
#[tokio::test]
async fn only_the_owner_forgets_and_not_once_something_was_made() {
    let case = Case::new().await;
    let first = case.lease("first", 0).await;
    let second = case.lease("second", 2000).await;
    assert!(matches!(case.stack.ledger.forget(&first).await, Err(LedgerError::LostLease(_))));
    case.stack.ledger.forget(&second).await.unwrap();
    assert!(case.stack.ledger.get(&case.id).await.unwrap().is_none());
    let third = case.lease("third", 2001).await;
    assert_eq!(third.entry.attempts, 1);
    case.stack.ledger.mark_sending(&third, "email", None, case.now).await.unwrap();
    assert!(matches!(case.stack.ledger.forget(&third).await, Err(LedgerError::LostLease(_))));
}

/// Only what is unknown can be settled, once, and only as an end.
#[tokio::test]
async fn a_person_settles_what_is_unknown_and_nothing_else() {
    let case = Case::new().await;
    let settle = async |state| {
        let pending = WriteBackState::Pending;
        case.stack.ledger.settle(&case.id, state, "ops: they have it", pending, case.now).await.unwrap()
    };
    let lease = case.lease("first", 0).await;
    assert!(settle(State::Accepted).await.is_none());
    case.stack.ledger.mark_sending(&lease, "email", None, case.now).await.unwrap();
    case.complete(&lease, State::Unknown).await.unwrap();
    assert!(settle(State::Suppressed).await.is_none());
    let entry = settle(State::Accepted).await.unwrap();
    assert_eq!((entry.state, entry.reason.as_deref()), (State::Accepted, Some("ops: they have it")));
    assert!(settle(State::Failed).await.is_none());
}

/// Twenty offers at once compete for three places; repeats of one count once; the window moves on.
#[tokio::test]
async fn a_cap_admits_as_many_as_it_says() {
    let case = Case::new().await;
    let (ledger, shop) = (&case.stack.ledger, &case.shop);
    let customer = CustomerKey::derive(b"key", shop, &Gid::new("Customer", order_number()));
    let cap = Some(Cap { most: 3, days: 7 });
    let id = |n: u64| {
        let subject = Gid::new("Customer", n);
        CommunicationId::derive(shop, Document::PromotionalOffer, &subject, &Revision::Initial)
    };
    let ask = async |n: u64, now| loop {
        // whoever loses against four others in a row is told to come back
        if let Ok(admission) = ledger.admit(shop, &customer, &id(n), cap, now).await {
            return admission;
        }
    };
    let answers = futures::future::join_all((0..20).map(|n| ask(n % 10, case.now))).await;
    let admitted: std::collections::BTreeSet<u64> =
        (0..20).filter(|n| answers[*n as usize] == Admission::Admitted).map(|n| n % 10).collect();
    assert_eq!(admitted.len(), 3, "{answers:?}");
    let first = *admitted.first().unwrap();
    assert_eq!(ask(first, case.now).await, Admission::Admitted, "counted already");
    let hours = |hours| case.now + jiff::SignedDuration::from_hours(hours);
    assert_eq!(ask(50, hours(7 * 24 - 1)).await, Admission::Capped);
    assert_eq!(ask(50, hours(7 * 24 + 1)).await, Admission::Admitted);
    ledger.suppress(shop, &customer, "asked to be left alone", case.now).await.unwrap();
    assert_eq!(ask(first, case.now).await, Admission::Suppressed("asked to be left alone".to_owned()));
    ledger.lift(shop, &customer).await.unwrap();
    assert_eq!(ledger.suppression(shop, &customer).await.unwrap(), None);
    assert_eq!(ask(50, hours(7 * 24 + 1)).await, Admission::Admitted, "the count outlives the list");
}

/// The longest values this system writes still make an item of a kilobyte: one write unit.
#[tokio::test]
async fn an_item_stays_within_a_kilobyte() {
    let long = "because ".repeat(100);
    an_item_stays_small(Some(&long), None).await;
    an_item_stays_small(None, Some(jiff::Timestamp::now())).await;
}

async fn an_item_stays_small(reason: Option<&str>, check_at: Option<jiff::Timestamp>) {
    let case = Case::new().await;
    let owner = format!("{}/{}/0", uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
    let lease = case.lease(&owner, 0).await;
    let key = format!("{}/2026/11/22/payment-failure-letter/{}/document.pdf", case.shop, case.id);
    let archived = ArchivedAs {
        archive_key: key.clone(),
        archive_version: "x".repeat(32),
        sha256: "0".repeat(64),
        record_version: "x".repeat(32),
        record_sha256: "0".repeat(64),
        template: uuid::Uuid::new_v4().to_string(),
        template_version: Some(12),
    };
    let customer = CustomerKey::derive(b"key", &case.shop, &Gid::new("Customer", u64::MAX));
    case.stack.ledger.mark_sending(&lease, "email", Some(&archived), case.now).await.unwrap();
    let order = Gid::new("CompanyLocation", u64::MAX);
    let outcome = Outcome {
        archived: Some(&archived),
        channel: Some("email"),
        reference: Some("xsi-123456789012"),
        reason,
        name: Some("#1001"),
        email: None,
        customer: Some(&customer),
        write_back: Some(WriteBackState::Pending),
        reported_on: Some(&order),
        check_at,
    };
    case.stack.ledger.complete(&lease, State::Accepted, &outcome, case.now).await.unwrap();
    let item = case.stack.dynamodb.get_item().table_name(case.stack.output("TableName"));
    let item =
        item.key("pk", aws_sdk_dynamodb::types::AttributeValue::S(case.id.to_string())).send().await.unwrap();
    // DynamoDB counts the UTF-8 bytes of names and texts, and about half the digits of a number
    let bytes: usize = item
        .item()
        .unwrap()
        .iter()
        .map(|(name, value)| {
            name.len()
                + value
                    .as_s()
                    .map(String::len)
                    .or_else(|_| value.as_n().map(|n| n.len() / 2 + 2))
                    .unwrap_or(1)
        })
        .sum();
    assert!(bytes <= 1024, "{bytes} bytes");
}
