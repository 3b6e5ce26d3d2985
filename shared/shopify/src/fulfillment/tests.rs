use super::*;
use serde_json::{Value, json};

const WEBHOOK: &str = include_str!("../../tests/fixtures/fulfillments/split.webhook.json");
const GRAPHQL: &str = include_str!("../../tests/fixtures/fulfillments/split.graphql.json");
const SAMPLE: &str = include_str!("../../tests/fixtures/fulfillments/sample.webhook.json");

fn news(change: impl FnOnce(&mut Value)) -> ShipmentNews {
    let mut payload: Value = serde_json::from_str(WEBHOOK).unwrap();
    change(&mut payload);
    ShipmentNews::from_webhook(&payload.to_string()).unwrap()
}

fn shipment(change: impl FnOnce(&mut Value)) -> Fulfillment {
    let mut data: Value = serde_json::from_str(GRAPHQL).unwrap();
    change(&mut data["fulfillment"]);
    Fulfillment::from_graphql(&data.to_string()).unwrap().unwrap().fulfillment
}

fn as_it_is(_: &mut Value) {}

/// What makes an event out of date is found by comparing these two.
#[test]
fn both_sources_give_the_same_tracking() {
    let (event, now) = (news(as_it_is), shipment(as_it_is));
    assert!(event.tracking == now.tracking());
    assert_eq!(now.tracking().numbers.len(), 2);
    assert_eq!((event.order, event.updated_at), (now.order, Some(now.updated_at)));
    assert_eq!(event.shipment_status, now.shown);
}

#[test]
fn the_same_tracking_written_otherwise_is_the_same() {
    let now = shipment(as_it_is).tracking();
    let same: [fn(&mut Value); 5] = [
        |it| it["tracking_numbers"] = json!([" xy 710000022 fr", "XY710000021FR", null, ""]),
        |it| it["tracking_company"] = "DPD".into(),
        |it| it["tracking_urls"].as_array_mut().unwrap().reverse(),
        |it| it["tracking_number"] = Value::Null,
        |it| it["status"] = "open".into(),
    ];
    for (index, change) in same.into_iter().enumerate() {
        assert!(news(change).tracking == now, "{index}");
    }
    let other: [fn(&mut Value); 3] = [
        |it| it["tracking_numbers"][1] = "XY710000023FR".into(),
        |it| it["tracking_numbers"] = json!(["XY710000021FR"]),
        |it| it["tracking_urls"][1] = "https://example.com/track".into(),
    ];
    for (index, change) in other.into_iter().enumerate() {
        assert!(news(change).tracking != now, "{index}");
    }
}

/// One API names the carrier, guesses it, or has one per parcel, where the other has one or none.
#[test]
fn carriers_are_no_part_of_a_tracking() {
    let alone = |company: &str| {
        let payload =
            json!({"order_id": 1, "tracking_company": company, "tracking_numbers": [], "tracking_url": " "});
        ShipmentNews::from_webhook(&payload.to_string()).unwrap().tracking
    };
    assert!(alone("UPS").is_none() && alone("UPS") == alone("DPD"));
    let of = |first: Value, second: Value| {
        shipment(|it| {
            it["trackingInfo"] = json!([
                {"company": first, "number": "1", "url": null}, {"company": second, "number": "2", "url": null},
            ])
        })
        .tracking()
    };
    let none = of(Value::Null, Value::Null);
    assert!(
        of("UPS".into(), "DPD".into()) == none && of("Other".into(), Value::Null) == none && !none.is_none()
    );
}

fn with_methods(shipment: &mut Value, methods: &[&str]) {
    let nodes =
        methods.iter().map(|method| json!({"deliveryMethod": {"methodType": method, "presentedName": " "}}));
    shipment["fulfillmentOrders"] = json!({"nodes": nodes.collect::<Vec<_>>()});
}

#[test]
fn what_is_sent_decides_the_method_of_a_shipment() {
    let method = |methods: &[&str]| shipment(|it| with_methods(it, methods)).method.map(|it| it.kind.name());
    assert_eq!(method(&[]), None);
    assert_eq!(shipment(as_it_is).method, None, "not asked for");
    for (methods, one) in [
        (&["RETAIL"][..], "retail"),
        (&["PICK_UP"], "pick_up"),
        (&["RETAIL", "SHIPPING"], "shipping"),
        (&["PICK_UP", "LOCAL"], "local"),
        (&["DRONE"], "drone"),
    ] {
        assert_eq!(method(methods).as_deref(), Some(one));
    }
    assert!(MethodType::Other("DRONE".to_owned()).is_sent(), "what is not known here is told");
    let unnamed = shipment(|it| it["fulfillmentOrders"] = json!({"nodes": [{"deliveryMethod": null}]}));
    assert_eq!(unnamed.method, None);
}

