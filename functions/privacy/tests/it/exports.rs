//! `customers/data_request`.

use crate::world::{ADDRESS, EMAIL, NAME, SHOP, World, customer, request};
use comms::{Document, Gid};
use serde_json::Value;
use std::io::{Cursor, Read};
use work::PrivacyTopic::{CustomerRedact, DataRequest};
use zip::ZipArchive;

fn part(world: &World, name: &str) -> String {
    let key = format!("operations/exports/{SHOP}/{}.zip", "0f".repeat(16));
    let bytes = world.aws(|aws| aws.objects[&key].0.clone());
    let mut zip = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut text = String::new();
    zip.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn an_export_has_everything_that_is_held() {
    let world = World::new().await;
    let offer = world.document(Document::PromotionalOffer, customer(), true).await;
    let receipt = world.document(Document::Receipt, Gid::new("Order", 1), false).await;
    world.document(Document::Receipt, Gid::new("Order", 2), false).await;
    assert_eq!(world.deliver(&request(DataRequest)).await, 0);
    let data: Value = serde_json::from_str(&part(&world, "data.json")).unwrap();
    let communications = data["communications"].as_array().unwrap();
    assert_eq!(communications.len(), 2, "an order that is not asked for is not given");
    for it in communications {
        assert_eq!(it["record"]["recipient"]["name"], NAME);
        let document = part(&world, it["files"][0].as_str().unwrap());
        assert!(document.contains(NAME) && document.contains(ADDRESS));
    }
    assert_eq!(data["email"], EMAIL);
    let page = part(&world, "index.html");
    assert!(
        page.contains(EMAIL) && page.contains(offer.as_str()) && page.contains(receipt.as_str()),
        "{page}"
    );
    world.aws(|aws| assert!(aws.messages.is_empty(), "it is done once"));
}

#[tokio::test]
async fn an_export_after_an_erasure_says_what_was_erased() {
    let world = World::new().await;
    world.document(Document::PromotionalOffer, customer(), true).await;
    world.deliver(&request(CustomerRedact)).await;
    assert_eq!(world.deliver(&request(DataRequest)).await, 0);
    let data = part(&world, "data.json");
    assert!(data.contains("\"erased\"") && !data.contains(NAME), "{data}");
    assert!(data.contains("erased at the customer's request"));
}
