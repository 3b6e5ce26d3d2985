//! What a letter says, drawn from the driver data of any document with an order.
//!
//! Presentation only: amounts come from the driver data as they are and nothing is computed, so the page
//! shows the sender's mistakes too. A missing field leaves its line out.

use super::{
    value::{at, items, scalar, text},
    words::{Words, spell_out},
};
use serde_json::Value;

/// The top of the first page of any document.
#[derive(Debug)]
pub(super) struct Head {
    pub words: &'static Words,
    pub brand: String,
    /// The shop's line in the footer and above the address.
    pub sender: String,
    /// The communication the page is from, small in the footer.
    pub reference: String,
    pub title: String,
    /// The name of what the document is about.
    pub order: String,
    pub facts: Vec<(String, String)>,
    pub recipient: Vec<String>,
    pub delivery: Vec<String>,
}

impl Head {
    /// The title with what it is about.
    pub fn full_title(&self) -> String {
        format!("{} {}", self.title, self.order).trim_end().to_owned()
    }
}

#[derive(Debug)]
pub(super) struct Letter {
    pub head: Head,
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
    /// `None` for driver data without an order and for any document that is not an order's own.
    pub fn of(driver: &Value) -> Option<Self> {
        let order = at(driver, &["order"]).filter(|o| o.is_object())?;
        if text(driver, &["document"]).is_some_and(|name| !OWN.contains(&name.as_str())) {
            return None;
        }
        let words = Words::of(&text(driver, &["locale"]).unwrap_or_default());
        let (brand, sender) = brand_and_sender(driver);
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
        let head = Head {
            words,
            brand,
            sender: sender.join(" · "),
            reference: text(driver, &["communication"]).unwrap_or_default(),
            title: words.title(&text(driver, &["document"]).unwrap_or_else(|| "document".to_owned())),
            order: text(order, &["name"]).or_else(|| text(order, &["id"])).unwrap_or_default(),
            facts: facts(driver, order, words),
            recipient,
            delivery,
        };
        Some(Self {
            head,
            salutation: format!("{dear}, {}", words.thanks),
            rows: items(driver, &["lines"]).into_iter().map(|line| row(line, words)).collect(),
            totals: totals(driver, words),
            notes: notes(order, words),
        })
    }
}

/// Documents that are an order's own; every other one is a report.
const OWN: [&str; 2] = ["order-confirmation", "receipt"];

/// The brand, and the names that stand for the sender.
pub(super) fn brand_and_sender(driver: &Value) -> (String, Vec<String>) {
    let shop = text(driver, &["shop", "name"]);
    let domain = text(driver, &["shop", "domain"]).or_else(|| text(driver, &["shop"]));
    let brand = text(driver, &["brand", "name"])
        .or_else(|| text(driver, &["brand"]))
        .or_else(|| shop.clone())
        .or_else(|| domain.clone())
        .unwrap_or_default();
    let mut sender = vec![brand.clone()];
    sender.extend([shop, domain].into_iter().flatten().filter(|part| *part != brand));
    (brand, sender)
}

fn facts(driver: &Value, order: &Value, words: &Words) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut fact = |label: &str, value: Option<String>| {
        facts.extend(value.map(|value| (label.to_owned(), value)));
    };
    fact(words.order, text(order, &["name"]));
    fact(words.order_date, text(order, &["date"]).map(|date| words.day(&date)));
    fact(words.reference, text(order, &["po_number"]));
    fact(words.email, text(driver, &["customer", "email"]));
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
    at(driver, &[key]).map(address_lines).unwrap_or_default()
}

/// An address as it stands on an envelope.
pub(super) fn address_lines(address: &Value) -> Vec<String> {
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

pub(super) fn is_zero(money: &Value) -> bool {
    let amount = text(money, &["amount"]).or_else(|| scalar(money)).unwrap_or_default();
    amount.bytes().all(|b| matches!(b, b'0' | b'.' | b'-'))
}
