//! One composition with five outputs: each channel gets its own, the archive has all of them or none, and what goes out
//! again is the whole set.

use archive::EvidenceRecord;
use axum::response::Response;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use comms::{CommunicationId, Document, Revision, State};
use e2e::{
    order_number,
    runtime::{Ended, Worker, batch, die_at},
    shop::Shop,
    stack::Stack,
};
use futures::future::join_all;
use ledger::Entry;
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};

const TEMPLATE: &str = "6f1f3ad0-7a55-4a07-9d0e-0c9b5b1f6a01";

const OUTPUTS: &str = r#"
outputs = [
    { use = "email-body", media_type = "text/html", queue = "MAIL" },
    { use = "email-attachment", media_type = "application/pdf", queue = "ATTACH", file_name = { en = "Order {order}.pdf", fr = "Commande {order}.pdf" } },
    { use = "print", media_type = "application/pdf", queue = "PRINT" },
    { use = "archive", media_type = "text/plain", required = false },
    { use = "archive", media_type = "application/json", queue = "DATA" },
]
"#;

/// The configuration of a shop whose order confirmation has five outputs.
fn five(text: &str) -> String {
    text.replace("[documents.order-confirmation]", &format!("[documents.order-confirmation]{OUTPUTS}"))
}

fn printed(text: &str) -> String {
    five(text).replace("channels = [\"email\", \"print\"]", "channels = [\"print\", \"email\"]")
}

async fn open(stack: &Stack, change: impl FnOnce(&str) -> String) -> Shop {
    let shop = Shop::open(stack, change).await;
    let queue = |queue: &str, mime: &str, pictures: &[&str]| json!({"queue": queue, "mime": mime, "pictures": pictures});
    let communication = json!([{
        "id": TEMPLATE, "name": "OrderConfirmation", "version": 12, "data_source": "OrderConfirmation",
        "outputs": [
            queue("PRINT", "application/pdf", &[]), queue("MAIL", "text/html", &["logo.gif", "foot.gif"]),
            queue("ATTACH", "application/pdf", &[]), queue("DATA", "application/json", &[]),
            queue("TEXT", "text/plain", &[]),
        ],
    }]);
    shop.control(shop.exstream, "PUT", "communications", Some(&communication)).await;
    shop
}

/// The record of an entry. Each of its outputs is in the archive, in the version and with the bytes it names.
async fn whole(stack: &Stack, entry: &Entry) -> EvidenceRecord {
    let (record, _) = stack.record(entry).await;
    let uses: Vec<_> = record.outputs.iter().map(|output| output.uses.join(" ")).collect();
    assert_eq!(uses, ["email-body", "email-attachment", "print", "archive", "archive"]);
    for output in &record.outputs {
        let (bytes, object) = stack.object(&output.object).await;
        let found = archive::verify(&record, &bytes).unwrap();
        assert_eq!(found.sha256, output.sha256);
        assert_eq!(object.version_id(), Some(output.version_id.as_str()));
        assert!(object.object_lock_retain_until_date().is_some(), "{} is locked", output.object);
    }
    let primary = entry.archived.as_ref().unwrap();
    assert_eq!(
        (&primary.archive_key, &primary.sha256),
        (&record.outputs[0].object, &record.outputs[0].sha256)
    );
    record
}

