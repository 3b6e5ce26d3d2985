//! A communication as the ledger has it.

use comms::{CommunicationId, Document, Flow, Gid, Revision, State, WriteBackState};
use ledger::Entry;

/// A receipt that was begun and last changed at a second of 1970, of which nothing was archived, sent or reported.
pub fn entry(revision: Revision, second: i64) -> Entry {
    let (shop, order) = ("acme.myshopify.com".parse().unwrap(), Gid::new("Order", 1));
    Entry {
        communication: CommunicationId::derive(&shop, Document::Receipt, &order, &revision),
        shop,
        flow: Flow::OrderConfirmation,
        document: Document::Receipt,
        subject: order.clone(),
        revision,
        reported_on: order,
        state: State::Archived,
        unsent: false,
        lease_holder: String::new(),
        lease_until_epoch_ms: 0,
        attempts: 1,
        sends: 0,
        created_epoch_ms: second * 1000,
        updated_epoch_ms: second * 1000,
        opened_epoch_ms: None,
        accepted_epoch_ms: None,
        check_epoch_ms: None,
        archived: None,
        channel: None,
        reference: None,
        reason: None,
        customer: None,
        write_back: WriteBackState::None,
        write_back_reason: None,
    }
}
