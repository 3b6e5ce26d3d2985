//! What a customer paid and got back.

use super::page::Found;
use crate::{
    AdminApi, AdminError, Call, MoneyBag,
    admin::Operation,
    connection::{Nodes, Page},
    decode::{list, text},
    order::Price,
};
use comms::{Gid, Money};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;

/// Orders per page; with their transactions and lines, a query stays far from the cost a single one may have.
pub(crate) const ORDERS: u32 = 25;
/// The most orders of one customer that are read.
const MOST_ORDERS: usize = 5000;

const PAYMENTS: Operation =
    Operation { name: "CustomerPayments", text: include_str!("../../graphql/customer_payments.graphql") };
const SINCE: Operation =
    Operation { name: "CustomerSince", text: include_str!("../../graphql/customer_since.graphql") };

/// The money of a customer's orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerPayments {
    /// Oldest first, without tests.
    pub orders: Vec<PaidOrder>,
    /// Whether that is all of them. False for a customer with thousands of orders, and where an order has more
    /// lines than are read.
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
    /// What the total consists of, if it was asked for.
    pub parts: Option<OrderParts>,
}

/// Amounts in the shop's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OrderParts {
    pub total: Decimal,
    /// All tax, that of shipping included.
    pub tax: Decimal,
    /// With its tax.
    pub shipping: Decimal,
    pub shipping_tax: Decimal,
    /// Zero, unless gift cards were asked for.
    pub gift_cards: Decimal,
}

/// Which parts of orders are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parts {
    pub amounts: bool,
    /// Comes with the amounts.
    pub gift_cards: bool,
}

/// Money that moved, in the shop's currency. Negative: back to the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoneyMovement {
    pub at: Timestamp,
    pub amount: Money,
    pub method: Method,
}

/// What was paid with, as far as it matters to points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    GiftCard,
    StoreCredit,
    Other,
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
    total_price_set: Option<ShopMoney>,
    total_tax_set: Option<ShopMoney>,
    taxes_included: Option<bool>,
    shipping_lines: Option<Nodes<ShippingLine>>,
    line_items: Option<Page<Line>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Transaction {
    kind: String,
    status: String,
    test: bool,
    #[serde(default, deserialize_with = "text")]
    gateway: Option<String>,
    created_at: Timestamp,
    processed_at: Option<Timestamp>,
    amount_set: MoneyBag,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShopMoney {
    shop_money: Price,
}

impl ShopMoney {
    fn amount(self) -> Decimal {
        Money::from(self.shop_money).amount()
    }
}

/// What is too large for a decimal stays at the largest; points of it cannot be counted anyway.
fn sum(amounts: impl Iterator<Item = ShopMoney>) -> Decimal {
    amounts.fold(Decimal::ZERO, |sum, amount| sum.saturating_add(amount.amount()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShippingLine {
    discounted_price_set: ShopMoney,
    #[serde(default, deserialize_with = "list")]
    tax_lines: Vec<TaxLine>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TaxLine {
    price_set: ShopMoney,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    is_gift_card: bool,
    discounted_total_set: ShopMoney,
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
        let method = match self.gateway.as_deref() {
            Some("gift_card") => Method::GiftCard,
            Some("shopify_store_credit" | "store_credit") => Method::StoreCredit,
            _ => Method::Other,
        };
        Some(MoneyMovement { at: self.processed_at.unwrap_or(self.created_at), amount, method })
    }
}

impl Paid {
    /// The order, and whether all of it was read.
    fn read(self) -> (PaidOrder, bool) {
        let total = self.total_price_set.map(ShopMoney::amount);
        let tax = self.total_tax_set.map(ShopMoney::amount).unwrap_or_default();
        let included = self.taxes_included.unwrap_or_default();
        let (mut shipping, mut shipping_tax) = (Decimal::ZERO, Decimal::ZERO);
        for line in self.shipping_lines.into_iter().flat_map(|lines| lines.nodes) {
            let taxes = sum(line.tax_lines.into_iter().map(|tax| tax.price_set));
            shipping_tax = shipping_tax.saturating_add(taxes);
            shipping = shipping.saturating_add(line.discounted_price_set.amount());
            if !included {
                shipping = shipping.saturating_add(taxes);
            }
        }
        let (mut gift_cards, mut complete) = (Decimal::ZERO, true);
        if let Some(lines) = self.line_items {
            complete = lines.page_info.next().is_none();
            let cards = lines.nodes.into_iter().filter(|line| line.is_gift_card);
            gift_cards = sum(cards.map(|line| line.discounted_total_set));
        }
        let order = PaidOrder {
            order: self.id,
            name: self.name,
            at: self.processed_at,
            cancelled_at: self.cancelled_at,
            movements: self.transactions.iter().filter_map(Transaction::movement).collect(),
            parts: total.map(|total| OrderParts { total, tax, shipping, shipping_tax, gift_cards }),
        };
        (order, complete)
    }
}

impl AdminApi {
    /// What the customer paid and got back, of all orders or of those changed since a time.
    pub async fn payments(
        &self,
        call: Call<'_>,
        customer: &Gid,
        changed_since: Option<Timestamp>,
        parts: Parts,
    ) -> Result<CustomerPayments, AdminError> {
        let query = changed_since.map(|since| format!("updated_at:>='{since}'"));
        let (mut orders, mut complete, mut after) = (Vec::new(), true, None::<String>);
        loop {
            let variables = json!({
                "id": customer, "query": query, "first": ORDERS, "after": after,
                "parts": parts.amounts || parts.gift_cards, "giftCards": parts.gift_cards,
            });
            let data = self.execute(call, PAYMENTS, variables).await?;
            let Some(found) = data.read::<Found<Paid>>()?.customer else {
                return Ok(CustomerPayments { orders, complete });
            };
            for paid in found.orders.nodes.into_iter().filter(|order| !order.test) {
                let (order, whole) = paid.read();
                orders.push(order);
                complete &= whole;
            }
            after = found.orders.page_info.next();
            if after.is_none() || orders.len() >= MOST_ORDERS {
                return Ok(CustomerPayments { orders, complete: complete && after.is_none() });
            }
        }
    }

    /// Since when Shopify knows a customer. `None` if it has no such customer.
    pub async fn customer_since(
        &self,
        call: Call<'_>,
        customer: &Gid,
    ) -> Result<Option<Timestamp>, AdminError> {
        #[derive(Deserialize)]
        struct Answer {
            customer: Option<Since>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Since {
            created_at: Timestamp,
        }
        let data = self.execute(call, SINCE, json!({"id": customer})).await?;
        Ok(data.read::<Answer>()?.customer.map(|customer| customer.created_at))
    }
}
