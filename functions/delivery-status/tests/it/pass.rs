use crate::world::{World, id};
use serde_json::json;

#[tokio::test]
async fn what_cannot_be_read_or_asked_about_costs_nothing_beside_it() {
    let world = World::new().await;
    for number in 1..=6 {
        world.accepted(number);
    }
    {
        let mut store = world.store();
        store.items.get_mut(id(1).as_str()).unwrap().insert("document".into(), json!({"S": "a-later-one"}));
        store.busy.insert(id(2).to_string());
        store.jobs.insert("job-3".into(), (200, "<html>"));
        store.jobs.insert("job-4".into(), (500, ""));
        store.refused.insert(id(5).to_string());
    }
    let pass = world.pass().await;
    assert_eq!((pass.asked, pass.delivered, pass.problems, pass.failed_shops), (1, 1, 5, 0), "{pass:?}");
    assert_eq!((world.state(6).as_str(), world.next_check(6)), ("delivered", Some(30)));
    // what failed is behind the others, but for what the table was too busy to read
    let checks: Vec<_> = (1..=5).map(|number| world.next_check(number)).collect();
    assert_eq!(checks, [Some(5), Some(-15), Some(5), Some(5), Some(5)]);

    // later passes come back to all of them
    world.reported(6);
    {
        let mut store = world.store();
        for item in store.items.values_mut().filter(|item| item.contains_key("check_epoch_ms")) {
            item.insert("check_epoch_ms".into(), json!({"N": "0"}));
        }
        store
            .items
            .get_mut(id(1).as_str())
            .unwrap()
            .insert("document".into(), json!({"S": "order-confirmation"}));
        store.busy.clear();
        store.jobs.clear();
        store.refused.clear();
    }
    let pass = world.pass().await;
    assert_eq!((pass.delivered, pass.problems, pass.failed_shops), (4, 0, 0), "{pass:?}");
    for number in 1..=6 {
        assert_eq!(world.state(number), "delivered", "{number}");
        assert_eq!(world.next_check(number), Some(30), "{number}");
    }
    assert_eq!(world.store().reports.len(), 6, "one report each");
}

/// More than a pass takes, all in front of one that is fine.
#[tokio::test]
async fn items_that_cannot_be_read_do_not_stand_in_front_for_ever() {
    let world = World::new().await;
    for number in 1..=520 {
        world.accepted(number);
        let mut store = world.store();
        let item = store.items.get_mut(id(number).as_str()).unwrap();
        item.insert("document".into(), json!({"S": "a-later-one"}));
        item.insert("check_epoch_ms".into(), json!({"N": "1"}));
    }
    world.accepted(1000);
    let pass = world.pass().await;
    assert_eq!((pass.asked, pass.problems, pass.failed_shops), (0, 500, 0), "{pass:?}");
    let pass = world.pass().await;
    assert_eq!((pass.delivered, pass.problems, pass.failed_shops), (1, 20, 0), "{pass:?}");
}

#[tokio::test]
async fn a_channel_that_answers_nothing_is_the_shops_trouble() {
    let world = World::new().await;
    for number in 1..=3 {
        world.accepted(number);
        world.store().jobs.insert(format!("job-{number}"), (500, ""));
    }
    let pass = world.pass().await;
    assert_eq!((pass.asked, pass.failed_shops), (0, 1), "{pass:?}");
    assert_eq!(world.next_check(1), Some(5), "and each is put off");
}
