//! The answers to `graphql/return_for_documents.graphql` and `graphql/return_labels.graphql`.

use super::{
    Decline, ExchangeLine, Label, RefundOf, RestockingFee, Return, ReturnLabels, ReturnLine, ReturnStatus,
};
use crate::{
    Malformed, MoneyBag, TaxLine,
    connection::Page,
    decode::{list, scalar, text},
    returns::page::{Cursor, Id, LINES},
};
use comms::{Gid, HttpsUrl, is_web_link};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
pub(in crate::returns) struct Data {
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
    refunds: Page<WireRefund>,
    reverse_fulfillment_orders: Page<ReverseOrder>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRefund {
    id: Gid,
    created_at: Option<Timestamp>,
    processed_at: Timestamp,
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
    id: Gid,
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

/// How far the lists of a return are read.
#[derive(Default)]
pub(in crate::returns) struct Cursors {
    lines: Cursor,
    exchange: Cursor,
    refunds: Cursor,
    parcels: Cursor,
}

impl Cursors {
    pub fn variables(&self, id: &Gid) -> Value {
        json!({
            "id": id, "first": LINES, "after": self.lines, "afterExchange": self.exchange,
            "afterRefunds": self.refunds, "afterParcels": self.parcels,
        })
    }
}

/// A part of a return, and whether there is more of it.
pub(in crate::returns) fn from_graphql(
    data: Data,
    cursors: &mut Cursors,
) -> Result<Option<(Return, bool)>, Malformed> {
    data.r#return.map(|wire| wire.read(cursors)).transpose()
}

#[derive(Deserialize)]
pub(in crate::returns) struct LabelsData {
    r#return: Option<WireLabels>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireLabels {
    status: ReturnStatus,
    order: Id,
    reverse_fulfillment_orders: Page<ReverseOrder>,
}

pub(in crate::returns) fn labels_from_graphql(
    data: LabelsData,
    after: &mut Cursor,
) -> Result<Option<(ReturnLabels, bool)>, Malformed> {
    let Some(found) = data.r#return else { return Ok(None) };
    let more = found.reverse_fulfillment_orders.advance(after);
    let labels = labels(found.reverse_fulfillment_orders)?;
    Ok(Some((ReturnLabels { status: found.status, order: found.order.id, labels }, more)))
}

impl Wire {
    fn read(self, cursors: &mut Cursors) -> Result<(Return, bool), Malformed> {
        let (lines, exchange) = (self.return_line_items, self.exchange_line_items);
        let (refunds, parcels) = (self.refunds, self.reverse_fulfillment_orders);
        let more = [
            lines.advance(&mut cursors.lines),
            exchange.advance(&mut cursors.exchange),
            refunds.advance(&mut cursors.refunds),
            parcels.advance(&mut cursors.parcels),
        ];
        let exchange = exchange.nodes.into_iter().map(Exchange::read);
        let refund =
            |it: WireRefund| RefundOf { id: it.id, created_at: it.created_at.unwrap_or(it.processed_at) };
        let found = Return {
            id: self.id,
            name: self.name,
            status: self.status,
            created_at: self.created_at,
            approved_at: self.request_approved_at,
            order: self.order.id,
            decline: self.decline.map(|it| Decline { reason: it.reason.to_ascii_lowercase(), note: it.note }),
            lines: lines.nodes.into_iter().map(Line::read).collect(),
            exchange_lines: exchange.collect::<Result<_, _>>()?,
            shipping_fees: self.return_shipping_fees.into_iter().map(|it| it.amount_set).collect(),
            refunds: refunds.nodes.into_iter().map(refund).collect(),
            labels: labels(parcels)?,
        };
        Ok((found, more.contains(&true)))
    }
}

impl Line {
    fn read(self) -> ReturnLine {
        let mut line = ReturnLine {
            item: None,
            title: None,
            variant: None,
            sku: None,
            quantity: self.quantity,
            reason: self.return_reason_definition.map(|it| it.name.unwrap_or(it.handle)),
            customer_note: self.customer_note,
            value: self.with_code_discounted_total_price_set,
            restocking_fee: self
                .restocking_fee
                .map(|it| RestockingFee { amount: it.amount_set, percent: it.percentage.parse().ok() }),
        };
        if let Some(Fulfilled { line_item }) = self.fulfillment_line_item {
            line.item = Some(line_item.id);
            line.title = line_item.title;
            line.variant = line_item.variant_title;
            line.sku = line_item.sku;
        }
        line
    }
}

impl Exchange {
    /// Before the return is processed, only the exchange itself knows the item; then its lines know more.
    fn read(self) -> Result<ExchangeLine, Malformed> {
        let mut line = ExchangeLine {
            item: None,
            title: self.title,
            variant: self.variant_title,
            sku: self.variant_sku,
            quantity: self.quantity,
            value: None,
            taxes: Vec::new(),
        };
        for NewItem { item, discounted_total_set: value, tax_lines } in self.line_items {
            line.item = line.item.or(Some(item.id));
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
    for order in orders.nodes {
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
            // an app or a person entered both: one becomes a link, the other is fetched for printing
            tracking_url: tracking.url.filter(|url| is_web_link(url)),
            file_url: label
                .and_then(|it| it.public_file_url)
                .and_then(|url| HttpsUrl::from_outside(&url))
                .map(String::from),
        };
        let is_any =
            [&label.tracking_number, &label.tracking_url, &label.file_url].iter().any(|it| it.is_some());
        is_any.then_some(label)
    }
}

discreet! {
    Return: id, status;
    Decline: reason;
    ReturnLine: quantity;
    ExchangeLine: quantity;
    Label: delivery;
}
