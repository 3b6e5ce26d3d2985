//! Documents that can be erased: encrypted like any other to whoever has the secret, and nothing to everybody else.

use super::*;
use archive::{DriverData, EvidenceRecord, Recipient, Software, Trigger};
use commitments::Owner;
use comms::{CommunicationId, Gid, MessageClass, Revision, ShopDomain};

const CUSTOMER: &str = "7c9e6679f1a84b2c9d3e5f60718293a4";
/// Nothing that is in the archive may hold it.
const CANARY: &str = "Zephyrine Quixworth";

fn shop() -> ShopDomain {
    "acme.myshopify.com".parse().unwrap()
}

fn id() -> CommunicationId {
    "c4809f9b199959867b344883a5f958d0".parse().unwrap()
}

fn owner() -> Owner {
    Owner::erasable(Some(CUSTOMER), &id())
}

async fn world() -> World {
    let mut world = World::new().await;
    world.secret = Some(world.archive.secret_for(&shop(), &owner()).await.unwrap());
    world
}

fn record(stored: &Stored) -> EvidenceRecord {
    let customer = Gid::new("Customer", 501);
    EvidenceRecord {
        v: EvidenceRecord::VERSION,
        communication: id(),
        shop: shop(),
        flow: Document::PromotionalOffer.flow(),
        document: Document::PromotionalOffer,
        message_class: MessageClass::Marketing,
        subject: customer.clone(),
        revision: Revision::Initial,
        reported_on: customer,
        name: Some(CANARY.to_owned()),
        customer: Some(CUSTOMER.to_owned()),
        trigger: Trigger {
            topic: "t".to_owned(),
            webhook_id: "w".to_owned(),
            event_id: None,
            triggered_at: None,
        },
        composed_at: stored.details.composed_at,
        locale: "en".to_owned(),
        template: stored.details.template.clone(),
        driver_data: DriverData {
            schema: "s/1".to_owned(),
            format: "json".to_owned(),
            sha256: "00".to_owned(),
            data: None,
        },
        outputs: stored.outputs().cloned().collect(),
        channel: None,
        recipient: Some(Recipient {
            name: Some(CANARY.to_owned()),
            email: None,
            phone: None,
            postal_address: None,
        }),
        retention: archive::Retention { mode: "COMPLIANCE".to_owned(), until: stored.details.composed_at },
        kept_under: None,
        consent: None,
        configuration: None,
        software: Software { name: "s".into(), version: "0".into() },
        previous: None,
        resend: None,
        requested: None,
        test: false,
        nonce: None,
    }
}

async fn put_record(world: &World, stored: &Stored) -> (String, String) {
    let record = record(stored);
    let put = world.archive.put_record(&world.location, &record, &record.retention, world.secret.as_ref());
    put.await.unwrap()
}

/// Everything that somebody sees who has the bucket, as text, with what is base64 decoded.
fn bucket(world: &World) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let mut all = String::new();
    for (key, (body, headers)) in world.objects.lock().unwrap().iter() {
        all.push_str(&format!("{key} {} ", String::from_utf8_lossy(body)));
        for (_, value) in headers {
            let decoded = BASE64_STANDARD.decode(value).unwrap_or_default();
            all.push_str(&format!(
                "{value} {} {} ",
                String::from_utf8_lossy(&decoded),
                hex::encode(&decoded)
            ));
        }
    }
    all
}

#[tokio::test]
async fn an_erasable_document_is_read_like_any_other_until_its_secret_is_destroyed() {
    let world = world().await;
    let composed = composed(CANARY);
    let stored = world.attempt(&composed, 8).await.unwrap();
    let (version, sha256) = put_record(&world, &stored).await;
    assert_eq!(hashes(&stored), made(&composed), "the record names the hashes of what was composed");
    let (read, json) = world.archive.record_of(&stored.primary.object, &version).await.unwrap();
    assert_eq!(archive::sha256_hex(&json), sha256);
    assert!(read.is_erasable() && read.owner() == owner() && read.nonce.is_some());
    for (output, composed) in
        stored.outputs().zip(std::iter::once(&composed.primary).chain(&composed.further))
    {
        assert_eq!(world.archive.read_document(output).await.unwrap(), composed.bytes);
    }
    let found = world.archive.find(&world.location).await.unwrap();
    assert_eq!(hashes(&found.document.unwrap()), made(&composed));

    let table = CommitmentSecrets::new(
        aws_sdk_dynamodb::Client::new(&fakes::aws(&world._server.base).await),
        "secrets".to_owned(),
    );
    table.destroy(&shop(), &owner()).await.unwrap();
    for output in stored.outputs() {
        let error = world.archive.read_document(output).await.unwrap_err();
        assert!(matches!(&error, ArchiveError::Erased { .. }), "{error}");
    }
    let error = world.archive.record_of(&stored.primary.object, &version).await.unwrap_err();
    assert!(matches!(error, ArchiveError::Erased { .. }));
    assert!(matches!(world.archive.find(&world.location).await, Err(ArchiveError::Erased { .. })));

    // a later document of the same person has a secret of its own, which opens nothing of before
    let later = world.archive.secret_for(&shop(), &owner()).await.unwrap();
    assert!(later.key_id() != world.secret.as_ref().unwrap().key_id());
    assert!(matches!(world.archive.read_document(&stored.primary).await, Err(ArchiveError::Erased { .. })));
}

