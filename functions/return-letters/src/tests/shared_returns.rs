//! Several refunds of one return: each letter explains its own refund, and together they name each cost once.

use super::*;
use proptest::prelude::*;

fn euros(cents: i64) -> Value {
    amount(cents, "EUR", cents, "EUR")
}

fn amount(cents: i64, currency: &str, shop_cents: i64, shop: &str) -> Value {
    let text = |cents: i64| {
        format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100)
    };
    json!({
        "shopMoney": {"amount": text(shop_cents), "currencyCode": shop},
        "presentmentMoney": {"amount": text(cents), "currencyCode": currency},
    })
}

fn page(nodes: Vec<Value>) -> Value {
    json!({"pageInfo": {"hasNextPage": false, "endCursor": null}, "nodes": nodes})
}

/// A return's line: units, the fee for all of them, the order's line.
fn returned(item: u64, quantity: u64, fee: Value) -> Value {
    json!({
        "quantity": quantity, "customerNote": null, "returnReasonDefinition": null,
        "withCodeDiscountedTotalPriceSet": euros(5000), "restockingFee": {"percentage": 0.0, "amountSet": fee},
        "fulfillmentLineItem": {"lineItem": {"id": Gid::new("LineItem", item), "title": "Hat", "variantTitle": null, "sku": null}},
    })
}

fn return_of(lines: Vec<Value>, postage: Value, exchange: Option<Value>) -> Value {
    let mut node = approved();
    node["returnLineItems"] = page(lines);
    node["returnShippingFees"] = json!([{ "amountSet": postage }]);
    let exchange = exchange.map(|value| {
        let mut line = node["exchangeLineItems"]["nodes"][0].clone();
        line["lineItems"][0]["discountedTotalSet"] = value;
        line["lineItems"][0]["taxLines"] = json!([]);
        line
    });
    node["exchangeLineItems"] = page(exchange.into_iter().collect());
    node
}

/// The refund of a day: units and subtotals of the order's lines, and what was paid.
fn refund_of(day: usize, lines: Vec<(u64, u64, Value)>, paid: Option<Value>) -> Value {
    let zero = |it: &Value| {
        let mut zero = it.clone();
        zero["shopMoney"]["amount"] = "0".into();
        zero["presentmentMoney"]["amount"] = "0".into();
        zero
    };
    let mut node = refund();
    let at = format!("2026-11-{:02}T08:00:00Z", 10 + day);
    node["id"] = format!("gid://shopify/Refund/{}", 900 + day).into();
    node["createdAt"] = at.clone().into();
    node["processedAt"] = at.into();
    let line = |(item, quantity, subtotal): (u64, u64, Value)| {
        json!({
            "quantity": quantity, "totalTaxSet": zero(&subtotal), "subtotalSet": subtotal,
            "lineItem": {"id": Gid::new("LineItem", item), "title": "Hat", "variantTitle": null, "sku": null},
        })
    };
    node["refundLineItems"] = page(lines.into_iter().map(line).collect());
    let mut payment = node["transactions"]["nodes"][0].clone();
    node["transactions"] = page(
        paid.into_iter()
            .map(|paid| {
                payment["amountSet"] = paid;
                payment.take()
            })
            .collect(),
    );
    node
}

/// The letters about all refunds, each written when the refunds of `known` days are there.
async fn letters(
    r#return: &Value,
    refunds: &[Value],
    order: &Value,
    known: impl Fn(usize) -> usize,
) -> Vec<Value> {
    let mut letters = Vec::new();
    for (day, refund) in refunds.iter().enumerate() {
        let mut nodes = vec![r#return.clone(), order.clone()];
        nodes.extend(refunds[..known(day)].iter().cloned());
        let wire = Wire::new(nodes).await;
        let data =
            driver(gathered(&wire, Document::RefundConfirmation, "refunds/create", &id(refund)).await).0;
        contract::conforms(&schema(Document::RefundConfirmation), &data);
        contract::adds_up("refund-confirmation", &data).unwrap();
        letters.push(data);
    }
    letters
}

/// The shop's money is another currency.
fn in_dollars(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.iter_mut().for_each(|(name, it)| match name.as_str() {
            "shopMoney" => it["currencyCode"] = "USD".into(),
            _ => in_dollars(it),
        }),
        Value::Array(all) => all.iter_mut().for_each(in_dollars),
        _ => {}
    }
}

fn cents(value: &Value) -> i64 {
    value["amount"].as_str().map_or(0, |text| text.replace('.', "").parse().unwrap())
}

fn part(letters: &[Value], name: &str) -> Vec<i64> {
    letters.iter().map(|letter| cents(&letter["totals"][name])).collect()
}

