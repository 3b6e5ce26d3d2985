//! The channel `web`: wherever a worker dies, one page is published and the communication accepted.

use crate::{
    sms::ordered,
    web::{links, send},
};
use comms::State;
use e2e::{
    order_number,
    runtime::{Worker, die_at},
    shop::Shop,
    stack::Stack,
};
use futures::future::join_all;
use reqwest::Method;

fn published(config: &str) -> String {
    config.replace("channels = [\"email\", \"print\"]", "channels = [\"web\"]").replacen(
        "[documents.",
        "[delivery.web]\n[documents.",
        1,
    )
}

#[tokio::test]
async fn a_document_is_published_and_nothing_sent() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, published).await;
    let entry = shop.confirmed(&stack, order_number(), |_| {}).await;
    assert_eq!((entry.state, entry.channel.as_deref()), (State::Accepted, Some("web")), "{:?}", entry.reason);
    assert_eq!((shop.emails().await.len(), shop.texts().await.len()), (0, 0));
    let link = links(&stack).of(&entry.communication).await.unwrap().unwrap();
    assert_eq!(entry.reference.as_deref(), Some(&link.token_sha256.as_str()[..32]));
    assert_eq!(link.outputs[0].sha256, entry.archived.as_ref().unwrap().sha256);
    let (record, _) = stack.record(&entry).await;
    let recipient = record.recipient.unwrap();
    assert_eq!((recipient.email, recipient.phone), (None, None), "a page needs no address");
    // what the ledger knows it by opens nothing
    let path = format!("/d/{}", entry.reference.unwrap());
    assert_eq!(send(&stack, Method::GET, &path).await.status(), 404);
}

#[tokio::test]
async fn wherever_a_worker_dies_one_page_is_published() {
    let points = ["archive-document", "archive", "mark-sending", "publish", "send", "complete"];
    join_all(points.map(one_page_is_published)).await;
}

async fn one_page_is_published(point: &str) {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, published).await;
    let (id, item) = ordered(&shop).await;
    die_at(point, "order-confirmation", stack.environment(), &item).await;
    let mut worker = Worker::start("order-confirmation", &stack.environment()).await;
    worker.deliver(&item, 2).await;
    let entry = shop.settled(&stack, &id).await;
    assert_eq!((entry.state, stack.versions_of(&entry).await), (State::Accepted, 2), "{point}");
    assert_eq!(shop.outputs().await.len(), 1, "{point}: composed once");
    let link = links(&stack).of(&id).await.unwrap().unwrap();
    assert_eq!((link.serial, link.outputs.len()), (0, 1), "{point}");
}
