//! What a statement run needs of this flow: whether an item can be worked on, and the driver data for a batch job.

use crate::{account_statement, error::ItemError, item::AccountItem, purchase_summary};
use bytes::Bytes;
use comms::{CommunicationId, Document};
use serde::Serialize;
use shop_config::ShopConfig;
use shopify::account::Account;

/// One document's part of a driver file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Driver {
    /// JSON, the same that the flow function sends.
    pub bytes: Bytes,
    pub communication: CommunicationId,
}

/// Whether an item with this payload can be worked on.
///
/// # Errors
/// Names what cannot be read, and its order. Says nothing of the account.
pub fn check(payload: &str) -> Result<(), ItemError> {
    Account::from_bulk(payload)?;
    Ok(())
}

/// The driver data of one document of an item: of a statement, as if it were the account's first. `None` if the
/// account gets no such document or has no activity.
///
/// # Errors
/// What is wrong with the payload, or keeps the document from being made. Says nothing of the account.
pub fn driver(payload: &str, document: Document, config: &ShopConfig) -> Result<Option<Driver>, ItemError> {
    let item = AccountItem::parse(payload)?;
    let communication = CommunicationId::derive(&config.shop, document, &item.account.id, &item.revision());
    let locale = config.locale_to_send(document, &item.locales())?;
    let bytes = match document {
        Document::AccountStatement => {
            json(account_statement::data(&item, &communication, locale, config, None)?)
        }
        Document::PurchaseSummary => json(purchase_summary::data(&item, &communication, locale, config)?),
        other => return Err(ItemError::ForeignDocument(other)),
    };
    Ok(bytes?.map(|bytes| Driver { bytes, communication }))
}

fn json(data: Option<impl Serialize>) -> Result<Option<Bytes>, ItemError> {
    let json = data.map(|data| serde_json::to_vec(&data)).transpose()?;
    Ok(json.map(Bytes::from))
}
