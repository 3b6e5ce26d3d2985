//! Records over tokens that OpenSSL made: renewed, renewed together, hashed again, and changed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the way tests do")]

use jiff::{SignedDuration, Timestamp};
use rfc3161::{Authorities, Digest, Imprint, Request, TimeStamp};
use rfc4998::{EvidenceRecord, HashTree, Unproven};
use stub_authority::{Authority, Usage};

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn stamp(authority: &Authority, imprint: Imprint, at: Timestamp) -> TimeStamp {
    let request = Request::new(imprint, [1; 8]);
    let reply = authority.stamp_at(&request.to_der().unwrap(), at);
    TimeStamp::from_response(&reply, &request).unwrap()
}

fn certify(authority: &Authority, from: Timestamp, days: i32) {
    // OpenSSL writes the machine's time into a token as well, and Bouncy Castle wants the certificate valid then
    authority.certify(Usage::TimeStamping, Timestamp::now() - DAY, from + DAY * days);
}

/// A record over `data`, stamped at `begin`.
fn begun(authority: &Authority, begin: Timestamp) -> EvidenceRecord {
    certify(authority, begin, 100);
    EvidenceRecord::begin(&stamp(authority, Imprint::of(Digest::Sha256, b"data"), begin)).unwrap()
}

/// The record renewed together with two others.
fn renewed_together(authority: &Authority, record: &EvidenceRecord, at: Timestamp) -> EvidenceRecord {
    let others = [b"a", b"b"].map(|other| Imprint::of(Digest::Sha256, other));
    let tree = HashTree::over(&[&[record.renewal().unwrap()], others.as_slice()].concat()).unwrap();
    let token = stamp(authority, tree.root().clone(), at);
    record.renewed(&tree.into_ways()[0], &token).unwrap()
}

/// A record that was renewed together with two others, and hashed again.
fn renewed(authority: &Authority, begin: Timestamp) -> EvidenceRecord {
    let record = begun(authority, begin);
    certify(authority, begin + DAY * 90, 100);
    let record = renewed_together(authority, &record, begin + DAY * 90);
    certify(authority, begin + DAY * 180, 100);
    let imprint = record.rehashing(Digest::Sha512, b"data").unwrap();
    record.rehashed(&Vec::new(), &stamp(authority, imprint, begin + DAY * 180)).unwrap()
}

#[test]
fn a_renewed_record_proves_the_time_of_its_first_stamp_for_as_long_as_the_last_is_valid() {
    let authority = Authority::new();
    let trust = Authorities::from_pem(&authority.root_pem()).unwrap();
    let begin = Timestamp::now() + DAY * 2;
    let record = renewed(&authority, begin);
    let record = EvidenceRecord::from_der(&record.to_der().unwrap()).unwrap();
    let proved = record.verify(b"data", &trust, begin + DAY * 279).unwrap();
    assert_eq!((proved.time.as_second(), proved.renewals), (begin.as_second(), 2));
    assert!(matches!(record.verify(b"data", &trust, begin + DAY * 281), Err(Unproven::Expired(_))));
    assert_eq!(record.verify(b"date", &trust, begin), Err(Unproven::Imprint(1)));
    let strangers = Authorities::from_pem(&Authority::new().root_pem()).unwrap();
    assert!(matches!(record.verify(b"data", &strangers, begin), Err(Unproven::Untrusted(1, _))));
}

#[test]
fn a_renewal_that_came_too_late_or_is_older_is_refused() {
    let authority = Authority::new();
    let trust = Authorities::from_pem(&authority.root_pem()).unwrap();
    let begin = Timestamp::now() + DAY * 30;
    let record = begun(&authority, begin);
    certify(&authority, begin, 300);
    for (at, fits) in [(DAY * 99, true), (DAY * 101, false), (-DAY, false)] {
        authority.certify(Usage::TimeStamping, begin - DAY * 2, begin + DAY * 300);
        let renewal = stamp(&authority, record.renewal().unwrap(), begin + at);
        let renewed = record.renewed(&Vec::new(), &renewal).unwrap();
        assert_eq!(renewed.verify(b"data", &trust, begin + DAY * 102).is_ok(), fits, "{at:?}");
    }
    // a renewal of something else
    let other = stamp(&authority, Imprint::of(Digest::Sha256, b"other"), begin + DAY);
    let renewed = record.renewed(&Vec::new(), &other).unwrap();
    assert_eq!(renewed.verify(b"data", &trust, begin + DAY), Err(Unproven::Imprint(2)));
}

#[test]
fn a_changed_record_never_proves_something_else() {
    let authority = Authority::new();
    let trust = Authorities::from_pem(&authority.root_pem()).unwrap();
    let begin = Timestamp::now() + DAY * 2;
    let record = renewed(&authority, begin);
    let at = begin + DAY * 200;
    let (der, proved) = (record.to_der().unwrap(), record.verify(b"data", &trust, at).unwrap());
    for byte in 0..der.len() {
        let mut changed = der.clone();
        changed[byte] ^= 1 << (byte % 8);
        let Ok(read) = EvidenceRecord::from_der(&changed) else { continue };
        if let Ok(again) = read.verify(b"data", &trust, at) {
            assert_eq!((again.time, again.renewals), (proved.time, proved.renewals), "byte {byte}");
        }
    }
    for length in 0..der.len() {
        assert!(EvidenceRecord::from_der(&der[..length]).is_err());
    }
}

/// Bouncy Castle's classes accept what this crate writes, and refuse it over other data. Skipped where they are not installed
/// (Debian: `libbcpkix-java`).
#[test]
fn bouncy_castle_accepts_records_that_were_renewed_in_every_way() {
    let is_installed = std::path::Path::new("/usr/share/java/bcpkix.jar").exists()
        && std::process::Command::new("java").arg("-version").output().is_ok();
    if !is_installed {
        println!("skipped: Java and libbcpkix-java are not installed");
        return;
    }
    let authority = Authority::new();
    let begin = Timestamp::now() + DAY * 2;
    let first = begun(&authority, begin);
    let alone =
        first.renewed(&Vec::new(), &stamp(&authority, first.renewal().unwrap(), begin + DAY)).unwrap();
    let together = renewed_together(&authority, &first, begin + DAY);
    let rehashed = renewed(&authority, begin);
    let folder = std::env::temp_dir().join(format!("evidence-record-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("Check.java"), include_str!("Check.java")).unwrap();
    for (name, record) in [("first", first), ("alone", alone), ("together", together), ("rehashed", rehashed)]
    {
        std::fs::write(folder.join("record"), record.to_der().unwrap()).unwrap();
        for (data, accepted) in [("data", true), ("date", false)] {
            let run = std::process::Command::new("java")
                .args(["-cp", "/usr/share/java/*", "Check.java", data])
                .current_dir(&folder)
                .output()
                .unwrap();
            let said =
                format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
            assert_eq!(said.starts_with("accepted"), accepted, "{name} over {data}: {said}");
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
