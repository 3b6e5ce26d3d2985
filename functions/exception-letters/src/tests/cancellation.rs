use super::{Case, fixture, sample, text};
use crate::{
    cancellation::CancellationMatter,
    letter::{Letter, Letterhead},
};
use comms::{Class, Document};
use flow::Planned;
use proptest::{array, collection::vec, prelude::*};
use serde_json::{Value, json};
use shop_config::ShopConfig;
use shopify::{Order, payment::Cancellation};
use std::time::Duration;

pub fn case() -> Case {
    Case::new(
        &sample!("orders-cancelled"),
        "gid://shopify/Order/820982911946155102",
        [("OrderCancellation", fixture!("cancellation")), ("OrderForDocuments", fixture!("order-cancelled"))],
    )
}

/// The order's payments: kind, status, amount, and what the parent was about.
fn paid(payments: &[(&str, &str, &str, Option<&str>)]) -> Case {
    let bag = |amount: &str| {
        let money = json!({"amount": amount, "currencyCode": "EUR"});
        json!({"shopMoney": money, "presentmentMoney": money})
    };
    let payments: Vec<Value> = payments
        .iter()
        .enumerate()
        .map(|(index, (kind, status, amount, parent))| {
            json!({
                "id": format!("gid://shopify/OrderTransaction/{}", index + 1), "kind": kind, "status": status,
                "createdAt": "2026-11-22T15:30:40Z", "amountSet": bag(amount),
                "parentTransaction": parent.map(|amount| json!({"amountSet": bag(amount)})),
            })
        })
        .collect();
    case().edit("OrderCancellation", |order| order["transactions"] = payments.into())
}

