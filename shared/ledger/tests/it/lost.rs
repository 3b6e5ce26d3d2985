//! Answers of DynamoDB that are lost after the write was made: the SDK sends the write again, and the caller must not
//! be able to tell.

use axum::{
    Json, Router,
    body::Bytes,
    extract::State as Shared,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use comms::{CommunicationId, CustomerKey, Document, Flow, Gid, Revision, ShopDomain, State, WriteBackState};
use fakes::dynamodb::{Item, apply, holds};
use futures::{FutureExt, future::LocalBoxFuture};
use jiff::{Timestamp, ToSpan};
use ledger::{Cap, ChannelOutcome, Claim, ClaimRequest, Lease, Ledger, LedgerError, Outcome};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

/// A table that loses answers to writes.
#[derive(Default)]
struct Table {
    items: BTreeMap<String, Item>,
    /// So many answers are lost.
    lose: usize,
    /// What others do to the item after an answer was lost and before the write comes again.
    then: Option<fn(&mut Item)>,
}

type Tables = Arc<Mutex<Table>>;

impl Table {
    fn write(&mut self, operation: &str, pk: String, request: &Value) -> Response {
        let item = self.items.get(&pk);
        let condition = request["ConditionExpression"].as_str();
        if !condition.is_none_or(|condition| holds(condition, item, request).unwrap()) {
            let kind = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
            let mut refusal = json!({"__type": kind, "message": "The conditional request failed"});
            if let (Some(item), "ALL_OLD") =
                (item, request["ReturnValuesOnConditionCheckFailure"].as_str().unwrap_or_default())
            {
                refusal["Item"] = json!(item);
            }
            return (StatusCode::BAD_REQUEST, Json(refusal)).into_response();
        }
        let mut answer = json!({});
        if operation == "DeleteItem" {
            self.items.remove(&pk);
        } else {
            let mut item =
                item.cloned().unwrap_or_else(|| Item::from_iter([("pk".to_owned(), json!({"S": pk}))]));
            apply(&mut item, request["UpdateExpression"].as_str().unwrap(), request).unwrap();
            if request["ReturnValues"] == "ALL_NEW" {
                answer = json!({"Attributes": item});
            }
            self.items.insert(pk.clone(), item);
        }
        Json(answer).into_response()
    }

    /// The answer to a write, or that it was lost.
    fn answer(&mut self, operation: &str, pk: String, request: &Value) -> Response {
        let answer = self.write(operation, pk.clone(), request);
        if self.lose == 0 {
            return answer;
        }
        self.lose -= 1;
        if let Some(then) = self.then.take() {
            then(self.items.entry(pk).or_default());
        }
        let lost = json!({"__type": "InternalServerError", "message": "lost"});
        (StatusCode::INTERNAL_SERVER_ERROR, Json(lost)).into_response()
    }
}

async fn answer(Shared(table): Shared<Tables>, headers: HeaderMap, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap();
    let operation = fakes::operation(&headers).to_owned();
    let pk = request["Key"]["pk"]["S"].as_str().unwrap().to_owned();
    let mut table = table.lock().unwrap();
    match operation.as_str() {
        "GetItem" => {
            Json(table.items.get(&pk).map_or(json!({}), |item| json!({"Item": item}))).into_response()
        }
        _ => table.answer(&operation, pk, &request),
    }
}

async fn open() -> (Ledger, Tables) {
    let table = Tables::default();
    let router = Router::new().fallback(answer).with_state(Arc::clone(&table));
    let url = fakes::serve(router).await;
    let retries = aws_sdk_dynamodb::config::retry::RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(Duration::from_millis(1));
    let config = fakes::aws_with(&url, retries).await;
    (Ledger::new(aws_sdk_dynamodb::Client::new(&config), "table".to_owned()), table)
}

fn shop() -> ShopDomain {
    "acme.myshopify.com".parse().unwrap()
}

fn order() -> Gid {
    Gid::new("Order", 1)
}

fn id() -> CommunicationId {
    CommunicationId::derive(&shop(), Document::Receipt, &order(), &Revision::Initial)
}

fn now() -> Timestamp {
    "2026-11-23T09:00:00Z".parse().unwrap()
}

async fn claim(ledger: &Ledger, lease_holder: &str, now: Timestamp) -> Claim {
    let request = ClaimRequest {
        communication: &id(),
        shop: &shop(),
        flow: Flow::OrderConfirmation,
        document: Document::Receipt,
        subject: &order(),
        revision: &Revision::Initial,
        reported_on: &order(),
        lease_holder,
        now,
        lease_until: now + 1.minute(),
    };
    ledger.claim(request).await.unwrap()
}

async fn lease(ledger: &Ledger) -> Lease {
    match claim(ledger, "a", now()).await {
        Claim::Started(lease) => lease,
        other => panic!("{other:?}"),
    }
}

async fn marked(ledger: &Ledger) -> Lease {
    let lease = lease(ledger).await;
    ledger.mark_sending(&lease, "email", None, now()).await.unwrap();
    lease
}

/// Ended in `state`, and asked about if it is one that a channel reports on.
async fn ended(ledger: &Ledger, state: State) {
    let lease = marked(ledger).await;
    ledger.complete(&lease, state, &outcome(state), now()).await.unwrap();
}

fn outcome(state: State) -> Outcome<'static> {
    Outcome {
        channel: Some("email"),
        reference: (state == State::Accepted).then_some("xsi-1"),
        reason: (state == State::Unknown).then_some("nobody knows"),
        write_back: Some(WriteBackState::Pending),
        check_at: (state == State::Accepted).then(now),
        ..Outcome::default()
    }
}

