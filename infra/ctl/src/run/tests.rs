//! Runs on their way, in an account of this process: every way in which one is followed to its end, or is not.

use super::{
    Run,
    follow::{End, Following, Pace, Until},
    row::{Row, Stage},
};
use crate::stack::{Outputs, Stack};
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use comms::{CommunicationId, Document, Revision, State};
use fakes::{Seen, Server};
use jiff::Timestamp;
use serde_json::{Value, json};
use shop_config::ShopConfig;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

const SHOP: &str = "northwind-demo.myshopify.com";
const DAY: &str = "2026-11-22";
const PACE: Pace = Pace {
    look: Duration::from_millis(2),
    quiet: Duration::from_millis(60),
    patience: Duration::from_secs(3),
    window: Duration::from_secs(60),
};

/// What the account holds when the run's state is asked for the n-th time.
type Story = fn(&mut Account, usize);

#[derive(Default)]
struct Account {
    asked: usize,
    state: Option<Value>,
    /// By queue.
    messages: BTreeMap<&'static str, u64>,
    /// State of each document, by its number.
    documents: BTreeMap<usize, State>,
    /// Of another firing of the same day.
    others: usize,
    is_paused: bool,
    is_down: bool,
}

impl Account {
    fn queueing(&mut self, members: u64) {
        self.state = Some(json!({"v": 1, "at": Timestamp::now(), "members": members, "stage": "members"}));
    }

    fn queued(&mut self, members: u64) {
        self.state = Some(json!({"v": 1, "at": Timestamp::now(), "members": members, "stage": "done"}));
    }

    fn made(&mut self, states: &[State]) {
        self.documents = states.iter().copied().enumerate().collect();
    }

    fn answer(&mut self, story: Story, seen: &Seen) -> Response {
        if seen.target.contains("/runs/") {
            story(self, self.asked);
            self.asked += 1;
        }
        if self.is_down {
            return (StatusCode::SERVICE_UNAVAILABLE, "{}").into_response();
        }
        let body: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
        match seen.header("x-amz-target").and_then(|target| target.rsplit('.').next()) {
            Some("GetQueueAttributes") => {
                let queue = body["QueueUrl"].as_str().and_then(|url| url.rsplit('/').next()).unwrap();
                let count = self.messages.get(queue).copied().unwrap_or_default().to_string();
                json!({"Attributes": {"ApproximateNumberOfMessagesDelayed": count}})
                    .to_string()
                    .into_response()
            }
            Some("GetItem") if self.is_paused => {
                let paused = json!({"since_epoch_ms": 1, "actor": "ops", "reason": "wrong text"}).to_string();
                json!({"Item": {"pk": {"S": format!("shop#{SHOP}")}, "paused_targeted-offers": {"S": paused}}})
                    .to_string()
                    .into_response()
            }
            Some("GetItem") => "{}".into_response(),
            Some("Query") => {
                let lost = self.documents.iter().filter(|(_, state)| {
                    matches!(state, State::Failed | State::Unknown | State::Suppressed | State::Bounced)
                });
                let item = |(number, state): (&usize, &State)| {
                    json!({"pk": {"S": id(*number)}, "document": {"S": "promotional-offer"},
                        "state": {"S": state.name()}, "undelivered_ms": {"N": "1"}})
                };
                json!({"Items": lost.map(item).collect::<Vec<_>>()}).to_string().into_response()
            }
            Some("BatchGetItem") => {
                let keys = body["RequestItems"]["t"]["Keys"].as_array().unwrap();
                let found = keys.iter().filter_map(|key| self.item(key["pk"]["S"].as_str().unwrap()));
                json!({"Responses": {"t": found.collect::<Vec<_>>()}}).to_string().into_response()
            }
            Some(other) => panic!("nobody asks for {other}"),
            None if seen.target.contains("list-type=2") => self.listed(&seen.target).into_response(),
            None => match &self.state {
                Some(state) => state.to_string().into_response(),
                None => (StatusCode::NOT_FOUND, "<Error><Code>NoSuchKey</Code></Error>").into_response(),
            },
        }
    }

    fn item(&self, pk: &str) -> Option<Value> {
        let of = |numbers: std::ops::Range<usize>| numbers.into_iter().find(|number| id(*number) == pk);
        let (state, revision) = match of(0..100) {
            Some(number) => (*self.documents.get(&number)?, format!("winter-{DAY}")),
            None => (State::Delivered, "spring-2026-11-22".to_owned()),
        };
        let text = |text: &str| json!({"S": text});
        let customer = text("gid://shopify/Customer/1");
        Some(json!({
            "pk": text(pk), "shop": text(SHOP), "flow": text("targeted-offers"), "document": text("promotional-offer"),
            "subject": customer, "reported_on": customer, "revision": text(&revision), "state": text(state.name()),
            "attempts": {"N": "1"}, "created_epoch_ms": {"N": "1"}, "updated_epoch_ms": {"N": "1"},
        }))
    }

