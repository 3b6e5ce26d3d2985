//! Whole runs, and what can go wrong without anybody dying.

use crate::{
    shopify::Outcome,
    world::{World, event, invocation, lines, text},
};
use proptest::prelude::*;
use serde_json::{Value, json};

const SHAPE: [usize; 12] = [3, 1, 0, 5, 2, 0, 4, 1, 1, 2, 3, 6];

#[tokio::test]
async fn one_item_an_account_and_a_second_message_does_nothing() {
    let mut world = World::new("").await;
    world.found(&text(&lines(&SHAPE)));
    world.shopify.store().polls = 3;
    world.schedule();
    world.drain().await;
    let items = world.items();
    assert_eq!((items.len(), world.aws.account().flow.len(), world.returned), (10, 10, 0));
    let item = &items["account-statements-2026-10-location-2"];
    assert_eq!(item.subject, "gid://shopify/CompanyLocation/2");
    assert_eq!(
        item.payload,
        r##"{"account":{"id":"gid://shopify/CompanyLocation/2","name":"Location 1"},"orders":[{"id":"gid://shopify/Order/200","name":"#1-0"}],"period":{"name":"2026-10","from":"2026-10-01","to":"2026-10-31"},"issued_on":"2026-11-01"}"##
    );
    let state = world.state();
    assert_eq!(state["outcome"], json!({"is": "done"}));
    assert_eq!((&state["counts"]["queued"], &state["counts"]["without_orders"]), (&json!(10), &json!(2)));
    assert!(!state.to_string().contains("Signature"), "a signed address is not kept");
    assert_eq!(world.shopify.store().starts.len(), 1);
    let (starts, downloads) = (1, world.shopify.store().downloads);
    for period in [Value::Null, json!("2026-10")] {
        let message = json!({"v": 1, "shop": world.shop, "run": "account-statements", "period": period, "scheduled_at": "2026-11-01T05:00:00Z"});
        world.put(message.to_string());
    }
    world.drain().await;
    assert_eq!(world.shopify.store().starts.len(), starts);
    assert_eq!(world.shopify.store().downloads, downloads);
    assert_eq!((world.aws.account().flow.len(), world.returned), (10, 0));
}

/// Two months are run at once: the later one begins when the statements of the earlier one are on their way.
#[tokio::test]
async fn a_run_waits_for_that_of_the_month_before() {
    let mut world = World::new("").await;
    world.found(&text(&lines(&[1, 1])));
    world.schedule();
    world.drain().await;
    let key = "runs/acme.myshopify.com/account-statements/2026-10.json";
    let mut october = world.state();
    let finished = october.clone();
    (october["outcome"], october["begun_at"]) = (Value::Null, jiff::Timestamp::now().to_string().into());
    let put = |world: &World, state: &Value| {
        let (text, version) = world.aws.account().objects.texts.get_mut(key).map(std::mem::take).unwrap();
        drop(text);
        world.aws.account().objects.texts.insert(key.to_owned(), (state.to_string(), version + 1));
    };
    put(&world, &october);
    let november = json!({"v": 1, "shop": world.shop, "run": "account-statements", "period": "2026-11", "scheduled_at": "2026-12-01T05:00:00Z"});
    world.put(november.to_string());
    let function = world.function().await;
    let (id, body) = world.queue.pop_front().unwrap();
    assert!(function.handle(event(&id, &body), invocation()).await.unwrap().failures.is_empty());
    assert_eq!(world.shopify.store().starts.len(), 1, "November has not begun");
    let (next, delay) = world.aws.account().own.remove(0);
    assert_eq!(delay, 30);
    put(&world, &finished);
    world.put(next);
    world.drain().await;
    assert_eq!((world.shopify.store().starts.len(), world.aws.account().flow.len()), (2, 4));
}

#[tokio::test]
async fn without_the_older_orders_no_statement_is_made() {
    let mut world = World::new("").await;
    world.found(&text(&lines(&SHAPE)));
    world.shopify.store().recent_orders_only = true;
    world.schedule();
    world.drain().await;
    let outcome = world.state()["outcome"].clone();
    assert_eq!(outcome["is"], "failed", "{outcome}");
    assert!(outcome["reason"].as_str().unwrap().contains("read_all_orders"), "{outcome}");
    assert_eq!(
        (world.shopify.store().starts.len(), world.aws.account().flow.len(), world.returned),
        (0, 0, 0)
    );
}

