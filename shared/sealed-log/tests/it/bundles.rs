use crate::*;
use rfc3161::Authorities;
use rfc4998::EvidenceRecord;
use sealed_log::{
    CommitmentSecret, LogReader, TimeStamps,
    bundle::{self, Bundle, BundleFault, TimeParts, Trust},
};
use stub_authority::Authority;

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
    let at = Timestamp::now();
    let authority = Authority::new();
    let (shop, rules) = (shop(), time::rules(&authority, rfc3161::Digest::Sha256));
    TimeStamps::new(&store, &shop, &rules).pass(time::ask(&authority, at), at).await.unwrap();
    let inclusion = LogReader::new(&store).prove(&shop, date(), &id(0), None).await.unwrap().unwrap();
    let stamped = inclusion.stamped.unwrap();
    let first = EvidenceRecord::from_der(&stamped.evidence_record).unwrap();
    let mut bundle = Bundle {
        documents: vec![document],
        record,
        proof: inclusion.proof.to_string().into_bytes(),
        salt: salt.0.to_vec(),
        key: format!("{}\n", inclusion.key).into_bytes(),
        key_pem: inclusion.key.to_pem().into_bytes(),
        time: Some(TimeParts {
            time_stamp: first.first().unwrap().to_der().to_vec(),
            evidence_record: stamped.evidence_record,
            authority: stamped.roots.into_bytes(),
        }),
        sums: Vec::new(),
    };
    bundle.sums = sums(&bundle);
    bundle
}

fn page() -> String {
    bundle::page(&["document.pdf"], true)
}

pub fn sums(bundle: &Bundle) -> Vec<u8> {
    bundle::sums(bundle.parts(&["document.pdf"], page().as_bytes()))
}

/// The sums first, as `ctl verify` does.
fn check(bundle: &Bundle) -> Result<bundle::Proved, BundleFault> {
    bundle::check_sums(&bundle.sums, bundle.parts(&["document.pdf"], page().as_bytes()))?;
    bundle::check(bundle, &trust(Some(&key())))
}

fn trust(key: Option<&VerifierKey>) -> Trust<'_> {
    Trust { key, authorities: None, at: Timestamp::now() }
}

type Part = fn(&mut Bundle) -> &mut Vec<u8>;

const PARTS: [(Part, &str); 10] = [
    (|it| &mut it.key, "log-key.txt"),
    (|it| &mut it.key_pem, "log-key.pem"),
    (|it| &mut it.proof, "record.tlog-proof"),
    (|it| &mut it.salt, "salt.bin"),
    (|it| &mut it.record, "record.json"),
    (|it| &mut it.time.as_mut().unwrap().time_stamp, "time-stamp.tst"),
    (|it| &mut it.time.as_mut().unwrap().evidence_record, "evidence-record.ers"),
    (|it| &mut it.time.as_mut().unwrap().authority, "authority.pem"),
    (|it| &mut it.sums, "SHA256SUMS"),
    (|it| &mut it.documents[0], "document"),
];

/// All bytes of all parts, those of the document of 50 KB included.
#[tokio::test]
async fn every_byte_of_every_part_is_refused_when_it_changes_and_the_part_is_named() {
    let bundle = bundle().await;
    let proved = check(&bundle).unwrap();
    // with 300 entries in three batches, each of which has one of its own
    assert_eq!((proved.index, proved.checkpoint.size), (0, 303));
    assert_eq!(proved.time.unwrap().renewals, 0);
    for (part, name) in PARTS {
        let mut changed = bundle.clone();
        for at in 0..part(&mut changed).len() {
            part(&mut changed)[at] ^= 1 << (at % 8);
            let fault = check(&changed).expect_err(name);
            assert!(fault.to_string().contains(name), "{name} {at}: {fault}");
            part(&mut changed)[at] ^= 1 << (at % 8);
        }
        part(&mut changed).push(b'\n');
        assert!(check(&changed).is_err(), "{name} with one byte more");
    }
}

/// The same by somebody who also changes the sums. Of the document every 97th byte: its hash is the same as for the sums.
/// Some bytes of tokens and certificates say nothing; what is proved is the same then.
#[tokio::test]
async fn a_change_with_its_sum_is_refused_or_proves_nothing_else() {
    let bundle = bundle().await;
    let time = check(&bundle).unwrap().time.unwrap().time;
    for (part, name) in PARTS {
        let mut changed = bundle.clone();
        let length = part(&mut changed).len();
        for at in (0..length).step_by(if name == "document" { 97 } else { 1 }) {
            part(&mut changed)[at] ^= 1 << (at % 8);
            match bundle::check(&changed, &trust(Some(&key()))) {
                Ok(proved) => {
                    assert!(
                        ["evidence-record.ers", "authority.pem", "SHA256SUMS"].contains(&name),
                        "{name} {at}"
                    );
                    assert_eq!(proved.time.unwrap().time, time, "{name} {at}");
                }
                Err(fault) => assert!(fault.to_string().contains(name), "{name} {at}: {fault}"),
            }
            part(&mut changed)[at] ^= 1 << (at % 8);
        }
    }
}

#[tokio::test]
async fn a_bundle_of_another_log_or_authority_is_refused_by_who_knows_better() {
    let bundle = bundle().await;
    let other: VerifierKey =
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k".parse().unwrap();
    assert_eq!(bundle::check(&bundle, &trust(Some(&other))).err(), Some(BundleFault::Key));
    assert!(bundle::check(&bundle, &trust(None)).is_ok());
    let strangers = Authorities::from_pem(&Authority::new().root_pem()).unwrap();
    let fault = bundle::check(&bundle, &Trust { authorities: Some(&strangers), ..trust(None) });
    assert!(matches!(fault, Err(BundleFault::Time(_))), "{fault:?}");
    let late = Timestamp::now() + jiff::SignedDuration::from_hours(24 * 365 * 11);
    let fault = bundle::check(&bundle, &Trust { at: late, ..trust(None) });
    assert!(matches!(fault, Err(BundleFault::Time(rfc4998::Unproven::Expired(_)))), "{fault:?}");
}
