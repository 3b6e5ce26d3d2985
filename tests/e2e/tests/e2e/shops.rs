//! Many shops in one deployment: the same order number, other brands, languages and templates, no crosstalk.

use comms::{Document, State};
use e2e::{order_number, shop::Shop, stack::Stack};
use futures::future::join_all;

const NAMES: [&str; 4] = ["Aurora", "Borealis", "Cirrus", "Drift"];

#[tokio::test]
async fn shops_with_the_same_order_number_share_nothing() {
    let stack = Stack::open().await;
    let number = order_number();
    let open = |name: &'static str| {
        let change = move |config: &str| config.replace("Northwind Outfitters", name);
        Shop::open(&stack, change)
    };
    let shops = join_all(NAMES.map(open)).await;
    let events: Vec<_> = shops.iter().map(|shop| shop.event("orders/create", number, |_| {})).collect();
    for (shop, event) in shops.iter().zip(&events) {
        shop.register(event).await;
    }
    join_all(events.iter().map(|event| stack.put(event))).await;
    let mut ids = std::collections::BTreeSet::new();
    for (shop, name) in shops.iter().zip(NAMES) {
        let id = shop.id(Document::OrderConfirmation, number);
        let entry = shop.settled(&stack, &id).await;
        assert_eq!((entry.state, &entry.shop), (State::Accepted, &shop.domain));
        assert!(ids.insert(id), "another shop, another communication");
        let (_, record) = stack.record(&entry).await;
        assert!(entry.archived.unwrap().archive_key.starts_with(&format!("{}/", shop.domain)));
        assert_eq!(record["driver_data"]["data"]["brand"]["name"], name);
        let emails = shop.emails().await;
        assert_eq!(emails.len(), 1, "{name} sent one e-mail, by its own account");
        assert_eq!(emails[0]["from_display_name"], name);
        let told = shop.metafield(number).await;
        assert_eq!(told["communications"].as_array().unwrap().len(), 1, "{told}");
        assert_eq!(shop.about(&stack, &format!("gid://shopify/Order/{number}")).await.len(), 1);
    }
}

/// A document may have a brand and languages of its own; a regulated one is not sent in a language nobody asked
/// for.
#[tokio::test]
async fn brand_and_language_are_the_documents_own() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, |config| {
        let config = config.replace(
            "[documents.order-confirmation]",
            "[brands.outlet]\nname = \"Outlet\"\nsender = \"Outlet Service\"\n\n\
             [documents.order-confirmation]\nbrand = \"outlet\"\nlocales = [\"en\"]",
        );
        config.replace(
            "[documents.receipt]",
            "[documents.receipt]\nmessage_class = \"regulated\"\nlocales = [\"en\"]",
        )
    })
    .await;
    let number = order_number();
    let confirmation = shop.confirmed(&stack, number, |_| {}).await;
    stack.put(&shop.event("orders/paid", number, |_| {})).await;
    assert_eq!(confirmation.state, State::Accepted);
    let email = shop.emails().await.remove(0);
    assert_eq!(email["from_display_name"], "Outlet Service");
    assert!(email["subject"].as_str().unwrap().starts_with("Your order"), "the shop's language: {email}");
    let receipt = shop.settled(&stack, &shop.id(Document::Receipt, number)).await;
    assert_eq!(receipt.state, State::Failed);
    assert!(receipt.reason.unwrap().contains("no translation"));
}
