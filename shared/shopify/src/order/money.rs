//! Amounts as Shopify writes them: decimal text, in one place as a JSON string, in another as a number.

use comms::{CurrencyCode, InvalidMoney, Money};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::value::RawValue;

/// One amount in the shop's currency and in the one the customer saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(from = "Bag")]
pub struct MoneyBag {
    pub shop: Money,
    pub presentment: Money,
}

impl MoneyBag {
    pub fn zero(shop: CurrencyCode, presentment: CurrencyCode) -> Self {
        Self { shop: Money::zero(shop), presentment: Money::zero(presentment) }
    }

    /// # Errors
    /// When currencies differ or the sum is too large for a decimal.
    pub fn checked_add(self, other: Self) -> Result<Self, InvalidMoney> {
        Ok(Self {
            shop: self.shop.checked_add(other.shop)?,
            presentment: self.presentment.checked_add(other.presentment)?,
        })
    }

    /// # Errors
    /// When currencies differ or the difference is too large for a decimal.
    pub fn checked_sub(self, other: Self) -> Result<Self, InvalidMoney> {
        Ok(Self {
            shop: self.shop.checked_sub(other.shop)?,
            presentment: self.presentment.checked_sub(other.presentment)?,
        })
    }

    pub fn is_zero(&self) -> bool {
        self.shop.amount().is_zero() && self.presentment.amount().is_zero()
    }
}

/// An amount that an event may tell in the shop's currency only. The Admin API always knows both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct ShopAmount {
    pub shop: Money,
    /// What the customer saw.
    pub presentment: Option<Money>,
}

impl ShopAmount {
    /// The amount in both currencies, if both are known.
    pub fn both(self) -> Option<MoneyBag> {
        Some(MoneyBag { shop: self.shop, presentment: self.presentment? })
    }
}

impl From<MoneyBag> for ShopAmount {
    fn from(bag: MoneyBag) -> Self {
        Self { shop: bag.shop, presentment: Some(bag.presentment) }
    }
}

#[derive(Deserialize)]
struct Bag {
    #[serde(alias = "shopMoney")]
    shop_money: Price,
    #[serde(alias = "presentmentMoney")]
    presentment_money: Price,
}

/// An amount with its currency.
#[derive(Deserialize)]
pub(crate) struct Price {
    amount: Amount,
    #[serde(alias = "currencyCode")]
    currency_code: CurrencyCode,
}

impl From<Price> for Money {
    fn from(price: Price) -> Self {
        Self::new(price.amount.0, price.currency_code)
    }
}

impl From<Bag> for MoneyBag {
    fn from(bag: Bag) -> Self {
        Self { shop: bag.shop_money.into(), presentment: bag.presentment_money.into() }
    }
}

/// A decimal amount, exact: one with more digits than a decimal holds is refused, not rounded.
pub(super) struct Amount(pub Decimal);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = decimal_text(<&RawValue>::deserialize(deserializer)?);
        Decimal::from_str_exact(text).map(Self).map_err(D::Error::custom)
    }
}

/// A number that is not an amount, such as a tax rate: read from its text, rounded at the 28th digit.
pub(super) struct Number(pub Decimal);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = decimal_text(<&RawValue>::deserialize(deserializer)?);
        text.parse().or_else(|_| Decimal::from_scientific(text)).map(Self).map_err(D::Error::custom)
    }
}

/// The digits of a JSON number, or of a JSON string that holds one. A string with an escape is no number.
fn decimal_text(raw: &RawValue) -> &str {
    let text = raw.get();
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::decode;

    #[test]
    fn strings_and_numbers_keep_every_digit() {
        let bag = |shop: &str| {
            decode::<MoneyBag>(&format!(
                r#"{{"shop_money":{{"amount":{shop},"currency_code":"EUR"}},"presentmentMoney":{{"amount":"-1.5","currencyCode":"USD"}}}}"#
            ))
        };
        for (json, text) in [
            ("\"10.00\"", "10.00"),
            ("10.0", "10.00"),
            ("0.1", "0.10"),
            ("90071992547409.93", "90071992547409.93"),
        ] {
            assert_eq!(bag(json).unwrap().shop.amount_text(), text);
        }
        assert_eq!(bag("1").unwrap().presentment.to_string(), "-1.50 USD");
        for bad in ["\"\"", "\"1,0\"", "null", "true", "\"Ann\""] {
            let error = bag(bad).unwrap_err().to_string();
            assert_eq!(error, "`shop_money.amount` has an unexpected type or value", "{bad}");
        }
    }

    #[test]
    fn rates_may_be_written_with_an_exponent() {
        for (json, text) in [
            ("0.0875", "0.0875"),
            ("8.75e-2", "0.0875"),
            ("\"0.2\"", "0.2"),
            ("0.20000000000000001110223024625157", "0.2000000000000000111022302463"),
        ] {
            assert_eq!(decode::<Number>(json).unwrap().0.to_string(), text);
        }
    }
}
