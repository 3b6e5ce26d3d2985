//! `orders(query:)`: the terms the stub knows, and Shopify's way with those it does not.
//!
//! A field that the search does not know is ignored, so that everything is returned, and reported under
//! `extensions.search[].warnings`. A caller that overlooks the warning takes all orders for the answer.

use super::{json::Json, shop::Shop};
use serde_json::{Value, json};

/// The matching orders in order, and an `extensions.search` entry if there was a query.
pub(super) fn orders(shop: &Shop, arguments: &Value) -> (Vec<Value>, Option<Value>) {
    let query = arguments["query"].as_str().unwrap_or_default();
    let (terms, warnings) = parse(query);
    let mut found: Vec<&Json> =
        shop.orders().filter(|order| terms.iter().all(|term| term.matches(order.value()))).collect();
    let field = match arguments["sortKey"].as_str() {
        Some("CREATED_AT") => "createdAt",
        Some("UPDATED_AT") => "updatedAt",
        Some("ID") => "id",
        _ => "processedAt",
    };
    found.sort_by(|a, b| a.text(field).cmp(&b.text(field)));
    if arguments["reverse"] == true {
        found.reverse();
    }
    let report =
        (!warnings.is_empty()).then(|| json!({"path": ["orders"], "query": query, "warnings": warnings}));
    (found.into_iter().map(|order| order.value().clone()).collect(), report)
}

struct Term {
    field: &'static str,
    comparison: &'static str,
    value: String,
}

/// Search fields and the order's own field each of them looks at.
const FIELDS: [(&str, &str); 8] = [
    ("updated_at", "updatedAt"),
    ("created_at", "createdAt"),
    ("processed_at", "processedAt"),
    ("name", "name"),
    ("email", "email"),
    ("financial_status", "displayFinancialStatus"),
    ("fulfillment_status", "displayFulfillmentStatus"),
    ("id", "legacyResourceId"),
];

fn parse(query: &str) -> (Vec<Term>, Vec<Value>) {
    let (mut terms, mut warnings) = (Vec::new(), Vec::new());
    for word in words(query) {
        let Some((field, rest)) = word.split_once(':') else { continue };
        let known = FIELDS.iter().find(|(name, _)| *name == field);
        match known {
            Some((_, own)) => {
                let comparison =
                    [">=", "<=", ">", "<"].into_iter().find(|c| rest.starts_with(c)).unwrap_or("");
                let value = rest[comparison.len()..].trim_matches(['\'', '"']).to_owned();
                terms.push(Term { field: own, comparison, value });
            }
            None => warnings.push(json!({
                "field": field,
                "message": "Invalid search field for this query.",
                "code": "invalid_field",
            })),
        }
    }
    (terms, warnings)
}

/// Splits at spaces outside quotes; the joining word AND is left out.
fn words(query: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in query.chars() {
        match (quote, c) {
            (None, ' ') => words.push(String::new()),
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {
                if let Some(word) = words.last_mut() {
                    word.push(c);
                }
            }
        }
    }
    words.retain(|word| !word.is_empty() && word != "AND");
    words
}

impl Term {
    fn matches(&self, order: &Value) -> bool {
        let Some(own) = order.get(self.field).and_then(Value::as_str) else { return false };
        let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
        let ordering = match (time(own), time(&self.value)) {
            (Some(own), Some(wanted)) => own.cmp(&wanted),
            _ => own.to_lowercase().cmp(&self.value.to_lowercase()),
        };
        match self.comparison {
            ">=" => ordering.is_ge(),
            "<=" => ordering.is_le(),
            ">" => ordering.is_gt(),
            "<" => ordering.is_lt(),
            _ => ordering.is_eq() || (self.field == "name" && own.trim_start_matches('#') == self.value),
        }
    }
}
