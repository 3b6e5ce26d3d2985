//! What a page says for driver data of any shape: who it is for, the facts, then section after section.
//!
//! Presentation only, as in a letter: nothing is computed and nothing is known of the document but common
//! names (addresses, money, totals). Every value of the driver data is on the page, except identifiers of
//! other systems, flags that are not set and sums of zero that nobody asks for.

use crate::{
    cells::field,
    head::{ENVELOPE, Head},
    languages::Words,
    section::{Section, members},
    shapes::{address_lines, is_address, is_list, is_money},
    tidy::tidy,
    value::{scalar, text},
};
use serde_json::{Map, Value};

#[derive(Debug)]
pub(crate) struct Report {
    pub head: Head,
    pub sections: Vec<Section>,
}

const RECIPIENTS: [&str; 5] = ["recipient", "address", "billing_address", "shipping_address", "destination"];
const MAX_FACTS: usize = 12;

/// The longest text that stands beside its label at the top, and anywhere.
const SHORT: usize = 48;

impl Report {
    pub fn of(driver: &Value) -> Self {
        let words = Words::of(&text(driver, &["locale"]).unwrap_or_default());
        let empty = Map::new();
        let mut body = driver.as_object().unwrap_or(&empty).clone();
        ENVELOPE.iter().for_each(|key| _ = body.shift_remove(*key));
        let (recipient, name) = recipient(&mut body);
        let delivery = delivery(&mut body, &recipient, words);
        let order = subject(&mut body);
        let mut facts = facts_of_owners(&mut body, &recipient, words);
        let mut last = last(&mut body, words);
        let tidied = tidy(&Value::Object(body));
        let mut body = tidied.as_object().cloned().unwrap_or_default();
        short_facts(&mut body, &mut facts, words);
        let mut sections = Vec::new();
        members(&body, words, &mut sections, 0);
        if let (true, Some(list)) = (sections.is_empty(), driver.as_array()) {
            let entries: Map<String, Value> =
                list.iter().enumerate().map(|(i, v)| ((i + 1).to_string(), tidy(v))).collect();
            members(&entries, words, &mut sections, 0);
        }
        sections.append(&mut last);
        let mut head = Head::of(driver, words);
        head.order = order;
        head.facts = facts;
        head.recipient = recipient;
        head.delivery = delivery;
        head.greeting = words.greeting(name.as_deref());
        Self { head, sections }
    }
}

/// The lines of the address window, taken out of the body, and the name to greet.
fn recipient(body: &mut Map<String, Value>) -> (Vec<String>, Option<String>) {
    let customer = body.get("customer").cloned().unwrap_or_default();
    let named = RECIPIENTS.iter().find(|key| body.get(**key).is_some_and(is_address));
    let key = named.map(|key| (*key).to_owned());
    let lines = key.and_then(|key| body.shift_remove(&key)).map(|a| address_lines(&a)).unwrap_or_default();
    let person = ["customer", "account", "company", "recipient"]
        .iter()
        .find_map(|key| text(body.get(*key)?, &["name"]));
    if !lines.is_empty() {
        return (lines, text(&customer, &["name"]).or(person));
    }
    let lines = [person.clone(), text(&customer, &["email"])].into_iter().flatten().collect();
    (lines, person)
}

/// The delivery address, taken out of the body, for its place beside the address window.
fn delivery(body: &mut Map<String, Value>, recipient: &[String], words: &Words) -> Vec<String> {
    if !body.get("shipping_address").is_some_and(is_address) {
        return Vec::new();
    }
    let lines = body.shift_remove("shipping_address").map(|a| address_lines(&a)).unwrap_or_default();
    if lines == recipient { vec![words.same_address.to_owned()] } else { lines }
}

/// What stands behind the title: the name of the order, the number of the statement, and the like.
fn subject(body: &mut Map<String, Value>) -> String {
    let own = body.get("order").and_then(|order| text(order, &["name"]));
    let other = || ["number", "name"].iter().find_map(|key| body.get(*key).and_then(scalar));
    own.or_else(other).unwrap_or_default()
}

/// What everybody wants to know of order, customer and account, taken out of the body.
fn facts_of_owners(
    body: &mut Map<String, Value>,
    recipient: &[String],
    words: &Words,
) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    for (owner, key, label) in [
        ("order", "name", words.order.to_owned()),
        ("order", "date_on", words.order_date.to_owned()),
        ("order", "date", words.order_date.to_owned()),
        ("order", "po_number", words.reference.to_owned()),
        ("customer", "email", words.email.to_owned()),
        ("customer", "phone", words.label("phone")),
        ("account", "name", words.label("account")),
        ("account", "company", words.label("company")),
        ("account", "number", words.label("account_number")),
        ("account", "payment_terms", words.label("payment_terms")),
    ] {
        let member = body.get_mut(owner).and_then(Value::as_object_mut);
        if let Some(value) = member.and_then(|member| member.shift_remove(key)) {
            let shown = field(key, &value, words).filter(|text| !recipient.contains(text));
            let known = facts.iter().any(|(known, _)| *known == label);
            facts.extend(shown.filter(|_| !known).map(|text| (label, text)));
        }
    }
    // the name is in the address window or in the salutation; the kind is a word of the shop's own system
    for (owner, key) in [("customer", "name"), ("account", "kind")] {
        body.get_mut(owner).and_then(Value::as_object_mut).map(|member| member.shift_remove(key));
    }
    facts
}

