//! Which communications an event leads to.

use super::*;

fn names(plans: &[Plan]) -> Vec<(Document, &str, bool)> {
    plans.iter().map(|plan| (plan.document, plan.revision.as_str(), plan.wanted)).collect()
}

fn create(change: impl FnOnce(&mut Value)) -> Vec<Plan> {
    let mut payload = payload(CREATE);
    change(&mut payload);
    planned("fulfillments/create", &payload, &config()).unwrap()
}

#[test]
fn each_topic_leads_to_its_documents() {
    let created = create(as_it_is);
    let tracking = tracking_revision(&shipment(NEW, as_it_is).tracking());
    assert!(tracking.as_str().len() == "tracking-".len() + 12, "{tracking:?}");
    assert_eq!(
        names(&created),
        [(Document::ShippingNotice, tracking.as_str(), true), (Document::PackingSlip, "initial", true)]
    );
    assert!(created.iter().all(|plan| plan.subject.as_str() == "gid://shopify/Fulfillment/4620000007103"
        && plan.reported_on.as_str() == "gid://shopify/Order/820982911946157101"));

    let updated = planned("fulfillments/update", &payload(UPDATE), &config()).unwrap();
    let tracking = tracking_revision(&shipment(CORRECTED, as_it_is).tracking());
    // in transit, too, which this shop has no delivery document of
    let in_transit = (Document::DeliveryDocument, "in_transit", false);
    assert_eq!(names(&updated), [(Document::ShippingNotice, tracking.as_str(), true), in_transit]);

    let told = planned("fulfillment_events/create", &payload(TOLD), &config()).unwrap();
    assert_eq!(names(&told), [(Document::DeliveryDocument, "delivered", true)]);
    assert_eq!(told[0].subject.as_str(), "gid://shopify/Fulfillment/4620000007101");
    assert_eq!(told[0].reported_on.as_str(), "gid://shopify/Order/820982911946157101");
}

