//! What Shopify is told about a communication.

use comms::{Gid, State, WriteBackState};
use jiff::Timestamp;
use ledger::Entry;
use shop_config::ShopConfig;
use work::WriteBackItem;

/// Whether this shop is to be told of a communication about `resource`. What belongs to no order, customer or
/// company location has nowhere to be reported.
pub fn owed(config: &ShopConfig, resource: &Gid, test: bool) -> WriteBackState {
    let carries = matches!(resource.kind(), "Order" | "Customer" | "CompanyLocation");
    if config.write_back.enabled && !test && carries { WriteBackState::Pending } else { WriteBackState::None }
}

/// The report of an entry as the ledger has it.
pub fn item(entry: &Entry, config: &ShopConfig) -> WriteBackItem {
    let archived = entry.archived.as_ref();
    let reached = matches!(entry.state, State::Archived | State::Accepted | State::Delivered);
    let tags =
        config.documents.get(&entry.document).map(|settings| settings.tags.clone()).unwrap_or_default();
    WriteBackItem {
        v: WriteBackItem::VERSION,
        shop: entry.shop.clone(),
        reported_on: entry.reported_on.clone(),
        subject: (entry.subject != entry.reported_on).then(|| entry.subject.clone()),
        communication: entry.communication.clone(),
        document: entry.document,
        state: entry.state,
        at: Timestamp::from_millisecond(entry.updated_epoch_ms).unwrap_or(Timestamp::UNIX_EPOCH),
        channel: entry.channel.clone(),
        reason: entry.reason.clone(),
        template: archived.map(|archived| archived.template.clone()),
        template_version: archived.and_then(|archived| archived.template_version),
        sha256: archived.map(|archived| archived.sha256.clone()),
        tags: if reached { tags } else { Vec::new() },
    }
}
