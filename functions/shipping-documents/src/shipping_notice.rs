//! That a shipment has left, and how to follow it.
//!
//! The revision is named after the tracking that the notice tells of, so that an update which changes nothing else
//! leads to the communication there is, and a corrected number to another one. An event whose tracking is not the
//! present one leads to the notice of the present one.

use crate::{
    data::{PRICES, ShipmentData, WHAT_HAPPENED},
    rules::{DELIVERED, OUT, Request, method},
    shipment::{self, ShipmentFacts},
    tracking_revision,
};
use comms::Document;
use flow::{Content, Event, Gather, Plan, PlanError, Planned, Stop, Verdict};
use shopify::fulfillment::{Fulfillment, MethodType, State};

pub const TOPICS: &[&str] = &["fulfillments/create", "fulfillments/update"];

const DOCUMENT: Document = Document::ShippingNotice;

pub fn plan(event: &Event<'_>) -> Result<Planned, PlanError> {
    shipment::plan(event, follows)
}

/// One for each tracking.
pub fn follows(event: &Event<'_>, facts: &ShipmentFacts) -> Option<Plan> {
    Some(facts.plan(event, DOCUMENT, tracking_revision(facts.tracking.as_ref()?)))
}

pub fn judge(plan: &Plan, request: Request, shipment: &Fulfillment) -> Verdict {
    if request.again {
        return Verdict::Write;
    }
    let revision = tracking_revision(&shipment.tracking());
    if plan.revision != revision {
        return Verdict::ReplaceBy(Box::new(Plan { revision, ..plan.clone() }));
    }
    if shipment.is_handed_over() {
        return Verdict::Suppress(DELIVERED);
    }
    let is_out = method(shipment) == Some(MethodType::Local) && shipment.shown.as_deref() == Some(OUT);
    if is_out && request.tells_out_for_delivery {
        return Verdict::Suppress("the out-for-delivery notice tells of it");
    }
    match shipment.state {
        State::Pending => Verdict::NotDue("the shipment has not left yet"),
        State::Shipped | State::Cancelled | State::Failed => Verdict::Write,
    }
}

pub async fn gather(gather: &Gather<'_>) -> Result<Content, Stop> {
    shipment::gather(gather, judge).await
}

pub fn schema() -> serde_json::Value {
    ShipmentData::schema(DOCUMENT, &[PRICES, WHAT_HAPPENED])
}
