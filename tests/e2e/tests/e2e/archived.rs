//! The archive as evidence: the very bytes, locked, with a record that proves them.

use crate::cases::work;
use aws_sdk_s3::{error::ProvideErrorMetadata, primitives::ByteStream};
use comms::{Document, State};
use e2e::{
    order_number,
    runtime::{Ended, Worker, batch},
    samples::Samples,
    shop::Shop,
    stack::Stack,
};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn the_archived_bytes_are_exstreams_and_cannot_be_changed() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let number = order_number();
    let entry = shop.confirmed(&stack, number, |_| {}).await;
    let archived = entry.archived.unwrap();

    let (bytes, object) = stack.object(&archived.archive_key).await;
    let sent = shop.outputs().await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["sha256"], archive::sha256_hex(&bytes), "the bytes are the ones Exstream sent");
    assert_eq!(object.version_id(), Some(archived.archive_version.as_str()));
    assert!(object.checksum_sha256().is_some(), "S3 stored the checksum");

    let bucket = stack.output("ArchiveBucket");
    let delete = stack
        .s3
        .delete_object()
        .bucket(bucket)
        .key(&archived.archive_key)
        .version_id(&archived.archive_version);
    let refused = delete.send().await.unwrap_err();
    assert_eq!(refused.code(), Some("AccessDenied"), "a locked version cannot be deleted");
    let put = stack.s3.put_object().bucket(bucket).key(&archived.archive_key).if_none_match("*");
    let refused = put.body(ByteStream::from_static(b"other")).send().await.unwrap_err();
    assert_eq!(refused.code(), Some("PreconditionFailed"), "the system's own put cannot overwrite");
    // whoever may put without the condition adds a version and changes none
    let put = stack.s3.put_object().bucket(bucket).key(&archived.archive_key);
    put.body(ByteStream::from_static(b"other")).send().await.unwrap();
    let get =
        stack.s3.get_object().bucket(bucket).key(&archived.archive_key).version_id(&archived.archive_version);
    let kept = get.send().await.unwrap().body.collect().await.unwrap().to_vec();
    assert_eq!(kept, bytes);
}

#[tokio::test]
async fn the_record_proves_the_document_and_follows_its_schema() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let number = order_number();
    let entry = shop.confirmed(&stack, number, |_| {}).await;
    let (record, value) = stack.record(&entry).await;
    let archived = entry.archived.unwrap();
    let (json, object) = stack.object(&archived.archive_key.replace("document.pdf", "record.json")).await;
    assert_eq!(archive::sha256_hex(&json), archived.record_sha256);
    assert!(object.object_lock_retain_until_date().is_some(), "the record is locked, too");

    let (document, _) = stack.object(&archived.archive_key).await;
    archive::verify(&record, &document).unwrap();
    let mut forged = document.clone();
    forged[100] ^= 1;
    assert!(archive::verify(&record, &forged).is_err());

    assert_eq!(record.recipient.as_ref().unwrap().email.as_deref(), Some("camille.moreau@example.com"));
    assert_eq!(value["trigger"]["topic"], "orders/create");
    assert_eq!(value["outputs"][0]["pages"], json!(1));
    assert_eq!(value["driver_data"]["schema"], "order-confirmation/1");
    let sent = value["driver_data"]["data"].to_string();
    assert!(!sent.is_empty());
    assert!(value.get("previous").is_none(), "a first issue has none before it");
    insta::assert_json_snapshot!("evidence-record", value, {
        ".communication" => "[communication]", ".name" => "[name]", ".shop" => "[shop]", ".subject" => "[order]", ".reported_on" => "[order]",
        ".customer" => "[keyed hash]", ".trigger.webhook_id" => "[uuid]", ".composed_at" => "[time]",
        ".configuration" => "[version]", ".outputs[].object" => "[key]", ".outputs[].version_id" => "[version]",
        ".outputs[].sha256" => "[sha256]", ".outputs[].bytes" => "[bytes]", ".outputs[].customer_number" => "[number]",
        ".outputs[].file_name" => "[name]", ".driver_data.sha256" => "[sha256]", ".driver_data.data" => "[driver data]",
        ".retention.until" => "[time]", ".software.version" => "[version]",
    });
}

