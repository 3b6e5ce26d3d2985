//! Whether a document is still due: late, repeated and overtaken events.

use super::*;
use rules::verdict;

fn notice(of: &Fulfillment) -> Plan {
    plan(Document::ShippingNotice, tracking_revision(&of.tracking()), of)
}

fn slip(of: &Fulfillment) -> Plan {
    plan(Document::PackingSlip, Revision::Initial, of)
}

fn delivery(status: &str, of: &Fulfillment) -> Plan {
    plan(Document::DeliveryDocument, Revision::named(status), of)
}

fn suppressed(reason: &'static str) -> Verdict {
    Verdict::Suppress(reason)
}

const ALREADY: Verdict = Verdict::Suppress("the shipment is already delivered");

#[test]
fn what_is_true_now_is_made() {
    let (new, delivered) = (shipment(NEW, as_it_is), shipment(DELIVERED, as_it_is));
    assert_eq!(verdict(&notice(&new), false, &new), Verdict::Make);
    assert_eq!(verdict(&slip(&new), false, &new), Verdict::Make);
    assert_eq!(verdict(&delivery("delivered", &delivered), false, &delivered), Verdict::Make);
}

/// Whichever of the two events comes first, the older tracking is never told, and the newer one is.
#[test]
fn a_notice_of_tracking_that_was_corrected_is_not_made() {
    let old = shipment(CORRECTED, |it| it["trackingInfo"][0]["number"] = "XY710000020FR".into());
    let none = shipment(CORRECTED, |it| it["trackingInfo"] = json!([]));
    let now = shipment(CORRECTED, as_it_is);
    let overtaken = Verdict::Nothing("the shipment has other tracking by now");
    for before in [&old, &none] {
        assert_eq!(verdict(&notice(before), false, &now), overtaken);
        assert_eq!(verdict(&notice(&now), false, &now), Verdict::Make);
        // before the correction reached Shopify's answer, its event is too early instead
        assert_eq!(verdict(&notice(&now), false, before), overtaken);
    }
    assert_eq!(verdict(&notice(&none), false, &none), Verdict::Make, "a notice without a number is useful");
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
        assert_eq!(verdict(&notice(&new), false, &now), verdict_of_both);
        assert_eq!(verdict(&slip(&new), false, &now), verdict_of_both);
    }
    let gone = shipment(DELIVERED, |it| it["status"] = "CANCELLED".into());
    let cancelled = suppressed("the shipment is cancelled");
    assert_eq!(verdict(&delivery("delivered", &gone), false, &gone), cancelled);
}

/// A fulfilment service prints the slip before it says that the parcel has left.
#[test]
fn a_notice_waits_for_the_fulfilment_service_and_the_slip_does_not() {
    for status in ["PENDING", "OPEN"] {
        let waiting = shipment(NEW, |it| it["status"] = status.into());
        let too_early = Verdict::Nothing("the shipment has not left yet");
        assert_eq!(verdict(&notice(&waiting), false, &waiting), too_early);
        assert_eq!(verdict(&slip(&waiting), false, &waiting), Verdict::Make);
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
            assert_eq!(verdict(&plan, false, &now), suppressed(reason));
        }
    }
}

#[test]
fn news_on_the_way_count_while_they_are_true() {
    let shown = |status: &'static str| shipment(CORRECTED, move |it| it["displayStatus"] = status.into());
    let out = shown("OUT_FOR_DELIVERY");
    assert_eq!(verdict(&delivery("out_for_delivery", &out), false, &out), Verdict::Make);
    let past = Verdict::Nothing("the shipment is further on its way by now");
    assert_eq!(verdict(&delivery("in_transit", &out), false, &out), past);
    let undelivered = Verdict::Nothing("Shopify does not say that it is delivered");
    assert_eq!(verdict(&delivery("delivered", &out), false, &out), undelivered);
    let delivered = shipment(DELIVERED, as_it_is);
    assert_eq!(verdict(&delivery("out_for_delivery", &delivered), false, &delivered), ALREADY);
}

/// Who asks for another issue knows that time has passed, but a shipment that never was stays one.
#[test]
fn a_person_gets_another_issue_of_what_was_announced_before() {
    let again = Revision::named("resend-20261123T090000Z");
    let delivered = shipment(DELIVERED, as_it_is);
    for document in [Document::ShippingNotice, Document::PackingSlip, Document::DeliveryDocument] {
        let plan = plan(document, again.clone(), &delivered);
        assert_eq!(verdict(&plan, true, &delivered), Verdict::Make);
        let told = (document == Document::DeliveryDocument).then_some(DeliveryEvent::Delivered);
        assert_eq!(rules::event(&plan, &delivered), told);
        let cancelled = shipment(DELIVERED, |it| it["status"] = "CANCELLED".into());
        assert_eq!(verdict(&plan, true, &cancelled), suppressed("the shipment is cancelled"));
    }
}

/// Then it is not the event that is out of date, and asking again helps.
#[test]
fn an_answer_that_is_older_than_the_event_is_told_from_one_that_is_not() {
    let now = shipment(CORRECTED, as_it_is);
    let is_news = |topic: &str, updated_at: Value| {
        let mut payload = payload(UPDATE);
        payload["updated_at"] = updated_at;
        is_news(&item(topic, &now.id, None), Some(&payload.to_string()), &now)
    };
    assert!(is_news("fulfillments/update", "2026-11-23T09:15:01+01:00".into()));
    assert!(!is_news("fulfillments/update", "2026-11-23T09:15:00+01:00".into()));
    assert!(!is_news("fulfillments/update", Value::Null));
    assert!(!is_news("fulfillment_events/create", "2026-11-24T00:00:00Z".into()), "that is another clock");
    assert!(!super::is_news(&item("fulfillments/update", &now.id, None), None, &now));
}
