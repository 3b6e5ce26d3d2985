//! What an offer says, and who gets one.

use super::{
    documents::{history, known, refill, statement},
    shop::{Known, NOW, SEGMENT, Shop, at, changed, config, customer, joined},
};
use flow::{Consent, Gathered};
use jiff::ToSpan;
use serde_json::{Value, json};

#[tokio::test]
async fn an_offer_is_in_the_customers_language_and_mentions_what_was_bought() {
    let shop = Shop::new(known(history()), config()).await;
    let (content, data) = shop.ready(&joined()).await;
    assert_eq!(data["locale"], "fr");
    assert_eq!(data["offer"]["title"], "Bienvenue au club : 15 % de remise");
    assert_eq!((&data["offer"]["code"], data["offer"].get("valid_until")), (&json!("CLUB15"), None));
    assert_eq!(
        data["recently_bought"],
        json!([{"text": "Article CARE-WAX-100"}, {"text": "Article SOCK-LINER-2"}])
    );
    assert!(matches!(content.consent, Consent::Given(_)));
    assert_eq!(content.customer, Some(customer()));
    assert_eq!(content.name.as_deref(), Some("Bienvenue au club : 15 % de remise"));
}

#[tokio::test]
async fn an_offer_ends_so_many_days_after_its_cause_and_is_not_sent_later() {
    let config = changed("code = \"CLUB15\"", "code = \"CLUB15\"\nvalid_days = 10");
    let mut shop = Shop::new(Known::default(), config).await;
    assert_eq!(shop.ready(&joined()).await.1["offer"]["valid_until"], "2026-12-03");
    shop.now = at("2026-12-03T22:30:00Z");
    assert_eq!(
        shop.ready(&joined()).await.1["offer"]["valid_until"],
        "2026-12-03",
        "its last hour in the shop"
    );
    shop.now = at("2026-12-03T23:30:00Z");
    assert_eq!(shop.why_not(&joined()).await, ("the offer has expired".to_owned(), true));
}

/// Shopify may announce what it does not yet answer: only an event that is late is checked.
#[tokio::test]
async fn a_customer_who_left_before_a_late_event_gets_nothing_and_nothing_is_recorded() {
    let mut shop = Shop::new(Known { member: false, ..Known::default() }, config()).await;
    shop.ready(&joined()).await;
    shop.now = at(NOW) + 2.hours();
    assert_eq!(shop.why_not(&joined()).await, ("the customer has left the segment".to_owned(), false));
    shop.known.lock().unwrap().member = true;
    shop.ready(&joined()).await;
    let asked = shop.known.lock().unwrap().asked.clone();
    let (_, variables) = asked.iter().find(|(operation, _)| operation == "SegmentMembership").unwrap();
    assert_eq!(variables, &json!({"customer": customer(), "segment": SEGMENT}));
}

#[tokio::test]
async fn an_offer_that_was_taken_away_is_suppressed() {
    let mut shop = Shop::new(Known::default(), config()).await;
    let plans = shop.plans(&joined()).await;
    shop.config.marketing.offers.clear();
    let Ok(Gathered::Suppressed { reason, .. }) = shop.gather(&joined(), &plans[0]).await else { panic!() };
    assert_eq!(reason, "the offer is not in the configuration any more");
}

#[tokio::test]
async fn a_deleted_customer_is_suppressed_with_the_reason() {
    let mut shop = Shop::new(Known { customer: Value::Null, ..Known::default() }, config()).await;
    // Shopify may not show whom it has just announced
    let plan = shop.plans(&joined()).await.remove(0);
    let error = shop.gather(&joined(), &plan).await.err().unwrap();
    assert_ne!(error.class, comms::Class::Permanent, "{}", error.reason);
    shop.now = at(NOW) + 2.hours();
    for item in [joined(), statement()] {
        assert_eq!(shop.why_not(&item).await, ("Shopify has no such customer".to_owned(), true));
    }
    assert!(shop.plans(&refill()).await.is_empty(), "nobody bought anything");
}

#[tokio::test]
async fn consent_is_what_shopify_says_at_that_moment() {
    let shop = Shop::new(Known::default(), config()).await;
    for state in ["UNSUBSCRIBED", "NOT_SUBSCRIBED", "PENDING", "INVALID", "A_STATE_OF_2027"] {
        shop.known.lock().unwrap().customer["defaultEmailAddress"]["marketingState"] = state.into();
        let (content, _) = shop.ready(&joined()).await;
        assert!(matches!(content.consent, Consent::Refused(_)), "{state}");
    }
    shop.known.lock().unwrap().customer["tags"] = json!(["Offers-By-Post"]);
    let (content, _) = shop.ready(&joined()).await;
    assert!(matches!(content.consent, Consent::Given(_)));
    assert_eq!(content.recipient.email, None, "paper only");
    shop.known.lock().unwrap().customer["defaultEmailAddress"] = Value::Null;
    let (content, data) = shop.ready(&joined()).await;
    assert!(matches!(content.consent, Consent::Given(_)));
    assert_eq!(data["customer"].get("email"), None);
    shop.known.lock().unwrap().customer["tags"] = json!([]);
    let (content, _) = shop.ready(&joined()).await;
    assert_eq!(
        content.consent,
        Consent::Refused(
            "the customer has no e-mail address; no agreement to offers by post (tag offers-by-post)".into()
        )
    );
}