#[tokio::test]
async fn a_document_of_seven_megabytes_arrives_whole() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, |text| {
        text.replace("channels = [\"email\", \"print\"]", "channels = [\"print\"]")
    })
    .await;
    shop.exstream_settings(json!({"pdf_padding_bytes": 7_000_000})).await;
    let number = order_number();
    let entry = shop.confirmed(&stack, number, |_| {}).await;
    let archived = entry.archived.unwrap();
    let (bytes, _) = stack.object(&archived.archive_key).await;
    assert!(bytes.len() > 7_000_000);
    assert_eq!(shop.outputs().await[0]["sha256"], archive::sha256_hex(&bytes));
}

/// A later issue of the same document names the record of the one before.
#[tokio::test]
async fn an_edited_order_chains_its_confirmations() {
    let stack = Stack::open().await;
    let wanted = |text: &str| {
        text.replace("[documents.order-confirmation]", "[documents.order-confirmation]\nafter_edits = true")
    };
    let shop = Shop::open(&stack, wanted).await;
    let number = order_number();
    let first = shop.confirmed(&stack, number, |_| {}).await;
    let mut edited = shop.event("orders/edited", number, |_| {});
    edited["detail"]["payload"] = json!({"order_edit": {"id": 78912, "order_id": number}});
    stack.put(&edited).await;
    let revision = comms::Revision::Named("edit-78912".to_owned());
    let id = comms::CommunicationId::derive(
        &shop.domain,
        Document::OrderConfirmation,
        &comms::Gid::new("Order", number),
        &revision,
    );
    let second = shop.settled(&stack, &id).await;
    let (record, _) = stack.record(&second).await;
    let previous = record.previous.unwrap();
    assert_eq!(previous.communication, first.communication);
    assert_eq!(previous.record_sha256, first.archived.unwrap().record_sha256);
}

/// A worker dies after archiving, and by the next delivery there is nothing to say any more. What is archived stays,
/// so the ledger answers for it.
#[tokio::test]
async fn an_archived_document_has_an_entry_even_if_it_turns_out_that_nothing_was_due() {
    for point in ["archive", "archive-document"] {
        let stack = Stack::open().await;
        let shop = Shop::open_demo(&stack, str::to_owned).await;
        shop.register_samples("shipping-documents").await;
        let event = shop.sample("shipping-documents/fulfillment-events-out-for-delivery.json");
        let item = serde_json::to_value(work(&shop, &event)).unwrap();
        let mut environment = stack.environment();
        environment.insert("QUEUE_URL".to_owned(), stack.output("QueueUrlShippingDocuments").to_owned());
        let armed = [("FAULT_POINT".to_owned(), point.to_owned())];
        let mut doomed =
            Worker::start("shipping-documents", &environment.clone().into_iter().chain(armed).collect())
                .await;
        let ended = doomed.invoke(&batch(std::slice::from_ref(&item), 1), Duration::from_secs(15)).await;
        assert!(matches!(ended, Ended::Died), "{ended:?}");
        let [left] = &stack.entries(&shop.domain).await[..] else { panic!("one communication was begun") };

        let samples = Samples::of("shipping-documents");
        let mut shipment =
            samples.all().find(|it| it["displayStatus"] == "OUT_FOR_DELIVERY").unwrap().clone();
        shipment["displayStatus"] = "ATTEMPTED_DELIVERY".into();
        shop.resource(&shipment).await;
        let mut worker = Worker::start("shipping-documents", &environment).await;
        worker.deliver(&item, 2).await;

        let entry = stack.ledger.get(&left.communication).await.unwrap().expect("it is not forgotten");
        assert_eq!(
            (entry.state, entry.archived.is_some()),
            (State::Suppressed, point == "archive"),
            "{point}"
        );
        if point == "archive" {
            assert_eq!(stack.record(&entry).await.0.communication, entry.communication);
        }
    }
}
