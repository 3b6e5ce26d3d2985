//! Dead letters in the console: what is shown of them, and that only what somebody has seen is moved, once, by whoever may.

use crate::{
    aws::{OTHER_SHOP, SHOP, id_of},
    world::{World, body},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const QUEUE: &str = "/dead-letters/write-back";

fn with(mut fields: BTreeMap<String, String>, more: &[(&str, &str)]) -> BTreeMap<String, String> {
    fields.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    fields
}

/// The entries of who did what to the deployment.
fn entries(world: &World) -> Vec<Value> {
    let aws = world.aws.lock().unwrap();
    let entries = aws.objects.iter().filter(|(key, _)| key.starts_with("operations/audit/"));
    entries.map(|(_, bytes)| serde_json::from_slice(bytes).unwrap()).collect()
}

fn left(world: &World) -> Vec<usize> {
    let aws = world.aws.lock().unwrap();
    assert_eq!(aws.hidden(), 0, "what is left can be received at once");
    aws.letters.keys().copied().collect()
}

#[tokio::test]
async fn a_queue_says_why_and_nothing_of_a_customer() {
    let world = World::new().await;
    let session = world.log_in("auditor").await;
    let list = world.get("/dead-letters", &session).await;
    for (queue, count) in [("write-back", "<span class=\"state bad\">3</span>"), ("privacy", "none")] {
        let row = format!("<a href=\"/dead-letters/{queue}\">{queue}</a></td><td>{count}</td>");
        assert!(body(&list).contains(&row), "{row}: {}", body(&list));
    }
    let page = world.get(QUEUE, &session).await;
    let html = body(&page);
    for shown in [
        "About <strong>3</strong> messages",
        "cannot-work",
        SHOP,
        OTHER_SHOP,
        "gid://shopify/Order/2",
        "status 503",
    ] {
        assert!(html.contains(shown), "{shown}: {html}");
    }
    assert!(!html.contains("zoe@example.com") && html.contains("&lt;script&gt;"), "{html}");
    assert!(!html.contains("method=\"post\" action=\"/dead-letters"), "an auditor changes nothing");
    let one = world.get(&format!("{QUEUE}?message={}", id_of(2)), &session).await;
    assert!(body(&one).contains("Of 3 that were looked at, <strong>1</strong> are meant"), "{}", body(&one));
    let narrowed = world.get(&format!("{QUEUE}?cause=cannot-work&shop={SHOP}"), &session).await;
    assert!(body(&narrowed).contains("<strong>1</strong> are meant"), "{}", body(&narrowed));
    assert_eq!(left(&world), [1, 2, 3, 4], "looking moves nothing");
}

#[tokio::test]
async fn what_is_chosen_is_delivered_again_and_on_record() {
    let world = World::new().await;
    let session = world.log_in("operator").await;
    let page = format!("{QUEUE}?shop={SHOP}");
    let action = format!("{QUEUE}/redrive");
    let form = with(world.form(&page, &action, &session).await, &[("why", "Shopify is back")]);
    let answer = world.post(&action, &session, &form).await;
    let location = answer["headers"]["location"].as_str().unwrap().to_owned();
    assert_eq!(location, format!("{QUEUE}?done=redrive&moved=2&failed=0&shop={SHOP}"), "{answer}");
    assert!(body(&world.get(&location, &session).await).contains("2 messages were delivered again."));
    let sent = world.sent();
    assert_eq!(sent.len(), 2);
    assert!(sent.iter().all(|(queue, message)| queue == "write-back" && message["shop"] == SHOP));
    assert_eq!(left(&world), [3, 4], "of another shop, and of another queue");
    let [begun, ended] = &entries(&world)[..] else { panic!("not two entries") };
    assert_eq!(
        (&begun["stage"], &ended["stage"], &ended["moved"]),
        (&json!("begun"), &json!("ended"), &json!(2))
    );
    for (name, value) in [
        ("act", "redrive"),
        ("actor", "operator@example.com"),
        ("reason", "Shopify is back"),
        ("to", "dead letters of write-back"),
    ] {
        assert_eq!(begun[name], value);
    }
    // pressed twice: there is nothing left of it
    let again = world.post(&action, &session, &form).await;
    assert!(again["headers"]["location"].as_str().unwrap().contains("moved=0"), "{again}");
    assert_eq!(world.sent().len(), 2);
}

/// Nobody has seen it, so nobody has decided about it.
#[tokio::test]
async fn what_came_after_the_plan_was_shown_stays() {
    let world = World::new().await;
    let session = world.log_in("operator").await;
    let action = format!("{QUEUE}/discard");
    let form = world.form(QUEUE, &action, &session).await;
    world.change(|aws| {
        aws.give_up(9, "write-back", SHOP, &[("Cause", "cannot-work"), ("Reason", "another one")]);
        aws.letters.get_mut(&9).unwrap().sent_epoch_ms = i64::MAX / 2;
    });
    let form = with(form, &[("why", "tests"), ("sure", "yes")]);
    // a plan of a moment to come is no plan
    for before in [form["before"].clone(), i64::MAX.to_string()] {
        let answer = world.post(&action, &session, &with(form.clone(), &[("before", &before)])).await;
        assert_eq!(answer["statusCode"], 303, "{answer}");
        assert_eq!(left(&world), [4, 9]);
    }
    assert_eq!(world.sent(), [], "what is discarded goes nowhere");
    assert_eq!(entries(&world)[0]["act"], "discard");
}

#[tokio::test]
async fn nothing_is_moved_without_a_reason_a_yes_a_form_or_a_record() {
    let world = World::new().await;
    let session = world.log_in("operator").await;
    let (redrive, discard) = (format!("{QUEUE}/redrive"), format!("{QUEUE}/discard"));
    let form = world.form(QUEUE, &discard, &session).await;
    let whole = with(form.clone(), &[("why", "x"), ("sure", "yes")]);
    for (action, form, status, says) in [
        (&redrive, form.clone(), 409, "the reason needs 1 to 200 bytes"),
        (&discard, with(form.clone(), &[("why", "x")]), 409, "say that they are to be deleted"),
        (&discard, with(whole.clone(), &[("csrf", "guessed")]), 403, "form"),
        (&discard, with(whole.clone(), &[("shop", "no shop")]), 400, "form"),
        (&discard, with(whole.clone(), &[("cause", "any")]), 400, "form"),
        (&discard, with(whole.clone(), &[("before", "")]), 400, "form"),
        (&discard, with(whole.clone(), &[("reason", &"x".repeat(201))]), 400, "form"),
        (&"/dead-letters/another/discard".to_owned(), whole.clone(), 404, "Not found"),
    ] {
        let answer = world.post(action, &session, &form).await;
        assert_eq!(answer["statusCode"], status, "{says}: {answer}");
        assert!(body(&answer).contains(says), "{says}: {}", body(&answer));
    }
    assert_eq!(world.get(&discard, &session).await["statusCode"], 405);
    for person in ["support", "auditor"] {
        let other = world.log_in(person).await;
        let own = with(
            world.form("/", "/log-out", &other).await,
            &[("why", "x"), ("sure", "yes"), ("before", "9")],
        );
        assert_eq!(world.post(&discard, &other, &own).await["statusCode"], 403, "{person}");
    }
    world.change(|aws| aws.archive_is_full = true);
    assert_eq!(world.post(&discard, &session, &whole).await["statusCode"], 503, "it cannot be on record");
    assert_eq!((left(&world), entries(&world).len()), (vec![1, 2, 3, 4], 0));
}

#[tokio::test]
async fn what_the_queue_does_not_take_stays() {
    let world = World::new().await;
    let session = world.log_in("operator").await;
    world.change(|aws| aws.queues_are_full = true);
    let action = format!("{QUEUE}/redrive");
    let form = with(world.form(QUEUE, &action, &session).await, &[("why", "try")]);
    let answer = world.post(&action, &session, &form).await;
    let location = answer["headers"]["location"].as_str().unwrap();
    assert_eq!(location, format!("{QUEUE}?done=redrive&moved=0&failed=3"));
    let page = world.get(location, &session).await;
    assert!(body(&page).contains("3 could not be moved and stay") && body(&page).contains("role=\"alert\""));
    assert_eq!(left(&world), [1, 2, 3, 4]);
}

#[tokio::test]
async fn events_go_back_to_intake_and_what_has_no_way_back_says_so() {
    let world = World::new().await;
    let session = world.log_in("operator").await;
    let event =
        json!({"detail": {"metadata": {"X-Shopify-Topic": "orders/create", "X-Shopify-Shop-Domain": SHOP}}});
    let refused = json!({"requestPayload": event, "responsePayload": {"errorMessage": "no configuration"}});
    world.change(|aws| {
        aws.give_up(7, "intake", SHOP, &[]);
        aws.letters.get_mut(&7).unwrap().body = refused;
        aws.intake_refuses = true;
    });
    let action = "/dead-letters/intake/redrive";
    let form = with(world.form("/dead-letters/intake", action, &session).await, &[("why", "configured")]);
    let answer = world.post(action, &session, &form).await;
    assert!(answer["headers"]["location"].as_str().unwrap().contains("moved=0&failed=1"), "{answer}");
    world.change(|aws| aws.intake_refuses = false);
    world.post(action, &session, &form).await;
    assert_eq!(world.aws.lock().unwrap().invoked, [event.clone(), event]);
    assert_eq!(left(&world), [1, 2, 3, 4]);
    // of a message that nobody can read it is not known whose it is
    world.change(|aws| aws.letters.get_mut(&4).unwrap().body = json!("<script>"));
    let page = world.get("/dead-letters/schedules", &session).await;
    assert!(body(&page).contains("<td><bdi>not known</bdi></td>"), "{}", body(&page));
    assert!(body(&page).contains("started with `ctl run`"), "{}", body(&page));
    assert!(body(&page).contains("the queue was not there"));
    let action = "/dead-letters/schedules/redrive";
    let form = with(
        world.form("/dead-letters/schedules", "/dead-letters/schedules/discard", &session).await,
        &[("why", "x")],
    );
    assert_eq!(world.post(action, &session, &form).await["statusCode"], 409);
    assert_eq!(left(&world), [1, 2, 3, 4]);
}
