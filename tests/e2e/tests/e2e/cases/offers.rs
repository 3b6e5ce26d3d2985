//! Offers, and what keeps them from being sent.

use super::{NAME, case, five_hundred, run, work};
use comms::{Document, State};
use e2e::{runtime::Worker, samples::Samples, shop::Shop, stack::Stack};
use serde_json::{Value, json};
use std::time::Duration;

const SENT: &[&str] = &["promotional-offer: accepted by email"];

/// What offer-run queues for a member of the winter campaign's audience.
fn winter(shop: &Shop) -> Value {
    campaign(shop, "winter", "promotional-offer", "2026-11-23")
}

fn statement(shop: &Shop) -> Value {
    campaign(shop, "club-points", "loyalty-statement", "2026-11-01")
}

fn refill(shop: &Shop) -> Value {
    campaign(shop, "refill", "replenishment-reminder", "2026-11-23")
}

fn refill_of_the_next_day(shop: &Shop) -> Value {
    campaign(shop, "refill", "replenishment-reminder", "2026-11-24")
}

fn campaign(shop: &Shop, campaign: &str, document: &str, period: &str) -> Value {
    json!({
        "v": 1, "shop": shop.domain, "flow": "targeted-offers", "subject": CUSTOMER,
        "trigger": {"topic": "campaign", "webhook_id": format!("{campaign}-{period}-7100000000000001")},
        "payload": {"campaign": campaign, "document": document, "period": period},
    })
}

const CUSTOMER: &str = "gid://shopify/Customer/7100000000000001";

/// The winter offer does not expire here: the day of the campaign is that of the samples.
fn lasting(text: &str) -> String {
    text.replace("valid_days = 14\n", "")
}

fn without_orders(it: &mut Samples) {
    it.remove("order-2012");
    it.remove("order-2041");
}

/// The order's five hundred lines have a title each; the last is what runs out.
fn five_hundred_lines(it: &mut Samples) {
    let line = it["order-2041"]["lineItems"][1].clone();
    it["order-2041"]["lineItems"] = five_hundred(&line, |copy, number| {
        copy["id"] = format!("gid://shopify/LineItem/{number}").into();
        copy["title"] = format!("Article {number}").into();
        copy["sku"] = if number == 500 { "CARE-WAX-100".into() } else { format!("SKU-{number}").into() };
    });
}

fn bought_again(it: &mut Samples) {
    let mut again = it["order-2041"].clone();
    again["id"] = "gid://shopify/Order/7200000000000099".into();
    for at in ["createdAt", "processedAt", "updatedAt"] {
        again[at] = "2026-11-22T10:00:00Z".into();
    }
    it.add("order-again", again);
}

fn subscription(it: &mut Samples, state: &str) {
    it["customer-noor"]["defaultEmailAddress"]["marketingState"] = state.into();
}

fn tags(it: &mut Samples, tags: &[&str]) {
    it["customer-noor"]["tags"] = json!(tags);
}

