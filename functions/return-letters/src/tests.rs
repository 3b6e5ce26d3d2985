//! From events to driver data, against a Shopify that is faked on the wire.

mod letters;
mod plans;
mod refund_amounts;
mod refunds;
mod shared_returns;
pub(crate) mod wire;

use crate::{ReturnLetters, subject::first};
use comms::{Class, CommunicationId, Document, Gid, Revision};
use flow::{Content, DocumentFlow, Event, Gather, Gathered, LookUp, Plan, Planned};
use serde_json::{Value, json};
use shop_config::ShopConfig;
use wire::Wire;
use work::{Resend, WorkItem};

const CONFIG: &str = include_str!("../../../infra/local/config/demo-shop.toml");

const APPROVED: &str = include_str!("../../../infra/local/samples/return-letters/returns-approve.json");
const DECLINED: &str = include_str!("../../../infra/local/samples/return-letters/returns-decline.json");
const REFUNDED: &str = include_str!("../../../infra/local/samples/return-letters/refunds-create.json");
const PAID_BACK: &str =
    include_str!("../../../infra/local/samples/return-letters/order-transactions-create.json");

pub(crate) fn config() -> ShopConfig {
    ShopConfig::parse(CONFIG).unwrap()
}

pub(crate) fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

pub(crate) fn order() -> Value {
    value(include_str!("../../../infra/local/samples/return-letters/shopify/order.json"))
}

pub(crate) fn approved() -> Value {
    value(include_str!("../../../infra/local/samples/return-letters/shopify/return-approved.json"))
}

pub(crate) fn declined() -> Value {
    value(include_str!("../../../infra/local/samples/return-letters/shopify/return-declined.json"))
}

pub(crate) fn refund() -> Value {
    value(include_str!("../../../infra/local/samples/return-letters/shopify/refund.json"))
}

pub(crate) fn id(node: &Value) -> Gid {
    node["id"].as_str().unwrap().parse().unwrap()
}

pub(crate) fn item(topic: &str, subject: &Gid) -> WorkItem {
    let item = json!({
        "v": 1, "shop": "northwind-demo.myshopify.com", "flow": "return-letters",
        "trigger": {"topic": topic, "webhook_id": "w"}, "subject": subject,
    });
    WorkItem::from_json(&item.to_string()).unwrap()
}

/// The item and the payload of a sample event.
pub(crate) fn event(text: &str) -> (WorkItem, String) {
    let detail = &value(text)["detail"];
    let payload = &detail["payload"];
    let subject = payload["admin_graphql_api_id"].as_str().unwrap().parse().unwrap();
    (item(detail["metadata"]["X-Shopify-Topic"].as_str().unwrap(), &subject), payload.to_string())
}

pub(crate) fn communication(plan: &Plan) -> CommunicationId {
    CommunicationId::derive(&config().shop, plan.document, &plan.subject, &plan.revision)
}

/// What a delivery of the item would do: the plans, asked of Shopify where the event does not say.
pub(crate) async fn plans(
    wire: &Wire,
    item: &WorkItem,
    payload: Option<&str>,
    config: &ShopConfig,
) -> Vec<Plan> {
    match ReturnLetters.plan(&Event { item, payload, config }).unwrap() {
        Planned::Known(plans) => plans,
        Planned::AskShopify => ReturnLetters.look_up(wire.look_up(item, payload, config)).await.unwrap(),
    }
}

/// What is gathered for the first issue of a document that `topic` led to.
pub(crate) async fn gathered(wire: &Wire, document: Document, topic: &str, subject: &Gid) -> Gathered {
    let plan = first(document, subject, None, &config());
    let config = config();
    ReturnLetters.gather(wire.gather(&plan, &item(topic, subject), &config)).await.unwrap()
}

/// The driver data of what must be ready.
pub(crate) fn driver(gathered: Gathered) -> (Value, Content) {
    match gathered {
        Gathered::Ready(content) => (serde_json::from_slice(&content.driver).unwrap(), *content),
        Gathered::Suppressed { reason, .. } => panic!("suppressed: {reason}"),
        Gathered::NotDue(reason) => panic!("nothing: {reason}"),
        Gathered::Replaced(_) => panic!("something else"),
    }
}

/// How gathering ended, in a word, and why.
pub(crate) fn outcome(gathered: &Gathered) -> (&'static str, &str) {
    match gathered {
        Gathered::Ready(_) => ("ready", ""),
        Gathered::Suppressed { reason, .. } => ("suppressed", reason),
        Gathered::NotDue(reason) => ("nothing", reason),
        Gathered::Replaced(_) => panic!("something else"),
    }
}

pub(crate) fn text<'a>(data: &'a Value, pointer: &str) -> &'a str {
    data.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn schema(document: Document) -> Value {
    ReturnLetters::schema(document).unwrap()
}
