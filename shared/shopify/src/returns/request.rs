//! A return as the answers to `graphql/return_for_documents.graphql` and `graphql/return_labels.graphql`.

use super::{Id, Page};
use crate::{
    Malformed, MoneyBag, TaxLine,
    decode::{list, scalar, text},
};
use comms::Gid;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;
use std::fmt;

/// What a customer sends back, and what the shop says to it.
#[derive(Clone, PartialEq)]
pub struct Return {
    pub id: Gid,
    /// The name the customer knows, such as `#1001-R1`.
    pub name: Option<String>,
    pub status: ReturnStatus,
    pub created_at: Timestamp,
    /// When a customer's request was approved; a return the shop opened by itself was never requested.
    pub approved_at: Option<Timestamp>,
    pub order: Gid,
    pub decline: Option<Decline>,
    pub lines: Vec<ReturnLine>,
    /// What the customer gets instead.
    pub exchange_lines: Vec<ExchangeLine>,
    pub shipping_fees: Vec<MoneyBag>,
    /// In the order of their deliveries' ids.
    pub labels: Vec<Label>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReturnStatus {
    /// The customer asked; nobody has answered.
    Requested,
    /// The items are on their way or awaited.
    Open,
    Declined,
    Canceled,
    Closed,
}

#[derive(Clone, PartialEq, Eq)]
pub struct Decline {
    /// In lower case: `final_sale`, `return_period_ended`, `other`, or what Shopify has added since.
    pub reason: String,
    /// What the shop wrote to the customer.
    pub note: Option<String>,
}

#[derive(Clone, PartialEq)]
pub struct ReturnLine {
    /// Absent where the item was never verified to be of the order.
    pub title: Option<String>,
    pub variant: Option<String>,
    pub sku: Option<String>,
    pub quantity: u64,
    /// The reason's name, such as `Size too small`.
    pub reason: Option<String>,
    /// What the customer wrote. What the shop noted for itself is not asked for.
    pub customer_note: Option<String>,
    /// What was paid for the units sent back, after discounts.
    pub value: Option<MoneyBag>,
    pub restocking_fee: Option<RestockingFee>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RestockingFee {
    pub amount: MoneyBag,
    /// `10` is 10 %.
    pub percent: Option<Decimal>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct ExchangeLine {
    pub title: Option<String>,
    pub variant: Option<String>,
    pub sku: Option<String>,
    pub quantity: u64,
    /// After discounts; absent until the item is part of the order.
    pub value: Option<MoneyBag>,
    pub taxes: Vec<TaxLine>,
}

/// What a parcel is sent back with.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// The reverse delivery.
    pub delivery: Gid,
    pub carrier: Option<String>,
    pub tracking_number: Option<String>,
    pub tracking_url: Option<String>,
    /// Where the label can be fetched for printing.
    pub file_url: Option<String>,
}

/// How far a return is, and its labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnLabels {
    pub status: ReturnStatus,
    pub order: Gid,
    pub labels: Vec<Label>,
}

/// A return with some of its lines.
pub(super) struct ReturnPage {
    pub found: Return,
    pub more: bool,
    pub end: Option<String>,
    pub exchange_end: Option<String>,
}

impl Return {
    pub(super) fn is_same_but_for_lines(&self, other: &Self) -> bool {
        let head = |it: &Self| Self { lines: vec![], exchange_lines: vec![], ..it.clone() };
        head(self) == head(other)
    }
}

#[derive(Deserialize)]
pub(super) struct Data {
    r#return: Option<Wire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: Gid,
    #[serde(deserialize_with = "text")]
    name: Option<String>,
    status: ReturnStatus,
    created_at: Timestamp,
    request_approved_at: Option<Timestamp>,
    order: Id,
    decline: Option<WireDecline>,
    return_line_items: Page<Line>,
    exchange_line_items: Page<Exchange>,
    return_shipping_fees: Vec<ShippingFee>,
    reverse_fulfillment_orders: Page<ReverseOrder>,
}

#[derive(Deserialize)]
struct WireDecline {
    reason: String,
    #[serde(default, deserialize_with = "text")]
    note: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    quantity: u64,
    #[serde(default, deserialize_with = "text")]
    customer_note: Option<String>,
    return_reason_definition: Option<Reason>,
    with_code_discounted_total_price_set: Option<MoneyBag>,
    restocking_fee: Option<Fee>,
    fulfillment_line_item: Option<Fulfilled>,
}

#[derive(Deserialize)]
struct Reason {
    handle: String,
    #[serde(default, deserialize_with = "text")]
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fee {
    #[serde(deserialize_with = "scalar")]
    percentage: String,
    amount_set: MoneyBag,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShippingFee {
    amount_set: MoneyBag,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fulfilled {
    line_item: Item,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    #[serde(deserialize_with = "text")]
    title: Option<String>,
    #[serde(deserialize_with = "text")]
    variant_title: Option<String>,
    #[serde(deserialize_with = "text")]
    sku: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Exchange {
    quantity: u64,
    #[serde(deserialize_with = "text")]
    title: Option<String>,
    #[serde(deserialize_with = "text")]
    variant_title: Option<String>,
    #[serde(deserialize_with = "text")]
    variant_sku: Option<String>,
    #[serde(deserialize_with = "list")]
    line_items: Vec<NewItem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewItem {
    #[serde(flatten)]
    item: Item,
    discounted_total_set: MoneyBag,
    tax_lines: Vec<TaxLine>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReverseOrder {
    status: String,
    reverse_deliveries: Page<Delivery>,
}

#[derive(Deserialize)]
struct Delivery {
    id: Gid,
    deliverable: Option<Deliverable>,
}

/// Empty, if it is of a kind that is not known.
#[derive(Deserialize)]
struct Deliverable {
    tracking: Option<Tracking>,
    label: Option<WireLabel>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tracking {
    #[serde(deserialize_with = "text")]
    carrier_name: Option<String>,
    #[serde(deserialize_with = "text")]
    number: Option<String>,
    #[serde(deserialize_with = "text")]
    url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireLabel {
    #[serde(deserialize_with = "text")]
    public_file_url: Option<String>,
}

pub(super) fn from_graphql(data: Data) -> Result<Option<ReturnPage>, Malformed> {
    data.r#return.map(Wire::read).transpose()
}

#[derive(Deserialize)]
pub(super) struct LabelsData {
    r#return: Option<WireLabels>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireLabels {
    status: ReturnStatus,
    order: Id,
    reverse_fulfillment_orders: Page<ReverseOrder>,
}

pub(super) fn labels_from_graphql(data: LabelsData) -> Result<Option<ReturnLabels>, Malformed> {
    let Some(found) = data.r#return else { return Ok(None) };
    let labels = labels(found.reverse_fulfillment_orders)?;
    Ok(Some(ReturnLabels { status: found.status, order: found.order.id, labels }))
}

impl Wire {
    fn read(self) -> Result<ReturnPage, Malformed> {
        let (lines, exchange) = (self.return_line_items, self.exchange_line_items);
        let new = exchange.nodes.into_iter().map(Exchange::read);
        let found = Return {
            id: self.id,
            name: self.name,
            status: self.status,
            created_at: self.created_at,
            approved_at: self.request_approved_at,
            order: self.order.id,
            decline: self.decline.map(|it| Decline { reason: it.reason.to_ascii_lowercase(), note: it.note }),
            lines: lines.nodes.into_iter().map(Line::read).collect(),
            exchange_lines: new.collect::<Result<_, _>>()?,
            shipping_fees: self.return_shipping_fees.into_iter().map(|it| it.amount_set).collect(),
            labels: labels(self.reverse_fulfillment_orders)?,
        };
        Ok(ReturnPage {
            found,
            more: lines.page_info.has_next_page || exchange.page_info.has_next_page,
            end: lines.page_info.end_cursor,
            exchange_end: exchange.page_info.end_cursor,
        })
    }
}

impl Line {
    fn read(self) -> ReturnLine {
        let item = self.fulfillment_line_item.map(|it| it.line_item);
        let Item { title, variant_title, sku } =
            item.unwrap_or(Item { title: None, variant_title: None, sku: None });
        ReturnLine {
            title,
            variant: variant_title,
            sku,
            quantity: self.quantity,
            reason: self.return_reason_definition.map(|it| it.name.unwrap_or(it.handle)),
            customer_note: self.customer_note,
            value: self.with_code_discounted_total_price_set,
            restocking_fee: self
                .restocking_fee
                .map(|it| RestockingFee { amount: it.amount_set, percent: it.percentage.parse().ok() }),
        }
    }
}

impl Exchange {
    /// Before the return is processed, only the exchange itself knows the item; then its lines know more.
    fn read(self) -> Result<ExchangeLine, Malformed> {
        let mut line = ExchangeLine {
            title: self.title,
            variant: self.variant_title,
            sku: self.variant_sku,
            quantity: self.quantity,
            value: None,
            taxes: Vec::new(),
        };
        for NewItem { item, discounted_total_set: value, tax_lines } in self.line_items {
            line.title = line.title.or(item.title);
            line.variant = line.variant.or(item.variant_title);
            line.sku = line.sku.or(item.sku);
            line.taxes.extend(tax_lines);
            line.value = Some(match line.value {
                None => value,
                Some(sum) => sum.checked_add(value).map_err(|_| {
                    Malformed::new("exchangeLineItems", "has amounts that cannot be added up")
                })?,
            });
        }
        Ok(line)
    }
}

/// Those of cancelled reverse orders are of no use to anybody.
fn labels(orders: Page<ReverseOrder>) -> Result<Vec<Label>, Malformed> {
    let mut labels = Vec::new();
    for order in orders.whole("reverseFulfillmentOrders")? {
        let deliveries = order.reverse_deliveries.whole("reverseDeliveries")?;
        if order.status != "CANCELED" {
            labels.extend(deliveries.into_iter().filter_map(Delivery::read));
        }
    }
    labels.sort();
    Ok(labels)
}

impl Delivery {
    fn read(self) -> Option<Label> {
        let Deliverable { tracking, label } = self.deliverable?;
        let tracking = tracking.unwrap_or(Tracking { carrier_name: None, number: None, url: None });
        let label = Label {
            delivery: self.id,
            carrier: tracking.carrier_name,
            tracking_number: tracking.number,
            tracking_url: tracking.url,
            file_url: label.and_then(|it| it.public_file_url),
        };
        let is_any =
            [&label.tracking_number, &label.tracking_url, &label.file_url].iter().any(|it| it.is_some());
        is_any.then_some(label)
    }
}

/// Debug output ends up in logs: these print what they are about and nothing about whom.
macro_rules! discreet {
    ($($type:ident: $($field:ident),*;)+) => { $(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($type))$(.field(stringify!($field), &self.$field))*.finish_non_exhaustive()
            }
        }
    )+ };
}
discreet! {
    Return: id, status;
    Decline: reason;
    ReturnLine: quantity;
    ExchangeLine: quantity;
    Label: delivery;
}