/// Short scalars of the top, taken out of the body; a sum below a list stays there.
fn short_facts(body: &mut Map<String, Value>, facts: &mut Vec<(String, String)>, words: &Words) {
    let mut listed = false;
    body.retain(|key, value| {
        listed |= is_list(value);
        if listed && is_money(value) {
            return true;
        }
        let nested = value.is_array() || is_address(value);
        match field(key, value, words).filter(|_| !nested) {
            Some(text) if facts.len() < MAX_FACTS && text.chars().count() <= SHORT => {
                facts.push((words.label(key), text));
                false
            }
            _ => true,
        }
    });
}

/// What a letter ends with: where to see the order, how to pay, whom to ask.
fn last(body: &mut Map<String, Value>, words: &Words) -> Vec<Section> {
    let url = body.get_mut("order").and_then(Value::as_object_mut).and_then(|o| o.shift_remove("status_url"));
    let mut fields = Vec::new();
    for (key, value) in [
        ("payment_instructions", body.shift_remove("payment_instructions")),
        ("status_url", url),
        ("contact", body.shift_remove("contact")),
    ] {
        let shown = value.and_then(|value| field(key, &tidy(&value), words));
        fields.extend(shown.map(|text| (words.label(key), text)));
    }
    if fields.is_empty() { Vec::new() } else { vec![Section::Space, Section::Fields(fields)] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kinds(report: &Report) -> Vec<String> {
        let sections = report.sections.iter().map(|section| match section {
            Section::Heading(text, depth) => format!("h{depth} {text}"),
            Section::Fields(fields) => format!("{} fields", fields.len()),
            Section::Table(table) => format!("{} columns", table.columns.len()),
            Section::Totals(totals) => format!("{} totals", totals.len()),
            Section::Space => "space".to_owned(),
            Section::Note(label, _) => format!("note {label}"),
        });
        sections.collect()
    }

    #[test]
    fn every_value_is_somewhere_and_identifiers_are_not() {
        let driver = json!({
            "schema": "shipping-notice/1", "document": "shipping-notice", "locale": "fr", "brand": {"name": "Acme"},
            "order": {"id": "gid://shopify/Order/1", "name": "#1", "date": "2026-11-22T10:00:00+01:00", "currency": "EUR"},
            "customer": {"name": "Zoë", "email": "z@example.com", "phone": "+33"},
            "shipping_address": {"lines": ["4 quai"], "city": "Brest"},
            "fulfillment": {"status": "in_transit", "tracking": [{"company": "UPS", "number": "1Z", "url": "https://example.com/1Z"}]},
            "lines": [{"title": "Mug", "quantity": 2, "total": {"amount": "1.50", "currency": "EUR"}}],
            "totals": {"subtotal": {"amount": "0.00", "currency": "EUR"}, "total": {"amount": "1.50", "currency": "EUR"}},
            "gift": true, "note": "x".repeat(200), "empty": [], "nothing": null,
        });
        let report = Report::of(&driver);
        let shown = format!("{report:?}");
        let long = "x".repeat(200);
        for text in [
            "4 quai",
            "Brest",
            "En transit",
            "UPS",
            "1Z",
            "Mug",
            "#1",
            "+33",
            "Oui",
            "22 novembre 2026",
            "1,50",
            &long,
        ] {
            assert!(shown.contains(text), "{text}: {shown}");
        }
        assert!(!shown.contains("gid://") && !shown.contains("0,00"), "{shown}");
        assert_eq!(report.head.greeting, "Bonjour \u{2068}Zoë\u{2069},");
        let headings = kinds(&report).into_iter().filter(|kind| kind.starts_with('h')).count();
        assert_eq!(headings, 3, "fulfillment, tracking, lines: {shown}");
    }

    #[test]
    fn what_has_lists_of_its_own_is_not_squeezed_into_a_row() {
        let money = json!({"amount": "2.00", "currency": "CHF"});
        let row = json!({"date": "2026-10-01", "kind": "invoice", "amount": money});
        let statement = json!({"currency": "CHF", "opening_balance": money, "entries": [row], "totals": {"invoices": money}, "closing_balance": money, "open": 0, "ageing": {"overdue": [{"from_days": 1, "amount": {"amount": "0.00", "currency": "CHF"}}]}});
        let report = Report::of(&json!({"document": "account-statement", "statements": [statement]}));
        assert_eq!(kinds(&report), ["h0 Statement – CHF", "1 fields", "h1 Entries", "3 columns", "2 totals"]);
    }

    #[test]
    fn a_sum_stays_below_its_list_and_the_address_of_the_sender_comes_last() {
        let report = Report::of(&json!({
            "contact": ["Acme", "+33"], "order": {"name": "#1", "status_url": "https://example.com"}, "escalated": false,
            "lines": [{"title": "Mug"}], "total": {"amount": "2.00", "currency": "CHF"}, "offer": {"title": "15 %", "text": "Now"},
        }));
        assert_eq!(
            kinds(&report),
            ["h0 Items", "1 columns", "1 totals", "h0 15 %", "note ", "space", "2 fields"]
        );
        assert_eq!(report.head.facts, [("Order".to_owned(), "#1".to_owned())]);
    }
}
