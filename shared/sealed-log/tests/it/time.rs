//! Time-stamps of a log by an authority in this process: ten years with renewals, clocks that differ, runs that die.

use crate::*;
use jiff::{SignedDuration, tz::TimeZone};
use rfc3161::{Authorities, Digest, Imprint, Request, TimeStamp};
use rfc4998::EvidenceRecord;
use sealed_log::{Stamped, TimeRules, TimeStamps};
use stub_authority::{Authority, Usage};

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

pub fn rules(authority: &Authority, digest: Digest) -> TimeRules {
    let roots_pem = authority.root_pem();
    TimeRules { authorities: Authorities::from_pem(&roots_pem).unwrap(), roots_pem, digest, renew_days: 180 }
}

pub fn ask(authority: &Authority, at: Timestamp) -> impl AsyncFn(Imprint) -> Result<TimeStamp, Refused> {
    async move |imprint: Imprint| {
        let request = Request::new(imprint, [7; 8]);
        let reply = authority.stamp_at(&request.to_der().unwrap(), at);
        TimeStamp::from_response(&reply, &request).map_err(|error| Refused(error.to_string()))
    }
}

/// A certificate for so many years from `at` on.
fn certify(authority: &Authority, at: Timestamp, years: i64) {
    let hour = SignedDuration::from_hours(1);
    authority.certify(Usage::TimeStamping, at - hour, at + SignedDuration::from_hours(24 * 365 * years));
}

fn record(bucket: &Bucket, date: &str) -> EvidenceRecord {
    let key = format!("log/acme.myshopify.com/time/{date}/evidence-record");
    EvidenceRecord::from_der(bucket.objects()[&key].last().unwrap()).unwrap()
}

fn checkpoint(bucket: &Bucket, date: &str) -> Vec<u8> {
    bucket.objects()[&format!("log/acme.myshopify.com/time/{date}/checkpoint")][0].clone()
}

async fn grow(store: &LogStore, number: u64) {
    let mut log = open(store).await.unwrap();
    log.seal(date(), owned(&entries(number..number + 1)), sign, now()).await.unwrap();
}

/// A stamp every four weeks, by certificates of four years; after five years by another hash function. Each day's record is
/// valid all the time, and at the end all prove the times of ten years.
#[tokio::test]
async fn ten_years_of_stamps_are_renewed_and_all_hold() {
    let bucket = Bucket::default();
    let store = store(&bucket).await;
    let authority = Authority::new();
    let begin: Timestamp = "2027-01-01T00:10:00Z".parse().unwrap();
    let shop = shop();
    let mut dates = Vec::new();
    for period in 0..130i64 {
        let at = begin + SignedDuration::from_hours(24 * 28 * period);
        // a certificate of the authority serves for two years and is valid for four
        if period % 26 == 0 {
            certify(&authority, at, 4);
        }
        let digest = if period < 65 { Digest::Sha256 } else { Digest::Sha512 };
        let rules = rules(&authority, digest);
        let stamps = TimeStamps::new(&store, &shop, &rules);
        grow(&store, period as u64).await;
        let stamped = stamps.pass(ask(&authority, at), at).await.unwrap();
        assert!(stamped.stamped, "{at}");
        dates.push(at.to_zoned(TimeZone::UTC).date());
        // hour by hour of a day each record has its turn
        if period % 6 == 5 {
            for hour in 1..24 {
                let at = at + SignedDuration::from_hours(hour);
                let pass = stamps.pass(ask(&authority, at), at).await.unwrap();
                assert!(!pass.stamped);
            }
        }
    }
    let end = begin + SignedDuration::from_hours(24 * 28 * 130);
    let trust = Authorities::from_pem(&authority.root_pem()).unwrap();
    let mut renewals = 0;
    for date in &dates {
        let date = date.to_string();
        let proved = record(&bucket, &date).verify(&checkpoint(&bucket, &date), &trust, end).unwrap();
        assert_eq!(proved.time.to_zoned(TimeZone::UTC).date().to_string(), date);
        renewals = renewals.max(proved.renewals);
    }
    let first = record(&bucket, &dates[0].to_string());
    assert!(renewals >= 2, "{renewals}");
    assert_eq!(first.last().unwrap().imprint().digest(), Digest::Sha512);
    // without its renewals the first one would prove nothing any more
    let unrenewed = EvidenceRecord::begin(first.first().unwrap()).unwrap();
    unrenewed.verify(&checkpoint(&bucket, &dates[0].to_string()), &trust, end).unwrap_err();
    // one stamp renews many records
    assert!(authority.signed() < 130 + 130, "{}", authority.signed());
}

