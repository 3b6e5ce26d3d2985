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
        (plan.document, plan.revision, plan.order.to_string())
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
    for case in [payment::case, cancellation::case, dispute::open, overdue::case, subscription::case] {
        same(case, json!({}));
        same(case, json!({"order_id": null}));
    }
    same(dispute::won, json!({"type": "chargeback", "status": "won"}));
}

#[test]
fn a_document_that_is_off_is_not_wanted() {
    let off = payment::case()
        .config("[documents.payment-failure-letter]", "[documents.payment-failure-letter]\nenabled = false");
    assert!(!off.the_plan().wanted);
}

/// Work that cannot be understood is an error, so that it ends in the dead letters and not in silence. A number
/// that has been through a float names another order.
#[test]
fn an_unknown_topic_and_an_unreadable_payload_are_errors() {
    let mut case = cancellation::case();
    case.topic = "orders/fulfilled".to_owned();
    assert!(case.plan().unwrap_err().contains("orders/fulfilled"));
    for payload in [json!({"order_id": 8.209829119461545e17}), json!({"order_id": "Ann"}), json!("Ann")] {
        let error = payment::case().payload(payload).plan().unwrap_err();
        assert!(error.contains("order_transactions/create") && !error.contains("Ann"), "{error}");
    }
}

#[test]
fn only_updates_that_end_or_escalate_a_dispute_lead_to_a_letter() {
    let after = |payload| match dispute::won().payload(payload).plan().unwrap() {
        Planned::These(plans) => {
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
