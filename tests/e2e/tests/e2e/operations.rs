//! What the person on call does: pausing and resuming, an outage that a breaker bounds, dead letters that go back with an
//! interruption in between.

use crate::people::{Folder, command, ctl};
use comms::{Document, State};
use e2e::{eventually, order_number, runtime::Worker, shop::Shop, stack::Stack};
use serde_json::json;
use std::{process::Stdio, time::Duration};

#[tokio::test]
async fn a_paused_shop_waits_unclaimed_and_continues_when_it_is_resumed() {
    let (stack, folder) = (Stack::open().await, Folder::new());
    let shop = Shop::open(&stack, str::to_owned).await;
    let target = ["order-confirmation", "--shop", shop.domain.as_str(), "--reason", "the template is wrong"];
    ctl(&stack, &folder, &[&["pause"][..], &target].concat()).await;
    let status = ctl(&stack, &folder, &["status"]).await;
    assert!(status.contains(&format!("{}: order-confirmation paused since", shop.domain)), "{status}");
    assert!(status.contains("the template is wrong"), "{status}");
    let number = order_number();
    stack.put(&shop.event("orders/create", number, |_| {})).await;
    tokio::time::sleep(Duration::from_secs(8)).await;
    let id = shop.id(Document::OrderConfirmation, number);
    assert!(stack.ledger.get(&id).await.unwrap().is_none(), "nothing is claimed");
    ctl(&stack, &folder, &[&["resume"][..], &target].concat()).await;
    assert_eq!(shop.settled(&stack, &id).await.state, State::Accepted);
    assert_eq!(shop.emails().await.len(), 1);
}

/// Other tests use the same functions: what they put meanwhile waits for some seconds.
#[tokio::test]
async fn a_function_is_paused_by_what_feeds_it() {
    let (stack, folder) = (Stack::open().await, Folder::new());
    let why = ["return-letters", "--reason", "a test looks at it"];
    ctl(&stack, &folder, &[&["pause"][..], &why].concat()).await;
    let status = ctl(&stack, &folder, &["status"]).await;
    ctl(&stack, &folder, &[&["resume"][..], &why].concat()).await;
    assert!(status.contains("return-letters: paused, "), "{status}");
    eventually("it is on again", || async {
        ctl(&stack, &folder, &["status"]).await.contains("return-letters: on, ").then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_outage_of_exstream_opens_a_breaker_which_closes_by_itself_and_everything_is_made_once() {
    let (stack, folder) = (Stack::open().await, Folder::new());
    let shop = Shop::open(&stack, str::to_owned).await;
    shop.exstream_faults(json!([{"match": "ondemand", "kind": "status", "status": 503, "times": 10}])).await;
    let numbers: Vec<_> = (0..10).map(|_| order_number()).collect();
    let mut items = Vec::new();
    for &number in &numbers {
        let event = shop.event("orders/create", number, |_| {});
        shop.register(&event).await;
        items.push(shop.work_item(&event));
    }
    let mut worker = Worker::start("order-confirmation", &stack.environment()).await;
    assert_eq!(worker.deliver_once(&items, 1).await.len(), 10, "all meet the outage");
    let ill = format!("{}: exstream is ill", shop.domain);
    assert!(ctl(&stack, &folder, &["status"]).await.contains(&ill));
    // Exstream works again, but nobody begins anything before the time has passed
    assert_eq!(worker.deliver_once(&items, 2).await.len(), 10);
    let mut other = Worker::start("order-confirmation", &stack.environment()).await;
    assert_eq!(other.deliver_once(&items, 3).await.len(), 10, "other processes have heard of it");
    for &number in &numbers {
        let id = shop.id(Document::OrderConfirmation, number);
        let entry = stack.ledger.get(&id).await.unwrap().unwrap();
        assert_eq!((entry.state, entry.attempts, entry.sends), (State::Claimed, 1, 0));
    }
    worker.deliver_all(&items, 4).await;
    for &number in &numbers {
        let entry = shop.settled(&stack, &shop.id(Document::OrderConfirmation, number)).await;
        assert_eq!((entry.state, entry.sends), (State::Accepted, 1));
    }
    assert_eq!(shop.emails().await.len(), numbers.len(), "each once");
    assert!(!ctl(&stack, &folder, &["status"]).await.contains(&ill));
}

#[tokio::test]
async fn dead_letters_go_back_with_an_interruption_in_between_and_each_is_made_once() {
    let (stack, folder) = (Stack::open().await, Folder::new());
    let shop = Shop::open(&stack, str::to_owned).await;
    let numbers: Vec<_> = (0..24).map(|_| order_number()).collect();
    for chunk in numbers.chunks(8) {
        let mut bodies = Vec::new();
        for &number in chunk {
            let event = shop.event("orders/create", number, |_| {});
            shop.register(&event).await;
            bodies.push(shop.work_item(&event).to_string());
        }
        stack.send_batch("DeadLetterUrlOrderConfirmation", &bodies).await;
    }
    let of = ["order-confirmation", "--shop", shop.domain.as_str()];
    let plan = ctl(&stack, &folder, &[&["dlq", "redrive"][..], &of, &["--reason", "a test"]].concat()).await;
    assert!(plan.contains("24 are meant") && plan.contains("nothing was done"), "{plan}");
    let shown = ctl(&stack, &folder, &[&["dlq", "show"][..], &of, &["--most", "3"]].concat()).await;
    assert!(shown.contains("gid://shopify/Order/") && !shown.contains('@'), "{shown}");
    let slowly = ["--confirm", "--rate", "5", "--reason", "a test interrupts it"];
    let arguments = [&["dlq", "redrive"][..], &of, &slowly].concat();
    let mut begun = command(&stack, &folder, &arguments).stdout(Stdio::null()).spawn().unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    begun.kill().await.unwrap();
    // what the last batch held shows again after a minute
    tokio::time::sleep(Duration::from_secs(61)).await;
    let reason = ["--confirm", "--reason", "a test continues"];
    let done = ctl(&stack, &folder, &[&["dlq", "redrive"][..], &of, &reason].concat()).await;
    assert!(done.contains("redrive done; 0 failed"), "{done}");
    for &number in &numbers {
        let entry = shop.settled(&stack, &shop.id(Document::OrderConfirmation, number)).await;
        assert_eq!((entry.state, entry.sends), (State::Accepted, 1));
    }
    assert_eq!(shop.emails().await.len(), numbers.len(), "each once");
    ctl(&stack, &folder, &["dlq", "list"]).await;
    let discard = [&["dlq", "discard"][..], &of, &reason].concat();
    assert!(ctl(&stack, &folder, &discard).await.contains("discard done"));
}
