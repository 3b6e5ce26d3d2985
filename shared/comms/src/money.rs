//! Amounts of money.

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt, str::FromStr};

/// A currency code as Shopify writes it, such as `EUR`. The list is open: Shopify writes codes that ISO 4217 has
/// retired (`LTL`) or never had (`JEP`, `USDC`), and an order in one of them is still an order.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CurrencyCode {
    /// ASCII, filled up with zeros.
    letters: [u8; Self::LONGEST],
}

/// What is no amount of money, or cannot be calculated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMoney {
    /// Not a currency code.
    #[error("`{0}` is not a currency code")]
    Currency(String),
    /// Not a decimal number, or one with more digits than a decimal holds.
    #[error("`{0}` is not a decimal amount")]
    Amount(String),
    /// Two currencies in one sum.
    #[error("cannot add {0} to {1}")]
    Mixed(CurrencyCode, CurrencyCode),
    /// More than a decimal holds.
    #[error("an amount is too large")]
    Overflow,
}

impl CurrencyCode {
    const SHORTEST: usize = 3;
    const LONGEST: usize = 8;

    /// How many decimal places the currency has: 0 for JPY, 2 for EUR, 3 for KWD; 2 where ISO 4217 says nothing.
    pub fn decimals(self) -> u32 {
        let known = iso_currency::Currency::from_code(self.as_str());
        known.and_then(iso_currency::Currency::exponent).map_or(2, u32::from)
    }

    /// The code, such as `EUR`.
    pub fn as_str(&self) -> &str {
        let length = self.letters.iter().position(|letter| *letter == 0).unwrap_or(Self::LONGEST);
        std::str::from_utf8(&self.letters[..length]).unwrap_or_default()
    }
}

impl FromStr for CurrencyCode {
    type Err = InvalidMoney;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = (Self::SHORTEST..=Self::LONGEST).contains(&text.len())
            && text.bytes().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit());
        if !known {
            let shown = crate::one_line(text).chars().take(8).collect();
            return Err(InvalidMoney::Currency(shown));
        }
        let mut letters = [0; Self::LONGEST];
        letters[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self { letters })
    }
}

impl fmt::Display for CurrencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for CurrencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for CurrencyCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for CurrencyCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for CurrencyCode {
    fn schema_name() -> Cow<'static, str> {
        "CurrencyCode".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A currency code: of ISO 4217, or one of the few that only Shopify has.",
            "pattern": "^[A-Z0-9]{3,8}$",
            "examples": ["EUR"],
        })
    }
}

/// A decimal amount and its currency.
///
/// Written with exactly the decimal places of its currency, however Shopify wrote it; an amount that is
/// finer than its currency (a unit price, a tax share) keeps its digits, because rounding is a decision
/// of the document's owner.
///
/// ```
/// let money = |amount, code| comms::Money::parse(amount, code).unwrap().amount_text();
/// assert_eq!(money("10", "EUR"), "10.00");
/// assert_eq!(money("1000.0", "JPY"), "1000");
/// assert_eq!(money("1.5", "KWD"), "1.500");
/// assert_eq!(money("0.125", "USD"), "0.125");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money {
    amount: Decimal,
    currency: CurrencyCode,
}

impl Money {
    /// An amount in a currency, with all its decimal places.
    pub const fn new(amount: Decimal, currency: CurrencyCode) -> Self {
        Self { amount, currency }
    }

    /// Nothing, in a currency.
    pub fn zero(currency: CurrencyCode) -> Self {
        Self::new(Decimal::ZERO, currency)
    }

    /// Reads an amount as Shopify writes it, such as `"19.90"` and `"EUR"`.
    ///
    /// # Errors
    /// If either is malformed. An amount is never rounded to fit.
    pub fn parse(amount: &str, currency: &str) -> Result<Self, InvalidMoney> {
        let currency = currency.parse()?;
        let amount = Decimal::from_str_exact(amount.trim())
            .map_err(|_| InvalidMoney::Amount(crate::one_line(amount).chars().take(40).collect()))?;
        Ok(Self::new(amount, currency))
    }

    /// The amount without its currency. For conditions and ratios; sums belong to [`Money`].
    pub const fn amount(self) -> Decimal {
        self.amount
    }

