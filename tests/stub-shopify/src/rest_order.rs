//! An order of Shopify's REST webhooks in the shape the GraphQL API gives the same order.
//!
//! A test registers the event it sends and the order it describes can be asked for. Ids come from
//! `admin_graphql_api_id`, because large numbers in captured payloads have been rounded. Amounts and
//! times are written as the GraphQL API writes them. What a webhook does not carry (transactions,
//! returns, images) is empty.

use crate::{
    amounts::{Currencies, amount_text, map_money, number, subtract},
    gid::number_of,
    rest_party::{address, customer, purchasing_entity},
    rest_value::{gid, tags, time, upper},
};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

/// Whether a document is a REST order, as opposed to a GraphQL one.
pub(crate) fn is_order(document: &Value) -> bool {
    !document["id"].as_str().is_some_and(|id| id.starts_with("gid://"))
        && (document.get("line_items").is_some() || is_gid(&document["admin_graphql_api_id"], "Order"))
}

fn is_gid(value: &Value, kind: &str) -> bool {
    value.as_str().is_some_and(|id| id.starts_with(&format!("gid://shopify/{kind}/")))
}

pub(crate) fn order(rest: &Value) -> Value {
    let id = gid(rest, "Order");
    let currency = Currencies::of(rest);
    let total = currency.set(rest, "total_price");
    let outstanding = currency.set(rest, "total_outstanding");
    let received = subtract(&total, &outstanding);
    let refunded = currency.zero();
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| _ = out.insert(name.to_owned(), value);
    put("legacyResourceId", json!(number_of(&id)));
    put("id", json!(id));
    identity(rest, &mut put);
    put("currencyCode", json!(currency.shop));
    put("presentmentCurrencyCode", json!(currency.presentment));
    put("customer", customer(rest));
    put("purchasingEntity", purchasing_entity(rest));
    put("paymentTerms", payment_terms(rest));
    put("fulfillments", list(rest, "fulfillments", fulfillment));
    put("billingAddress", address(&rest["billing_address"], &id, "billing"));
    put("shippingAddress", address(&rest["shipping_address"], &id, "shipping"));
    let applications = list(rest, "discount_applications", |d| discount_application(d, &currency));
    put(
        "lineItems",
        list(rest, "line_items", |line| {
            let mut item = line_item(line, &currency, &applications["nodes"]);
            item["lineItemGroup"] = group(line, &rest["line_item_groups"]);
            item
        }),
    );
    put(
        "shippingLines",
        list(rest, "shipping_lines", |line| shipping_line(line, &currency, &applications["nodes"])),
    );
    put("discountApplications", applications);
    put("discountCodes", list(rest, "discount_codes", |code| code["code"].clone())["nodes"].take());
    put("taxLines", list(rest, "tax_lines", |tax| tax_line(tax, &currency)));
    put("currentTaxLines", list(rest, "tax_lines", |tax| tax_line(tax, &currency)));
    for (name, key) in [
        ("subtotalPriceSet", "subtotal_price"),
        ("totalDiscountsSet", "total_discounts"),
        ("totalShippingPriceSet", "total_shipping_price"),
        ("totalTaxSet", "total_tax"),
        ("totalTipReceivedSet", "total_tip_received"),
        ("currentSubtotalPriceSet", "current_subtotal_price"),
        ("currentTotalPriceSet", "current_total_price"),
        ("currentTotalTaxSet", "current_total_tax"),
        ("currentTotalDiscountsSet", "current_total_discounts"),
        ("currentShippingPriceSet", "current_shipping_price"),
    ] {
        put(name, currency.set(rest, key));
    }
    put("currentTotalDutiesSet", currency.maybe(&rest["current_total_duties_set"]));
    put("originalTotalDutiesSet", currency.maybe(&rest["original_total_duties_set"]));
    put("originalTotalAdditionalFeesSet", currency.maybe(&rest["original_total_additional_fees_set"]));
    put("currentTotalAdditionalFeesSet", currency.maybe(&rest["current_total_additional_fees_set"]));
    put("originalTotalPriceSet", total.clone());
    put("totalPriceSet", total);
    put("totalReceivedSet", received.clone());
    put("netPaymentSet", received);
    put("totalOutstandingSet", outstanding);
    put("totalRefundedSet", refunded);
    let rounding = currency.maybe(&rest["total_cash_rounding_payment_adjustment_set"]);
    let rounding = if rounding.is_null() { currency.zero() } else { rounding };
    put("totalCashRoundingAdjustment", json!({"paymentSet": rounding, "refundSet": currency.zero()}));
    Value::Object(out)
}