#[tokio::test]
async fn customers_are_a_part_of_their_own() {
    let mut world = World::new("customer_tag = \"b2b's\"").await;
    let customers = text(&lines(&[2, 1])).replace("CompanyLocation", "Customer");
    world.shopify.store().results = vec![Outcome::Found(text(&lines(&[1]))), Outcome::Found(customers)];
    world.schedule();
    world.drain().await;
    let items = world.items();
    let ids: Vec<_> = items.keys().map(String::as_str).collect();
    assert_eq!(
        ids,
        [
            "account-statements-2026-10-customer-1",
            "account-statements-2026-10-customer-2",
            "account-statements-2026-10-location-1"
        ]
    );
    assert!(world.shopify.store().starts[1].contains(r"tag:'b2b\\'s'"));
}

#[tokio::test]
async fn the_sixth_operation_waits_its_turn_without_a_failed_delivery() {
    let mut world = World::new("").await;
    world.found(&text(&lines(&[1])));
    world.shopify.store().busy = 8;
    world.schedule();
    let function = world.function().await;
    let (id, body) = world.queue[0].clone();
    assert!(function.handle(event(&id, &body), invocation()).await.unwrap().failures.is_empty());
    assert_eq!(world.aws.account().own[0].1, 30, "asks again in half a minute");
    world.queue.clear();
    let next = world.aws.account().own.remove(0).0;
    world.put(next);
    world.drain().await;
    assert_eq!((world.items().len(), world.returned, world.state()["ticket"].as_u64()), (1, 0, Some(8)));
}

#[tokio::test]
async fn an_operation_that_ends_badly_is_started_again_but_not_for_ever() {
    let mut world = World::new("").await;
    let found = Outcome::Found(text(&lines(&[1, 1])));
    world.shopify.store().results = vec![Outcome::Failed, Outcome::Failed, found.clone()];
    world.schedule();
    world.drain().await;
    assert_eq!((world.items().len(), world.shopify.store().starts.len()), (2, 3));

    let mut world = World::new("").await;
    world.shopify.store().results = vec![Outcome::Failed];
    world.schedule();
    world.drain().await;
    assert_eq!((world.items().len(), world.shopify.store().starts.len()), (0, 3));
    let reason = "the bulk operation ended: INTERNAL_SERVER_ERROR";
    assert_eq!(world.state()["outcome"], json!({"is": "failed", "reason": reason}));
    // a new message takes it up again
    world.shopify.store().results = vec![found];
    world.schedule();
    world.drain().await;
    assert_eq!((world.items().len(), &world.state()["outcome"]), (2, &json!({"is": "done"})));
}

#[tokio::test]
async fn nothing_found_is_a_finished_run() {
    let mut world = World::new("").await;
    for outcome in [Outcome::Nothing, Outcome::Found(String::new())] {
        world.shopify.store().results = vec![outcome];
        world.aws.account().objects.texts.retain(|key, _| !key.starts_with("runs/"));
        world.schedule();
        world.drain().await;
        assert_eq!((world.items().len(), &world.state()["outcome"]), (0, &json!({"is": "done"})));
    }
}

