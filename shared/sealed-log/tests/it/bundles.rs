use crate::*;
use sealed_log::{
    CommitmentSecret, LogReader,
    bundle::{self, Bundle, BundleFault},
};

/// A bundle around a document of 50 KB. The record is the archive's published sample in all but hash and length.
pub async fn bundle() -> Bundle {
    let document: Vec<u8> = (0..50_000u32).map(|at| (at * 31 % 251) as u8).collect();
    let record = serde_json::json!({
        "v": 1, "communication": id(0), "shop": shop(), "flow": "order-confirmation", "document": "order-confirmation",
        "message_class": "transactional", "subject": "gid://shopify/Order/1", "revision": "initial",
        "reported_on": "gid://shopify/Order/1",
        "trigger": {"topic": "orders/create", "webhook_id": "w"},
        "composed_at": "2026-11-27T09:00:00Z", "locale": "en",
        "template": {"communication": "c", "data_source": "d", "basis": "unavailable"},
        "driver_data": {"schema": "order-confirmation/1", "format": "json", "sha256": "00"},
        "outputs": [{
            "object": "o/document.pdf", "version_id": "v", "media_type": "application/pdf",
            "bytes": document.len(), "sha256": archive::sha256_hex(&document),
        }],
        "retention": {"mode": "COMPLIANCE", "until": "2036-11-27T09:00:00Z"},
        "software": {"name": "order-confirmation", "version": "0"}, "test": false,
    });
    let record = serde_json::to_vec(&record).unwrap();
    let salt = CommitmentSecret::from_bytes(&[3; 32]).unwrap().salt(&id(0), None);
    let bucket = Bucket::default();
    let store = store(&bucket).await;
    let mut entries = entries(0..300);
    entries[0].commitment = salt.commit(&record);
    run(&store, entries, 100).await.unwrap();
    let inclusion = LogReader::new(&store).prove(&shop(), date(), &id(0), None).await.unwrap().unwrap();
    Bundle {
        documents: vec![document],
        record,
        proof: inclusion.proof.to_string().into_bytes(),
        salt: salt.0.to_vec(),
        key: format!("{}\n", inclusion.key).into_bytes(),
        key_pem: inclusion.key.to_pem().into_bytes(),
    }
}

#[tokio::test]
async fn every_byte_of_every_part_is_refused_when_it_changes_and_the_part_is_named() {
    let bundle = bundle().await;
    let proved = bundle::check(&bundle, Some(&key())).unwrap();
    assert_eq!((proved.index, proved.checkpoint.size), (0, 300));
    type Part = fn(&mut Bundle) -> &mut Vec<u8>;
    // a build without optimisation takes minutes for all of the document's bytes
    let document_step = if cfg!(debug_assertions) { 97 } else { 1 };
    let parts: [(Part, &str, usize); 6] = [
        (|it| &mut it.key, "log-key.txt", 1),
        (|it| &mut it.key_pem, "log-key.pem", 1),
        (|it| &mut it.proof, "record.tlog-proof", 1),
        (|it| &mut it.salt, "salt.bin", 1),
        (|it| &mut it.record, "record.json", 1),
        (|it| &mut it.documents[0], "document", document_step),
    ];
    for (part, name, step) in parts {
        let mut changed = bundle.clone();
        for at in (0..part(&mut changed).len()).step_by(step) {
            part(&mut changed)[at] ^= 1 << (at % 8);
            let fault = bundle::check(&changed, Some(&key())).expect_err(name);
            assert!(fault.to_string().contains(name), "{name} {at}: {fault}");
            part(&mut changed)[at] ^= 1 << (at % 8);
        }
        part(&mut changed).push(b'\n');
        assert!(bundle::check(&changed, Some(&key())).is_err(), "{name} with one byte more");
    }
}

#[tokio::test]
async fn a_bundle_of_another_log_is_refused_by_who_knows_the_key() {
    let bundle = bundle().await;
    let other: VerifierKey =
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k".parse().unwrap();
    assert_eq!(bundle::check(&bundle, Some(&other)).err(), Some(BundleFault::Key));
    assert!(bundle::check(&bundle, None).is_ok());
}
