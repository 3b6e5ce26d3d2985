use super::{Case, Letter, fixture, sample, text};
use comms::{Class, Document};
use flow::Planned;
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub fn open() -> Case {
    Case::new(
        &sample!("disputes-create"),
        "gid://shopify/ShopifyPaymentsDispute/285332461850155101",
        [("Dispute", fixture!("dispute-open")), ("OrderForDocuments", fixture!("order-disputed"))],
    )
}

pub fn won() -> Case {
    Case::new(
        &sample!("disputes-update"),
        "gid://shopify/ShopifyPaymentsDispute/285332461850155102",
        [("Dispute", fixture!("dispute-won")), ("OrderForDocuments", fixture!("order-dispute-won"))],
    )
}

/// What Shopify shows of the dispute: as what it began, what it is, and its status.
fn now_is(case: Case, began_as: &str, kind: &str, status: &str) -> Case {
    case.edit("Dispute", |dispute| {
        dispute["order"]["disputes"][0]["initiatedAs"] = began_as.into();
        dispute["type"] = kind.into();
        dispute["status"] = status.into();
    })
}

fn update(kind: &str, status: &str) -> Case {
    let mut case = open().payload(json!({"order_id": 820982911946155103u64, "type": kind, "status": status}));
    case.topic = "disputes/update".to_owned();
    case
}

#[tokio::test]
async fn a_notice_says_what_is_disputed_and_nothing_of_the_shops_own_business() {
    let (data, content) = open().letter().await.ready();
    assert_eq!(data["dispute"]["amount"], json!({"amount": "329.00", "currency": "EUR"}));
    assert_eq!(text(&data, "/dispute/kind"), "chargeback");
    assert_eq!(text(&data, "/dispute/reason"), "product_not_received");
    let said: Vec<_> = data["dispute"].as_object().unwrap().keys().map(String::as_str).collect();
    let customers = ["id", "kind", "amount", "reason", "opened", "opened_on"];
    assert_eq!(BTreeSet::from_iter(said), BTreeSet::from(customers));
    assert_eq!(data["escalated"], false);
    assert_eq!(text(&data, "/locale"), "fr");
    assert_eq!(content.reported_on.as_ref().unwrap().as_str(), "gid://shopify/Order/820982911946155103");
}

#[tokio::test]
async fn a_resolution_says_how_it_ended_and_who_has_the_money() {
    for (status, outcome, party) in [
        ("WON", "won", Some("shop")),
        ("LOST", "lost", Some("customer")),
        ("ACCEPTED", "accepted", Some("customer")),
        ("CHARGE_REFUNDED", "accepted", Some("customer")),
        ("PREVENTED", "prevented", Some("customer")),
        ("WITHDRAWN", "withdrawn", None),
    ] {
        let payload =
            json!({"type": "chargeback", "status": status, "finalized_on": "2026-11-22T16:58:20+01:00"});
        let case = now_is(won().payload(payload), "INQUIRY", "CHARGEBACK", status);
        let data = case.letter().await.data();
        assert_eq!(text(&data, "/outcome"), outcome);
        assert_eq!(data.get("in_favour_of").and_then(Value::as_str), party, "{status}");
        assert_eq!(text(&data, "/dispute/resolved"), "2026-11-22T16:58:20+01:00");
    }
}

/// Whatever comes first, a decided dispute has no notice any more, and each outcome one letter.
#[tokio::test]
async fn a_notice_that_comes_after_the_decision_is_not_written() {
    for status in ["WON", "LOST", "ACCEPTED", "CHARGE_REFUNDED", "PREVENTED"] {
        let late = now_is(open(), "CHARGEBACK", "CHARGEBACK", status);
        let (reason, owner) = late.letter().await.suppressed();
        assert_eq!((reason.as_str(), owner.unwrap().kind()), ("the dispute is already decided", "Order"));
    }
}

#[tokio::test]
async fn an_outcome_that_shopify_does_not_show_leads_to_nothing() {
    let undecided = now_is(won(), "CHARGEBACK", "CHARGEBACK", "UNDER_REVIEW")
        .edit("Dispute", |dispute| dispute["finalizedOn"] = Value::Null);
    undecided.letter().await.why_nothing();
    now_is(won(), "CHARGEBACK", "CHARGEBACK", "LOST").letter().await.why_nothing();
}

#[tokio::test]
async fn an_inquiry_and_the_chargeback_it_becomes_have_one_notice_each() {
    let inquiry = now_is(open(), "INQUIRY", "INQUIRY", "NEEDS_RESPONSE");
    assert_eq!(text(&inquiry.letter().await.data(), "/dispute/kind"), "inquiry");

    let became = update("chargeback", "needs_response");
    assert_ne!(became.the_plan().revision, open().the_plan().revision);
    let became = now_is(became, "INQUIRY", "CHARGEBACK", "NEEDS_RESPONSE");
    assert_eq!(became.letter().await.data()["escalated"], true);

    // the first notice, made late, would say the same as the second
    let late = now_is(open(), "INQUIRY", "CHARGEBACK", "NEEDS_RESPONSE");
    assert!(late.letter().await.why_suppressed().contains("of its own"));
}