/// A write: what comes before it, and the write itself, whose result is put into words.
struct Write {
    name: &'static str,
    before: for<'a> fn(&'a Ledger) -> LocalBoxFuture<'a, Option<Lease>>,
    write: for<'a> fn(&'a Ledger, Option<Lease>) -> LocalBoxFuture<'a, String>,
}

macro_rules! writes {
    ($($name:literal: |$before:ident| $prepare:expr, |$ledger:ident, $lease:pat_param| $write:expr;)+) => {
        [$(Write {
            name: $name,
            before: |$before| async move { $prepare }.boxed_local(),
            write: |$ledger, $lease| async move { format!("{:?}", $write) }.boxed_local(),
        },)+]
    };
}

fn customer() -> CustomerKey {
    CustomerKey::derive(b"key", &shop(), &Gid::new("Customer", 1))
}

const CAP: Option<Cap> = Some(Cap { most: 1, days: 7 });

async fn known(ledger: &Ledger) -> ledger::Entry {
    ledger.get(&id()).await.unwrap().unwrap()
}

async fn delivered(ledger: &Ledger) {
    ended(ledger, State::Accepted).await;
    let at = now() + 1.hour();
    let recorded = ledger
        .record_outcome(&known(ledger).await, &ChannelOutcome::Delivered, WriteBackState::None, at)
        .await;
    assert!(recorded.unwrap().is_some());
}