/// The plain facts of an order: names, dates, states, flags.
fn identity(rest: &Value, put: &mut impl FnMut(&str, Value)) {
    for (name, key) in [
        ("name", "name"),
        ("confirmationNumber", "confirmation_number"),
        ("poNumber", "po_number"),
        ("note", "note"),
        ("email", "email"),
        ("phone", "phone"),
        ("customerLocale", "customer_locale"),
        ("sourceName", "source_name"),
        ("statusPageUrl", "order_status_url"),
        ("paymentGatewayNames", "payment_gateway_names"),
    ] {
        put(name, rest[key].clone());
    }
    for (name, key) in [
        ("createdAt", "created_at"),
        ("processedAt", "processed_at"),
        ("updatedAt", "updated_at"),
        ("cancelledAt", "cancelled_at"),
        ("closedAt", "closed_at"),
    ] {
        put(name, time(&rest[key]));
    }
    for (name, key) in [
        ("test", "test"),
        ("taxesIncluded", "taxes_included"),
        ("taxExempt", "tax_exempt"),
        ("confirmed", "confirmed"),
        ("dutiesIncluded", "duties_included"),
        ("estimatedTaxes", "estimated_taxes"),
        ("customerAcceptsMarketing", "buyer_accepts_marketing"),
    ] {
        put(name, json!(rest[key].as_bool().unwrap_or_default()));
    }
    let number = if rest["order_number"].is_null() { &rest["number"] } else { &rest["order_number"] };
    put("number", number.clone());
    put("tags", tags(&rest["tags"]));
    put("cancelReason", upper(&rest["cancel_reason"]));
    put("displayFinancialStatus", upper(&rest["financial_status"]));
    let fulfillment = match rest["fulfillment_status"].as_str() {
        Some("fulfilled") => "FULFILLED",
        Some("partial") => "PARTIALLY_FULFILLED",
        Some("restocked") => "RESTOCKED",
        _ => "UNFULFILLED",
    };
    put("displayFulfillmentStatus", json!(fulfillment));
    put("returnStatus", json!("NO_RETURN"));
    put("closed", json!(!rest["closed_at"].is_null()));
    put("fullyPaid", json!(rest["financial_status"] == "paid"));
    put("unpaid", json!(rest["financial_status"] == "pending"));
    put("customAttributes", list(rest, "note_attributes", attribute));
}

fn line_item(line: &Value, currency: &Currencies, applications: &Value) -> Value {
    let quantity = line["quantity"].as_i64().unwrap_or_default();
    let current = line["current_quantity"].as_i64().unwrap_or(quantity);
    let fulfillable = line["fulfillable_quantity"].as_i64().unwrap_or(quantity);
    let mut out = line_amounts(line, quantity, currency, applications);
    let facts = json!({
        "id": gid(line, "LineItem"),
        "name": line["name"],
        "title": line["title"],
        "variantTitle": line["variant_title"],
        "sku": line["sku"],
        "vendor": line["vendor"],
        "quantity": quantity,
        "currentQuantity": current,
        "refundableQuantity": current,
        "unfulfilledQuantity": fulfillable,
        "fulfillableQuantity": fulfillable,
        "nonFulfillableQuantity": 0,
        "requiresShipping": line["requires_shipping"].as_bool().unwrap_or(true),
        "isGiftCard": line["gift_card"].as_bool().unwrap_or_default(),
        "taxable": line["taxable"].as_bool().unwrap_or(true),
        "customAttributes": list(line, "properties", attribute)["nodes"],
        "image": null,
        "product": reference(line, "Product", "product_id"),
        "variant": reference(line, "ProductVariant", "variant_id"),
        "duties": [],
    });
    if let (Some(out), Value::Object(facts)) = (out.as_object_mut(), facts) {
        out.extend(facts);
    }
    out
}

