//! What is shown adds up: for every document with a total, the parts that it shows sum to that total.

use rust_decimal::Decimal;
use serde_json::Value;

/// The sums of one document.
struct Rules {
    document: &'static str,
    sums: &'static [Sum],
}

/// The amounts at `parts` sum to the amount at `total`. A place goes through lists by `*`; where it holds nothing, it
/// adds nothing. A part that begins with `-` is taken off, one that ends with `?` counts only where prices do not
/// include tax.
struct Sum {
    total: &'static str,
    parts: &'static [&'static str],
}

const ORDER: &[Sum] = &[Sum {
    total: "/totals/total",
    parts: &[
        "/lines/*/total",
        "/shipping/*/amount",
        "/totals/tax?",
        "/totals/duties",
        "/totals/additional_fees",
        "/totals/tip",
        "/totals/cash_rounding",
    ],
}];

const RULES: &[Rules] =
    &[Rules { document: "order-confirmation", sums: ORDER }, Rules { document: "receipt", sums: ORDER }];

/// Whether the parts that driver data shows sum to its totals.
///
/// # Errors
/// Names the total, what the parts sum to, and each part.
pub fn adds_up(document: &str, data: &Value) -> Result<(), String> {
    let rules = RULES.iter().find(|rules| rules.document == document);
    rules.into_iter().flat_map(|rules| rules.sums).try_for_each(|sum| sum.check(data))
}

impl Sum {
    fn check(&self, data: &Value) -> Result<(), String> {
        let totals = amounts(data, self.total);
        let Some((total, currency)) = totals.first() else { return Ok(()) };
        let included =
            places(data, "/order/taxes_included").first().is_some_and(|it| **it == Value::Bool(true));
        let mut sum = Decimal::ZERO;
        let mut shown = Vec::new();
        for part in self.parts {
            let (sign, place) = match part.strip_prefix('-') {
                Some(place) => (-Decimal::ONE, place),
                None => (Decimal::ONE, *part),
            };
            let place = match place.strip_suffix('?') {
                Some(_) if included => continue,
                Some(place) => place,
                None => place,
            };
            for (amount, its_currency) in amounts(data, place) {
                if its_currency != *currency {
                    return Err(format!("{place} is in {its_currency}, {} in {currency}", self.total));
                }
                shown.push(format!("{place} {amount}"));
                sum += sign * amount;
            }
        }
        if sum == *total {
            return Ok(());
        }
        Err(format!("{} is {total}, its parts sum to {sum}: {}", self.total, shown.join(", ")))
    }
}

fn amounts(data: &Value, place: &str) -> Vec<(Decimal, String)> {
    let amount =
        |it: &Value| Some((it["amount"].as_str()?.parse().ok()?, it["currency"].as_str()?.to_owned()));
    places(data, place).into_iter().filter_map(amount).collect()
}

fn places<'a>(data: &'a Value, place: &str) -> Vec<&'a Value> {
    place.split('/').skip(1).fold(vec![data], |found, step| match step {
        "*" => found.into_iter().filter_map(Value::as_array).flatten().collect(),
        name => found.into_iter().filter_map(|it| it.get(name)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn money(amount: &str) -> Value {
        json!({"amount": amount, "currency": "EUR"})
    }

    #[test]
    fn parts_sum_to_their_total_or_the_difference_is_named() {
        let mut data = json!({
            "order": {"taxes_included": false},
            "lines": [{"total": money("10.00")}, {"total": money("5.00")}],
            "shipping": [{"amount": money("2.00")}],
            "totals": {"tax": money("3.00"), "total": money("20.00")},
        });
        assert_eq!(adds_up("receipt", &data), Ok(()));
        data["order"]["taxes_included"] = true.into();
        let error = adds_up("receipt", &data).unwrap_err();
        assert!(
            error.starts_with("/totals/total is 20.00, its parts sum to 17.00: /lines/*/total 10.00"),
            "{error}"
        );
        data["totals"]["tip"] = json!({"amount": "3.00", "currency": "USD"});
        assert_eq!(adds_up("receipt", &data), Err("/totals/tip is in USD, /totals/total in EUR".to_owned()));
    }
}
