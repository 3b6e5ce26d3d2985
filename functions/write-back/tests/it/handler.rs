use crate::{item, order, shop, shopify::FakeShopify};
use archive::{Archive, LockMode};
use comms::{Document, Gid, ShopDomain};
use fakes::FakeAws;
use jiff::Timestamp;
use ledger::Ledger;
use serde_json::{Value, json};
use service::{Invocation, Secrets, Traces};
use shop_config::ConfigStore;
use shopify::AdminApi;
use std::{collections::HashMap, sync::Arc, time::Duration};
use work::{Backoff, Inbox, Queue, SqsEvent, TraceContext, WriteBackItem};
use write_back::{Tools, WriteBack};

pub async fn function(aws: &FakeAws) -> WriteBack {
    recording(aws, Traces::off()).await
}

async fn recording(aws: &FakeAws, traces: Traces) -> WriteBack {
    let sdk = aws.sdk().await;
    let s3 = aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true).build();
    let ttl = Duration::from_secs(60);
    let s3 = aws_sdk_s3::Client::from_conf(s3);
    WriteBack::with(Tools {
        archive: Archive::new(s3.clone(), "archive".into(), LockMode::Compliance),
        configs: ConfigStore::new(s3, "operations".into(), ttl),
        secrets: Secrets::new(aws_sdk_secretsmanager::Client::new(&sdk), "shopify-exstream".into(), ttl),
        shopify: AdminApi::new(reqwest::Client::new()),
        ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&sdk), "table".into()),
        inbox: Inbox {
            queue: Queue::new(aws_sdk_sqs::Client::new(&sdk), "http://queue".into()),
            dead_letters: Queue::new(aws_sdk_sqs::Client::new(&sdk), "http://queue-dlq".into()),
            backoff: Backoff::default(),
        },
        concurrency: 10,
        traces: Arc::new(traces),
        clock: Timestamp::now,
    })
}

fn invocation(time_left: Duration) -> Invocation {
    Invocation { request_id: "r".into(), deadline: Timestamp::now() + time_left }
}

pub const LONG: Duration = Duration::from_secs(30);

fn event(bodies: &[String]) -> SqsEvent {
    let records: Vec<_> = bodies
        .iter()
        .enumerate()
        .map(|(index, body)| json!({"messageId": format!("m{index}"), "receiptHandle": format!("h{index}"), "body": body, "attributes": {"ApproximateReceiveCount": "2"}}))
        .collect();
    serde_json::from_value(json!({"Records": records})).unwrap()
}

fn confirmation(shop: &ShopDomain, resource: &Gid) -> WriteBackItem {
    item(shop, resource, Document::OrderConfirmation)
}

fn body(item: &WriteBackItem) -> String {
    serde_json::to_string(item).unwrap()
}

pub async fn failures(function: &WriteBack, bodies: &[String], time_left: Duration) -> Vec<String> {
    let response = function.handle(event(bodies), invocation(time_left)).await.unwrap();
    response.failures.into_iter().map(|failure| failure.message_id).collect()
}

fn delays(aws: &FakeAws) -> HashMap<String, u64> {
    aws.account().queues.delays.iter().cloned().collect()
}

/// Makes `shop` a served one whose Admin API is at `shopify`.
pub fn serve(aws: &FakeAws, shop: &ShopDomain, shopify: &str, write_back: bool) {
    let config = config(shop, shopify, &format!("enabled = {write_back}"));
    aws.account().objects.set(format!("config/{shop}.toml"), config);
}

/// A shop's configuration, with these settings of reports.
pub fn config(shop: &ShopDomain, shopify: &str, write_back: &str) -> String {
    format!(
        "version = 1\nshop = \"{shop}\"\ntime_zone = \"UTC\"\ndefault_locale = \"en\"\n\
         [brand]\nname = \"Acme\"\n[shopify]\nbase_url = \"{shopify}\"\n[write_back]\n{write_back}\n\
         [exstream]\nadapter = \"orchestration\"\nbase_url = \"https://exstream.example\"\ndomain = \"d\"\n\
         token = {{ mode = \"none\" }}\n[documents]\n"
    )
}

/// What the ledger was told of each communication: state and reason.
pub fn recorded(aws: &FakeAws) -> HashMap<String, (String, Option<String>)> {
    let text = |value: &Value| value["S"].as_str().map(str::to_owned);
    let told = |update: &Value| {
        let values = &update["ExpressionAttributeValues"];
        (text(&update["Key"]["pk"]).unwrap(), (text(&values[":state"]).unwrap(), text(&values[":reason"])))
    };
    aws.account().items.updates.iter().map(told).collect()
}

