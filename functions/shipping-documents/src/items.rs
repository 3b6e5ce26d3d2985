//! The goods that a document lists, and how they reach the customer.

use comms::{Gid, Money};
use driver::ItemData;
use flow::GatherError;
use schemars::JsonSchema;
use serde::Serialize;
use shopify::{
    LineItem, Order,
    fulfillment::{DeliveryMethod, Fulfillment, MethodType, ShippedLine},
};
use std::collections::HashMap;

/// One line of what is sent or fetched.
#[derive(Clone, Serialize, JsonSchema)]
pub struct LineData {
    /// 1 for the first line.
    number: usize,
    #[serde(flatten)]
    item: ItemData,
    /// How many.
    quantity: u64,
    /// Packing slips of shops that want prices on them. Before discounts, in the currency the customer saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "as_priced"))]
    unit_price: Option<Money>,
    /// The same, of all units in this shipment after the line's own discounts, without those of the whole order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "as_priced"))]
    total: Option<Money>,
}

impl LineData {
    pub fn of(number: usize, line: &LineItem, quantity: u64) -> Self {
        Self { number, item: ItemData::new(line), quantity, unit_price: None, total: None }
    }

    fn shipped(number: usize, line: &LineItem, shipped: &ShippedLine, prices: bool) -> Self {
        Self {
            unit_price: prices.then_some(line.unit_price.presentment),
            total: prices.then_some(shipped.total.presentment),
            ..Self::of(number, line, shipped.quantity)
        }
    }
}

/// How the goods reach the customer.
#[derive(Clone, Serialize, JsonSchema)]
pub struct MethodData {
    /// `shipping`, `local` (delivered by the shop), `pick_up`, `pickup_point`, `retail` (carried out of the store)
    /// or another word of Shopify's.
    #[schemars(example = &"shipping")]
    r#type: String,
    /// What the customer chose at checkout.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"Express")]
    presented_name: Option<String>,
}

impl MethodData {
    pub fn new(method: &DeliveryMethod) -> Self {
        Self { r#type: method.kind.name(), presented_name: method.name.clone() }
    }

    pub fn of_kind(kind: &MethodType) -> Self {
        Self { r#type: kind.name(), presented_name: None }
    }
}

pub fn by_id(order: &Order) -> HashMap<&Gid, &LineItem> {
    order.lines.iter().map(|line| (&line.id, line)).collect()
}

/// A line that the order, which was read later, must have: what it lacks, somebody is changing.
pub fn known<'a>(lines: &HashMap<&Gid, &'a LineItem>, id: &Gid) -> Result<&'a LineItem, GatherError> {
    lines.get(id).copied().ok_or_else(|| GatherError::not_yet("the order lacks a line of the shipment"))
}

/// What is in a parcel: without the digital goods that were fulfilled together with it.
pub fn shipped(
    shipment: &Fulfillment,
    lines: &HashMap<&Gid, &LineItem>,
    prices: bool,
) -> Result<Vec<LineData>, GatherError> {
    let all = shipment.lines.iter().map(|it| Ok((known(lines, &it.line)?, it)));
    let all = all.collect::<Result<Vec<_>, GatherError>>()?;
    let some_ship = all.iter().any(|(line, _)| line.requires_shipping);
    let packed = all.into_iter().filter(|(line, _)| line.requires_shipping || !some_ship);
    Ok(packed
        .enumerate()
        .map(|(index, (line, shipped))| LineData::shipped(index + 1, line, shipped, prices))
        .collect())
}

/// What needs shipping, is still ordered, was in no shipment and is not fetched by the customer. Nothing of a
/// cancelled order.
pub fn still_to_come(
    order: &Order,
    shipment: &Fulfillment,
    lines: &HashMap<&Gid, &LineItem>,
) -> Vec<LineData> {
    if order.cancelled_at.is_some() {
        return Vec::new();
    }
    let mut fetched: HashMap<&Gid, u64> = HashMap::new();
    for unsent in &shipment.unsent {
        *fetched.entry(&unsent.line).or_default() += unsent.quantity;
    }
    let unshipped = shipment.unshipped.iter().filter_map(|unshipped| {
        let line = lines.get(&unshipped.line).filter(|line| line.requires_shipping)?;
        let fetched = fetched.get(&unshipped.line).copied().unwrap_or_default();
        let quantity = unshipped.quantity.min(line.current_quantity).saturating_sub(fetched);
        (quantity > 0).then_some((line, quantity))
    });
    unshipped.enumerate().map(|(index, (line, quantity))| LineData::of(index + 1, line, quantity)).collect()
}
