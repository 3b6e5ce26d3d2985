//! What a letter says, drawn from the driver data of any document with an order.
//!
//! Presentation only: amounts come from the driver data as they are and nothing is computed, so the page
//! shows the sender's mistakes too. A missing field leaves its line out.

use super::{
    value::{at, items, scalar, text},
    words::{Words, spell_out},
};
use serde_json::Value;

#[derive(Debug)]
pub(super) struct Letter {
    pub words: &'static Words,
    pub brand: String,
    /// The shop's line in the footer and above the address.
    pub sender: String,
    pub title: String,
    pub order: String,
    pub facts: Vec<(String, String)>,
    pub recipient: Vec<String>,
    pub delivery: Vec<String>,
    pub salutation: String,
    pub rows: Vec<Row>,
    pub totals: Vec<Total>,
    pub notes: Vec<(String, String)>,
}

#[derive(Debug)]
pub(super) struct Row {
    pub title: String,
    pub details: Vec<String>,
    pub sku: String,
    pub quantity: String,
    pub unit_price: String,
    pub amount: String,
}

#[derive(Debug)]
pub(super) struct Total {
    pub label: String,
    pub value: String,
    pub strong: bool,
}

impl Letter {
    /// `None` for driver data without an order.
    pub fn of(driver: &Value) -> Option<Self> {
        let order = at(driver, &["order"]).filter(|o| o.is_object())?;
        let words = Words::of(&text(driver, &["locale"]).unwrap_or_default());
        let shop = text(driver, &["shop", "name"]);
        let domain = text(driver, &["shop", "domain"]).or_else(|| text(driver, &["shop"]));
        let brand = text(driver, &["brand", "name"])
            .or_else(|| text(driver, &["brand"]))
            .or_else(|| shop.clone())
            .or_else(|| domain.clone())
            .unwrap_or_default();
        let mut sender = vec![brand.clone()];
        sender.extend([shop, domain].into_iter().flatten().filter(|part| *part != brand));
        let billing = address(driver, "billing_address");
        let shipping = address(driver, "shipping_address");
        let customer = text(driver, &["customer", "name"]);
        let recipient = if !billing.is_empty() {
            billing.clone()
        } else if !shipping.is_empty() {
            shipping.clone()
        } else {
            [customer.clone(), text(driver, &["customer", "email"])].into_iter().flatten().collect()
        };
        let delivery = if shipping == recipient && !shipping.is_empty() {
            vec![words.same_address.to_owned()]
        } else {
            shipping
        };
        let dear = customer.map_or_else(|| words.dear.to_owned(), |name| format!("{} {name}", words.dear));
        Some(Self {
            words,
            brand,
            sender: sender.join(" · "),
            title: words.title(&text(driver, &["document"]).unwrap_or_else(|| "document".to_owned())),
            order: text(order, &["name"]).or_else(|| text(order, &["id"])).unwrap_or_default(),
            facts: facts(driver, order, words),
            recipient,
            delivery,
            salutation: format!("{dear}, {}", words.thanks),
            rows: items(driver, &["lines"]).into_iter().map(|line| row(line, words)).collect(),
            totals: totals(driver, words),
            notes: notes(order, words),
        })
    }
}

fn facts(driver: &Value, order: &Value, words: &Words) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut fact = |label: &str, value: Option<String>| {
        facts.extend(value.map(|value| (label.to_owned(), value)));
    };
    fact(words.order, text(order, &["name"]));
    fact(words.date, text(order, &["date"]).map(|date| words.day(&date)));
    fact(words.reference, text(order, &["po_number"]));
    fact(words.customer, text(driver, &["customer", "email"]));
    fact(words.payment, text(order, &["payment_status"]).map(|status| words.status(&status)));
    let methods: Vec<_> = items(order, &["payment_methods"])
        .into_iter()
        .filter_map(scalar)
        .map(|method| if method.contains([' ', '•']) { method } else { spell_out(&method) })
        .collect();
    fact(words.method, (!methods.is_empty()).then(|| methods.join(", ")));
    facts
}

fn address(driver: &Value, key: &str) -> Vec<String> {
    let Some(address) = at(driver, &[key]) else { return Vec::new() };
    let mut lines: Vec<String> =
        [text(address, &["company"]), text(address, &["name"])].into_iter().flatten().collect();
    lines.extend(items(address, &["lines"]).into_iter().filter_map(scalar).filter(|l| !l.trim().is_empty()));
    let place: Vec<_> =
        [text(address, &["postal_code"]), text(address, &["city"]), text(address, &["region"])]
            .into_iter()
            .flatten()
            .collect();
    lines.extend((!place.is_empty()).then(|| place.join(" ")));
    lines.extend(text(address, &["country"]));
    lines
}

