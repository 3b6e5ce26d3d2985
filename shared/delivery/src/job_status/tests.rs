use super::*;
use serde_json::json;

fn outcome(body: &Value) -> JobOutcome {
    read_outcome(&serde_json::to_vec(body).unwrap(), "xsi-1").unwrap()
}

fn status(job: &[&str], attempts: &[&str]) -> JobStatus {
    let attempts: Vec<_> = attempts.iter().map(|state| json!({"state": state, "gamma_code": 550})).collect();
    outcome(&json!({
        "job_id": "xsi-1", "job_state": job,
        "deliveries": [{"email": "a@b.co", "delivery_attempts": attempts, "events": {}}],
    }))
    .status
}

fn bounced(reason: &str) -> JobStatus {
    JobStatus::Bounced { reason: reason.to_owned() }
}

#[test]
fn a_status_is_only_final_when_it_cannot_change() {
    assert_eq!(status(&["Complete", "Posted"], &["Submitted", "Sent"]), JobStatus::Delivered);
    assert_eq!(status(&["Active"], &["Sent"]), JobStatus::Delivered);
    assert_eq!(status(&["Active"], &["Error"]), JobStatus::Pending, "may be tried again");
    assert_eq!(status(&["Complete"], &["Error", "Sent"]), JobStatus::Delivered);
    assert_eq!(status(&["Complete"], &["Error"]), bounced("delivery failed with code 550"));
    assert_eq!(status(&["Cancelled"], &[]), bounced("the job was cancelled"));
    assert_eq!(status(&["Complete"], &["Submitted"]), JobStatus::Pending);
}

/// Every shape for every event, in every combination: each parses, and means the same in each.
#[test]
fn each_event_is_understood_in_every_shape() {
    let event = || json!({"time": "2026-01-03T10:50:58Z", "detail": null});
    let shapes = [
        (None, false),
        (Some(Value::Null), false),
        (Some(json!({})), false),
        (Some(json!({"time": null})), false),
        (Some(json!([])), false),
        (Some(json!([null])), false),
        (Some(event()), true),
        (Some(json!([event()])), true),
        (Some(json!([event(), event()])), true),
    ];
    for (opt_out, opted_out) in &shapes {
        for (dsn, returned) in &shapes {
            for (open, opened) in &shapes {
                for (pull, _) in &shapes {
                    let mut events = serde_json::Map::new();
                    for (name, shape) in
                        [("opt_out", opt_out), ("dsn", dsn), ("html_open", open), ("pull", pull)]
                    {
                        events.extend(shape.clone().map(|shape| (name.to_owned(), shape)));
                    }
                    let body = json!({"job_state": ["Complete"], "deliveries": [{
                        "delivery_attempts": [{"state": "Sent"}], "events": {"email_delivery_events": events},
                    }]});
                    let expected = if *returned {
                        bounced("returned by the recipient's mail server")
                    } else {
                        JobStatus::Delivered
                    };
                    assert_eq!(
                        outcome(&body),
                        JobOutcome { status: expected, opted_out: *opted_out, opened: *opened },
                        "{body}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_part_of_an_answer_may_be_null_or_absent() {
    for body in [
        json!({"job_state": "Active"}),
        json!({"job_id": null, "job_state": null, "deliveries": []}),
        json!({"job_state": ["Active"], "deliveries": null}),
        json!({"job_state": [], "deliveries": [{}]}),
        json!({"deliveries": [{"delivery_attempts": null, "events": null}]}),
        json!({"deliveries": [{"delivery_attempts": [{"state": null, "gamma_code": null}], "events": {}}]}),
        json!({"deliveries": [{"events": {"email_delivery_events": null}}]}),
    ] {
        assert_eq!(
            outcome(&body),
            JobOutcome { status: JobStatus::Pending, opted_out: false, opened: false },
            "{body}"
        );
    }
    assert_eq!(outcome(&json!({"job_state": "Cancelled"})).status, bounced("the job was cancelled"));
}

#[test]
fn a_dsn_says_whether_the_message_came_back() {
    let with_code = bounced("returned by the recipient's mail server with status 5.1.1");
    let without = bounced("returned by the recipient's mail server");
    for (dsn, expected) in [
        (json!({"action": "failed", "status": "5.1.1"}), &with_code),
        (json!({"status": "5.1.1"}), &with_code),
        (
            json!([{"action": "delayed", "status": "4.4.1"}, {"action": "Failed", "status": "5.1.1"}]),
            &with_code,
        ),
        (json!({"action": "failed", "status": "zoe@example.com is full"}), &without),
        (json!({"action": "failed", "reason": "zoe@example.com is full"}), &without),
        (json!({"status": 5}), &without),
        (json!("2026-01-03T10:50:58Z"), &without),
        (json!({"action": "delayed", "status": "4.4.1"}), &JobStatus::Delivered),
        (json!({"action": "Delivered"}), &JobStatus::Delivered),
        (json!({"status": "2.0.0"}), &JobStatus::Delivered),
    ] {
        let body = json!({"deliveries": [{
            "delivery_attempts": [{"state": "Sent"}], "events": {"email_delivery_events": {"dsn": dsn}},
        }]});
        assert_eq!(&outcome(&body).status, expected, "{dsn}");
    }
}

#[test]
fn what_is_not_about_the_job_says_nothing_of_it() {
    for body in [
        "<html>",
        "{}",
        "[]",
        "null",
        r#"{"error":{"code":"internal_error","message":"no"}}"#,
        r#"{"job_id":"xsi-1","error":"busy"}"#,
        r#"{"job_id":"xsi-2","job_state":["Complete"],"deliveries":[{"delivery_attempts":[{"state":"Sent"}]}]}"#,
    ] {
        let error = read_outcome(body.as_bytes(), "xsi-1").unwrap_err();
        assert!(matches!(error, DeliveryError::Unintelligible), "{body}: {error}");
    }
}

#[test]
fn only_a_status_code_is_one() {
    for good in ["5.1.1", "4.4.7", "5.7.123"] {
        assert!(is_status_code(good), "{good}");
    }
    for bad in ["", "5", "5.1", "5.1.1.1", "55.1.1", "5.1.x", "5.1.1234", "5..1", "550 5.1.1"] {
        assert!(!is_status_code(bad), "{bad}");
    }
}
