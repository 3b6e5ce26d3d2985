//! Which event leads to which communication, without a network.

use super::shop::{SEGMENT, campaign, changed, config, customer, item, joined};
use crate::TargetedOffers;
use comms::{CommunicationId, Document, Revision};
use flow::{DocumentFlow, Event, Plan, Planned};
use serde_json::json;
use shop_config::ShopConfig;
use work::WorkItem;

fn plan(item: &WorkItem, config: &ShopConfig) -> Result<Planned, String> {
    let payload = item.payload.as_ref().map(|payload| payload.get());
    TargetedOffers.plan(&Event { item, payload, config }).map_err(|error| error.to_string())
}

fn plans(item: &WorkItem, config: &ShopConfig) -> Vec<Plan> {
    match plan(item, config).unwrap() {
        Planned::Known(plans) => plans,
        Planned::AskShopify => panic!("the event says everything"),
    }
}

#[test]
fn a_segment_leads_to_its_offer_however_often_it_is_joined() {
    let plans_of = |item: &WorkItem| plans(item, &config());
    let [first] = &plans_of(&joined())[..] else { panic!() };
    assert_eq!((first.document, first.wanted), (Document::PromotionalOffer, true));
    assert_eq!(first.revision.as_str(), "offer-club-welcome");
    assert_eq!((&first.subject, &first.reported_on), (&customer(), &customer()));
    let again = item("customer.joined_segment", "2026-12-24T09:00:00Z", json!({"segment_id": SEGMENT}));
    let id = |plan: &Plan| CommunicationId::derive(&again.shop, plan.document, &plan.subject, &plan.revision);
    assert_eq!(id(first), id(&plans_of(&again)[0]), "of three fields, `segment_id` is enough");
}

#[test]
fn segments_that_lead_to_one_offer_lead_to_one_communication() {
    let again =
        "[[marketing.segments]]\nsegment = \"gid://shopify/Segment/610001\"\noffer = \"club-welcome\"\n";
    let other = again.replace("610001", "610003");
    let config = changed("[marketing.loyalty]", &format!("{again}{other}[marketing.loyalty]"));
    let third = item(
        "customer.joined_segment",
        "2026-11-23T09:00:00Z",
        json!({"segment_id": "gid://shopify/Segment/610003"}),
    );
    assert_eq!(plans(&joined(), &config).len(), 1);
    assert_eq!(plans(&joined(), &config), plans(&third, &config));
}

#[test]
fn a_segment_that_no_offer_names_leads_to_nothing() {
    let other = item(
        "customer.joined_segment",
        "2026-11-23T09:00:00Z",
        json!({"segment_id": "gid://shopify/Segment/1"}),
    );
    assert_eq!(plans(&other, &config()), vec![]);
}

#[test]
fn a_campaign_leads_to_one_communication_a_date() {
    let config = config();
    let statement =
        |period| plans(&campaign("club-points", Document::LoyaltyStatement, period), &config).remove(0);
    let (november, december) = (statement("2026-11-01"), statement("2026-12-01"));
    assert_eq!(november, statement("2026-11-01"));
    assert_eq!(november.revision, Revision::named("club-points-2026-11-01"));
    assert_ne!(november.revision, december.revision);
    let refill = campaign("refill", Document::ReplenishmentReminder, "2026-11-01");
    assert_eq!(plan(&refill, &config), Ok(Planned::AskShopify));
}

/// What was begun is settled under the same name; what was not begun is not begun.
#[test]
fn a_campaign_that_was_taken_away_is_not_wanted() {
    let item = campaign("spring", Document::PromotionalOffer, "2026-11-01");
    let [plan] = &plans(&item, &config())[..] else { panic!() };
    assert_eq!((plan.revision.as_str(), plan.wanted), ("spring-2026-11-01", false));
    // nor is one that has become another
    let item = campaign("winter", Document::LoyaltyStatement, "2026-11-01");
    assert!(!plans(&item, &config())[0].wanted);
    let off = changed("[documents.promotional-offer]", "[documents.promotional-offer]\nenabled = false");
    assert!(!plans(&joined(), &off)[0].wanted);
}

#[test]
fn what_is_not_understood_is_an_error_and_quotes_nothing() {
    let config = config();
    for (topic, payload) in [
        ("customer.left_segment", json!({"segment_id": SEGMENT})),
        ("customer.joined_segment", json!({"customer_id": "Camille"})),
        ("customer.joined_segment", json!({"segment_id": "gid://shopify/Customer/1"})),
        ("campaign", json!({"campaign": "Camille"})),
        ("campaign", json!({"campaign": "winter", "document": "receipt", "period": "2026-11-01"})),
        ("campaign", json!({"campaign": "winter", "document": "promotional-offer", "period": "Camille"})),
    ] {
        let error = plan(&item(topic, "2026-11-23T09:00:00Z", payload), &config).unwrap_err();
        assert!(!error.contains("Camille"), "{error}");
    }
    let mut bare = joined();
    bare.payload = None;
    assert!(plan(&bare, &config).unwrap_err().contains("without its payload"));
    let mut order = joined();
    order.subject = comms::Gid::new("Order", 1);
    assert!(plan(&order, &config).unwrap_err().contains("no customer"));
}