    /// The currency.
    pub const fn currency(self) -> CurrencyCode {
        self.currency
    }

    /// The amount as text, with at least the currency's decimal places.
    pub fn amount_text(self) -> String {
        let mut amount = self.amount.normalize();
        if amount.scale() < self.currency.decimals() {
            amount.rescale(self.currency.decimals());
        }
        amount.to_string()
    }

    /// The sum.
    ///
    /// # Errors
    /// If the currencies differ, or the sum is too large.
    pub fn checked_add(self, other: Self) -> Result<Self, InvalidMoney> {
        self.same_currency(other)?;
        self.amount
            .checked_add(other.amount)
            .map(|amount| Self { amount, ..self })
            .ok_or(InvalidMoney::Overflow)
    }

    /// The difference, which may be negative.
    ///
    /// # Errors
    /// If the currencies differ, or the difference is too large.
    pub fn checked_sub(self, other: Self) -> Result<Self, InvalidMoney> {
        self.same_currency(other)?;
        self.amount
            .checked_sub(other.amount)
            .map(|amount| Self { amount, ..self })
            .ok_or(InvalidMoney::Overflow)
    }

    /// So many times the amount.
    ///
    /// # Errors
    /// If the product is too large.
    pub fn checked_times(self, quantity: u64) -> Result<Self, InvalidMoney> {
        let amount = self.amount.checked_mul(Decimal::from(quantity)).ok_or(InvalidMoney::Overflow)?;
        Ok(Self { amount, ..self })
    }

    fn same_currency(self, other: Self) -> Result<(), InvalidMoney> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(InvalidMoney::Mixed(other.currency, self.currency))
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount_text(), self.currency)
    }
}

/// The form used in every contract: `{"amount": "10.00", "currency": "EUR"}`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Money")]
struct Wire<'a> {
    /// A decimal number as text, with the currency's decimal places.
    #[schemars(regex(pattern = r"^-?[0-9]+(\.[0-9]+)?$"), example = "10.00")]
    amount: Cow<'a, str>,
    currency: CurrencyCode,
}

impl Serialize for Money {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Wire { amount: self.amount_text().into(), currency: self.currency }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        let amount = Decimal::from_str_exact(&wire.amount).map_err(serde::de::Error::custom)?;
        Ok(Self::new(amount, wire.currency))
    }
}

impl JsonSchema for Money {
    fn schema_name() -> Cow<'static, str> {
        "Money".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Wire::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn json_round_trips(cents in -1_000_000_000i64..1_000_000_000, code in prop::sample::select(vec!["EUR", "JPY", "KWD", "USD"])) {
            let currency: CurrencyCode = code.parse().unwrap();
            let money = Money::new(Decimal::new(cents, currency.decimals()), currency);
            let json = serde_json::to_string(&money).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
        }
    }

    /// All that Shopify's `CurrencyCode` had in version 2026-10, and what only looks like a code.
    #[test]
    fn every_currency_of_shopify_is_read_and_unknown_ones_have_two_decimal_places() {
        let codes = include_str!("../tests/fixtures/shopify-currencies-2026-10.txt").split_whitespace();
        assert_eq!(codes.clone().count(), 162);
        for code in codes {
            assert_eq!(code.parse::<CurrencyCode>().unwrap().to_string(), code);
        }
        for (code, decimals) in [
            ("USDC", 2),
            ("JEP", 2),
            ("STD", 2),
            ("VEF", 2),
            ("ANG", 2),
            ("JPY", 0),
            ("KWD", 3),
            ("CLF", 4),
            ("NEWCOIN", 2),
        ] {
            assert_eq!(code.parse::<CurrencyCode>().unwrap().decimals(), decimals, "{code}");
        }
        for code in ["", "EU", "eur", "EU R", "EUR\u{0}", "NINELETTR", "€UR"] {
            assert!(code.parse::<CurrencyCode>().is_err(), "{code}");
        }
    }

    #[test]
    fn currencies_never_mix() {
        let error =
            Money::parse("1", "EUR").unwrap().checked_add(Money::parse("1", "USD").unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "cannot add USD to EUR");
    }
}
