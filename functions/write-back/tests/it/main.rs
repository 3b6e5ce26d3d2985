//! The function against a Shopify and an AWS that are faked on the wire.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the way tests do")]
#![recursion_limit = "256"]

mod coalesce;
mod consent;
mod handler;
mod openings;
mod shopify;
mod workflows;

use comms::{CommunicationId, Document, Gid, Revision, ShopDomain, State};
use jiff::Timestamp;
use work::WriteBackItem;

pub fn shop(name: &str) -> ShopDomain {
    format!("{name}.myshopify.com").parse().unwrap()
}

pub fn order(number: u64) -> Gid {
    Gid::new("Order", number)
}

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// The report that `document` of `resource` was accepted.
pub fn item(shop: &ShopDomain, resource: &Gid, document: Document) -> WriteBackItem {
    WriteBackItem {
        v: WriteBackItem::VERSION,
        shop: shop.clone(),
        reported_on: resource.clone(),
        subject: None,
        communication: CommunicationId::derive(shop, document, resource, &Revision::Initial),
        document,
        state: State::Accepted,
        at: at(0),
        channel: Some("email".into()),
        reason: None,
        template: Some("order-confirmation".into()),
        template_version: Some(3),
        sha256: None,
        period: None,
        issue_of: None,
        decision: None,
        sent: Some(at(0)),
        delivered: None,
        failed: None,
        address: Some("z…@example.com".into()),
        link: None,
        tags: vec![],
        trace: None,
    }
}
