//! A print provider in its place: status files with everything that can be wrong with them.

use crate::world::{World, id, shop};
use comms::CommunicationId;
use serde_json::{Value, json};

const IN: &str = "print-status/northwind-demo.myshopify.com/in";

impl World {
    /// A letter that was spooled.
    fn printed(&self, number: u64) -> CommunicationId {
        let id = self.accepted(number);
        self.set(number, "channel", json!({"S": "print"}));
        self.set(number, "reference", json!({"S": "spool/x.pdf"}));
        let mut store = self.store();
        let item = store.items.get_mut(id.as_str()).unwrap();
        item.remove("check_shop");
        item.remove("check_epoch_ms");
        id
    }

    fn put(&self, name: &str, lines: &[String]) {
        self.store().files.insert(format!("{IN}/{name}"), lines.join("\n").into_bytes());
    }

    /// What came of the files that are finished.
    fn results(&self) -> Vec<Value> {
        let store = self.store();
        let done = store.files.iter().filter(|(key, _)| key.contains("/done/"));
        done.map(|(_, json)| serde_json::from_slice(json).unwrap()).collect()
    }
}

fn line(number: u64, status: &str) -> String {
    json!({"v": 1, "communication": id(number), "status": status}).to_string()
}

fn returned(number: u64, reason: &str) -> String {
    json!({"v": 1, "communication": id(number), "status": "returned", "reason": reason}).to_string()
}

#[tokio::test]
async fn letters_become_delivered_or_returned_and_shopify_hears_of_it() {
    let world = World::new().await;
    for number in 1..=2 {
        world.printed(number);
    }
    world.put("a.jsonl", &[line(1, "delivered"), returned(2, "moved")]);
    let pass = world.pass().await;
    assert_eq!((pass.delivered, pass.bounced, pass.problems), (1, 1, 0), "{pass:?}");
    assert_eq!((world.state(1).as_str(), world.state(2).as_str()), ("delivered", "bounced"));
    assert_eq!(world.reports(1), [("delivered".to_owned(), None)]);
    assert_eq!(world.reports(2), [("bounced".to_owned(), Some("returned: moved".to_owned()))]);
    let results = world.results();
    assert_eq!((results.len(), &results[0]["recorded"], &results[0]["bad"]), (1, &json!(2), &json!(0)));
    // what is finished is not read again
    world.pass().await;
    assert_eq!(world.reports(1).len(), 1);
}

/// Twice in a file, in a second file, and the earlier word after the later one.
#[tokio::test]
async fn repeated_and_reordered_lines_end_in_the_same_state() {
    let world = World::new().await;
    world.printed(1);
    world.put("a.jsonl", &[returned(1, "unclaimed"), returned(1, "unclaimed"), line(1, "delivered")]);
    world.pass().await;
    world.put("b.jsonl", &[line(1, "delivered"), returned(1, "moved")]);
    world.pass().await;
    assert_eq!(
        (world.state(1).as_str(), world.reason(1).as_deref()),
        ("bounced", Some("returned: unclaimed"))
    );
    assert_eq!(world.reports(1).iter().filter(|(state, _)| state != "bounced").count(), 0);
    // and the usual order: delivered, and then it came back
    world.printed(2);
    world.put("c.jsonl", &[line(2, "delivered")]);
    world.pass().await;
    world.put("d.jsonl", &[returned(2, "refused")]);
    world.pass().await;
    assert_eq!(world.state(2), "bounced");
}

#[tokio::test]
async fn what_is_not_believed_is_named_and_nothing_beside_it_is_lost() {
    let world = World::new().await;
    let (good, email, foreign) = (world.printed(1), world.accepted(2), world.printed(3));
    world.set(3, "shop", json!({"S": "other.myshopify.com"}));
    world.printed(4);
    world.set(4, "state", json!({"S": "suppressed"}));
    world.put(
        "a.jsonl",
        &[
            "<xml>".to_owned(),
            line(2, "delivered"),
            line(3, "returned"),
            line(1, "delivered"),
            line(4, "delivered"),
            line(1, "lost"),
            line(1, "delivered").replace("\"v\":1", "\"v\":2"),
        ],
    );
    let pass = world.pass().await;
    assert_eq!(
        (pass.delivered, world.state(1).as_str()),
        (2, "delivered"),
        "{good} and the e-mail's own answer"
    );
    let result = &world.results()[0];
    let lines: Vec<_> =
        result["bad_lines"].as_array().unwrap().iter().map(|bad| bad["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [1, 2, 3, 5, 6, 7], "{result}");
    assert_eq!(world.state(3), "accepted", "{foreign} is another shop's");
    assert!(world.reports(2).iter().all(|(_, reason)| reason.is_none()), "{email} was no letter");
    assert!(!result.to_string().contains("xml"), "what is wrong is not quoted");
}

/// A provider may be faster than the ledger.
#[tokio::test]
async fn a_line_that_is_ahead_of_the_ledger_waits() {
    let world = World::new().await;
    world.printed(1);
    world.set(1, "state", json!({"S": "sending"}));
    world.put("a.jsonl", &[line(1, "delivered"), line(9, "delivered")]);
    world.pass().await;
    assert_eq!((world.state(1).as_str(), world.results().len()), ("sending", 0));
    world.set(1, "state", json!({"S": "accepted"}));
    world.printed(9);
    world.pass().await;
    assert_eq!(
        (world.state(1).as_str(), world.state(9).as_str(), world.results().len()),
        ("delivered", "delivered", 1)
    );
}

/// The provider's word settles a doubt.
#[tokio::test]
async fn a_letter_that_may_have_been_printed_was_if_it_arrived() {
    let world = World::new().await;
    world.printed(1);
    world.set(1, "state", json!({"S": "unknown"}));
    world.put("a.jsonl", &[line(1, "delivered")]);
    world.pass().await;
    assert_eq!(world.state(1), "delivered");
}

/// After each write and each message the function dies, and comes back.
#[tokio::test]
async fn whatever_dies_on_the_way_is_done_by_the_next_pass() {
    for effects in 0..=6 {
        let world = World::new().await;
        for number in 1..=2 {
            world.printed(number);
        }
        world.put("a.jsonl", &[line(1, "delivered"), returned(2, "moved")]);
        world.store().effects_left = Some(effects);
        world.pass().await;
        world.store().effects_left = None;
        world.pass().await;
        assert_eq!((world.state(1).as_str(), world.state(2).as_str()), ("delivered", "bounced"), "{effects}");
        assert!(!world.reports(1).is_empty() && !world.reports(2).is_empty(), "{effects}");
        assert_eq!(world.results().len(), 1, "{effects}");
    }
}

#[tokio::test]
async fn a_file_that_is_put_again_with_other_content_is_read_again() {
    let world = World::new().await;
    world.printed(1);
    world.put("a.jsonl", &["{".to_owned()]);
    world.pass().await;
    world.put("a.jsonl", &[line(1, "delivered")]);
    world.pass().await;
    assert_eq!((world.state(1).as_str(), world.results().len()), ("delivered", 2));
    assert_eq!(shop().as_str(), "northwind-demo.myshopify.com");
}
