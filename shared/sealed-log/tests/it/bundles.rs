use crate::*;
use archive::{Fact, FactKind, FactRecord, Software, fact_name, sha256_hex};
use rfc3161::Authorities;
use rfc4998::EvidenceRecord;
use sealed_log::{
    CommitmentSecret, LogReader, TimeStamps,
    bundle::{self, Bundle, BundleFault, LeafParts, TimeParts, Trust},
};
use std::collections::BTreeMap;
use stub_authority::Authority;

fn secret_of_bundle() -> CommitmentSecret {
    CommitmentSecret::from_bytes(&[3; 32]).unwrap()
}

/// The facts of a communication with this record: taken by the channel, and opened.
fn facts(record: &[u8]) -> Vec<Vec<u8>> {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let accepted = Fact {
        channel: Some("web".to_owned()),
        reference: Some("link-1".to_owned()),
        ..Fact::new(FactKind::Accepted, at("2026-11-27T09:00:05Z"))
    };
    let opened =
        Fact { opened: Some("page".to_owned()), ..Fact::new(FactKind::Opened, at("2026-11-27T10:00:00Z")) };
    let (record_sha256, mut previous_sha256) = (sha256_hex(record), sha256_hex(record));
    let mut facts = Vec::new();
    for (number, fact) in (1..).zip([accepted, opened]) {
        let fact = FactRecord {
            v: FactRecord::VERSION,
            communication: id(0),
            number,
            record_sha256: record_sha256.clone(),
            previous_sha256,
            fact,
            software: Software::THIS,
        };
        let json = serde_json::to_vec(&fact).unwrap();
        previous_sha256 = sha256_hex(&json);
        facts.push(json);
    }
    facts
}

/// The entry of a fact.
fn entry(number: u32, json: &[u8]) -> Entry {
    let object = fact_name(number);
    let commitment = secret_of_bundle().salt(&id(0), Some(&object)).commit(json);
    Entry { communication: id(0), object: Some(object), commitment }
}

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
    let facts = facts(&record);
    let bucket = Bucket::default();
    let store = store(&bucket).await;
    let mut entries = entries(0..299);
    entries[0].commitment = secret_of_bundle().salt(&id(0), None).commit(&record);
    entries.push(entry(1, &facts[0]));
    run(&store, entries, 100).await.unwrap();
    let at = Timestamp::now();
    let authority = Authority::new();
    let (shop, rules) = (shop(), time::rules(&authority, rfc3161::Digest::Sha256));
    TimeStamps::new(&store, &shop, &rules).pass(time::ask(&authority, at), at).await.unwrap();
    // sealed after the day was stamped
    run(&store, vec![entry(2, &facts[1])], 100).await.unwrap();
    let proofs = LogReader::new(&store).prove_each(&shop, date(), &id(0), |_| true).await.unwrap();
    let (mut leaves, mut roots, mut key) = (Vec::new(), None, None);
    for ((object, inclusion), json) in proofs.into_iter().zip([&record, &facts[0], &facts[1]]) {
        let time = inclusion.stamped.map(|stamped| {
            roots = Some(stamped.roots.into_bytes());
            let evidence_record = stamped.evidence_record;
            let record = EvidenceRecord::from_der(&evidence_record).unwrap();
            TimeParts { time_stamp: record.first().unwrap().to_der().to_vec(), evidence_record }
        });
        key = Some(inclusion.key);
        leaves.push(LeafParts {
            json: json.clone(),
            salt: secret_of_bundle().salt(&id(0), object.as_deref()).0.to_vec(),
            proof: inclusion.proof.to_string().into_bytes(),
            time,
        });
    }
    let (key, facts) = (key.unwrap(), leaves.split_off(1));
    let mut bundle = Bundle {
        documents: vec![document],
        record: leaves.remove(0),
        facts,
        key: format!("{key}\n").into_bytes(),
        key_pem: key.to_pem().into_bytes(),
        authority: roots,
        sums: Vec::new(),
    };
    bundle.sums = sums(&bundle);
    bundle
}

/// Of the bundle as it was: who changes a part does not write another page.
pub fn page(bundle: &Bundle) -> String {
    bundle::page(bundle, &["document.pdf"], &bundle::check(bundle, &trust(None)).unwrap())
}