#[tokio::test]
async fn one_composition_gives_each_channel_its_own() {
    let stack = Stack::open().await;
    let shop = open(&stack, five).await;
    let number = order_number();
    let entry = shop.confirmed(&stack, number, |_| {}).await;
    assert_eq!(entry.state, State::Accepted, "{:?}", entry.reason);
    let record = whole(&stack, &entry).await;
    assert_eq!(stack.versions_of(&entry).await, 6, "five outputs and a record");
    assert_eq!(shop.requests(shop.exstream, "ondemand").await, 1, "one engine run");
    assert_eq!(record.outputs[1].pages, Some(1));
    assert_eq!(record.outputs[2].queue.as_deref(), Some("PRINT"));

    let [email] = &shop.emails().await[..] else { panic!("one e-mail") };
    let [body] = &email["body"].as_array().unwrap()[..] else { panic!("one text: {email}") };
    assert_eq!(body["sha256"], record.outputs[0].sha256.as_str());
    let page = body["text"].as_str().unwrap();
    assert_eq!(page.matches("src=\"data:image/gif;base64,").count(), 2, "with its pictures: {page}");
    assert!(page.contains(&BASE64_STANDARD.encode(b"GIF89a")[..6]), "{page}");
    let [attached] = &email["attachments"].as_array().unwrap()[..] else { panic!("one file: {email}") };
    assert_eq!(attached["sha256"], record.outputs[1].sha256.as_str());
    let name = attached["name"].as_str().unwrap();
    assert!(name.ends_with(".pdf") && name.contains(&format!("#{}", number % 100_000)), "{name}");
    assert_eq!(stack.ever_spooled(&shop.domain).await, 0);
}

#[tokio::test]
async fn print_gets_the_output_that_is_for_it() {
    let stack = Stack::open().await;
    let shop = open(&stack, printed).await;
    let entry = shop.confirmed(&stack, order_number(), |_| {}).await;
    assert_eq!(entry.state, State::Accepted, "{:?}", entry.reason);
    let record = whole(&stack, &entry).await;
    let spooled = stack.s3.get_object().bucket(stack.output("OperationsBucket"));
    let spooled = spooled.key(entry.reference.as_ref().unwrap()).send().await.unwrap();
    let bytes = spooled.body.collect().await.unwrap().into_bytes();
    assert_eq!(archive::sha256_hex(&bytes), record.outputs[2].sha256);
    assert!(shop.emails().await.is_empty());
}

const FILE: &str = "%PDF-1.7 what a carrier made";

const FILE_OF_ELSEWHERE: &str = r#"
attachments = [
    { data = "order.status_url", hosts = ["127.0.0.1"], file_name = { en = "Label {order}.pdf", fr = "Étiquette {order}.pdf" } },
]
"#;

/// Fetched once, archived and recorded with the letter, attached, and attached again from the archive alone.
#[tokio::test]
async fn a_file_from_elsewhere_goes_with_the_email() {
    let stack = Stack::open().await;
    let host = fakes::Server::start(|_| Response::new(FILE.into())).await;
    let with_file = |text: &str| {
        text.replace(
            "[documents.order-confirmation]",
            &format!("[documents.order-confirmation]{FILE_OF_ELSEWHERE}"),
        )
    };
    let shop = Shop::open(&stack, with_file).await;
    let address = format!("{}/label.pdf?signature=1", host.base);
    let order = |order: &mut Value| order["order_status_url"] = address.as_str().into();
    let entry = shop.confirmed(&stack, order_number(), order).await;
    assert_eq!(entry.state, State::Accepted, "{:?}", entry.reason);
    let (record, _) = stack.record(&entry).await;
    let [_, file] = &record.outputs[..] else { panic!("a letter and a file") };
    assert_eq!(file.fetched.as_deref(), Some("order.status_url"));
    let (bytes, object) = stack.object(&file.object).await;
    assert_eq!((&bytes[..], archive::sha256_hex(&bytes)), (FILE.as_bytes(), file.sha256.clone()));
    assert!(object.object_lock_retain_until_date().is_some());

    let [email] = &shop.emails().await[..] else { panic!("one e-mail") };
    let hashes: Vec<_> =
        email["attachments"].as_array().unwrap().iter().map(|it| it["sha256"].clone()).collect();
    assert_eq!(hashes, [record.outputs[0].sha256.as_str(), &file.sha256]);
    let name = email["attachments"][1]["name"].as_str().unwrap();
    assert!(name.starts_with("Label ") || name.starts_with("Étiquette "), "{name}");
    assert_eq!(host.targets(), ["GET /label.pdf?signature=1"]);
}

struct Order {
    stack: Stack,
    shop: Shop,
    number: u64,
    item: Value,
}

