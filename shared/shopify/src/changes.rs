//! What changed in a shop since a moment: the look-back of reconciliation.
//!
//! Says of each resource only what tells which event must have happened, and when. Lists inside an order are
//! cut at a few entries each; what lies beyond is left to its events.

use crate::{AdminApi, AdminError, Call, admin::Operation};
use comms::Gid;
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

const CHANGED_ORDERS: Operation =
    Operation { name: "ChangedOrders", text: include_str!("../graphql/changed_orders.graphql") };
const RECENT_DISPUTES: Operation =
    Operation { name: "RecentDisputes", text: include_str!("../graphql/recent_disputes.graphql") };

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
    pub cancelled_at: Option<Timestamp>,
    /// In upper case, such as `PAID`.
    pub display_financial_status: Option<String>,
    pub fulfillments: Vec<ChangedFulfillment>,
    pub returns: Nodes<ChangedReturn>,
    pub refunds: Vec<ChangedRefund>,
    pub transactions: Vec<ChangedTransaction>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedFulfillment {
    pub id: Gid,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub delivered_at: Option<Timestamp>,
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
    pub order: Option<OrderId>,
}

#[derive(Debug, Deserialize)]
pub struct OrderId {
    pub id: Gid,
}

#[derive(Debug, Deserialize)]
pub struct Nodes<T> {
    pub nodes: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connection<T> {
    page_info: PageInfo,
    nodes: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl<T> From<Connection<T>> for Page<T> {
    fn from(Connection { page_info, nodes }: Connection<T>) -> Self {
        Self { items: nodes, next: page_info.end_cursor.filter(|_| page_info.has_next_page) }
    }
}

impl AdminApi {
    /// Orders that were updated since a moment, the longest unchanged first.
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
        struct Answer<T> {
            orders: Connection<T>,
        }
        let answer: Answer<_> =
            self.page(call, CHANGED_ORDERS, format!("updated_at:>='{since}'"), after).await?;
        Ok(answer.orders.into())
    }

    /// Disputes that were opened since a moment.
    pub async fn recent_disputes(
        &self,
        call: Call<'_>,
        since: Timestamp,
        after: Option<&str>,
    ) -> Result<Page<RecentDispute>, AdminError> {
        #[derive(Deserialize)]
        struct Answer<T> {
            disputes: Connection<T>,
        }
        let search = format!("initiated_at:>='{since}'");
        let answer: Answer<_> = self.page(call, RECENT_DISPUTES, search, after).await?;
        Ok(answer.disputes.into())
    }

    async fn page<T: DeserializeOwned>(
        &self,
        call: Call<'_>,
        operation: Operation,
        search: String,
        after: Option<&str>,
    ) -> Result<T, AdminError> {
        let data = self.execute(call, operation, json!({"search": search, "after": after})).await?;
        data.read()
    }
}
