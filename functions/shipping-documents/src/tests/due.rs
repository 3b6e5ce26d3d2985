//! Whether a document is still due: late, repeated and overtaken events.

use super::*;

/// As the document's own module judges.
fn verdict(plan: &Plan, request: Request, shipment: &Fulfillment) -> Verdict {
    let judge: Judge = match plan.document {
        Document::ShippingNotice => shipping_notice::judge,
        Document::PackingSlip => packing_slip::judge,
        Document::DeliveryDocument => delivery_document::judge,
        Document::OutForDeliveryNotice => out_for_delivery::judge,
        other => panic!("{other} is not about a shipment"),
    };
    rules::verdict(plan, request, shipment, judge)
}

fn notice(of: &Fulfillment) -> Plan {
    plan(Document::ShippingNotice, tracking_revision(&of.tracking()), of)
}

fn slip(of: &Fulfillment) -> Plan {
    plan(Document::PackingSlip, Revision::Initial, of)
}

fn delivery(status: &str, of: &Fulfillment) -> Plan {
    plan(Document::DeliveryDocument, Revision::named(status), of)
}

const NOW: Request = Request { again: false, tells_out_for_delivery: false };
const AGAIN: Request = Request { again: true, ..NOW };

fn suppressed(reason: &'static str) -> Verdict {
    Verdict::Suppress(reason)
}

const ALREADY: Verdict = Verdict::Suppress("the shipment is already delivered");

#[test]
fn what_is_true_now_is_made() {
    let (new, delivered) = (shipment(NEW, as_it_is), shipment(DELIVERED, as_it_is));
    assert_eq!(verdict(&notice(&new), NOW, &new), Verdict::Write);
    assert_eq!(verdict(&slip(&new), NOW, &new), Verdict::Write);
    assert_eq!(verdict(&delivery("delivered", &delivered), NOW, &delivered), Verdict::Write);
}

/// Whichever of the two events comes first: the notice of the present tracking is due, and never one of another.
#[test]
fn a_notice_of_tracking_that_was_corrected_is_not_made() {
    let old = shipment(CORRECTED, |it| it["trackingInfo"][0]["number"] = "XY710000020FR".into());
    let none = shipment(CORRECTED, |it| it["trackingInfo"] = json!([]));
    let now = shipment(CORRECTED, as_it_is);
    let by = |shown| Verdict::ReplaceBy(Box::new(notice(shown)));
    for before in [&old, &none] {
        assert_eq!(verdict(&notice(before), NOW, &now), by(&now));
        assert_eq!(verdict(&notice(&now), NOW, &now), Verdict::Write);
        // before the correction reached Shopify's answer: then the answer is older than the event
        assert_eq!(verdict(&notice(&now), NOW, before), by(before));
    }
    assert_eq!(verdict(&notice(&none), NOW, &none), Verdict::Write, "a notice without a number is useful");
}

#[test]
fn nothing_is_announced_that_is_delivered_fetched_cancelled_or_failed() {
    let new = shipment(NEW, as_it_is);
    let after = |field: &'static str, value: &'static str| shipment(NEW, move |it| it[field] = value.into());
    for (now, verdict_of_both) in [
        (after("displayStatus", "DELIVERED"), ALREADY),
        (after("deliveredAt", "2026-11-25T10:00:00Z"), ALREADY),
        (after("displayStatus", "PICKED_UP"), ALREADY),
        (after("status", "CANCELLED"), suppressed("the shipment is cancelled")),
        (after("status", "ERROR"), suppressed("the shipment failed")),
        (after("status", "FAILURE"), suppressed("the shipment failed")),
    ] {
        assert_eq!(verdict(&notice(&new), NOW, &now), verdict_of_both);
        assert_eq!(verdict(&slip(&new), NOW, &now), verdict_of_both);
    }
    let gone = shipment(DELIVERED, |it| it["status"] = "CANCELLED".into());
    let cancelled = suppressed("the shipment is cancelled");
    assert_eq!(verdict(&delivery("delivered", &gone), NOW, &gone), cancelled);
}

/// A fulfilment service prints the slip before it says that the parcel has left.
#[test]
fn a_notice_waits_for_the_fulfilment_service_and_the_slip_does_not() {
    for status in ["PENDING", "OPEN"] {
        let waiting = shipment(NEW, |it| it["status"] = status.into());
        let too_early = Verdict::NotDue("the shipment has not left yet");
        assert_eq!(verdict(&notice(&waiting), NOW, &waiting), too_early);
        assert_eq!(verdict(&slip(&waiting), NOW, &waiting), Verdict::Write);
    }
}