fn sums(bundle: &Bundle) -> Vec<u8> {
    bundle::sums(bundle.parts(&["document.pdf"], page(bundle).as_bytes()))
}

/// The sums first, as `ctl verify` does.
fn check(bundle: &Bundle, page: &str) -> Result<bundle::Proved, BundleFault> {
    bundle::check_sums(&bundle.sums, bundle.parts(&["document.pdf"], page.as_bytes()))?;
    bundle::check(bundle, &trust(Some(&key())))
}

fn trust(key: Option<&VerifierKey>) -> Trust<'_> {
    Trust { key, authorities: None, at: Timestamp::now() }
}

type Part = fn(&mut Bundle) -> &mut Vec<u8>;

const PARTS: [(Part, &str); 18] = [
    (|it| &mut it.key, "log-key.txt"),
    (|it| &mut it.key_pem, "log-key.pem"),
    (|it| &mut it.record.proof, "record.tlog-proof"),
    (|it| &mut it.record.salt, "record.salt"),
    (|it| &mut it.record.json, "record.json"),
    (|it| &mut it.record.time.as_mut().unwrap().time_stamp, "record.tst"),
    (|it| &mut it.record.time.as_mut().unwrap().evidence_record, "record.ers"),
    (|it| &mut it.facts[0].proof, "fact-01.tlog-proof"),
    (|it| &mut it.facts[0].salt, "fact-01.salt"),
    (|it| &mut it.facts[0].json, "fact-01.json"),
    (|it| &mut it.facts[0].time.as_mut().unwrap().time_stamp, "fact-01.tst"),
    (|it| &mut it.facts[0].time.as_mut().unwrap().evidence_record, "fact-01.ers"),
    (|it| &mut it.facts[1].proof, "fact-02.tlog-proof"),
    (|it| &mut it.facts[1].salt, "fact-02.salt"),
    (|it| &mut it.facts[1].json, "fact-02.json"),
    (|it| it.authority.as_mut().unwrap(), "authority.pem"),
    (|it| &mut it.sums, "SHA256SUMS"),
    (|it| &mut it.documents[0], "document"),
];

/// All bytes of all parts, those of the document of 50 KB included.
#[tokio::test]
async fn every_byte_of_every_part_is_refused_when_it_changes_and_the_part_is_named() {
    let bundle = bundle().await;
    let page = page(&bundle);
    let proved = check(&bundle, &page).unwrap();
    // with 300 entries in three batches, each of which has one of its own, and a later batch
    assert_eq!((proved.leaf.index, proved.leaf.checkpoint.size), (0, 303));
    assert_eq!(proved.leaf.time.unwrap().renewals, 0);
    let places: Vec<_> = proved.facts.iter().map(|(_, leaf)| (leaf.index, leaf.checkpoint.size)).collect();
    assert_eq!(places, [(301, 303), (303, 305)]);
    assert!(proved.facts[0].1.time.is_some() && proved.facts[1].1.time.is_none());
    for (part, name) in PARTS {
        let mut changed = bundle.clone();
        for at in 0..part(&mut changed).len() {
            part(&mut changed)[at] ^= 1 << (at % 8);
            let fault = check(&changed, &page).expect_err(name);
            assert!(fault.to_string().contains(name), "{name} {at}: {fault}");
            part(&mut changed)[at] ^= 1 << (at % 8);
        }
        part(&mut changed).push(b'\n');
        assert!(check(&changed, &page).is_err(), "{name} with one byte more");
    }
}

