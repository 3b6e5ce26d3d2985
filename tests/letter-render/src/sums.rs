//! The foot of an order's own letter: what adds up to the total, what of the total is tax, and how it was paid.
//!
//! Shows the driver data's amounts and computes none, so that the page shows a sender's mistakes, too.

use crate::{
    languages::Words,
    shapes::{is_money, is_zero, method_of, minus},
    totals::Total,
    value::{at, items, scalar, text},
};
use serde_json::Value;

/// Sums that come after the total, in `totals` or in `payment`.
const AFTER: [&str; 14] = [
    "paid",
    "received",
    "authorized",
    "capturable",
    "captured",
    "refunded",
    "refundable",
    "change",
    "credit",
    "due",
    "balance",
    "outstanding",
    "owed",
    "to_pay",
];
/// Parts of `totals` that have a place of their own.
const ELSEWHERE: [&str; 6] = ["subtotal", "discounts", "shipping", "shipping_discounts", "tax", "total"];

pub(crate) fn of(driver: &Value, words: &Words) -> Vec<Total> {
    let mut list = Vec::new();
    let sums = at(driver, &["totals"]).and_then(Value::as_object);
    let has = |key: &str| sums.and_then(|sums| sums.get(key)).filter(|value| !value.is_null());
    let plain = |key: &str| has(key).and_then(|value| words.money(value));
    row(&mut list, words.subtotal.to_owned(), plain("subtotal"), Kind::Plain);
    for (name, amount) in taken_off(driver, words) {
        row(&mut list, words.after(&words.inside(&name)), Some(amount), Kind::Small);
    }
    let shipping = shipping(driver, words);
    for (label, value) in shipping.unwrap_or_else(|| vec![(words.shipping.to_owned(), plain("shipping"))]) {
        row(&mut list, label, value, Kind::Plain);
    }
    let fees = ["additional_fees", "fees"].into_iter().find(|key| !items(driver, &[key]).is_empty());
    for fee in fees.map(|key| items(driver, &[key])).unwrap_or_default() {
        part(&mut list, "fee", fee, words);
    }
    for (key, value) in sums.into_iter().flatten() {
        let listed = fees.is_some() && matches!(key.as_str(), "additional_fees" | "fees");
        if !(listed
            || AFTER.contains(&key.as_str())
            || ELSEWHERE.contains(&key.as_str())
            || key.ends_with("_in_shop_currency"))
        {
            let parts = value.as_array().map_or_else(|| vec![value], |parts| parts.iter().collect());
            parts.into_iter().for_each(|value| part(&mut list, key, value, words));
        }
    }
    let included = text(driver, &["order", "taxes_included"]).is_some_and(|flag| flag == "true");
    let taxes = taxes(driver, words);
    if !included {
        taxes
            .iter()
            .for_each(|(label, value)| row(&mut list, label.clone(), Some(value.clone()), Kind::Plain));
    }
    row(&mut list, words.total.to_owned(), plain("total"), Kind::Strong);
    if included {
        taxes
            .into_iter()
            .for_each(|(label, value)| row(&mut list, words.including(&label), Some(value), Kind::Small));
    }
    in_shop_currency(driver, "total", words, &mut list);
    paid(driver, words, &mut list);
    list
}

#[derive(PartialEq)]
enum Kind {
    Plain,
    Strong,
    /// Explains the row above it.
    Small,
}

fn row(list: &mut Vec<Total>, label: String, value: Option<String>, kind: Kind) {
    let (strong, small) = (kind == Kind::Strong, kind == Kind::Small);
    list.extend(value.map(|value| Total { label, value, strong, small }));
}

/// A part of the total by its own name, if it has one. What is zero is left out.
fn part(list: &mut Vec<Total>, key: &str, value: &Value, words: &Words) {
    let amount = if is_money(value) { Some(value) } else { at(value, &["amount"]) };
    let shown = amount.filter(|amount| !is_zero(amount)).and_then(|amount| words.money(amount));
    let name = ["title", "name"].iter().find_map(|key| text(value, &[key]));
    row(list, name.unwrap_or_else(|| words.label(key)), shown, Kind::Plain);
}

/// What discounts took off the lines, by name where the data has names; the subtotal is without it already.
fn taken_off(driver: &Value, words: &Words) -> Vec<(String, String)> {
    let of_lines = |one: &&Value| text(one, &["applies_to"]).is_none_or(|what| what != "shipping");
    let named: Vec<_> = items(driver, &["discounts"]).into_iter().filter(of_lines).collect();
    let shown = named.iter().filter_map(|one| Some((discount_name(one, words), amount_off(one, words)?)));
    let shown: Vec<_> = shown.collect();
    if !shown.is_empty() {
        return shown;
    }
    let sum =
        at(driver, &["totals", "discounts"]).filter(|sum| !is_zero(sum)).and_then(|sum| words.money(sum));
    let codes: Vec<String> = items(driver, &["discount_codes"])
        .into_iter()
        .filter_map(|it| text(it, &["code"]).or_else(|| scalar(it)))
        .collect();
    let name = format!("{} {}", words.discount, codes.join(", "));
    sum.map(|sum| (name.trim_end().to_owned(), minus(&sum))).into_iter().collect()
}

fn amount_off(discount: &Value, words: &Words) -> Option<String> {
    let amount = at(discount, &["amount"]).filter(|amount| !is_zero(amount))?;
    words.money(amount).map(|shown| minus(&shown))
}

