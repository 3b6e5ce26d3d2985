//! Sums below a list: which are sums of the others, and which only explain them.

use crate::{
    cells::field,
    languages::Words,
    shapes::{SUMS, is_money, is_zero, minus},
};
use serde_json::{Map, Value};

#[derive(Debug)]
pub(crate) struct Total {
    pub label: String,
    pub value: String,
    pub strong: bool,
    /// Explains the total above it and is no part of the sum.
    pub small: bool,
}

pub(crate) fn total(key: &str, value: String, words: &Words) -> Total {
    let strong = SUMS.contains(&key) && !matches!(key, "opening_balance" | "amount");
    Total { label: words.label(key), value, strong, small: false }
}

pub(crate) fn totals(object: &Map<String, Value>, words: &Words) -> Vec<Total> {
    let flagged = object.get("taxes_included") == Some(&Value::Bool(true));
    let (mut rows, mut included, mut summed) = (Vec::new(), Vec::new(), false);
    for (key, value) in object {
        let key = key.as_str();
        let Some(shown) = field(key, value, words).filter(|_| is_money(value) || key != "taxes_included")
        else {
            continue;
        };
        if !SUMS.contains(&key) && is_money(value) && is_zero(value) {
            continue;
        }
        let part = key == "tax_included" || key == "tax" && (flagged || summed);
        summed |= key == "total";
        match key {
            // a part of the total stands below it and is not added
            _ if part => {
                let label = words.including(&words.inside(words.tax));
                included.push(Total { label, value: shown, strong: false, small: true });
            }
            "discount" | "discounts" | "shipping_discount" | "shipping_discounts" => {
                rows.push(total(key, minus(&shown), words));
            }
            _ => rows.push(total(key, shown, words)),
        }
    }
    rows.append(&mut included);
    rows
}

/// Puts a sum below those that are there, and above what only explains them.
pub(crate) fn add_total(totals: &mut Vec<Total>, total: Total) {
    let place = totals.iter().rposition(|total| !total.small).map_or(0, |last| last + 1);
    totals.insert(place, total);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tax_that_is_in_the_prices_does_not_look_added() {
        let money = |amount: &str| json!({"amount": amount, "currency": "EUR"});
        let object = json!({"taxes_included": true, "shipping": money("5.90"), "discounts": money("2.00"), "tax_included": money("25.31"), "tip": money("0.00")});
        let mut shown = totals(object.as_object().unwrap(), Words::of("en"));
        add_total(&mut shown, total("total", "€151.90".to_owned(), Words::of("en")));
        let rows: Vec<_> =
            shown.iter().map(|row| (row.label.as_str(), row.value.as_str(), row.small)).collect();
        let expected = [
            ("Shipping", "€5.90", false),
            ("Discount", "-€2.00", false),
            ("Total", "€151.90", false),
            ("including tax", "€25.31", true),
        ];
        assert_eq!(rows, expected);
    }
}
