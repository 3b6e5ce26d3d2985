//! What changed in a shop since a moment: the look-back of reconciliation.
//!
//! Says of each resource only what tells which event must have happened, and when. An order comes with all of
//! its shipments, returns, refunds and payments: one whose lists are longer than the page of orders shows is
//! asked for by itself. What cannot be read, an order or a row of one of its lists, is named and costs nothing that
//! stands beside it; where a page as a whole cannot be had, its orders are asked for one by one.

use crate::{
    AdminApi, AdminError, Call,
    admin::Operation,
    connection::PageInfo,
    dispute::Summary,
    rows::{Rows, Unread},
};
use comms::Gid;
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

const CHANGED_ORDERS: Operation =
    Operation { name: "ChangedOrders", text: include_str!("../graphql/changed_orders.graphql") };
const CHANGED_ORDER: Operation =
    Operation { name: "ChangedOrder", text: include_str!("../graphql/changed_order.graphql") };
const CHANGED_ORDER_IDS: Operation =
    Operation { name: "ChangedOrderIds", text: include_str!("../graphql/changed_order_ids.graphql") };
const RECENT_DISPUTES: Operation =
    Operation { name: "RecentDisputes", text: include_str!("../graphql/recent_disputes.graphql") };
const RECENT_DISPUTE_IDS: Operation =
    Operation { name: "RecentDisputeIds", text: include_str!("../graphql/recent_dispute_ids.graphql") };

/// Entries that a page of orders shows of each list inside an order. The cost of a query does not follow a plain
/// list's size, and hardly that of a connection: it bounds the answer, which holds ten orders.
pub(crate) const LIST: usize = 50;

/// Disputes per page.
pub(crate) const DISPUTES: u32 = 250;

/// More pages of returns than any order has.
const PAGES: u32 = 40;

/// A page of a list, and where the next begins.
#[derive(Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub problems: Vec<Problem>,
    pub next: Option<String>,
}

/// What of a page is not in it.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// An order, a dispute, or a row of one of an order's lists.
    #[error("{0}")]
    Unread(Unread),
    /// An order or a dispute. What is known of it is in the page, if anything is.
    #[error("{id}")]
    Whole { id: Gid, source: AdminError },
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
    pub fulfillments: Rows<ChangedFulfillment>,
    pub returns: Connection<ChangedReturn>,
    pub refunds: Rows<ChangedRefund>,
    pub transactions: Rows<ChangedTransaction>,
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
#[serde(rename_all = "camelCase", bound(deserialize = "T: DeserializeOwned"))]
pub struct Connection<T> {
    page_info: PageInfo,
    pub nodes: Rows<T>,
}

/// Which one there is.
#[derive(Debug, Deserialize)]
struct Named {
    id: Gid,
}

impl<T> From<Connection<T>> for Page<T> {
    fn from(connection: Connection<T>) -> Self {
        let next = connection.page_info.next();
        let problems = connection.nodes.unread.into_iter().map(Problem::Unread).collect();
        Self { items: connection.nodes.read, problems, next }
    }
}

impl Page<ChangedOrder> {
    /// Adds an order, and the rows of its lists that cannot be read as problems.
    fn add(&mut self, mut order: ChangedOrder) {
        self.problems.extend(order.take_unread());
        self.items.push(order);
    }
}

impl ChangedOrder {
    /// Whether it may have more than a page of orders shows of it.
    fn is_cut(&self) -> bool {
        let longest = self.fulfillments.len().max(self.refunds.len()).max(self.transactions.len());
        longest >= LIST || self.returns.page_info.has_next_page
    }

