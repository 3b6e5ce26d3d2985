//! Customer segments: who is in which, as a control call says it.
//!
//! The stub does not evaluate a segment's query, except that a query known from a registered segment
//! means its members and `customer_tags CONTAINS 'x'` means the customers with that tag.

use crate::{gid::number_of, json::Json, shop::Shop};
use serde::Deserialize;
use serde_json::{Value, json};

/// `PUT /__stub/segments`.
#[derive(Debug, Deserialize)]
pub(crate) struct Registration {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    query: String,
    /// GIDs of customers.
    #[serde(default)]
    members: Vec<String>,
}

/// A members query by its id: done, with the number of its members.
pub(crate) fn query(shop: &Shop, id: &str) -> Option<Value> {
    let count = members(shop, shop.segments.queries.get(id)?).map_or(0, |members| members.len());
    Some(json!({"id": id, "currentCount": count, "done": true}))
}

/// Takes a segment with all its members; earlier members that are not named have left.
pub(crate) fn register(shop: &mut Shop, segment: Registration) -> Option<String> {
    let known = |key: &str| shop.document(&segment.id)?.text(key).map(str::to_owned);
    let or_known = |text: &str, key: &str, default: &str| {
        Some(text.to_owned()).filter(|t| !t.is_empty()).or_else(|| known(key)).unwrap_or(default.to_owned())
    };
    let document = json!({
        "__typename": "Segment",
        "id": segment.id,
        "name": or_known(&segment.name, "name", "Segment"),
        "query": or_known(&segment.query, "query", ""),
        "creationDate": "2026-01-01T00:00:00Z",
        "lastEditDate": "2026-01-01T00:00:00Z",
    });
    let id = shop.register(document, Value::Null)?;
    shop.segments.members.insert(id.clone(), segment.members);
    Some(id)
}

/// Why a segment's members cannot be named.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SegmentError {
    #[error("The members query does not exist")]
    NoQuery,
    #[error("Segment does not exist")]
    NoSegment,
    #[error("One of segmentId, query and queryId is required")]
    NoSelector,
    #[error("the stub has no segment with the query `{0}`")]
    UnknownQuery(String),
}

/// The nodes of `customerSegmentMembers`, or why there are none.
pub(crate) fn members(shop: &Shop, arguments: &Value) -> Result<Vec<Json>, SegmentError> {
    if let Some(id) = arguments["queryId"].as_str() {
        let asked = shop.segments.queries.get(id).ok_or(SegmentError::NoQuery)?;
        return members(shop, asked);
    }
    let mut ids = match (arguments["segmentId"].as_str(), arguments["query"].as_str()) {
        (Some(id), _) => shop.segments.members.get(id).ok_or(SegmentError::NoSegment)?.clone(),
        (None, Some(query)) => by_query(shop, query)?,
        (None, None) => return Err(SegmentError::NoSelector),
    };
    if arguments["reverse"] == true {
        ids.reverse();
    }
    Ok(ids.iter().filter_map(|id| shop.document(id)).map(|customer| Json::new(member(customer))).collect())
}

fn by_query(shop: &Shop, query: &str) -> Result<Vec<String>, SegmentError> {
    let same = |segment: &Json| segment.text("query") == Some(query.trim());
    if let Some(segment) = shop.of_type("Segment").into_iter().find(same) {
        let id = segment.text("id").unwrap_or_default();
        return Ok(shop.segments.members.get(id).cloned().unwrap_or_default());
    }
    let Some(tag) = query.trim().strip_prefix("customer_tags CONTAINS ") else {
        return Err(SegmentError::UnknownQuery(query.to_owned()));
    };
    let tag = tag.trim().trim_matches(['\'', '"']).to_lowercase();
    let ids = shop.of_type("Customer").into_iter().filter_map(|c| c.text("id").map(str::to_owned));
    Ok(ids.filter(|id| shop.tags(id).iter().any(|own| own.to_lowercase() == tag)).collect())
}

/// A customer as a member of a segment: the same number under another type.
fn member(customer: &Json) -> Value {
    let mut member = customer.value().clone();
    let id =
        format!("gid://shopify/CustomerSegmentMember/{}", number_of(customer.text("id").unwrap_or_default()));
    member["__typename"] = json!("CustomerSegmentMember");
    member["lastOrderId"] = member.pointer("/lastOrder/id").cloned().unwrap_or_default();
    member["id"] = json!(id);
    member
}

/// The payload of `customerSegmentMembership`; segments that nobody registered are left out.
pub(crate) fn membership(shop: &Shop, arguments: &Value) -> Value {
    let customer = arguments["customerId"].as_str().unwrap_or_default();
    let asked = arguments["segmentIds"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let memberships: Vec<Value> = asked
        .filter_map(|id| {
            let members = shop.segments.members.get(id)?;
            Some(json!({"segmentId": id, "isMember": members.iter().any(|m| m == customer)}))
        })
        .collect();
    json!({ "memberships": memberships })
}

pub(crate) fn create_query(shop: &mut Shop, arguments: &Value) -> Value {
    let input = &arguments["input"];
    if let Err(error) = members(shop, input) {
        let error = json!({"field": null, "message": error.to_string()});
        return json!({"customerSegmentMembersQuery": null, "userErrors": [error]});
    }
    let id = format!("gid://shopify/CustomerSegmentMembersQuery/{}", shop.segments.queries.len() + 1);
    shop.segments.queries.insert(id.clone(), input.clone());
    json!({"customerSegmentMembersQuery": {"id": id, "currentCount": 0, "done": false}, "userErrors": []})
}
