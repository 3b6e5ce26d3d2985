//! Driver data as a reader wants it: without identifiers of other systems, flags that are not set and codes
//! whose name stands beside them, and with what belongs together in one place.

use crate::value::scalar;
use serde_json::{Map, Value};

/// `value` with only what a page shows. Money, addresses and lists keep their shape.
pub(crate) fn tidy(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().filter(|item| says(item)).map(tidy).collect()),
        Value::Object(object) => {
            let mut object: Map<String, Value> = object
                .iter()
                .filter(|(key, value)| says(value) && !is_internal(key))
                .map(|(key, value)| (key.clone(), tidy(value)))
                .collect();
            plain_days(&mut object);
            paid_with(&mut object);
            named(&mut object);
            card(&mut object);
            days(&mut object);
            counted(&mut object);
            collapse(object)
        }
        other => other.clone(),
    }
}

fn says(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.trim().is_empty() && !text.starts_with("gid://"),
        _ => true,
    }
}

/// Identifiers and addresses that only programs use.
fn is_internal(key: &str) -> bool {
    key.starts_with('_')
        || matches!(
            key,
            "id" | "communication"
                | "image_url"
                | "country_code"
                | "shop_currency"
                | "external_id"
                | "company_location"
        )
}

/// A moment gives way to its day in the shop's time zone, and an amount is not told twice in one currency.
fn plain_days(object: &mut Map<String, Value>) {
    let spelled = |key: &String| {
        let stem = key.strip_suffix("_at").or_else(|| key.strip_suffix("_date")).unwrap_or(key);
        let day = object.contains_key(&format!("{key}_on"))
            || stem != key && object.contains_key(&format!("{stem}_on"));
        let currency = |key: &str| object.get(key).and_then(|money| money.get("currency"));
        let again = key.strip_suffix("_in_shop_currency").is_some_and(|own| currency(own) == currency(key));
        day || again
    };
    let spelled: Vec<String> = object.keys().filter(|key| spelled(key)).cloned().collect();
    spelled.iter().for_each(|key| _ = object.shift_remove(key));
}

fn take(object: &mut Map<String, Value>, key: &str) -> Option<String> {
    object.shift_remove(key).as_ref().and_then(scalar)
}

/// A code gives way to the words for it, and the name of an offer to its title.
fn named(object: &mut Map<String, Value>) {
    let spelled: Vec<String> = object
        .iter()
        .filter(|(key, value)| {
            let words = ["name", "text"].iter().any(|kind| object.contains_key(&format!("{key}_{kind}")));
            let same = *key == "error_code" && object.get("cause") == Some(*value);
            same || words || *key == "name" && object.contains_key("title")
        })
        .map(|(key, _)| key.clone())
        .collect();
    spelled.iter().for_each(|key| _ = object.shift_remove(key));
}

/// The fields of a payment as one: `Visa •••• 4242`, or the kind where that says more than a name.
fn paid_with(object: &mut Map<String, Value>) {
    const KINDS: [&str; 6] = ["card", "gift-card", "store-credit", "cash", "manual", "other"];
    let kind = object.get("method").and_then(Value::as_str).unwrap_or_default().to_owned();
    if !KINDS.contains(&kind.as_str()) {
        return;
    }
    let mut names =
        ["name", "card_company", "method_name", "gateway_name", "gateway"].map(|key| take(object, key));
    let digits = take(object, "last_digits").map(|digits| format!(" •••• {digits}")).unwrap_or_default();
    let plain = matches!(kind.as_str(), "gift-card" | "store-credit" | "cash");
    let name = names.iter_mut().find_map(Option::take).filter(|_| !plain);
    let spelled = name.map_or_else(|| kind.replace('-', "_"), |name| name + &digits);
    object.insert("method".to_owned(), spelled.into());
}