/// Every write there is, but for the first report, and for those about a channel's doubtful answers: one that is counted twice closes it one
/// sooner, one that closes it and seems refused leaves it closed for longer.
fn writes() -> impl IntoIterator<Item = Write> {
    writes! {
        "claim": |_l| None, |l, _| claim(l, "b", now()).await;
        "claim of what was given back": |l| {
            let lease = lease(l).await;
            l.release(&lease, false, now()).await.unwrap();
            None
        }, |l, _| claim(l, "b", now()).await;
        "mark": |l| Some(lease(l).await), |l, lease| l.mark_sending(&lease.unwrap(), "email", None, now()).await;
        "second mark": |l| {
            let lease = marked(l).await;
            l.release(&lease, true, now()).await.unwrap();
            match claim(l, "b", now()).await { Claim::Started(lease) => Some(lease), other => panic!("{other:?}") }
        }, |l, lease| l.mark_sending(&lease.unwrap(), "email", None, now()).await;
        "archived": |l| Some(lease(l).await), |l, lease| l.complete(&lease.unwrap(), State::Archived, &outcome(State::Archived), now()).await;
        "suppressed": |l| Some(lease(l).await), |l, lease| l.complete(&lease.unwrap(), State::Suppressed, &outcome(State::Suppressed), now()).await;
        "failed": |l| Some(marked(l).await), |l, lease| l.complete(&lease.unwrap(), State::Failed, &outcome(State::Failed), now()).await;
        "accepted": |l| Some(marked(l).await), |l, lease| l.complete(&lease.unwrap(), State::Accepted, &outcome(State::Accepted), now()).await;
        "unknown": |l| Some(marked(l).await), |l, lease| l.complete(&lease.unwrap(), State::Unknown, &outcome(State::Unknown), now()).await;
        "release": |l| Some(lease(l).await), |l, lease| l.release(&lease.unwrap(), false, now()).await;
        "release of what was not sent": |l| Some(marked(l).await), |l, lease| l.release(&lease.unwrap(), true, now()).await;
        "forget": |l| Some(lease(l).await), |l, lease| l.forget(&lease.unwrap()).await;
        "delivered": |l| { ended(l, State::Accepted).await; None }, |l, _| l.record_outcome(&known(l).await, &ChannelOutcome::Delivered, WriteBackState::Pending, now() + 1.hour()).await;
        "bounced": |l| { ended(l, State::Accepted).await; None }, |l, _| l.record_outcome(&known(l).await, &ChannelOutcome::Bounced { reason: "550".to_owned() }, WriteBackState::Pending, now() + 1.hour()).await;
        "unconfirmed": |l| { ended(l, State::Accepted).await; None }, |l, _| l.record_outcome(&known(l).await, &ChannelOutcome::Unconfirmed { reason: "silence".to_owned() }, WriteBackState::Pending, now() + 1.hour()).await;
        "returned": |l| { delivered(l).await; None }, |l, _| l.record_outcome(&known(l).await, &ChannelOutcome::Bounced { reason: "550".to_owned() }, WriteBackState::Pending, now() + 2.hours()).await;
        "opted out": |l| { delivered(l).await; None }, |l, _| l.record_outcome(&known(l).await, &ChannelOutcome::OptedOut { reason: "no more".to_owned() }, WriteBackState::Pending, now() + 2.hours()).await;
        "opened": |l| { l.count_doubt(&shop(), "t2api.example", now()).await.unwrap(); None }, |l, _| l.end_outage(&shop(), "t2api.example").await;
        "check again": |l| { ended(l, State::Accepted).await; None }, |l, _| l.check_again(id().as_str(), now() + 1.hour()).await;
        "checked": |l| { ended(l, State::Accepted).await; None }, |l, _| l.checked(&id()).await;
        "settle": |l| { ended(l, State::Unknown).await; None }, |l, _| l.settle(&id(), State::Accepted, "asked", WriteBackState::Pending, now() + 1.hour()).await;
        "reported": |l| { ended(l, State::Accepted).await; None }, |l, _| l.record_write_back(&id(), State::Accepted, WriteBackState::Reported, None).await;
        "not reported": |l| { ended(l, State::Accepted).await; None }, |l, _| l.record_write_back(&id(), State::Accepted, WriteBackState::Failed, Some("no such order")).await;
        "taken back": |l| {
            ended(l, State::Accepted).await;
            l.record_first_report(&id(), State::Accepted).await.unwrap();
            None
        }, |l, _| l.take_back_report(&id(), State::Accepted, None).await;
        "first offer": |_l| None, |l, _| l.admit(&shop(), &customer(), &id(), CAP, now()).await;
        "another offer": |l| {
            l.admit(&shop(), &customer(), &id(), CAP, now()).await.unwrap();
            None
        }, |l, _| {
            let other = CommunicationId::derive(&shop(), Document::Receipt, &Gid::new("Order", 2), &Revision::Initial);
            l.admit(&shop(), &customer(), &other, Some(Cap { most: 2, days: 7 }), now()).await
        };
        "suppress": |_l| None, |l, _| l.suppress(&shop(), &customer(), "bounced", now()).await;
        "lift": |l| { l.suppress(&shop(), &customer(), "bounced", now()).await.unwrap(); None }, |l, _| l.lift(&shop(), &customer()).await;
    }
}

