//! What the documents say, and to whom they go.

use super::*;
use comms::Class;
use delivery::{Recipient, choose};
use shop_config::Channel;
use shopify::fulfillment::{Pickup, PickupState};
use std::path::Path;

const NOTICE: Document = Document::ShippingNotice;
const SLIP: Document = Document::PackingSlip;
const DELIVERY: Document = Document::DeliveryDocument;
const READY: Document = Document::ReadyForPickupNotice;
const OUT: Document = Document::OutForDeliveryNotice;
/// Goods of the order that wait to be fetched.
const PICKUP: &str = include_str!("../../tests/fixtures/pickup.json");

fn of(order: &Order, shipment: &Fulfillment, document: Document, config: &ShopConfig) -> ShipmentData {
    let revision = match document {
        DELIVERY => Revision::named("delivered"),
        SLIP | OUT => Revision::Initial,
        _ => tracking_revision(&shipment.tracking()),
    };
    let plan = plan(document, revision, shipment);
    let id = CommunicationId::derive(&config.shop, document, &plan.subject, &plan.revision);
    let locale = config.locale(document, &[order.locale.as_deref()]).locale;
    let event = rules::event(&plan, shipment);
    ShipmentData::new(order, shipment, document, &id, locale, config, event).unwrap()
}

/// The driver data, which conforms to its schema whatever it is about.
fn data(order: &Order, shipment: &Fulfillment, document: Document, config: &ShopConfig) -> Value {
    let data = serde_json::to_value(of(order, shipment, document, config)).unwrap();
    contract::conforms(&schema(document), &data);
    data
}

/// With all that a shop can want said.
fn talkative() -> ShopConfig {
    let mut config = config();
    config.shipping.return_instructions = true;
    let texts = [("en", "Put the slip into the parcel."), ("fr", "Joignez le bon au colis.")];
    config.returns.instructions = texts.map(|(locale, text)| (locale.into(), text.into())).into();
    config.returns.address =
        ["Northwind Returns", "Zone logistique 4", "69800 Saint-Priest"].map(Into::into).into();
    config.returns.url = Some("https://northwind.example/returns".parse().unwrap());
    config
}

fn quantities(items: &Value) -> Vec<(&str, u64)> {
    let items = items.as_array().unwrap().iter();
    items.map(|it| (it["sku"].as_str().unwrap_or_default(), it["quantity"].as_u64().unwrap())).collect()
}

#[test]
fn the_contracts_are_published_and_the_samples_conform() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let order = order(as_it_is);
    let about = |of, document| data(&order, &shipment(of, as_it_is), document, &talkative());
    for document in ShippingDocuments::DOCUMENTS.iter().map(|entry| entry.document) {
        let sample = match document {
            NOTICE => about(CORRECTED, NOTICE),
            SLIP => about(NEW, SLIP),
            DELIVERY => about(DELIVERED, DELIVERY),
            OUT => about(NEW, OUT),
            READY => pickup(&order),
            other => panic!("{other} has no sample"),
        };
        contract::driver_data(root, document.name(), &schema(document), &sample);
    }
}

fn schema(document: Document) -> Value {
    ShippingDocuments::schema(document).unwrap()
}

fn recipient(document: Document, order: &Order, locale: String) -> Recipient {
    match document {
        SLIP => packing_slip::recipient(order, flow::buyer(order, locale)),
        _ => flow::buyer(order, locale),
    }
}

fn pickup(order: &Order) -> Value {
    let waits = fulfillment_order();
    let id = CommunicationId::derive(&config().shop, READY, &waits.id, &Revision::Initial);
    serde_json::to_value(PickupData::new(order, &waits, &id, "fr", &talkative()).unwrap()).unwrap()
}

fn fulfillment_order() -> Pickup {
    Pickup::from_graphql(PICKUP).unwrap().unwrap().pickup
}

#[test]
fn a_pickup_notice_says_where_and_what() {
    let data = pickup(&order(as_it_is));
    assert_eq!(data["pickup"]["name"], "Atelier du Port");
    assert_eq!(data["pickup"]["address"]["city"], "Bordeaux");
    assert_eq!(data["delivery_method"], json!({"type": "pick_up", "presented_name": "Atelier du Port"}));
    assert_eq!(quantities(&data["items"]), [("WB-OCH", 1)]);
    let mut waits = fulfillment_order();
    assert_eq!(pickup::judge(&waits, false), Verdict::Write);
    waits.state = PickupState::Closed;
    assert_eq!(pickup::judge(&waits, false), Verdict::Suppress("the goods were handed over already"));
    assert_eq!(pickup::judge(&waits, true), Verdict::Write);
    waits.state = PickupState::Cancelled;
    assert_eq!(pickup::judge(&waits, true), Verdict::Suppress("the pickup is cancelled"));
    let mut sent = fulfillment_order();
    sent.method.as_mut().unwrap().kind = MethodType::Shipping;
    assert_eq!(pickup::judge(&sent, false), Verdict::Suppress("the customer does not pick it up"));
    let mut nothing = fulfillment_order();
    nothing.lines.clear();
    assert_eq!(pickup::judge(&nothing, false), Verdict::Suppress("nothing waits for the customer"));
}