/// The same by somebody who also changes the sums. Of the document every 97th byte: its hash is the same as for the sums. Of
/// the fact's stamp every 13th: it is the record's.
/// Some bytes of tokens and certificates say nothing; what is proved is the same then.
#[tokio::test]
async fn a_change_with_its_sum_is_refused_or_proves_nothing_else() {
    let bundle = bundle().await;
    let time = check(&bundle, &page(&bundle)).unwrap().leaf.time.unwrap().time;
    for (part, name) in PARTS {
        let mut changed = bundle.clone();
        let length = part(&mut changed).len();
        let step = match name {
            "document" => 97,
            "fact-01.tst" | "fact-01.ers" => 13,
            _ => 1,
        };
        for at in (0..length).step_by(step) {
            part(&mut changed)[at] ^= 1 << (at % 8);
            match bundle::check(&changed, &trust(Some(&key()))) {
                Ok(proved) => {
                    assert!(
                        ["record.ers", "fact-01.ers", "authority.pem", "SHA256SUMS"].contains(&name),
                        "{name} {at}"
                    );
                    assert_eq!(proved.leaf.time.unwrap().time, time, "{name} {at}");
                    assert_eq!(proved.facts[0].1.time.as_ref().unwrap().time, time, "{name} {at}");
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
    assert!(matches!(fault, Err(BundleFault::Time(..))), "{fault:?}");
    let late = Timestamp::now() + jiff::SignedDuration::from_hours(24 * 365 * 11);
    let fault = bundle::check(&bundle, &Trust { at: late, ..trust(None) });
    assert!(matches!(fault, Err(BundleFault::Time(_, rfc4998::Unproven::Expired(_)))), "{fault:?}");
}

/// By somebody who also writes other sums, and other numbers into the names of the parts.
#[tokio::test]
async fn facts_that_are_left_out_exchanged_or_of_another_communication_are_refused() {
    let whole = bundle().await;
    let refused = |change: fn(&mut Bundle)| {
        let mut changed = whole.clone();
        change(&mut changed);
        bundle::check(&changed, &trust(None)).expect_err("it is refused").to_string()
    };
    let first_left_out = refused(|it| drop(it.facts.remove(0)));
    assert!(first_left_out.starts_with("fact-01.json"), "{first_left_out}");
    let exchanged = refused(|it| it.facts.swap(0, 1));
    assert!(exchanged.starts_with("fact-01.json"), "{exchanged}");
    let twice = refused(|it| it.facts[1] = it.facts[0].clone());
    assert!(twice.starts_with("fact-02.json"), "{twice}");
    let record_as_fact = refused(|it| it.facts[0] = it.record.clone());
    assert!(record_as_fact.starts_with("fact-01.json"), "{record_as_fact}");
    // of the last ones nobody can tell
    let mut fewer = whole.clone();
    fewer.facts.pop();
    assert_eq!(bundle::check(&fewer, &trust(None)).unwrap().facts.len(), 1);
}

#[tokio::test]
async fn a_bundle_is_read_from_its_parts_and_no_others() {
    let whole = bundle().await;
    let page = page(&whole);
    let mut parts: BTreeMap<String, Vec<u8>> = whole
        .parts(&["document.pdf"], page.as_bytes())
        .into_iter()
        .map(|(name, it)| (name, it.to_vec()))
        .collect();
    parts.insert("SHA256SUMS".to_owned(), whole.sums.clone());
    let read = Bundle::from_parts(parts.clone()).unwrap();
    assert_eq!(bundle::check(&read, &trust(None)).unwrap().facts.len(), 2);
    for name in parts.keys() {
        let mut fewer = parts.clone();
        fewer.remove(name);
        let fault = Bundle::from_parts(fewer).expect_err(name).to_string();
        // the sums tell that parts are missing whose absence is allowed
        assert!(
            fault.contains(name.as_str()) || fault.starts_with("SHA256SUMS") || fault.starts_with("fact-"),
            "{name}: {fault}"
        );
    }
    parts.insert("fact-03.tst".to_owned(), Vec::new());
    assert_eq!(Bundle::from_parts(parts).err(), Some(BundleFault::Unknown("fact-03.tst".to_owned())));
}

#[tokio::test]
async fn the_page_says_what_became_of_it() {
    let page = page(&bundle().await);
    for text in [
        "fact-01.json  2026-11-27T09:00:05Z\n      The channel web took it and calls it link-1. In the log at ",
        "fact-02.json  2026-11-27T10:00:00Z\n      Its page was opened for the first time.\n",
    ] {
        assert!(page.contains(text), "{page}");
    }
    assert!(!page.contains(['{']) || !page.contains("{stems}") && !page.contains("{facts}"), "{page}");
}