#[tokio::test]
async fn every_message_of_a_mixed_batch_gets_its_own_end() {
    let aws = FakeAws::start().await;
    let (well, busy) = (FakeShopify::start([order(1)]).await, FakeShopify::start([order(1)]).await);
    busy.store().throttled = Some(100);
    let shops = [shop("well"), shop("busy"), shop("silenced"), shop("stranger")];
    serve(&aws, &shops[0], &well.url, true);
    serve(&aws, &shops[1], &busy.url, true);
    serve(&aws, &shops[2], &well.url, false);
    let items = [
        confirmation(&shops[0], &order(1)),
        confirmation(&shops[1], &order(1)),
        confirmation(&shops[0], &order(404)),
        confirmation(&shops[2], &order(1)),
        confirmation(&shops[3], &order(1)),
    ];
    let mut bodies: Vec<_> = items.iter().map(body).collect();
    bodies.push("{\"v\":1".into());

    let function = function(&aws).await;
    assert_eq!(failures(&function, &bodies, LONG).await, ["m1", "m4", "m5"]);

    let recorded = recorded(&aws);
    let of = |index: usize| {
        recorded
            .get(items[index].communication.as_str())
            .map(|(state, reason)| (state.as_str(), reason.as_deref()))
    };
    assert_eq!(of(0), Some(("reported", None)));
    assert_eq!(of(2), Some(("failed", Some("resource not found"))));
    assert_eq!(of(3), Some(("none", None)));
    assert_eq!((of(1), of(4)), (None, None));
    assert_eq!(well.status(&order(1)).newest().len(), 1);

    let delays = delays(&aws);
    assert_eq!(delays["h1"], 40, "the usual back-off, as Shopify's numbers ask for less");
    assert_eq!(delays["h5"], 40, "the usual back-off at the second try");
}

#[tokio::test]
async fn a_message_is_not_acknowledged_before_the_ledger_knows() {
    let aws = FakeAws::start().await;
    let fake = FakeShopify::start([order(1), order(2)]).await;
    let acme = shop("acme");
    serve(&aws, &acme, &fake.url, true);
    let items = [confirmation(&acme, &order(1)), confirmation(&acme, &order(2))];
    let bodies: Vec<_> = items.iter().map(body).collect();
    aws.account().items.broken.push(items[0].communication.to_string());

    let function = function(&aws).await;
    assert_eq!(failures(&function, &bodies, LONG).await, ["m0"]);
    aws.account().items.broken.clear();
    assert_eq!(failures(&function, &bodies[..1], LONG).await, Vec::<String>::new());
    assert_eq!(recorded(&aws).len(), 2);
    assert_eq!(fake.store().writes, 1, "Shopify had it already");
}

#[tokio::test]
async fn a_shop_that_does_not_answer_keeps_only_its_own_messages() {
    let aws = FakeAws::start().await;
    let (well, slow) = (FakeShopify::start([order(1)]).await, FakeShopify::start([order(1)]).await);
    slow.store().delay = Duration::from_secs(600);
    serve(&aws, &shop("well"), &well.url, true);
    serve(&aws, &shop("slow"), &slow.url, true);
    let bodies =
        [body(&confirmation(&shop("slow"), &order(1))), body(&confirmation(&shop("well"), &order(1)))];
    let function = function(&aws).await;
    assert_eq!(failures(&function, &bodies, Duration::from_millis(4_500)).await, ["m0"]);
    assert_eq!(recorded(&aws).len(), 1);
}

#[tokio::test]
async fn a_report_is_the_end_of_the_trace_that_it_carries() {
    let aws = FakeAws::start().await;
    let fake = FakeShopify::start([order(1), order(2)]).await;
    let (acme, stranger) = (shop("acme"), shop("stranger"));
    serve(&aws, &acme, &fake.url, true);
    let collector = fakes::Collector::start().await;
    let endpoint = collector.endpoint.clone();
    let traces = Traces::to(reqwest::Client::new(), endpoint, "write-back".to_owned(), 1.0);
    let context = TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let carrying = |item| WriteBackItem { trace: context, ..item };
    let bodies = [
        body(&carrying(confirmation(&acme, &order(1)))),
        body(&confirmation(&acme, &order(2))),
        body(&carrying(confirmation(&stranger, &order(1)))),
    ];
    assert_eq!(failures(&recording(&aws, traces).await, &bodies, LONG).await, ["m2"]);
    let spans = collector.spans();
    let said: Vec<_> = spans.iter().map(|it| (it["name"].as_str().unwrap(), it.get("status"))).collect();
    let failed = json!({"code": 2});
    assert_eq!(said, [("write-back", None), ("write-back", Some(&failed))]);
    for span in &spans {
        assert_eq!(span["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(span["parentSpanId"], "00f067aa0ba902b7");
        let text = span.to_string();
        assert!(!text.contains("example.com") && text.contains("communication"), "nobody is named: {text}");
    }
}
