//! What a letter says, drawn from the driver data of any document with an order.
//!
//! Presentation only: amounts come from the driver data as they are and nothing is computed, so the page
//! shows the sender's mistakes too. A missing field leaves its line out.

use crate::{
    head::{ENVELOPE, Head},
    languages::Words,
    section::{Section, members},
    shapes::{address_lines, is_zero, method_of, minus},
    sums,
    tidy::tidy,
    totals::Total,
    value::{at, items, text},
};
use serde_json::{Map, Value};

#[derive(Debug)]
pub(crate) struct Letter {
    pub head: Head,
    pub rows: Vec<Row>,
    pub totals: Vec<Total>,
    /// What a letter has no place of its own for.
    pub sections: Vec<Section>,
}

#[derive(Debug, Default)]
pub(crate) struct Row {
    pub title: String,
    pub details: Vec<String>,
    pub sku: String,
    pub quantity: String,
    pub unit_price: String,
    pub amount: String,
    /// The product's page and picture in the shop, for HTML.
    pub url: Option<String>,
    pub image: Option<String>,
    /// Stands below the bundle that it is a part of.
    pub part: bool,
}

/// Documents that are an order's own; every other one is a report.
const OWN: [&str; 2] = ["order-confirmation", "receipt"];

impl Letter {
    /// `None` for driver data without an order and for any document that is not an order's own.
    pub fn of(driver: &Value) -> Option<Self> {
        let order = at(driver, &["order"]).filter(|o| o.is_object())?;
        if text(driver, &["document"]).is_some_and(|name| !OWN.contains(&name.as_str())) {
            return None;
        }
        let words = Words::of(&text(driver, &["locale"]).unwrap_or_default());
        let billing = address(driver, "billing_address");
        let shipping = address(driver, "shipping_address");
        let recipient = if !billing.is_empty() {
            billing
        } else if !shipping.is_empty() {
            shipping.clone()
        } else {
            ["name", "email"].iter().filter_map(|key| text(driver, &["customer", key])).collect()
        };
        let delivery = if shipping == recipient && !shipping.is_empty() {
            vec![words.same_address.to_owned()]
        } else {
            shipping
        };
        let mut head = Head::of(driver, words);
        head.order = text(order, &["name"]).or_else(|| text(order, &["id"])).unwrap_or_default();
        head.facts = facts(driver, order, words);
        head.recipient = recipient;
        head.delivery = delivery;
        head.greeting = words.greeting(text(driver, &["customer", "name"]).as_deref());
        Some(Self {
            head,
            rows: rows(driver, words),
            totals: sums::of(driver, words),
            sections: rest(driver, words),
        })
    }
}

/// What is shown elsewhere on the letter.
const SHOWN: [&str; 15] = [
    "customer",
    "billing_address",
    "shipping_address",
    "lines",
    "items",
    "shipping",
    "taxes",
    "totals",
    "payment",
    "payments",
    "discounts",
    "discount_codes",
    "payment_terms",
    "additional_fees",
    "fees",
];
const SHOWN_OF_ORDER: [&str; 14] = [
    "id",
    "name",
    "date",
    "date_on",
    "currency",
    "shop_currency",
    "payment_status",
    "payment_methods",
    "taxes_included",
    "po_number",
    "status_url",
    "confirmation_number",
    "payment_terms",
    "note",
];

/// Fields that have no place of their own, then the note, then where the order is online.
fn rest(driver: &Value, words: &Words) -> Vec<Section> {
    let order = at(driver, &["order"]).cloned().unwrap_or_default();
    let keep = |value: &Value, shown: &[&str]| -> Map<String, Value> {
        let object = value.as_object().into_iter().flatten();
        object
            .filter(|(key, _)| !shown.contains(&key.as_str()))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect()
    };
    let mut body = keep(driver, &[&SHOWN[..], &ENVELOPE, &["order"]].concat());
    for (key, value) in keep(&order, &SHOWN_OF_ORDER) {
        body.entry(key).or_insert(value);
    }
    let terms =
        payment_terms(driver).map(|terms| keep(terms, &["name", "due_on", "due_date_on", "due_date"]));
    if let Some(terms) = terms.filter(|terms| !terms.is_empty()) {
        body.insert("payment_terms".to_owned(), Value::Object(terms));
    }
    let mut sections = Vec::new();
    if let Some(body) = tidy(&Value::Object(body)).as_object() {
        members(body, words, &mut sections, 0);
    }
    if let Some(note) = text(&order, &["note"]) {
        sections.push(Section::Note(words.note.to_owned(), note));
    }
    if let Some(url) = text(&order, &["status_url"]) {
        sections.extend([Section::Space, Section::Fields(vec![(words.label("status_url"), url)])]);
    }
    sections
}