    /// The rows of its lists that cannot be read, which are then no longer in it.
    fn take_unread(&mut self) -> impl Iterator<Item = Problem> {
        let lists = [
            std::mem::take(&mut self.fulfillments.unread),
            std::mem::take(&mut self.returns.nodes.unread),
            std::mem::take(&mut self.refunds.unread),
            std::mem::take(&mut self.transactions.unread),
        ];
        lists.into_iter().flatten().map(Problem::Unread)
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
    /// [`AdminError`], where it is the shop's and not one order's; also when Shopify ignored the search term, which
    /// would mean all orders there are.
    pub async fn changed_orders(
        &self,
        call: Call<'_>,
        since: Timestamp,
        after: Option<&str>,
    ) -> Result<Page<ChangedOrder>, AdminError> {
        let search = format!("updated_at:>='{since}'");
        let found = match self.orders_page(call, &search, after).await {
            Err(error) if error.may_be_of_one() => return self.orders_one_by_one(call, &search, after).await,
            found => found?,
        };
        let mut page = Page { items: Vec::with_capacity(found.items.len()), ..found };
        for order in found.items {
            match order.is_cut() {
                true => self.add_order(call, &order.id, &mut page).await?,
                false => page.add(order),
            }
        }
        Ok(page)
    }

    async fn orders_page(
        &self,
        call: Call<'_>,
        search: &str,
        after: Option<&str>,
    ) -> Result<Page<ChangedOrder>, AdminError> {
        #[derive(Deserialize)]
        struct Answer {
            orders: Connection<ChangedOrder>,
        }
        let variables = json!({"search": search, "list": LIST, "after": after});
        let Answer { orders } = self.execute(call, CHANGED_ORDERS, variables).await?.read()?;
        Ok(orders.into())
    }

    /// A page that Shopify does not answer, or not in a form that can be read, because of one of its orders.
    async fn orders_one_by_one(
        &self,
        call: Call<'_>,
        search: &str,
        after: Option<&str>,
    ) -> Result<Page<ChangedOrder>, AdminError> {
        #[derive(Deserialize)]
        struct Answer {
            orders: Connection<Named>,
        }
        let variables = json!({"search": search, "after": after});
        let Answer { orders } = self.execute(call, CHANGED_ORDER_IDS, variables).await?.read()?;
        let named: Page<Named> = orders.into();
        let mut page = Page { items: Vec::new(), problems: named.problems, next: named.next };
        for Named { id } in named.items {
            self.add_order(call, &id, &mut page).await?;
        }
        Ok(page)
    }

    /// Adds one order, or the problem with it. One that is gone by now has nothing left to tell.
    ///
    /// # Errors
    /// Those that are not this order's.
    async fn add_order(
        &self,
        call: Call<'_>,
        id: &Gid,
        page: &mut Page<ChangedOrder>,
    ) -> Result<(), AdminError> {
        let mut whole: Option<ChangedOrder> = None;
        let mut after = None;
        for _ in 0..PAGES {
            let order = match self.order_page(call, id, after.as_deref()).await {
                Err(source) if source.may_be_of_one() => {
                    page.problems.push(Problem::Whole { id: id.clone(), source });
                    break;
                }
                order => order?,
            };
            let Some(mut order) = order else { return Ok(()) };
            if let Some(earlier) = whole {
                order.returns.nodes.follow(earlier.returns.nodes);
            }
            after = order.returns.page_info.next();
            whole = Some(order);
            if after.is_none() {
                break;
            }
        }
        if let Some(order) = whole {
            page.add(order);
        }
        Ok(())
    }

    async fn order_page(
        &self,
        call: Call<'_>,
        id: &Gid,
        after: Option<&str>,
    ) -> Result<Option<ChangedOrder>, AdminError> {
        #[derive(Deserialize)]
        struct Answer {
            order: Option<ChangedOrder>,
        }
        let variables = json!({"id": id, "after": after});
        Ok(self.execute(call, CHANGED_ORDER, variables).await?.read::<Answer>()?.order)
    }

    /// Disputes that were opened since a moment.
    ///
    /// # Errors
    /// [`AdminError`], where it is the shop's and not one dispute's.
    pub async fn recent_disputes(
        &self,
        call: Call<'_>,
        since: Timestamp,
        after: Option<&str>,
    ) -> Result<Page<RecentDispute>, AdminError> {
        let search = format!("initiated_at:>='{since}'");
        match self.disputes_page(call, &search, DISPUTES, after).await {
            Err(error) if error.may_be_of_one() => self.disputes_one_by_one(call, &search, after).await,
            page => page,
        }
    }

    async fn disputes_page(
        &self,
        call: Call<'_>,
        search: &str,
        first: u32,
        after: Option<&str>,
    ) -> Result<Page<RecentDispute>, AdminError> {
        #[derive(Deserialize)]
        struct Answer {
            disputes: Connection<RecentDispute>,
        }
        let variables = json!({"search": search, "first": first, "after": after});
        let Answer { disputes } = self.execute(call, RECENT_DISPUTES, variables).await?.read()?;
        Ok(disputes.into())
    }

    async fn disputes_one_by_one(
        &self,
        call: Call<'_>,
        search: &str,
        after: Option<&str>,
    ) -> Result<Page<RecentDispute>, AdminError> {
        #[derive(Deserialize)]
        struct Answer {
            disputes: Edges,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Edges {
            page_info: PageInfo,
            edges: Vec<Edge>,
        }
        #[derive(Deserialize)]
        struct Edge {
            cursor: String,
            node: Named,
        }
        let variables = json!({"search": search, "after": after});
        let Answer { disputes } = self.execute(call, RECENT_DISPUTE_IDS, variables).await?.read()?;
        let mut page = Page { items: Vec::new(), problems: Vec::new(), next: disputes.page_info.next() };
        let mut before = after.map(str::to_owned);
        for Edge { cursor, node } in disputes.edges {
            match self.disputes_page(call, search, 1, before.as_deref()).await {
                Ok(one) => {
                    page.items.extend(one.items);
                    page.problems.extend(one.problems);
                }
                Err(source) if source.may_be_of_one() => {
                    page.problems.push(Problem::Whole { id: node.id, source });
                }
                Err(error) => return Err(error),
            }
            before = Some(cursor);
        }
        Ok(page)
    }
}