#[tokio::test]
async fn an_account_that_cannot_be_read_keeps_no_other_from_its_statement() {
    let mut world = World::new("").await;
    world.pace.limits.account = 600;
    let mut all = lines(&[1, 9, 1]);
    all.push(r#"{"id":"not a gid"}"#.to_owned());
    all.push(r#"{"id":"gid://shopify/Order/1","__parentId":"not a gid"}"#.to_owned());
    all.push(r#"{"id":"gid://shopify/CompanyLocation/9","name":broken}"#.to_owned());
    all.push(r#"{"id":"gid://shopify/Order/2","__parentId":"gid://shopify/CompanyLocation/9"}"#.to_owned());
    world.found(&text(&all));
    world.schedule();
    world.drain().await;
    let state = world.state();
    assert_eq!((world.items().len(), &state["outcome"]["is"]), (2, &json!("done")));
    assert_eq!((&state["counts"]["too_large"], &state["counts"]["unreadable"]), (&json!(1), &json!(2)));
    assert_eq!(state["problems"][0]["account"], "gid://shopify/CompanyLocation/2");
}

/// Of two hundred accounts the queue takes all but one, whose neighbours in the request are not concerned.
#[tokio::test]
async fn an_account_that_the_queue_refuses_keeps_no_other_from_its_statement() {
    let mut world = World::new("").await;
    let mut all = lines(&[1; 200]);
    all[2 * 77] = all[2 * 77].replace("Location 77", "Location \u{fffe}");
    world.found(&text(&all));
    world.aws.account().never_takes = Some("location-78\"".to_owned());
    world.aws.account().refusals = 1;
    world.schedule();
    world.drain().await;
    let state = world.state();
    assert_eq!(state["outcome"], json!({"is": "done"}));
    assert_eq!((world.items().len(), world.returned), (199, 1), "what is refused for now comes back");
    let problem = json!({
        "account": "gid://shopify/CompanyLocation/78",
        "what": "the queue refused the message (InvalidMessageContents)",
    });
    assert_eq!((&state["problems"], &state["counts"]["refused"]), (&json!([problem]), &json!(1)));
}

/// Its item goes to the flow all the same, and waits among the dead letters for a release that can read it.
#[tokio::test]
async fn an_account_with_an_order_that_cannot_be_read_is_a_problem_of_the_run() {
    let mut world = World::new("").await;
    world.check = |payload| match payload.contains("Location 1\"") {
        true => account_statements::check(payload),
        false => Ok(()),
    };
    world.found(&text(&lines(&[1, 1, 1])));
    world.schedule();
    world.drain().await;
    let state = world.state();
    assert_eq!((world.items().len(), &state["outcome"]["is"]), (3, &json!("done")));
    assert_eq!((&state["counts"]["queued"], &state["counts"]["unreadable"]), (&json!(3), &json!(1)));
    let problem = &state["problems"][0];
    assert_eq!(problem["account"], "gid://shopify/CompanyLocation/2");
    assert!(problem["what"].as_str().unwrap().ends_with("(gid://shopify/Order/200)"));
}

#[tokio::test]
async fn a_large_payload_waits_in_the_bucket_and_requests_stay_small() {
    let mut world = World::new("").await;
    let mut all = lines(&[1; 30]);
    for (index, line) in all.iter_mut().enumerate().filter(|(index, _)| index % 2 == 1) {
        let size = if index == 3 { 250_000 } else { 60_000 };
        *line = line.replace("\"name\"", &format!("\"note\":\"{}\",\"name\"", "x".repeat(size)));
    }
    world.found(&text(&all));
    world.schedule();
    world.drain().await;
    assert_eq!(world.items().len(), 30);
    let account = world.aws.account();
    assert!(
        account.objects.texts["work/acme.myshopify.com/account-statements-2026-10-location-2.json"].0.len()
            > 250_000
    );
    assert!(account.largest.0 <= 250_000 && account.largest.1 <= 10, "{:?}", account.largest);
}

#[tokio::test]
async fn messages_that_make_no_sense_come_back() {
    let mut world = World::new("").await;
    world.found(&text(&lines(&[1])));
    let function = world.function().await;
    for body in [
        "{".to_owned(),
        json!({"v": 1, "shop": world.shop, "run": "summer-sale"}).to_string(),
        json!({"v": 1, "shop": world.shop, "run": "account-statements", "period": "2026"}).to_string(),
        json!({"v": 1, "shop": world.shop, "run": "account-statements", "period": "2126-01"}).to_string(),
        json!({"v": 1, "shop": "other.myshopify.com", "run": "account-statements"}).to_string(),
    ] {
        let response = function.handle(event("m", &body), invocation()).await.unwrap();
        assert_eq!(response.failures.len(), 1, "{body}");
    }
    assert!(world.shopify.store().starts.is_empty());
    world.queue.clear();
}

#[tokio::test]
async fn of_two_workers_one_goes_on() {
    let mut world = World::new("").await;
    world.found(&text(&lines(&SHAPE)));
    world.schedule();
    let (_, body) = world.queue[0].clone();
    let (one, other) = (world.function().await, world.function().await);
    let (a, b) = tokio::join!(
        one.handle(event("a", &body), invocation()),
        other.handle(event("b", &body), invocation())
    );
    let failures = [a.unwrap().failures.len(), b.unwrap().failures.len()];
    assert_eq!(failures.iter().sum::<usize>(), 1, "{failures:?}");
    world.drain().await;
    assert_eq!(
        (world.items().len(), world.aws.account().flow.len(), world.shopify.store().starts.len()),
        (10, 10, 1)
    );
}

#[tokio::test]
async fn an_old_message_does_nothing() {
    let mut world = World::new("").await;
    world.found(&text(&lines(&[1])));
    world.shopify.store().polls = 2;
    world.schedule();
    let function = world.function().await;
    assert!(!world.deliver(&function).await);
    let old = world.queue[0].1.clone();
    assert!(!world.deliver(&function).await);
    assert_eq!(world.state()["ticket"], 2);
    let downloads = world.shopify.store().downloads;
    world.queue.clear();
    world.put(old);
    world.drain().await;
    assert_eq!((world.shopify.store().downloads, &world.state()["outcome"]), (downloads, &Value::Null));
    // the chain was lost with the queue: a message from outside takes it up
    world.schedule();
    world.drain().await;
    assert_eq!(world.items().len(), 1);
}

#[tokio::test]
async fn a_queue_that_refuses_loses_nothing() {
    let mut world = World::new("").await;
    world.found(&text(&lines(&[1; 25])));
    world.aws.account().refusals = 3;
    world.schedule();
    world.drain().await;
    assert_eq!(world.items().len(), 25);
    assert!(world.returned >= 1);
}

#[tokio::test]
async fn an_address_that_is_over_and_a_file_that_changes_cost_another_operation() {
    let mut world = World::new("").await;
    world.found(&text(&lines(&SHAPE)));
    world.shopify.store().gone = 1;
    world.schedule();
    world.drain().await;
    assert_eq!((world.items().len(), world.shopify.store().starts.len()), (10, 2));

    let mut world = World::new("").await;
    world.found(&text(&lines(&[1; 20])));
    world.schedule();
    // dies in the middle of sending, and finds another file behind the same operation
    world.faults.die_at(12, true);
    let function = world.function().await;
    assert!(world.deliver(&function).await);
    assert_eq!(world.state()["parts"][0]["stage"]["is"], "reading");
    world.found(&text(&lines(&[1; 23])));
    world.drain().await;
    assert_eq!((world.items().len(), world.shopify.store().starts.len()), (23, 2));
}

fn shuffled(shape: &[usize]) -> impl Strategy<Value = Vec<String>> + use<> {
    Just(lines(shape)).prop_shuffle()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn neither_order_nor_broken_connections_change_the_items(
        mixed in shuffled(&SHAPE),
        grouped in any::<bool>(),
        breaks_after in 100..1500usize,
        ignores_ranges in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new("").await;
            let all = if grouped { lines(&SHAPE) } else { mixed };
            world.found(&text(&all));
            world.shopify.store().ignores_ranges = ignores_ranges;
            // a server that breaks and cannot continue never gets to the end
            world.shopify.store().breaks_after = (!ignores_ranges).then_some(breaks_after);
            world.schedule();
            world.drain().await;
            let orders = |payload: &str| {
                let payload: Value = serde_json::from_str(payload).unwrap();
                payload["orders"].as_array().unwrap().len()
            };
            let found: Vec<_> = world.items().values().map(|it| (it.subject.clone(), orders(&it.payload))).collect();
            let mut expected: Vec<_> = SHAPE
                .iter()
                .enumerate()
                .filter(|(_, orders)| **orders > 0)
                .map(|(index, orders)| (format!("gid://shopify/CompanyLocation/{}", index + 1), *orders))
                .collect();
            expected.sort();
            let mut sorted = found;
            sorted.sort();
            assert_eq!(sorted, expected);
        });
    }
}
