//! Holding evidence from the page of a communication.

use crate::world::{DELIVERED, FAILED, World, body};
use archive::FactKind;
use std::collections::BTreeMap;

fn with(mut fields: BTreeMap<String, String>, more: &[(&str, &str)]) -> BTreeMap<String, String> {
    fields.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    fields
}

#[tokio::test]
async fn evidence_is_held_and_released_with_the_person_and_the_reason() {
    let world = World::new().await;
    let session = world.log_in("auditor").await;
    let page = format!("/c/{DELIVERED}");
    let (hold, release) = (format!("{page}/hold"), format!("{page}/release"));
    let form = with(
        world.form(&page, &hold, &session).await,
        &[("matter", "case 1"), ("reason", "the court asked")],
    );
    for _ in 0..2 {
        let answer = world.post(&hold, &session, &form).await;
        assert_eq!(answer["headers"]["location"], format!("{page}?done=hold"), "{answer}");
    }
    let html = world.get(&format!("{page}?done=hold"), &session).await;
    assert!(
        body(&html).contains("It is held.") && body(&html).contains("End the hold for <bdi>case 1</bdi>"),
        "{}",
        body(&html)
    );
    {
        let aws = world.aws.lock().unwrap();
        assert!(aws.held.iter().any(|key| key.contains(DELIVERED)), "its objects cannot be deleted");
        let facts = aws.facts(DELIVERED);
        let [fact] = &facts[..] else { panic!("holding twice is one fact: {}", facts.len()) };
        assert_eq!((fact.fact.kind, fact.fact.matter.as_deref()), (FactKind::Held, Some("console: case 1")));
        let decision = fact.fact.decision.as_ref().unwrap();
        assert_eq!((&*decision.actor, &*decision.reason), ("auditor@example.com", "the court asked"));
    }
    let form = with(world.form(&page, &release, &session).await, &[("reason", "the case is closed")]);
    assert_eq!(form["matter"], "case 1");
    let answer = world.post(&release, &session, &form).await;
    assert_eq!(answer["headers"]["location"], format!("{page}?done=release"), "{answer}");
    assert!(!world.aws.lock().unwrap().held.iter().any(|key| key.contains(DELIVERED)));
    let html = world.get(&page, &session).await;
    assert!(body(&html).contains("It is held for nothing."), "{}", body(&html));
}

#[tokio::test]
async fn a_wrong_matter_or_reason_holds_nothing_and_says_why() {
    let world = World::new().await;
    let session = world.log_in("support").await;
    let page = format!("/c/{DELIVERED}");
    let hold = format!("{page}/hold");
    let form = world.form(&page, &hold, &session).await;
    let long = "x".repeat(101);
    for (matter, reason, says) in [
        ("", "x", "the matter"),
        (" ", "x", "the matter"),
        ("a\u{202e}b", "x", "the matter"),
        (&*long, "x", "the matter"),
        ("case 1", "", "the reason needs"),
        ("case 1", "a\u{202e}b", "the reason needs"),
    ] {
        let answer =
            world.post(&hold, &session, &with(form.clone(), &[("matter", matter), ("reason", reason)])).await;
        assert_eq!(answer["statusCode"], 409, "{matter} {reason}");
        let html = body(&answer);
        assert!(
            html.contains("role=\"alert\"") && html.contains("It was not done: ") && html.contains(says),
            "{html}"
        );
    }
    assert_eq!(world.aws.lock().unwrap().facts(DELIVERED).len(), 0);
    // nothing is archived, and nothing is there to hold
    assert!(!body(&world.get(&format!("/c/{FAILED}"), &session).await).contains("/hold"));
}

/// Whatever it is called: nobody ends a hold here that was placed elsewhere.
#[tokio::test]
async fn only_holds_of_the_console_end_here_and_only_by_whoever_may() {
    let world = World::new().await;
    let page = format!("/c/{DELIVERED}");
    let (hold, release) = (format!("{page}/hold"), format!("{page}/release"));
    let support = world.log_in("support").await;
    let form = with(world.form(&page, &hold, &support).await, &[("matter", "case 1"), ("reason", "x")]);
    world.post(&hold, &support, &form).await;
    // as the staff of the shop, or `ctl`, would call theirs
    for other in ["console: case 1", "staff: case 1", "case 2"] {
        world.post(&release, &support, &with(form.clone(), &[("matter", other)])).await;
        assert!(world.aws.lock().unwrap().held.iter().any(|key| key.contains(DELIVERED)), "{other}");
    }
    let operator = world.log_in("operator").await;
    assert!(!body(&world.get(&page, &operator).await).contains(&hold));
    let own = with(world.form("/", "/log-out", &operator).await, &[("matter", "case 1"), ("reason", "x")]);
    for action in [&hold, &release] {
        assert_eq!(world.post(action, &operator, &own).await["statusCode"], 403, "{action}");
    }
    assert_eq!(world.aws.lock().unwrap().facts(DELIVERED).len(), 1);
}
