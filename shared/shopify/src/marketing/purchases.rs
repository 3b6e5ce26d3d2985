//! What a customer bought: what of it was paid, and what arrived.

use super::page::Found;
use crate::{
    AdminApi, AdminError, Call,
    admin::Operation,
    connection::Page,
    decode::{list, text},
    order::Price,
};
use comms::{Gid, Money};
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{collections::HashMap, fmt};

/// Orders per page; with their lines, a query stays far from the cost a single one may have.
pub(crate) const ORDERS: u32 = 25;
pub(crate) const LINES: u32 = 100;
/// Lines per page of an order that has more: the largest number Shopify gives.
pub(crate) const MORE_LINES: u32 = 250;
/// The most orders of one customer that are read.
const MOST_ORDERS: usize = 5000;
/// More pages of lines than any order has.
const LINE_PAGES: u32 = 50;

const PURCHASES: Operation =
    Operation { name: "CustomerPurchases", text: include_str!("../../graphql/customer_purchases.graphql") };
const PURCHASE_LINES: Operation =
    Operation { name: "PurchaseLines", text: include_str!("../../graphql/purchase_lines.graphql") };
const PRODUCTS: Operation =
    Operation { name: "LineProducts", text: include_str!("../../graphql/line_products.graphql") };
const PRICES: Operation =
    Operation { name: "VariantPrices", text: include_str!("../../graphql/variant_prices.graphql") };

/// An order as a purchase: what of it the customer still has.
#[derive(Clone, PartialEq, Eq)]
pub struct Purchase {
    pub order: Gid,
    pub name: String,
    pub at: Timestamp,
    pub cancelled_at: Option<Timestamp>,
    /// Whether all of it was paid, and not all of that paid back.
    pub paid: bool,
    pub lines: Vec<BoughtLine>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct BoughtLine {
    pub id: Gid,
    pub title: String,
    pub sku: Option<String>,
    /// Less what was removed or returned.
    pub quantity: u64,
    /// How many of these were sent, handed over or need no sending; none if the carrier says that a parcel of the
    /// order did not arrive.
    pub delivered: u64,
}

impl fmt::Debug for Purchase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Purchase").field("order", &self.order).field("at", &self.at).finish_non_exhaustive()
    }
}

/// Where the product of a line is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineProduct {
    pub variant: Option<Gid>,
    /// The page in the online store. `None` for what is not published there.
    pub url: Option<String>,
    pub image_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bought {
    id: Gid,
    name: String,
    processed_at: Timestamp,
    cancelled_at: Option<Timestamp>,
    test: bool,
    unpaid: bool,
    display_financial_status: Option<String>,
    display_fulfillment_status: String,
    #[serde(default, deserialize_with = "list")]
    fulfillments: Vec<Parcel>,
    line_items: Page<Line>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parcel {
    display_status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    id: Gid,
    title: String,
    #[serde(default, deserialize_with = "text")]
    sku: Option<String>,
    current_quantity: u64,
    unfulfilled_quantity: Option<u64>,
}

/// How much of an order arrived.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Delivery {
    All,
    /// The lines say which.
    Part,
    None,
}

impl Line {
    fn bought(self, delivery: Delivery) -> BoughtLine {
        let delivered = match delivery {
            Delivery::All => self.current_quantity,
            Delivery::Part => {
                let waits = self.unfulfilled_quantity.unwrap_or(self.current_quantity);
                self.current_quantity.saturating_sub(waits)
            }
            Delivery::None => 0,
        };
        BoughtLine {
            id: self.id,
            title: self.title,
            sku: self.sku,
            quantity: self.current_quantity,
            delivered,
        }
    }
}

impl Bought {
    /// A state that this version does not know is not taken for payment.
    fn is_paid(&self) -> bool {
        match self.display_financial_status.as_deref() {
            Some(status) => matches!(status, "PAID" | "PARTIALLY_REFUNDED"),
            None => !self.unpaid,
        }
    }

