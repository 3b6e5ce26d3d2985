//! The foot of an order's own letter: what adds up to the total, what of the total is tax, and how it was paid.
//!
//! Shows the driver data's amounts and computes none, so that the page shows a sender's mistakes, too.

use super::{
    cells::is_money,
    letter::{Total, is_zero, method_of, minus},
    value::{at, items, text},
    words::Words,
};
use serde_json::Value;

/// Sums that come after the total, in `totals` or in `payment`.
const AFTER: [&str; 15] = [
    "total_in_shop_currency",
    "paid",
    "received",
    "authorized",
    "capturable",
    "captured",
    "refunded",
    "refundable",
    "change",
    "due",
    "balance",
    "outstanding",
    "net",
    "owed",
    "to_pay",
];
/// Shown where the list it sums up is.
const LISTED: [&str; 4] = ["total", "shipping", "tax", "tip"];
/// Deductions that the data may show without a sign.
const DEDUCTIONS: [&str; 3] = ["discounts", "discount", "shipping_discounts"];

pub(super) fn of(driver: &Value, words: &Words) -> Vec<Total> {
    let mut list = Vec::new();
    let sums = at(driver, &["totals"]).and_then(Value::as_object);
    let has = |key: &str| sums.and_then(|sums| sums.get(key)).filter(|value| !value.is_null());
    let plain = |key: &str| has(key).and_then(|value| words.money(value));
    let mut add = |label: String, value: Option<String>, strong: bool, small: bool| {
        list.extend(value.map(|value| Total { label, value, strong, small }));
    };
    let discounts: Vec<&Value> = items(driver, &["discounts"]);
    for (key, value) in sums.into_iter().flatten() {
        if AFTER.contains(&key.as_str()) || LISTED.contains(&key.as_str()) {
            continue;
        }
        let deducted =
            DEDUCTIONS.contains(&key.as_str()) || key.ends_with("_discount") || key.ends_with("_discounts");
        if deducted && key.starts_with("discount") && !discounts.is_empty() {
            // by their names, below
            continue;
        }
        for value in list_or_one(value) {
            let amount = if is_money(value) { Some(value) } else { at(value, &["amount"]) };
            let Some(amount) = amount.filter(|amount| key == "subtotal" || !is_zero(amount)) else {
                continue;
            };
            let label = ["title", "name"]
                .iter()
                .find_map(|key| text(value, &[key]))
                .unwrap_or_else(|| words.label(key));
            let shown = words.money(amount).map(|shown| if deducted { minus(&shown) } else { shown });
            add(label, shown, false, false);
        }
    }
    for one in &discounts {
        let amount =
            at(one, &["amount"]).filter(|amount| !is_zero(amount)).and_then(|amount| words.money(amount));
        add(discount_name(one, words), amount.map(|shown| minus(&shown)), false, false);
    }
    for (label, value) in
        shipping(driver, words).unwrap_or_else(|| vec![(words.shipping.to_owned(), plain("shipping"))])
    {
        add(label, value, false, false);
    }
    let included = text(driver, &["order", "taxes_included"]).is_some_and(|flag| flag == "true");
    let taxes = taxes(driver, words);
    if !included {
        taxes.iter().for_each(|(label, value)| add(label.clone(), Some(value.clone()), false, false));
    }
    add(words.tip.to_owned(), has("tip").filter(|m| !is_zero(m)).and_then(|m| words.money(m)), false, false);
    add(words.total.to_owned(), plain("total"), true, false);
    if included {
        for (label, value) in taxes {
            add(words.including(&label), Some(value), false, true);
        }
    }
    let currency = |key: &str| has(key).and_then(|money| text(money, &["currency"]));
    if currency("total_in_shop_currency") != currency("total") {
        add(words.label("total_in_shop_currency"), plain("total_in_shop_currency"), false, true);
    }
    paid(driver, words, &mut list);
    list
}

fn list_or_one(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |list| list.iter().collect())
}

/// Each way of shipping with its price, and what was taken off; `None` where the data lists none.
fn shipping(driver: &Value, words: &Words) -> Option<Vec<(String, Option<String>)>> {
    let lines = items(driver, &["shipping"]);
    let mut shown = Vec::new();
    for line in &lines {
        let label = text(line, &["title"]);
        let label =
            label.map_or_else(|| words.shipping.to_owned(), |title| format!("{} – {title}", words.shipping));
        let price = ["price", "amount", "total"].iter().find_map(|key| at(line, &[key]));
        shown.push((label, price.and_then(|m| words.money(m))));
        let discounts = items(line, &["discounts"]);
        for one in &discounts {
            let amount =
                at(one, &["amount"]).filter(|amount| !is_zero(amount)).and_then(|amount| words.money(amount));
            shown.push((discount_name(one, words), amount.map(|shown| minus(&shown))));
        }
        let discount = at(line, &["discount"]).filter(|m| discounts.is_empty() && !is_zero(m));
        let discount = discount.and_then(|m| words.money(m)).map(|m| minus(&m));
        shown.push((words.label("shipping_discount"), discount));
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
pub(super) fn payments(driver: &Value) -> Vec<&Value> {
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
    for key in AFTER.into_iter().skip(1) {
        let Some(value) = sum(key) else { continue };
        // what is authorized is charged later: nobody has to pay it
        let owed = matches!(key, "outstanding" | "due" | "balance" | "owed" | "to_pay");
        let Some(shown) = words.money(value) else { continue };
        let label = words.label(key);
        if said.contains(&label) || owed && authorized && status.eq_ignore_ascii_case("authorized") {
            continue;
        }
        list.push(Total { label: label.clone(), value: shown, strong: owed, small: false });
        said.push(label);
    }
}

fn discount_name(discount: &Value, words: &Words) -> String {
    let name = ["name", "title", "code"].iter().find_map(|key| text(discount, &[key]));
    name.map_or_else(|| words.discount.to_owned(), |name| format!("{} {name}", words.discount))
}

/// A discount of a line, on one line of text.
pub(super) fn discount(discount: &Value, words: &Words) -> Option<String> {
    let amount =
        at(discount, &["amount"]).filter(|amount| !is_zero(amount)).and_then(|amount| words.money(amount))?;
    Some(format!("{}: {}", discount_name(discount, words), minus(&amount)))
}