/// The result in words and the items afterwards, where the first `lose` answers to the write are lost.
async fn after(write: &Write, lose: usize) -> (String, BTreeMap<String, Item>) {
    let (ledger, table) = open().await;
    let lease = (write.before)(&ledger).await;
    table.lock().unwrap().lose = lose;
    let result = (write.write)(&ledger, lease).await;
    let table = table.lock().unwrap();
    assert_eq!(table.lose, 0, "{}: it was not sent again", write.name);
    (result, table.items.clone())
}

/// What must follow a first report at most once rather does not follow than twice.
#[tokio::test]
async fn a_first_report_whose_answer_is_lost_is_recorded_and_no_news() {
    for (lose, is_news) in [(0, true), (1, false)] {
        let (ledger, table) = open().await;
        ended(&ledger, State::Accepted).await;
        table.lock().unwrap().lose = lose;
        assert_eq!(ledger.record_first_report(&id(), State::Accepted).await.unwrap(), is_news);
        assert_eq!(known(&ledger).await.write_back, WriteBackState::Reported);
        assert!(!ledger.record_first_report(&id(), State::Accepted).await.unwrap(), "once");
        ledger.take_back_report(&id(), State::Delivered, None).await.unwrap();
        assert_eq!(known(&ledger).await.write_back, WriteBackState::Reported, "another state's");
        ledger.take_back_report(&id(), State::Accepted, Some("refused")).await.unwrap();
        let entry = known(&ledger).await;
        assert_eq!(
            (entry.write_back, entry.write_back_reason.as_deref()),
            (WriteBackState::Failed, Some("refused"))
        );
    }
}

