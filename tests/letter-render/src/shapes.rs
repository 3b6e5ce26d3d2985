//! The shapes that driver data has everywhere: money, addresses, periods, ways to pay.

use crate::{
    languages::Words,
    value::{items, scalar, text},
};
use serde_json::{Map, Value};

/// Sums that a page shows even if they are zero.
pub(crate) const SUMS: [&str; 8] =
    ["total", "outstanding", "closing_balance", "opening_balance", "balance", "amount_due", "amount", "net"];

pub(crate) fn is_list(value: &Value) -> bool {
    value.as_array().is_some_and(|items| items.iter().any(Value::is_object))
}

pub(crate) fn is_money(value: &Value) -> bool {
    value.as_object().is_some_and(|object| {
        object.get("amount").is_some_and(|amount| !amount.is_object())
            && object.keys().all(|key| matches!(key.as_str(), "amount" | "currency" | "currency_code"))
    })
}

pub(crate) fn is_zero(money: &Value) -> bool {
    let amount = text(money, &["amount"]).or_else(|| scalar(money)).unwrap_or_default();
    amount.bytes().all(|b| matches!(b, b'0' | b'.' | b'-'))
}

/// An amount that is taken off.
pub(crate) fn minus(shown: &str) -> String {
    match shown.strip_prefix('\u{2066}') {
        Some(rest) if !rest.starts_with('-') => format!("\u{2066}-{rest}"),
        None if !shown.starts_with('-') => format!("-{shown}"),
        _ => shown.to_owned(),
    }
}

/// Money or a number that is zero.
pub(crate) fn is_nothing(value: &Value) -> bool {
    (is_money(value) && is_zero(value)) || value.as_i64() == Some(0)
}

/// Whether the numbers of all items are zero, as in the ageing of an account that owes nothing.
pub(crate) fn all_nothing(items: &[Value]) -> bool {
    let numbers = |item: &Value| {
        let values = item.as_object().into_iter().flat_map(Map::values);
        values.filter(|value| value.is_number() || is_money(value)).map(is_nothing).collect::<Vec<_>>()
    };
    items.iter().map(numbers).all(|numbers| !numbers.is_empty() && numbers.into_iter().all(|nothing| nothing))
}

/// Whether a text is a month, a date or a time and nothing else.
pub(crate) fn is_moment(text: &str) -> bool {
    let shape = |text: &str| {
        let digits = text
            .bytes()
            .enumerate()
            .all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() });
        digits && matches!(text.len(), 7 | 10)
    };
    shape(text) || (text.as_bytes().get(10) == Some(&b'T') && text.parse::<jiff::Timestamp>().is_ok())
}

pub(crate) fn is_period(value: &Value) -> bool {
    let day = |key| value.get(key).and_then(Value::as_str).is_some_and(is_moment);
    day("from") && day("to") && value.as_object().is_some_and(|object| object.len() <= 3)
}

pub(crate) fn is_address(value: &Value) -> bool {
    let scalars = |lines: &Value| lines.as_array().is_some_and(|l| l.iter().all(|line| !line.is_object()));
    value.is_object()
        && (value.get("lines").is_some_and(scalars)
            || value.get("line1").is_some()
            || value.get("city").is_some()
            || value.get("postal_code").is_some())
}

/// An address as it stands on an envelope.
pub(crate) fn address_lines(address: &Value) -> Vec<String> {
    let mut lines: Vec<String> =
        [text(address, &["company"]), text(address, &["name"])].into_iter().flatten().collect();
    lines.extend(["line1", "line2"].into_iter().filter_map(|key| text(address, &[key])));
    lines.extend(items(address, &["lines"]).into_iter().filter_map(line_text));
    let place: Vec<_> =
        [text(address, &["postal_code"]), text(address, &["city"]), text(address, &["region"])]
            .into_iter()
            .flatten()
            .collect();
    lines.extend((!place.is_empty()).then(|| place.join(" ")));
    lines.extend(text(address, &["country"]));
    lines
}

/// A line of text, bare or as the only member of an object.
pub(crate) fn line_text(line: &Value) -> Option<String> {
    scalar(line).or_else(|| text(line, &["text"])).filter(|line| !line.trim().is_empty())
}

/// A way to pay, as people call it: `Visa •••• 4242`.
pub(crate) fn method_of(method: &Value, words: &Words) -> Option<String> {
    if let Some(method) = scalar(method) {
        return Some(if method.contains([' ', '•']) { method } else { words.status(&method) });
    }
    let own = |key: &str| text(method, &[key]);
    let kind = own("method").or_else(|| own("kind"));
    let plain = kind.as_deref().is_some_and(|kind| {
        matches!(kind, "gift-card" | "gift_card" | "store-credit" | "store_credit" | "cash")
    });
    let kind = kind.map(|kind| words.status(&kind));
    let called =
        ["name", "card_company", "method_name", "gateway_name", "gateway"].iter().find_map(|key| own(key));
    let called = if plain { kind } else { called.or(kind) };
    let digits =
        own("last_digits").or_else(|| own("card_last_digits")).map(|digits| format!("•••• {digits}"));
    let parts: Vec<String> = called.into_iter().chain(digits).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}
