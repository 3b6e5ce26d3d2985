//! Goods that wait for the customer to fetch them: a fulfillment order that was prepared for pickup.

use super::{DeliveryMethod, UnshippedLine, graphql::Id, method::WireMethod};
use crate::{
    AdminApi, AdminError, Call, Malformed,
    admin::Operation,
    connection::{self, Differs, Page},
    decode::{decode, text},
};
use comms::Gid;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use std::fmt;

const FULFILLMENT_ORDER: Operation = Operation {
    name: "FulfillmentOrderForDocuments",
    text: include_str!("../../graphql/fulfillment_order_for_documents.graphql"),
};

/// Lines per page: the largest number Shopify gives.
pub(crate) const LINES: u32 = 250;
/// Goods at one place, as Shopify has them now. Shopify calls it a fulfillment order.
#[derive(Clone, PartialEq)]
pub struct Pickup {
    pub id: Gid,
    pub state: PickupState,
    pub method: Option<DeliveryMethod>,
    pub place: Place,
    /// What still waits there.
    pub lines: Vec<UnshippedLine>,
    pub order: Gid,
    updated_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PickupState {
    /// Not handed over yet, or Shopify has another word for where it stands.
    Waiting,
    /// Handed over.
    Closed,
    Cancelled,
}

/// Where the goods are fetched.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    #[serde(deserialize_with = "text")]
    pub name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub address1: Option<String>,
    #[serde(deserialize_with = "text")]
    pub address2: Option<String>,
    #[serde(deserialize_with = "text")]
    pub city: Option<String>,
    #[serde(deserialize_with = "text")]
    pub province: Option<String>,
    #[serde(deserialize_with = "text")]
    pub zip: Option<String>,
    /// ISO 3166-1, two letters.
    #[serde(deserialize_with = "text")]
    pub country_code: Option<String>,
    #[serde(deserialize_with = "text")]
    pub phone: Option<String>,
}

/// Debug output ends up in logs.
impl fmt::Debug for Pickup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pickup").field("id", &self.id).field("state", &self.state).finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub struct PickupPage {
    pub pickup: Pickup,
    after: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    fulfillment_order: Option<Wire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: Gid,
    status: String,
    updated_at: Timestamp,
    delivery_method: Option<WireMethod>,
    assigned_location: Place,
    line_items: Page<Line>,
    order: Id,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    remaining_quantity: u64,
    line_item: Id,
}

impl Pickup {
    /// Reads the `data` of a `FulfillmentOrderForDocuments` answer. There is none, if Shopify has none of this id
    /// or keeps it from the app.
    ///
    /// # Errors
    /// Names the field that is missing or has another type.
    pub fn from_graphql(data: &str) -> Result<Option<PickupPage>, Malformed> {
        Ok(decode::<Data>(data)?.fulfillment_order.map(Wire::read))
    }
}

impl Wire {
    fn read(self) -> PickupPage {
        let lines = self.line_items.nodes.into_iter().filter(|line| line.remaining_quantity > 0);
        let pickup = Pickup {
            id: self.id,
            state: match self.status.as_str() {
                "CLOSED" | "INCOMPLETE" => PickupState::Closed,
                "CANCELLED" => PickupState::Cancelled,
                _ => PickupState::Waiting,
            },
            method: self.delivery_method.map(WireMethod::read),
            place: self.assigned_location,
            lines: lines
                .map(|line| UnshippedLine { line: line.line_item.id, quantity: line.remaining_quantity })
                .collect(),
            order: self.order.id,
            updated_at: self.updated_at,
        };
        PickupPage { pickup, after: self.line_items.page_info.next() }
    }
}

impl AdminApi {
    /// The goods with all their lines, or nothing if Shopify has none of this id or keeps them from the app.
    ///
    /// # Errors
    /// [`AdminError::Changed`] if they were changed between two pages. Without one of the scopes for fulfillment
    /// orders Shopify refuses.
    pub async fn pickup(&self, call: Call<'_>, id: &Gid) -> Result<Option<Pickup>, AdminError> {
        let mut after: Option<String> = None;
        let page = async || {
            let variables = json!({"id": id, "first": LINES, "after": after});
            let data = self.execute(call, FULFILLMENT_ORDER, variables).await?;
            let page = Pickup::from_graphql(data.json())
                .map_err(|source| AdminError::Malformed { operation: FULFILLMENT_ORDER.name, source })?;
            let Some(page) = page else { return Ok(None) };
            after = page.after;
            Ok(Some((page.pickup, after.is_some())))
        };
        connection::whole(page, |whole: &mut Pickup, page| {
            whole.lines.extend(page.lines);
            if whole.updated_at == page.updated_at { Ok(()) } else { Err(Differs) }
        })
        .await
    }
}