#[tokio::test]
async fn the_letter_says_why_what_and_where_the_money_is() {
    let (data, content) = case().letter().await.ready();
    assert_eq!(text(&data, "/cancellation/reason"), "inventory");
    assert_eq!(text(&data, "/cancellation/date"), "2026-11-22T16:30:38+01:00");
    let lines = data["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 2);
    assert_eq!((lines[1]["quantity"].as_u64(), text(&lines[1], "/total/amount")), (Some(2), "17.00"));
    assert_eq!(text(&data, "/total/amount"), "151.90");
    assert_eq!(text(&data, "/money/outcome"), "refunded");
    assert_eq!(text(&data, "/money/refunded/amount"), "151.90");
    assert_eq!(text(&data, "/money/refunds/0/last_digits"), "4242");
    assert_eq!(text(&data, "/money/payments/0/name"), "Visa");
    assert_eq!(text(&data, "/money/arrives_by"), "2026-12-02");
    assert_eq!(text(&data, "/customer/name"), "عمر حدّاد");
    assert_eq!(content.recipient.name.as_deref(), Some("عمر حدّاد"));
    assert_eq!(content.reported_on.as_ref(), Some(&case().subject));
}

#[tokio::test]
async fn every_way_of_the_money_has_its_outcome() {
    type Payments = &'static [(&'static str, &'static str, &'static str, Option<&'static str>)];
    let cases: &[(Payments, &str, [&str; 5])] = &[
        // outcome; paid, refunded, pending, released, kept
        (&[], "nothing_charged", ["0.00", "0.00", "0.00", "0.00", "0.00"]),
        (&[("SALE", "FAILURE", "50", None)], "nothing_charged", ["0.00", "0.00", "0.00", "0.00", "0.00"]),
        (
            &[("AUTHORIZATION", "SUCCESS", "50", None), ("VOID", "SUCCESS", "0", Some("50"))],
            "released",
            ["0.00", "0.00", "0.00", "50.00", "0.00"],
        ),
        (&[("AUTHORIZATION", "SUCCESS", "50", None)], "reserved", ["0.00", "0.00", "0.00", "0.00", "0.00"]),
        (
            &[
                ("AUTHORIZATION", "SUCCESS", "50", None),
                ("CAPTURE", "SUCCESS", "50", Some("50")),
                ("REFUND", "PENDING", "50", Some("50")),
            ],
            "refund_pending",
            ["50.00", "0.00", "50.00", "0.00", "0.00"],
        ),
        (
            &[
                ("SALE", "SUCCESS", "60", None),
                ("CHANGE", "SUCCESS", "10", None),
                ("REFUND", "SUCCESS", "20", Some("60")),
                ("REFUND", "FAILURE", "30", Some("60")),
            ],
            "partly_refunded",
            ["50.00", "20.00", "0.00", "0.00", "30.00"],
        ),
        (
            &[("SALE", "SUCCESS", "50", None)],
            "not_decided",
            ["50.00", "0.00", "0.00", "0.00", "undecided 50.00"],
        ),
    ];
    for (payments, outcome, sums) in cases {
        let data = paid(payments).letter().await.data();
        assert_eq!(text(&data, "/money/outcome"), *outcome, "{payments:?}");
        let amount = |name: &str| text(&data, &format!("/money/{name}/amount")).to_owned();
        let kept = match data["money"].get("undecided") {
            Some(_) => format!("undecided {}", amount("undecided")),
            None => amount("kept"),
        };
        let [paid, refunded, pending, released] =
            ["paid", "refunded", "refund_pending", "released"].map(amount);
        assert_eq!([paid, refunded, pending, released, kept], *sums, "{payments:?}");
        assert_eq!(contract::adds_up("cancellation-letter", &data), Ok(()));
    }
}

#[tokio::test]
async fn an_order_paid_in_several_currencies_is_added_up_in_the_shops() {
    let case = paid(&[("SALE", "SUCCESS", "50", None), ("SALE", "SUCCESS", "20", None)]);
    let dollars = json!({"amount": "22.00", "currencyCode": "USD"});
    let case = case.edit("OrderCancellation", |order| {
        order["transactions"][1]["amountSet"]["presentmentMoney"] = dollars;
    });
    let data = case.letter().await.data();
    assert_eq!(data["money"]["paid"], json!({"amount": "70.00", "currency": "EUR"}));
}

#[tokio::test]
async fn a_reason_neither_accuses_nor_is_unknown() {
    for (reason, told) in [
        (json!("CUSTOMER"), "customer"),
        (json!("INVENTORY"), "inventory"),
        (json!("FRAUD"), "other"),
        (json!("DECLINED"), "declined"),
        (json!("STAFF"), "staff"),
        (json!("OTHER"), "other"),
        (json!("ONE_OF_TOMORROW"), "other"),
        (Value::Null, "other"),
    ] {
        let case = case().edit("OrderCancellation", |order| order["cancelReason"] = reason);
        let data = case.letter().await.data();
        assert_eq!(text(&data, "/cancellation/reason"), told);
        assert!(!data.to_string().contains("fraud"));
    }
}

/// The letter can be asked for again, or be found by reconciliation, once Shopify shows it.
#[tokio::test]
async fn an_order_that_is_not_cancelled_leads_to_nothing() {
    let case = case().edit("OrderCancellation", |order| order["cancelledAt"] = Value::Null);
    case.letter().await.why_nothing();
}

#[tokio::test]
async fn an_order_may_have_no_line_or_five_hundred() {
    let lines = |count: usize| {
        case().order(|order| {
            let line = order["lineItems"]["nodes"][0].clone();
            order["lineItems"]["nodes"] = vec![line; count].into();
        })
    };
    assert_eq!(lines(0).letter().await.data()["lines"], json!([]));
    let data = lines(500).letter().await.data();
    assert_eq!(data["lines"].as_array().unwrap().len(), 500);
    assert_eq!(data["lines"][499]["number"], 500);
}

#[tokio::test]
async fn a_deleted_customer_still_has_a_letter() {
    let case = case().order(|order| {
        for field in ["customer", "purchasingEntity", "email", "customerLocale"] {
            order[field] = Value::Null;
        }
    });
    let (data, content) = case.letter().await.ready();
    assert_eq!(content.recipient.name.as_deref(), Some("عمر حدّاد"), "by the address");
    assert_eq!((data["locale"].as_str(), content.customer), (Some("en"), None));
}

type Paid = (&'static str, &'static str, &'static str, Option<&'static str>);

/// A refund often follows its cancellation by moments.
#[tokio::test]
async fn while_it_is_open_what_becomes_of_the_money_the_letter_waits() {
    // cancelled at 15:30:38; the demo waits for 15 minutes
    let early = |payments: &[Paid]| paid(payments).at("2026-11-22T15:35:38Z");
    const OPEN: [&[Paid]; 3] = [
        &[("SALE", "SUCCESS", "50", None)],
        &[("SALE", "SUCCESS", "50", None), ("REFUND", "SUCCESS", "20", None)],
        &[("AUTHORIZATION", "SUCCESS", "50", None)],
    ];
    for payments in OPEN {
        let wait = Class::Transient { retry_after: Some(Duration::from_secs(600)) };
        assert_eq!(early(payments).letter().await.error().class, wait, "{payments:?}");
        early(payments).at("2026-11-22T15:45:38Z").letter().await.data();
        let mut asked_for = early(payments);
        asked_for.resend = true;
        asked_for.letter().await.data();
    }
    const DECIDED: [&[Paid]; 4] = [
        &[],
        &[("SALE", "SUCCESS", "50", None), ("REFUND", "SUCCESS", "50", None)],
        &[("SALE", "SUCCESS", "50", None), ("REFUND", "PENDING", "50", None)],
        &[("AUTHORIZATION", "SUCCESS", "50", None), ("VOID", "SUCCESS", "0", Some("50"))],
    ];
    for payments in DECIDED {
        early(payments).letter().await.data();
    }
}

/// What went back before the cancellation says nothing of what will.
#[tokio::test]
async fn a_refund_before_the_cancellation_decides_nothing() {
    let case = paid(&[("SALE", "SUCCESS", "50", None), ("REFUND", "SUCCESS", "20", None)]);
    let case = case.edit("OrderCancellation", |order| {
        order["transactions"][1]["createdAt"] = "2026-11-20T10:00:00Z".into();
    });
    let data = case.letter().await.data();
    assert_eq!(text(&data, "/money/outcome"), "not_decided");
    assert_eq!((text(&data, "/money/undecided/amount"), data["money"].get("kept")), ("30.00", None));
}

#[tokio::test]
async fn only_what_travels_through_a_bank_arrives_on_a_day() {
    let by = |gateway: &'static str, status: &'static str| {
        let case = paid(&[("SALE", "SUCCESS", "50", None), ("REFUND", status, "50", None)]);
        case.edit("OrderCancellation", |order| order["transactions"][1]["gateway"] = gateway.into())
    };
    for gateway in ["cash", "gift_card", "shopify_store_credit", "manual"] {
        let data = by(gateway, "SUCCESS").letter().await.data();
        assert_eq!(data["money"].get("arrives_by"), None, "{gateway}");
        assert_eq!(data["money"]["refunds"][0].get("arrives_by"), None, "{gateway}");
    }
    assert_eq!(by("shopify_payments", "PENDING").letter().await.data()["money"].get("arrives_by"), None);
    let data = by("shopify_payments", "SUCCESS").letter().await.data();
    assert_eq!(text(&data, "/money/arrives_by"), "2026-12-02");
}

fn bag(amount: &str) -> Value {
    let money = json!({"amount": amount, "currencyCode": "EUR"});
    json!({"shopMoney": money, "presentmentMoney": money})
}

/// A refund record of one line, as an edit or a refund makes it.
fn taken_out(at: &str, line: &Value, quantity: u64, amount: &str) -> Value {
    json!({
        "id": "gid://shopify/Refund/1", "createdAt": at, "processedAt": at, "duties": null,
        "refundShippingLines": {"nodes": []},
        "refundLineItems": {"pageInfo": {"hasNextPage": false, "endCursor": null}, "nodes": [{
            "quantity": quantity, "lineItem": {"id": line}, "subtotalSet": bag(amount), "totalTaxSet": bag("0.00"),
        }]},
    })
}

#[tokio::test]
async fn the_letter_shows_the_order_as_it_was_just_before() {
    let line =
        |at: usize| case().answers["OrderForDocuments"]["order"]["lineItems"]["nodes"][at]["id"].clone();
    let with = |refunds: Value| case().edit("OrderCancellation", |order| order["refunds"] = refunds);
    let whole = case().letter().await.data();
    // an edit took one of two units of the second line
    let edited = with(json!([taken_out("2026-11-20T10:00:00Z", &line(1), 1, "8.50")])).letter().await.data();
    assert_eq!(
        (edited["lines"][1]["quantity"].as_u64(), text(&edited, "/lines/1/total/amount")),
        (Some(1), "8.50")
    );
    assert_eq!((text(&whole, "/total/amount"), text(&edited, "/total/amount")), ("151.90", "143.40"));
    // and all of it
    let edited = with(json!([taken_out("2026-11-20T10:00:00Z", &line(1), 2, "17.00")])).letter().await.data();
    assert_eq!((edited["lines"].as_array().unwrap().len(), text(&edited, "/total/amount")), (1, "134.90"));
    assert_eq!(contract::adds_up("cancellation-letter", &edited), Ok(()));
    // what the cancellation itself takes out is what it is about
    let cancelled =
        with(json!([taken_out("2026-11-22T15:30:40Z", &line(1), 2, "17.00")])).letter().await.data();
    assert_eq!(cancelled["lines"], whole["lines"]);
    assert_eq!(cancelled["total"], whole["total"]);
}

/// The further issue that a refund's event leads to.
async fn after_refund(mut event: Case) -> Vec<String> {
    event.topic = "refunds/create".to_owned();
    event.payload = Some(json!({"order_id": 820982911946155102u64}));
    assert_eq!(event.plan().unwrap(), Planned::AskShopify);
    event.look_up().await.into_iter().map(|plan| plan.revision.as_str().to_owned()).collect()
}

#[tokio::test]
async fn a_refund_after_the_letter_leads_to_a_further_issue_of_its_own_name() {
    let refunded = || paid(&[("SALE", "SUCCESS", "50", None), ("REFUND", "SUCCESS", "50", None)]);
    let twice = || {
        paid(&[
            ("SALE", "SUCCESS", "50", None),
            ("REFUND", "SUCCESS", "20", None),
            ("REFUND", "PENDING", "30", None),
            ("REFUND", "FAILURE", "30", None),
        ])
    };
    assert_eq!(after_refund(refunded()).await, ["refund-2"]);
    assert_eq!(after_refund(twice()).await, ["refund-3"], "whichever of the two events it is");
    assert_eq!(
        after_refund(refunded().at("2026-11-22T15:35:38Z")).await,
        [""; 0],
        "the letter itself will tell"
    );
    let sold = paid(&[("SALE", "SUCCESS", "50", None)]);
    assert_eq!(after_refund(sold).await, [""; 0]);
    let open = refunded().edit("OrderCancellation", |order| order["cancelledAt"] = Value::Null);
    assert_eq!(after_refund(open).await, [""; 0], "the order is not cancelled");
}

/// A line of an order that may have been edited: what it costs, how many there are, how many of them an edit or a
/// refund took out before, and the discount on one.
type Bought = (u32, u64, u64, u32);

fn cents(amount: i64) -> String {
    format!("{}.{:02}", amount / 100, amount % 100)
}

/// The cancelled order of these lines, and what it came to just before. `beside`: shipping, discount on it, tip,
/// duties, fees.
fn generated(lines: &[Bought], beside: [u32; 5], rate: u32, included: bool, kept: bool) -> (Case, i64) {
    let line = |at: usize| format!("gid://shopify/LineItem/{}", at + 1);
    let [shipping, off, tip, duties, fees] = beside.map(i64::from);
    let off = off.min(shipping);
    let tax = |amount: i64| amount * i64::from(rate) / 100;
    let on_top = |amount: i64| if included { amount } else { amount + tax(amount) };
    let (mut nodes, mut refunds) = (Vec::new(), Vec::new());
    let (mut total, mut all_tax, mut before) = (0, 0, 0);
    for (at, (price, quantity, gone, discount)) in lines.iter().enumerate() {
        let (price, gone) = (i64::from(*price), (*gone).min(*quantity));
        let net = price - i64::from(*discount).min(price);
        // tax is told per unit, so that what is taken out and what is left add up
        let (ordered, left) = (*quantity as i64, (*quantity - gone) as i64);
        total += on_top(net) * ordered;
        all_tax += tax(net) * ordered;
        before += on_top(net) * left;
        let mut node = case().answers["OrderForDocuments"]["order"]["lineItems"]["nodes"][0].clone();
        node["id"] = line(at).into();
        node["quantity"] = (*quantity).into();
        node["currentQuantity"] = if kept { quantity - gone } else { 0 }.into();
        node["originalUnitPriceSet"] = bag(&cents(price));
        node["totalDiscountSet"] = bag(&cents((price - net) * ordered));
        node["discountAllocations"] = json!([]);
        nodes.push(node);
        if gone > 0 {
            let mut refund =
                taken_out("2026-11-20T10:00:00Z", &line(at).into(), gone, &cents(net * gone as i64));
            refund["refundLineItems"]["nodes"][0]["totalTaxSet"] = bag(&cents(tax(net) * gone as i64));
            refunds.push(refund);
        }
        // the cancellation takes out the rest
        let rest = taken_out("2026-11-22T15:30:38Z", &line(at).into(), quantity - gone, &cents(net * left));
        refunds.push(rest);
    }
    let others = on_top(shipping - off) + tip + duties + fees;
    let case = case()
        .order(|order| {
            let template = order["shippingLines"]["nodes"][0].clone();
            order["lineItems"]["nodes"] = nodes.into();
            order["taxesIncluded"] = included.into();
            order["shippingLines"]["nodes"] = json!([template]);
            order["shippingLines"]["nodes"][0]["originalPriceSet"] = bag(&cents(shipping));
            order["shippingLines"]["nodes"][0]["discountedPriceSet"] = bag(&cents(shipping - off));
            order["totalTaxSet"] = bag(&cents(all_tax + tax(shipping - off)));
            order["totalTipReceivedSet"] = bag(&cents(tip));
            order["originalTotalDutiesSet"] = bag(&cents(duties));
            order["originalTotalAdditionalFeesSet"] = bag(&cents(fees));
            order["totalPriceSet"] = bag(&cents(total + others));
        })
        .edit("OrderCancellation", |order| order["refunds"] = refunds.into());
    (case, before + others)
}

fn letter_of(case: &Case) -> Value {
    let answer = |operation: &str| case.answers[operation].to_string();
    let cancellation = Cancellation::from_graphql(&answer("OrderCancellation")).unwrap().unwrap();
    let order = Order::from_graphql(&answer("OrderForDocuments")).unwrap().unwrap().order;
    let config = ShopConfig::parse(&case.config).unwrap();
    let head = Letterhead {
        document: Document::CancellationLetter,
        communication: &"c4809f9b199959867b344883a5f958d0".parse().unwrap(),
        locale: "en",
        config: &config,
        now: case.now,
    };
    let matter = CancellationMatter::new(&head, &cancellation, &order, None).unwrap();
    serde_json::to_value(Letter::about_order(&head, &order, matter)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever was in the order and went out of it before, fulfilled or not: the parts are those of the order just
    /// before, and sum to what it came to.
    #[test]
    fn the_letter_adds_up(
        lines in vec((1..20_000_u32, 1..5_u64, 0..6_u64, 0..500_u32), 1..5),
        beside in array::uniform5(0..2_000_u32),
        rate in prop_oneof![Just(0), Just(7), Just(20)],
        included: bool,
        kept: bool,
    ) {
        let (case, total) = generated(&lines, beside, rate, included, kept);
        let data = letter_of(&case);
        prop_assert_eq!(contract::adds_up("cancellation-letter", &data), Ok(()));
        prop_assert_eq!(text(&data, "/total/amount"), cents(total));
        prop_assert_eq!(data["totals"].get("difference"), None);
        let units: u64 = data["lines"].as_array().unwrap().iter().map(|it| it["quantity"].as_u64().unwrap()).sum();
        let left: u64 = lines.iter().map(|(_, quantity, gone, _)| quantity - gone.min(quantity)).sum();
        prop_assert_eq!(units, left);
    }
}
