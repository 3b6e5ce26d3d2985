//! `shop/redact`.

use crate::world::{SHOP, World, customer, request};
use comms::Document;
use serde_json::json;
use work::PrivacyTopic::ShopRedact;

/// An unoptimised build takes minutes for all of them.
const COMMUNICATIONS: usize = if cfg!(debug_assertions) { 800 } else { 10_000 };
/// So many changes are taken before a delivery dies.
const CHANGES: usize = COMMUNICATIONS * 9 / 10;

/// A shop with so many customers, of whom each has one offer; and another shop, and a receipt.
fn fill(world: &World) {
    world.aws(|aws| {
        for number in 0..COMMUNICATIONS {
            let id = format!("{number:032x}");
            let pk = format!("{SHOP}#erasable#{id}");
            let item = json!({"pk": {"S": pk}, "key_id": {"S": id}, "secret": {"B": "AAAA"}});
            aws.secrets.items.insert(pk, item);
            aws.objects.insert(
                format!("archive/{SHOP}/2026/11/22/promotional-offer/{id}/document.pdf"),
                (Vec::new(), Vec::new()),
            );
            let item = json!({"pk": {"S": id}, "customer": {"S": id}});
            aws.items.insert(id, item.as_object().unwrap().clone());
        }
        for pk in [format!("{SHOP}#customer#1"), "other.myshopify.com#erasable#1".to_owned()] {
            let item = json!({"pk": {"S": pk}, "key_id": {"S": pk}, "secret": {"B": "AAAA"}});
            aws.secrets.items.insert(pk, item);
        }
    });
}

/// Killed again and again, each delivery continues where the one before came to.
#[tokio::test]
async fn a_shop_of_ten_thousand_is_erased_by_deliveries_that_die() {
    let world = World::new().await;
    fill(&world);
    let item = request(ShopRedact);
    let mut deliveries = 1;
    world.aws(|aws| aws.dies_after(CHANGES));
    while world.deliver(&item).await == 1 {
        deliveries += 1;
        assert!(deliveries < 40, "no delivery gets further than the one before");
        world.aws(|aws| aws.dies_after(CHANGES));
    }
    assert!(deliveries > 3, "{deliveries}: it was killed");
    world.aws(|aws| {
        let left: Vec<_> = aws.secrets.items.keys().collect();
        assert_eq!(
            left,
            [&format!("{SHOP}#customer#1"), "other.myshopify.com#erasable#1"],
            "what has to be kept, and others'"
        );
        assert!(aws.items.values().all(|item| !item.contains_key("customer")));
        assert_eq!(aws.messages.len(), 1, "it is done once more");
    });
}

/// A hold on one document blocks all: its secret may be that of others.
#[tokio::test]
async fn a_hold_blocks_the_erasure_of_a_shop() {
    let world = World::new().await;
    let id = world.document(Document::PromotionalOffer, customer(), true).await;
    let archived = world.ledger.get(&id).await.unwrap().unwrap().archived.unwrap();
    let folder = archived.archive_key.rsplit_once('/').unwrap().0.to_owned();
    world.aws(|aws| aws.holds.insert(format!("archive/{folder}/record.json")));
    assert_eq!(world.deliver(&request(ShopRedact)).await, 0);
    assert_eq!(world.aws(|aws| aws.secrets.items.len()), 1);
    world.aws(|aws| aws.holds.clear());
    assert_eq!(world.deliver(&request(ShopRedact)).await, 0);
    assert_eq!(world.aws(|aws| aws.secrets.items.len()), 0);
}

/// What is configured says which documents are erasable.
#[tokio::test]
async fn a_shop_whose_configuration_cannot_be_read_is_not_erased_yet() {
    let world = World::new().await;
    world.document(Document::PromotionalOffer, customer(), true).await;
    world.aws(|aws| aws.configs_fail = true);
    assert_eq!(world.deliver(&request(ShopRedact)).await, 1);
    assert_eq!(world.aws(|aws| aws.secrets.items.len()), 1);
    world.aws(|aws| aws.configs_fail = false);
    assert_eq!(world.deliver(&request(ShopRedact)).await, 0);
    assert_eq!(world.aws(|aws| aws.secrets.items.len()), 0);
}

/// A page of keys ends within a folder; what is counted are communications.
#[tokio::test]
async fn a_communication_whose_objects_are_on_two_pages_counts_once() {
    const FOLDERS: usize = 40;
    let world = World::new().await;
    world.aws(|aws| {
        for number in 0..FOLDERS {
            for name in ["document.pdf", "fact-01.json", "record.json"] {
                let key = format!("archive/{SHOP}/2026/11/22/promotional-offer/{number:032x}/{name}");
                aws.objects.insert(key, (Vec::new(), Vec::new()));
            }
        }
    });
    assert_eq!(world.deliver(&request(ShopRedact)).await, 0);
    let key = format!("operations/{}", privacy::state_key(&SHOP.parse().unwrap(), &"0f".repeat(16)));
    let noted: serde_json::Value = world.aws(|aws| serde_json::from_slice(&aws.objects[&key].0).unwrap());
    assert_eq!(noted["erased"], FOLDERS);
}