#[tokio::test]
async fn a_day_has_one_stamp_and_a_day_without_leaves_has_none() {
    let bucket = Bucket::default();
    let store = store(&bucket).await;
    let authority = Authority::new();
    let (shop, rules) = (shop(), rules(&authority, Digest::Sha256));
    let stamps = TimeStamps::new(&store, &shop, &rules);
    let at = Timestamp::now();
    let nothing = Stamped::default();
    assert_eq!(stamps.pass(ask(&authority, at), at).await.unwrap(), nothing, "there is no checkpoint yet");
    grow(&store, 0).await;
    assert!(stamps.pass(ask(&authority, at), at).await.unwrap().stamped);
    grow(&store, 1).await;
    assert_eq!(stamps.pass(ask(&authority, at), at).await.unwrap(), nothing, "the day has its stamp");
    let day = SignedDuration::from_hours(24);
    assert!(stamps.pass(ask(&authority, at + day), at + day).await.unwrap().stamped);
    assert_eq!(stamps.pass(ask(&authority, at + day * 2), at + day * 2).await.unwrap(), nothing);
}

/// Dies before and after each of the three puts. What is stamped was decided by the first.
#[tokio::test]
async fn a_pass_that_dies_is_continued() {
    for (put, takes_effect) in [(1, false), (1, true), (2, false), (2, true), (3, false), (3, true)] {
        let bucket = Bucket::default();
        let store = store(&bucket).await;
        let authority = Authority::new();
        let (shop, rules) = (shop(), rules(&authority, Digest::Sha256));
        let stamps = TimeStamps::new(&store, &shop, &rules);
        let at = Timestamp::now();
        grow(&store, 0).await;
        bucket.die_at(Some((put, takes_effect)));
        stamps.pass(ask(&authority, at), at).await.unwrap_err();
        bucket.die_at(None);
        grow(&store, 1).await;
        stamps.pass(ask(&authority, at), at).await.unwrap();
        let date = at.to_zoned(TimeZone::UTC).date().to_string();
        record(&bucket, &date).verify(&checkpoint(&bucket, &date), &rules.authorities, at).unwrap();
    }
}

/// Whichever clock is wrong, nothing is kept, and the next pass with right clocks stamps.
#[tokio::test]
async fn clocks_that_differ_are_refused() {
    let bucket = Bucket::default();
    let store = store(&bucket).await;
    let authority = Authority::new();
    let (shop, rules) = (shop(), rules(&authority, Digest::Sha256));
    let stamps = TimeStamps::new(&store, &shop, &rules);
    let at = Timestamp::now();
    grow(&store, 0).await;
    let year = SignedDuration::from_hours(24 * 365);
    // this machine's clock is a year behind, then the authority's a year ahead
    stamps.pass(ask(&authority, at), at - year).await.unwrap_err();
    stamps.pass(ask(&authority, at + year), at).await.unwrap_err();
    assert!(!bucket.objects().keys().any(|key| key.ends_with("evidence-record")));
    assert!(stamps.pass(ask(&authority, at), at).await.unwrap().stamped);
    // renewed by a stamp that is older than the one it renews
    let date = at.to_zoned(TimeZone::UTC).date().to_string();
    let record = record(&bucket, &date);
    let old = ask(&authority, at - year)(record.renewal().unwrap()).await.unwrap();
    let renewed = record.renewed(&Vec::new(), &old).unwrap();
    renewed.verify(&checkpoint(&bucket, &date), &rules.authorities, at).unwrap_err();
}

