//! Letters, from the order to the word of the print provider, which stands here.

use crate::passes::settles_as;
use comms::{Document, State};
use e2e::{order_number, shop::Shop, stack::Stack};
use ledger::Entry;
use serde_json::{Value, json};

/// A receipt that was spooled, and the order's number.
async fn spooled(stack: &Stack, shop: &Shop) -> (u64, Entry) {
    let number = order_number();
    shop.register(&shop.event("orders/create", number, |_| {})).await;
    stack.put(&shop.event("orders/paid", number, |_| {})).await;
    let entry = shop.settled(stack, &shop.id(Document::Receipt, number)).await;
    assert_eq!(
        (entry.state, entry.channel.as_deref()),
        (State::Accepted, Some("print")),
        "{:?}",
        entry.reason
    );
    (number, entry)
}

async fn object(stack: &Stack, key: &str) -> Vec<u8> {
    let get = stack.s3.get_object().bucket(stack.output("OperationsBucket")).key(key).send().await;
    get.unwrap_or_else(|error| panic!("{key}: {error:?}")).body.collect().await.unwrap().to_vec()
}

/// What a provider does: takes the manifest, then what it names, and looks whether it is whole.
async fn collected(stack: &Stack, entry: &Entry) -> Value {
    let reference = entry.reference.as_deref().unwrap();
    let key = format!("{}.manifest.json", reference.rsplit_once('.').unwrap().0);
    let manifest: Value = serde_json::from_slice(&object(stack, &key).await).unwrap();
    let schema = include_str!("../../../../shared/delivery/schemas/print-manifest.v1.json");
    contract::conforms(&serde_json::from_str(schema).unwrap(), &manifest);
    let document = object(stack, manifest["object"].as_str().unwrap()).await;
    assert_eq!(archive::sha256_hex(&document), manifest["sha256"].as_str().unwrap());
    manifest
}

/// Puts a status file as the provider does.
async fn says(stack: &Stack, shop: &Shop, name: &str, lines: &[Value]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let put = stack.s3.put_object().bucket(stack.output("OperationsBucket"));
    let key = format!("print-status/{}/in/{name}", shop.domain);
    put.key(key).body(text.into_bytes().into()).send().await.unwrap();
}

#[tokio::test]
async fn a_letter_is_printed_as_its_manifest_says_delivered_and_comes_back() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, |text| {
        format!("{text}\n[delivery.print]\nsides = \"two-sided-long-edge\"\nservice_class = \"standard\"\n")
    })
    .await;
    let (number, entry) = spooled(&stack, &shop).await;
    let manifest = collected(&stack, &entry).await;
    assert_eq!(manifest["job"]["sides"], "two-sided-long-edge");
    assert_eq!(manifest["service_class"], "standard");
    let lines = manifest["recipient"]["lines"].as_array().unwrap();
    assert!(lines.len() >= 4 && manifest["recipient"]["country_code"].is_string(), "{manifest}");
    assert!(!manifest["return_address"].as_array().unwrap().is_empty());

    let id = entry.communication.as_str();
    let other = Shop::open(&stack, str::to_owned).await;
    // another shop's provider cannot say anything of it
    says(&stack, &other, "a.jsonl", &[json!({"v": 1, "communication": id, "status": "returned"})]).await;
    says(
        &stack,
        &shop,
        "a.jsonl",
        &[json!({"v": 2}), json!({"v": 1, "communication": id, "status": "delivered"})],
    )
    .await;
    settles_as(&stack, &shop, &entry, State::Delivered).await;
    let lines = [json!({"v": 1, "communication": id, "status": "returned", "reason": "moved"})];
    says(&stack, &shop, "b.jsonl", &lines).await;
    let returned = settles_as(&stack, &shop, &entry, State::Bounced).await;
    assert_eq!(returned.reason.as_deref(), Some("returned: moved"));
    let told = shop.metafield(number).await;
    assert_eq!(told["communications"][0]["state"], "bounced", "{told}");
}

#[tokio::test]
async fn a_letter_without_an_address_is_not_printed_and_says_why() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let number = order_number();
    let homeless = |order: &mut Value| {
        order["billing_address"] = Value::Null;
        order["shipping_address"] = Value::Null;
    };
    shop.register(&shop.event("orders/create", number, homeless)).await;
    stack.put(&shop.event("orders/paid", number, homeless)).await;
    let entry = shop.settled(&stack, &shop.id(Document::Receipt, number)).await;
    assert_eq!(entry.state, State::Suppressed);
    assert_eq!(entry.reason.as_deref(), Some("no channel can reach the recipient"));
    assert_eq!(stack.ever_spooled(&shop.domain).await, 0);
}
