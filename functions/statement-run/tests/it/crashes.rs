//! A worker that dies at any request, before or after it was served.

use crate::world::{World, lines, text};
use serde_json::json;

/// Dies at request `n` of the run, and then again every `n` requests.
async fn run(all: &[String], n: i64, served: bool, again: bool) -> World {
    let mut world = World::new("").await;
    world.found(&text(all));
    world.shopify.store().polls = 1;
    world.schedule();
    world.faults.die_at(n, served);
    let mut function = world.function().await;
    for _ in 0..400 {
        if world.queue.is_empty() {
            return world;
        }
        if world.deliver(&function).await {
            function = world.function().await;
            if again {
                world.faults.die_at(n, served);
            }
        }
    }
    panic!("death at {n}: the run does not end: {}", world.state());
}

async fn every_request(all: &[String]) {
    let mut whole = World::new("").await;
    whole.found(&text(all));
    whole.schedule();
    whole.drain().await;
    let expected = whole.items();
    assert_eq!(expected.len(), 16);
    for served in [false, true] {
        for n in 1..40 {
            let world = run(all, n, served, false).await;
            assert_eq!(world.items(), expected, "death at {n}");
            assert_eq!(world.state()["outcome"], json!({"is": "done"}));
            assert!(world.shopify.store().starts.len() <= 2);
        }
    }
    // enough requests to get from one writing of the state to the next
    for n in [20, 27] {
        assert_eq!(run(all, n, true, true).await.items(), expected, "deaths every {n}");
    }
}

#[tokio::test]
async fn a_grouped_file() {
    every_request(&lines(&[1; 16])).await;
}

#[tokio::test]
async fn a_file_that_is_not_grouped() {
    let mut all = lines(&[1; 16]);
    all.reverse();
    every_request(&all).await;
}
