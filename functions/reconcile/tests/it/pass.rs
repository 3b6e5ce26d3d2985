use crate::shopify::FakeShopify;
use fakes::FakeAws;
use jiff::{SignedDuration, Timestamp};
use ledger::Ledger;
use reconcile::{PassResult, Reconciliation, Tools};
use serde_json::{Value, json};
use service::{Invocation, Secrets};
use shop_config::ConfigStore;
use shopify::AdminApi;
use std::{collections::HashMap, time::Duration};
use work::Queue;

struct World {
    aws: FakeAws,
    shopify: FakeShopify,
    function: Reconciliation,
}

impl World {
    /// A shop with the demonstration's configuration, in which `pages` of orders have changed.
    async fn new(pages: Vec<Vec<Value>>) -> Self {
        let (aws, shopify) = (FakeAws::start().await, FakeShopify::start(pages).await);
        let config = include_str!("../../../../infra/local/config/demo-shop.toml")
            .replace("http://127.0.0.1:4602/shops/northwind-demo.myshopify.com", &shopify.url);
        let config = format!("{config}\n[reconcile]\nsince = \"{}\"\n", ago(24 * 10));
        aws.account().objects.set("config/northwind-demo.myshopify.com.toml", config);
        let sdk = aws.sdk().await;
        let s3 = aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true).build();
        let ttl = Duration::from_secs(60);
        let sqs = aws_sdk_sqs::Client::new(&sdk);
        let queues: HashMap<_, _> = comms::Flow::ALL
            .iter()
            .map(|flow| (*flow, Queue::new(sqs.clone(), "http://queue".into())))
            .collect();
        let function = Reconciliation::with(Tools {
            configs: ConfigStore::new(aws_sdk_s3::Client::from_conf(s3), "operations".into(), ttl),
            secrets: Secrets::new(aws_sdk_secretsmanager::Client::new(&sdk), "p".into(), ttl),
            ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&sdk), "table".into()),
            shopify: AdminApi::new(reqwest::Client::new()),
            queues,
            clock: Timestamp::now,
        });
        Self { aws, shopify, function }
    }

    async fn pass(&self) -> PassResult {
        let deadline = Timestamp::now() + Duration::from_secs(30);
        self.function.pass(&Invocation { request_id: "r".into(), deadline }).await.unwrap()
    }

    /// What was queued since the last time: topic and the subject's number.
    fn queued(&self) -> Vec<(String, String)> {
        let queued = self.aws.account().queues.take("queue");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let number = |gid: &Value| text(gid).rsplit('/').next().unwrap().to_owned();
        queued.iter().map(|item| (text(&item["trigger"]["topic"]), number(&item["subject"]))).collect()
    }
}

fn ago(hours: i64) -> String {
    (Timestamp::now() - SignedDuration::from_hours(hours)).to_string()
}

/// An order of long ago to which something happened an hour ago.
fn old(number: u64) -> Value {
    json!({
        "id": format!("gid://shopify/Order/{number}"), "createdAt": ago(24 * 11), "updatedAt": ago(1), "cancelledAt": null,
        "displayFinancialStatus": "PENDING", "fulfillments": [], "transactions": [], "refunds": [],
        "returns": {"pageInfo": {"hasNextPage": false, "endCursor": null}, "nodes": []},
    })
}

/// An order that was placed two hours ago.
fn placed(number: u64) -> Value {
    let mut order = old(number);
    order["createdAt"] = ago(2).into();
    order
}

fn shipped(number: u64, fulfillment: u64) -> Value {
    let mut order = old(number);
    order["fulfillments"] = json!([{
        "id": format!("gid://shopify/Fulfillment/{fulfillment}"), "createdAt": ago(3), "updatedAt": ago(2),
        "status": "SUCCESS", "displayStatus": "IN_TRANSIT",
        "trackingInfo": [{"company": "Colissimo", "number": "6A1", "url": "https://la.example/6A1"}],
    }]);
    order
}

fn refunded(number: u64, refund: u64, transaction: u64) -> Value {
    let mut order = old(number);
    order["refunds"] = json!([{"id": format!("gid://shopify/Refund/{refund}"), "createdAt": ago(2)}]);
    order["transactions"] = json!([{
        "id": format!("gid://shopify/OrderTransaction/{transaction}"), "kind": "REFUND", "status": "SUCCESS",
        "createdAt": ago(2), "processedAt": ago(2),
    }]);
    order
}

fn pairs(expected: &[(&str, u64)]) -> Vec<(String, String)> {
    expected.iter().map(|(topic, number)| ((*topic).to_owned(), number.to_string())).collect()
}

