//! The operations this system needs.

use super::{AdminApi, AdminError, Call, Operation, UserError, answer::Data};
use crate::{
    Order,
    connection::{self, Differs, Nodes},
};
use comms::Gid;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shop_config::WriteBack;

/// How many metafields one mutation sets, and so how many are read at once.
pub const MAX_METAFIELDS: usize = 25;

/// Lines per page. Shopify gives up to 250; with everything asked of a line, this is what a single query may cost by
/// the published rule (see `graphql/page-sizes.json`).
pub(crate) const LINES: u32 = 95;

const ORDER: Operation =
    Operation { name: "OrderForDocuments", text: include_str!("../../graphql/order_for_documents.graphql") };
const STATUS_READ: Operation =
    Operation { name: "StatusRead", text: include_str!("../../graphql/status_read.graphql") };
const STATUS_WRITE: Operation =
    Operation { name: "StatusWrite", text: include_str!("../../graphql/status_write.graphql") };
const TAGS_ADD: Operation =
    Operation { name: "TagsAdd", text: include_str!("../../graphql/tags_add.graphql") };
const ORDER_EXISTS: Operation =
    Operation { name: "OrderExists", text: include_str!("../../graphql/order_exists.graphql") };
const FLOW_TRIGGER: Operation =
    Operation { name: "FlowTrigger", text: include_str!("../../graphql/flow_trigger.graphql") };

/// The status metafield of a resource that exists. Both fields are absent where it was never written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatusMetafield {
    pub value: Option<String>,
    /// To be given back with the write, which then fails if somebody else wrote in between.
    pub compare_digest: Option<String>,
}

/// One metafield to set. Without a digest, the write fails unless the metafield is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetafieldWrite {
    pub owner: Gid,
    pub value: String,
    pub compare_digest: Option<String>,
}

/// In Shopify's words. `compareDigest: null` means "only if there is none yet"; leaving it out would mean
/// "whatever is there".
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MetafieldsSetInput<'a> {
    owner_id: &'a Gid,
    namespace: &'a str,
    key: &'a str,
    r#type: &'static str,
    value: &'a str,
    compare_digest: Option<&'a str>,
}

#[derive(Deserialize)]
struct Node {
    id: Gid,
    metafield: Option<Metafield>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metafield {
    value: String,
    compare_digest: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Payload {
    user_errors: Vec<UserError>,
}

impl AdminApi {
    /// The order with all its lines, or nothing if Shopify has none of this id or keeps it from the app.
    ///
    /// # Errors
    /// [`AdminError::Changed`] if the order was changed between two pages.
    pub async fn order(&self, call: Call<'_>, id: &Gid) -> Result<Option<Order>, AdminError> {
        let mut after: Option<String> = None;
        let page = async || {
            let variables = json!({"id": id, "first": LINES, "after": after});
            let data = self.execute(call, ORDER, variables).await?;
            let page = Order::from_graphql(data.json())
                .map_err(|source| AdminError::Malformed { operation: ORDER.name, source })?;
            let Some(page) = page else { return Ok(None) };
            after = page.next;
            Ok(Some((page.order, after.is_some())))
        };
        connection::whole(page, |whole: &mut Order, page| {
            whole.lines.extend(page.lines);
            if whole.updated_at == page.updated_at { Ok(()) } else { Err(Differs) }
        })
        .await
    }

    /// Whether the shop has this order and shows it to the app.
    pub async fn has_order(&self, call: Call<'_>, id: &Gid) -> Result<bool, AdminError> {
        #[derive(Deserialize)]
        struct Answer {
            order: Option<Found>,
        }
        #[derive(Deserialize)]
        struct Found {
            id: Gid,
        }
        let data = self.execute(call, ORDER_EXISTS, json!({"id": id})).await?;
        Ok(data.read::<Answer>()?.order.is_some_and(|found| found.id == *id))
    }

    /// The status metafields of up to [`MAX_METAFIELDS`] owners, in their order; nothing for one that does
    /// not exist.
    pub async fn read_status(
        &self,
        call: Call<'_>,
        names: &WriteBack,
        owners: &[Gid],
    ) -> Result<Vec<Option<StatusMetafield>>, AdminError> {
        let variables = json!({"owners": owners, "namespace": names.namespace, "key": names.key});
        let data = self.execute(call, STATUS_READ, variables).await?;
        let mut nodes: Vec<Node> = data.read::<Nodes<Option<Node>>>()?.nodes.into_iter().flatten().collect();
        let mut status = |owner: &Gid| {
            let node = nodes.swap_remove(nodes.iter().position(|node| node.id == *owner)?);
            Some(node.metafield.map_or_else(StatusMetafield::default, |metafield| StatusMetafield {
                value: Some(metafield.value),
                compare_digest: Some(metafield.compare_digest),
            }))
        };
        Ok(owners.iter().map(&mut status).collect())
    }

    /// Sets up to [`MAX_METAFIELDS`] status metafields, all or none.
    ///
    /// # Errors
    /// [`AdminError::UserErrors`] names the elements that were objected to; nothing was written then.
    pub async fn write_status(
        &self,
        call: Call<'_>,
        names: &WriteBack,
        writes: &[MetafieldWrite],
    ) -> Result<(), AdminError> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(rename = "metafieldsSet")]
            payload: Option<Payload>,
        }
        let metafields: Vec<_> = writes
            .iter()
            .map(|write| MetafieldsSetInput {
                owner_id: &write.owner,
                namespace: &names.namespace,
                key: &names.key,
                r#type: "json",
                value: &write.value,
                compare_digest: write.compare_digest.as_deref(),
            })
            .collect();
        let data = self.execute(call, STATUS_WRITE, json!({"metafields": metafields})).await?;
        accepted(&data, data.read::<Answer>()?.payload)
    }

    /// Adds tags to a resource. Those it has already are no error.
    ///
    /// # Errors
    /// [`AdminError::UserErrors`], for example for a resource that does not exist.
    pub async fn add_tags(&self, call: Call<'_>, owner: &Gid, tags: &[String]) -> Result<(), AdminError> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(rename = "tagsAdd")]
            payload: Option<Payload>,
        }
        let data = self.execute(call, TAGS_ADD, json!({"id": owner, "tags": tags})).await?;
        accepted(&data, data.read::<Answer>()?.payload)
    }

    /// Starts the workflows of Shopify Flow that begin with this trigger of the app. Alone among the operations, its
    /// repetition starts them again: see [`AdminError::is_refusal`].
    ///
    /// # Errors
    /// [`AdminError::UserErrors`], for example for a trigger that is not deployed.
    pub async fn start_workflows(
        &self,
        call: Call<'_>,
        handle: &str,
        payload: &impl Serialize,
    ) -> Result<(), AdminError> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(rename = "flowTriggerReceive")]
            payload: Option<Payload>,
        }
        let data = self.execute(call, FLOW_TRIGGER, json!({"handle": handle, "payload": payload})).await?;
        accepted(&data, data.read::<Answer>()?.payload)
    }
}

pub(crate) fn accepted(data: &Data, payload: Option<Payload>) -> Result<(), AdminError> {
    match payload {
        None => Err(AdminError::NoData { operation: data.operation() }),
        Some(payload) if payload.user_errors.is_empty() => Ok(()),
        Some(payload) => {
            Err(AdminError::UserErrors { operation: data.operation(), errors: payload.user_errors })
        }
    }
}
