//! A shipment as the answer to `graphql/fulfillment_for_documents.graphql`.

use super::{
    DeliveryMethod, Fulfillment, Origin, Parcel, SHIPMENTS, ShipmentEvent, ShippedLine, State, UnshippedLine,
    method::{self, WireMethod},
};
use crate::{
    Malformed, MoneyBag,
    connection::{Nodes, Page},
    decode::{decode, text},
};
use comms::Gid;
use jiff::Timestamp;
use serde::Deserialize;

/// A shipment with some of its lines.
#[derive(Debug)]
pub struct FulfillmentPage {
    pub fulfillment: Fulfillment,
    /// Whether either list has another page.
    pub(super) more: bool,
    pub(super) after: Option<String>,
    pub(super) order_after: Option<String>,
}

#[derive(Deserialize)]
struct Data {
    fulfillment: Option<Wire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: Gid,
    name: String,
    status: String,
    #[serde(deserialize_with = "text")]
    display_status: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    in_transit_at: Option<Timestamp>,
    delivered_at: Option<Timestamp>,
    estimated_delivery_at: Option<Timestamp>,
    requires_shipping: bool,
    tracking_info: Vec<Parcel>,
    origin_address: Option<Origin>,
    events: Nodes<Event>,
    #[serde(default)]
    fulfillment_orders: Nodes<Methods>,
    fulfillment_line_items: Page<Line>,
    order: Order,
}

/// A fulfillment order, as far as it says how its goods reach the customer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Methods {
    delivery_method: Option<WireMethod>,
    /// Of those of the whole order.
    #[serde(default)]
    line_items: Nodes<Remaining>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Remaining {
    remaining_quantity: u64,
    line_item: Id,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    id: Gid,
    status: String,
    happened_at: Timestamp,
    #[serde(deserialize_with = "text")]
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    quantity: Option<u64>,
    discounted_total_set: MoneyBag,
    line_item: Id,
}

#[derive(Deserialize)]
pub(super) struct Id {
    pub id: Gid,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    id: Gid,
    updated_at: Timestamp,
    fulfillments: Vec<Sibling>,
    #[serde(default)]
    fulfillment_orders: Nodes<Methods>,
    line_items: Page<OrderLine>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sibling {
    id: Gid,
    status: String,
    created_at: Timestamp,
    requires_shipping: bool,
    #[serde(default)]
    fulfillment_orders: Nodes<Methods>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrderLine {
    id: Gid,
    unfulfilled_quantity: u64,
}

impl Fulfillment {
    /// Reads the `data` of a `FulfillmentForDocuments` answer. There is no shipment, if Shopify has none of
    /// this id or keeps it from the app.
    ///
    /// # Errors
    /// Names the field that is missing or has another type.
    pub fn from_graphql(data: &str) -> Result<Option<FulfillmentPage>, Malformed> {
        decode::<Data>(data)?.fulfillment.map(Wire::read).transpose()
    }
}

impl Wire {
    fn read(self) -> Result<FulfillmentPage, Malformed> {
        let of_kind =
            |id: Gid, kind, path, problem| id.of_kind(kind).map_err(|_| Malformed::new(path, problem));
        let (lines, order_lines) = (self.fulfillment_line_items, self.order.line_items);
        let more = lines.page_info.has_next_page || order_lines.page_info.has_next_page;
        let fulfillment = Fulfillment {
            id: of_kind(self.id, "Fulfillment", "fulfillment.id", "is not the id of a Fulfillment")?,
            name: self.name,
            state: state(&self.status),
            shown: self.display_status.map(|status| status.to_ascii_lowercase()),
            created_at: self.created_at,
            updated_at: self.updated_at,
            in_transit_at: self.in_transit_at,
            delivered_at: self.delivered_at,
            estimated_delivery_at: self.estimated_delivery_at,
            requires_shipping: self.requires_shipping,
            method: method(self.fulfillment_orders),
            parcels: self.tracking_info,
            origin: self.origin_address,
            events: self.events.nodes.into_iter().map(Event::read).collect(),
            lines: lines.nodes.into_iter().filter_map(Line::read).collect(),
            order: of_kind(self.order.id, "Order", "fulfillment.order.id", "is not the id of an Order")?,
            order_updated_at: self.order.updated_at,
            unshipped: order_lines.nodes.into_iter().filter_map(OrderLine::read).collect(),
            unsent: unsent(self.order.fulfillment_orders),
            shipments: shipments(self.order.fulfillments),
        };
        let (after, order_after) = (lines.page_info.end_cursor, order_lines.page_info.end_cursor);
        Ok(FulfillmentPage { fulfillment, more, after, order_after })
    }
}

fn state(status: &str) -> State {
    match status {
        "PENDING" | "OPEN" => State::Pending,
        "CANCELLED" => State::Cancelled,
        "ERROR" | "FAILURE" => State::Failed,
        // a word that is not known here costs no document
        _ => State::Shipped,
    }
}

fn method(orders: Nodes<Methods>) -> Option<DeliveryMethod> {
    method::of_all(orders.nodes.into_iter().filter_map(|order| Some(order.delivery_method?.read())))
}

fn unsent(orders: Nodes<Methods>) -> Vec<UnshippedLine> {
    let orders = orders.nodes.into_iter().filter_map(|order| {
        let method = order.delivery_method?.read();
        (!method.kind.is_sent()).then_some(order.line_items.nodes)
    });
    let left = orders.flatten().filter(|line| line.remaining_quantity > 0);
    left.map(|line| UnshippedLine { line: line.line_item.id, quantity: line.remaining_quantity }).collect()
}

/// As many as were asked for may not be all there are.
fn shipments(mut all: Vec<Sibling>) -> Option<Vec<Gid>> {
    if all.len() >= SHIPMENTS {
        return None;
    }
    all.retain(|it| it.requires_shipping && !matches!(state(&it.status), State::Cancelled | State::Failed));
    let is_sent = |it: &mut Sibling| {
        method(std::mem::take(&mut it.fulfillment_orders)).is_none_or(|method| method.kind.is_sent())
    };
    all.retain_mut(is_sent);
    // of two made in the same second, the smaller number is the older one
    all.sort_by_key(|it| (it.created_at, it.id.number().len(), it.id.number().to_owned()));
    Some(all.into_iter().map(|it| it.id).collect())
}

impl Event {
    fn read(self) -> ShipmentEvent {
        ShipmentEvent {
            id: self.id,
            status: self.status.to_ascii_lowercase(),
            happened_at: self.happened_at,
            message: self.message,
        }
    }
}

impl Line {
    fn read(self) -> Option<ShippedLine> {
        let quantity = self.quantity.filter(|quantity| *quantity > 0)?;
        Some(ShippedLine { line: self.line_item.id, quantity, total: self.discounted_total_set })
    }
}

impl OrderLine {
    fn read(self) -> Option<UnshippedLine> {
        (self.unfulfilled_quantity > 0)
            .then_some(UnshippedLine { line: self.id, quantity: self.unfulfilled_quantity })
    }
}
