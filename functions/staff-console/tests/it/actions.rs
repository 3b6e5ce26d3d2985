//! What people do: only who may, only from a page of the same session, and once.

use crate::world::{DELIVERED, FAILED, UNKNOWN, World, body, cookie};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn with(mut fields: BTreeMap<String, String>, more: &[(&str, &str)]) -> BTreeMap<String, String> {
    fields.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    fields
}

fn paths(id: &str) -> (String, String) {
    (format!("/c/{id}"), format!("/c/{id}/resend"))
}

#[tokio::test]
async fn pressing_send_again_twice_is_one_issue() {
    let world = World::new().await;
    let session = world.log_in("support").await;
    let (page, action) = paths(DELIVERED);
    let form = with(world.form(&page, &action, &session).await, &[("reason", "asked for it")]);
    for _ in 0..2 {
        let answer = world.post(&action, &session, &form).await;
        assert_eq!(answer["headers"]["location"], format!("{page}?done=resend"), "{answer}");
    }
    let sent = world.sent();
    let of = |index: usize| -> &Value { &sent[index].1["resend"] };
    assert_eq!(
        (of(0)["of"].as_str(), of(0)["actor"].as_str()),
        (Some(DELIVERED), Some("support@example.com"))
    );
    assert_eq!(of(0)["revision"], of(1)["revision"]);
    // another form is another request
    let other = with(world.form(&page, &action, &session).await, &[("reason", "asked for it")]);
    world.post(&action, &session, &other).await;
    assert_ne!(world.sent()[2].1["resend"]["revision"], sent[0].1["resend"]["revision"]);
}

#[tokio::test]
async fn a_form_of_another_page_or_session_does_nothing() {
    let world = World::new().await;
    let session = world.log_in("support").await;
    let (page, action) = paths(DELIVERED);
    let form = with(world.form(&page, &action, &session).await, &[("reason", "x")]);
    let another = world.log_in("operator").await;
    let of_another = with(world.form(&page, &action, &another).await, &[("reason", "x")]);
    let without: BTreeMap<_, _> = form.clone().into_iter().filter(|(name, _)| name != "csrf").collect();
    for forged in [of_another, without, with(form.clone(), &[("csrf", "guessed")])] {
        assert_eq!(world.post(&action, &session, &forged).await["statusCode"], 403);
    }
    let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
    for (headers, status) in [
        (
            json!({"cookie": session, "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "cross-site"}),
            403,
        ),
        (json!({"cookie": session, "content-type": "text/plain"}), 400),
        (json!({"content-type": "application/x-www-form-urlencoded"}), 401),
    ] {
        assert_eq!(world.send("POST", &action, headers, Some(&encoded)).await["statusCode"], status);
    }
    // nor does reading what only a form may do
    assert_eq!(world.get(&action, &session).await["statusCode"], 405);
    assert_eq!(world.sent(), []);
}

#[tokio::test]
async fn only_roles_that_may_do_it_do_it() {
    let world = World::new().await;
    let (page, action) = paths(UNKNOWN);
    let settle = format!("/c/{UNKNOWN}/settle");
    for (person, may_resend, may_settle, may_see_evidence) in
        [("support", true, false, false), ("operator", true, true, true), ("auditor", false, false, true)]
    {
        let session = world.log_in(person).await;
        let html = world.get(&page, &session).await;
        assert_eq!(body(&html).contains(&action), may_resend, "{person}");
        assert_eq!(body(&html).contains(&settle), may_settle, "{person}");
        assert_eq!(body(&html).contains("/evidence"), may_see_evidence, "{person}");
        let evidence = world.get(&format!("{page}/evidence"), &session).await;
        assert_eq!(evidence["statusCode"] == 200, may_see_evidence, "{person}");
        // what is not shown is not done either
        let form = world.form(&page, "/log-out", &session).await;
        let form = with(form, &[("reason", "x"), ("request", "form-0001"), ("state", "delivered")]);
        if !may_resend {
            assert_eq!(world.post(&action, &session, &form).await["statusCode"], 403, "{person}");
        }
        if !may_settle {
            assert_eq!(world.post(&settle, &session, &form).await["statusCode"], 403, "{person}");
            for what in ["redrive", "discard"] {
                let answer = world.post(&format!("/dead-letters/write-back/{what}"), &session, &form).await;
                assert_eq!(answer["statusCode"], 403, "{person}");
            }
        }
    }
    assert_eq!(world.sent(), []);
}

#[tokio::test]
async fn an_operator_settles_what_is_unknown_once() {
    let world = World::new().await;
    let session = world.log_in("operator").await;
    let (page, action) = (format!("/c/{UNKNOWN}"), format!("/c/{UNKNOWN}/settle"));
    let form = world.form(&page, &action, &session).await;
    let wrong = with(form.clone(), &[("reason", "x"), ("state", "sending")]);
    assert_eq!(world.post(&action, &session, &wrong).await["statusCode"], 409);
    let form = with(form, &[("reason", "the customer has it"), ("state", "delivered")]);
    let answer = world.post(&action, &session, &form).await;
    assert_eq!(answer["headers"]["location"], format!("{page}?done=settle"), "{answer}");
    let html = world.get(&page, &session).await;
    assert!(body(&html).contains("delivered") && !body(&html).contains(&action));
    let sent = world.sent();
    assert_eq!(
        (&*sent[0].0, &sent[0].1["decision"]["actor"]),
        ("write-back", &json!("operator@example.com"))
    );
    // pressed twice: the report is queued again, and nothing else
    let again = world.post(&action, &session, &form).await;
    assert_eq!(again["statusCode"], 303, "{again}");
}

#[tokio::test]
async fn what_cannot_be_sent_again_says_why() {
    let world = World::new().await;
    let session = world.log_in("support").await;
    let html = world.get(&format!("/c/{FAILED}"), &session).await;
    assert!(body(&html).contains("It cannot be sent again: <bdi>nothing of it is archived"));
    let (page, action) = paths(DELIVERED);
    let form = with(world.form(&page, &action, &session).await, &[("reason", "x"), ("to", "not an address")]);
    let answer = world.post(&action, &session, &form).await;
    assert_eq!(answer["statusCode"], 409);
    assert!(body(&answer).contains("It was not done: the corrected address is neither"), "{}", body(&answer));
    assert!(!body(&answer).contains("not an address\""), "it may be nearly somebody's");
}

#[tokio::test]
async fn after_a_session_has_ended_nothing_is_done() {
    let world = World::new().await;
    let session = world.log_in("support").await;
    let (page, action) = paths(DELIVERED);
    let form = with(world.form(&page, &action, &session).await, &[("reason", "x")]);
    let log_in = cookie(&world.send("GET", "/", json!({}), None).await);
    for cookie in ["", "__Host-console=x", &*log_in] {
        let answer = world.post(&action, cookie, &form).await;
        assert_eq!(answer["statusCode"], 401);
        assert!(body(&answer).contains("Nothing was done"));
    }
    assert_eq!(world.sent(), []);
}