/// Prices, discounts and taxes of a line. Discounts are those allocated to it, whatever their kind.
fn line_amounts(line: &Value, quantity: i64, currency: &Currencies, applications: &Value) -> Value {
    let unit = currency.set(line, "price");
    let original = map_money(&unit, |amount| amount * Decimal::from(quantity));
    let allocations = allocations(line, currency, applications);
    let nodes = allocations.as_array().into_iter().flatten();
    let discounted = nodes.fold(original.clone(), |rest, a| subtract(&rest, &a["allocatedAmountSet"]));
    let discounted_unit = map_money(&discounted, |amount| match quantity {
        0 => amount,
        count => (amount / Decimal::from(count)).round_dp(4),
    });
    json!({
        "originalUnitPriceSet": unit,
        "originalTotalSet": original,
        "discountedUnitPriceSet": discounted_unit,
        "discountedUnitPriceAfterAllDiscountsSet": discounted_unit,
        "discountedTotalSet": discounted,
        "totalDiscountSet": currency.set(line, "total_discount"),
        "discountAllocations": allocations,
        "taxLines": list(line, "tax_lines", |tax| tax_line(tax, currency))["nodes"],
    })
}

fn allocations(line: &Value, currency: &Currencies, applications: &Value) -> Value {
    let application = |allocation: &Value| {
        let index = allocation["discount_application_index"].as_u64().and_then(|i| usize::try_from(i).ok());
        index.map(|index| applications[index].clone()).unwrap_or_default()
    };
    list(line, "discount_allocations", |allocation| {
        json!({
            "allocatedAmountSet": currency.set(allocation, "amount"),
            "discountApplication": application(allocation),
        })
    })["nodes"]
        .take()
}

/// The bundle a line belongs to.
fn group(line: &Value, groups: &Value) -> Value {
    let id = &line["sales_line_item_group_id"];
    let found = groups.as_array().into_iter().flatten().find(|group| !id.is_null() && group["id"] == *id);
    found.map_or(Value::Null, |group| {
        json!({
            "id": gid(group, "LineItemGroup"),
            "title": group["title"],
            "quantity": group["quantity"],
            "variantSku": group["variant_sku"],
            "customAttributes": list(group, "properties", attribute)["nodes"],
        })
    })
}

/// The product or variant a line names, as far as the line tells.
fn reference(line: &Value, kind: &str, key: &str) -> Value {
    match &line[key] {
        Value::Null => Value::Null,
        id => json!({
            "id": format!("gid://shopify/{kind}/{id}"),
            "legacyResourceId": id.to_string(),
            "title": line["title"],
            "handle": handle(line["title"].as_str().unwrap_or_default()),
            "sku": line["sku"],
        }),
    }
}

fn shipping_line(line: &Value, currency: &Currencies, applications: &Value) -> Value {
    let price = currency.set(line, "price");
    let discounted = if line["discounted_price"].is_null() {
        price.clone()
    } else {
        currency.set(line, "discounted_price")
    };
    json!({
        "id": gid(line, "ShippingLine"),
        "title": line["title"],
        "code": line["code"],
        "source": line["source"],
        "custom": false,
        "isRemoved": line["is_removed"].as_bool().unwrap_or_default(),
        "originalPriceSet": price,
        "discountedPriceSet": discounted.clone(),
        "currentDiscountedPriceSet": discounted,
        "taxLines": list(line, "tax_lines", |tax| tax_line(tax, currency))["nodes"],
        "discountAllocations": allocations(line, currency, applications),
    })
}