/// Two runs ask, one stamp is kept, and both are content.
#[tokio::test]
async fn two_passes_at_once_keep_one_stamp() {
    let bucket = Bucket::default();
    let store = store(&bucket).await;
    let authority = Authority::new();
    let (shop, rules) = (shop(), rules(&authority, Digest::Sha256));
    let stamps = TimeStamps::new(&store, &shop, &rules);
    let at = Timestamp::now();
    grow(&store, 0).await;
    let (one, other) =
        tokio::join!(stamps.pass(ask(&authority, at), at), stamps.pass(ask(&authority, at), at));
    assert!(one.unwrap().stamped ^ other.unwrap().stamped);
}

/// A pass at each hour of a day, so that each record has its turn.
async fn a_day_of_passes(
    stamps: &TimeStamps<'_>,
    authority: &Authority,
    from: Timestamp,
) -> (u64, Vec<String>) {
    let (mut renewed, mut problems) = (0, Vec::new());
    for hour in 0..23 {
        let at = from + SignedDuration::from_hours(hour);
        let pass = stamps.pass(ask(authority, at), at).await.unwrap();
        renewed += pass.renewed;
        problems.extend(pass.problems);
    }
    (renewed, problems)
}

/// The authority was changed, and on the day of the renewal nothing is added to the log.
#[tokio::test]
async fn a_renewal_keeps_the_roots_that_it_is_checked_against() {
    let bucket = Bucket::default();
    let store = store(&bucket).await;
    let (one, other) = (Authority::new(), Authority::new());
    let (shop, at) = (shop(), Timestamp::now());
    grow(&store, 0).await;
    assert!(
        TimeStamps::new(&store, &shop, &rules(&one, Digest::Sha256))
            .pass(ask(&one, at), at)
            .await
            .unwrap()
            .stamped
    );
    let roots_pem = one.root_pem() + &other.root_pem();
    let both = TimeRules {
        authorities: Authorities::from_pem(&roots_pem).unwrap(),
        roots_pem: roots_pem.clone(),
        ..rules(&other, Digest::Sha512)
    };
    let stamps = TimeStamps::new(&store, &shop, &both);
    assert_eq!(a_day_of_passes(&stamps, &other, at).await, (1, Vec::new()));
    let objects = bucket.objects();
    let mut roots = objects.iter().filter(|(key, _)| key.starts_with("log/acme.myshopify.com/roots/"));
    assert!(roots.any(|(_, versions)| versions[0] == roots_pem.as_bytes()), "nobody could check the renewal");
}

/// Whoever destroyed one record has not kept the others from being renewed.
#[tokio::test]
async fn a_record_that_cannot_be_read_holds_up_no_other() {
    let bucket = Bucket::default();
    let store = store(&bucket).await;
    let authority = Authority::new();
    let (shop, at) = (shop(), Timestamp::now());
    let first = rules(&authority, Digest::Sha256);
    // two days that have their turn in the same pass
    let later = at + SignedDuration::from_hours(24 * 23);
    for (number, at) in [(0, at), (1, later)] {
        grow(&store, number).await;
        assert!(TimeStamps::new(&store, &shop, &first).pass(ask(&authority, at), at).await.unwrap().stamped);
    }
    let date = at.to_zoned(TimeZone::UTC).date().to_string();
    let key = format!("log/acme.myshopify.com/time/{date}/evidence-record");
    bucket.0.lock().unwrap().versions.get_mut(&key).unwrap().push(b"no record".to_vec());
    let second = rules(&authority, Digest::Sha512);
    let (renewed, problems) =
        a_day_of_passes(&TimeStamps::new(&store, &shop, &second), &authority, later).await;
    assert_eq!((renewed, problems.len()), (1, 1), "{problems:?}");
    assert!(problems[0].contains(&key), "{problems:?}");
}