#[tokio::test]
async fn offers_late_repeated_and_odd() {
    let cases = vec![
        case("whoever left the segment before a late event")
            .shopify(|it| {
                it["segment-610001"]["members"].as_array_mut().unwrap().remove(0);
            })
            .event("customer-joined-segment"),
        case("an offer that has expired")
            .config(|text| text.replace("code = \"CLUB15\"", "code = \"CLUB15\"\nvalid_days = 7"))
            .event_with("customer-joined-segment", |it| {
                it["metadata"]["X-Shopify-Triggered-At"] = "2026-10-01T09:05:00Z".into();
            })
            .ends(&["promotional-offer: suppressed, the offer has expired"]),
        case("a deleted customer")
            .shopify(|it| it.remove("customer-noor"))
            .event("customer-joined-segment")
            .item(statement)
            .ends(&[
                "promotional-offer: suppressed, Shopify has no such customer, and nobody to tell",
                "loyalty-statement: suppressed, Shopify has no such customer, and nobody to tell",
            ]),
        case("no e-mail address")
            .shopify(|it| it["customer-noor"]["defaultEmailAddress"] = Value::Null)
            .event("customer-joined-segment")
            .item(statement)
            .ends(&[
                "promotional-offer: suppressed, the customer has no e-mail address; no agreement to offers by post (tag offers-by-post)",
                "loyalty-statement: suppressed, no channel can reach the recipient",
            ]),
        case("no e-mail address and a wish for post")
            .shopify(|it| {
                it["customer-noor"]["defaultEmailAddress"] = Value::Null;
                tags(it, &["club", "offers-by-post"]);
            })
            .event("customer-joined-segment")
            .ends(&["promotional-offer: accepted by print"]),
        case("unsubscribed since")
            .shopify(|it| subscription(it, "UNSUBSCRIBED"))
            .item(statement)
            .ends(&["loyalty-statement: suppressed, the customer has unsubscribed from e-mail marketing"]),
        case("a subscription that is not confirmed")
            .shopify(|it| subscription(it, "PENDING"))
            .item(statement)
            .ends(&["loyalty-statement: suppressed, the customer has not confirmed the subscription to e-mail marketing"]),
        case("a suppression tag")
            .shopify(|it| tags(it, &["club", "No-Marketing"]))
            .event("customer-joined-segment")
            .ends(&["promotional-offer: suppressed, the customer has the suppression tag no-marketing"]),
        case("more offers than the cap allows")
            .config(|text| lasting(text).replace("most = 3", "most = 1"))
            .event("customer-joined-segment")
            .item(winter)
            .ends(&[
                "promotional-offer: accepted by email",
                "promotional-offer: suppressed, the customer has had as many offers as the cap allows",
            ]),
        case("a name from right to left")
            .shopify(|it| {
                let (first, last) = NAME.split_once(' ').unwrap();
                it["customer-noor"]["firstName"] = first.into();
                it["customer-noor"]["lastName"] = last.into();
                it["customer-noor"]["locale"] = "he".into();
            })
            .event("customer-joined-segment")
            .ends(SENT)
            .says("promotional-offer", "/customer/name", NAME)
            .says("promotional-offer", "/locale", "en"),
        case("an order of five hundred lines")
            .shopify(five_hundred_lines)
            .event("customer-joined-segment")
            .item(refill)
            .ends(&["promotional-offer: accepted by email", "replenishment-reminder: accepted by email"])
            .says("promotional-offer", "/recently_bought/0/text", "Article 1")
            .says("promotional-offer", "/recently_bought/5", Value::Null)
            .says("replenishment-reminder", "/products/0/title", "Article 500"),
        case("no orders")
            .shopify(without_orders)
            .event("customer-joined-segment")
            .item(statement)
            .item(refill)
            .ends(SENT)
            .says("promotional-offer", "/recently_bought", json!([])),
        case("what runs out on two days")
            .item(refill)
            .item(refill_of_the_next_day)
            .ends(&["replenishment-reminder: accepted by email"])
            .says("replenishment-reminder", "/products/0/sku", "CARE-WAX-100"),
        case("a statement that comes after the next")
            .item(|shop| campaign(shop, "club-points", "loyalty-statement", "2026-10-01"))
            .item(statement)
            .ends(&["loyalty-statement: accepted by email", "loyalty-statement: accepted by email"])
            .says("loyalty-statement", "/points/balance", "312")
            .says("loyalty-statement", "/points/opening", "312"),
        case("bought again before the reminder")
            .shopify(bought_again)
            .item(refill)
            .ends(&["replenishment-reminder: suppressed, it was bought again"]),
    ];
    run("targeted-offers", cases).await;
}

/// The list beats consent: whoever complained gets nothing any more, whichever campaign it is.
#[tokio::test]
async fn whoever_is_on_the_suppression_list_gets_nothing_more() {
    let stack = Stack::open().await;
    let shop = Shop::open_demo(&stack, lasting).await;
    shop.register_samples("targeted-offers").await;
    let joined = shop.sample("targeted-offers/customer-joined-segment.json");
    let mut worker = Worker::start("targeted-offers", &stack.environment()).await;
    worker.deliver(&serde_json::to_value(work(&shop, &joined)).unwrap(), 1).await;
    let welcome = stack.entries(&shop.domain).await.remove(0);
    assert_eq!(welcome.state, State::Accepted, "{:?}", welcome.reason);

    let customer = welcome.customer.unwrap().parse().unwrap();
    stack.ledger.suppress(&shop.domain, &customer, "complained", jiff::Timestamp::now()).await.unwrap();
    worker.deliver_all(&[winter(&shop), statement(&shop)], 1).await;
    let entries = stack.entries(&shop.domain).await;
    let refused: Vec<_> =
        entries.iter().filter(|entry| entry.communication != welcome.communication).collect();
    assert_eq!(refused.len(), 2);
    for entry in refused {
        let reason = entry.reason.as_deref().unwrap();
        assert_eq!(
            (entry.state, reason),
            (State::Suppressed, "the customer is on the suppression list: complained")
        );
        assert!(entry.archived.is_none());
    }
    assert_eq!(shop.emails().await.len(), 1);
}