    /// What of all this lies in the archive, today.
    fn listed(&self, target: &str) -> String {
        assert!(target.contains("delimiter"), "not every object is listed: {target}");
        let day = Timestamp::now().strftime("%Y/%m/%d").to_string();
        let prefix = format!("{SHOP}/{day}/promotional-offer/");
        let archived =
            self.documents.iter().filter(|(_, state)| !matches!(state, State::Suppressed | State::Claimed));
        let ids = archived.map(|(number, _)| *number).chain(100..100 + self.others);
        let folder =
            |number| format!("<CommonPrefixes><Prefix>{prefix}{}/</Prefix></CommonPrefixes>", id(number));
        let folders: String = ids.map(folder).collect();
        format!("<ListBucketResult><IsTruncated>false</IsTruncated>{folders}</ListBucketResult>")
    }
}

fn id(number: usize) -> String {
    let shop = SHOP.parse().unwrap();
    let customer = comms::Gid::new("Customer", number as u64 + 1);
    let revision = Revision::named("of the test");
    CommunicationId::derive(&shop, Document::PromotionalOffer, &customer, &revision).to_string()
}

async fn stack(story: Story) -> Stack {
    let account = Arc::new(Mutex::new(Account::default()));
    let server = Server::start(move |seen| account.lock().unwrap().answer(story, seen)).await;
    let url = |name: &str| format!("{}/{name}", server.base);
    let outputs = Outputs {
        bus_name: "b".to_owned(),
        event_source: "s".to_owned(),
        secret_prefix: "p".to_owned(),
        table_name: "t".to_owned(),
        archive_bucket: "archive".to_owned(),
        operations_bucket: "operations".to_owned(),
        function_intake: "f".to_owned(),
        more: [
            ("QueueUrlOfferRun", "runs"),
            ("QueueUrlTargetedOffers", "flow"),
            ("DeadLetterUrlOfferRun", "dead-runs"),
            ("DeadLetterUrlTargetedOffers", "dead-flow"),
        ]
        .map(|(output, name)| (output.to_owned(), url(name)))
        .into(),
    };
    Stack::of(&fakes::aws(&server.base).await, outputs, "ctl-run")
}

fn run() -> Run {
    Run {
        shop: SHOP.parse().unwrap(),
        name: "winter".to_owned(),
        period: DAY.to_owned(),
        documents: vec![Document::PromotionalOffer],
        revision: Revision::named(format!("winter-{DAY}")),
        is_rehearsed: false,
    }
}

async fn follow_for(
    story: Story,
    until: Until,
    wait: Duration,
    stop: impl Future<Output = ()>,
) -> (End, Vec<Row>) {
    let (stack, run) = (stack(story).await, run());
    let mut rows = Vec::new();
    let following = Following::from(&stack, &run, until, wait, PACE).await.unwrap();
    let end = following.follow(stop, |row, _| rows.push(row.clone())).await;
    (end, rows)
}

async fn follow(story: Story) -> (End, Vec<Row>) {
    follow_for(story, Until::Made, Duration::from_secs(20), std::future::pending()).await
}

fn done() -> End {
    End::Done { is_unknown: false, open: 0, undelivered: false, dead_letters: 0 }
}

fn code(end: &End) -> String {
    format!("{:?}", end.exit_code())
}

fn exits(number: u8) -> String {
    format!("{:?}", std::process::ExitCode::from(number))
}

#[tokio::test]
async fn a_run_is_followed_to_its_last_document() {
    let (end, rows) = follow(|account, asked| match asked {
        0 => {}
        1 => account.messages = [("runs", 1)].into(),
        2..5 => {
            account.queueing(asked as u64);
            account.messages = [("runs", 1), ("flow", 2)].into();
        }
        5..20 => {
            account.queued(4);
            account.others = 3;
            account.messages = [("flow", (20 - asked as u64).min(4))].into();
            account.made(&[State::Sending, State::Accepted]);
        }
        _ => {
            account.messages.clear();
            account.made(&[State::Accepted, State::Accepted, State::Suppressed, State::Archived]);
        }
    })
    .await;
    assert_eq!((&end, code(&end)), (&done(), exits(0)));
    let last = rows.last().unwrap();
    assert_eq!((last.stage, last.queued, last.left), (Stage::Done, 4, 0));
    let counts = [(State::Accepted, 2), (State::Suppressed, 1), (State::Archived, 1)];
    assert_eq!(last.documents, BTreeMap::from(counts), "another firing's are not counted");
    let stages: Vec<Stage> = rows.iter().map(|row| row.stage).collect();
    for stage in [Stage::Queued, Stage::Queueing, Stage::Composing] {
        assert!(stages.contains(&stage), "{stages:?}");
    }
    let schema = schemars::schema_for!(Row).to_value();
    for row in &rows {
        contract::conforms(&schema, &serde_json::to_value(row).unwrap());
    }
    // nothing has ended while a document is open, though the queue looks empty
    let open = rows.iter().find(|row| row.documents.contains_key(&State::Sending)).unwrap();
    assert_eq!(open.stage, Stage::Composing);
    let paced =
        rows.iter().find(|row| row.seconds_left.is_some()).expect("the rate and the remaining time are told");
    assert!(paced.per_minute > Some(0) && paced.stage == Stage::Composing, "{paced:?}");
}

