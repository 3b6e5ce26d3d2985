//! Orders made up in both APIs' forms: whatever was edited, paid back, tipped or rounded, what is shown adds up,
//! and is the same whichever way the order came.

use super::*;
use proptest::prelude::*;

/// Amounts are in the smallest unit of the customer's currency; the shop's are twice as many.
#[derive(Debug, Clone)]
struct Made {
    taxes_included: bool,
    duties_included: bool,
    mixed: bool,
    lines: Vec<Line>,
    shipping: Option<Shipping>,
    duties: i64,
    fees: i64,
    tip: i64,
    tip_as_line: bool,
    own_tax: i64,
    rounding: i64,
    paid: Paid,
    refunded: i64,
}

#[derive(Debug, Clone)]
struct Line {
    price: i64,
    quantity: i64,
    left: i64,
    discounts: Vec<(usize, i64)>,
    /// In thousandths.
    rate: i64,
}

#[derive(Debug, Clone)]
struct Shipping {
    price: i64,
    discount: i64,
    paid_back: bool,
    tax: i64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Paid {
    Nothing,
    Authorized,
    Half,
    All,
    /// All of what was first ordered, whatever was taken off since.
    AllThatWas,
}

const DISCOUNTS: [(&str, &str, &str); 3] = [
    ("discount_code", "code", "WELCOME"),
    ("automatic", "title", "Three for less"),
    ("manual", "title", "With our apologies"),
];

fn line() -> impl Strategy<Value = Line> {
    let discounts = prop::collection::btree_map(0..DISCOUNTS.len(), 1..400i64, 0..3);
    let rate = prop::sample::select(vec![0, 55, 200]);
    (100..20_000i64, 1..5i64, 0..5i64, discounts, rate).prop_map(
        |(price, quantity, left, discounts, rate)| {
            let discounts =
                discounts.into_iter().map(|(which, amount)| (which, amount.min(price / 4))).collect();
            Line { price, quantity, left: left.min(quantity), discounts, rate }
        },
    )
}

fn shipping() -> impl Strategy<Value = Shipping> {
    (0..2_000i64, 0..=2i64, any::<bool>(), 0..300i64).prop_map(|(price, off, paid_back, tax)| Shipping {
        price,
        discount: price * off / 2,
        paid_back,
        tax: if off == 2 { 0 } else { tax.min(price) },
    })
}

fn order() -> impl Strategy<Value = Made> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let added = (0..500i64, 0..300i64, 0..900i64, prop::sample::select(vec![0, 29]), -2..=2i64);
    let paid =
        prop::sample::select(vec![Paid::Nothing, Paid::Authorized, Paid::Half, Paid::All, Paid::AllThatWas]);
    let lines = prop::collection::vec(line(), 1..5);
    (flags, lines, prop::option::of(shipping()), added, paid, 0..100i64).prop_map(
        |(flags, lines, shipping, (duties, fees, tip, own_tax, rounding), paid, refunded)| Made {
            taxes_included: flags.0,
            duties_included: flags.1,
            mixed: flags.2,
            tip_as_line: flags.3,
            lines,
            shipping,
            duties,
            fees,
            tip,
            own_tax,
            rounding: if paid == Paid::All { rounding } else { 0 },
            refunded: if matches!(paid, Paid::All | Paid::AllThatWas) { refunded } else { 0 },
            paid,
        },
    )
}

impl Line {
    fn off(&self, left: i64) -> i64 {
        // Shopify's own rounding is not known: any share to the unit must add up
        self.discounts.iter().map(|(_, amount)| amount * left / self.quantity).sum()
    }

    fn worth(&self, left: i64) -> i64 {
        self.price * left - self.off(left)
    }

    fn tax(&self, left: i64, included: bool) -> i64 {
        let whole = self.worth(self.quantity) * self.rate / if included { 1000 + self.rate } else { 1000 };
        whole * left / self.quantity
    }
}

impl Made {
    fn set(&self, units: i64) -> Value {
        let money = |units: i64, currency: &str| json!({"amount": Decimal::new(units, 2).to_string(), "currency_code": currency});
        let shop = if self.mixed { money(units * 2, "EUR") } else { money(units, "USD") };
        json!({"shop_money": shop, "presentment_money": money(units, "USD")})
    }

    fn subtotal(&self, left: impl Fn(&Line) -> i64) -> i64 {
        self.lines.iter().map(|line| line.worth(left(line))).sum()
    }