/// Neither what was written nor a hash of it, with which a guess could be tested.
#[tokio::test]
async fn the_bucket_says_nothing_of_an_erasable_document() {
    let mut world = world().await;
    let composed = composed(CANARY);
    let stored = world.attempt(&composed, 8).await.unwrap();
    put_record(&world, &stored).await;
    let mut telling = vec![CANARY.to_owned(), CUSTOMER.to_owned(), composed.details.driver_sha256.clone()];
    telling.extend(made(&composed));
    let seen = bucket(&world);
    for text in &telling {
        assert!(!seen.contains(text.as_str()), "{text}");
    }
    // what the search would find
    world.objects.lock().unwrap().clear();
    world.secret = None;
    world.attempt(&composed, 8).await.unwrap();
    put_record(&world, &stored).await;
    let seen = bucket(&world);
    for text in &telling {
        assert!(seen.contains(text.as_str()), "{text}");
    }
}

#[tokio::test]
async fn two_erasable_attempts_that_composed_differently_end_in_one() {
    let (first, second) = (composed("first"), composed("second"));
    for puts in 0..=8 {
        let world = world().await;
        world.attempt(&first, puts).await;
        let again = world.attempt(&second, 8).await.unwrap();
        let expected = if puts == 8 { &first } else { &second };
        assert_eq!((again.adopted, hashes(&again)), (puts == 8, made(expected)), "{puts}");
        let found = world.found().await.unwrap();
        assert_eq!(hashes(&found), made(expected), "{puts}");
        assert_eq!(put_record(&world, &again).await, put_record(&world, &found).await, "one record");
    }
}

/// The first attempt's index entry may be missing for a moment: who has the secret at hand needs none.
#[tokio::test]
async fn an_attempt_adopts_what_another_put_right_now() {
    let world = world().await;
    world.secrets.lock().unwrap().index_is_behind = true;
    world.attempt(&composed("first"), 8).await.unwrap();
    assert!(world.attempt(&composed("second"), 8).await.unwrap().adopted);
}

#[tokio::test]
async fn an_encrypted_object_that_was_changed_or_moved_is_refused() {
    let world = world().await;
    let stored = world.attempt(&composed("first"), 8).await.unwrap();
    let at = |output: &Output| format!("/archive/{}", output.object);
    {
        let mut objects = world.objects.lock().unwrap();
        let other = objects[&at(&stored.further[0])].0.clone();
        objects.get_mut(&at(&stored.further[1])).unwrap().0 = other;
        *objects.get_mut(&at(&stored.primary)).unwrap().0.last_mut().unwrap() ^= 1;
        // whoever can change an object can change its checksum
        for (_, headers) in objects.values_mut() {
            headers.retain(|(name, _)| name != "x-amz-checksum-sha256");
        }
    }
    for output in [&stored.primary, &stored.further[1]] {
        let error = world.archive.read_document(output).await.unwrap_err();
        assert!(matches!(error, ArchiveError::Envelope { .. }), "{error}");
    }
}

/// Who reads it would take it for encrypted.
#[tokio::test]
async fn a_plain_document_that_looks_encrypted_is_not_archived() {
    let world = World::new().await;
    let mut composed = composed("first");
    composed.primary.bytes =
        archive::envelope::seal(&CommitmentSecret::random().unwrap(), "n", b"x").unwrap();
    let retention = world.archive.retention(composed.details.composed_at, 1);
    let put = world.archive.put_document(&world.location, &composed, Vec::new(), &retention, None).await;
    assert!(matches!(put, Err(ArchiveError::Envelope { .. })));
    assert!(world.objects.lock().unwrap().is_empty());
}

/// What is asked of the table of secrets: only for what can be erased, and little.
#[tokio::test]
async fn requests_for_secrets() {
    let world = world().await;
    world.archive.secret_for(&shop(), &owner()).await.unwrap();
    world.attempt(&composed("first"), 8).await.unwrap();
    assert_eq!(world.secrets.lock().unwrap().asked, ["GetItem", "PutItem", "GetItem"]);
}