#[tokio::test]
async fn an_update_of_what_was_a_chargeback_from_the_beginning_leads_to_nothing() {
    let evidence_sent =
        now_is(update("chargeback", "under_review"), "CHARGEBACK", "CHARGEBACK", "UNDER_REVIEW");
    evidence_sent.letter().await.why_nothing();
    let not_shown = now_is(update("chargeback", "under_review"), "INQUIRY", "INQUIRY", "UNDER_REVIEW");
    not_shown.letter().await.why_nothing();
    let mut unrelated = evidence_sent;
    unrelated = unrelated.edit("Dispute", |it| it["order"]["disputes"] = json!([]));
    unrelated.letter().await.why_nothing();
}

#[tokio::test]
async fn an_update_without_its_payload_is_looked_up() {
    let plans = async |mut case: Case| {
        case.payload = None;
        case.topic = "disputes/update".to_owned();
        assert_eq!(case.plan().unwrap(), Planned::AskShopify);
        let plans = case.look_up().await.into_iter();
        plans
            .map(|plan| {
                (plan.document, plan.revision.as_str().to_owned(), plan.reported_on.kind().to_owned())
            })
            .collect::<Vec<_>>()
    };
    let expected = |document, revision: &str| vec![(document, revision.to_owned(), "Order".to_owned())];
    assert_eq!(plans(won()).await, expected(Document::DisputeResolution, "won"));
    assert_eq!(plans(open()).await, expected(Document::DisputeNotice, "chargeback"));
    assert_eq!(plans(now_is(open(), "INQUIRY", "INQUIRY", "UNDER_REVIEW")).await, vec![]);
}

#[tokio::test]
async fn a_dispute_of_no_order_has_nobody_to_write_to() {
    let without = |case: Case| case.edit("Dispute", |dispute| dispute["order"] = Value::Null);
    let orderless = without(open()).payload(json!({"order_id": null}));
    let (reason, owner) = orderless.letter().await.suppressed();
    assert!(reason.contains("nobody to write to") && owner.is_none(), "{reason}");
    let hidden = without(open()).letter().await.error();
    assert_eq!(hidden.class, Class::transient(), "the event names an order that Shopify may show later");
}

#[tokio::test]
async fn unknown_words_and_missing_dates_are_no_obstacle() {
    let odd = open().edit("Dispute", |dispute| {
        dispute["type"] = "ARBITRATION".into();
        dispute["order"]["disputes"][0]["initiatedAs"] = "ARBITRATION".into();
        dispute["status"] = "ONE_OF_TOMORROW".into();
        dispute["reasonDetails"] = json!({"reason": "MOON_PHASE", "networkReasonCode": null});
        dispute["evidenceDueBy"] = Value::Null;
    });
    let data = odd.letter().await.data();
    assert_eq!(text(&data, "/dispute/kind"), "arbitration");
    assert_eq!(text(&data, "/dispute/reason"), "general");
}

#[tokio::test]
async fn a_dispute_can_be_in_another_currency_than_its_order() {
    let dinars = json!({"amount": "101.5", "currencyCode": "KWD"});
    let case = open().edit("Dispute", |dispute| dispute["amount"] = dinars);
    assert_eq!(
        case.letter().await.data()["dispute"]["amount"],
        json!({"amount": "101.500", "currency": "KWD"})
    );
}

/// A person may ask for a letter whose revision is the request's own.
#[tokio::test]
async fn a_letter_that_is_asked_for_goes_by_what_the_dispute_is() {
    let again = async |mut case: Case, document| {
        case.resend = true;
        let mut plan = case.the_plan();
        plan.revision = comms::Revision::named("resend-1");
        plan.document = document;
        case.letter_of(&plan).await
    };
    again(won(), Document::DisputeResolution).await.data();
    again(open(), Document::DisputeNotice).await.data();
    assert!(matches!(again(open(), Document::DisputeResolution).await, Letter::Nothing(_)));
}

#[tokio::test]
async fn a_reason_neither_speaks_of_fraud_nor_is_unknown() {
    for (reason, told) in [
        ("FRAUDULENT", "unauthorized"),
        ("UNRECOGNIZED", "unrecognized"),
        ("SUSPECTED_LAUNDERING", "general"),
        ("GENERAL", "general"),
    ] {
        let case = open().edit("Dispute", |dispute| dispute["reasonDetails"]["reason"] = reason.into());
        assert_eq!(text(&case.letter().await.data(), "/dispute/reason"), told);
    }
}
