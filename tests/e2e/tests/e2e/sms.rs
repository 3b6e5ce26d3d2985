//! Text messages with a link to the document: through the deployed functions, and wherever a worker dies.

use crate::web::{links, send};
use comms::{CommunicationId, Document, State};
use e2e::{
    order_number,
    runtime::{Worker, die_at},
    shop::Shop,
    stack::Stack,
};
use reqwest::Method;
use serde_json::Value;

pub const NUMBER: &str = "+33 6 12 34 56 78";

/// The shop confirms orders by text message, if it can, and in print if that is refused.
pub fn texting(config: &str) -> String {
    let email = config.split_once("[delivery.email]").unwrap().1.split_once("[documents.").unwrap().0;
    let section = format!("[delivery.sms]{email}").replace("delivery.email", "delivery.sms");
    config
        .replace(
            "channels = [\"email\", \"print\"]",
            "channels = [\"sms\", \"print\"]\nsms = { en = \"{brand} {order}: {link}\" }\nnext_channel_on = [\"refused\"]",
        )
        .replacen("[documents.", &format!("{section}[delivery.web]\n[documents."), 1)
}

/// The path of the page that a text leads to.
pub fn path(text: &str) -> &str {
    let from = text.find("/d/").unwrap_or_else(|| panic!("no link in {text}"));
    &text[from..from + 46]
}

#[tokio::test]
async fn an_order_is_confirmed_by_a_text_message_whose_link_opens_the_document() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, texting).await;
    let entry = shop.confirmed(&stack, order_number(), |order| order["phone"] = NUMBER.into()).await;
    assert_eq!((entry.state, entry.channel.as_deref()), (State::Accepted, Some("sms")), "{:?}", entry.reason);
    let texts = shop.texts().await;
    assert_eq!((texts.len(), shop.emails().await.len()), (1, 0));
    let text = &texts[0];
    assert_eq!(
        (&text["number"], &text["ref"]),
        (&"0033612345678".into(), &entry.communication.as_str().into())
    );
    assert_eq!(entry.reference.as_deref(), text["job_id"].as_str());

    let path = path(text["text"].as_str().unwrap());
    assert_eq!(send(&stack, Method::GET, path).await.status(), 200);
    let document = send(&stack, Method::GET, &format!("{path}/document.pdf")).await.bytes().await.unwrap();
    assert_eq!(archive::sha256_hex(&document), entry.archived.as_ref().unwrap().sha256);

    let (record, json) = stack.record(&entry).await;
    assert_eq!(record.recipient.unwrap().phone.as_deref(), Some("+33612345678"));
    assert!(!json["recipient"].to_string().contains("@"), "only what the channel needs: {json}");
    let item = stack.ledger.get(&entry.communication).await.unwrap();
    assert!(!format!("{item:?}").contains("612345678"), "the ledger names nobody");
}

/// What a worker that dies at `point` leaves, after the next delivery of its item: the state, and how often it was sent.
async fn died(point: &str) -> (State, usize) {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, texting).await;
    let (id, item) = ordered(&shop).await;
    die_at(point, "order-confirmation", stack.environment(), &item).await;
    let mut worker = Worker::start("order-confirmation", &stack.environment()).await;
    worker.deliver(&item, 2).await;
    let entry = shop.settled(&stack, &id).await;
    let link = links(&stack).of(&id).await.unwrap();
    assert_eq!(link.map(|link| link.serial), Some(0), "{point}: one link");
    (entry.state, shop.texts().await.len())
}

pub async fn ordered(shop: &Shop) -> (CommunicationId, Value) {
    let number = order_number();
    let event = shop.event("orders/create", number, |order| order["phone"] = NUMBER.into());
    shop.register(&event).await;
    (shop.id(Document::OrderConfirmation, number), shop.work_item(&event))
}

#[tokio::test]
async fn a_text_message_is_sent_once_after_a_crash_before_its_send() {
    for point in ["archive", "publish"] {
        assert_eq!(died(point).await, (State::Accepted, 1), "{point}");
    }
}

#[tokio::test]
async fn a_text_message_that_may_have_gone_is_unknown_and_not_repeated() {
    for (point, texts) in [("mark-sending", 0), ("send", 1)] {
        assert_eq!(died(point).await, (State::Unknown, texts), "{point}");
    }
}
