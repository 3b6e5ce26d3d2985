use super::*;
use comms::Gid;

const CLASSIC: &str = include_str!("../../tests/fixtures/events/classic-orders-updated.json");
const OVERSIZE: &str = include_str!("../../tests/fixtures/events/classic-oversize.json");
const EVENTS: &str = include_str!("../../tests/fixtures/events/events-order-update.json");
const DENIED: &str = include_str!("../../tests/fixtures/events/events-order-update-access-denied.json");
const EDITED: &str = include_str!("../../tests/fixtures/events/orders-edited-payload.json");

fn parse(json: &str) -> Event {
    Event::parse(json.as_bytes()).unwrap()
}

fn error(json: &str) -> String {
    Event::parse(json.as_bytes()).unwrap_err().to_string()
}

fn order(number: u64) -> Gid {
    Gid::new("Order", number)
}

/// An event of the classic form with another topic and payload.
fn classic(topic: &str, payload: &str) -> Event {
    let mut event = parse(OVERSIZE);
    event.topic = topic.to_owned();
    event.payload = RawValue::from_string(payload.to_owned()).unwrap();
    event
}

#[test]
fn reads_the_classic_envelope() {
    let event = parse(CLASSIC);
    assert_eq!(event.topic, "orders/updated");
    assert_eq!(event.shop.as_str(), "example.myshopify.com");
    assert_eq!(event.webhook_id, "85420aff-251f-45d2-a025-c18d7fa5d87f");
    assert_eq!((event.event_id.as_deref(), event.action.as_deref()), (None, None));
    assert_eq!(event.triggered_at, Some("2023-12-08T11:48:53.257929387Z".parse().unwrap()));
    assert_eq!(event.api_version.as_deref(), Some("2023-10"));
    assert!(event.test);
    // the global id wins over the number, which this sample's writer has rounded
    let subject = Some(order(820982911946154508));
    assert_eq!(event.payload_kind().unwrap(), PayloadKind::Classic { subject });
}

#[test]
fn reads_the_events_envelope() {
    let event = parse(EVENTS);
    assert_eq!((event.topic.as_str(), event.action.as_deref()), ("Order", Some("update")));
    assert_eq!(event.shop.as_str(), "test-shop.myshopify.com");
    assert!(!event.test && event.event_id.is_none());
    let expected = EventsPayload {
        subject: Some(order(18906468024599)),
        handle: Some("order_status_changes".to_owned()),
        errors: vec![],
    };
    assert_eq!(event.payload_kind().unwrap(), PayloadKind::Events(expected));
}

#[test]
fn events_name_their_subject_even_when_the_query_was_denied() {
    let PayloadKind::Events(payload) = parse(DENIED).payload_kind().unwrap() else { panic!() };
    assert_eq!(payload.subject, Some(order(18906468024599)));
    assert_eq!(payload.errors, ["ACCESS_DENIED"]);

    let without_variables = EVENTS.replace("query_variables", "other_variables");
    assert_eq!(parse(&without_variables).payload_kind().unwrap().subject(), Some(&order(18906468024599)));
}

#[test]
fn an_id_alone_is_a_stub_with_all_its_digits() {
    let event = parse(OVERSIZE);
    assert_eq!(event.event_id.as_deref(), Some("98880550-7158-44d4-b7cd-2c97c8a091b5"));
    assert_eq!(event.payload_kind().unwrap(), PayloadKind::Stub { subject: order(820982911946154508) });

    let both = r#"{"id":820982911946154500,"admin_graphql_api_id":"gid://shopify/Order/820982911946154508"}"#;
    let kind = classic("orders/paid", both).payload_kind().unwrap();
    assert_eq!(kind, PayloadKind::Stub { subject: order(820982911946154508) });

    let largest = classic("orders/paid", r#"{"id":18446744073709551615}"#).payload_kind().unwrap();
    assert_eq!(largest.subject().unwrap().number(), "18446744073709551615");
}

#[test]
fn an_id_that_was_a_float_is_refused() {
    for id in ["8.2098291194615450e17", "820982911946154500.0", "-1", "\"1\""] {
        let error = classic("orders/paid", &format!(r#"{{"id":{id}}}"#)).payload_kind().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the payload of `orders/paid` cannot be read: `id` has an unexpected type or value"
        );
    }
    assert!(classic("carts/create", r#"{"id":1}"#).payload_kind().is_err(), "the id of what?");
}

#[test]
fn an_edit_names_its_order() {
    let kind = classic("orders/edited", EDITED).payload_kind().unwrap();
    assert_eq!(kind, PayloadKind::Classic { subject: Some(order(820982911946154500)) });
    assert_eq!(OrderEdit::from_webhook(EDITED).unwrap().edit, "78912328793123780");
}

#[test]
fn a_payload_keeps_its_text() {
    let json = OVERSIZE.replace("820982911946154508\n", "820982911946154508, \"price\": 10.00\n");
    assert!(parse(&json).payload.get().contains("\"price\": 10.00"));
}

#[test]
fn a_missing_or_invalid_field_is_named() {
    for (key, field) in [
        ("\"id\": \"1111", "id"),
        ("\"source\"", "source"),
        ("\"detail-type\"", "detail-type"),
        ("\"metadata\"", "detail.metadata"),
        ("\"payload\"", "detail.payload"),
        ("\"X-Shopify-Topic\"", "shopify-topic"),
        ("\"X-Shopify-Shop-Domain\"", "shopify-shop-domain"),
        ("\"X-Shopify-Webhook-Id\"", "shopify-webhook-id"),
    ] {
        let json = OVERSIZE.replace(key, &key.replacen('"', "\"other-", 1));
        assert_ne!(json, OVERSIZE, "{key}");
        assert_eq!(error(&json), format!("the event has no `{field}`"));
    }
    assert_eq!(
        error(&OVERSIZE.replace("b54557e4-bdd9-4b37-8a5f-bf7d70bcd043", "")),
        "the event has no `shopify-webhook-id`"
    );
    assert_eq!(
        error(&OVERSIZE.replace("example.myshopify.com", "shop.example")),
        "the event's `shopify-shop-domain` is not a shop's permanent domain"
    );
    assert_eq!(
        error(&OVERSIZE.replace("2026-11-22T10:00:00.877041743Z", "yesterday")),
        "the event's `shopify-triggered-at` is not a point in time"
    );
    assert_eq!(
        error(&OVERSIZE.replace("shopifyWebhook", "other")),
        "the event's `detail-type` is not `shopifyWebhook`"
    );
    assert_eq!(error("{"), "the event cannot be read: `.` is cut off");
}

#[test]
fn debug_output_has_no_payload() {
    assert!(!format!("{:?}", parse(EVENTS)).contains("749.95"));
}
