//! What is shown adds up: for every document with a total, the parts that it shows sum to that total.

use rust_decimal::Decimal;
use serde_json::Value;

/// The sums of one document.
struct Rules {
    document: &'static str,
    sums: &'static [Sum],
}

/// The amounts at `parts` sum to the amount at `total`. A place goes through lists by `*`; where it holds nothing, it
/// adds nothing. A total in a list, such as `/statements/*/closing_balance`, is that of each row, and its parts are in
/// the same row. A part that begins with `-` is taken off, one that ends with `?` counts only where prices do not
/// include tax.
struct Sum {
    total: &'static str,
    parts: &'static [&'static str],
}

const ORDER: &[Sum] = &[
    Sum {
        total: "/totals/total",
        parts: &[
            "/totals/subtotal",
            "/totals/shipping",
            "/totals/tax?",
            "/totals/duties",
            "/totals/additional_fees",
            "/totals/tip",
            "/totals/cash_rounding",
            "/totals/adjustment",
        ],
    },
    Sum { total: "/totals/subtotal", parts: &["/lines/*/total"] },
    Sum { total: "/totals/discounts", parts: &["/lines/*/discount"] },
    Sum { total: "/totals/shipping", parts: &["/shipping/*/amount"] },
    Sum { total: "/totals/shipping_discounts", parts: &["/shipping/*/discount"] },
    Sum {
        total: "/payment/paid",
        parts: &[
            "/totals/total",
            "/payment/refunded",
            "/payment/credit",
            "-/totals/outstanding",
            "-/payment/authorized",
        ],
    },
];

const CANCELLATION: &[Sum] = &[
    Sum {
        total: "/total",
        parts: &[
            "/lines/*/total",
            "/totals/shipping",
            "/totals/tax",
            "/totals/duties",
            "/totals/additional_fees",
            "/totals/tip",
            "/totals/difference",
        ],
    },
    Sum {
        total: "/money/paid",
        parts: &[
            "/money/refunded",
            "/money/refund_pending",
            "/money/kept",
            "/money/undecided",
            "-/money/beyond",
        ],
    },
];

const STATEMENT: &[Sum] = &[
    Sum {
        total: "/statements/*/closing_balance",
        parts: &["/statements/*/opening_balance", "/statements/*/entries/*/amount"],
    },
    Sum {
        total: "/statements/*/closing_balance",
        parts: &[
            "/statements/*/opening_balance",
            "/statements/*/totals/invoices",
            "/statements/*/totals/credits",
            "/statements/*/totals/payments",
            "/statements/*/totals/refunds",
            "/statements/*/totals/adjustments",
            "/statements/*/totals/corrections",
        ],
    },
    Sum { total: "/statements/*/closing_balance", parts: &["/statements/*/open_items/*/amount"] },
    Sum {
        total: "/statements/*/closing_balance",
        parts: &["/statements/*/ageing/open", "/statements/*/ageing/unapplied_credits"],
    },
    Sum {
        total: "/statements/*/ageing/open",
        parts: &["/statements/*/ageing/not_due", "/statements/*/ageing/overdue/*/amount"],
    },
    Sum {
        total: "/statements/*/open_items/*/amount",
        parts: &[
            "/statements/*/open_items/*/invoiced",
            "/statements/*/open_items/*/credited",
            "/statements/*/open_items/*/paid",
            "/statements/*/open_items/*/adjusted",
        ],
    },
];

const PURCHASES: &[Sum] = &[
    Sum { total: "/purchases/*/totals/total", parts: &["/purchases/*/orders/*/total"] },
    Sum { total: "/purchases/*/totals/tax", parts: &["/purchases/*/orders/*/tax"] },
    Sum { total: "/purchases/*/totals/returned", parts: &["/purchases/*/orders/*/returned"] },
];