fn row(line: &Value, words: &Words) -> Row {
    let money = |key: &str| at(line, &[key]).and_then(|m| words.money(m)).unwrap_or_default();
    let mut details: Vec<String> = text(line, &["variant"]).into_iter().collect();
    for property in items(line, &["properties"]) {
        if let (Some(name), Some(value)) = (text(property, &["name"]), text(property, &["value"])) {
            details.push(format!("{name}: {value}"));
        }
    }
    if let Some(discount) = at(line, &["discount"]).filter(|d| !is_zero(d)).and_then(|d| words.money(d)) {
        details.push(format!("{}: -{discount}", words.discount));
    }
    Row {
        title: text(line, &["title"]).unwrap_or_default(),
        details,
        sku: text(line, &["sku"]).unwrap_or_default(),
        quantity: text(line, &["quantity"]).unwrap_or_default(),
        unit_price: money("unit_price"),
        amount: money("total"),
    }
}

fn totals(driver: &Value, words: &Words) -> Vec<Total> {
    let mut list = Vec::new();
    let mut add = |label: String, value: Option<String>, strong: bool| {
        list.extend(value.map(|value| Total { label, value, strong }));
    };
    let total = |key: &str| at(driver, &["totals", key]);
    let plain = |key: &str| total(key).and_then(|m| words.money(m));
    let positive = |key: &str| total(key).filter(|m| !is_zero(m)).and_then(|m| words.money(m));
    // the subtotal of an order is what remains after its discounts
    add(words.discount.to_owned(), positive("discounts").map(|m| format!("-{m}")), false);
    add(words.subtotal.to_owned(), plain("subtotal"), false);
    let shipping = items(driver, &["shipping"]);
    for line in &shipping {
        let label = text(line, &["title"])
            .map_or_else(|| words.shipping.to_owned(), |title| format!("{} – {title}", words.shipping));
        add(label, at(line, &["amount"]).and_then(|m| words.money(m)), false);
    }
    if shipping.is_empty() {
        add(words.shipping.to_owned(), plain("shipping"), false);
    }
    let taxes = items(driver, &["taxes"]);
    for tax in &taxes {
        let title = text(tax, &["title"]).unwrap_or_else(|| words.tax.to_owned());
        let rate = text(tax, &["rate_percent"]).map(|rate| format!(" {}", words.percent(&rate)));
        add(title + &rate.unwrap_or_default(), at(tax, &["amount"]).and_then(|m| words.money(m)), false);
    }
    if taxes.is_empty() {
        add(words.tax.to_owned(), positive("tax"), false);
    }
    add(words.tip.to_owned(), positive("tip"), false);
    add(words.total.to_owned(), plain("total"), true);
    add(words.paid.to_owned(), positive("paid"), false);
    add(words.outstanding.to_owned(), positive("outstanding"), true);
    list
}

fn notes(order: &Value, words: &Words) -> Vec<(String, String)> {
    text(order, &["note"]).map(|note| (words.note.to_owned(), note)).into_iter().collect()
}

fn is_zero(money: &Value) -> bool {
    let amount = text(money, &["amount"]).or_else(|| scalar(money)).unwrap_or_default();
    amount.bytes().all(|b| matches!(b, b'0' | b'.' | b'-'))
}

/// Any JSON as an indented listing: depth, key, value. Containers have an empty value.
pub(super) fn listing(value: &Value) -> Vec<(usize, String, String)> {
    let mut lines = Vec::new();
    list(value, 0, &mut lines);
    lines
}

fn list(value: &Value, depth: usize, lines: &mut Vec<(usize, String, String)>) {
    let mut entry = |key: String, inner: &Value| match inner {
        Value::Object(_) | Value::Array(_) => {
            lines.push((depth, key, String::new()));
            list(inner, depth + 1, lines);
        }
        leaf => lines.push((depth, key, scalar(leaf).unwrap_or_else(|| "–".to_owned()))),
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, inner)| entry(key.clone(), inner)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, inner)| entry(format!("{}.", index + 1), inner));
        }
        leaf => lines.push((depth, String::new(), scalar(leaf).unwrap_or_default())),
    }
}
