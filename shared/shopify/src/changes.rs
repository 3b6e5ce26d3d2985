//! What changed in a shop since a moment: the look-back of reconciliation.
//!
//! Says of each resource only what tells which event must have happened, and when. An order comes with all of
//! its shipments, returns, refunds and payments: one whose lists are longer than the page of orders shows is
//! asked for by itself.

use crate::{AdminApi, AdminError, Call, admin::Operation, dispute::Summary};
use comms::Gid;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

const CHANGED_ORDERS: Operation =
    Operation { name: "ChangedOrders", text: include_str!("../graphql/changed_orders.graphql") };
const CHANGED_ORDER: Operation =
    Operation { name: "ChangedOrder", text: include_str!("../graphql/changed_order.graphql") };
const RECENT_DISPUTES: Operation =
    Operation { name: "RecentDisputes", text: include_str!("../graphql/recent_disputes.graphql") };

/// Entries that a page of orders shows of each list inside an order. The cost of a query does not follow a plain
/// list's size, and hardly that of a connection: it bounds the answer, which holds ten orders.
const LIST: usize = 50;

/// A page of a list, and where the next begins.
#[derive(Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedOrder {
    pub id: Gid,
    pub created_at: Timestamp,
    /// When anything about it changed last.
    pub updated_at: Timestamp,
    pub cancelled_at: Option<Timestamp>,
    /// In upper case, such as `PAID`.
    pub display_financial_status: Option<String>,
    pub fulfillments: Vec<ChangedFulfillment>,
    pub returns: Connection<ChangedReturn>,
    pub refunds: Vec<ChangedRefund>,
    pub transactions: Vec<ChangedTransaction>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedFulfillment {
    pub id: Gid,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Such as `SUCCESS` or `CANCELLED`.
    pub status: String,
    /// Such as `IN_TRANSIT` or `DELIVERED`.
    pub display_status: Option<String>,
    pub tracking_info: Vec<Tracking>,
}

#[derive(Debug, Deserialize)]
pub struct Tracking {
    pub company: Option<String>,
    pub number: Option<String>,
    pub url: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedReturn {
    pub id: Gid,
    pub created_at: Timestamp,
    pub request_approved_at: Option<Timestamp>,
    /// Such as `REQUESTED`, `OPEN` or `DECLINED`.
    pub status: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedRefund {
    pub id: Gid,
    pub created_at: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedTransaction {
    pub id: Gid,
    /// Such as `SALE`, `CAPTURE` or `REFUND`.
    pub kind: String,
    /// Such as `SUCCESS` or `FAILURE`.
    pub status: String,
    pub created_at: Option<Timestamp>,
    pub processed_at: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecentDispute {
    pub id: Gid,
    /// `CHARGEBACK` or `INQUIRY`.
    pub r#type: String,
    /// Such as `NEEDS_RESPONSE` or `WON`.
    pub status: String,
    pub initiated_at: Timestamp,
    pub finalized_on: Option<Timestamp>,
    pub order: Option<DisputedOrder>,
}

#[derive(Debug, Deserialize)]
pub struct DisputedOrder {
    pub id: Gid,
    /// All disputes about it.
    pub disputes: Vec<Summary>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection<T> {
    page_info: PageInfo,
    pub nodes: Vec<T>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl<T> Connection<T> {
    /// Where the next page begins, if there is one.
    fn next(&self) -> Option<String> {
        self.page_info.end_cursor.clone().filter(|_| self.page_info.has_next_page)
    }
}

impl<T> From<Connection<T>> for Page<T> {
    fn from(connection: Connection<T>) -> Self {
        Self { next: connection.next(), items: connection.nodes }
    }
}

impl ChangedOrder {
    /// Whether it may have more than a page of orders shows of it.
    fn is_cut(&self) -> bool {
        let longest = self.fulfillments.len().max(self.refunds.len()).max(self.transactions.len());
        longest >= LIST || self.returns.page_info.has_next_page
    }
}

impl RecentDispute {
    /// Whether it is of another kind than it began as, which Shopify tells through the order alone.
    pub fn is_escalated(&self) -> bool {
        let began_as = self.order.as_ref().and_then(|order| Summary::began_as(&order.disputes, &self.id));
        began_as.is_some_and(|began_as| !began_as.eq_ignore_ascii_case(&self.r#type))
    }
}

impl AdminApi {
    /// Orders that were updated since a moment, the longest unchanged first, with all that is in their lists.
    ///
    /// # Errors
    /// [`AdminError`]; also when Shopify ignored the search term, which would mean all orders there are.
    pub async fn changed_orders(
        &self,
        call: Call<'_>,
        since: Timestamp,
        after: Option<&str>,
    ) -> Result<Page<ChangedOrder>, AdminError> {
        #[derive(Deserialize)]
        struct Answer {
            orders: Connection<ChangedOrder>,
        }
        let search = format!("updated_at:>='{since}'");
        let variables = json!({"search": search, "list": LIST, "after": after});
        let Answer { orders } = self.execute(call, CHANGED_ORDERS, variables).await?.read()?;
        let mut page = Page { next: orders.next(), items: Vec::with_capacity(orders.nodes.len()) };
        for order in orders.nodes {
            match order.is_cut() {
                // one that is gone by now has nothing left to tell
                true => page.items.extend(self.changed_order(call, &order.id).await?),
                false => page.items.push(order),
            }
        }
        Ok(page)
    }

    async fn changed_order(&self, call: Call<'_>, id: &Gid) -> Result<Option<ChangedOrder>, AdminError> {
        #[derive(Deserialize)]
        struct Answer {
            order: Option<ChangedOrder>,
        }
        let mut whole: Option<ChangedOrder> = None;
        let mut after = None;
        loop {
            let variables = json!({"id": id, "after": after});
            let Answer { order } = self.execute(call, CHANGED_ORDER, variables).await?.read()?;
            let Some(mut order) = order else { return Ok(None) };
            if let Some(earlier) = whole {
                order.returns.nodes.splice(..0, earlier.returns.nodes);
            }
            after = order.returns.next();
            if after.is_none() {
                return Ok(Some(order));
            }
            whole = Some(order);
        }
    }

    /// Disputes that were opened since a moment.
    pub async fn recent_disputes(
        &self,
        call: Call<'_>,
        since: Timestamp,
        after: Option<&str>,
    ) -> Result<Page<RecentDispute>, AdminError> {
        #[derive(Deserialize)]
        struct Answer {
            disputes: Connection<RecentDispute>,
        }
        let variables = json!({"search": format!("initiated_at:>='{since}'"), "after": after});
        let Answer { disputes } = self.execute(call, RECENT_DISPUTES, variables).await?.read()?;
        Ok(disputes.into())
    }
}
