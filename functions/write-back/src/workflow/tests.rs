use super::*;
use comms::{Gid, Revision, ShopDomain, State};
use serde_json::{Value, json};
use std::{collections::BTreeSet, path::Path};

fn item(state: State, reported_on: Gid) -> WriteBackItem {
    let shop: ShopDomain = "acme.myshopify.com".parse().unwrap();
    let communication = CommunicationId::derive(&shop, Document::Receipt, &reported_on, &Revision::Initial);
    let item = json!({
        "v": 1, "shop": shop, "reported_on": reported_on, "communication": communication, "document": "receipt",
        "state": state, "at": "2026-11-28T09:00:00Z", "address": "z…@example.com",
    });
    WriteBackItem::from_json(&item.to_string()).unwrap()
}

fn wanted() -> WriteBack {
    WriteBack { flow_triggers: FlowTrigger::ALL.to_vec(), ..WriteBack::default() }
}

fn payload(item: &WriteBackItem) -> Option<Value> {
    Due::of(item, &wanted()).map(|due| serde_json::to_value(&due.payload).unwrap())
}

#[test]
fn only_outcomes_of_orders_that_the_shop_wants_start_workflows() {
    let order = Gid::new("Order", 1);
    let starting: Vec<_> =
        State::ALL.iter().copied().filter(|&state| payload(&item(state, order.clone())).is_some()).collect();
    assert_eq!(starting, [State::Delivered, State::Bounced, State::Failed]);
    for elsewhere in [Gid::new("Customer", 1), Gid::new("CompanyLocation", 1)] {
        assert_eq!(payload(&item(State::Delivered, elsewhere)), None);
    }
    let bounced = WriteBack { flow_triggers: vec![FlowTrigger::Bounced], ..WriteBack::default() };
    assert!(Due::of(&item(State::Delivered, order.clone()), &bounced).is_none());
    assert!(Due::of(&item(State::Bounced, order.clone()), &WriteBack::default()).is_none(), "off by default");
}

/// Flow refuses a payload that lacks a field of the trigger, and one that has another.
#[test]
fn the_payload_has_the_fields_of_the_extension_and_the_contract() {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let schema = schemars::schema_for!(Payload<'_>).to_value();
    contract::published(&schemas.join("flow-trigger.v1.json"), &schema);
    let extensions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/shopify-app/extensions");
    for (trigger, state) in [
        (FlowTrigger::Delivered, State::Delivered),
        (FlowTrigger::Bounced, State::Bounced),
        (FlowTrigger::Failed, State::Failed),
    ] {
        let payload = payload(&item(state, Gid::new("Order", 9_007_199_254_740_993))).unwrap();
        contract::conforms(&schema, &payload);
        assert_eq!(payload["order_id"], json!(9_007_199_254_740_993_u64), "to the last digit");
        let sent: BTreeSet<_> = payload.as_object().unwrap().keys().cloned().collect();
        let file = extensions.join(format!("flow-{}/shopify.extension.toml", trigger.handle()));
        let text = std::fs::read_to_string(&file).unwrap();
        let extension: toml::Table = text.parse().unwrap();
        assert_eq!(extension["extensions"][0]["handle"].as_str(), Some(trigger.handle()));
        let fields = extension["settings"]["fields"].as_array().unwrap().iter();
        let declared: BTreeSet<_> = fields
            .map(|field| field.get("key").map_or("order_id", |key| key.as_str().unwrap()).to_owned())
            .collect();
        assert_eq!(sent, declared, "{trigger}");
    }
}

#[test]
fn a_payload_names_nobody_and_is_small() {
    let long = WriteBackItem {
        reason: Some("\u{202e}é\n".repeat(100_000)),
        ..item(State::Bounced, Gid::new("Order", 1))
    };
    let payload = payload(&long).unwrap();
    assert!(payload.to_string().len() < 1000, "Shopify takes 50 000 bytes");
    assert!(comms::is_one_line(payload["reason"].as_str().unwrap()));
    assert!(!payload.to_string().contains("example.com"));
}
