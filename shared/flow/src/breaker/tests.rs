//! Several processes, one table, and a service that has an outage.

use super::*;
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use fakes::dynamodb::{Item, apply, holds};
use serde_json::{Value, json};

#[derive(Clone, Default)]
struct Table(Arc<Mutex<(Item, usize)>>);

impl Table {
    async fn ledger(&self) -> Ledger {
        let url = fakes::serve(Router::new().fallback(answer).with_state(self.clone())).await;
        let config = fakes::aws_with(&url, fakes::RetryConfig::standard()).await;
        Ledger::new(aws_sdk_dynamodb::Client::new(&config), "table".to_owned())
    }

    fn has(&self, name: &str) -> bool {
        self.0.lock().unwrap().0.contains_key(name)
    }

    fn reads(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

async fn answer(State(table): State<Table>, headers: HeaderMap, body: Bytes) -> (StatusCode, Json<Value>) {
    let request: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(request["Key"]["pk"]["S"], "shop#acme.myshopify.com");
    let mut table = table.0.lock().unwrap();
    let (item, reads) = &mut *table;
    match fakes::operation(&headers) {
        "GetItem" => {
            *reads += 1;
            (StatusCode::OK, Json(json!({"Item": item})))
        }
        "UpdateItem" => {
            let condition = request["ConditionExpression"].as_str();
            if condition.is_some_and(|condition| !holds(condition, Some(item), &request).unwrap()) {
                let kind = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
                return (StatusCode::BAD_REQUEST, Json(json!({"__type": kind, "message": "no"})));
            }
            apply(item, request["UpdateExpression"].as_str().unwrap(), &request).unwrap();
            (StatusCode::OK, Json(json!({})))
        }
        other => panic!("{other}"),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn half_of_the_latest_answers_make_a_service_ill_and_few_or_old_ones_do_not() {
    let mut health = Health::default();
    for second in 0..7 {
        health.add(true, at(1000 + second));
    }
    assert!(!health.is_failing(), "too few");
    health.add(true, at(1007));
    assert!(health.is_failing());
    for second in 8..20 {
        health.add(false, at(1000 + second));
    }
    assert!(!health.is_failing(), "8 of 20");
    for second in 20..24 {
        health.add(true, at(1000 + second));
    }
    assert_eq!(health.failures.count_ones(), 8, "the oldest are forgotten");
    health.add(true, at(2000));
    assert_eq!((health.failures, health.answers), (1, 1), "what is old says nothing");
}

#[test]
fn pauses_double_and_stay_below_ten_minutes() {
    let mut ill = Ill { since_epoch_ms: 0, until_epoch_ms: 30_000 };
    let pauses = [(); 7].map(|()| {
        let pause = next_pause(ill);
        ill.until_epoch_ms += i64::try_from(pause.as_millis()).unwrap();
        pause.as_secs()
    });
    assert_eq!(pauses, [30, 60, 120, 240, 480, 600, 600]);
}

const FLOW: Flow = Flow::OrderConfirmation;
const BUSY: Option<Class> = Some(Class::transient());

fn shop() -> ShopDomain {
    "acme.myshopify.com".parse().unwrap()
}

/// Two processes of one deployment.
struct World {
    table: Table,
    ledger: Ledger,
    processes: [Breakers; 2],
}

impl World {
    async fn new() -> Self {
        let table = Table::default();
        Self {
            ledger: table.ledger().await,
            table,
            processes: [(); 2].map(|()| Breakers::new(Duration::from_secs(60))),
        }
    }

    async fn learn(&self, process: usize, class: Option<Class>, second: i64) {
        self.processes[process].learn(&self.ledger, &shop(), Dependency::Exstream, class, at(second)).await;
    }

    /// Whether work may begin; otherwise for how many seconds it is put off at least.
    async fn enter(&self, process: usize, second: i64) -> Result<(), Option<u64>> {
        let entered = self.processes[process].enter(&self.ledger, &shop(), FLOW, at(second)).await;
        entered.map_err(|retry| {
            assert!(retry.put_off && retry.waits, "{retry:?}");
            retry.at_least.map(|it| it.as_secs())
        })
    }

    async fn outage(&self, second: i64) {
        for n in 0..i64::from(FEWEST) {
            assert_eq!(self.enter(0, second + n).await, Ok(()));
            self.learn(0, BUSY, second + n).await;
        }
    }
}

#[tokio::test]
async fn an_outage_of_two_hours_is_tried_by_one_message_at_a_time_and_ends_with_a_good_answer() {
    let world = World::new().await;
    world.outage(1000).await;
    assert_eq!((world.processes[0].opened(), world.processes[0].opened()), (1, 0));
    assert!(world.table.has("ill_exstream"));
    assert_eq!(world.enter(0, 1008).await, Err(Some(29)), "until 1037");
    let mut tried = 0;
    // both processes ask every ten seconds; whoever is let in fails
    for second in (1040..1040 + 7200).step_by(10) {
        for process in 0..2 {
            if world.enter(process, second).await.is_ok() {
                tried += 1;
                world.learn(process, BUSY, second).await;
            }
        }
    }
    // once in ten minutes at least, and never much more often
    assert!((10..20).contains(&tried), "{tried}");
    let mut second = 8300;
    let process = loop {
        match (world.enter(0, second).await, world.enter(1, second).await) {
            (Ok(()), other) => {
                assert!(other.is_err(), "two would try");
                break 0;
            }
            (Err(_), Ok(())) => break 1,
            _ => second += 10,
        }
    };
    world.learn(process, None, second).await;
    assert!(!world.table.has("ill_exstream"));
    assert_eq!(world.enter(process, second + 1).await, Ok(()));
    // the other one hears of it within the longest pause
    let other = 1 - process;
    let mut later = second;
    while world.enter(other, later).await.is_err() {
        later += 10;
        assert!(later < second + 720, "it never heard of it");
    }
}

#[tokio::test]
async fn others_hear_of_an_outage_within_a_minute_and_good_times_cost_a_read_per_minute() {
    let world = World::new().await;
    for second in 0..60 {
        assert_eq!(world.enter(1, 1000 + second).await, Ok(()));
        world.learn(1, None, 1000 + second).await;
    }
    assert_eq!(world.table.reads(), 1);
    world.outage(1040).await;
    assert!(world.enter(1, 1060).await.is_err());
}

/// What is only archived does not wait for a channel.
#[tokio::test]
async fn an_ill_channel_keeps_back_sends_and_nothing_else() {
    let World { ledger, processes: [process, _], .. } = World::new().await;
    for second in 0..i64::from(FEWEST) {
        process.learn(&ledger, &shop(), Dependency::Messaging, BUSY, at(1000 + second)).await;
    }
    assert!(process.ask(&ledger, &shop(), Dependency::Messaging, at(1010)).await.is_err());
    assert!(process.enter(&ledger, &shop(), FLOW, at(1010)).await.is_ok());
}

/// A worker that is let in and dies leaves the service to the next one, later.
#[tokio::test]
async fn a_worker_that_dies_while_it_tries_keeps_nobody_out_for_good() {
    let world = World::new().await;
    world.outage(1000).await;
    assert_eq!(world.enter(1, 1100).await, Ok(()));
    assert!(world.enter(0, 1101).await.is_err() && world.enter(1, 1101).await.is_err());
    assert_eq!(world.enter(1, 1100 + 31).await, Ok(()), "after its own pause");
}

/// Ten calls were under way when it became ill, and their failures arrive after it.
#[tokio::test]
async fn what_was_under_way_makes_no_pause_longer() {
    let world = World::new().await;
    world.outage(1000).await;
    for _ in 0..10 {
        world.learn(0, BUSY, 1009).await;
    }
    assert_eq!(world.enter(0, 1037).await, Ok(()));
    assert_eq!(world.enter(0, 1038).await, Err(Some(29)), "the second pause is as long as the first");
}

/// Nor does a good one among them end it: half of the answers were failures.
#[tokio::test]
async fn what_was_under_way_does_not_end_it() {
    let world = World::new().await;
    world.outage(1000).await;
    world.learn(0, None, 1009).await;
    assert_eq!(world.enter(0, 1010).await, Err(Some(27)));
    assert_eq!(world.enter(0, 1037).await, Ok(()));
    world.learn(0, None, 1038).await;
    assert_eq!(world.enter(0, 1039).await, Ok(()), "whoever was let in ends it");
}

/// A process that tries for the first time continues with the pauses that others have made, and each pause is twice the one
/// before whoever makes it.
#[tokio::test]
async fn pauses_double_over_all_processes() {
    let world = World::new().await;
    world.outage(1000).await;
    let (mut second, mut pauses) = (1037, Vec::new());
    for process in [1, 0, 1, 0] {
        assert_eq!(world.enter(process, second).await, Ok(()), "at {second}");
        world.learn(process, BUSY, second).await;
        let Err(Some(left)) = world.enter(process, second).await else { panic!("it is ill") };
        pauses.push(left);
        second += i64::try_from(left).unwrap();
    }
    assert_eq!(pauses, [30, 60, 120, 240]);
}

/// Refusing is an answer.
#[tokio::test]
async fn what_is_refused_for_good_makes_nothing_ill() {
    let world = World::new().await;
    for second in 1000..1040 {
        world.learn(0, Some(Class::Permanent), second).await;
        world.learn(0, Some(Class::Stuck), second).await;
    }
    assert_eq!(world.enter(0, 1041).await, Ok(()));
}

#[tokio::test]
async fn a_pause_concerns_one_flow_of_one_shop_and_lasts_until_somebody_ends_it() {
    let world = World::new().await;
    let paused = ledger::Paused { since_epoch_ms: 1, actor: "ops".to_owned(), reason: "template".to_owned() };
    world.ledger.pause(&shop(), FLOW, &paused).await.unwrap();
    assert_eq!(world.ledger.shop_state(&shop()).await.unwrap().paused[&FLOW], paused);
    assert_eq!(world.enter(0, 1000).await, Err(None));
    assert_eq!(world.enter(0, 1_000_000).await, Err(None));
    let other = world.processes[0].enter(&world.ledger, &shop(), Flow::ReturnLetters, at(1000)).await;
    assert!(other.is_ok());
    assert!(world.ledger.resume(&shop(), FLOW).await.unwrap());
    assert!(!world.ledger.resume(&shop(), FLOW).await.unwrap(), "there is none any more");
    assert_eq!(world.enter(0, 2_000_000).await, Ok(()));
}
