//! Amounts of an order that a registered document leaves out and that follow from what it says.
//!
//! Shopify always has them; a document written by hand need not repeat what its transactions and totals say.

use crate::{
    amounts::{map_money, subtract},
    json::Json,
};
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// The value of a field of a document of this type, if it can be made up.
pub(crate) fn field(type_name: &str, document: &Json, name: &str) -> Option<Value> {
    match (type_name, name) {
        ("Order", _) => order(document.value(), name),
        ("ShippingLine", "currentDiscountedPriceSet") => {
            let line = document.value();
            [&line["discountedPriceSet"], &line["originalPriceSet"]]
                .into_iter()
                .find(|it| it.is_object())
                .cloned()
        }
        _ => None,
    }
}

fn order(order: &Value, name: &str) -> Option<Value> {
    let total = Some(&order["totalPriceSet"]).filter(|it| it.is_object())?;
    let zero = map_money(total, |_| Decimal::ZERO);
    let or_zero = |name: &str| Some(&order[name]).filter(|it| it.is_object()).unwrap_or(&zero).clone();
    let moved = |kinds: &[&str]| moved(order, kinds, &zero);
    let told = !nodes(&order["transactions"]).is_empty();
    Some(match name {
        "originalTotalPriceSet" => total.clone(),
        "totalTipReceivedSet" | "totalOutstandingSet" => zero,
        "totalCashRoundingAdjustment" => json!({"paymentSet": zero, "refundSet": zero}),
        "totalRefundedSet" => moved(&["REFUND"]),
        "totalReceivedSet" if told => subtract(&moved(&["SALE", "CAPTURE"]), &moved(&["CHANGE"])),
        "totalReceivedSet" | "netPaymentSet" => {
            let current = Some(&order["currentTotalPriceSet"]).filter(|it| it.is_object()).unwrap_or(total);
            subtract(current, &or_zero("totalOutstandingSet"))
        }
        "totalCapturableSet" if told => {
            let taken = add(&moved(&["CAPTURE"]), &moved(&["VOID"]));
            map_money(&subtract(&moved(&["AUTHORIZATION", "EMV_AUTHORIZATION"]), &taken), |amount| {
                amount.max(Decimal::ZERO)
            })
        }
        "totalCapturableSet" if order["displayFinancialStatus"] == "AUTHORIZED" => {
            or_zero("totalOutstandingSet")
        }
        "totalCapturableSet" => zero,
        "currentShippingPriceSet" => nodes(&order["shippingLines"]).iter().fold(zero, |sum, line| {
            add(&sum, line.get("currentDiscountedPriceSet").unwrap_or(&line["discountedPriceSet"]))
        }),
        _ => return None,
    })
}

/// The sum of the transactions of these kinds that succeeded.
fn moved(order: &Value, kinds: &[&str], zero: &Value) -> Value {
    let done = nodes(&order["transactions"]).into_iter().filter(|it| {
        it["status"] == "SUCCESS" && it["kind"].as_str().is_some_and(|kind| kinds.contains(&kind))
    });
    done.fold(zero.clone(), |sum, it| add(&sum, &it["amountSet"]))
}

fn add(left: &Value, right: &Value) -> Value {
    let negative = map_money(right, |amount| -amount);
    subtract(left, &negative)
}

fn nodes(list: &Value) -> Vec<&Value> {
    let all = list.as_array().or_else(|| list["nodes"].as_array());
    all.into_iter().flatten().collect()
}
