//! What came of each request, for whoever has to answer for it: one small object per request, which names no person. And
//! what is to be done again later, by the day it is due.

use crate::{PrivacyError, Tools};
use aws_sdk_s3::primitives::ByteStream;
use comms::{CommunicationId, Document, ShopDomain, names};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use work::PrivacyItem;

const DUE: &str = "privacy/due/";
/// No request is larger.
const MAX_ITEM_BYTES: i64 = 256 * 1024;

names! {
    /// Where a request is.
    Outcome, "outcome of a privacy request", {
        /// The export can be fetched.
        Exported = "exported",
        /// What can be erased is erased; what has to be kept is refused.
        Erased = "erased",
        /// A legal hold blocks it.
        Held = "held",
    }
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub outcome: Outcome,
    /// Communications whose documents were erased.
    pub erased: usize,
    /// Communications whose documents have to be kept.
    pub refused: Vec<Refusal>,
    /// Where the export is, in the operations bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export: Option<String>,
}

/// Why a document is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub communication: CommunicationId,
    pub document: Document,
    pub legal_basis: String,
    /// When it may go.
    pub until: Timestamp,
}

/// What came of a request, as it is noted.
#[derive(Serialize, Deserialize)]
pub struct Noted {
    pub v: u32,
    pub request: String,
    pub topic: String,
    /// When it was carried out last.
    pub at: Timestamp,
    #[serde(flatten)]
    pub state: State,
}

/// What came of the requests of a shop is below this.
pub fn requests_of(shop: &ShopDomain) -> String {
    format!("privacy/requests/{shop}/")
}

/// The key of what came of a request.
pub fn state_key(shop: &ShopDomain, request: &str) -> String {
    format!("{}{request}.json", requests_of(shop))
}

/// Notes what came of a request, and when it is to be done again.
pub(crate) async fn note(tools: &Tools, item: &PrivacyItem, state: &State) -> Result<(), PrivacyError> {
    let now = (tools.clock)();
    let noted = Noted {
        v: 1,
        request: item.request.clone(),
        topic: item.topic.name().to_owned(),
        at: now,
        state: state.clone(),
    };
    put(tools, &state_key(&item.shop, &item.request), &noted).await?;
    // what is kept is looked at again at its own time, what is held or kept beyond that on the next day
    let next = match state.outcome {
        Outcome::Held => Some(day(now).tomorrow().unwrap_or(Date::MAX)),
        _ => {
            let ends = state.refused.iter().map(|refusal| refusal.until.max(now));
            ends.min().map(|until| day(until).tomorrow().unwrap_or(Date::MAX))
        }
    };
    match next {
        Some(next) => {
            let key = format!("{DUE}{next}/{}-{}.json", item.shop, item.request);
            put(tools, &key, &PrivacyItem { again: true, email: None, phone: None, ..item.clone() }).await
        }
        None => Ok(()),
    }
}

fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

async fn put(tools: &Tools, key: &str, value: &impl Serialize) -> Result<(), PrivacyError> {
    let failed = |source| PrivacyError::request("writing", key, Box::new(source));
    let json =
        serde_json::to_vec(value).map_err(|error| PrivacyError::request("writing", key, Box::new(error)))?;
    let put = tools.s3.put_object().bucket(&tools.operations_bucket).key(key).body(ByteStream::from(json));
    put.content_type("application/json").send().await.map(drop).map_err(failed)
}

/// The requests whose day has come, each with its key.
pub(crate) async fn due(tools: &Tools) -> Result<Vec<(String, PrivacyItem)>, PrivacyError> {
    let today = day((tools.clock)());
    let list = tools.s3.list_objects_v2().bucket(&tools.operations_bucket).prefix(DUE);
    let mut pages = list.into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| PrivacyError::request("listing", DUE, error))?;
        for key in page.contents().iter().filter_map(|object| object.key()) {
            let date = key.strip_prefix(DUE).and_then(|rest| rest.split_once('/'));
            let date = date.and_then(|(date, _)| date.parse::<Date>().ok());
            // days come in their order
            if date.is_none_or(|date| date > today) {
                return Ok(found);
            }
            let get = tools.s3.get_object().bucket(&tools.operations_bucket).key(key).send().await;
            let object = get.map_err(|error| PrivacyError::request("reading", key, error))?;
            if object.content_length().is_none_or(|length| length > MAX_ITEM_BYTES) {
                continue;
            }
            let body = object.body.collect().await;
            let body = body.map_err(|error| PrivacyError::request("reading", key, error))?.into_bytes();
            match std::str::from_utf8(&body).ok().and_then(|text| PrivacyItem::from_json(text).ok()) {
                Some(item) => found.push((key.to_owned(), item)),
                None => tracing::error!(key, "no privacy request"),
            }
        }
    }
    Ok(found)
}

pub(crate) async fn forget_due(tools: &Tools, key: &str) -> Result<(), PrivacyError> {
    let delete = tools.s3.delete_object().bucket(&tools.operations_bucket).key(key).send().await;
    delete.map(drop).map_err(|error| PrivacyError::request("deleting", key, error))
}
