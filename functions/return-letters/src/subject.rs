//! What an event is about: the return or refund, and the order that carries its report.

use comms::{Document, Gid, Revision};
use flow::{Event, Plan, PlanError};
use shop_config::ShopConfig;
use shopify::returns::Ids;

/// What the payload of an event about a `kind` names: `order.admin_graphql_api_id` or `order_id`, each optional, and
/// of a reverse delivery `return.admin_graphql_api_id`. An item without a payload names nothing.
pub fn ids_of(event: &Event<'_>, kind: &'static str) -> Result<Ids, PlanError> {
    event.item.subject.clone().of_kind(kind)?;
    ids(event.payload)
}

/// What a payload names.
pub fn ids(payload: Option<&str>) -> Result<Ids, PlanError> {
    Ok(payload.map_or(Ok(Ids::default()), Ids::from_webhook)?)
}

/// The first issue of a document about `subject`, reported on the order where it is known.
pub fn first(document: Document, subject: &Gid, order: Option<&Gid>, config: &ShopConfig) -> Plan {
    Plan {
        document,
        subject: subject.clone(),
        revision: Revision::Initial,
        reported_on: order.unwrap_or(subject).clone(),
        wanted: config.document(document).is_some(),
    }
}
