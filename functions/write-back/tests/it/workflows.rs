//! Starting workflows of Shopify Flow: at most one attempt per outcome, whatever happens around it.

use crate::{
    handler::{LONG, config, failures, function},
    item, order, shop,
    shopify::{FakeShopify, TriggerAnswer},
};
use comms::{Document, State};
use fakes::FakeAws;
use serde_json::{Value, json};
use work::WriteBackItem;

struct World {
    aws: FakeAws,
    shopify: FakeShopify,
}

fn report(state: State) -> WriteBackItem {
    WriteBackItem { state, ..item(&shop("acme"), &order(1), Document::Receipt) }
}

impl World {
    /// A shop that wants these triggers, and a ledger in which its receipt is in `state`, to be reported.
    async fn new(triggers: &str, state: State) -> Self {
        let (aws, shopify) = (FakeAws::start().await, FakeShopify::start([order(1)]).await);
        let config = config(&shop("acme"), &shopify.url, &format!("flow_triggers = {triggers}"));
        aws.account().objects.set(format!("config/{}.toml", shop("acme")), config);
        let world = Self { aws, shopify };
        world.ledger_is(state);
        world
    }

    fn ledger_is(&self, state: State) {
        let text = |text: &str| json!({"S": text});
        let item = json!({"state": text(state.name()), "write_back": text("pending")});
        let key = report(state).communication.to_string();
        self.aws.account().items.items.insert(key, item.as_object().unwrap().clone());
    }

    fn write_back(&self) -> Value {
        self.aws.account().items.items.values().next().unwrap()["write_back"]["S"].clone()
    }

    async fn deliver(&self, states: &[State]) -> Vec<String> {
        let bodies: Vec<_> =
            states.iter().map(|state| serde_json::to_string(&report(*state)).unwrap()).collect();
        failures(&function(&self.aws).await, &bodies, LONG).await
    }

    fn started(&self) -> Vec<String> {
        let store = self.shopify.store();
        store.triggers.iter().map(|it| it["handle"].as_str().unwrap().to_owned()).collect()
    }
}

const ALL: &str = r#"["delivered", "bounced", "failed"]"#;
const NONE: [String; 0] = [];

#[tokio::test]
async fn an_outcome_starts_workflows_once_however_often_it_is_reported() {
    let world = World::new(ALL, State::Delivered).await;
    assert_eq!(world.deliver(&[State::Delivered, State::Delivered]).await, NONE);
    assert_eq!(world.deliver(&[State::Delivered]).await, NONE);
    assert_eq!(world.started(), ["document-delivered"]);
    assert_eq!(world.write_back(), "reported");
    let payload = world.shopify.store().triggers[0]["payload"].clone();
    assert_eq!((&payload["order_id"], &payload["document"]), (&json!(1), &json!("receipt")));
    assert_eq!(world.aws.account().items.updates.len(), 1, "no write more than without");
}

#[tokio::test]
async fn each_outcome_starts_its_own_and_one_that_was_overtaken_none() {
    let world = World::new(ALL, State::Delivered).await;
    world.deliver(&[State::Delivered]).await;
    world.ledger_is(State::Bounced);
    assert_eq!(world.deliver(&[State::Bounced, State::Delivered]).await, NONE);
    assert_eq!(world.started(), ["document-delivered", "document-bounced"]);
    // it bounced before its delivery was reported
    let late = World::new(ALL, State::Bounced).await;
    assert_eq!(late.deliver(&[State::Delivered]).await, NONE);
    assert_eq!(late.started(), NONE);
    assert_eq!(late.write_back(), "pending", "the bounce is still to be reported");
}

#[tokio::test]
async fn only_shops_that_switched_it_on_get_it_and_only_once_the_metafield_has_it() {
    for (triggers, state) in [
        ("[]", State::Delivered),
        (r#"["bounced"]"#, State::Delivered),
        (ALL, State::Accepted),
        (ALL, State::Suppressed),
    ] {
        let world = World::new(triggers, state).await;
        assert_eq!(world.deliver(&[state]).await, NONE);
        assert_eq!((world.started().len(), world.write_back()), (0, json!("reported")), "{triggers} {state}");
    }
    let world = World::new(ALL, State::Delivered).await;
    world.shopify.store().refused.insert(order(1).to_string(), None);
    assert_eq!(world.deliver(&[State::Delivered]).await, NONE);
    assert_eq!((world.started().len(), world.write_back()), (0, json!("failed")));
}

#[tokio::test]
async fn only_after_a_certain_refusal_is_it_tried_again() {
    let world = World::new(ALL, State::Delivered).await;
    world.shopify.store().trigger_answers = vec![TriggerAnswer::Throttled];
    assert_eq!(world.deliver(&[State::Delivered]).await, ["m0"]);
    assert_eq!(world.write_back(), "pending");
    assert_eq!(world.deliver(&[State::Delivered]).await, NONE);
    assert_eq!((world.started().len(), world.write_back()), (2, json!("reported")));

    // perhaps they were started
    let world = World::new(ALL, State::Delivered).await;
    world.shopify.store().trigger_answers = vec![TriggerAnswer::Lost];
    assert_eq!(world.deliver(&[State::Delivered]).await, NONE);
    assert_eq!(world.deliver(&[State::Delivered]).await, NONE);
    assert_eq!((world.started().len(), world.write_back()), (1, json!("reported")));

    // the extension is not deployed
    let world = World::new(ALL, State::Delivered).await;
    world.shopify.store().trigger_answers = vec![TriggerAnswer::Refused];
    assert_eq!(world.deliver(&[State::Delivered]).await, NONE);
    assert_eq!(world.write_back(), "failed");
    let account = world.aws.account();
    let reason =
        account.items.items.values().next().unwrap()["write_back_reason"]["S"].as_str().unwrap().to_owned();
    assert!(reason.starts_with("workflows not started: FlowTrigger was refused"), "{reason}");
}

/// The process dies between the record and the trigger: what the ledger then has is all there is.
#[tokio::test]
async fn what_died_before_the_trigger_sends_none_later() {
    let world = World::new(ALL, State::Failed).await;
    for item in world.aws.account().items.items.values_mut() {
        item["write_back"] = json!({"S": "reported"});
    }
    assert_eq!(world.deliver(&[State::Failed]).await, NONE);
    assert_eq!(world.started(), NONE);
}