/// An update that changes nothing names the communications there are; added or corrected tracking another.
#[test]
fn only_other_tracking_is_another_notice() {
    let (shop, first) = (config().shop, create(as_it_is));
    let update = |change: fn(&mut Value)| {
        let mut payload = payload(CREATE);
        change(&mut payload);
        planned("fulfillments/update", &payload, &config()).unwrap().remove(0)
    };
    let id = |plan: &Plan| CommunicationId::derive(&shop, plan.document, &plan.subject, &plan.revision);
    for unchanged in [
        as_it_is as fn(&mut Value),
        |it| it["updated_at"] = "2027-01-01T00:00:00Z".into(),
        |it| it["shipment_status"] = "in_transit".into(),
        |it| it["line_items"] = json!([]),
    ] {
        assert_eq!(id(&update(unchanged)), id(&first[0]));
    }
    let untracked = update(|it| {
        for field in ["tracking_company", "tracking_number", "tracking_url"] {
            it[field] = Value::Null;
        }
        it["tracking_numbers"] = json!([]);
        it["tracking_urls"] = json!([]);
    });
    assert_eq!(untracked.revision.as_str(), "tracking-none");
    let corrected = update(|it| {
        it["tracking_number"] = "6A71000000199".into();
        it["tracking_numbers"] = json!(["6A71000000199"]);
    });
    let mut ids = vec![id(&first[0]), id(&untracked), id(&corrected)];
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

/// Both events say the same of one delivery, so both name one communication.
#[test]
fn a_delivery_is_one_document_whichever_event_tells_of_it() {
    let mut update = payload(UPDATE);
    update["id"] = 4620000007101u64.into();
    update["admin_graphql_api_id"] = "gid://shopify/Fulfillment/4620000007101".into();
    update["shipment_status"] = "delivered".into();
    let by_update = planned("fulfillments/update", &update, &config()).unwrap();
    let by_event = planned("fulfillment_events/create", &payload(TOLD), &config()).unwrap();
    assert_eq!(by_update[1], by_event[0]);
}

#[test]
fn the_shop_chooses_which_news_are_a_document() {
    let told = |status: &str, config: &ShopConfig| {
        let mut payload = payload(TOLD);
        payload["status"] = status.into();
        planned("fulfillment_events/create", &payload, config).unwrap()
    };
    let mut config = config();
    assert_eq!(told("label_printed", &config), []);
    let out = told("out_for_delivery", &config);
    let expected = [
        (Document::DeliveryDocument, "out_for_delivery", false),
        (Document::OutForDeliveryNotice, "initial", true),
    ];
    assert_eq!(names(&out), expected);
    assert!(!told("attempted_delivery", &config)[0].wanted);
    config.shipping.delivery_events = vec![DeliveryEvent::AttemptedDelivery];
    assert!(told("attempted_delivery", &config)[0].wanted && !told("delivered", &config)[0].wanted);
    config.documents.remove(&Document::DeliveryDocument);
    assert!(!told("attempted_delivery", &config)[0].wanted);
}

#[test]
fn a_document_that_is_off_is_not_wanted() {
    let off = CONFIG.replace("[documents.packing-slip]", "[documents.packing-slip]\nenabled = false");
    let plans = planned("fulfillments/create", &payload(CREATE), &ShopConfig::parse(&off).unwrap()).unwrap();
    assert_eq!(plans.iter().map(|plan| plan.wanted).collect::<Vec<_>>(), [true, false]);
}

/// What reconciliation sends: the fields that `plan` is documented to read, and no others.
#[test]
fn the_documented_fields_are_enough() {
    let whole = payload(UPDATE);
    let mut least = json!({});
    for field in ["order_id", "tracking_numbers", "tracking_urls", "shipment_status"] {
        least[field] = whole[field].clone();
    }
    least["admin_graphql_api_id"] = whole["admin_graphql_api_id"].clone();
    let plans = |payload| planned("fulfillments/create", payload, &config()).unwrap();
    assert_eq!(plans(&least), plans(&whole));
}

#[test]
fn without_a_payload_shopify_is_asked_and_says_the_same() {
    let subject = Gid::new("Fulfillment", 4620000007102);
    for topic in ["fulfillments/create", "fulfillments/update"] {
        let item = item(topic, &subject, None);
        assert_eq!(plan_of(&item, None, &config()).unwrap(), Planned::AskShopify);
        let config = config();
        let event = Event { item: &item, payload: None, config: &config };
        let by_event = planned(topic, &payload(UPDATE), &config).unwrap();
        assert_eq!(look_up::plans(&event, shipment(CORRECTED, as_it_is)), by_event);
    }
}

/// A payload is a hint: what it does not say, Shopify is asked.
#[test]
fn a_payload_that_cannot_be_read_leads_to_shopify() {
    let subject = Gid::new("Fulfillment", 4620000007102);
    for payload in
        [json!({}), json!({"order_id": "x"}), json!({"order_id": 1, "tracking_numbers": "a"}), json!([])]
    {
        let item = item("fulfillments/update", &subject, Some(payload.clone()));
        let planned = plan_of(&item, Some(&payload), &config());
        assert_eq!(planned.unwrap(), Planned::AskShopify, "{payload}");
    }
}

#[test]
fn goods_that_are_prepared_for_pickup_are_told_of_once() {
    let goods = Gid::new("FulfillmentOrder", 7104);
    let item = item("fulfillment_orders/line_items_prepared_for_pickup", &goods, None);
    let Planned::Known(plans) = plan_of(&item, None, &config()).unwrap() else { panic!() };
    assert_eq!(names(&plans), [(Document::ReadyForPickupNotice, "initial", true)]);
    assert_eq!((&plans[0].subject, &plans[0].reported_on), (&goods, &goods));
}

/// Work that cannot be understood is an error, so that it ends in the dead letters and not in silence.
#[test]
fn what_cannot_be_understood_is_an_error() {
    let error = |topic: &str, payload: &Value| planned(topic, payload, &config()).unwrap_err();
    assert!(error("fulfillments/delete", &json!({})).contains("fulfillments/delete"));
    assert!(error("fulfillment_events/create", &json!({"order_id": 1})).contains("fulfillment_id"));
    let other = json!({"order_id": 1, "admin_graphql_api_id": "gid://shopify/Order/1"});
    assert!(error("fulfillments/update", &other).contains("Fulfillment"));
    let line = json!({"fulfillment_order": {"id": "gid://shopify/LineItem/1"}});
    assert!(error("fulfillment_orders/line_items_prepared_for_pickup", &line).contains("FulfillmentOrder"));
    let bare = item("fulfillment_events/create", &Gid::new("FulfillmentEvent", 1), None);
    assert!(plan_of(&bare, None, &config()).unwrap_err().contains("without its payload"));
}