    fn tax(&self, now: bool) -> i64 {
        let of = |line: &Line| line.tax(if now { line.left } else { line.quantity }, self.taxes_included);
        let anything = !now || self.lines.iter().any(|line| line.left > 0);
        let shipping = self.shipping.as_ref().filter(|it| !(now && it.paid_back));
        self.lines.iter().map(of).sum::<i64>()
            + shipping.map_or(0, |it| it.tax)
            + if anything { self.own_tax } else { 0 }
    }

    fn total(&self, now: bool) -> i64 {
        let shipping = self.shipping.as_ref().filter(|it| !(now && it.paid_back));
        self.subtotal(|line| if now { line.left } else { line.quantity })
            + shipping.map_or(0, |it| it.price - it.discount)
            + if self.taxes_included { 0 } else { self.tax(now) }
            + if self.duties_included { 0 } else { self.duties }
            + self.fees
            + self.tip
    }

    fn received(&self) -> i64 {
        match self.paid {
            Paid::Nothing | Paid::Authorized => 0,
            Paid::Half => self.total(true) / 2,
            Paid::All => self.total(true) + self.refunded,
            Paid::AllThatWas => self.total(false),
        }
    }

    fn outstanding(&self) -> i64 {
        self.total(true) - self.received() + self.refunded
    }

    /// As the event's payload.
    fn payload(&self) -> Value {
        let mut order = payload(CREATE);
        let tax = |title: &str, rate: Option<Decimal>, units: i64| json!({"title": title, "rate": rate.map(|it| it.to_string()), "price_set": self.set(units)});
        let lines = self.lines.iter().enumerate().map(|(index, line)| {
            let number = index + 1;
            let allocations = line.discounts.iter().map(|(which, amount)| {
                json!({"amount_set": self.set(*amount), "discount_application_index": which})
            });
            json!({
                "id": number, "admin_graphql_api_id": format!("gid://shopify/LineItem/{number}"),
                "title": format!("Article {number}"), "sku": format!("A{number}"), "vendor": "Northwind",
                "quantity": line.quantity, "current_quantity": line.left, "requires_shipping": true,
                "gift_card": false, "price_set": self.set(line.price), "total_discount_set": self.set(0),
                "discount_allocations": allocations.collect::<Vec<_>>(), "properties": [], "duties": [],
                "tax_lines": [tax(&format!("VAT {}", line.rate), Some(Decimal::new(line.rate, 3)),
                    line.tax(line.quantity, self.taxes_included))],
            })
        });
        let mut lines: Vec<_> = lines.collect();
        if self.tip_as_line && self.tip > 0 {
            lines.push(json!({
                "id": 99, "title": "Tip", "quantity": 1, "current_quantity": 1, "requires_shipping": false,
                "gift_card": false, "price_set": self.set(self.tip), "total_discount_set": self.set(0),
                "tip_payment_gateway": "shopify_payments",
            }));
        }
        order["line_items"] = lines.into();
        order["discount_applications"] =
            DISCOUNTS.iter().map(|(kind, field, name)| json!({"type": kind, *field: name})).collect();
        // Shopify puts the name of a discount by hand among the codes
        let by_hand = self.lines.iter().flat_map(|line| &line.discounts).any(|(which, _)| *which == 2);
        order["discount_codes"] = json!([{"code": "WELCOME"}, {"code": "With our apologies"}]);
        order["discount_codes"].as_array_mut().unwrap().truncate(1 + usize::from(by_hand));
        let mut taxes: Vec<Value> = Vec::new();
        for rate in [0, 55, 200] {
            let of_rate = self.lines.iter().filter(|line| line.rate == rate);
            let units = of_rate.map(|line| line.tax(line.quantity, self.taxes_included)).sum();
            taxes.push(tax(&format!("VAT {rate}"), Some(Decimal::new(rate, 3)), units));
        }
        order["shipping_lines"] = json!([]);
        let (mut shipping_price, mut shipping_now) = (0, 0);
        if let Some(it) = &self.shipping {
            let now = if it.paid_back { 0 } else { it.price - it.discount };
            (shipping_price, shipping_now) = (it.price, now);
            let allocation = json!({"amount_set": self.set(it.discount), "discount_application_index": 0});
            order["shipping_lines"] = json!([{
                "id": 5, "title": "Standard", "code": "STD", "price_set": self.set(it.price),
                "discounted_price_set": self.set(it.price - it.discount),
                "current_discounted_price_set": self.set(now), "is_removed": false,
                "discount_allocations": if it.discount > 0 { json!([allocation]) } else { json!([]) },
                "tax_lines": [tax("Shipping tax", None, it.tax)],
            }]);
            taxes.push(tax("Shipping tax", None, it.tax));
        }
        if self.own_tax > 0 {
            taxes.push(tax("Retail Delivery Fee", None, self.own_tax));
        }
        order["tax_lines"] = taxes.into();
        order["currency"] = if self.mixed { "EUR" } else { "USD" }.into();
        order["presentment_currency"] = "USD".into();
        order["taxes_included"] = self.taxes_included.into();
        order["duties_included"] = self.duties_included.into();
        let shop = |units: i64| Decimal::new(if self.mixed { units * 2 } else { units }, 2).to_string();
        order["total_outstanding"] = shop(self.outstanding()).into();
        order["total_tip_received"] = shop(self.tip).into();
        order["financial_status"] = match self.paid {
            Paid::Nothing => "pending",
            Paid::Authorized => "authorized",
            Paid::Half => "partially_paid",
            _ if self.refunded > 0 => "partially_refunded",
            _ => "paid",
        }
        .into();
        order["refunds"] = json!([{"transactions": [{
            "kind": "refund", "status": "success", "amount": shop(self.refunded), "currency": order["currency"],
        }]}]);
        let (discount, left) = (|line: &Line| line.off(line.quantity), |line: &Line| line.off(line.left));
        let sum = |of: &dyn Fn(&Line) -> i64| self.lines.iter().map(of).sum::<i64>();
        let something = |units: i64| if units == 0 { Value::Null } else { self.set(units) };
        for (name, value) in [
            ("subtotal_price_set", self.set(self.subtotal(|line| line.quantity))),
            ("current_subtotal_price_set", self.set(self.subtotal(|line| line.left))),
            ("total_discounts_set", self.set(sum(&discount))),
            ("current_total_discounts_set", self.set(sum(&left))),
            ("total_tax_set", self.set(self.tax(false))),
            ("current_total_tax_set", self.set(self.tax(true))),
            ("total_price_set", self.set(self.total(false))),
            ("current_total_price_set", self.set(self.total(true))),
            ("total_shipping_price_set", self.set(shipping_price)),
            ("current_shipping_price_set", self.set(shipping_now)),
            ("original_total_duties_set", something(self.duties)),
            ("current_total_duties_set", something(self.duties)),
            ("original_total_additional_fees_set", something(self.fees)),
            ("current_total_additional_fees_set", something(self.fees)),
            ("total_cash_rounding_payment_adjustment_set", self.set(self.rounding)),
        ] {
            order[name] = value;
        }
        order
    }