/// Whether an item is suppressed or not needs no condition; its version has only to be another one.
fn but_for_the_version(mut items: BTreeMap<String, Item>, name: &str) -> BTreeMap<String, Item> {
    if matches!(name, "suppress" | "lift") {
        items.values_mut().for_each(|item| drop(item.remove("version")));
    }
    items
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_like_any_other() {
    for write in writes() {
        let (result, items) = after(&write, 0).await;
        for lose in [1, 2] {
            let (lost_result, lost_items) = after(&write, lose).await;
            let name = write.name;
            assert_eq!(lost_result, result, "{name}");
            assert_eq!(
                but_for_the_version(lost_items, name),
                but_for_the_version(items.clone(), name),
                "{name}"
            );
        }
    }
}

/// Whoever knows less than the ledger changes nothing.
#[tokio::test]
async fn an_outcome_is_recorded_over_what_was_read_and_never_leads_back() {
    let (ledger, _table) = open().await;
    ended(&ledger, State::Accepted).await;
    let accepted = known(&ledger).await;
    let record = async |entry: &ledger::Entry, outcome: ChannelOutcome, hours: i64| {
        ledger.record_outcome(entry, &outcome, WriteBackState::Pending, now() + hours.hours()).await.unwrap()
    };
    let bounce = || ChannelOutcome::Bounced { reason: "550".to_owned() };
    let silence = || ChannelOutcome::Unconfirmed { reason: "silence".to_owned() };
    let silent = record(&accepted, silence(), 24).await.unwrap();
    assert_eq!((silent.state, silent.reason.as_deref()), (State::Accepted, Some("silence")));
    assert_eq!(
        record(&accepted, ChannelOutcome::Delivered, 25).await,
        None,
        "it was read before the silence was noted"
    );
    let delivered = record(&silent, ChannelOutcome::Delivered, 25).await.unwrap();
    assert_eq!((delivered.state, &delivered.reason), (State::Delivered, &None), "it is not silent any more");
    assert_eq!(
        delivered.accepted_epoch_ms,
        Some(accepted.updated_epoch_ms),
        "the time of the acceptance stays"
    );
    for (entry, outcome) in
        [(&silent, bounce()), (&delivered, silence()), (&accepted, ChannelOutcome::Delivered)]
    {
        assert_eq!(record(entry, outcome, 26).await, None);
    }
    let bounced = record(&delivered, bounce(), 30).await.unwrap();
    assert_eq!((bounced.state, bounced.reason.as_deref()), (State::Bounced, Some("550")));
    assert_eq!(bounced.accepted_epoch_ms, Some(accepted.updated_epoch_ms));
    for outcome in [
        ChannelOutcome::Delivered,
        silence(),
        bounce(),
        ChannelOutcome::OptedOut { reason: "no more".to_owned() },
    ] {
        assert_eq!(record(&bounced, outcome, 31).await, None, "the last word");
    }
}

fn set(item: &mut Item, name: &str, value: Value) {
    item.insert(name.to_owned(), value);
}

/// Another worker takes over between a write and its repetition.
fn taken_over(item: &mut Item) {
    set(item, "lease_holder", json!({"S": "other"}));
    set(item, "attempts", json!({"N": "2"}));
}

async fn interfered(
    lease: &Lease,
    ledger: &Ledger,
    table: &Tables,
    then: fn(&mut Item),
    state: State,
) -> bool {
    {
        let mut table = table.lock().unwrap();
        (table.lose, table.then) = (1, Some(then));
    }
    let result = match state {
        State::Sending => ledger.mark_sending(lease, "email", None, now()).await,
        State::Claimed => ledger.forget(lease).await,
        state => ledger.complete(lease, state, &outcome(state), now()).await,
    };
    match result {
        Ok(()) => true,
        Err(LedgerError::LostLease(_)) => false,
        Err(error) => panic!("{error}"),
    }
}

/// Only one's own work is recognised: what another has made of the item since is another's.
#[tokio::test]
async fn what_another_worker_did_is_never_taken_for_ones_own() {
    let delivered: fn(&mut Item) = |item| set(item, "state", json!({"S": "delivered"}));
    let ended_by_another: fn(&mut Item) = |item| {
        set(item, "attempts", json!({"N": "2"}));
        set(item, "state", json!({"S": "accepted"}));
    };
    let begun_anew: fn(&mut Item) = |item| {
        set(item, "created_epoch_ms", json!({"N": "1"}));
    };
    let withdrawn: fn(&mut Item) = |item| set(item, "unsent", json!({"BOOL": true}));
    let claimed_anew: fn(&mut Item) = |item| {
        set(item, "lease_holder", json!({"S": "other"}));
        set(item, "state", json!({"S": "claimed"}));
    };
    for (state, then, ours) in [
        (State::Sending, taken_over as fn(&mut Item), false),
        (State::Sending, withdrawn, false),
        (State::Accepted, delivered, true),
        (State::Accepted, ended_by_another, false),
        (State::Accepted, begun_anew, false),
        (State::Claimed, claimed_anew, false),
    ] {
        let (ledger, table) = open().await;
        let lease = if state == State::Accepted { marked(&ledger).await } else { lease(&ledger).await };
        assert_eq!(interfered(&lease, &ledger, &table, then, state).await, ours, "{state}");
    }
}

/// A send that is marked twice by one worker is one send; by two workers it is two.
#[tokio::test]
async fn sends_are_counted_once() {
    let (ledger, table) = open().await;
    let first = lease(&ledger).await;
    table.lock().unwrap().lose = 2;
    ledger.mark_sending(&first, "email", None, now()).await.unwrap();
    assert_eq!(ledger.get(&id()).await.unwrap().unwrap().sends, 1);
    ledger.release(&first, true, now()).await.unwrap();
    let Claim::Started(second) = claim(&ledger, "b", now() + 1.minute()).await else { panic!() };
    table.lock().unwrap().lose = 1;
    ledger.mark_sending(&second, "email", None, now() + 1.minute()).await.unwrap();
    let entry = ledger.get(&id()).await.unwrap().unwrap();
    assert_eq!((entry.sends, entry.attempts, entry.unsent), (2, 2, false));
}
