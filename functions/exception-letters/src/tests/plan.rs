use super::{Case, cancellation, dispute, overdue, payment, subscription};
use comms::{Document, Revision};
use flow::Planned;
use serde_json::json;

#[test]
fn each_event_leads_to_its_letter() {
    let plan = |case: Case| {
        let plan = case.the_plan();
        assert!(plan.wanted);
        assert_eq!(plan.subject, case.subject);
        (plan.document, plan.revision, plan.reported_on.to_string())
    };
    let order = |number: u32| format!("gid://shopify/Order/8209829119461551{number:02}");
    let first = Revision::Initial;
    let failure = Document::PaymentFailureLetter;
    assert_eq!(plan(payment::case()), (failure, first.clone(), order(1)));
    assert_eq!(plan(cancellation::case()), (Document::CancellationLetter, first.clone(), order(2)));
    assert_eq!(plan(dispute::open()), (Document::DisputeNotice, first.clone(), order(3)));
    assert_eq!(plan(dispute::won()), (Document::DisputeResolution, Revision::named("won"), order(4)));
    // their payloads know no order: the subject stands for it until the letter is made
    let due = overdue::case();
    assert_eq!(
        plan(overdue::case()),
        (Document::PaymentOverdueLetter, first.clone(), due.subject.to_string())
    );
    let billing = subscription::case();
    assert_eq!(plan(subscription::case()), (failure, first, billing.subject.to_string()));
}

/// What reconciliation has to put into a payload.
#[test]
fn the_least_payload_leads_to_the_same_communication() {
    let same = |case: fn() -> Case, payload| {
        let (whole, least) = (case().the_plan(), case().payload(payload).the_plan());
        assert_eq!(
            (whole.document, &whole.subject, &whole.revision),
            (least.document, &least.subject, &least.revision)
        );
    };
    for case in [cancellation::case, dispute::open, overdue::case, subscription::case] {
        same(case, json!({}));
        same(case, json!({"order_id": null}));
    }
    same(payment::case, json!({"kind": "sale"}));
    same(dispute::won, json!({"type": "chargeback", "status": "won"}));
}

#[test]
fn a_document_that_is_off_is_not_wanted() {
    let off = payment::case()
        .config("[documents.payment-failure-letter]", "[documents.payment-failure-letter]\nenabled = false");
    assert!(!off.the_plan().wanted);
}

/// Work that cannot be understood is an error, so that it ends in the dead letters and not in silence.
#[test]
fn an_unknown_topic_is_an_error() {
    let mut case = cancellation::case();
    case.topic = "orders/fulfilled".to_owned();
    assert!(case.plan().unwrap_err().contains("orders/fulfilled"));
}

/// A payload is a hint. A number that has been through a float would name another order.
#[tokio::test]
async fn what_a_payload_does_not_say_is_asked_of_shopify() {
    for payload in [json!({}), json!({"kind": 7}), json!("Ann"), json!({"order_id": 8.209829119461545e17})] {
        let case = payment::case().payload(payload);
        assert_eq!(case.plan().unwrap(), Planned::AskShopify);
        assert_eq!(case.look_up().await, [payment::case().the_plan()]);
    }
    for number in [json!(8.209829119461545e17), json!("Ann")] {
        let case = dispute::open().payload(json!({"order_id": number}));
        assert_eq!(case.the_plan().reported_on, case.subject, "looked up while the letter is made");
    }
    let update = dispute::won().payload(json!({"status": 1}));
    assert_eq!(update.plan().unwrap(), Planned::AskShopify);
}

#[test]
fn only_updates_that_end_or_escalate_a_dispute_lead_to_a_letter() {
    let after = |payload| match dispute::won().payload(payload).plan().unwrap() {
        Planned::Known(plans) => {
            plans.into_iter().map(|plan| (plan.document, plan.revision.as_str().to_owned())).collect()
        }
        Planned::AskShopify => vec![],
    };
    let resolution = |outcome: &str| vec![(Document::DisputeResolution, outcome.to_owned())];
    for (status, outcome) in [
        ("won", "won"),
        ("lost", "lost"),
        ("accepted", "accepted"),
        ("charge_refunded", "accepted"),
        ("prevented", "prevented"),
        ("WON", "won"),
    ] {
        for kind in ["inquiry", "chargeback"] {
            assert_eq!(after(json!({"type": kind, "status": status})), resolution(outcome));
        }
    }
    let finalized =
        json!({"type": "chargeback", "status": "withdrawn", "finalized_on": "2026-11-22T16:58:20+01:00"});
    assert_eq!(after(finalized), resolution("withdrawn"), "an end that is not known here is one");
    let notice = vec![(Document::DisputeNotice, "chargeback".to_owned())];
    for status in ["needs_response", "under_review", "withdrawn"] {
        assert_eq!(after(json!({"type": "chargeback", "status": status})), notice);
        assert_eq!(after(json!({"type": "inquiry", "status": status})), vec![]);
    }
}