#[test]
fn an_empty_or_digital_shipment_has_no_documents() {
    let empty = shipment(DELIVERED, |it| it["fulfillmentLineItems"]["nodes"] = json!([]));
    let digital = shipment(DELIVERED, |it| it["requiresShipping"] = false.into());
    for (now, reason) in
        [(empty, "there is nothing in the shipment"), (digital, "nothing in it needs shipping")]
    {
        for plan in [notice(&now), slip(&now), delivery("delivered", &now)] {
            assert_eq!(verdict(&plan, NOW, &now), suppressed(reason));
        }
    }
}

#[test]
fn news_on_the_way_count_while_they_are_true() {
    let shown = |status: &'static str| shipment(CORRECTED, move |it| it["displayStatus"] = status.into());
    let out = shown("OUT_FOR_DELIVERY");
    assert_eq!(verdict(&delivery("out_for_delivery", &out), NOW, &out), Verdict::Write);
    let past = Verdict::NotDue("the shipment is further on its way by now");
    assert_eq!(verdict(&delivery("in_transit", &out), NOW, &out), past);
    let undelivered = Verdict::NotDue("Shopify does not say that it is delivered");
    assert_eq!(verdict(&delivery("delivered", &out), NOW, &out), undelivered);
    let delivered = shipment(DELIVERED, as_it_is);
    assert_eq!(verdict(&delivery("out_for_delivery", &delivered), NOW, &delivered), ALREADY);
}

/// Who asks for another issue knows that time has passed, but a shipment that never was stays one.
#[test]
fn a_person_gets_another_issue_of_what_was_announced_before() {
    let again = Revision::named("resend-20261123T090000Z");
    let delivered = shipment(DELIVERED, as_it_is);
    for document in [Document::ShippingNotice, Document::PackingSlip, Document::DeliveryDocument] {
        let plan = plan(document, again.clone(), &delivered);
        assert_eq!(verdict(&plan, AGAIN, &delivered), Verdict::Write);
        let told = (document == Document::DeliveryDocument).then_some(DeliveryEvent::Delivered);
        assert_eq!(rules::event(&plan, &delivered), told);
        let cancelled = shipment(DELIVERED, |it| it["status"] = "CANCELLED".into());
        assert_eq!(verdict(&plan, AGAIN, &cancelled), suppressed("the shipment is cancelled"));
    }
}

/// Then it is not the event that is out of date, and asking again helps.
#[test]
fn an_answer_that_is_older_than_the_event_is_told_from_one_that_is_not() {
    let now = shipment(CORRECTED, as_it_is);
    let is_news = |topic: &str, updated_at: Value| {
        let mut payload = payload(UPDATE);
        payload["updated_at"] = updated_at;
        shipment::is_news(&item(topic, &now.id, None), Some(&payload.to_string()), &now)
    };
    assert!(is_news("fulfillments/update", "2026-11-23T09:15:01+01:00".into()));
    assert!(!is_news("fulfillments/update", "2026-11-23T09:15:00+01:00".into()));
    assert!(!is_news("fulfillments/update", Value::Null));
    assert!(!is_news("fulfillment_events/create", "2026-11-24T00:00:00Z".into()), "that is another clock");
    assert!(!shipment::is_news(&item("fulfillments/update", &now.id, None), None, &now));

    let told = |id: u64, shipment: &Fulfillment| {
        let mut payload = payload(TOLD);
        payload["id"] = id.into();
        let item = item("fulfillment_events/create", &Gid::new("FulfillmentEvent", id), None);
        shipment::is_news(&item, Some(&payload.to_string()), shipment)
    };
    let delivered = shipment(DELIVERED, as_it_is);
    assert!(!told(46200000071013, &delivered) && told(46200000071019, &delivered));
}

fn by(method: &str, change: impl FnOnce(&mut Value)) -> Fulfillment {
    shipment(NEW, |it| {
        it["trackingInfo"] = json!([]);
        it["fulfillmentOrders"] =
            json!({"nodes": [{"deliveryMethod": {"methodType": method, "presentedName": null}}]});
        change(it);
    })
}

