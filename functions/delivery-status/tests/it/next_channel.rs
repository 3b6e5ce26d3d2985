//! What did not arrive is tried by the next channel, wherever the function dies.

use crate::world::{DELIVERED, PENDING, RETURNED, World};
use serde_json::json;

#[tokio::test]
async fn what_bounced_is_tried_by_the_next_channel() {
    let world = World::new().await;
    let id = world.archived(1);
    world.says(1, 200, RETURNED);
    world.archived(2);
    world.says(2, 200, DELIVERED);
    // nothing is archived that could be sent
    world.accepted(3);
    world.says(3, 200, RETURNED);
    let pass = world.pass().await;
    assert_eq!((pass.bounced, pass.delivered, pass.problems), (2, 1, 0), "{pass:?}");
    assert_eq!(world.next(), [(id.to_string(), "bounced".to_owned())]);
    assert_eq!(world.next_check(1), None);
    world.pass().await;
    assert_eq!(world.next().len(), 1, "it is settled");
}

#[tokio::test]
async fn a_days_silence_is_tried_by_the_next_channel_where_the_shop_says_so() {
    let world = World::new().await;
    let id = world.archived(1);
    world.says(1, 200, PENDING);
    world.pass().await;
    assert_eq!(world.next(), [], "it may still arrive");
    world.aged(1, 25);
    world.due(1);
    world.pass().await;
    assert_eq!(world.next(), [(id.to_string(), "no-outcome".to_owned())]);
}

/// Whatever was done before the death, the request is made in the end; a second one makes no second issue.
#[tokio::test]
async fn wherever_the_function_dies_the_next_channel_is_asked_for() {
    for effects in 0..6 {
        let world = World::new().await;
        let id = world.archived(1);
        world.says(1, 200, RETURNED);
        world.store().effects_left = Some(effects);
        world.pass().await;
        world.store().effects_left = None;
        world.due_if_listed(1);
        world.pass().await;
        let next = world.next();
        assert!((1..=2).contains(&next.len()), "{effects}: {next:?}");
        assert!(next.iter().all(|(of, after)| *of == id.to_string() && after == "bounced"));
        assert_eq!((world.state(1).as_str(), world.next_check(1)), ("bounced", None), "{effects}");
    }
}

#[tokio::test]
async fn a_text_message_is_asked_about_as_one() {
    let world = World::new().await;
    world.accepted(1);
    world.set(1, "channel", json!({"S": "sms"}));
    world.says(1, 200, DELIVERED);
    let pass = world.pass().await;
    assert_eq!((pass.delivered, pass.problems), (1, 0), "{pass:?}");
    assert!(world.store().asked.iter().all(|path| path == "/mra/v1/outbound/sms/status"));
}
