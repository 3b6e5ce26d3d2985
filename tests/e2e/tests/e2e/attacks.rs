//! What a machine can do to a worker short of killing it: it stands still around a send and wakes up when another
//! worker has finished, its ledger loses answers or is slow, and its batch has ten documents of the largest size.

use crate::wire::{Fault, Wire};
use comms::{CommunicationId, Document, State};
use e2e::{
    order_number,
    runtime::{Ended, Worker, batch},
    shop::Shop,
    stack::Stack,
};
use serde_json::{Value, json};
use std::time::Duration;

/// An order whose document is to be made.
struct Order {
    stack: Stack,
    shop: Shop,
    id: CommunicationId,
    item: Value,
}

impl Order {
    async fn open(topic: &str, change: impl FnOnce(&str) -> String) -> Self {
        let stack = Stack::open().await;
        let shop = Shop::open(&stack, change).await;
        let (number, document, item) = shop.ordered(topic).await;
        let id = shop.id(document, number);
        Self { stack, shop, id, item }
    }

    async fn sent(&self) -> Sent {
        let entry = self.shop.settled(&self.stack, &self.id).await;
        Sent {
            state: entry.state,
            emails: self.shop.emails().await.len(),
            prints: self.stack.spooled(&self.shop.domain).await,
            compositions: self.shop.outputs().await.len(),
        }
    }
}

/// What became of it, and what has left the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sent {
    state: State,
    emails: usize,
    prints: usize,
    compositions: usize,
}

/// A worker stands still at `point` until its lease has expired and another worker has finished its work. What has been
/// sent by then is all that is ever sent.
async fn zombie(point: &str, topic: &str, change: impl FnOnce(&str) -> String, expected: Sent) {
    let order = Order::open(topic, change).await;
    let mut environment = order.stack.environment();
    environment.insert("FAULT_PAUSE".to_owned(), point.to_owned());
    let mut zombie = Worker::start("order-confirmation", &environment).await;
    zombie.begin(&batch(std::slice::from_ref(&order.item), 1), Duration::from_secs(15)).await;
    zombie.stopped().await;
    let mut worker = Worker::start("order-confirmation", &order.stack.environment()).await;
    worker.deliver(&order.item, 2).await;
    let sent = order.sent().await;
    assert_eq!(sent, expected, "{point}: the other worker");

    zombie.wake().await;
    let Ended::Response(answer) = zombie.end(Duration::from_secs(15)).await else {
        panic!("{point}: the worker that woke up did not answer")
    };
    assert_eq!(answer["batchItemFailures"].as_array().unwrap().len(), 1, "{point}: it has finished nothing");
    // long enough for a request that is still on its way
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(order.sent().await, expected, "{point}: the worker that woke up");
}

fn sent(state: State, emails: usize, prints: usize, compositions: usize) -> Sent {
    Sent { state, emails, prints, compositions }
}

#[tokio::test]
async fn an_email_is_not_sent_by_a_worker_that_wakes_up_late() {
    tokio::join!(
        zombie("archive", "orders/create", str::to_owned, sent(State::Accepted, 1, 0, 1)),
        zombie("mark-sending", "orders/create", str::to_owned, sent(State::Unknown, 0, 0, 1)),
    );
}

/// The other worker has sent the second copy that the shop wants; a third would be nobody's wish.
#[tokio::test]
async fn no_second_copy_becomes_two() {
    let resend = |text: &str| {
        text.replace("channels = [\"email\", \"print\"]", "channels = [\"email\"]\non_unknown = \"resend\"")
    };
    zombie("mark-sending", "orders/create", resend, sent(State::Accepted, 1, 0, 1)).await;
}

#[tokio::test]
async fn nothing_is_printed_by_a_worker_that_wakes_up_late() {
    tokio::join!(
        zombie("archive", "orders/paid", str::to_owned, sent(State::Accepted, 0, 1, 1)),
        zombie("mark-sending", "orders/paid", str::to_owned, sent(State::Accepted, 0, 1, 1)),
    );
}

#[tokio::test]
async fn an_exstream_that_sends_is_not_asked_by_a_worker_that_wakes_up_late() {
    let exstream_sends = |text: &str| text.replace("channels = [\"print\"]", "channels = [\"exstream\"]");
    zombie("mark-sending", "orders/paid", exstream_sends, sent(State::Unknown, 0, 0, 0)).await;
}

/// A bug that one document of a batch meets costs the others nothing, and itself one delivery.
#[tokio::test]
async fn a_panic_is_the_matter_of_one_message() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let (mut items, mut ids) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let number = order_number();
        let event = shop.event("orders/create", number, |_| {});
        shop.register(&event).await;
        items.push(shop.work_item(&event));
        ids.push(shop.id(Document::OrderConfirmation, number));
    }
    let mut environment = stack.environment();
    environment.insert("FAULT_PANIC".to_owned(), "compose".to_owned());
    let mut worker = Worker::start("order-confirmation", &environment).await;
    let failed = worker.deliver_once(&items, 1).await;
    assert_eq!(failed.len(), 1, "of five one panics: {failed:?}");
    worker.deliver(&items[failed[0]], 2).await;
    for id in &ids {
        assert_eq!(shop.settled(&stack, id).await.state, State::Accepted);
    }
    assert_eq!(shop.emails().await.len(), 5);
}

