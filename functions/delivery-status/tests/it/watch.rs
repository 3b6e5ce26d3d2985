//! What comes after "delivered", and a function that dies, runs twice or comes late.

use crate::world::{DELIVERED, GONE, OPENED, OPTED_OUT, PENDING, RETURNED, World};

fn report(state: &str, reason: Option<&str>) -> (String, Option<String>) {
    (state.to_owned(), reason.map(str::to_owned))
}

const BOUNCE: &str = "returned by the recipient's mail server with status 5.1.1";

#[tokio::test]
async fn what_was_delivered_and_comes_back_bounces() {
    let world = World::new().await;
    world.accepted(1);
    world.pass().await;
    assert_eq!((world.state(1).as_str(), world.reports(1)), ("delivered", vec![report("delivered", None)]));
    world.reported(1);

    // nothing else happened: nothing else is said
    world.due(1);
    let pass = world.pass().await;
    assert_eq!((pass.asked, pass.delivered, world.reports(1).len()), (1, 0, 1), "{pass:?}");

    world.says(1, 200, RETURNED);
    world.due(1);
    let pass = world.pass().await;
    assert_eq!(
        (pass.bounced, world.state(1).as_str(), world.reason(1).as_deref()),
        (1, "bounced", Some(BOUNCE))
    );
    assert_eq!(world.reports(1), [report("delivered", None), report("bounced", Some(BOUNCE))]);
    assert_eq!(world.next_check(1), None, "that was the last word");
}

#[tokio::test]
async fn an_opt_out_after_delivery_reaches_the_suppression_list() {
    let world = World::new().await;
    world.offered(1, 1);
    world.pass().await;
    assert!(!world.suppressed());
    world.reported(1);
    world.aged(1, 24 * 10);
    world.says(1, 200, OPTED_OUT);
    world.due(1);
    let pass = world.pass().await;
    assert_eq!(
        (pass.opted_out, world.state(1).as_str(), world.suppressed()),
        (1, "delivered", true),
        "{pass:?}"
    );
    assert_eq!(
        world.reports(1),
        [report("delivered", None), report("delivered", Some("opted out of e-mail"))]
    );
    assert_eq!(world.next_check(1), None);
}

#[tokio::test]
async fn an_email_is_watched_for_the_days_of_its_class() {
    let world = World::new().await;
    for (number, hours, next) in [(1, 71, Some(60)), (2, 73, None)] {
        world.accepted(number);
        world.aged(number, hours);
        world.pass().await;
        assert_eq!(
            (world.state(number).as_str(), world.next_check(number)),
            ("delivered", next),
            "{hours} h"
        );
    }
    for (number, hours, next) in [(3, 73, Some(24 * 60)), (4, 24 * 14 + 1, None)] {
        world.offered(number, hours);
        world.pass().await;
        assert_eq!(
            (world.state(number).as_str(), world.next_check(number)),
            ("delivered", next),
            "{hours} h"
        );
    }
}

/// A week without this function: what happened meanwhile is learned all the same, and once.
#[tokio::test]
async fn a_pass_that_comes_a_week_late_asks_once_about_everything() {
    let world = World::new().await;
    let week = 24 * 7;
    for number in 1..=5 {
        world.offered(number, week);
    }
    for number in 6..=8 {
        world.accepted(number);
        world.aged(number, week);
    }
    world.says(1, 200, OPTED_OUT);
    world.says(2, 200, RETURNED);
    world.says(3, 200, PENDING);
    world.says(4, 404, GONE);
    world.says(7, 200, RETURNED);
    world.says(8, 404, GONE);
    world.pass().await;
    let unconfirmed = "unconfirmed: nothing was heard of it for 24 h";
    for (number, state, reason, watched) in [
        (1, "delivered", Some("opted out of e-mail"), false),
        (2, "bounced", Some(BOUNCE), false),
        (3, "accepted", Some(unconfirmed), true),
        (4, "accepted", Some(unconfirmed), false),
        (5, "delivered", None, true),
        (6, "delivered", None, false),
        (7, "bounced", Some(BOUNCE), false),
        (8, "accepted", Some(unconfirmed), false),
    ] {
        assert_eq!(
            (world.state(number).as_str(), world.reason(number).as_deref()),
            (state, reason),
            "{number}"
        );
        assert_eq!(world.reports(number), [report(state, reason)], "{number}");
        assert_eq!(world.next_check(number).is_some(), watched, "{number}");
    }
    assert!(world.suppressed());

    // what was silent for a day may still be heard of
    world.says(3, 200, DELIVERED);
    world.due(3);
    world.pass().await;
    assert_eq!((world.state(3).as_str(), world.reason(3)), ("delivered", None));
    assert_eq!(world.reports(3).last(), Some(&report("delivered", None)));
}

