//! A return: what the customer sends back, and how.

mod wire;

pub(super) use wire::{Cursors, from_graphql, labels_from_graphql};

use crate::{MoneyBag, TaxLine, connection::Differs};
use comms::Gid;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;

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
    /// The refunds that it has come to so far.
    pub refunds: Vec<RefundOf>,
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
    /// One that Shopify has added since.
    #[serde(other)]
    Unknown,
}

/// A refund that belongs to a return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundOf {
    pub id: Gid,
    pub created_at: Timestamp,
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
    /// The order's line. Absent where the item was never verified to be of the order.
    pub item: Option<Gid>,
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
    /// The order's line; absent until the item is part of the order.
    pub item: Option<Gid>,
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

impl Return {
    pub(super) fn append(&mut self, page: Self) -> Result<(), Differs> {
        let head = |it: &Self| Self {
            lines: vec![],
            exchange_lines: vec![],
            refunds: vec![],
            labels: vec![],
            ..it.clone()
        };
        if head(self) != head(&page) {
            return Err(Differs);
        }
        self.lines.extend(page.lines);
        self.exchange_lines.extend(page.exchange_lines);
        self.refunds.extend(page.refunds);
        self.labels.extend(page.labels);
        self.labels.sort();
        Ok(())
    }
}

impl ReturnLabels {
    pub(super) fn append(&mut self, page: Self) -> Result<(), Differs> {
        if (self.status, &self.order) != (page.status, &page.order) {
            return Err(Differs);
        }
        self.labels.extend(page.labels);
        self.labels.sort();
        Ok(())
    }
}
