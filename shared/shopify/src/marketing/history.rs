//! What a customer bought, paid and got back.

use crate::{AdminApi, AdminError, Call, MoneyBag, admin::Operation, decode::text};
use comms::{Gid, Money};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use std::fmt;

/// Orders a page; with their lines, a query stays far from the cost a single one may have.
const ORDERS: u32 = 25;
const LINES: u32 = 100;
/// The most orders of one customer that are read.
const MOST_ORDERS: usize = 5000;
/// More pages of lines than any order has.
const LINE_PAGES: u32 = 50;

const PURCHASES: Operation =
    Operation { name: "CustomerPurchases", text: include_str!("../../graphql/customer_purchases.graphql") };
const PURCHASE_LINES: Operation =
    Operation { name: "PurchaseLines", text: include_str!("../../graphql/purchase_lines.graphql") };
const PAYMENTS: Operation =
    Operation { name: "CustomerPayments", text: include_str!("../../graphql/customer_payments.graphql") };

/// An order as a purchase: what of it the customer still has.
#[derive(Clone, PartialEq, Eq)]
pub struct Purchase {
    pub order: Gid,
    pub name: String,
    pub at: Timestamp,
    pub cancelled_at: Option<Timestamp>,
    pub lines: Vec<BoughtLine>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct BoughtLine {
    pub title: String,
    pub sku: Option<String>,
    /// Less what was removed or returned.
    pub quantity: u64,
}

impl fmt::Debug for Purchase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Purchase").field("order", &self.order).field("at", &self.at).finish_non_exhaustive()
    }
}

/// The money of a customer's orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerPayments {
    /// Oldest first, without tests.
    pub orders: Vec<PaidOrder>,
    /// Whether that is all of them. False for a customer with thousands of orders.
    pub complete: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaidOrder {
    pub order: Gid,
    pub name: String,
    pub at: Timestamp,
    pub cancelled_at: Option<Timestamp>,
    /// Money that moved, in no order.
    pub movements: Vec<MoneyMovement>,
}

/// Money that moved, in the shop's currency. Negative: back to the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoneyMovement {
    pub at: Timestamp,
    pub amount: Money,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl PageInfo {
    pub fn next(self) -> Option<String> {
        self.end_cursor.filter(|_| self.has_next_page)
    }
}

#[derive(Deserialize)]
struct Found<T> {
    customer: Option<Orders<T>>,
}

#[derive(Deserialize)]
struct Orders<T> {
    orders: Page<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<T> {
    page_info: PageInfo,
    nodes: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bought {
    id: Gid,
    name: String,
    processed_at: Timestamp,
    cancelled_at: Option<Timestamp>,
    test: bool,
    line_items: Page<Line>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    title: String,
    #[serde(default, deserialize_with = "text")]
    sku: Option<String>,
    current_quantity: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Paid {
    id: Gid,
    name: String,
    processed_at: Timestamp,
    cancelled_at: Option<Timestamp>,
    test: bool,
    transactions: Vec<Transaction>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Transaction {
    kind: String,
    status: String,
    test: bool,
    created_at: Timestamp,
    processed_at: Option<Timestamp>,
    amount_set: MoneyBag,
}

impl From<Line> for BoughtLine {
    fn from(line: Line) -> Self {
        Self { title: line.title, sku: line.sku, quantity: line.current_quantity }
    }
}

impl Transaction {
    /// Authorizations and what failed move nothing. Change is cash given back at once.
    fn movement(&self) -> Option<MoneyMovement> {
        let received = match self.kind.as_str() {
            "SALE" | "CAPTURE" => true,
            "REFUND" | "CHANGE" => false,
            _ => return None,
        };
        if self.status != "SUCCESS" || self.test {
            return None;
        }
        let amount = self.amount_set.shop;
        let amount = if received { amount } else { Money::new(-amount.amount(), amount.currency()) };
        Some(MoneyMovement { at: self.processed_at.unwrap_or(self.created_at), amount })
    }
}

impl AdminApi {
    /// The customer's purchases since a time, newest first and `most` of them at most. Tests are left out;
    /// cancelled orders are not. Nobody's, if Shopify has no such customer.
    pub async fn purchases(
        &self,
        call: Call<'_>,
        customer: &Gid,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<Purchase>, AdminError> {
        let first = u32::try_from(most).unwrap_or(ORDERS).clamp(1, ORDERS);
        let query = format!("processed_at:>='{since}'");
        let (mut purchases, mut after) = (Vec::new(), None::<String>);
        loop {
            let variables =
                json!({"id": customer, "query": query, "first": first, "after": after, "lines": LINES});
            let data = self.execute(call, PURCHASES, variables).await?;
            let Some(found) = data.read::<Found<Bought>>()?.customer else { return Ok(purchases) };
            for order in found.orders.nodes.into_iter().filter(|order| !order.test) {
                purchases.push(self.purchase(call, order).await?);
            }
            after = found.orders.page_info.next();
            if after.is_none() || purchases.len() >= most.min(MOST_ORDERS) {
                purchases.truncate(most);
                return Ok(purchases);
            }
        }
    }

    async fn purchase(&self, call: Call<'_>, order: Bought) -> Result<Purchase, AdminError> {
        let mut lines: Vec<BoughtLine> = order.line_items.nodes.into_iter().map(BoughtLine::from).collect();
        let mut after = order.line_items.page_info.next();
        for _ in 0..LINE_PAGES {
            let Some(cursor) = after else { break };
            let (more, next) = self.lines(call, &order.id, &cursor).await?;
            lines.extend(more);
            after = next;
        }
        Ok(Purchase {
            order: order.id,
            name: order.name,
            at: order.processed_at,
            cancelled_at: order.cancelled_at,
            lines,
        })
    }

    async fn lines(
        &self,
        call: Call<'_>,
        order: &Gid,
        after: &str,
    ) -> Result<(Vec<BoughtLine>, Option<String>), AdminError> {
        #[derive(Deserialize)]
        struct Answer {
            order: Option<Order>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Order {
            line_items: Page<Line>,
        }
        let variables = json!({"id": order, "first": LINES, "after": after});
        let data = self.execute(call, PURCHASE_LINES, variables).await?;
        let order = data.read::<Answer>()?.order.ok_or(AdminError::Changed)?;
        let lines = order.line_items.nodes.into_iter().map(BoughtLine::from).collect();
        Ok((lines, order.line_items.page_info.next()))
    }

    /// What the customer paid and got back, of all orders or of those changed since a time.
    pub async fn payments(
        &self,
        call: Call<'_>,
        customer: &Gid,
        changed_since: Option<Timestamp>,
    ) -> Result<CustomerPayments, AdminError> {
        let query = changed_since.map(|since| format!("updated_at:>='{since}'"));
        let (mut orders, mut after) = (Vec::new(), None::<String>);
        loop {
            let variables = json!({"id": customer, "query": query, "first": ORDERS, "after": after});
            let data = self.execute(call, PAYMENTS, variables).await?;
            let Some(found) = data.read::<Found<Paid>>()?.customer else {
                return Ok(CustomerPayments { orders, complete: true });
            };
            let paid = found.orders.nodes.into_iter().filter(|order| !order.test);
            orders.extend(paid.map(|order| PaidOrder {
                order: order.id,
                name: order.name,
                at: order.processed_at,
                cancelled_at: order.cancelled_at,
                movements: order.transactions.iter().filter_map(Transaction::movement).collect(),
            }));
            after = found.orders.page_info.next();
            if after.is_none() || orders.len() >= MOST_ORDERS {
                return Ok(CustomerPayments { orders, complete: after.is_none() });
            }
        }
    }
}
