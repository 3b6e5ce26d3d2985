//! Shipping documents.

use super::{NAME, case, five_hundred, named_from_right_to_left, run, without_customer, without_email, work};
use comms::{Document, State};
use e2e::{runtime::Worker, samples::Samples, shop::Shop, stack::Stack};
use serde_json::{Value, json};

const SENT: &[&str] = &["shipping-notice: accepted by email", "packing-slip: accepted by print"];

/// The tracking before it was corrected, as an event says it.
fn old_tracking(detail: &mut Value) {
    let payload = &mut detail["payload"];
    payload["updated_at"] = "2026-11-22T12:00:00+01:00".into();
    payload["tracking_number"] = "XY710000020FR".into();
    payload["tracking_numbers"] = json!(["XY710000020FR"]);
    payload["tracking_url"] = Value::Null;
    payload["tracking_urls"] = json!([]);
}

/// The same, as Shopify had it.
fn had_old_tracking(it: &mut Samples) {
    it["fulfillment-corrected"]["updatedAt"] = "2026-11-22T11:00:00Z".into();
    it["fulfillment-corrected"]["trackingInfo"] =
        json!([{"company": "Chronopost", "number": "XY710000020FR", "url": null}]);
}

fn no_tracking(it: &mut Samples) {
    it["fulfillment-new"]["trackingInfo"] = json!([]);
}

fn event_without_tracking(detail: &mut Value) {
    for field in ["tracking_company", "tracking_number", "tracking_url"] {
        detail["payload"][field] = Value::Null;
    }
    for field in ["tracking_numbers", "tracking_urls"] {
        detail["payload"][field] = json!([]);
    }
}

fn five_hundred_lines(it: &mut Samples) {
    let line = |number: u64| format!("gid://shopify/LineItem/{}", 13_900_000_010_000 + number);
    let ordered = it["order"]["lineItems"][1].clone();
    it["order"]["lineItems"] = five_hundred(&ordered, |copy, number| copy["id"] = line(number).into());
    let shipped = it["fulfillment-new"]["fulfillmentLineItems"][0].clone();
    it["fulfillment-new"]["fulfillmentLineItems"] = five_hundred(&shipped, |copy, number| {
        copy["id"] = format!("gid://shopify/FulfillmentLineItem/{number}").into();
        copy["quantity"] = number.into();
        copy["lineItem"]["id"] = line(number).into();
    });
}

