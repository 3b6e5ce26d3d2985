//! What channels say becomes evidence, whatever dies.

use crate::world::{DELIVERED, RETURNED, World};

fn said(kind: &str, words: Option<&str>) -> (String, Option<String>) {
    (kind.to_owned(), words.map(str::to_owned))
}

#[tokio::test]
async fn what_a_channel_says_is_a_fact_each_time_it_says_something_else() {
    let world = World::new().await;
    world.archived(1);
    world.says(1, 200, DELIVERED);
    world.pass().await;
    world.due_if_listed(1);
    world.pass().await;
    world.says(1, 200, RETURNED);
    world.due_if_listed(1);
    world.pass().await;
    let facts = world.facts();
    assert_eq!(facts[0], said("delivered", None));
    assert_eq!((facts.len(), facts[1].0.as_str()), (2, "bounced"), "{facts:?}");
    assert!(facts[1].1.as_deref().unwrap().contains("5.1.1"), "{facts:?}");
}

/// Whatever the write or message after which the function dies, the next pass does the rest, and there is one fact.
#[tokio::test]
async fn a_death_after_any_effect_leaves_one_fact_and_the_outcome() {
    for effects in 0..5 {
        let world = World::new().await;
        world.archived(1);
        world.says(1, 200, RETURNED);
        world.store().effects_left = Some(effects);
        world.pass().await;
        world.store().effects_left = None;
        let is_recorded = world.state(1) == "bounced";
        assert!(!is_recorded || world.facts().len() == 1, "{effects}: recorded without a fact");
        world.due_if_listed(1);
        world.pass().await;
        assert_eq!((world.state(1).as_str(), world.facts().len()), ("bounced", 1), "{effects}");
    }
}

/// What an earlier release has archived nothing of, or what was destroyed, has outcomes all the same.
#[tokio::test]
async fn an_outcome_needs_no_archive() {
    let world = World::new().await;
    world.accepted(1);
    world.says(1, 200, DELIVERED);
    world.pass().await;
    assert_eq!((world.state(1).as_str(), world.facts()), ("delivered", vec![]));
}