    fn delivery(&self) -> Delivery {
        let state = |parcel: &Parcel, states: &[&str]| {
            parcel.display_status.as_deref().is_some_and(|status| states.contains(&status))
        };
        let lost = ["NOT_DELIVERED", "FAILURE", "ATTEMPTED_DELIVERY"];
        match self.display_fulfillment_status.as_str() {
            _ if self.fulfillments.iter().any(|parcel| state(parcel, &lost)) => Delivery::None,
            "FULFILLED" | "FULFILLMENT_NOT_REQUIRED" => Delivery::All,
            "PARTIALLY_FULFILLED" => Delivery::Part,
            _ => Delivery::None,
        }
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
        let (delivery, paid) = (order.delivery(), order.is_paid());
        let Page { page_info, nodes } = order.line_items;
        let in_part = delivery == Delivery::Part;
        // of an order that was sent in part, all lines are read again, with what of each still waits
        let (mut lines, mut more) = if in_part { (vec![], true) } else { (nodes, false) };
        let mut after = if in_part { None } else { page_info.next() };
        more |= after.is_some();
        for _ in 0..LINE_PAGES {
            if !more {
                break;
            }
            let (next_lines, next) = self.lines(call, &order.id, after.as_deref(), in_part).await?;
            lines.extend(next_lines);
            more = next.is_some();
            after = next;
        }
        Ok(Purchase {
            order: order.id,
            name: order.name,
            at: order.processed_at,
            cancelled_at: order.cancelled_at,
            paid,
            lines: lines.into_iter().map(|line| line.bought(delivery)).collect(),
        })
    }

    async fn lines(
        &self,
        call: Call<'_>,
        order: &Gid,
        after: Option<&str>,
        unfulfilled: bool,
    ) -> Result<(Vec<Line>, Option<String>), AdminError> {
        #[derive(Deserialize)]
        struct Answer {
            order: Option<Order>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Order {
            line_items: Page<Line>,
        }
        let variables = json!({"id": order, "first": MORE_LINES, "after": after, "unfulfilled": unfulfilled});
        let data = self.execute(call, PURCHASE_LINES, variables).await?;
        let order = data.read::<Answer>()?.order.ok_or(AdminError::Changed)?;
        Ok((order.line_items.nodes, order.line_items.page_info.next()))
    }

    /// The products of lines, by line. Needs the scope `read_products`.
    pub async fn line_products(
        &self,
        call: Call<'_>,
        lines: &[Gid],
    ) -> Result<HashMap<Gid, LineProduct>, AdminError> {
        #[derive(Deserialize)]
        struct Line {
            id: Gid,
            image: Option<Image>,
            variant: Option<Variant>,
            product: Option<Product>,
        }
        #[derive(Deserialize)]
        struct Image {
            url: String,
        }
        #[derive(Deserialize)]
        struct Variant {
            id: Gid,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Product {
            online_store_url: Option<String>,
        }
        let product = |line: Line| {
            let variant = line.variant.map(|variant| variant.id);
            let url = line.product.and_then(|product| product.online_store_url);
            (line.id, LineProduct { variant, url, image_url: line.image.map(|image| image.url) })
        };
        let found = self.nodes::<Line>(call, PRODUCTS, json!({"lines": lines})).await?;
        Ok(found.into_iter().map(product).collect())
    }

    /// What variants cost today in a country, or in the shop's own market. Needs the scope `read_products`.
    pub async fn variant_prices(
        &self,
        call: Call<'_>,
        variants: &[Gid],
        country: Option<&str>,
    ) -> Result<HashMap<Gid, Money>, AdminError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Variant {
            id: Gid,
            contextual_pricing: Pricing,
        }
        #[derive(Deserialize)]
        struct Pricing {
            price: Price,
        }
        let variables = json!({"variants": variants, "country": country});
        let found = self.nodes::<Variant>(call, PRICES, variables).await?;
        Ok(found.into_iter().map(|it| (it.id, it.contextual_pricing.price.into())).collect())
    }

    /// The nodes that Shopify has.
    async fn nodes<T: DeserializeOwned>(
        &self,
        call: Call<'_>,
        operation: Operation,
        variables: Value,
    ) -> Result<Vec<T>, AdminError> {
        #[derive(Deserialize)]
        struct Answer<T> {
            nodes: Vec<Option<T>>,
        }
        let data = self.execute(call, operation, variables).await?;
        Ok(data.read::<Answer<T>>()?.nodes.into_iter().flatten().collect())
    }
}