/// Whoever opens the parcel reads it.
#[test]
fn a_packing_slip_does_not_say_how_to_write_to_the_buyer() {
    let order = order(|it| it["phone"] = "+33611223344".into());
    let slip = data(&order, &shipment(NEW, as_it_is), SLIP, &talkative());
    let text = slip.to_string();
    let address = order.email.as_deref().unwrap();
    for private in [address, "+33611223344", order.status_url.as_deref().unwrap()] {
        assert!(!text.contains(private), "{private}");
    }
    for field in ["/customer/email", "/customer/phone", "/order/status_url"] {
        assert_eq!(slip.pointer(field), None, "{field}");
    }
    assert!(slip["destination"]["phone"].is_string(), "the carrier calls it");
    let notice = data(&order, &shipment(NEW, as_it_is), NOTICE, &talkative());
    assert_eq!(notice["customer"]["email"], address);
}

#[test]
fn each_parcel_has_its_own_carrier() {
    let head = |first: &str, second: &str| {
        let parcels = json!([
            {"company": first, "number": "1", "url": null}, {"company": second, "number": "2", "url": null},
        ]);
        let shipment = shipment(NEW, |it| it["trackingInfo"] = parcels);
        data(&order(as_it_is), &shipment, NOTICE, &config())["shipment"].take()
    };
    let two = head("UPS", "DPD");
    assert_eq!(two.get("carrier"), None, "neither is that of both");
    assert_eq!(
        two["trackings"],
        json!([{"carrier": "UPS", "number": "1"}, {"carrier": "DPD", "number": "2"}])
    );
    assert_eq!(head("UPS", "ups ")["carrier"], "UPS");
    assert_eq!(head("Other", "DPD")["trackings"][0], json!({"number": "1"}));
}

#[test]
fn the_method_is_said_and_digital_goods_are_in_no_parcel() {
    let method =
        json!({"nodes": [{"deliveryMethod": {"methodType": "PICKUP_POINT", "presentedName": "Relais 7"}}]});
    let shipment = shipment(NEW, |it| it["fulfillmentOrders"] = method);
    let said = data(&order(as_it_is), &shipment, NOTICE, &config());
    assert_eq!(said["delivery_method"], json!({"type": "pickup_point", "presented_name": "Relais 7"}));
    let all = said["items"].as_array().unwrap().len();
    let digital = order(|it| {
        let shipped = shipment.lines[0].line.as_str();
        let lines = it["lineItems"]["nodes"].as_array_mut().unwrap();
        let line = lines.iter_mut().find(|line| line["id"] == shipped).unwrap();
        line["requiresShipping"] = false.into();
    });
    let left = data(&digital, &shipment, SLIP, &config())["items"].as_array().unwrap().len();
    assert_eq!(left, if all == 1 { 1 } else { all - 1 }, "of a shipment with nothing else, all is listed");
}

#[test]
fn a_notice_says_what_comes_how_and_what_is_still_to_come() {
    let data = data(&order(as_it_is), &shipment(CORRECTED, as_it_is), NOTICE, &talkative());
    let head = &data["shipment"];
    assert_eq!((&head["carrier"], &head["number"]), (&json!("Chronopost"), &json!(2)));
    let numbers: Vec<_> = head["trackings"].as_array().unwrap().iter().map(|it| &it["number"]).collect();
    assert_eq!(numbers, ["XY710000021FR", "XY710000022FR"]);
    assert!(head["trackings"][1]["url"].as_str().unwrap().ends_with("XY710000022FR"));
    assert_eq!(head["shipped_at"], "2026-11-22T19:30:00+01:00");
    assert_eq!(head["estimated_delivery"], "2026-11-24T18:00:00+01:00");
    assert_eq!(head.get("of"), None, "nobody knows yet how many shipments it will be");
    assert_eq!(quantities(&data["items"]), [("MUG-4", 2)]);
    // the gift card, which needs no shipping, does not come by parcel
    assert_eq!(quantities(&data["still_to_come"]), [("MB-M-GRY", 1), ("WB-OCH", 1)]);
    assert_eq!(data["return_instructions"]["text"], "Joignez le bon au colis.");
    assert_eq!(data["destination"]["city"], "Bordeaux");
    assert_eq!((data["locale"].as_str(), data.get("delivery")), (Some("fr"), None));
    let private = data.to_string().contains("_bundle_id");
    assert!(!private, "private properties stay private");
}

