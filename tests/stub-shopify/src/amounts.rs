//! Amounts of a REST document in GraphQL's shape: both moneys, decimals as text, no float in between.

use rust_decimal::Decimal;
use serde_json::{Value, json};

pub(crate) fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

/// `10.00` as `10.0`: Shopify drops trailing zeros and keeps one decimal place.
pub(crate) fn amount_text(amount: Decimal) -> String {
    let mut amount = amount.normalize();
    if amount.scale() == 0 {
        amount.rescale(1);
    }
    amount.to_string()
}

pub(crate) struct Currencies {
    pub shop: String,
    pub presentment: String,
}

impl Currencies {
    pub fn of(rest: &Value) -> Self {
        let shop = rest["currency"].as_str().unwrap_or("EUR").to_owned();
        let presentment = rest["presentment_currency"].as_str().unwrap_or(&shop).to_owned();
        Self { shop, presentment }
    }

    /// `<key>_set`, or the bare `<key>` as both moneys, or zero.
    pub fn set(&self, rest: &Value, key: &str) -> Value {
        let both = &rest[format!("{key}_set")];
        if both.is_object() {
            return self.maybe(both);
        }
        let amount = amount_text(number(&rest[key]).unwrap_or_default());
        json!({
            "shopMoney": {"amount": amount, "currencyCode": self.shop},
            "presentmentMoney": {"amount": amount, "currencyCode": self.presentment},
        })
    }

    pub fn zero(&self) -> Value {
        self.set(&Value::Null, "")
    }

    pub fn maybe(&self, both: &Value) -> Value {
        let side = |key: &str, currency: &str| {
            let amount = number(&both[key]["amount"]).unwrap_or_default();
            let code = both[key]["currency_code"].as_str().unwrap_or(currency);
            json!({"amount": amount_text(amount), "currencyCode": code})
        };
        if !both.is_object() {
            return Value::Null;
        }
        json!({
            "shopMoney": side("shop_money", &self.shop),
            "presentmentMoney": side("presentment_money", &self.presentment),
        })
    }
}

const SIDES: [&str; 2] = ["shopMoney", "presentmentMoney"];

pub(crate) fn map_money(set: &Value, change: impl Fn(Decimal) -> Decimal) -> Value {
    let mut out = set.clone();
    for side in SIDES {
        let amount = number(&set[side]["amount"]).unwrap_or_default();
        out[side]["amount"] = json!(amount_text(change(amount)));
    }
    out
}

pub(crate) fn subtract(left: &Value, right: &Value) -> Value {
    let mut out = left.clone();
    for side in SIDES {
        let of = |set: &Value| number(&set[side]["amount"]).unwrap_or_default();
        out[side]["amount"] = json!(amount_text(of(left) - of(right)));
    }
    out
}