/// The writes of one document, each recognised by what only it has.
const WRITES: [(&str, &str); 3] =
    [("claim", "attempts = if_not_exists"), ("mark", "sends = "), ("complete", "REMOVE #holder")];

/// The ledger makes a write and its answer is lost: the worker continues as if it had been told.
#[tokio::test]
async fn a_lost_answer_of_the_ledger_changes_nothing() {
    for (name, write) in WRITES {
        let order = Order::open("orders/create", str::to_owned).await;
        let wire = Wire::start(order.stack.output("AwsEndpointUrl"), write, Fault::Lose).await;
        let mut environment = order.stack.environment();
        environment.insert("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), wire.url.clone());
        let mut worker = Worker::start("order-confirmation", &environment).await;
        let deliveries = worker.deliver(&order.item, 1).await;
        assert_eq!((deliveries, wire.struck()), (1, true), "{name}: deliveries, whether an answer was lost");
        assert_eq!(order.sent().await, sent(State::Accepted, 1, 0, 1), "{name}");
        let entry = order.stack.ledger.get(&order.id).await.unwrap().unwrap();
        assert_eq!((entry.attempts, entry.sends), (1, 1), "{name}: attempts, sends");
    }
}

/// Recording the mark takes all of the time there is for the send: it is left to the next delivery.
#[tokio::test]
async fn a_send_whose_mark_took_too_long_does_not_begin() {
    let order = Order::open("orders/create", str::to_owned).await;
    // less than the time after which the worker would ask again, more than the send can spare
    let slow = Fault::Delay(Duration::from_secs(9));
    let wire = Wire::start(order.stack.output("AwsEndpointUrl"), "sends = ", slow).await;
    let mut environment = order.stack.environment();
    environment.insert("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), wire.url.clone());
    let mut worker = Worker::start("order-confirmation", &environment).await;
    let event = batch(std::slice::from_ref(&order.item), 1);
    let Ended::Response(answer) = worker.invoke(&event, Duration::from_secs(17)).await else {
        panic!("the batch is not answered")
    };
    assert_eq!(answer["batchItemFailures"].as_array().unwrap().len(), 1, "it comes back");
    assert_eq!(
        (wire.struck(), order.shop.emails().await.len()),
        (true, 0),
        "whether the mark was slow, e-mails"
    );
    // that nothing was sent is on record, so the next delivery need not doubt
    worker.deliver(&order.item, 2).await;
    assert_eq!(order.sent().await, sent(State::Accepted, 1, 0, 1));
}

/// Ten documents of the size that an answer of Exstream may have at most, in the memory that a function has.
#[tokio::test]
async fn ten_documents_of_the_largest_size_fit_the_functions_memory() {
    const PADDING: usize = 11_500_000;
    const MEMORY: u64 = 256 * 1024 * 1024;
    let stack = Stack::open().await;
    let patient = |text: &str| {
        text.replace("timeout_ms = 20000", "timeout_ms = 500000")
            .replace("[delivery.email]\n", "[delivery.email]\ntimeout_ms = 500000\n")
    };
    let shop = Shop::open(&stack, patient).await;
    // each composition and each e-mail takes so long that all ten are under way at once where nothing bounds them
    shop.exstream_settings(json!({"pdf_padding_bytes": PADDING, "latency_ms": 5000})).await;
    let mut items = Vec::new();
    for _ in 0..10 {
        let event = shop.event("orders/create", order_number(), |_| {});
        shop.register(&event).await;
        items.push(shop.work_item(&event));
    }
    let mut environment = stack.environment();
    // past the recorder, which would hold each document once more
    environment.insert("AWS_ENDPOINT_URL".to_owned(), stack.output("AwsEndpointUrl").to_owned());
    let mut worker = Worker::start("order-confirmation", &environment).await;
    let begun = std::time::Instant::now();
    // as the queue does: a process that has no answer of the channel yet sends one first, and what waits too long for it
    // comes back
    let mut left = items;
    for delivery in 1..=3 {
        let Ended::Response(answer) = worker.invoke(&batch(&left, delivery), Duration::from_secs(600)).await
        else {
            panic!("the batch is not answered")
        };
        // the whole batch again: what is done is done
        if answer["batchItemFailures"] == json!([]) {
            left.clear();
            break;
        }
    }
    assert_eq!(left.len(), 0, "some come back again and again");
    let peak = worker.peak_memory_bytes();
    println!("ten documents of 11.5 MB: {:.1} MB at most, {:?}", peak as f64 / 1e6, begun.elapsed());
    assert_eq!((shop.emails().await.len(), shop.outputs().await.len()), (10, 10));
    assert!(peak < MEMORY, "{peak} bytes");
}