/// Points, as text; where another app keeps the balance, there is no opening.
const POINTS: &[Sum] = &[
    Sum { total: "/points/opening", parts: &["/points/balance", "-/points/earned", "/points/taken"] },
    Sum { total: "/points/earned", parts: &["/movements/*/points", "/points/taken"] },
    Sum { total: "/points/net_spend", parts: &["/movements/*/amount"] },
];

/// The lists sum to their totals, the totals to what was paid, and that to the payments.
const REFUND: &[Sum] = &[
    Sum {
        total: "/totals/total",
        parts: &[
            "/totals/items",
            "/totals/shipping",
            "/totals/duties",
            "/totals/adjustments",
            "/totals/fees",
            "/totals/exchange",
            "/totals/brought_forward",
            "/totals/to_be_paid",
            "/totals/set_off",
            "/totals/rounding",
            "/totals/unexplained",
        ],
    },
    Sum { total: "/totals/items", parts: &["/lines/*/total"] },
    Sum { total: "/totals/shipping", parts: &["/shipping/*/total"] },
    Sum { total: "/totals/adjustments", parts: &["/adjustments/*/amount"] },
    Sum { total: "/totals/fees", parts: &["/fees/restocking", "/fees/return_shipping"] },
    Sum { total: "/fees/total", parts: &["/fees/restocking", "/fees/return_shipping"] },
    Sum { total: "/totals/tax", parts: &["/lines/*/tax", "/shipping/*/tax"] },
    Sum { total: "/totals/total", parts: &["/payments/*/amount"] },
];

/// What a return costs.
const RETURN: &[Sum] = &[Sum { total: "/fees/total", parts: &["/fees/restocking", "/fees/return_shipping"] }];

const RULES: &[Rules] = &[
    Rules { document: "order-confirmation", sums: ORDER },
    Rules { document: "receipt", sums: ORDER },
    Rules { document: "cancellation-letter", sums: CANCELLATION },
    Rules { document: "account-statement", sums: STATEMENT },
    Rules { document: "purchase-summary", sums: PURCHASES },
    Rules { document: "loyalty-statement", sums: POINTS },
    Rules { document: "refund-confirmation", sums: REFUND },
    Rules { document: "return-authorization", sums: RETURN },
    Rules { document: "return-instructions", sums: RETURN },
    Rules { document: "return-declined", sums: RETURN },
];

/// How the amounts of driver data contradict each other.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SumError {
    #[error("{total} has parts in no row")]
    NoRow { total: String },
    #[error("in {list}: {error}")]
    Row { list: String, error: Box<SumError> },
    #[error("{part} is in {part_currency}, {total} in {currency}")]
    Currency { part: String, part_currency: String, total: String, currency: String },
    #[error("{total} is {amount}, its parts sum to {sum}: {parts}")]
    Sum { total: String, amount: Decimal, sum: Decimal, parts: String },
}

/// Whether the parts that driver data shows sum to its totals.
///
/// # Errors
/// Names the total, what the parts sum to, and each part.
pub fn adds_up(document: &str, data: &Value) -> Result<(), SumError> {
    let rules = RULES.iter().find(|rules| rules.document == document);
    rules.into_iter().flat_map(|rules| rules.sums).try_for_each(|sum| sum.check(data))
}

impl Sum {
    fn check(&self, data: &Value) -> Result<(), SumError> {
        let included =
            places(data, "/order/taxes_included").first().is_some_and(|it| **it == Value::Bool(true));
        check(data, self.total, self.parts, included)
    }
}

