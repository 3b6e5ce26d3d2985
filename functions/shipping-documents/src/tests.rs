//! From events and from what Shopify has to plans, verdicts and driver data, without a network.

mod document;
mod due;
mod plans;

use super::*;
use crate::{
    data::ShipmentData,
    pickup::PickupData,
    rules::{Judge, Request},
};
use comms::{CommunicationId, Document, Gid, Revision};
use flow::{DocumentFlow, Event, Plan, Planned, Verdict};
use serde_json::{Value, json};
use shop_config::{DeliveryEvent, ShopConfig};
use shopify::{
    Order,
    fulfillment::{Fulfillment, MethodType},
};
use work::WorkItem;

const CREATE: &str = include_str!("../../../infra/local/samples/shipping-documents/fulfillments-create.json");
const UPDATE: &str = include_str!("../../../infra/local/samples/shipping-documents/fulfillments-update.json");
const TOLD: &str =
    include_str!("../../../infra/local/samples/shipping-documents/fulfillment-events-create.json");
const CONFIG: &str = include_str!("../../../infra/local/config/demo-shop.toml");
/// The order and its three shipments, as Shopify answers.
const ORDER: &str = include_str!("../tests/fixtures/order.json");
const DELIVERED: &str = include_str!("../tests/fixtures/delivered.json");
const CORRECTED: &str = include_str!("../tests/fixtures/corrected.json");
const NEW: &str = include_str!("../tests/fixtures/new.json");

fn payload(event: &str) -> Value {
    serde_json::from_str::<Value>(event).unwrap()["detail"]["payload"].take()
}

fn config() -> ShopConfig {
    ShopConfig::parse(CONFIG).unwrap()
}

fn as_it_is(_: &mut Value) {}

fn shipment(json: &str, change: impl FnOnce(&mut Value)) -> Fulfillment {
    let mut data: Value = serde_json::from_str(json).unwrap();
    change(&mut data["fulfillment"]);
    Fulfillment::from_graphql(&data.to_string()).unwrap().unwrap().fulfillment
}

fn order(change: impl FnOnce(&mut Value)) -> Order {
    let mut data: Value = serde_json::from_str(ORDER).unwrap();
    change(&mut data["order"]);
    Order::from_graphql(&data.to_string()).unwrap().unwrap().order
}

fn item(topic: &str, subject: &Gid, payload: Option<Value>) -> WorkItem {
    let item = json!({
        "v": 1, "shop": "northwind-demo.myshopify.com", "flow": "shipping-documents",
        "trigger": {"topic": topic, "webhook_id": "w"}, "subject": subject, "payload": payload,
    });
    WorkItem::from_json(&item.to_string()).unwrap()
}

fn plan_of(item: &WorkItem, payload: Option<&Value>, config: &ShopConfig) -> Result<Planned, String> {
    let payload = payload.map(Value::to_string);
    let event = Event { item, payload: payload.as_deref(), config };
    ShippingDocuments.plan(&event).map_err(|error| error.to_string())
}

/// What an event about the shipment of this payload leads to.
fn planned(topic: &str, payload: &Value, config: &ShopConfig) -> Result<Vec<Plan>, String> {
    let subject = payload["admin_graphql_api_id"].as_str().unwrap_or("gid://shopify/Fulfillment/1");
    let item = item(topic, &subject.parse().unwrap(), Some(payload.clone()));
    match plan_of(&item, Some(payload), config)? {
        Planned::Known(plans) => Ok(plans),
        Planned::AskShopify => panic!("the event says everything"),
    }
}

fn plan(document: Document, revision: Revision, shipment: &Fulfillment) -> Plan {
    let (subject, order) = (shipment.id.clone(), shipment.order.clone());
    Plan { document, subject, revision, reported_on: order, wanted: true }
}