fn tax_line(tax: &Value, currency: &Currencies) -> Value {
    let rate: Option<Decimal> = number(&tax["rate"]);
    let percent = rate.map(|rate| (rate * Decimal::ONE_HUNDRED).normalize());
    let float = |decimal: Option<Decimal>| decimal.and_then(|d| d.to_string().parse::<f64>().ok());
    json!({
        "title": tax["title"],
        "rate": float(rate),
        "ratePercentage": float(percent),
        "channelLiable": tax["channel_liable"],
        "source": null,
        "priceSet": currency.set(tax, "price"),
    })
}

fn discount_application(application: &Value, currency: &Currencies) -> Value {
    let kind = match application["type"].as_str() {
        Some("discount_code") => "DiscountCodeApplication",
        Some("automatic") => "AutomaticDiscountApplication",
        Some("script") => "ScriptDiscountApplication",
        _ => "ManualDiscountApplication",
    };
    let value = match application["value_type"].as_str() {
        Some("percentage") => json!({
            "__typename": "PricingPercentageValue",
            "percentage": number(&application["value"]).and_then(|d| d.to_string().parse::<f64>().ok()),
        }),
        _ => json!({
            "__typename": "MoneyV2",
            "amount": amount_text(number(&application["value"]).unwrap_or_default()),
            "currencyCode": currency.shop,
        }),
    };
    json!({
        "__typename": kind,
        "code": application["code"],
        "title": application["title"],
        "description": application["description"],
        "allocationMethod": upper(&application["allocation_method"]),
        "targetSelection": upper(&application["target_selection"]),
        "targetType": upper(&application["target_type"]),
        "index": 0,
        "value": value,
    })
}

fn payment_terms(rest: &Value) -> Value {
    let terms = &rest["payment_terms"];
    if !terms.is_object() {
        return Value::Null;
    }
    let schedule = |schedule: &Value| {
        let currency = schedule["currency"].as_str().or(rest["currency"].as_str());
        let money = json!({
            "amount": amount_text(number(&schedule["amount"]).unwrap_or_default()),
            "currencyCode": currency,
        });
        json!({
            "id": format!("gid://shopify/PaymentSchedule/{}", schedule["id"]),
            "issuedAt": time(&schedule["issued_at"]),
            "dueAt": time(&schedule["due_at"]),
            "completedAt": time(&schedule["completed_at"]),
            "due": false,
            "balanceDue": money,
            "totalBalance": money,
        })
    };
    json!({
        "id": format!("gid://shopify/PaymentTerms/{}", terms["id"]),
        "paymentTermsName": terms["payment_terms_name"],
        "paymentTermsType": upper(&terms["payment_terms_type"]),
        "dueInDays": terms["due_in_days"],
        "overdue": false,
        "paymentSchedules": list(terms, "payment_schedules", schedule),
    })
}

fn fulfillment(rest: &Value) -> Value {
    let id = gid(rest, "Fulfillment");
    let numbers = rest["tracking_numbers"].as_array().into_iter().flatten();
    let tracking: Vec<_> = numbers
        .enumerate()
        .map(|(index, number)| {
            json!({"number": number, "company": rest["tracking_company"], "url": rest["tracking_urls"][index]})
        })
        .collect();
    json!({
        "id": id,
        "legacyResourceId": number_of(&id),
        "name": rest["name"],
        "status": upper(&rest["status"]),
        "displayStatus": match upper(&rest["shipment_status"]) {
            Value::Null => json!("FULFILLED"),
            status => status,
        },
        "createdAt": time(&rest["created_at"]),
        "updatedAt": time(&rest["updated_at"]),
        "trackingInfo": tracking,
    })
}

fn attribute(property: &Value) -> Value {
    let value = match &property["value"] {
        Value::String(_) | Value::Null => property["value"].clone(),
        other => json!(other.to_string()),
    };
    json!({"key": property["name"], "value": value})
}

/// A list as a connection's nodes; plain list fields take the same document.
fn list(rest: &Value, key: &str, each: impl Fn(&Value) -> Value) -> Value {
    let nodes: Vec<_> = rest[key].as_array().into_iter().flatten().map(each).collect();
    json!({ "nodes": nodes })
}

/// `Aviator sunglasses` as `aviator-sunglasses`.
fn handle(title: &str) -> String {
    let words = title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}