#[tokio::test]
async fn shipments_late_repeated_and_odd() {
    let cases = vec![
        case("an update that was overtaken")
            .event("fulfillments-update")
            .event_with("fulfillments-update", old_tracking)
            .ends(&["shipping-notice: accepted by email"])
            .says("shipping-notice", "/shipment/trackings/0/number", "XY710000021FR"),
        case("tracking that is corrected after its notice went out")
            .shopify(had_old_tracking)
            .event_with("fulfillments-update", old_tracking)
            .shopify(|it| *it = Samples::of("shipping-documents"))
            .event("fulfillments-update")
            .event_with("fulfillments-update", old_tracking)
            .ends(&["shipping-notice: accepted by email"; 2])
            .says("shipping-notice", "/shipment/trackings/0/number", "XY710000020FR")
            .says("shipping-notice", "/shipment/trackings/0/number", "XY710000021FR"),
        case("already delivered")
            .shopify(|it| it["fulfillment-new"]["displayStatus"] = "DELIVERED".into())
            .event("fulfillments-create")
            .ends(&[
                "shipping-notice: suppressed, the shipment is already delivered",
                "packing-slip: suppressed, the shipment is already delivered",
            ]),
        case("already cancelled")
            .shopify(|it| it["fulfillment-new"]["status"] = "CANCELLED".into())
            .event("fulfillments-create")
            .ends(&[
                "shipping-notice: suppressed, the shipment is cancelled",
                "packing-slip: suppressed, the shipment is cancelled",
            ]),
        case("out for delivery and delivered")
            .config(|text| {
                let events = "[shipping]\ndelivery_events = [\"out_for_delivery\", \"delivered\"]";
                text.replace("[shipping]", events)
            })
            .event("fulfillment-events-create")
            .event_with("fulfillment-events-create", |it| {
                it["payload"]["status"] = "out_for_delivery".into();
                it["payload"]["happened_at"] = "2026-11-21T08:10:00+01:00".into();
            })
            .ends(&[
                "delivery-document: accepted by email",
                "delivery-document: suppressed, the shipment is already delivered",
            ])
            .says("delivery-document", "/delivery/status", "delivered"),
        case("no tracking number")
            .shopify(no_tracking)
            .event_with("fulfillments-create", event_without_tracking)
            .ends(SENT)
            .says("shipping-notice", "/shipment/trackings", json!([])),
        case("no e-mail address")
            .shopify(|it| without_email(&mut it["order"]))
            .event("fulfillments-create")
            .ends(&["shipping-notice: accepted by print", "packing-slip: accepted by print"])
            .says("shipping-notice", "/customer/email", Value::Null),
        case("a deleted customer")
            .shopify(|it| without_customer(&mut it["order"]))
            .event("fulfillments-create")
            .ends(SENT)
            .says("shipping-notice", "/customer/id", Value::Null),
        case("a name from right to left")
            .shopify(|it| named_from_right_to_left(&mut it["order"]))
            .event("fulfillments-create")
            .ends(SENT)
            .says("packing-slip", "/destination/name", NAME),
        case("five hundred lines")
            .shopify(five_hundred_lines)
            .event("fulfillments-create")
            .ends(SENT)
            .says("shipping-notice", "/items/499/quantity", 500)
            .says("packing-slip", "/items/500", Value::Null),
        case("nothing in it")
            .shopify(|it| it["fulfillment-new"]["fulfillmentLineItems"] = json!([]))
            .event("fulfillments-create")
            .ends(&[
                "shipping-notice: suppressed, there is nothing in the shipment",
                "packing-slip: suppressed, there is nothing in the shipment",
            ]),
        case("a deleted shipment")
            .shopify(|it| it.remove("fulfillment-new"))
            .event("fulfillments-create")
            .ends(&[
                "shipping-notice: failed, Shopify has no such fulfillment",
                "packing-slip: failed, Shopify has no such fulfillment",
            ]),
        case("a deleted order, and its shipment with it")
            .shopify(|it| {
                it.remove("order");
                it.remove("fulfillment-new");
            })
            .event("fulfillments-create")
            .ends(&[
                "shipping-notice: failed, Shopify has no such fulfillment, and nobody to tell",
                "packing-slip: failed, Shopify has no such fulfillment, and nobody to tell",
            ]),
    ];
    run("shipping-documents", cases).await;
}

/// The event is faster than what Shopify answers: it comes back until Shopify has caught up.
#[tokio::test]
async fn an_event_that_shopify_does_not_know_yet_waits() {
    let stack = Stack::open().await;
    let shop = Shop::open_demo(&stack, str::to_owned).await;
    let now = Samples::of("shipping-documents");
    let mut before = now.clone();
    had_old_tracking(&mut before);
    for resource in before.all() {
        shop.resource(resource).await;
    }
    let mut event = shop.sample("shipping-documents/fulfillments-update.json");
    // long after its event, Shopify's answer is no longer taken for one that lags
    event["detail"]["metadata"]["X-Shopify-Triggered-At"] = jiff::Timestamp::now().to_string().into();
    let item = serde_json::to_value(work(&shop, &event)).unwrap();
    let mut worker = Worker::start("shipping-documents", &stack.environment()).await;
    assert_eq!(worker.deliver_once(std::slice::from_ref(&item), 1).await, [0], "too early");
    assert!(shop.outputs().await.is_empty());
    shop.change(&before, &now).await;
    worker.deliver(&item, 2).await;
    let entries = stack.entries(&shop.domain).await;
    let [entry] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((entry.document, entry.state), (Document::ShippingNotice, State::Accepted));
    let (_, record) = stack.record(entry).await;
    assert_eq!(record["driver_data"]["data"]["shipment"]["trackings"][0]["number"], "XY710000021FR");
    assert_eq!(shop.emails().await.len(), 1);
}