/// An amount in the shop's currency, where that is another one.
fn in_shop_currency(driver: &Value, key: &str, words: &Words, list: &mut Vec<Total>) {
    let other = format!("{key}_in_shop_currency");
    let find = |key: &str| ["totals", "payment"].into_iter().find_map(|owner| at(driver, &[owner, key]));
    let currency = |key: &str| find(key).and_then(|money| text(money, &["currency"]));
    if currency(&other) != currency(key) {
        row(list, words.label(&other), find(&other).and_then(|money| words.money(money)), Kind::Small);
    }
}

/// Each way of shipping with its price, and what was taken off; `None` where the data lists none.
fn shipping(driver: &Value, words: &Words) -> Option<Vec<(String, Option<String>)>> {
    let lines = items(driver, &["shipping"]);
    let of_shipping = |one: &&Value| text(one, &["applies_to"]).is_some_and(|what| what == "shipping");
    let named = items(driver, &["discounts"]).into_iter().find(of_shipping);
    let label = words.label("shipping_discount");
    let name =
        named.and_then(|one| text(one, &["name"])).map(|name| format!("{label} {name}")).unwrap_or(label);
    let mut shown = Vec::new();
    for line in &lines {
        let label = text(line, &["title"]);
        let label =
            label.map_or_else(|| words.shipping.to_owned(), |title| format!("{} – {title}", words.shipping));
        let price = ["price", "amount", "total"].iter().find_map(|key| at(line, &[key]));
        shown.push((label, price.and_then(|m| words.money(m))));
        let discounts = items(line, &["discounts"]);
        shown.extend(discounts.iter().map(|one| (discount_name(one, words), amount_off(one, words))));
        let discount = at(line, &["discount"]).filter(|m| discounts.is_empty() && !is_zero(m));
        shown.push((name.clone(), discount.and_then(|m| words.money(m)).map(|m| minus(&m))));
    }
    (!lines.is_empty()).then_some(shown)
}

fn taxes(driver: &Value, words: &Words) -> Vec<(String, String)> {
    let taxes = items(driver, &["taxes"]);
    let shown = taxes.iter().filter_map(|tax| {
        let title = text(tax, &["title"]).unwrap_or_else(|| words.tax.to_owned());
        let rate = text(tax, &["rate_percent"]).map(|rate| format!(" {}", words.percent(&rate)));
        Some((title + &rate.unwrap_or_default(), words.money(at(tax, &["amount"])?)?))
    });
    let listed: Vec<_> = shown.collect();
    if !listed.is_empty() {
        return listed;
    }
    let sum = at(driver, &["totals", "tax"]).filter(|tax| !is_zero(tax)).and_then(|tax| words.money(tax));
    sum.map(|tax| (words.tax.to_owned(), tax)).into_iter().collect()
}

/// The list of payments, wherever the document keeps it.
pub(crate) fn payments(driver: &Value) -> Vec<&Value> {
    let lists = [items(driver, &["payment", "payments"]), items(driver, &["payments"])];
    lists.into_iter().find(|list| !list.is_empty()).unwrap_or_default()
}

/// Each payment, then what was received, what is only authorized and what remains.
fn paid(driver: &Value, words: &Words, list: &mut Vec<Total>) {
    for payment in payments(driver) {
        let Some(amount) = at(payment, &["amount"]).and_then(|amount| words.money(amount)) else { continue };
        let method = method_of(payment, words).unwrap_or_else(|| words.label("payment"));
        let day = text(payment, &["date_on"]).or_else(|| text(payment, &["date"])).map(|day| words.day(&day));
        let label = day.map_or_else(|| method.clone(), |day| format!("{method}, {day}"));
        list.push(Total { label, value: amount, strong: false, small: false });
    }
    let sum = |key: &str| {
        let found = [&["payment", key][..], &["totals", key], &["order", key]];
        found.into_iter().find_map(|path| at(driver, path)).filter(|value| is_money(value) && !is_zero(value))
    };
    let status = text(driver, &["order", "payment_status"]).unwrap_or_default();
    let authorized = status.eq_ignore_ascii_case("authorized")
        || sum("authorized").or_else(|| sum("capturable")).is_some();
    let mut said = Vec::new();
    for key in AFTER {
        let Some(value) = sum(key) else { continue };
        // what is authorized is charged later: nobody has to pay it
        let owed = matches!(key, "outstanding" | "due" | "balance" | "owed" | "to_pay");
        let Some(shown) = words.money(value) else { continue };
        let label = words.label(key);
        if said.contains(&label) || owed && authorized && status.eq_ignore_ascii_case("authorized") {
            continue;
        }
        list.push(Total { label: label.clone(), value: shown, strong: owed, small: false });
        in_shop_currency(driver, key, words, list);
        said.push(label);
    }
}

fn discount_name(discount: &Value, words: &Words) -> String {
    let name = ["name", "title", "code"].iter().find_map(|key| text(discount, &[key]));
    name.map_or_else(|| words.discount.to_owned(), |name| format!("{} {name}", words.discount))
}

/// A discount of a line, on one line of text.
pub(crate) fn discount(discount: &Value, words: &Words) -> Option<String> {
    Some(format!("{}: {}", discount_name(discount, words), amount_off(discount, words)?))
}
