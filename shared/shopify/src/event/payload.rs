//! What a payload is, found without reading all of it into types.

use crate::{Malformed, decode::decode};
use comms::Gid;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// The three forms of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayloadKind {
    /// The resource, in the form of the REST API. Without a subject: some topics name theirs deeper inside.
    Classic { subject: Option<Gid> },
    /// Nothing but the id, which is what Shopify sends when the resource is too large: fetch it.
    Stub { subject: Gid },
    /// The answer to the subscription's query.
    Events(EventsPayload),
}

impl PayloadKind {
    pub fn subject(&self) -> Option<&Gid> {
        match self {
            Self::Classic { subject } => subject.as_ref(),
            Self::Stub { subject } => Some(subject),
            Self::Events(events) => events.subject.as_ref(),
        }
    }
}

/// The payload of an event of the Events product, as far as it says what happened to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventsPayload {
    pub subject: Option<Gid>,
    /// The subscription's name.
    pub handle: Option<String>,
    /// The codes of the errors Shopify met when it ran the query, such as `ACCESS_DENIED`. With any, the
    /// data is incomplete: fetch it.
    pub errors: Vec<String>,
}

/// An `orders/edited` payload: which edit of which order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderEdit {
    pub order: Gid,
    /// The edit's number, as text.
    pub edit: String,
}

impl OrderEdit {
    /// # Errors
    /// When a field is missing or is not a 64-bit number.
    pub fn from_webhook(payload: &str) -> Result<Self, Malformed> {
        #[derive(Deserialize)]
        struct Payload {
            order_edit: Edit,
        }
        #[derive(Deserialize)]
        struct Edit {
            id: u64,
            order_id: u64,
        }
        let Payload { order_edit } = decode(payload)?;
        Ok(Self { order: Gid::new("Order", order_edit.order_id), edit: order_edit.id.to_string() })
    }
}

pub(super) fn classic(topic: &str, payload: &str) -> Result<PayloadKind, Malformed> {
    if topic == "orders/edited" {
        return Ok(PayloadKind::Classic { subject: Some(OrderEdit::from_webhook(payload)?.order) });
    }
    let fields: HashMap<String, &RawValue> = decode(payload)?;
    if topic.starts_with("fulfillment_orders/") {
        #[derive(Deserialize)]
        struct Named {
            id: Gid,
        }
        let named = member::<Option<Named>>(&fields, "fulfillment_order")?.flatten();
        return Ok(PayloadKind::Classic { subject: named.map(|named| named.id) });
    }
    if topic == "customer.joined_segment" {
        return Ok(PayloadKind::Classic {
            subject: member::<Option<Gid>>(&fields, "customer_id")?.flatten(),
        });
    }
    let gid: Option<Option<Gid>> = member(&fields, "admin_graphql_api_id")?;
    // the number is read as 64 bits, never as a float; the global id is preferred because a JSON writer
    // on the way may have used one
    let number = || match kind_of(topic) {
        Some(kind) => {
            member::<Option<u64>>(&fields, "id").map(|id| id.flatten().map(|id| Gid::new(kind, id)))
        }
        None => Ok(None),
    };
    let subject = match gid.flatten() {
        Some(gid) => Some(gid),
        None => number()?,
    };
    let stub =
        !fields.is_empty() && fields.keys().all(|key| matches!(key.as_str(), "id" | "admin_graphql_api_id"));
    match subject {
        Some(subject) if stub => Ok(PayloadKind::Stub { subject }),
        None if stub => Err(Malformed::new("id", "is not the id of a known resource")),
        subject => Ok(PayloadKind::Classic { subject }),
    }
}

pub(super) fn events(topic: &str, payload: &str) -> Result<EventsPayload, Malformed> {
    #[derive(Deserialize)]
    struct Payload<'a> {
        handle: Option<String>,
        #[serde(borrow)]
        data: Option<HashMap<String, &'a RawValue>>,
        errors: Option<Vec<Failed>>,
        #[serde(borrow)]
        query_variables: Option<HashMap<String, &'a RawValue>>,
    }
    #[derive(Deserialize)]
    struct Failed {
        extensions: Option<Extensions>,
    }
    #[derive(Deserialize)]
    struct Extensions {
        code: Option<String>,
    }
    #[derive(Deserialize)]
    struct Node {
        id: Option<Gid>,
    }
    let payload: Payload<'_> = decode(payload)?;
    // `Order` is asked for as `order(id: $orderId)`
    let field = match topic.split_at_checked(1) {
        Some((first, rest)) => first.to_ascii_lowercase() + rest,
        None => String::new(),
    };
    let variables = payload.query_variables.unwrap_or_default();
    let variable: Option<Option<Gid>> = member(&variables, &format!("{field}Id"))?;
    let subject = match variable.flatten() {
        Some(gid) => Some(gid),
        None => {
            let node: Option<Option<Node>> = member(&payload.data.unwrap_or_default(), &field)?;
            node.flatten().and_then(|node| node.id)
        }
    };
    let errors = payload.errors.unwrap_or_default().into_iter();
    let errors =
        errors.map(|error| error.extensions.and_then(|it| it.code).unwrap_or_else(|| "UNKNOWN".to_owned()));
    Ok(EventsPayload { subject, handle: payload.handle, errors: errors.collect() })
}

fn member<'a, T: Deserialize<'a>>(
    fields: &HashMap<String, &'a RawValue>,
    name: &str,
) -> Result<Option<T>, Malformed> {
    let Some(raw) = fields.get(name) else { return Ok(None) };
    decode(raw.get()).map_err(|error: Malformed| {
        let path = if error.path() == "." { name.to_owned() } else { format!("{name}.{}", error.path()) };
        Malformed::new(path, "has an unexpected type or value")
    })
}

/// The type whose numbers a topic's `id` is one of.
fn kind_of(topic: &str) -> Option<&'static str> {
    Some(match topic.split('/').next()? {
        "orders" => "Order",
        "order_transactions" => "OrderTransaction",
        "fulfillments" => "Fulfillment",
        "fulfillment_events" => "FulfillmentEvent",
        "refunds" => "Refund",
        "returns" => "Return",
        "reverse_deliveries" => "ReverseDelivery",
        "disputes" => "ShopifyPaymentsDispute",
        "customers" => "Customer",
        "company_locations" => "CompanyLocation",
        "payment_schedules" => "PaymentSchedule",
        "subscription_billing_attempts" => "SubscriptionBillingAttempt",
        _ => return None,
    })
}
