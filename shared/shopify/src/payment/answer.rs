//! What the answers to queries about payments have in common.

use crate::{AdminError, Malformed, admin::Data, decode::text};
use comms::{CurrencyCode, Gid, Money};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};

/// What `from_graphql` makes of an answer.
pub(crate) fn read<T>(data: &Data, from_graphql: fn(&str) -> Result<T, Malformed>) -> Result<T, AdminError> {
    from_graphql(data.json()).map_err(|source| AdminError::Malformed { operation: data.operation(), source })
}

/// A word of Shopify's, in lower case whichever API wrote it; nothing for a blank.
pub(crate) fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(text(deserializer)?.map(|word| word.to_ascii_lowercase()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MoneyV2 {
    #[serde(with = "rust_decimal::serde::str")]
    amount: Decimal,
    currency_code: CurrencyCode,
}

impl From<MoneyV2> for Money {
    fn from(money: MoneyV2) -> Self {
        Self::new(money.amount, money.currency_code)
    }
}

#[derive(Deserialize)]
pub(crate) struct Id {
    pub id: Gid,
}