#[tokio::test]
async fn without_follow_it_ends_when_everything_is_queued() {
    let story: Story = |account, asked| match asked {
        0..3 => account.queueing(1),
        _ => account.queued(7),
    };
    let (end, rows) = follow_for(story, Until::Queued, Duration::from_secs(20), std::future::pending()).await;
    assert_eq!((&end, code(&end)), (&End::Queued, exits(0)));
    assert_eq!(rows.last().unwrap().queued, 7);
}

/// Members that get nothing leave no trace: then the queue has to stay empty.
#[tokio::test]
async fn nobody_waits_for_documents_that_are_not_due() {
    let begun = std::time::Instant::now();
    let (end, _) = follow(|account, _| account.queued(3)).await;
    assert_eq!(end, done());
    assert!(begun.elapsed() >= PACE.quiet, "SQS only estimates: one look is not believed");
}

#[tokio::test]
async fn what_was_not_delivered_is_in_the_exit_code() {
    for (states, number) in [
        (&[State::Accepted, State::Bounced][..], 5),
        (&[State::Failed, State::Accepted], 5),
        (&[State::Failed, State::Unknown], 3),
        (&[State::Suppressed, State::Delivered], 0),
    ] {
        let story: Story = match states[0] {
            State::Accepted => |account, _| {
                account.queued(2);
                account.made(&[State::Accepted, State::Bounced]);
            },
            State::Failed if states[1] == State::Unknown => |account, _| {
                account.queued(2);
                account.made(&[State::Failed, State::Unknown]);
            },
            State::Failed => |account, _| {
                account.queued(2);
                account.made(&[State::Failed, State::Accepted]);
            },
            _ => |account, _| {
                account.queued(2);
                account.made(&[State::Suppressed, State::Delivered]);
            },
        };
        let (end, _) = follow(story).await;
        assert_eq!(code(&end), exits(number), "{states:?}: {end:?}");
    }
}

/// An item that was given up leaves its document open or unmade; the run is not called fine.
#[tokio::test]
async fn dead_letters_are_no_success() {
    let (end, rows) = follow(|account, asked| {
        account.queued(2);
        account.made(&[State::Accepted]);
        account.messages = [("dead-flow", if asked > 0 { 8 } else { 7 })].into();
    })
    .await;
    assert_eq!(code(&end), exits(5), "{end:?}");
    assert_eq!(rows.last().unwrap().dead_letters, 1, "those of before are not counted");
    let (end, _) = follow(|account, _| {
        account.queued(2);
        account.made(&[State::Accepted, State::Sending]);
    })
    .await;
    assert_eq!(code(&end), exits(4), "a document without a message is still open: {end:?}");
}

#[tokio::test]
async fn a_run_that_failed_says_why_and_one_that_failed_before_is_continued() {
    fn fails(account: &mut Account, asked: usize) {
        let outcome = json!({"is": "failed", "reason": "Shopify\nrefused"});
        account.messages = [("runs", 1)].into();
        match asked {
            0..4 => account.state = Some(json!({"counts": {"queued": 1}, "outcome": outcome})),
            4..6 => account.state = Some(json!({"counts": {"queued": 1}, "outcome": null})),
            _ => account.state = Some(json!({"counts": {"queued": 2}, "outcome": outcome})),
        }
    }
    let (end, rows) = follow(fails).await;
    assert_eq!((&end, code(&end)), (&End::Failed("Shopify refused".to_owned()), exits(1)));
    assert_eq!(rows.last().unwrap().queued, 2, "it waited for its own attempt");
    assert!(rows.last().unwrap().reason.as_deref().unwrap().contains("the same command continues it"));
}

