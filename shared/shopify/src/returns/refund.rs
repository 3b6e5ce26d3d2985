//! A refund as the answer to `graphql/refund_for_documents.graphql`.

use super::page::{Cursor, Id, REFUND_LINES};
use crate::{
    Method, MoneyBag,
    connection::{Differs, Page},
    decode::{list, text},
    method::WireMethod,
};
use comms::Gid;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt;

/// What a shop gives back. Whether the money has moved is said by its transactions alone.
#[derive(Clone, PartialEq)]
pub struct Refund {
    pub id: Gid,
    pub created_at: Timestamp,
    pub processed_at: Timestamp,
    pub updated_at: Timestamp,
    pub order: Gid,
    pub r#return: Option<Gid>,
    pub lines: Vec<RefundLine>,
    pub shipping: Vec<RefundShipping>,
    pub duties: Vec<MoneyBag>,
    /// What makes the amount paid back differ from the sum of what was given back.
    pub adjustments: Vec<Adjustment>,
    pub transactions: Vec<Transaction>,
}

#[derive(Clone, PartialEq)]
pub struct RefundLine {
    /// The order's line.
    pub item: Gid,
    pub title: String,
    pub variant: Option<String>,
    pub sku: Option<String>,
    pub quantity: u64,
    /// With tax, if the order's prices include it.
    pub subtotal: MoneyBag,
    pub tax: MoneyBag,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RefundShipping {
    pub title: String,
    pub subtotal: MoneyBag,
    pub tax: MoneyBag,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Adjustment {
    pub reason: AdjustmentReason,
    /// As Shopify keeps it: what the customer gets more than calculated is negative.
    pub amount: MoneyBag,
    pub tax: MoneyBag,
}

/// Why an adjustment was made, in Shopify's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdjustmentReason {
    Restock,
    Damage,
    Customer,
    /// What is left when everything was returned.
    Balance,
    /// It stands for a payment that is pending.
    Pending,
    /// None, `REFUND_DISCREPANCY`, or one that Shopify has added since.
    Other,
}

#[derive(Clone, PartialEq)]
pub struct Transaction {
    pub id: Gid,
    /// The payment that is paid back; none of what was paid back by hand.
    pub parent: Option<Gid>,
    pub kind: TransactionKind,
    pub status: TransactionStatus,
    /// No money moved.
    pub test: bool,
    pub created_at: Timestamp,
    pub processed_at: Option<Timestamp>,
    pub amount: MoneyBag,
    /// What cash was rounded by; absent where nothing was rounded.
    pub rounding: Option<MoneyBag>,
    pub method: Method,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionKind {
    /// Money back.
    Refund,
    /// An authorization given up, change at a till.
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionStatus {
    Success,
    /// Declined, or the attempt went wrong; somebody can try again.
    Failed,
    /// Everything that is not an end, and what Shopify may add.
    Open,
}

#[derive(Deserialize)]
pub(super) struct Data {
    refund: Option<Wire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: Gid,
    created_at: Option<Timestamp>,
    processed_at: Timestamp,
    updated_at: Timestamp,
    order: Id,
    r#return: Option<Id>,
    refund_line_items: Page<Line>,
    refund_shipping_lines: Page<Shipping>,
    #[serde(deserialize_with = "list")]
    duties: Vec<Duty>,
    order_adjustments: Page<WireAdjustment>,
    transactions: Page<WireTransaction>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    quantity: u64,
    subtotal_set: MoneyBag,
    total_tax_set: MoneyBag,
    line_item: Item,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    id: Gid,
    title: String,
    #[serde(deserialize_with = "text")]
    variant_title: Option<String>,
    #[serde(deserialize_with = "text")]
    sku: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shipping {
    shipping_line: Titled,
    subtotal_amount_set: MoneyBag,
    tax_amount_set: MoneyBag,
}

#[derive(Deserialize)]
struct Titled {
    title: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Duty {
    amount_set: MoneyBag,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAdjustment {
    reason: Option<String>,
    amount_set: MoneyBag,
    tax_amount_set: MoneyBag,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTransaction {
    id: Gid,
    kind: String,
    status: String,
    test: bool,
    created_at: Timestamp,
    processed_at: Option<Timestamp>,
    amount_set: MoneyBag,
    amount_rounding_set: Option<MoneyBag>,
    #[serde(flatten)]
    method: WireMethod,
    parent_transaction: Option<Parent>,
}

#[derive(Deserialize)]
struct Parent {
    id: Gid,
    #[serde(flatten)]
    method: WireMethod,
}

/// How far the lists of a refund are read.
#[derive(Default)]
pub(super) struct Cursors {
    lines: Cursor,
    shipping: Cursor,
    adjustments: Cursor,
    transactions: Cursor,
}

impl Cursors {
    pub fn variables(&self, id: &Gid) -> Value {
        json!({
            "id": id, "first": REFUND_LINES, "after": self.lines, "afterShipping": self.shipping,
            "afterAdjustments": self.adjustments, "afterTransactions": self.transactions,
        })
    }
}

/// A part of a refund, and whether there is more of it.
pub(super) fn from_graphql(data: Data, cursors: &mut Cursors) -> Option<(Refund, bool)> {
    data.refund.map(|wire| wire.read(cursors))
}

impl Wire {
    fn read(self, cursors: &mut Cursors) -> (Refund, bool) {
        let (lines, shipping) = (self.refund_line_items, self.refund_shipping_lines);
        let (adjustments, transactions) = (self.order_adjustments, self.transactions);
        let more = [
            lines.advance(&mut cursors.lines),
            shipping.advance(&mut cursors.shipping),
            adjustments.advance(&mut cursors.adjustments),
            transactions.advance(&mut cursors.transactions),
        ];
        let refund = Refund {
            id: self.id,
            created_at: self.created_at.unwrap_or(self.processed_at),
            processed_at: self.processed_at,
            updated_at: self.updated_at,
            order: self.order.id,
            r#return: self.r#return.map(|it| it.id),
            lines: lines.nodes.into_iter().map(Line::read).collect(),
            shipping: shipping.nodes.into_iter().map(Shipping::read).collect(),
            duties: self.duties.into_iter().map(|it| it.amount_set).collect(),
            adjustments: adjustments.nodes.into_iter().map(WireAdjustment::read).collect(),
            transactions: transactions.nodes.into_iter().map(WireTransaction::read).collect(),
        };
        (refund, more.contains(&true))
    }
}

impl Refund {
    pub(super) fn append(&mut self, page: Self) -> Result<(), Differs> {
        if self.updated_at != page.updated_at {
            return Err(Differs);
        }
        self.lines.extend(page.lines);
        self.shipping.extend(page.shipping);
        self.adjustments.extend(page.adjustments);
        self.transactions.extend(page.transactions);
        Ok(())
    }
}

impl Shipping {
    fn read(self) -> RefundShipping {
        RefundShipping {
            title: self.shipping_line.title,
            subtotal: self.subtotal_amount_set,
            tax: self.tax_amount_set,
        }
    }
}

impl WireAdjustment {
    fn read(self) -> Adjustment {
        let reason = match self.reason.as_deref() {
            Some("RESTOCK") => AdjustmentReason::Restock,
            Some("DAMAGE") => AdjustmentReason::Damage,
            Some("CUSTOMER") => AdjustmentReason::Customer,
            Some("FULL_RETURN_BALANCING_ADJUSTMENT") => AdjustmentReason::Balance,
            Some("PENDING_REFUND_DISCREPANCY") => AdjustmentReason::Pending,
            _ => AdjustmentReason::Other,
        };
        Adjustment { reason, amount: self.amount_set, tax: self.tax_amount_set }
    }
}

impl Line {
    fn read(self) -> RefundLine {
        RefundLine {
            item: self.line_item.id,
            title: self.line_item.title,
            variant: self.line_item.variant_title,
            sku: self.line_item.sku,
            quantity: self.quantity,
            subtotal: self.subtotal_set,
            tax: self.total_tax_set,
        }
    }
}

impl WireTransaction {
    fn read(self) -> Transaction {
        let (parent, payment) = match self.parent_transaction {
            Some(it) => (Some(it.id), Method::from(it.method)),
            None => (None, Method::default()),
        };
        let own = Method::from(self.method);
        // a refund to something else than was paid with has nothing to do with the card that was paid with
        let same = own.gateway.is_none() || own.gateway == payment.gateway;
        let method = if same { own.or(payment) } else { own };
        Transaction {
            id: self.id,
            parent,
            kind: match self.kind.as_str() {
                "REFUND" => TransactionKind::Refund,
                _ => TransactionKind::Other,
            },
            status: match self.status.as_str() {
                "SUCCESS" => TransactionStatus::Success,
                "FAILURE" | "ERROR" => TransactionStatus::Failed,
                _ => TransactionStatus::Open,
            },
            test: self.test,
            created_at: self.created_at,
            processed_at: self.processed_at,
            amount: self.amount_set,
            rounding: self.amount_rounding_set.filter(|it| !it.shop.amount().is_zero()),
            method,
        }
    }
}

// what is printed goes to logs: nothing about whom
impl fmt::Debug for Refund {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refund").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for RefundLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefundLine").field("quantity", &self.quantity).finish_non_exhaustive()
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("id", &self.id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