impl Order {
    async fn open(change: impl FnOnce(&str) -> String) -> Self {
        let stack = Stack::open().await;
        let shop = open(&stack, change).await;
        let (number, _, item) = shop.ordered("orders/create").await;
        Self { stack, shop, number, item }
    }

    async fn settled(&self) -> Entry {
        self.shop.settled(&self.stack, &self.shop.id(Document::OrderConfirmation, self.number)).await
    }

    async fn deliver(&self) -> Entry {
        let mut worker = Worker::start("order-confirmation", &self.stack.environment()).await;
        worker.deliver(&self.item, 2).await;
        self.settled().await
    }

    /// The hashes of what the run with this number made, in the order of runs. Pages are archived with their pictures, so
    /// with other bytes than they were made of.
    async fn made(&self, run: usize) -> BTreeSet<String> {
        let outputs = self.shop.outputs().await;
        let run = outputs.chunks(5).nth(run).unwrap().iter();
        let run = run.filter(|output| output["mime"] != "text/html");
        run.map(|output| output["sha256"].as_str().unwrap().to_owned()).collect()
    }
}

/// Until the primary output is there, nothing is: the next attempt composes again. From then on, its set is the document.
#[tokio::test]
async fn a_crash_at_any_put_leaves_one_set() {
    let crashes = [
        // the text and the data are the same in both runs, and so are their objects
        ("archive-output-1", 2, 1),
        ("archive-output-2", 2, 2),
        ("archive-output-3", 2, 2),
        ("archive-output-4", 2, 2),
        ("archive-document", 1, 0),
        ("archive", 1, 0),
    ];
    join_all(crashes.map(|(point, runs, orphans)| one_set_is_left(point, runs, orphans))).await;
}

async fn one_set_is_left(point: &str, runs: usize, orphans: usize) {
    let order = Order::open(five).await;
    die_at(point, "order-confirmation", order.stack.environment(), &order.item).await;

    let entry = order.deliver().await;
    assert_eq!(entry.state, State::Accepted, "{point}: {:?}", entry.reason);
    let record = whole(&order.stack, &entry).await;
    assert_eq!(order.shop.outputs().await.len(), 5 * runs, "{point}");
    assert_eq!(order.stack.versions_of(&entry).await, 6 + orphans, "{point}");
    let archived = record.outputs[1..].iter().map(|it| it.sha256.clone()).collect::<BTreeSet<_>>();
    assert_eq!(archived, order.made(runs - 1).await, "{point}: all of one run");
    let [email] = &order.shop.emails().await[..] else { panic!("{point}: one e-mail") };
    assert_eq!(email["body"][0]["sha256"], record.outputs[0].sha256.as_str(), "{point}");
    assert_eq!(email["attachments"][0]["sha256"], record.outputs[1].sha256.as_str(), "{point}");
}

/// Both have put all further outputs of their own composition; whose primary output comes first decides for all.
#[tokio::test]
async fn two_workers_that_composed_differently_end_with_one_set() {
    let order = Order::open(five).await;
    let mut environment = order.stack.environment();
    environment.insert("FAULT_PAUSE".to_owned(), "archive-output-4".to_owned());
    let mut late = Worker::start("order-confirmation", &environment).await;
    late.begin(&batch(std::slice::from_ref(&order.item), 1), Duration::from_secs(15)).await;
    late.stopped().await;
    let entry = order.deliver().await;
    assert_eq!(entry.state, State::Accepted, "{:?}", entry.reason);
    let before = whole(&order.stack, &entry).await;

    late.wake().await;
    let Ended::Response(answer) = late.end(Duration::from_secs(15)).await else {
        panic!("the worker that woke up did not answer")
    };
    assert_eq!(answer["batchItemFailures"].as_array().unwrap().len(), 1, "it has finished nothing");
    let after = whole(&order.stack, &order.settled().await).await;
    let hashes =
        |record: &EvidenceRecord| -> Vec<_> { record.outputs.iter().map(|it| it.sha256.clone()).collect() };
    assert_eq!(hashes(&after), hashes(&before));
    assert_eq!(order.shop.emails().await.len(), 1);
    assert_eq!(order.stack.versions_of(&entry).await, 8, "the late worker's letters belong to nothing");
}