    /// As the Admin API's answer.
    fn answer(&self) -> Value {
        let mut order = in_graphql(&self.payload());
        let camel = |units: i64| renamed(&self.set(units));
        order["totalReceivedSet"] = camel(self.received());
        order["totalRefundedSet"] = camel(self.refunded);
        order["totalOutstandingSet"] = camel(self.outstanding());
        order["totalTipReceivedSet"] = camel(self.tip);
        let authorized = self.paid == Paid::Authorized;
        order["totalCapturableSet"] = camel(if authorized { self.outstanding().max(0) } else { 0 });
        let payment = order["transactions"][0].take();
        let mut paid = payment.clone();
        paid["amountSet"] = camel(self.received());
        paid["amountRoundingSet"] = camel(self.rounding);
        let mut failed = payment;
        failed["status"] = "FAILURE".into();
        order["transactions"] = json!([failed, paid]);
        order
    }
}

/// `shop_money` as `shopMoney`.
fn renamed(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let camel = |name: &str| {
                let mut parts = name.split('_');
                let first = parts.next().unwrap_or_default().to_owned();
                parts.fold(first, |name, part| name + &part[..1].to_uppercase() + &part[1..])
            };
            fields
                .iter()
                .map(|(name, value)| (camel(name), renamed(value)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
        Value::Array(all) => all.iter().map(renamed).collect(),
        other => other.clone(),
    }
}

/// The order of a payload as the Admin API has it, paid by card as far as it is paid.
pub(super) fn in_graphql(rest: &Value) -> Value {
    let applications = rest["discount_applications"].as_array().cloned().unwrap_or_default();
    let allocations = |of: &Value| {
        let all = of["discount_allocations"].as_array().into_iter().flatten().map(|it| {
            let application = &applications[it["discount_application_index"].as_u64().unwrap() as usize];
            let kind = match application["type"].as_str().unwrap() {
                "discount_code" => "DiscountCodeApplication",
                "automatic" => "AutomaticDiscountApplication",
                _ => "ManualDiscountApplication",
            };
            let (code, title) = (&application["code"], &application["title"]);
            json!({
                "allocatedAmountSet": renamed(&it["amount_set"]),
                "discountApplication": {"__typename": kind, "code": code, "title": title},
            })
        });
        all.collect::<Vec<_>>()
    };
    let mut order = renamed(rest);
    let lines = rest["line_items"].as_array().unwrap().iter().map(|line| {
        let mut out = renamed(line);
        out["id"] = line
            .get("admin_graphql_api_id")
            .cloned()
            .unwrap_or_else(|| format!("gid://shopify/LineItem/{}", line["id"]).into());
        out["originalUnitPriceSet"] = renamed(&line["price_set"]);
        out["isGiftCard"] = line["gift_card"].clone();
        out["discountAllocations"] = allocations(line).into();
        out["customAttributes"] = line["properties"].clone();
        for list in ["taxLines", "duties"] {
            if out[list].is_null() {
                out[list] = json!([]);
            }
        }
        for name in ["variantTitle", "sku", "vendor"] {
            out[name] = out.get(name).cloned().unwrap_or_default();
        }
        out
    });
    let shipping = rest["shipping_lines"].as_array().unwrap().iter().map(|line| {
        let mut out = renamed(line);
        out["originalPriceSet"] = renamed(&line["price_set"]);
        out["discountAllocations"] = allocations(line).into();
        out
    });
    let page = json!({"hasNextPage": false, "endCursor": null});
    order["lineItems"] = json!({"pageInfo": page, "nodes": lines.collect::<Vec<_>>()});
    order["shippingLines"] = json!({"nodes": shipping.collect::<Vec<_>>()});
    let upper = |value: &Value| json!(value.as_str().unwrap_or("unfulfilled").to_uppercase());
    let zero = |of: &Value| {
        let mut zero = renamed(of);
        for side in ["shopMoney", "presentmentMoney"] {
            zero[side]["amount"] = "0.0".into();
        }
        zero
    };
    let (total, codes) = (&rest["total_price_set"], rest["discount_codes"].as_array().unwrap());
    for (name, value) in [
        ("id", rest["admin_graphql_api_id"].clone()),
        ("number", rest["order_number"].clone()),
        ("currencyCode", rest["currency"].clone()),
        ("presentmentCurrencyCode", rest["presentment_currency"].clone()),
        ("displayFinancialStatus", upper(&rest["financial_status"])),
        ("displayFulfillmentStatus", upper(&rest["fulfillment_status"])),
        ("statusPageUrl", rest["order_status_url"].clone()),
        ("customAttributes", rest["note_attributes"].clone()),
        ("discountCodes", codes.iter().map(|it| it["code"].clone()).collect()),
        ("additionalFees", json!([])),
        ("originalTotalPriceSet", renamed(total)),
        ("totalTipReceivedSet", zero(total)),
        ("totalOutstandingSet", zero(total)),
        ("totalReceivedSet", renamed(total)),
        ("totalRefundedSet", zero(total)),
        ("totalCapturableSet", zero(total)),
        (
            "totalCashRoundingAdjustment",
            json!({"paymentSet": match &rest["total_cash_rounding_payment_adjustment_set"] {
                Value::Null => zero(total),
                set => renamed(set),
            }}),
        ),
        (
            "transactions",
            json!([{
                "id": "gid://shopify/OrderTransaction/1", "kind": "SALE", "status": "SUCCESS", "test": false,
                "createdAt": "2026-11-22T09:00:00Z", "processedAt": "2026-11-22T09:00:00Z",
                "amountSet": renamed(total), "amountRoundingSet": null, "gateway": "shopify_payments",
                "formattedGateway": "Shopify Payments", "accountNumber": null, "parentTransaction": null,
                "paymentDetails": {"company": "Visa", "number": "•••• 4242", "paymentMethodName": "visa"},
            }]),
        ),
    ] {
        order[name] = value;
    }
    if let Some(customer) = rest["customer"].as_object() {
        order["customer"]["id"] = customer["admin_graphql_api_id"].clone();
        order["customer"]["defaultEmailAddress"] = json!({"emailAddress": customer["email"]});
    }
    for address in ["billingAddress", "shippingAddress"] {
        let country = order[address]["countryCode"].clone();
        if order[address].is_object() {
            order[address]["countryCodeV2"] = country;
        }
    }
    order
}

fn sum(rows: &Value, of: impl Fn(&Value) -> bool) -> Decimal {
    let rows = rows.as_array().unwrap().iter().filter(|row| of(row));
    rows.map(|row| row["amount"]["amount"].as_str().unwrap().parse::<Decimal>().unwrap()).sum()
}

fn amount(of: &Value) -> Decimal {
    of["amount"].as_str().map_or(Decimal::ZERO, |amount| amount.parse().unwrap())
}

/// What holds of every document about an order.
fn check(data: &Value, document: Document) -> Result<(), TestCaseError> {
    contract::adds_up(document.name(), data).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let totals = &data["totals"];
    prop_assert_eq!(totals.get("adjustment"), None, "the parts explain the total: {}", totals);
    let of = |which: &'static str| move |row: &Value| row["applies_to"] == which;
    prop_assert_eq!(sum(&data["discounts"], of("lines")), amount(&totals["discounts"]));
    prop_assert_eq!(sum(&data["discounts"], of("shipping")), amount(&totals["shipping_discounts"]));
    let tax = amount(&totals["tax"]);
    prop_assert_eq!(sum(&data["taxes"], |_| true), tax, "{}", data["taxes"]);
    for line in data["lines"].as_array().unwrap() {
        prop_assert_eq!(sum(&line["discounts"], |_| true), amount(&line["discount"]));
        prop_assert!(line["quantity"].as_u64().unwrap() > 0 && line["title"] != "Tip");
    }
    let mut currencies = Vec::new();
    in_customers_currency(data, "", &mut currencies);
    prop_assert!(currencies.is_empty(), "not in the customer's currency: {:?}", currencies);
    Ok(())
}

fn in_customers_currency(data: &Value, name: &str, wrong: &mut Vec<String>) {
    match data {
        Value::Object(money) if money.contains_key("currency") && money.contains_key("amount") => {
            let right = name.ends_with("_in_shop_currency") || money["currency"] == "USD";
            wrong.extend((!right).then(|| name.to_owned()));
        }
        Value::Object(fields) => fields.iter().for_each(|(name, it)| in_customers_currency(it, name, wrong)),
        Value::Array(all) => all.iter().for_each(|it| in_customers_currency(it, name, wrong)),
        _ => {}
    }
}

proptest! {
    #[test]
    fn what_is_shown_adds_up_in_every_state_of_every_order(made in order()) {
        let config = ShopConfig::parse(CONFIG).unwrap();
        let told = Order::from_webhook(made.payload().to_string().as_bytes()).unwrap();
        let found = Order::from_graphql(&json!({"order": made.answer()}).to_string()).unwrap().unwrap().order;
        for (document, state) in [
            (Document::OrderConfirmation, State::Placed),
            (Document::OrderConfirmation, State::Current),
            (Document::Receipt, State::Current),
        ] {
            let data = |order| serde_json::to_value(shown(order, document, state, &config)).unwrap();
            let (told, found) = (data(&told), data(&found));
            check(&told, document)?;
            check(&found, document)?;
            for place in ["lines", "shipping", "discounts", "discount_codes", "taxes"] {
                prop_assert_eq!(&told[place], &found[place], "{} of both", place);
            }
            for part in ["subtotal", "tip", "total", "cash_rounding"] {
                prop_assert_eq!(told["totals"].get(part), found["totals"].get(part), "{} of both", part);
            }
            prop_assert_eq!(amount(&found["totals"]["total"]), Decimal::new(
                made.total(state == State::Current) + if found.get("payment").is_some() { made.rounding } else { 0 }, 2));
            if let Some(payment) = found.get("payment") {
                prop_assert_eq!(sum(&payment["payments"], |_| true), amount(&payment["paid"]));
                prop_assert_eq!(amount(&payment["refunded"]), Decimal::new(made.refunded, 2));
                let owed = if made.paid == Paid::Authorized { 0 } else { made.outstanding().max(0) };
                prop_assert_eq!(amount(&found["totals"]["outstanding"]), Decimal::new(owed, 2));
            }
        }
    }
}