/// Its message is gone, or was given up: nobody would ever continue it.
#[tokio::test]
async fn a_run_that_stops_in_the_middle_is_noticed() {
    let (end, rows) = follow(|account, asked| {
        account.queueing(3);
        account.state.as_mut().unwrap()["at"] = json!("2026-11-22T08:00:00Z");
        account.messages = if asked > 2 { [("dead-runs", 1)].into() } else { [("runs", 1)].into() };
    })
    .await;
    let End::Stopped(reason) = &end else { panic!("{end:?}") };
    assert!(reason.contains("dead letter of offer-run"), "{reason}");
    assert_eq!((code(&end), rows.last().unwrap().stage), (exits(1), Stage::Stopped));
}

#[tokio::test]
async fn a_state_that_is_lost_is_said_and_followed_on() {
    let (end, rows) = follow(|account, asked| {
        account.messages = [("runs", 1)].into();
        match asked {
            0..4 => account.queueing(5),
            4..8 => account.state = None,
            8..12 => account.queueing(1),
            _ => {
                account.queued(1);
                account.made(&[State::Delivered]);
            }
        }
    })
    .await;
    assert_eq!(end, done());
    let said = rows.iter().filter_map(|row| row.reason.as_deref());
    assert!(said.into_iter().any(|reason| reason.contains("state is gone")), "{rows:#?}");
}

#[tokio::test]
async fn an_outage_is_waited_out_and_one_without_end_is_not() {
    let (end, rows) = follow(|account, asked| {
        account.is_down = (3..8).contains(&asked);
        account.queued(1);
        if asked >= 12 {
            account.made(&[State::Delivered]);
        }
        account.messages = [("flow", u64::from(asked < 12))].into();
    })
    .await;
    assert_eq!(end, done());
    let said: Vec<_> = rows.iter().filter_map(|row| row.reason.as_deref()).collect();
    assert!(said.iter().any(|reason| reason.contains("cannot be asked just now")), "{said:?}");
    assert!(rows.last().unwrap().reason.is_none(), "it has ended");
    let (end, _) = follow(|account, asked| {
        account.is_down = asked > 1;
        account.queueing(1);
    })
    .await;
    let End::Unreachable(_) = &end else { panic!("{end:?}") };
    assert_eq!(code(&end), exits(1));
}

#[tokio::test]
async fn a_pause_is_said_and_is_no_end() {
    let story: Story = |account, _| {
        account.queued(3);
        account.is_paused = true;
        account.messages = [("flow", 3)].into();
    };
    let wait = Duration::from_millis(100);
    let (end, rows) = follow_for(story, Until::Made, wait, std::future::pending()).await;
    assert_eq!((&end, code(&end)), (&End::TimedOut(wait), exits(4)));
    let reason = rows[0].reason.as_deref().unwrap();
    assert_eq!(reason, "targeted-offers is paused by ops: wrong text");
}

/// Whoever interrupts sees what was known, and that the run does not end with it.
#[tokio::test]
async fn an_interruption_leaves_the_run_alone() {
    static SEEN: tokio::sync::Notify = tokio::sync::Notify::const_new();
    let story: Story = |account, asked| {
        account.queueing(3);
        account.messages = [("runs", 1)].into();
        if asked == 5 {
            SEEN.notify_one();
        }
    };
    let (end, rows) = follow_for(story, Until::Made, Duration::from_secs(20), SEEN.notified()).await;
    assert_eq!((&end, code(&end)), (&End::Interrupted, exits(130)));
    let last = rows.last().unwrap();
    assert_eq!((last.stage, last.queued), (Stage::Left, 3));
    assert!(last.reason.as_deref().unwrap().contains("the same command follows it again"));
}

#[test]
fn an_impossible_period_is_refused() {
    let config = ShopConfig::parse(include_str!("../../../local/config/demo-shop.toml")).unwrap();
    // the first of November where the shop is
    let now: Timestamp = "2026-11-01T12:00:00Z".parse().unwrap();
    for (name, period, is_possible) in [
        ("account-statements", Some("2026-10"), true),
        ("account-statements", Some("2026-11"), false),
        ("account-statements", Some("2026-13"), false),
        ("account-statements", Some("2026-10-01"), false),
        ("account-statements", None, true),
        ("winter", Some("2026-11-01"), true),
        ("winter", Some("2026-11-02"), false),
        ("winter", Some("2026-10"), false),
        ("winter", None, true),
        ("no-such", None, false),
    ] {
        let run = Run::of(&config, name.to_owned(), period, now);
        assert_eq!(run.is_ok(), is_possible, "{name} {period:?}");
    }
    let run = Run::of(&config, "account-statements".to_owned(), None, now).unwrap();
    assert_eq!(run.key(), format!("runs/{SHOP}/account-statements/2026-10.json"));
    assert!(!run.documents.is_empty() && run.revision == Revision::of_period("2026-10"));
    let run = Run::of(&config, "winter".to_owned(), None, now).unwrap();
    assert_eq!(run.key(), format!("runs/{SHOP}/winter/2026-11-01.json"));
}
