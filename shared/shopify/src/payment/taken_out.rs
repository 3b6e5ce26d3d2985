//! What refunds and edits took out of an order, as the answer to `graphql/order_cancellation.graphql` and
//! `graphql/refund_lines.graphql`. Lines come in pages; all of them are read.

use super::answer::{Id, read};
use crate::{
    AdminApi, AdminError, Call, Malformed, MoneyBag,
    admin::Operation,
    connection::Page,
    decode::{decode, list},
};
use comms::Gid;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

const LINES: Operation =
    Operation { name: "RefundLines", text: include_str!("../../graphql/refund_lines.graphql") };

/// What a refund takes out of an order. An edit does so by a refund without money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenOut {
    pub id: Gid,
    pub at: Timestamp,
    pub lines: Vec<LineTakenOut>,
    /// After discounts. With tax, if the order's prices include it.
    pub shipping: Vec<PartTakenOut>,
    pub duties: Vec<MoneyBag>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineTakenOut {
    pub line: Gid,
    pub quantity: u64,
    pub part: PartTakenOut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartTakenOut {
    /// After discounts. With tax, if the order's prices include it.
    pub amount: MoneyBag,
    pub tax: MoneyBag,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wire {
    id: Gid,
    created_at: Option<Timestamp>,
    processed_at: Timestamp,
    refund_line_items: Page<Line>,
    refund_shipping_lines: ShippingPage,
    #[serde(default, deserialize_with = "list")]
    duties: Vec<Duty>,
}

#[derive(Deserialize)]
struct ShippingPage {
    nodes: Vec<Shipping>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    quantity: u64,
    subtotal_set: MoneyBag,
    total_tax_set: MoneyBag,
    line_item: Id,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shipping {
    subtotal_amount_set: MoneyBag,
    tax_amount_set: MoneyBag,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Duty {
    amount_set: MoneyBag,
}

impl Wire {
    /// Where its lines continue.
    pub fn next(&self) -> Option<String> {
        self.refund_line_items.page_info.next()
    }

    pub fn read(self) -> TakenOut {
        let shipping = self.refund_shipping_lines.nodes.into_iter();
        TakenOut {
            id: self.id,
            // one that was imported was processed long before it was made
            at: self.created_at.unwrap_or(self.processed_at).min(self.processed_at),
            lines: self.refund_line_items.nodes.into_iter().map(Line::read).collect(),
            shipping: shipping
                .map(|it| PartTakenOut { amount: it.subtotal_amount_set, tax: it.tax_amount_set })
                .collect(),
            duties: self.duties.into_iter().map(|it| it.amount_set).collect(),
        }
    }
}

impl Line {
    fn read(self) -> LineTakenOut {
        LineTakenOut {
            line: self.line_item.id,
            quantity: self.quantity,
            part: PartTakenOut { amount: self.subtotal_set, tax: self.total_tax_set },
        }
    }
}

impl AdminApi {
    pub(super) async fn lines_taken_out(
        &self,
        call: Call<'_>,
        refund: &Gid,
        after: String,
    ) -> Result<Vec<LineTakenOut>, AdminError> {
        let (mut lines, mut next) = (Vec::new(), Some(after));
        while let Some(after) = next {
            let data = self.execute(call, LINES, json!({"id": refund, "after": after})).await?;
            let Some(page) = read(&data, from_graphql)? else { break };
            next = page.page_info.next();
            lines.extend(page.nodes.into_iter().map(Line::read));
        }
        Ok(lines)
    }
}

fn from_graphql(data: &str) -> Result<Option<Page<Line>>, Malformed> {
    #[derive(Deserialize)]
    struct Answer {
        refund: Option<Refund>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Refund {
        refund_line_items: Page<Line>,
    }
    Ok(decode::<Answer>(data)?.refund.map(|refund| refund.refund_line_items))
}
