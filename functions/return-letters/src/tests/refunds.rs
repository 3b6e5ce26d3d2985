use super::*;

pub(super) async fn confirmed_with(refund: Value, r#return: Value, order: Value) -> Gathered {
    let subject = id(&refund);
    let wire = Wire::new([refund, r#return, order]).await;
    gathered(&wire, Document::RefundConfirmation, "refunds/create", &subject).await
}

pub(super) async fn confirmed(refund: Value) -> Gathered {
    confirmed_with(refund, approved(), order()).await
}

pub(super) async fn data(refund: Value) -> Value {
    sound(driver(confirmed(refund).await).0)
}

/// What every confirmation is: valid, and the parts it shows add up.
pub(super) fn sound(data: Value) -> Value {
    contract::conforms(&schema(Document::RefundConfirmation), &data);
    contract::adds_up("refund-confirmation", &data).unwrap();
    data
}

pub(super) fn money(amount: &str) -> Value {
    let money = json!({"amount": amount, "currencyCode": "EUR"});
    json!({"shopMoney": money, "presentmentMoney": money})
}

pub(super) fn payment(number: u64, status: &str, amount: &str, parent: Option<u64>) -> Value {
    json!({
        "id": Gid::new("OrderTransaction", number), "kind": "REFUND", "status": status, "test": false,
        "createdAt": format!("2026-11-22T10:{number:02}:00Z"), "processedAt": null, "amountSet": money(amount),
        "gateway": "shopify_payments", "formattedGateway": "Shopify Payments", "accountNumber": null,
        "paymentDetails": null,
        "parentTransaction": parent.map(|number| json!({"id": Gid::new("OrderTransaction", number), "gateway": "shopify_payments"})),
    })
}

pub(super) fn paid_by(payments: Vec<Value>) -> Value {
    let mut refund = refund();
    refund["transactions"]["nodes"] = payments.into();
    refund
}

/// A refund of its own: of no return.
pub(super) fn plain(payments: Vec<Value>) -> Value {
    let mut refund = paid_by(payments);
    refund["return"] = Value::Null;
    refund
}

pub(super) fn cents(value: &Value) -> i64 {
    value["amount"].as_str().map_or(0, |text| text.replace('.', "").parse().unwrap())
}

#[tokio::test]
async fn fees_and_the_exchange_explain_what_was_paid() {
    let data = data(refund()).await;
    let totals = &data["totals"];
    let amounts = ["items", "fees", "exchange", "total", "tax"].map(|name| text(&totals[name], "/amount"));
    assert_eq!(amounts, ["338.00", "-23.80", "-149.00", "165.20", "56.33"]);
    assert_eq!(totals.get("unexplained"), None);
    assert_eq!(text(&data, "/lines/0/restocking_fee/amount"), "-18.90");
    assert_eq!(data["lines"][1].get("restocking_fee"), None);
    assert_eq!(
        data["payments"],
        json!([{
            "method": "card", "name": "Visa", "gateway": "shopify_payments", "gateway_name": "Shopify Payments",
            "method_name": "visa", "card_company": "Visa", "last_digits": "4242",
            "amount": {"amount": "165.20", "currency": "EUR"}, "date": "2026-11-22T11:31:00+01:00", "date_on": "2026-11-22",
        }])
    );
    assert_eq!(data["refund"]["return"], json!({"id": approved()["id"], "name": "#1042-R1"}));
    assert_eq!(data.get("outstanding"), None);
}

/// "Paid back" is said when all of it is.
#[tokio::test]
async fn payments_are_waited_for() {
    let pending = ("nothing", "a payment of the refund is pending");
    let failed = ("nothing", "a payment of the refund failed and was not repeated");
    let ready = ("ready", "");
    let pay = payment;
    for (name, payments, expected) in [
        ("pending", vec![pay(1, "PENDING", "165.20", None)], pending),
        ("no answer", vec![pay(1, "AWAITING_RESPONSE", "165.20", None)], pending),
        ("a state of the future", vec![pay(1, "HALTED", "165.20", None)], pending),
        (
            "one of two",
            vec![pay(1, "SUCCESS", "100.00", Some(8)), pay(2, "PENDING", "65.20", Some(9))],
            pending,
        ),
        ("both", vec![pay(1, "SUCCESS", "100.00", Some(8)), pay(2, "SUCCESS", "65.20", Some(9))], ready),
        ("failed", vec![pay(1, "FAILURE", "165.20", Some(8))], failed),
        ("one failed", vec![pay(1, "SUCCESS", "100.00", Some(8)), pay(2, "ERROR", "65.20", Some(9))], failed),
        (
            "repeated until it worked",
            vec![
                pay(1, "FAILURE", "10.00", Some(8)),
                pay(2, "ERROR", "10.00", Some(8)),
                pay(3, "SUCCESS", "10.00", Some(8)),
            ],
            ready,
        ),
        (
            "repeated by hand",
            vec![pay(1, "FAILURE", "10.00", Some(8)), pay(2, "SUCCESS", "10.00", None)],
            ready,
        ),
        (
            "another card",
            vec![pay(1, "FAILURE", "10.00", Some(8)), pay(2, "SUCCESS", "10.00", Some(9))],
            failed,
        ),
        (
            "failed after a success",
            vec![pay(1, "SUCCESS", "10.00", Some(8)), pay(2, "FAILURE", "10.00", Some(8))],
            failed,
        ),
        (
            "in any order",
            vec![pay(2, "SUCCESS", "10.00", Some(8)), pay(1, "FAILURE", "10.00", Some(8))],
            ready,
        ),
    ] {
        let gathered = confirmed(paid_by(payments)).await;
        assert_eq!(outcome(&gathered), expected, "{name}");
    }
}

#[tokio::test]
async fn authorizations_given_up_are_no_payments() {
    let mut void = payment(1, "SUCCESS", "165.20", Some(8));
    void["kind"] = "VOID".into();
    let gathered = confirmed(plain(vec![void.clone()])).await;
    assert_eq!(outcome(&gathered), ("suppressed", "no money was paid back"));
    void["status"] = "PENDING".into();
    let data = data(plain(vec![void, payment(2, "SUCCESS", "338.00", Some(8))])).await;
    assert_eq!(text(&data, "/totals/total/amount"), "338.00");
    assert_eq!(data["payments"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn nothing_refunded_is_said_to_nobody() {
    let mut empty = plain(vec![]);
    empty["refundLineItems"]["nodes"] = json!([]);
    let gathered = confirmed(empty.clone()).await;
    assert_eq!(outcome(&gathered), ("suppressed", "nothing was refunded"));
    let Gathered::Suppressed { reported_on: owner, .. } = gathered else { panic!() };
    assert_eq!(owner, Some(id(&order())));
    empty["transactions"]["nodes"] = json!([payment(1, "SUCCESS", "0.00", None)]);
    assert_eq!(outcome(&confirmed(empty).await), ("suppressed", "nothing was refunded"));
    // what was taken out of an order that nobody had paid
    assert_eq!(outcome(&confirmed(plain(vec![])).await), ("suppressed", "no money was paid back"));
}

#[tokio::test]
async fn an_even_exchange_is_confirmed_without_a_payment() {
    let mut refund = paid_by(vec![]);
    refund["refundLineItems"]["nodes"].as_array_mut().unwrap().remove(0);
    let mut r#return = approved();
    r#return["returnShippingFees"] = json!([]);
    r#return["returnLineItems"]["nodes"][0]["restockingFee"] = Value::Null;
    let (data, _) = driver(confirmed_with(refund, r#return, order()).await);
    let totals = ["items", "exchange", "total"].map(|name| text(&data["totals"][name], "/amount"));
    assert_eq!(totals, ["149.00", "-149.00", "0.00"]);
    assert_eq!((&data["payments"], data["totals"].get("unexplained")), (&json!([]), None));
}

/// What was not withheld was not taken, and what was withheld without a reason is said to be so.
#[tokio::test]
async fn fees_are_taken_off_only_where_they_were() {
    let data_ = data(paid_by(vec![payment(1, "SUCCESS", "338.00", Some(8))])).await;
    assert_eq!((data_["totals"].get("fees"), data_["totals"].get("unexplained")), (None, None));
    assert_eq!(data_.get("fees"), None, "a fee that was not taken is no fee of this refund");

    let data_ = data(paid_by(vec![payment(1, "SUCCESS", "314.20", Some(8))])).await;
    assert_eq!(text(&data_, "/totals/fees/amount"), "-23.80");
    assert_eq!(data_["totals"].get("exchange"), None);
    assert_eq!(data_["exchange_lines"].as_array().unwrap().len(), 1, "the exchange is said all the same");

    let data_ = data(paid_by(vec![payment(1, "SUCCESS", "300.00", Some(8))])).await;
    assert_eq!(text(&data_, "/totals/fees/amount"), "-23.80");
    assert_eq!(text(&data_, "/totals/unexplained/amount"), "-14.20");
    let data_ = data(paid_by(vec![payment(1, "SUCCESS", "340.00", Some(8))])).await;
    assert_eq!(text(&data_, "/totals/unexplained/amount"), "2.00");
}

#[tokio::test]
async fn what_an_exchange_costs_more_is_a_part_of_its_own() {
    let mut r#return = approved();
    r#return["exchangeLineItems"]["nodes"][0]["lineItems"][0]["discountedTotalSet"] = money("400.00");
    let data = sound(driver(confirmed_with(paid_by(vec![]), r#return, order()).await).0);
    let parts = ["items", "fees", "exchange", "to_be_paid", "total"]
        .map(|name| text(&data["totals"][name], "/amount"));
    assert_eq!(parts, ["338.00", "-23.80", "-400.00", "85.80", "0.00"]);
    assert_eq!(data["totals"].get("unexplained"), None);
}

/// Cash is rounded at the till, whether or not Shopify's amount has it in it.
#[tokio::test]
async fn what_cash_was_rounded_by_is_called_that() {
    for amount in ["337.98", "338.00"] {
        let mut cash = payment(1, "SUCCESS", amount, None);
        cash["gateway"] = "cash".into();
        cash["amountRoundingSet"] = money("-0.02");
        let data = data(plain(vec![cash])).await;
        let parts = ["items", "rounding", "total"].map(|name| text(&data["totals"][name], "/amount"));
        assert_eq!(parts, ["338.00", "-0.02", "337.98"], "{amount}");
        assert_eq!(text(&data, "/payments/0/amount/amount"), "337.98");
        assert_eq!(data["totals"].get("unexplained"), None);
    }
}

/// Of what nobody paid nothing can be paid back: it lowers what is owed.
#[tokio::test]
async fn a_return_of_an_unpaid_order_is_set_off() {
    let mut unpaid = order();
    unpaid["totalOutstandingSet"] = unpaid["currentTotalPriceSet"].clone();
    let mut r#return = approved();
    r#return["exchangeLineItems"]["nodes"] = json!([]);
    let data = sound(driver(confirmed_with(paid_by(vec![]), r#return, unpaid).await).0);
    let parts = ["items", "fees", "set_off", "total"].map(|name| text(&data["totals"][name], "/amount"));
    assert_eq!(parts, ["338.00", "-23.80", "-314.20", "0.00"]);
}

#[tokio::test]
async fn shipping_duties_and_adjustments_are_parts_of_the_sum() {
    let mut refund = plain(vec![payment(1, "SUCCESS", "348.90", Some(8))]);
    refund["refundShippingLines"]["nodes"] = json!([
        {"shippingLine": {"title": "Standard"}, "subtotalAmountSet": money("6.90"), "taxAmountSet": money("1.15")}
    ]);
    refund["duties"] = json!([{"amountSet": money("9.00")}]);
    // Shopify writes what the customer gets as negative
    refund["orderAdjustments"]["nodes"] = json!([
        {"reason": "DAMAGE", "amountSet": money("-5.00"), "taxAmountSet": money("0.00")},
        {"reason": "RESTOCK", "amountSet": money("9.00"), "taxAmountSet": money("1.00")},
    ]);
    let data = data(refund).await;
    let parts =
        ["items", "shipping", "duties", "adjustments"].map(|name| text(&data["totals"][name], "/amount"));
    assert_eq!(parts, ["338.00", "6.90", "9.00", "-5.00"]);
    assert_eq!(data["totals"].get("unexplained"), None);
    let adjustments: Vec<_> = data["adjustments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (text(it, "/reason"), text(it, "/amount/amount")))
        .collect();
    assert_eq!(adjustments, [("damage", "5.00"), ("restock", "-10.00")]);
}

#[tokio::test]
async fn tax_is_added_where_prices_do_not_include_it() {
    let mut net = order();
    net["taxesIncluded"] = false.into();
    let refund = plain(vec![payment(1, "SUCCESS", "394.33", Some(8))]);
    let (data, _) = driver(confirmed_with(refund, approved(), net).await);
    assert_eq!(text(&data, "/lines/0/total/amount"), "220.50");
    assert_eq!(text(&data, "/totals/items/amount"), "394.33");
    assert_eq!(data["totals"].get("unexplained"), None);
}

#[tokio::test]
async fn the_method_is_that_of_the_money_back() {
    let method = async |gateway: &str, details: Value| {
        let mut back = payment(1, "SUCCESS", "338.00", None);
        back["gateway"] = gateway.into();
        back["formattedGateway"] = Value::Null;
        back["paymentDetails"] = details;
        // the card the order was paid with
        back["parentTransaction"] = refund()["transactions"]["nodes"][0]["parentTransaction"].clone();
        data(plain(vec![back])).await["payments"][0].take()
    };
    for (gateway, kind) in [
        ("gift_card", "gift-card"),
        ("shopify_store_credit", "store-credit"),
        ("cash", "cash"),
        ("manual", "manual"),
        ("paypal", "other"),
    ] {
        let payment = method(gateway, Value::Null).await;
        assert_eq!(payment["method"], kind);
        assert_eq!(payment.get("last_digits"), None, "the card has nothing to do with {gateway}");
    }
    // what the refund does not say, the payment says
    let card = method("shopify_payments", Value::Null).await;
    assert_eq!((&card["method"], &card["last_digits"]), (&json!("card"), &json!("4242")));
    let ideal = method("shopify_payments", json!({"paymentMethodName": "ideal"})).await;
    assert_eq!(ideal["method_name"], "ideal");
}

/// A number that is not masked is not passed on.
#[tokio::test]
async fn at_most_four_digits_are_passed_on() {
    let mut refund = refund();
    refund["transactions"]["nodes"][0]["paymentDetails"]["number"] = "4000056655665556".into();
    let data = data(refund).await;
    assert_eq!(text(&data, "/payments/0/last_digits"), "5556");
    assert!(!data.to_string().contains("4000056655665556"));
}

/// Events come in any order: a refund is confirmed whatever its return has come to.
#[tokio::test]
async fn the_state_of_the_return_does_not_matter() {
    for status in ["REQUESTED", "OPEN", "CLOSED", "CANCELED"] {
        let mut r#return = approved();
        r#return["status"] = status.into();
        r#return["requestApprovedAt"] = Value::Null;
        assert_eq!(outcome(&confirmed_with(refund(), r#return, order()).await), ("ready", ""), "{status}");
    }
}

#[tokio::test]
async fn five_hundred_lines_of_a_customer_who_is_gone() {
    let mut refund = plain(vec![payment(1, "SUCCESS", "94500.00", Some(8))]);
    let line = refund["refundLineItems"]["nodes"][0].clone();
    refund["refundLineItems"]["nodes"] = vec![line; 500].into();
    let mut nobody = order();
    for field in ["customer", "email", "billingAddress", "shippingAddress", "customerLocale"] {
        nobody[field] = Value::Null;
    }
    let (data, content) = driver(confirmed_with(refund, approved(), nobody).await);
    contract::conforms(&schema(Document::RefundConfirmation), &data);
    assert_eq!(data["lines"].as_array().unwrap().len(), 500);
    assert_eq!(data["totals"].get("unexplained"), None);
    assert_eq!(
        (content.customer, content.recipient.email, content.reported_on),
        (None, None, Some(id(&order())))
    );
}

#[tokio::test]
async fn a_test_payment_makes_a_test_document() {
    let mut refund = refund();
    refund["transactions"]["nodes"][0]["test"] = true.into();
    assert!(driver(confirmed(refund).await).1.test);
}