/// The recipient says days after the delivery that they want no more of it: the next campaign leaves them out.
#[tokio::test]
async fn an_opt_out_after_delivery_reaches_the_suppression_list_before_the_next_campaign() {
    let stack = Stack::open().await;
    let shop = Shop::open_demo(&stack, lasting).await;
    shop.register_samples("targeted-offers").await;
    let joined = shop.sample("targeted-offers/customer-joined-segment.json");
    let mut worker = Worker::start("targeted-offers", &stack.environment()).await;
    worker.deliver(&serde_json::to_value(work(&shop, &joined)).unwrap(), 1).await;
    let welcome = stack.entries(&shop.domain).await.remove(0);
    assert_eq!(welcome.state, State::Accepted, "{:?}", welcome.reason);
    let asked = async |rule: Value| {
        shop.control(shop.exstream, "PUT", "outcomes", Some(&rule)).await;
        let now = jiff::Timestamp::now();
        stack.ledger.check_again(welcome.communication.as_str(), now).await.unwrap();
        let mut status = Worker::start("delivery-status", &stack.environment()).await;
        status.invoke(&json!({}), Duration::from_secs(60)).await;
        stack.ledger.get(&welcome.communication).await.unwrap().unwrap()
    };
    let delivered = asked(json!([])).await;
    assert_eq!((delivered.state, delivered.reason), (State::Delivered, None));
    let customer = welcome.customer.clone().unwrap().parse().unwrap();
    assert_eq!(stack.ledger.suppression(&shop.domain, &customer).await.unwrap(), None);

    let reference = welcome.communication.as_str();
    let opted_out = asked(json!([{"customer_reference": reference, "opt_out": true}])).await;
    assert_eq!(
        (opted_out.state, opted_out.reason.as_deref()),
        (State::Delivered, Some("opted out of e-mail"))
    );
    worker.deliver_all(&[winter(&shop)], 1).await;
    let entries = stack.entries(&shop.domain).await;
    let next = entries.iter().find(|entry| entry.communication != welcome.communication).unwrap();
    assert_eq!(
        (next.state, next.reason.as_deref()),
        (State::Suppressed, Some("the customer is on the suppression list: opted out of e-mail"))
    );
    assert_eq!(shop.emails().await.len(), 1);
}

/// In the night nothing is composed or sent; the message waits, and in the morning it is sent once.
#[tokio::test]
async fn quiet_hours_put_an_offer_off() {
    let hour = |hours| {
        let zone = jiff::tz::TimeZone::get("Europe/Paris").unwrap();
        let at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours);
        at.to_zoned(zone).strftime("%H:00:00").to_string()
    };
    let quiet = format!("[marketing]\nquiet_hours = {{ from = \"{}\", to = \"{}\" }}", hour(-2), hour(3));
    let stack = Stack::open().await;
    let shop = Shop::open_demo(&stack, |text| text.replace("[marketing]", &quiet)).await;
    shop.register_samples("targeted-offers").await;
    let joined = shop.sample("targeted-offers/customer-joined-segment.json");
    let item = serde_json::to_value(work(&shop, &joined)).unwrap();
    let mut worker = Worker::start("targeted-offers", &stack.environment()).await;
    assert_eq!(worker.deliver_once(std::slice::from_ref(&item), 1).await, [0], "not in the night");
    let waiting = stack.entries(&shop.domain).await.remove(0);
    assert!(waiting.state.is_open() && waiting.archived.is_none(), "{}", waiting.state);
    assert_eq!((shop.outputs().await.len(), shop.emails().await.len()), (0, 0));

    shop.configure(&stack, &shop.config.replace(&quiet, "[marketing]")).await;
    worker.deliver(&item, 2).await;
    let sent = shop.settled(&stack, &waiting.communication).await;
    assert_eq!((sent.document, sent.state), (Document::PromotionalOffer, State::Accepted));
    assert_eq!((shop.outputs().await.len(), shop.emails().await.len()), (1, 1));
}
