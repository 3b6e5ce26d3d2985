//! The connections at the root (`orders`, `customers`, …): the search terms of each type, its order, and
//! Shopify's way with terms it does not know.
//!
//! A field that the search does not know is ignored, so that everything is returned, and reported under
//! `extensions.search[].warnings`. A caller that overlooks the warning takes everything for the answer.

use crate::{gid::number_of, json::Json};
use serde_json::{Value, json};
use std::cmp::Ordering;

/// The documents of one type that the arguments ask for, in order, and an `extensions.search` entry if a
/// term was ignored. `field` is the name of the connection.
pub(crate) fn select(
    mut found: Vec<Json>,
    type_name: &str,
    field: &str,
    arguments: &Value,
) -> (Vec<Json>, Option<Value>) {
    let query = arguments["query"].as_str().unwrap_or_default();
    let (alternatives, warnings) = parse(query, type_name);
    found.retain(|document| {
        alternatives.is_empty()
            || alternatives.iter().any(|terms| terms.iter().all(|term| term.matches(document.value())))
    });
    let key = sort_field(arguments["sortKey"].as_str(), type_name);
    found.sort_by(|a, b| {
        let by_key = compare(a.text(key).unwrap_or_default(), b.text(key).unwrap_or_default());
        by_key.then_with(|| by_id(a, b))
    });
    if arguments["reverse"] == true {
        found.reverse();
    }
    let report =
        (!warnings.is_empty()).then(|| json!({"path": [field], "query": query, "warnings": warnings}));
    (found, report)
}

fn sort_field(sort_key: Option<&str>, type_name: &str) -> &'static str {
    match sort_key {
        Some("CREATED_AT") => "createdAt",
        Some("UPDATED_AT") => "updatedAt",
        Some("PROCESSED_AT") => "processedAt",
        Some("COMPLETED_AT") => "completedAt",
        Some("CREATION_DATE") => "creationDate",
        Some("LAST_EDIT_DATE") => "lastEditDate",
        Some("NAME") => "name",
        None if type_name == "ShopifyPaymentsDispute" => "initiatedAt",
        // by the id alone, and so is whatever the stub has no value for
        _ => "",
    }
}

fn by_id(a: &Json, b: &Json) -> Ordering {
    let number = |json: &Json| number_of(json.text("id").unwrap_or_default()).to_owned();
    compare(&number(a), &number(b))
}

/// Times as times, numbers as numbers, anything else as text without regard to case.
fn compare(a: &str, b: &str) -> Ordering {
    if let (Ok(a), Ok(b)) = (a.parse::<u128>(), b.parse::<u128>()) {
        return a.cmp(&b);
    }
    if let (Some(a), Some(b)) = (time(a), time(b)) {
        return a.cmp(&b);
    }
    a.to_lowercase().cmp(&b.to_lowercase())
}

/// A timestamp, or a day as its first moment in UTC.
fn time(text: &str) -> Option<jiff::Timestamp> {
    text.parse().ok().or_else(|| {
        let day: jiff::civil::Date = text.parse().ok()?;
        Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    })
}

struct Term {
    /// A path into the document; empty for a word without a field.
    path: &'static str,
    comparison: &'static str,
    values: Vec<String>,
    negative: bool,
}

