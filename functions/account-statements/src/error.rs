//! Why an item of a statement run cannot become its documents. No message quotes anything of the account's but ids.

use crate::ledger::Unusable;
use comms::{Document, InvalidMoney};
use shop_config::NoTranslation;
use shopify::Malformed;

/// The payload does not say what a statement run says about every item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPayload {
    #[error("the payload names no period")]
    NoPeriod,
    /// The name becomes part of an identity.
    #[error("the period's name is not of letters, digits and hyphens")]
    PeriodName,
    #[error("the payload has no period with `from` and `to`, or no `issued_on`")]
    NoDays,
    #[error("the period ends before it begins")]
    EndsBeforeItBegins,
}

/// A document of an item cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ItemError {
    #[error(transparent)]
    Payload(#[from] InvalidPayload),
    #[error(transparent)]
    Account(#[from] Malformed),
    #[error(transparent)]
    Language(#[from] NoTranslation),
    #[error("the configuration has no section [statements]")]
    NoSettings,
    #[error("{0} is no document of this flow")]
    ForeignDocument(Document),
    #[error(transparent)]
    Unusable(#[from] Unusable),
    #[error("the driver data cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

impl From<InvalidMoney> for ItemError {
    fn from(error: InvalidMoney) -> Self {
        Self::Unusable(error.into())
    }
}