fn facts(driver: &Value, order: &Value, words: &Words) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut fact = |label: &str, value: Option<String>| {
        facts.extend(value.map(|value| (label.to_owned(), value)));
    };
    fact(words.order, text(order, &["name"]));
    let date = text(order, &["date_on"]).or_else(|| text(order, &["date"]));
    fact(words.order_date, date.map(|date| words.day(&date)));
    fact(&words.label("confirmation_number"), text(order, &["confirmation_number"]));
    fact(words.reference, text(order, &["po_number"]));
    let terms = payment_terms(driver);
    let due = ["due_on", "due_date_on", "due_date"].iter().find_map(|key| text(terms?, &[key]));
    fact(&words.label("payment_terms"), terms.and_then(|terms| text(terms, &["name"])));
    fact(&words.label("due_date"), due.map(|day| words.day(&day)));
    let paid = text(driver, &["payment", "date_on"]).or_else(|| text(driver, &["payment", "date"]));
    fact(&words.label("paid_on"), paid.map(|day| words.day(&day)));
    fact(words.email, text(driver, &["customer", "email"]));
    fact(words.payment, text(order, &["payment_status"]).map(|status| words.status(&status)));
    // with their amounts they stand below the total
    if sums::payments(driver).is_empty() {
        let methods = items(order, &["payment_methods"]).into_iter().map(|method| method_of(method, words));
        let methods: Vec<String> = methods.flatten().collect();
        fact(words.method, (!methods.is_empty()).then(|| methods.join(", ")));
    }
    facts
}

fn payment_terms(driver: &Value) -> Option<&Value> {
    at(driver, &["order", "payment_terms"]).or_else(|| at(driver, &["payment_terms"]))
}

fn address(driver: &Value, key: &str) -> Vec<String> {
    at(driver, &[key]).map(address_lines).unwrap_or_default()
}

/// The lines of the order; parts of a bundle below a row with its name.
fn rows(driver: &Value, words: &Words) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut open = None;
    let lines = items(driver, &["lines"]);
    for line in if lines.is_empty() { items(driver, &["items"]) } else { lines } {
        let bundle = at(line, &["bundle"]);
        let id = bundle.and_then(|bundle| text(bundle, &["id"]).or_else(|| text(bundle, &["title"])));
        if let Some(bundle) = bundle.filter(|_| id.is_some() && id != open) {
            rows.push(Row {
                title: text(bundle, &["title"]).unwrap_or_default(),
                sku: text(bundle, &["sku"]).unwrap_or_default(),
                quantity: text(bundle, &["quantity"]).unwrap_or_default(),
                ..Row::default()
            });
        }
        rows.push(Row { part: id.is_some(), ..row(line, words) });
        open = id;
    }
    rows
}

fn row(line: &Value, words: &Words) -> Row {
    let money = |key: &str| at(line, &[key]).and_then(|m| words.money(m)).unwrap_or_default();
    let mut details: Vec<String> = text(line, &["variant"]).into_iter().collect();
    for property in items(line, &["properties"]) {
        if let (Some(name), Some(value)) = (text(property, &["name"]), text(property, &["value"])) {
            details.push(format!("{name}: \u{2068}{value}\u{2069}"));
        }
    }
    let named: Vec<String> =
        items(line, &["discounts"]).into_iter().filter_map(|it| sums::discount(it, words)).collect();
    if named.is_empty()
        && let Some(discount) = at(line, &["discount"]).filter(|d| !is_zero(d)).and_then(|d| words.money(d))
    {
        details.push(format!("{}: {}", words.discount, minus(&discount)));
    }
    details.extend(named);
    Row {
        title: text(line, &["title"]).unwrap_or_default(),
        details,
        sku: text(line, &["sku"]).unwrap_or_default(),
        quantity: text(line, &["quantity"]).unwrap_or_default(),
        unit_price: money("unit_price"),
        amount: money("total"),
        url: text(line, &["product_url"]).filter(|url| url.starts_with("https://")),
        image: text(line, &["image_url"]).filter(|url| url.starts_with("https://")),
        part: false,
    }
}
