//! What Shopify is told about a communication.

use comms::{State, WriteBackState};
use jiff::Timestamp;
use ledger::Entry;
use shop_config::ShopConfig;
use work::WriteBackItem;

/// Whether this shop is to be told of this communication.
pub fn owed(config: &ShopConfig, test: bool) -> WriteBackState {
    if config.write_back.enabled && !test { WriteBackState::Pending } else { WriteBackState::None }
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
        owner: entry.order.clone(),
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