#[tokio::test]
async fn what_says_nothing_of_a_job_changes_nothing() {
    let world = World::new().await;
    for (number, status, body) in [
        (1, 200, r#"{"error":{"code":"internal_error","message":"no"}}"#),
        (2, 200, "{}"),
        (3, 404, "<html>no route</html>"),
        (4, 404, GONE),
        (5, 502, "<html>"),
        (
            6,
            200,
            r#"{"job_id":"job-1","job_state":["Complete"],"deliveries":[{"delivery_attempts":[{"state":"Sent"}]}]}"#,
        ),
    ] {
        for (number, state) in [(number, "accepted"), (number + 10, "delivered")] {
            world.accepted(number);
            if state == "delivered" {
                world.pass().await;
                world.reported(number);
                world.due(number);
            }
            world.says(number, status, body);
            world.pass().await;
            assert_eq!(
                (world.state(number).as_str(), world.reason(number)),
                (state, None),
                "{status} {body}"
            );
            assert!(world.next_check(number).is_some(), "{status} {body}: it is asked about again");
        }
    }
}

/// Once a job is forgotten, what was known of it stays.
#[tokio::test]
async fn a_job_that_is_gone_is_settled_as_it_was() {
    let world = World::new().await;
    world.offered(1, 1);
    world.pass().await;
    world.reported(1);
    world.aged(1, 24 * 5);
    world.says(1, 404, GONE);
    world.due(1);
    world.pass().await;
    assert_eq!((world.state(1).as_str(), world.reason(1), world.next_check(1)), ("delivered", None, None));
    assert_eq!(world.reports(1), [report("delivered", None)]);
}

/// The function dies before any of its effects; the next pass ends where an undisturbed one does.
#[tokio::test]
async fn a_death_between_any_two_steps_is_made_good_by_the_next_pass() {
    for (answer, state, reason, suppressed) in [
        (DELIVERED, "delivered", None, false),
        (RETURNED, "bounced", Some(BOUNCE), false),
        (OPTED_OUT, "delivered", Some("opted out of e-mail"), true),
    ] {
        for already_delivered in [false, true] {
            for effects in 0.. {
                let world = World::new().await;
                world.offered(1, 1);
                if already_delivered {
                    world.pass().await;
                    world.reported(1);
                    world.due(1);
                }
                world.says(1, 200, answer);
                world.store().effects_left = Some(effects);
                world.pass().await;
                let survived = world.store().effects_left != Some(0);
                world.store().effects_left = None;
                // the next pass comes at its time, whether or not the dead one had put it off
                if world.next_check(1).is_some() {
                    world.due(1);
                }
                world.pass().await;
                let case = format!("{answer} {already_delivered} {effects}");
                assert_eq!((world.state(1).as_str(), world.reason(1).as_deref()), (state, reason), "{case}");
                assert_eq!(world.suppressed(), suppressed, "{case}");
                let reports = world.reports(1);
                assert_eq!(reports.last(), Some(&report(state, reason)), "{case}: Shopify is told");
                let last = world.next_check(1).is_none();
                assert_eq!(last, state == "bounced" || suppressed, "{case}");
                if survived {
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn two_passes_at_once_record_and_report_one_outcome() {
    let world = World::new().await;
    for number in 1..=20 {
        world.offered(number, 1);
        world.says(number, 200, if number % 2 == 0 { RETURNED } else { DELIVERED });
    }
    let (one, other) = tokio::join!(world.pass(), world.pass());
    assert_eq!(one.delivered + other.delivered, 10, "{one:?} {other:?}");
    assert_eq!(one.bounced + other.bounced, 10, "{one:?} {other:?}");
    for number in 1..=20 {
        let state = if number % 2 == 0 { "bounced" } else { "delivered" };
        assert_eq!(world.state(number), state);
        // one that sees the other's outcome before its report is queued queues it, too
        let reports = world.reports(number);
        assert!((1..=2).contains(&reports.len()) && reports.iter().all(|(it, _)| it == state), "{reports:?}");
    }
}

/// More than a page are due, and all are asked about in one pass.
#[tokio::test]
async fn a_pass_goes_on_until_nothing_is_due() {
    let world = World::new().await;
    for number in 1..=620 {
        world.accepted(number);
    }
    let pass = world.pass().await;
    assert_eq!((pass.asked, pass.delivered, pass.problems), (620, 620, 0), "{pass:?}");
}

/// Nobody is watched unless the shop says so. What is noted is the first opening that is heard of, and nothing is said of
/// it elsewhere.
#[tokio::test]
async fn an_opening_is_noted_once_and_only_if_the_shop_wants_it() {
    for wanted in [false, true] {
        let world = World::new().await;
        world.store().note_openings = wanted;
        world.accepted(1);
        world.says(1, 200, OPENED);
        world.pass().await;
        let opened = || world.store().items[crate::world::id(1).as_str()].get("opened_epoch_ms").cloned();
        let first = opened();
        assert_eq!((first.is_some(), world.state(1).as_str()), (wanted, "delivered"));
        world.reported(1);
        world.due(1);
        world.pass().await;
        assert_eq!((opened(), world.reports(1).len()), (first, 1));
    }
}