/// The search fields of a type, as the schema documents them, and where a document has the value.
fn fields(type_name: &str) -> &'static [(&'static str, &'static str)] {
    match type_name {
        "Order" => &[
            ("updated_at", "updatedAt"),
            ("created_at", "createdAt"),
            ("processed_at", "processedAt"),
            ("name", "name"),
            ("email", "email"),
            ("financial_status", "displayFinancialStatus"),
            ("fulfillment_status", "displayFulfillmentStatus"),
            ("return_status", "returnStatus"),
            ("id", "id"),
            ("customer_id", "customer.id"),
            ("tag", "tags"),
            ("tag_not", "tags"),
            ("po_number", "poNumber"),
            ("test", "test"),
            ("status", "status"),
        ],
        "Customer" => &[
            ("updated_at", "updatedAt"),
            ("customer_date", "createdAt"),
            ("email", "email"),
            ("first_name", "firstName"),
            ("last_name", "lastName"),
            ("phone", "phone"),
            ("state", "state"),
            ("orders_count", "numberOfOrders"),
            ("id", "id"),
            ("tag", "tags"),
            ("tag_not", "tags"),
        ],
        "CompanyLocation" => &[
            ("updated_at", "updatedAt"),
            ("created_at", "createdAt"),
            ("name", "name"),
            ("external_id", "externalId"),
            ("company_id", "company.id"),
            ("id", "id"),
            ("ids", "id"),
        ],
        "ShopifyPaymentsDispute" => &[("id", "id"), ("initiated_at", "initiatedAt"), ("status", "status")],
        "BulkOperation" => {
            &[("id", "id"), ("status", "status"), ("operation_type", "type"), ("created_at", "createdAt")]
        }
        "Segment" => &[("id", "id"), ("name", "name")],
        _ => &[("id", "id"), ("updated_at", "updatedAt"), ("created_at", "createdAt"), ("name", "name")],
    }
}

/// Alternatives of terms that must all hold, and the warnings.
fn parse(query: &str, type_name: &str) -> (Vec<Vec<Term>>, Vec<Value>) {
    let (mut alternatives, mut warnings) = (vec![Vec::new()], Vec::new());
    let mut negative = false;
    for word in words(query) {
        match word.as_str() {
            "AND" => continue,
            "NOT" => {
                negative = true;
                continue;
            }
            "OR" => {
                alternatives.push(Vec::new());
                continue;
            }
            _ => {}
        }
        let (text, minus) = word.strip_prefix('-').map_or((word.as_str(), false), |rest| (rest, true));
        let negative = std::mem::take(&mut negative) || minus;
        let term = match text.split_once(':') {
            None => Some(Term { path: "", comparison: "", values: vec![text.to_owned()], negative }),
            Some((field, rest)) => term(field, rest, negative, type_name),
        };
        match (term, alternatives.last_mut()) {
            (Some(term), Some(terms)) => terms.push(term),
            _ => warnings.push(json!({
                "field": text.split(':').next(),
                "message": "Invalid search field for this query.",
                "code": "invalid_field",
            })),
        }
    }
    // an alternative in which nothing was understood is no restriction
    if alternatives.iter().any(Vec::is_empty) {
        alternatives.clear();
    }
    (alternatives, warnings)
}

fn term(field: &str, rest: &str, negative: bool, type_name: &str) -> Option<Term> {
    let (_, path) = fields(type_name).iter().find(|(name, _)| *name == field)?;
    let comparison = [">=", "<=", ">", "<"].into_iter().find(|c| rest.starts_with(c)).unwrap_or("");
    let value = rest[comparison.len()..].trim_matches(['\'', '"']);
    let several = matches!(field, "tag" | "tag_not" | "ids");
    let values = if several { value.split(',').collect() } else { vec![value] };
    let values = values.into_iter().map(|value| value.trim().to_owned()).collect();
    Some(Term { path, comparison, values, negative: negative != (field == "tag_not") })
}