/// How it reaches the customer decides what is announced and packed.
#[test]
fn nothing_is_announced_or_packed_that_the_customer_carries_away() {
    for (method, reason) in [
        ("RETAIL", Some("it was carried out of the store: nothing is sent")),
        ("PICK_UP", Some("the customer picks it up: nothing is sent")),
        ("NONE", Some("nothing in it is delivered")),
        ("SHIPPING", None),
        ("PICKUP_POINT", None),
        ("LOCAL", None),
        ("DRONE", None),
    ] {
        for change in [as_it_is as fn(&mut Value), |it| it["displayStatus"] = "FULFILLED".into()] {
            let now = by(method, change);
            for (plan, request) in [(notice(&now), NOW), (slip(&now), NOW), (notice(&now), AGAIN)] {
                let expected = reason.map_or(Verdict::Write, suppressed);
                assert_eq!(verdict(&plan, request, &now), expected, "{method} {}", plan.document);
            }
        }
        let delivered = by(method, |it| it["displayStatus"] = "DELIVERED".into());
        let expected = reason.map_or(Verdict::Write, suppressed);
        assert_eq!(verdict(&delivery("delivered", &delivered), NOW, &delivered), expected, "{method}");
    }
    // what can be followed was sent after all
    let tracked =
        by("PICK_UP", |it| it["trackingInfo"] = json!([{"company": null, "number": "1", "url": null}]));
    assert_eq!(verdict(&notice(&tracked), NOW, &tracked), Verdict::Write);
    let ready = by("PICK_UP", |it| it["displayStatus"] = "READY_FOR_PICKUP".into());
    assert_eq!(verdict(&delivery("ready_for_pickup", &ready), NOW, &ready), Verdict::Write);
}

/// Without a scope for fulfillment orders, the shipment itself shows some of it.
#[test]
fn an_unknown_method_is_inferred_from_what_is_shown() {
    let shown = |status: &'static str, tracking: Value| {
        shipment(NEW, |it| {
            it["displayStatus"] = status.into();
            it["trackingInfo"] = tracking;
        })
    };
    let tracked = || json!([{"company": "UPS", "number": "1", "url": null}]);
    assert_eq!(rules::method(&shown("PICKED_UP", json!([]))), Some(MethodType::PickUp));
    assert_eq!(rules::method(&shown("READY_FOR_PICKUP", json!([]))), Some(MethodType::PickUp));
    assert_eq!(rules::method(&shown("READY_FOR_PICKUP", tracked())), None, "at a post office");
    assert_eq!(rules::method(&shown("OUT_FOR_DELIVERY", json!([]))), Some(MethodType::Local));
    assert_eq!(rules::method(&shown("FULFILLED", json!([]))), None);

    let sold_at_the_till = order(|it| {
        it["shippingAddress"] = Value::Null;
        it["shippingLines"]["nodes"] = json!([]);
    });
    let sent = shown("FULFILLED", json!([]));
    let nowhere = suppressed("the order has no address to send it to");
    assert_eq!(rules::has_address(&sent, &sold_at_the_till), nowhere);
    assert_eq!(rules::has_address(&sent, &order(as_it_is)), Verdict::Write);
    assert_eq!(rules::has_address(&shown("FULFILLED", tracked()), &sold_at_the_till), Verdict::Write);
    assert_eq!(rules::has_address(&by("SHIPPING", as_it_is), &sold_at_the_till), Verdict::Write);
}

#[test]
fn a_local_delivery_is_told_of_once() {
    let out = by("LOCAL", |it| it["displayStatus"] = "OUT_FOR_DELIVERY".into());
    let plan = plan(Document::OutForDeliveryNotice, Revision::Initial, &out);
    assert_eq!(verdict(&plan, NOW, &out), Verdict::Write);
    let both = Request { tells_out_for_delivery: true, ..NOW };
    assert_eq!(verdict(&notice(&out), both, &out), suppressed("the out-for-delivery notice tells of it"));
    assert_eq!(verdict(&notice(&out), NOW, &out), Verdict::Write, "else nobody would");
    let made_up = by("LOCAL", |it| it["displayStatus"] = "FULFILLED".into());
    assert_eq!(verdict(&notice(&made_up), both, &made_up), Verdict::Write);
    let delivered = by("LOCAL", |it| it["displayStatus"] = "DELIVERED".into());
    assert_eq!(verdict(&plan, NOW, &delivered), ALREADY);
    let by_carrier = by("SHIPPING", |it| it["displayStatus"] = "OUT_FOR_DELIVERY".into());
    for request in [NOW, AGAIN] {
        assert_eq!(verdict(&plan, request, &by_carrier), Verdict::NotDue("a carrier delivers it"));
    }
}