/// `{"card_company": "Visa", "last_digits": "4242"}` as `Visa •••• 4242`.
fn card(object: &mut Map<String, Value>) {
    let digits = take(object, "last_digits").or_else(|| take(object, "card_last_digits"));
    let Some(digits) = digits else { return };
    let company = take(object, "card_company").unwrap_or_default();
    for key in ["name", "method_name"] {
        if object.get(key).and_then(Value::as_str).is_some_and(|name| name.eq_ignore_ascii_case(&company)) {
            object.shift_remove(key);
        }
    }
    object.insert("card".to_owned(), format!("{company} •••• {digits}").trim_start().into());
}

/// `{"from_days": 31, "to_days": 60}` as `31–60`; without an end as `91+`.
fn days(object: &mut Map<String, Value>) {
    let Some(from) = take(object, "from_days") else { return };
    let span = take(object, "to_days").map_or_else(|| format!("{from}+"), |to| format!("{from}–{to}"));
    object.shift_insert(0, "days".to_owned(), span.into());
}

/// `{"number": 2, "of": 3}` as `2 / 3`; and what the customer chose at checkout instead of its kind.
fn counted(object: &mut Map<String, Value>) {
    if let (Some(number), Some(of)) =
        (object.get("number").and_then(scalar), object.get("of").and_then(scalar))
    {
        object.shift_remove("of");
        object.insert("number".to_owned(), format!("{number} / {of}").into());
    }
    if let Some(name) = object.shift_remove("presented_name") {
        object.shift_remove("type");
        object.insert("name".to_owned(), name);
    }
}

/// An object that only names something is its name.
fn collapse(object: Map<String, Value>) -> Value {
    let one = |key: &str| object.get(key).and_then(scalar);
    match (object.len(), one("name").or_else(|| one("card")), one("po_number")) {
        (1, Some(name), None) => return name.into(),
        (2, Some(name), Some(reference)) => return format!("{name} ({reference})").into(),
        _ => {}
    }
    match one("number").filter(|number| object.len() == 1 && number.contains(" / ")) {
        Some(number) => number.into(),
        None => Value::Object(object),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_payment_is_told_by_one_name() {
        let card = json!({"method": "card", "name": "Visa", "gateway": "shopify_payments", "gateway_name": "Shopify Payments", "method_name": "visa", "card_company": "Visa", "last_digits": "4242", "amount": 1});
        assert_eq!(tidy(&card), json!({"method": "Visa •••• 4242", "amount": 1}));
        let gift = json!({"method": "gift-card", "name": "Gift Card", "last_digits": "ab12", "amount": 1});
        assert_eq!(tidy(&gift), json!({"method": "gift_card", "amount": 1}));
    }

    #[test]
    fn what_no_reader_wants_is_left_out_and_the_rest_belongs_together() {
        let payment = json!({
            "id": "gid://shopify/OrderTransaction/1", "pending": false, "note": " ",
            "gateway": "shopify_payments", "gateway_name": "Shopify Payments", "method_name": "visa",
            "card_company": "Visa", "last_digits": "4242", "amount": {"amount": "0.00", "currency": "EUR"},
            "order": {"id": "gid://shopify/Order/1", "name": "#1", "po_number": "PO"}, "of": {"number": 1, "of": 2},
            "due_date": "2026-12-22T10:00:00Z", "due_on": "2026-12-22", "total": {"amount": "1", "currency": "EUR"},
            "total_in_shop_currency": {"amount": "1", "currency": "EUR"}, "_private": "x",
        });
        assert_eq!(
            tidy(&json!([payment, "", null])),
            json!([{
                "gateway_name": "Shopify Payments", "amount": {"amount": "0.00", "currency": "EUR"},
                "order": "#1 (PO)", "of": "1 / 2", "due_on": "2026-12-22", "total": {"amount": "1", "currency": "EUR"},
                "card": "Visa •••• 4242",
            }])
        );
        assert_eq!(
            tidy(&json!([{"orders": 0, "from_days": 1, "to_days": 30}, {"from_days": 91}])),
            json!([{"days": "1–30", "orders": 0}, {"days": "91+"}])
        );
    }
}