/// Splits at spaces outside quotes and drops the parentheses around terms.
fn words(query: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in query.chars() {
        match (quote, c) {
            (None, ' ' | '(' | ')') => words.push(String::new()),
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {
                if let Some(word) = words.last_mut() {
                    word.push(c);
                }
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

impl Term {
    fn matches(&self, document: &Value) -> bool {
        let own = match self.path {
            "" => ["/name", "/email", "/displayName", "/id"]
                .iter()
                .filter_map(|at| document.pointer(at)?.as_str().map(str::to_owned))
                .collect(),
            "status" if document.get("status").is_none() => order_status(document),
            path => texts(path.split('.').try_fold(document, |value, key| value.get(key))),
        };
        let any = own.iter().any(|own| self.values.iter().any(|wanted| self.fits(own, wanted)));
        any != self.negative
    }

    fn fits(&self, own: &str, wanted: &str) -> bool {
        if self.path.is_empty() {
            return own.to_lowercase().contains(&wanted.to_lowercase());
        }
        let is_id = own.starts_with("gid://");
        let (own, wanted) = if is_id { (number_of(own), number_of(wanted)) } else { (own, wanted) };
        let ordering = compare(own, wanted);
        match self.comparison {
            ">=" => ordering.is_ge(),
            "<=" => ordering.is_le(),
            ">" => ordering.is_gt(),
            "<" => ordering.is_lt(),
            _ => match wanted.strip_suffix('*') {
                Some(start) => own.to_lowercase().starts_with(&start.to_lowercase()),
                None => ordering.is_eq() || (self.path == "name" && own.trim_start_matches('#') == wanted),
            },
        }
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Number(number)) => vec![number.to_string()],
        Some(Value::Bool(flag)) => vec![flag.to_string()],
        Some(Value::Array(items)) => items.iter().flat_map(|item| texts(Some(item))).collect(),
        _ => Vec::new(),
    }
}

/// The words that `status:` knows an order by.
fn order_status(document: &Value) -> Vec<String> {
    let set = |key: &str| document.get(key).is_some_and(|value| !value.is_null());
    let own = match (set("cancelledAt"), set("closedAt")) {
        (true, _) => "cancelled",
        (_, true) => "closed",
        _ => "open",
    };
    let mut words = vec!["any".to_owned(), own.to_owned()];
    if own != "closed" {
        words.push("not_closed".to_owned());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(query: &str, sort_key: &str) -> Vec<String> {
        let order = |id: u32, updated: &str, tags: &[&str]| {
            Json::new(json!({"id": format!("gid://shopify/Order/{id}"), "updatedAt": updated, "tags": tags,
                "customer": {"id": "gid://shopify/Customer/7"}, "name": format!("#{id}")}))
        };
        let all = vec![
            order(10, "2026-11-22T10:00:00+01:00", &["vip"]),
            order(9, "2026-11-22T09:30:00Z", &["b2b", "VIP"]),
            order(8, "2026-11-20T00:00:00Z", &[]),
        ];
        let arguments = json!({"query": query, "sortKey": sort_key});
        let (found, _) = select(all, "Order", "orders", &arguments);
        found.iter().map(|json| number_of(json.text("id").unwrap()).to_owned()).collect()
    }

    #[test]
    fn times_are_compared_as_times_and_ids_as_numbers() {
        assert_eq!(ids("", "UPDATED_AT"), ["8", "10", "9"]);
        assert_eq!(ids("", "ID"), ["8", "9", "10"]);
        assert_eq!(ids("updated_at:>='2026-11-22T09:00:00Z'", "ID"), ["9", "10"]);
        assert_eq!(ids("updated_at:<2026-11-21", "ID"), ["8"]);
        assert_eq!(ids("id:>=9", "ID"), ["9", "10"]);
    }

    #[test]
    fn terms_are_joined_negated_and_listed() {
        assert_eq!(ids("tag:vip", "ID"), ["9", "10"]);
        assert_eq!(ids("tag_not:vip", "ID"), ["8"]);
        assert_eq!(ids("-tag:b2b customer_id:7", "ID"), ["8", "10"]);
        assert_eq!(ids("(name:#8) OR (tag:b2b AND tag:vip)", "ID"), ["8", "9"]);
        assert_eq!(ids("tag:nobody", "ID"), Vec::<String>::new());
        assert_eq!(ids("status:open", "ID").len(), 3);
    }

    #[test]
    fn an_unknown_term_restricts_nothing_and_is_reported() {
        let arguments = json!({"query": "created_at:>2026-01-01 id:5"});
        let customer = Json::new(json!({"id": "gid://shopify/Customer/5"}));
        let (found, report) = select(vec![customer], "Customer", "customers", &arguments);
        assert_eq!(found.len(), 1);
        assert_eq!(report.unwrap()["warnings"][0]["field"], "created_at");
    }
}