#[tokio::test]
async fn a_resend_takes_all_outputs() {
    let stack = Stack::open().await;
    let shop = open(&stack, five).await;
    let first = shop.confirmed(&stack, order_number(), |_| {}).await;
    let revision = Revision::named("resend-1");
    let id = CommunicationId::derive(&first.shop, first.document, &first.subject, &revision);
    let item = json!({
        "v": 1, "shop": first.shop, "flow": first.flow, "subject": first.subject,
        "trigger": {"topic": "resend", "webhook_id": format!("resend-{id}")},
        "resend": {
            "of": first.communication, "revision": "resend-1", "actor": "ops@northwind.example",
            "reason": "the customer asked for it", "recompose": false,
        },
    });
    stack.send_batch("QueueUrlOrderConfirmation", &[item.to_string()]).await;
    let again = shop.settled(&stack, &id).await;
    assert_eq!(again.state, State::Accepted, "{:?}", again.reason);
    let (old, new) = (whole(&stack, &first).await, whole(&stack, &again).await);
    for (old, new) in old.outputs.iter().zip(&new.outputs) {
        assert_eq!((&old.sha256, &old.queue, &old.uses), (&new.sha256, &new.queue, &new.uses));
        assert_ne!(old.object, new.object, "a set of its own");
    }
    assert_eq!(stack.versions_of(&again).await, 6);
    assert_eq!(shop.requests(shop.exstream, "ondemand").await, 1, "Exstream was not asked");
    let emails = shop.emails().await;
    assert_eq!(emails.len(), 2);
    assert_eq!(emails[0]["body"], emails[1]["body"]);
    assert_eq!(emails[0]["attachments"], emails[1]["attachments"]);
}

/// What a designer can put right waits for that: nothing of it is archived or sent, and then it is whole.
#[tokio::test]
async fn a_composition_that_is_not_whole_is_no_document() {
    for (queue, how) in [
        ("ATTACH", "missing"),
        ("MAIL", "missing"),
        ("PRINT", "twice"),
        ("MAIL", "twice"),
        ("MAIL", "no_pictures"),
    ] {
        let order = Order::open(five).await;
        order.shop.exstream_settings(json!({"spoil": {"queue": queue, "how": how}})).await;
        let mut worker = Worker::start("order-confirmation", &order.stack.environment()).await;
        let failed = worker.deliver_once(std::slice::from_ref(&order.item), 1).await;
        assert_eq!(failed, [0], "{queue} {how}: it comes back");
        let id = order.shop.id(Document::OrderConfirmation, order.number);
        let entry = order.stack.ledger.get(&id).await.unwrap().unwrap();
        assert!(entry.state.is_open() && entry.archived.is_none(), "{queue} {how}: {entry:?}");
        assert!(order.shop.emails().await.is_empty(), "{queue} {how}");

        order.shop.exstream_settings(json!({"spoil": null})).await;
        let entry = order.deliver().await;
        assert_eq!(entry.state, State::Accepted, "{queue} {how}: {:?}", entry.reason);
        whole(&order.stack, &entry).await;
    }
}

/// Bytes that are not what they are said to be are made again just so: no later attempt helps.
#[tokio::test]
async fn an_output_of_the_wrong_type_fails_for_good_and_an_optional_one_may_be_missing() {
    let order = Order::open(five).await;
    order.shop.exstream_settings(json!({"spoil": {"queue": "ATTACH", "how": "wrong_type"}})).await;
    let entry = order.deliver().await;
    assert_eq!(entry.state, State::Failed);
    let reason = entry.reason.unwrap();
    assert!(reason.contains("does not look like application/pdf of queue ATTACH"), "{reason}");

    let order = Order::open(five).await;
    order.shop.exstream_settings(json!({"spoil": {"queue": "TEXT", "how": "missing"}})).await;
    let entry = order.deliver().await;
    assert_eq!(entry.state, State::Accepted, "{:?}", entry.reason);
    assert_eq!(order.stack.versions_of(&entry).await, 5);
}