fn check(data: &Value, total: &str, parts: &[&str], included: bool) -> Result<(), SumError> {
    if let Some((list, own)) = total.split_once("/*") {
        let prefix = format!("{list}/*");
        let of_row = parts.iter().map(|part| part.strip_prefix(&prefix));
        let parts: Vec<&str> =
            of_row.collect::<Option<_>>().ok_or_else(|| SumError::NoRow { total: total.to_owned() })?;
        let mut rows = places(data, &prefix).into_iter();
        return rows.try_for_each(|row| {
            check(row, own, &parts, included)
                .map_err(|error| SumError::Row { list: list.to_owned(), error: Box::new(error) })
        });
    }
    let totals = amounts(data, total);
    let Some((amount, currency)) = totals.first() else { return Ok(()) };
    let mut sum = Decimal::ZERO;
    let mut shown = Vec::new();
    for part in parts {
        let (sign, place) = match part.strip_prefix('-') {
            Some(place) => (-Decimal::ONE, place),
            None => (Decimal::ONE, *part),
        };
        let place = match place.strip_suffix('?') {
            Some(_) if included => continue,
            Some(place) => place,
            None => place,
        };
        for (part, its_currency) in amounts(data, place) {
            if its_currency != *currency {
                return Err(SumError::Currency {
                    part: place.to_owned(),
                    part_currency: its_currency,
                    total: total.to_owned(),
                    currency: currency.clone(),
                });
            }
            shown.push(format!("{place} {part}"));
            sum += sign * part;
        }
    }
    if sum == *amount {
        return Ok(());
    }
    Err(SumError::Sum { total: total.to_owned(), amount: *amount, sum, parts: shown.join(", ") })
}

fn amounts(data: &Value, place: &str) -> Vec<(Decimal, String)> {
    // a number that stands for itself is of no currency
    let amount = |it: &Value| match it.as_str() {
        Some(number) => Some((number.parse().ok()?, String::new())),
        None => Some((it["amount"].as_str()?.parse().ok()?, it["currency"].as_str()?.to_owned())),
    };
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
            "totals": {
                "subtotal": money("15.00"),
                "shipping": money("2.00"),
                "tax": money("3.00"),
                "total": money("20.00"),
            },
        });
        assert_eq!(adds_up("receipt", &data), Ok(()));
        data["order"]["taxes_included"] = true.into();
        let error = adds_up("receipt", &data).unwrap_err().to_string();
        assert!(
            error.starts_with("/totals/total is 20.00, its parts sum to 17.00: /totals/subtotal 15.00"),
            "{error}"
        );
        data["totals"]["tip"] = json!({"amount": "3.00", "currency": "USD"});
        let error = adds_up("receipt", &data).unwrap_err().to_string();
        assert_eq!(error, "/totals/tip is in USD, /totals/total in EUR");
    }

    #[test]
    fn points_add_up_as_numbers() {
        let mut data = json!({
            "points": {"opening": "480", "earned": "59", "taken": "20", "balance": "519"},
            "movements": [{"points": "59"}, {"points": "-20"}],
        });
        assert_eq!(adds_up("loyalty-statement", &data), Ok(()));
        data["movements"][0]["points"] = "60".into();
        assert!(
            adds_up("loyalty-statement", &data).unwrap_err().to_string().starts_with("/points/earned is 59")
        );
        data["points"]["balance"] = "519.9".into();
        assert!(
            adds_up("loyalty-statement", &data)
                .unwrap_err()
                .to_string()
                .starts_with("/points/opening is 480")
        );
    }

    #[test]
    fn each_row_of_a_list_has_its_own_total() {
        let row = |opening: &str, entry: &str, closing: &str| {
            json!({
                "opening_balance": money(opening), "entries": [{"amount": money(entry)}], "closing_balance": money(closing),
                "totals": {"invoices": money(entry)}, "open_items": [{"amount": money(closing), "invoiced": money(closing)}],
                "ageing": {"open": money(closing), "not_due": money(closing)},
            })
        };
        let mut data = json!({"statements": [row("1.00", "2.00", "3.00"), row("0.00", "5.00", "5.00")]});
        assert_eq!(adds_up("account-statement", &data), Ok(()));
        data["statements"][1]["opening_balance"] = money("1.00");
        let error = adds_up("account-statement", &data).unwrap_err().to_string();
        assert!(
            error.starts_with("in /statements: /closing_balance is 5.00, its parts sum to 6.00"),
            "{error}"
        );
    }
}