/// An updated shipment, a refund with its transaction: whatever else is in the page, and after it, is found.
#[tokio::test]
async fn several_occurrences_of_one_communication_stop_nothing() {
    let world = World::new(vec![vec![shipped(1, 11), refunded(2, 21, 22)], vec![placed(3)]]).await;
    let pass = world.pass().await;
    assert_eq!((pass.problems, pass.failed_shops), (0, 0), "{pass:?}");
    assert_eq!(
        world.queued(),
        pairs(&[
            ("fulfillments/create", 11),
            ("fulfillments/update", 11),
            ("order_transactions/create", 22),
            ("refunds/create", 21),
            ("orders/create", 3),
        ])
    );
}

/// What cannot be read is counted, the pass continues, and the next one reads it again.
#[tokio::test]
async fn what_cannot_be_read_costs_nothing_beside_it() {
    let mut damaged = placed(2);
    damaged["createdAt"] = "yesterday".into();
    let mut in_part = shipped(3, 31);
    in_part["refunds"] = json!([{"id": "gid://shopify/Refund/32", "createdAt": 5}]);
    in_part["createdAt"] = ago(2).into();
    let pages =
        vec![vec![placed(1), damaged, in_part], vec![placed(4)], vec![placed(5), placed(6)], vec![placed(7)]];
    let world = World::new(pages).await;
    // one page is not answered at all, and one order of it not either
    world.shopify.store().broken = vec![2];
    world.shopify.store().pages[2][0]["updatedAt"] = Value::Null;
    let created =
        |numbers: &[u64]| numbers.iter().map(|it| ("orders/create".to_owned(), it.to_string())).collect();
    let mut expected: Vec<_> = created(&[1, 3]);
    expected.extend(pairs(&[("fulfillments/create", 31), ("fulfillments/update", 31)]));
    expected.extend::<Vec<_>>(created(&[4, 6, 7]));
    let pass = world.pass().await;
    assert_eq!((pass.problems, pass.failed_shops), (3, 0), "{pass:?}");
    assert_eq!(world.queued(), expected);

    // the next pass reads what can be read by then
    world.shopify.store().pages[0][1] = placed(2);
    world.shopify.store().broken.clear();
    let pass = world.pass().await;
    assert_eq!((pass.problems, pass.failed_shops), (2, 0), "{pass:?}");
    assert!(world.queued().contains(&("orders/create".to_owned(), "2".to_owned())));
}

#[tokio::test]
async fn a_read_that_is_throttled_or_a_message_that_is_refused_costs_its_own_page_or_order() {
    let world = World::new(vec![vec![placed(1)], vec![placed(2), placed(3)], vec![placed(4)]]).await;
    world.aws.account().items.throttled = 1;
    world.aws.account().queues.refused = Some("gid://shopify/Order/2".to_owned());
    let pass = world.pass().await;
    assert_eq!((pass.seen, pass.queued, pass.problems, pass.failed_shops), (4, 2, 2, 0), "{pass:?}");
    assert_eq!(world.queued(), pairs(&[("orders/create", 3), ("orders/create", 4)]));
    world.aws.account().queues.refused = None;
    let pass = world.pass().await;
    assert_eq!((pass.queued, pass.problems), (4, 0), "{pass:?}");
}

/// A budget that others use up delays the pass and does not end it.
#[tokio::test]
async fn a_used_up_budget_is_waited_for() {
    let world = World::new(vec![vec![placed(1)], vec![placed(2)]]).await;
    world.shopify.store().throttled = 1;
    let pass = world.pass().await;
    assert_eq!((pass.queued, pass.failed_shops), (2, 0), "{pass:?}");
}

/// A scope that is missing is the shop's trouble, and keeps nothing else from being looked at.
#[tokio::test]
async fn what_the_app_may_not_see_keeps_nothing_else_from_being_found() {
    let world = World::new(vec![vec![placed(1)]]).await;
    world.shopify.store().denied = vec!["RecentDisputes"];
    let pass = world.pass().await;
    assert_eq!(pass.failed_shops, 1, "{pass:?}");
    assert_eq!(world.queued(), pairs(&[("orders/create", 1)]));

    world.shopify.store().denied = vec!["ChangedOrders"];
    world.shopify.store().disputes = vec![json!({
        "id": "gid://shopify/ShopifyPaymentsDispute/9", "type": "CHARGEBACK", "status": "NEEDS_RESPONSE",
        "initiatedAt": ago(5), "finalizedOn": null, "order": {"id": "gid://shopify/Order/1", "disputes": []},
    })];
    let pass = world.pass().await;
    assert_eq!(pass.failed_shops, 1, "{pass:?}");
    assert_eq!(world.queued(), pairs(&[("disputes/create", 9)]));
}
