//! Openings that become evidence.

use crate::world::{FOLDER, World};
use bytes::Bytes;
use serde_json::json;

#[tokio::test]
async fn the_first_openings_are_queued_before_anything_is_shown() {
    let world = World::new(Bytes::from_static(b"%PDF-1.7 x")).await;
    assert_eq!(world.get(&world.page()).await["statusCode"], 200);
    assert_eq!(world.get(&world.pdf()).await["statusCode"], 200);
    let messages = world.store.lock().unwrap().messages.clone();
    let what: Vec<_> = messages.iter().map(|it| it["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["page", "document.pdf"]);
    assert_eq!(messages[0]["object"], format!("{FOLDER}/document.pdf"));
    assert_eq!(messages[0]["at"], "2026-11-27T12:00:00Z");
    assert_eq!(messages[0]["kind"], "opened");
}

#[tokio::test]
async fn what_cannot_be_queued_is_not_shown() {
    let world = World::new(Bytes::from_static(b"%PDF-1.7 x")).await;
    world.change(|store| store.queue_fails = true);
    for path in [world.page(), world.pdf()] {
        assert_eq!(world.get(&path).await["statusCode"], 503, "{path}");
    }
    world.change(|store| store.queue_fails = false);
    assert_eq!(world.get(&world.page()).await["statusCode"], 200);
    assert_eq!(world.store.lock().unwrap().messages.len(), 1);
}

/// Whoever recorded the first one may have died before it was queued: the next one tells of it, and the sixth does not.
#[tokio::test]
async fn a_later_opening_tells_of_the_first() {
    for (earlier, queued) in [(1, 1), (4, 1), (5, 0)] {
        let world = World::new(Bytes::from_static(b"%PDF-1.7 x")).await;
        let opening = |second: i64| json!({"S": format!("{} page", 1_790_000_000_000 + second * 1000)});
        let openings: Vec<_> = (0..earlier).map(opening).collect();
        world.change(|store| store.link["openings"] = json!({"L": openings}));
        assert_eq!(world.get(&world.page()).await["statusCode"], 200);
        let messages = world.store.lock().unwrap().messages.clone();
        assert_eq!(messages.len(), queued, "{earlier}");
        for message in messages {
            assert_eq!(message["at"], "2026-09-21T14:13:20Z");
        }
    }
}