#[test]
fn what_is_fetched_is_no_shipment_and_does_not_come() {
    let order = |method: &str, line: u32| {
        json!({
            "deliveryMethod": {"methodType": method, "presentedName": null},
            "lineItems": {"nodes": [
                {"remainingQuantity": 2, "lineItem": {"id": format!("gid://shopify/LineItem/{line}")}},
                {"remainingQuantity": 0, "lineItem": {"id": "gid://shopify/LineItem/9"}},
            ]},
        })
    };
    let shipment = shipment(|it| {
        with_methods(&mut it["order"]["fulfillments"][0], &["RETAIL"]);
        it["order"]["fulfillmentOrders"] = json!({"nodes": [order("SHIPPING", 1), order("PICK_UP", 2)]});
    });
    let unsent: Vec<_> = shipment.unsent.iter().map(|it| (it.line.number(), it.quantity)).collect();
    assert_eq!(unsent, [("2", 2)]);
    let all = self::shipment(as_it_is).shipments.unwrap().len();
    assert_eq!(shipment.shipments.unwrap().len(), all - 1);
}

#[test]
fn a_pickup_says_where_and_what() {
    let data = json!({"fulfillmentOrder": {
        "id": "gid://shopify/FulfillmentOrder/1", "status": "IN_PROGRESS", "updatedAt": "2026-11-22T09:00:00Z",
        "deliveryMethod": {"methodType": "PICK_UP", "presentedName": "Harbour Store"},
        "assignedLocation": {"name": "Harbour Store", "address1": "1 Quay", "address2": "", "city": "Turku",
            "province": null, "zip": "20100", "countryCode": "FI", "phone": null},
        "lineItems": {"pageInfo": {"hasNextPage": false, "endCursor": "a"}, "nodes": [
            {"remainingQuantity": 1, "lineItem": {"id": "gid://shopify/LineItem/1"}},
            {"remainingQuantity": 0, "lineItem": {"id": "gid://shopify/LineItem/2"}},
        ]},
        "order": {"id": "gid://shopify/Order/3"},
    }});
    let read = |data: &Value| Pickup::from_graphql(&data.to_string()).unwrap().unwrap().pickup;
    let pickup = read(&data);
    assert_eq!((pickup.state, pickup.lines.len()), (PickupState::Waiting, 1));
    assert_eq!(pickup.method.unwrap().kind, MethodType::PickUp);
    assert_eq!((pickup.place.name.as_deref(), pickup.place.address2), (Some("Harbour Store"), None));
    for (status, state) in [
        ("CLOSED", PickupState::Closed),
        ("CANCELLED", PickupState::Cancelled),
        ("NEW", PickupState::Waiting),
    ] {
        let mut other = data.clone();
        other["fulfillmentOrder"]["status"] = status.into();
        assert_eq!(read(&other).state, state);
    }
    assert!(Pickup::from_graphql(r#"{"fulfillmentOrder": null}"#).unwrap().is_none());
}

#[test]
fn shopifys_own_sample_is_read() {
    let news = ShipmentNews::from_webhook(SAMPLE).unwrap();
    assert_eq!(news.order.as_str(), "gid://shopify/Order/820982911946154508");
    assert_eq!(news.tracking.numbers, BTreeSet::from(["1Z827WK74630".to_owned()]));
    assert_eq!((news.tracking.urls.len(), news.shipment_status), (1, None));
}

#[test]
fn an_event_needs_no_more_than_is_documented() {
    let news = ShipmentNews::from_webhook(r#"{"order_id":9007199254740993}"#).unwrap();
    assert_eq!(news.order.number(), "9007199254740993");
    assert!(news.tracking.is_none() && news.updated_at.is_none());
    let told = r#"{"id":7,"fulfillment_id":5,"order_id":6,"status":"DELIVERED","more":[]}"#;
    let told = DeliveryNews::from_webhook(told).unwrap();
    assert_eq!((told.fulfillment.number(), told.order.number(), &*told.status), ("5", "6", "delivered"));
    assert_eq!(told.event, Some(Gid::new("FulfillmentEvent", 7)));
    for (payload, problem) in [
        ("{}", "`.` lacks the field `order_id`"),
        (r#"{"order_id":1.5}"#, "`order_id` has an unexpected type or value"),
        (r#"{"order_id":1,"tracking_numbers":"Ann"}"#, "`tracking_numbers` has an unexpected type or value"),
    ] {
        assert_eq!(ShipmentNews::from_webhook(payload).unwrap_err().to_string(), problem);
    }
}

#[test]
fn states_and_shown_statuses_have_their_places() {
    for (status, state) in [
        ("SUCCESS", State::Shipped),
        ("CANCELLED", State::Cancelled),
        ("ERROR", State::Failed),
        ("FAILURE", State::Failed),
        ("PENDING", State::Pending),
        ("OPEN", State::Pending),
        ("UNHEARD_OF", State::Shipped),
    ] {
        assert_eq!(shipment(|it| it["status"] = status.into()).state, state);
    }
    let shown = |status: Value| shipment(|it| it["displayStatus"] = status);
    assert!(shown("DELIVERED".into()).is_delivered());
    assert!(shown("PICKED_UP".into()).is_handed_over() && !shown("PICKED_UP".into()).is_delivered());
    assert!(!shown(Value::Null).is_handed_over());
    assert!(shipment(|it| it["deliveredAt"] = "2026-11-24T10:00:00Z".into()).is_delivered());
}

#[test]
fn only_shipments_that_go_somewhere_are_counted_oldest_first() {
    let sibling = |number: u32, status: &str, at: u32, ships: bool| {
        json!({"id": format!("gid://shopify/Fulfillment/{number}"), "status": status,
            "createdAt": format!("2026-11-2{at}T00:00:00Z"), "requiresShipping": ships})
    };
    let shipments = |list: Vec<Value>| shipment(|it| it["order"]["fulfillments"] = list.into()).shipments;
    let list = vec![
        sibling(10, "SUCCESS", 2, true),
        sibling(9, "SUCCESS", 2, true),
        sibling(8, "CANCELLED", 1, true),
        sibling(7, "SUCCESS", 1, false),
        sibling(11, "PENDING", 1, true),
    ];
    let numbers: Vec<_> = shipments(list).unwrap().iter().map(|id| id.number().to_owned()).collect();
    assert_eq!(numbers, ["11", "9", "10"]);
    let many = (0..100).map(|number| sibling(number, "SUCCESS", 1, true)).collect();
    assert_eq!(shipments(many), None, "there may be more");
}

#[test]
fn lines_without_units_and_shipped_ones_are_left_out() {
    let shipment = shipment(|it| it["fulfillmentLineItems"]["nodes"][0]["quantity"] = Value::Null);
    assert_eq!(shipment.lines, []);
    let left: Vec<_> = shipment.unshipped.iter().map(|it| (it.line.number(), it.quantity)).collect();
    assert_eq!(left, [("13900000007102", 1), ("13900000007104", 1), ("13900000007105", 1)]);
}

#[test]
fn errors_name_the_field() {
    let error = |from: &str, to: &str| {
        assert!(GRAPHQL.contains(from), "{from}");
        Fulfillment::from_graphql(&GRAPHQL.replacen(from, to, 1)).unwrap_err().to_string()
    };
    assert_eq!(
        error("gid://shopify/Fulfillment/", "gid://shopify/Refund/"),
        "`fulfillment.id` is not the id of a Fulfillment"
    );
    assert_eq!(
        error("\"quantity\": 2", "\"quantity\": -2"),
        "`fulfillment.fulfillmentLineItems.nodes[0].quantity` has an unexpected type or value"
    );
    assert!(Fulfillment::from_graphql(r#"{"fulfillment":null}"#).unwrap().is_none());
}

#[test]
fn debug_output_leads_nobody_to_a_parcel() {
    let shipment = shipment(|it| it["events"]["nodes"][0]["message"] = "left with Ann".into());
    let text = format!(
        "{shipment:?} {:?} {:?} {:?} {:?}",
        shipment.parcels,
        shipment.origin,
        shipment.events,
        news(as_it_is)
    );
    assert!(text.contains("gid://shopify/Fulfillment/"), "{text}");
    for personal in ["XY71", "xy71", "chronopost", "Saint-Priest", "Ann"] {
        assert!(!text.contains(personal), "{personal} in {text}");
    }
}