#[test]
fn the_last_shipment_says_of_how_many_it_is_one() {
    let all_out = |it: &mut Value| {
        for line in it["order"]["lineItems"]["nodes"].as_array_mut().unwrap() {
            line["unfulfilledQuantity"] = 0.into();
        }
    };
    let last = data(&order(as_it_is), &shipment(NEW, all_out), NOTICE, &config());
    assert_eq!((&last["shipment"]["number"], &last["shipment"]["of"]), (&json!(3), &json!(3)));
    assert_eq!(last["still_to_come"], json!([]));
    // what was taken off the order after that will not come either
    let shorter = order(|it| it["lineItems"]["nodes"][3]["currentQuantity"] = 0.into());
    let left = data(&shorter, &shipment(NEW, as_it_is), NOTICE, &config());
    assert_eq!(quantities(&left["still_to_come"]), [("MB-M-GRY", 1)]);
    let cancelled = order(|it| it["cancelledAt"] = "2026-11-23T09:00:00Z".into());
    assert_eq!(data(&cancelled, &shipment(NEW, as_it_is), NOTICE, &config())["still_to_come"], json!([]));
}

#[test]
fn prices_are_on_packing_slips_of_shops_that_want_them_only() {
    let (order, shipment, mut config) = (order(as_it_is), shipment(NEW, as_it_is), config());
    for document in [NOTICE, SLIP] {
        let text = data(&order, &shipment, document, &config).to_string();
        assert!(!text.contains("59.50") && !text.contains("unit_price"), "{document}");
    }
    config.shipping.prices_on_packing_slip = true;
    assert_eq!(data(&order, &shipment, NOTICE, &config)["items"][0].get("unit_price"), None);
    let slip = data(&order, &shipment, SLIP, &config);
    assert_eq!(slip["items"][0]["unit_price"], json!({"amount": "59.50", "currency": "EUR"}));
    assert_eq!(slip["items"][0]["total"], json!({"amount": "119.00", "currency": "EUR"}));
    assert_eq!(slip["still_to_come"][0].get("unit_price"), None);
}

#[test]
fn a_delivery_document_says_when_and_what_the_carrier_said() {
    let order = order(as_it_is);
    let mut config = config();
    config.shipping.return_instructions = false;
    let told = data(&order, &shipment(DELIVERED, as_it_is), DELIVERY, &config);
    let delivered = "2026-11-21T14:20:00+01:00";
    let news = json!({
        "status": "delivered", "at": delivered, "on": "2026-11-21", "message": "Remis au gardien",
    });
    assert_eq!((&told["delivery"], &told["shipment"]["delivered_at"]), (&news, &json!(delivered)));
    assert_eq!(told.get("return_instructions"), None, "the shop does not want it said");
    let without_events = shipment(DELIVERED, |it| it["events"]["nodes"] = json!([]));
    let data = data(&order, &without_events, DELIVERY, &config);
    assert_eq!(data["delivery"], json!({"status": "delivered", "at": delivered, "on": "2026-11-21"}));
}

#[test]
fn tracking_may_be_missing_unknown_or_no_link() {
    let head = |parcels: Value| {
        let shipment = shipment(NEW, |it| it["trackingInfo"] = parcels);
        data(&order(as_it_is), &shipment, NOTICE, &config())["shipment"].take()
    };
    let none = head(json!([]));
    assert_eq!((none.get("carrier"), &none["trackings"]), (None, &json!([])));
    let unknown = head(json!([{"company": "Other", "number": "LX 77", "url": null}]));
    assert_eq!((unknown.get("carrier"), &unknown["trackings"]), (None, &json!([{"number": "LX 77"}])));
    let own = head(json!([{"company": "Vélo Bordeaux", "number": "", "url": "HTTPS://velo.example/t/7"}]));
    assert_eq!(own["carrier"], "Vélo Bordeaux");
    assert_eq!(own["trackings"], json!([{"carrier": "Vélo Bordeaux", "url": "HTTPS://velo.example/t/7"}]));
    let script = head(json!([{"company": null, "number": "7", "url": "javascript:alert(1)"}]));
    assert_eq!(script["trackings"], json!([{"number": "7"}]));
}

#[test]
fn five_hundred_lines_are_five_hundred_items() {
    let id = |number: usize| format!("gid://shopify/LineItem/{number}");
    let many = |nodes: &mut Value, each: &dyn Fn(&mut Value, usize)| {
        let template = nodes[0].clone();
        let lines = (1..=500).map(|number| {
            let mut node = template.clone();
            each(&mut node, number);
            node
        });
        *nodes = lines.collect();
    };
    let order = order(|it| many(&mut it["lineItems"]["nodes"], &|node, n| node["id"] = id(n).into()));
    let shipment = shipment(NEW, |it| {
        many(&mut it["fulfillmentLineItems"]["nodes"], &|node, n| {
            node["lineItem"]["id"] = id(501 - n).into();
            node["quantity"] = n.into();
        });
        it["order"]["lineItems"]["nodes"] = json!([]);
    });
    let data = data(&order, &shipment, SLIP, &config());
    let items = data["items"].as_array().unwrap();
    assert_eq!(
        (items.len(), &items[499]["number"], &items[499]["quantity"]),
        (500, &json!(500), &json!(500))
    );
}