async fn all(r#return: &Value, refunds: &[Value]) -> Vec<Value> {
    letters(r#return, refunds, &order(), |_| refunds.len()).await
}

#[tokio::test]
async fn each_refund_bears_its_own_fees_and_one_the_postage() {
    let node = return_of(vec![returned(1, 1, euros(500)), returned(2, 1, euros(500))], euros(490), None);
    for (paid, fees) in
        [([4010, 4500], [-990, -500]), ([4500, 4010], [-500, -990]), ([5000, 4010], [0, -990])]
    {
        let refunds = [
            refund_of(1, vec![(1, 1, euros(5000))], Some(euros(paid[0]))),
            refund_of(2, vec![(2, 1, euros(5000))], Some(euros(paid[1]))),
        ];
        let letters = all(&node, &refunds).await;
        assert_eq!(part(&letters, "fees"), fees, "{paid:?}");
        assert_eq!(part(&letters, "unexplained"), [0, 0]);
    }
}

/// 10.00 for three units: each refund of a unit bears its part, the last one what is left.
#[tokio::test]
async fn a_fee_for_several_units_is_divided_to_the_cent() {
    let node = return_of(vec![returned(1, 3, euros(1000))], euros(0), None);
    for paid in [[4667, 4666, 4667], [4667, 4667, 4666], [4666, 4667, 4667]] {
        let refunds: Vec<_> =
            (0..3).map(|day| refund_of(day, vec![(1, 1, euros(5000))], Some(euros(paid[day])))).collect();
        let letters = all(&node, &refunds).await;
        assert_eq!(part(&letters, "unexplained"), [0, 0, 0], "{paid:?}");
        assert_eq!(part(&letters, "fees").iter().sum::<i64>(), -1000);
    }
}

/// A dearer exchange whose items are sent back in two parcels: what the first does not cover, the second does in part.
#[tokio::test]
async fn what_one_refund_does_not_cover_the_next_one_does() {
    let node =
        return_of(vec![returned(1, 1, euros(0)), returned(2, 1, euros(0))], euros(0), Some(euros(12000)));
    for (second, forward, owed) in [(None, -7000, 2000), (Some(euros(5000)), 0, 0)] {
        let refunds =
            [refund_of(1, vec![(1, 1, euros(5000))], None), refund_of(2, vec![(2, 1, euros(5000))], second)];
        let letters = all(&node, &refunds).await;
        assert_eq!(part(&letters, "exchange"), [-12000, 0]);
        assert_eq!(part(&letters, "to_be_paid"), [7000, owed]);
        assert_eq!(part(&letters, "brought_forward"), [0, forward]);
        assert_eq!(part(&letters, "unexplained"), [0, 0]);
        assert!(letters.iter().all(|it| it["exchange_lines"].as_array().unwrap().len() == 1));
    }
}

/// An earlier refund whose payments are not on record yet says nothing about what it bears.
#[tokio::test]
async fn the_payments_of_earlier_refunds_are_waited_for() {
    let node = return_of(vec![returned(1, 1, euros(500))], euros(490), None);
    let mut first = refund_of(1, vec![(1, 1, euros(5000))], None);
    let second = refund_of(2, vec![(1, 1, euros(5000))], Some(euros(5000)));
    // a minute before the clock of these tests
    first["processedAt"] = "2030-03-17T17:45:40Z".into();
    let wire = Wire::new([node, order(), first, second.clone()]).await;
    let plan = super::first(Document::RefundConfirmation, &id(&second), None, &config());
    let item = item("refunds/create", &plan.subject);
    let Err(error) = ReturnLetters.gather(wire.gather(&plan, &item, &config())).await else { panic!() };
    assert_eq!(
        (error.class, error.reason.as_str()),
        (Class::transient(), "no payment of an earlier refund of the return is on record yet")
    );
}

/// Four cents too little for a line whose units are all refunded: its fee is known to the cent, and they are no part of it.
#[tokio::test]
async fn what_is_kept_beside_a_whole_fee_is_not_explained_by_rounding() {
    let node = return_of(vec![returned(1, 2, euros(546))], euros(0), None);
    let refund = refund_of(1, vec![(1, 1, euros(5000)), (1, 1, euros(5000))], Some(euros(10000 - 546 - 4)));
    let letters = all(&node, &[refund]).await;
    assert_eq!(part(&letters, "fees"), [-546]);
    assert_eq!(part(&letters, "unexplained"), [-4]);
}

#[derive(Debug, Clone)]
struct Story {
    included: bool,
    /// `USD` is the shop's currency, then.
    dollars: bool,
    /// Units and the fee of each line of the return.
    lines: Vec<(u64, i64)>,
    postage: i64,
    exchange: Option<i64>,
    /// Refunds that bear the postage and the exchange.
    bears: (usize, usize),
    /// For each unit, the refund it is a part of.
    units: Vec<usize>,
    refunds: usize,
    /// Kept back by the shop, or given on top.
    kept: i64,
}

fn story() -> impl Strategy<Value = Story> {
    let lines = prop::collection::vec((1u64..4, 0i64..900), 1..4);
    (
        any::<bool>(),
        any::<bool>(),
        lines,
        0i64..900,
        prop::option::of(1i64..20_000),
        1usize..4,
        prop_oneof![3 => Just(0), 1 => -300i64..300],
    )
        .prop_flat_map(|(included, dollars, lines, postage, exchange, refunds, kept)| {
            let count = lines.iter().map(|it| it.0 as usize).sum::<usize>();
            let units = prop::collection::vec(0..refunds, count);
            (units, 0..refunds, 0..refunds).prop_map(move |(units, postage_on, exchange_on)| Story {
                included,
                dollars,
                lines: lines.clone(),
                postage,
                exchange,
                bears: (postage_on, exchange_on),
                units,
                refunds,
                kept,
            })
        })
}

impl Story {
    /// The return, its refunds, the order, and what each refund bears of the fees.
    fn nodes(&self) -> (Value, Vec<Value>, Value) {
        let (price, tax) = (5000i64, 800i64);
        let gross = if self.included { price } else { price + tax };
        let money = |cents: i64| match self.dollars {
            true => amount(cents, "EUR", cents * 2, "USD"),
            false => euros(cents),
        };
        let lines =
            self.lines.iter().zip(1u64..).map(|((units, fee), item)| returned(item, *units, money(*fee)));
        let r#return = return_of(lines.collect(), money(self.postage), self.exchange.map(money));
        let mut order = order();
        order["taxesIncluded"] = self.included.into();
        if self.dollars {
            order["currencyCode"] = "USD".into();
            in_dollars(&mut order);
        }
        let owner: Vec<(u64, u64, i64)> = self
            .lines
            .iter()
            .zip(1u64..)
            .flat_map(|((units, fee), item)| (0..*units).map(move |_| (item, *units, *fee)))
            .collect();
        let mut given = vec![0i64; self.lines.len()];
        let mut owed = 0;
        let refunds = (0..self.refunds)
            .map(|number| {
                let (mut lines, mut items, mut fees) = (Vec::new(), 0, 0);
                for ((item, units, fee), _) in
                    owner.iter().zip(&self.units).filter(|(_, refund)| **refund == number)
                {
                    let index = *item as usize - 1;
                    let part = |units_: i64| (fee * units_ * 2 + *units as i64) / (2 * *units as i64);
                    fees += part(given[index] + 1) - part(given[index]);
                    given[index] += 1;
                    items += gross;
                    lines.push((*item, 1, money(price)));
                }
                let mut due = fees + std::mem::take(&mut owed);
                due += if self.bears.0 == number { self.postage } else { 0 };
                due += self.exchange.filter(|_| self.bears.1 == number).unwrap_or(0);
                due += if number == 0 { self.kept } else { 0 };
                let paid = items - due;
                owed = (-paid).max(0);
                let mut refund = refund_of(number, lines, (paid > 0).then(|| money(paid)));
                for line in refund["refundLineItems"]["nodes"].as_array_mut().unwrap() {
                    line["totalTaxSet"] = money(tax);
                }
                refund
            })
            .collect();
        (r#return, refunds, order)
    }
}

proptest! {
    // each case is several conversations with a server
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the refunds of a return look like, and however much of it was known when a letter was written: its parts
    /// add up, it says the same, and all letters together say no fee, no postage and no exchange twice.
    #[test]
    fn letters_explain_themselves_and_never_repeat(story in story()) {
        let (r#return, refunds, order) = story.nodes();
        let refunds: Vec<_> = refunds.into_iter().filter(|it| !it["refundLineItems"]["nodes"].as_array().unwrap().is_empty()).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let letters_ = runtime.block_on(letters(&r#return, &refunds, &order, |_| refunds.len()));
        let early = runtime.block_on(letters(&r#return, &refunds, &order, |day| day + 1));
        prop_assert_eq!(&letters_, &early);
        let fees = story.lines.iter().map(|it| it.1).sum::<i64>() + story.postage;
        prop_assert!(-part(&letters_, "fees").iter().sum::<i64>() <= fees);
        let exchanged = part(&letters_, "exchange");
        prop_assert!(exchanged.iter().filter(|it| **it != 0).count() <= 1);
        prop_assert!(exchanged.iter().all(|it| *it == 0 || Some(-it) == story.exchange));
        for letter in &letters_ {
            let by_line: i64 = letter["lines"].as_array().unwrap().iter().map(|it| cents(&it["restocking_fee"])).sum();
            prop_assert!(by_line >= cents(&letter["fees"]["restocking"]));
        }
        if story.refunds == refunds.len() && story.kept == 0 && story.refunds == 1 {
            prop_assert_eq!(part(&letters_, "unexplained"), [0]);
            prop_assert_eq!(part(&letters_, "fees"), [-fees]);
        }
    }
}
