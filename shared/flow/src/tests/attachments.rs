//! Files from elsewhere: fetched once, archived with the document, in its e-mail, and the same whenever it goes out again.

use super::{
    outside::{LABEL, file_at},
    shop::{Shop, content},
};
use crate::{GatherError, Gathered};
use archive::EvidenceRecord;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use comms::State;
use serde_json::{Value, json};

const REQUIRED: &str = "channels = [\"email\"]\nattachments = [{ data = \"labels.file_url\", \
    hosts = [\"127.0.0.1\"], file_name = { en = \"Label {order}.pdf\" } }]";
const ARCHIVED: [&str; 3] = ["archive document-", "archive document.html", "archive record.json"];

fn optional() -> String {
    REQUIRED.replace("hosts =", "required = false, hosts =")
}

/// A document for somebody with as many labels.
fn labels(count: usize) -> Result<Gathered, GatherError> {
    let labels: Vec<_> =
        (0..count).map(|number| json!({"file_url": file_at(&format!("{number}.pdf"))})).collect();
    let Gathered::Ready(mut content) = content(Some("zoe@example.com"))? else {
        panic!("there is something to say")
    };
    content.driver = json!({"labels": labels}).to_string().into_bytes().into();
    Ok(Gathered::Ready(content))
}

fn one_label() -> Result<Gathered, GatherError> {
    labels(1)
}

fn record(shop: &Shop) -> EvidenceRecord {
    let mut record = None;
    shop.set(|outside| record = outside.archived("record.json"));
    serde_json::from_str(&record.unwrap()).unwrap()
}

fn email(shop: &Shop) -> Value {
    serde_json::from_slice(&shop.request("/mra/v1/outbound/emails").body).unwrap()
}

#[tokio::test]
async fn a_file_is_fetched_once_archived_and_attached() {
    let shop = Shop::new(REQUIRED).await;
    let settled = shop.run(one_label).await.unwrap().settled.unwrap();
    assert_eq!((settled.state, settled.reason), (State::Accepted, None));
    let steps = shop.steps();
    assert_eq!(steps[..3], ["claim", "fetch", "compose"]);
    for (step, archived) in steps[3..].iter().zip(ARCHIVED) {
        assert!(step.starts_with(archived), "{step}");
    }
    let record = record(&shop);
    let [letter, label] = &record.outputs[..] else { panic!("a letter and a label") };
    assert_eq!((letter.fetched.as_deref(), label.fetched.as_deref()), (None, Some("labels.file_url")));
    assert_eq!(
        (label.uses.join(" ").as_str(), label.media_type.as_str()),
        ("email-attachment web", "application/pdf")
    );
    assert_eq!((label.bytes, &label.sha256), (LABEL.len() as u64, &archive::sha256_hex(LABEL.as_bytes())));
    let email = email(&shop);
    assert_eq!(
        email["attachments"],
        json!([{"name": "Label.pdf", "type": "pdf", "data": BASE64_STANDARD.encode(LABEL)}])
    );
    assert!(!shop.request("/mra/v1/outbound/emails").text().contains("/files/"), "the address stays here");
}

/// Whatever stands at the address by then.
#[tokio::test]
async fn what_was_fetched_first_is_sent_after_a_crash() {
    let shop = Shop::new(REQUIRED).await;
    shop.died_with(one_label, State::Claimed, true).await;
    shop.set(|outside| outside.file = (200, "%PDF-1.7 another label".to_owned()));
    let settled = shop.run(one_label).await.unwrap().settled.unwrap();
    assert_eq!((settled.state, shop.count("fetch")), (State::Accepted, 1));
    assert_eq!(email(&shop)["attachments"][0]["data"], BASE64_STANDARD.encode(LABEL));
}

#[tokio::test]
async fn a_document_without_the_file_waits_or_goes_without_it() {
    for (status, body) in [(503, ""), (404, ""), (302, ""), (200, "<html>please log in</html>"), (200, "")] {
        let required = Shop::new(REQUIRED).await;
        required.set(|outside| outside.file = (status, body.to_owned()));
        required.run(one_label).await.unwrap_err();
        assert_eq!((required.count("compose"), required.count("send")), (0, 0), "{status} {body}");

        let optional = Shop::new(&optional()).await;
        optional.set(|outside| outside.file = (status, body.to_owned()));
        let settled = optional.run(one_label).await.unwrap().settled.unwrap();
        assert_eq!((settled.state, record(&optional).outputs.len()), (State::Accepted, 1), "{status} {body}");
        assert!(email(&optional)["attachments"].is_null());
    }
}

#[tokio::test]
async fn no_address_no_file() {
    let shop = Shop::new(REQUIRED).await;
    let settled = shop.run(|| labels(0)).await.unwrap().settled.unwrap();
    assert_eq!((settled.state, shop.count("fetch"), record(&shop).outputs.len()), (State::Accepted, 0, 1));
}

#[tokio::test]
async fn a_host_that_is_not_named_is_not_asked() {
    let shop = Shop::new(&REQUIRED.replace("127.0.0.1", "cdn.carrier.example")).await;
    shop.run(one_label).await.unwrap_err();
    assert_eq!(shop.count("fetch"), 0);
}

#[tokio::test]
async fn more_files_than_there_is_room_for_are_a_failure_only_if_they_are_required() {
    let required = Shop::new(REQUIRED).await;
    required.run(|| labels(8)).await.unwrap_err();
    assert_eq!(required.count("fetch"), 0);

    let optional = Shop::new(&optional()).await;
    let settled = optional.run(|| labels(8)).await.unwrap().settled.unwrap();
    assert_eq!((settled.state, record(&optional).outputs.len()), (State::Accepted, 8));
    assert_eq!(email(&optional)["attachments"].as_array().unwrap().len(), 7);
}

/// The bound is for all of them, and what is under it waits for no room.
#[tokio::test]
async fn the_files_of_a_document_are_bounded_together() {
    let large = format!("{LABEL}{}", " ".repeat(600 * 1024));
    let optional = Shop::new(&optional()).await;
    optional.set(|outside| outside.file = (200, large));
    let settled = optional.run(|| labels(3)).await.unwrap().settled.unwrap();
    assert_eq!((settled.state, record(&optional).outputs.len()), (State::Accepted, 2));
}

/// Exstream sends what it composed, and print no label.
#[tokio::test]
async fn who_attaches_nothing_fetches_nothing() {
    let shop = Shop::new(&REQUIRED.replace("[\"email\"]", "[\"print\", \"email\"]")).await;
    let settled = shop.run(one_label).await.unwrap().settled.unwrap();
    assert_eq!((settled.state, shop.count("fetch")), (State::Accepted, 0));
}