/// The order is read after the shipment; what it lacks then, somebody is changing.
#[test]
fn a_line_the_order_lacks_is_read_anew_later() {
    let order = order(|it| it["lineItems"]["nodes"] = json!([]));
    let shipment = shipment(NEW, as_it_is);
    let id = CommunicationId::derive(&config().shop, SLIP, &shipment.id, &Revision::Initial);
    let error = ShipmentData::new(&order, &shipment, SLIP, &id, "en", &config(), None).unwrap_err();
    assert_eq!((error.class, &*error.reason), (Class::transient(), "the order lacks a line of the shipment"));
}

#[test]
fn names_are_written_as_they_are_in_any_script() {
    let names = [("שירה", "בן־דוד"), ("محمد", "الأحمد"), ("李", "小龙")];
    for (first, last) in names {
        let order = order(|it| {
            for who in ["customer", "shippingAddress", "billingAddress"] {
                it[who]["firstName"] = first.into();
                it[who]["lastName"] = last.into();
            }
            it["lineItems"]["nodes"][1]["title"] = format!("{last} \u{202e}x").into();
        });
        let data = data(&order, &shipment(NEW, as_it_is), NOTICE, &config());
        let name = format!("{first} {last}");
        assert_eq!((&data["customer"]["name"], &data["destination"]["name"]), (&json!(name), &json!(name)));
        assert_eq!(data["items"][0]["title"], format!("{last} \u{202e}x"));
        assert_eq!(recipient(NOTICE, &order, "en".into()).name, Some(name));
    }
}

#[test]
fn a_deleted_customer_without_email_is_reached_by_print_or_not_at_all() {
    let order = order(|it| {
        for field in ["customer", "email", "customerLocale", "purchasingEntity"] {
            it[field] = Value::Null;
        }
    });
    let data = data(&order, &shipment(NEW, as_it_is), NOTICE, &config());
    assert_eq!((&data["customer"], &data["locale"]), (&json!({}), &json!("en")));
    let recipient = recipient(NOTICE, &order, "en".into());
    assert_eq!(recipient.name.as_deref(), Some("Éléonore Dubois"), "from the address");
    assert_eq!(choose(&config().documents[&NOTICE].channels, &recipient), Some(Channel::Print));
    assert_eq!(choose(&[Channel::Email], &recipient), None);
}

/// It lies in the parcel, for whoever opens that.
#[test]
fn a_packing_slip_is_for_the_receiver_and_for_no_mailbox() {
    let gift = order(|it| it["shippingAddress"]["firstName"] = "Aimé".into());
    let recipient = |document| recipient(document, &gift, "fr".into());
    let slip = recipient(SLIP);
    assert_eq!((slip.name.as_deref(), slip.email), (Some("Aimé Dubois"), None));
    let notice = recipient(NOTICE);
    assert_eq!(notice.name.as_deref(), Some("Éléonore Dubois"));
    assert_eq!(notice.email.as_deref(), Some("eleonore.dubois@example.com"));
}

#[test]
fn debug_output_names_nobody() {
    let text = format!("{:?}", of(&order(as_it_is), &shipment(NEW, as_it_is), NOTICE, &config()));
    assert!(text.contains("gid://shopify/Fulfillment/"), "{text}");
    for personal in ["Dubois", "@", "Bordeaux", "6A71"] {
        assert!(!text.contains(personal), "{text}");
    }
}

/// Whatever amounts Shopify says, there is a document or a reason, and never a panic.
#[test]
fn amounts_that_cannot_be_added_are_an_error() {
    let (mut made, mut refused, mut config) = (0, 0, config());
    config.shipping.prices_on_packing_slip = true;
    let shipment = shipment(NEW, as_it_is);
    for huge in contract::with_huge_amounts(&serde_json::from_str(ORDER).unwrap(), 200) {
        let Ok(Some(page)) = Order::from_graphql(&huge.to_string()) else {
            refused += 1;
            continue;
        };
        let plan = plan(SLIP, Revision::Initial, &shipment);
        let id = CommunicationId::derive(&config.shop, SLIP, &plan.subject, &plan.revision);
        match ShipmentData::new(
            &page.order,
            &shipment,
            SLIP,
            &id,
            "en",
            &config,
            rules::event(&plan, &shipment),
        ) {
            Ok(_) => made += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(made > 0 && refused > 0, "{made} {refused}");
}
