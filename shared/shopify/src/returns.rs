//! Returns and refunds.
//!
//! Owns what a return and a refund are to a document, and the queries that fetch them whole: what an event
//! carries of either is incomplete, and is read only for the ids in it. Promises every line, however many;
//! one that changes while its pages are read is an error, not a mixture. A return has no metafield and no
//! tags in Shopify's API, which is why reports about it go to its order.

mod page;
mod refund;
mod request;

#[cfg(test)]
pub(crate) use page::{LINES, REFUND_LINES};
pub use refund::{
    Adjustment, AdjustmentReason, Refund, RefundLine, RefundShipping, Transaction, TransactionKind,
    TransactionStatus,
};
pub use request::{
    Decline, ExchangeLine, Label, RefundOf, RestockingFee, Return, ReturnLabels, ReturnLine, ReturnStatus,
};

use crate::{
    AdminApi, AdminError, Call, Malformed,
    admin::{Data, Operation},
    connection::{self, Nodes},
    decode::decode,
};
use comms::Gid;
use page::Id;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

const RETURN: Operation =
    Operation { name: "ReturnForDocuments", text: include_str!("../graphql/return_for_documents.graphql") };
const LABELS: Operation =
    Operation { name: "ReturnLabels", text: include_str!("../graphql/return_labels.graphql") };
const REFUND: Operation =
    Operation { name: "RefundForDocuments", text: include_str!("../graphql/refund_for_documents.graphql") };
const REFUNDS_OF: Operation = Operation {
    name: "RefundsOfTransaction",
    text: include_str!("../graphql/refunds_of_transaction.graphql"),
};

/// The ids in an event about a return, a refund, a transaction or a reverse delivery. Which of them there
/// are depends on the topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ids {
    pub order: Option<Gid>,
    pub r#return: Option<Gid>,
}

impl Ids {
    /// # Errors
    /// When an id is there and is none.
    pub fn from_webhook(payload: &str) -> Result<Self, Malformed> {
        #[derive(Deserialize)]
        struct Payload {
            order: Option<Resource>,
            order_id: Option<u64>,
            r#return: Option<Resource>,
        }
        #[derive(Deserialize)]
        struct Resource {
            admin_graphql_api_id: Option<Gid>,
        }
        let Payload { order, order_id, r#return } = decode(payload)?;
        let id = |resource: Option<Resource>| resource.and_then(|it| it.admin_graphql_api_id);
        Ok(Self {
            order: id(order).or_else(|| order_id.map(|number| Gid::new("Order", number))),
            r#return: id(r#return),
        })
    }
}

/// A transaction's order, and those of its refunds that the transaction belongs to: one, as a rule. None where it
/// paid money back without a refund, or where the answer lags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundsOf {
    pub order: Gid,
    pub refunds: Vec<Gid>,
}

impl AdminApi {
    /// The return with all its lines, or nothing if Shopify has none of this id or keeps it from the app.
    ///
    /// # Errors
    /// [`AdminError::Changed`] if it was changed between two pages.
    pub async fn return_(&self, call: Call<'_>, id: &Gid) -> Result<Option<Return>, AdminError> {
        let mut cursors = request::Cursors::default();
        let page = async || {
            let data = self.execute(call, RETURN, cursors.variables(id)).await?;
            read(&data, |wire| request::from_graphql(wire, &mut cursors))
        };
        connection::whole(page, Return::append).await
    }

    /// What the return can be sent back with, or nothing if Shopify has none of this id.
    pub async fn return_labels(&self, call: Call<'_>, id: &Gid) -> Result<Option<ReturnLabels>, AdminError> {
        let mut after = None;
        let page = async || {
            let data = self.execute(call, LABELS, json!({"id": id, "after": after})).await?;
            read(&data, |wire| request::labels_from_graphql(wire, &mut after))
        };
        connection::whole(page, ReturnLabels::append).await
    }

    /// The refund with all its lines, or nothing if Shopify has none of this id or keeps it from the app.
    ///
    /// # Errors
    /// [`AdminError::Changed`] if it was changed between two pages.
    pub async fn refund(&self, call: Call<'_>, id: &Gid) -> Result<Option<Refund>, AdminError> {
        let mut cursors = refund::Cursors::default();
        let page = async || {
            let data = self.execute(call, REFUND, cursors.variables(id)).await?;
            read(&data, |wire| Ok(refund::from_graphql(wire, &mut cursors)))
        };
        connection::whole(page, Refund::append).await
    }

    /// Which refunds a transaction belongs to, or nothing if Shopify has no such transaction or its order is
    /// gone.
    pub async fn refunds_of(
        &self,
        call: Call<'_>,
        transaction: &Gid,
    ) -> Result<Option<RefundsOf>, AdminError> {
        #[derive(Deserialize)]
        struct Answer {
            node: Option<Node>,
        }
        #[derive(Deserialize)]
        struct Node {
            order: Option<Order>,
        }
        #[derive(Deserialize)]
        struct Order {
            id: Gid,
            refunds: Vec<Refund>,
        }
        #[derive(Deserialize)]
        struct Refund {
            id: Gid,
            transactions: Nodes<Id>,
        }
        let data = self.execute(call, REFUNDS_OF, json!({ "id": transaction })).await?;
        let order = data.read::<Answer>()?.node.and_then(|node| node.order);
        Ok(order.map(|Order { id, refunds }| {
            let mine = |it: &Refund| it.transactions.nodes.iter().any(|one| one.id == *transaction);
            RefundsOf { order: id, refunds: refunds.into_iter().filter(mine).map(|it| it.id).collect() }
        }))
    }
}

fn read<W: DeserializeOwned, T>(
    data: &Data,
    make: impl FnOnce(W) -> Result<T, Malformed>,
) -> Result<T, AdminError> {
    let malformed = |source| AdminError::Malformed { operation: data.operation(), source };
    make(decode(data.json()).map_err(malformed)?).map_err(malformed)
}
