use archive::{Archive, LockMode};
use archive_seal::{ArchiveSeal, Authority, PassRequest, PassResult, Signer, Tools};
use comms::ShopDomain;
use fakes::{Edit, EvidenceAws};
use jiff::{SignedDuration, Timestamp, civil::Date};
use sealed_log::{CommitmentSecrets, LogReader, LogStore};
use service::Invocation;
use shop_config::ConfigStore;
use std::{collections::BTreeSet, time::Duration};

pub const DAY: &str = "acme.myshopify.com/2026/11/27/";

pub fn shop() -> ShopDomain {
    "acme.myshopify.com".parse().unwrap()
}

fn date() -> Date {
    "2026-11-27".parse().unwrap()
}

fn clock() -> Timestamp {
    "2026-11-27T12:00:00Z".parse().unwrap()
}

async fn tools(aws: &EvidenceAws) -> Tools {
    let config = fakes::aws(&aws.url).await;
    let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
    let s3 = aws_sdk_s3::Client::from_conf(s3);
    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    Tools {
        configs: ConfigStore::new(s3.clone(), "operations".to_owned(), Duration::from_secs(60)),
        archive: Archive::new(s3.clone(), "archive".to_owned(), LockMode::Compliance),
        store: LogStore::new(s3.clone(), "archive".to_owned(), LockMode::Compliance, 100),
        s3,
        secrets: CommitmentSecrets::new(dynamodb, "commitments".to_owned()),
        signer: Signer::new(aws_sdk_kms::Client::new(&config), "key".to_owned()),
        authority: None,
        clock,
    }
}

/// One pass that has so much time.
async fn pass_by(tools: Tools, time: SignedDuration) -> PassResult {
    let invocation = Invocation { request_id: "r".to_owned(), deadline: (tools.clock)() + time };
    ArchiveSeal::with(tools).pass(PassRequest { shop: Some(shop()) }, &invocation).await.unwrap()
}

async fn pass_within(aws: &EvidenceAws, time: SignedDuration) -> PassResult {
    pass_by(tools(aws).await, time).await
}

/// With an authority and another clock.
pub async fn pass_with(
    aws: &EvidenceAws,
    authority: Option<Authority>,
    clock: fn() -> Timestamp,
) -> PassResult {
    pass_by(Tools { authority, clock, ..tools(aws).await }, SignedDuration::from_mins(15)).await
}

pub async fn pass(aws: &EvidenceAws) -> PassResult {
    pass_within(aws, SignedDuration::from_mins(15)).await
}

/// The numbers of the communications that are sealed, each once.
async fn sealed(aws: &EvidenceAws) -> BTreeSet<u64> {
    let tools = tools(aws).await;
    let mut sealed = BTreeSet::new();
    let each = |_, entry: sealed_log::Entry| {
        let number = u64::from_str_radix(&entry.communication.as_str()[16..], 16).unwrap();
        assert!(sealed.insert(number), "{number} is sealed twice");
    };
    LogReader::new(&tools.store).sealed_on(&shop(), date(), each).await.unwrap();
    sealed
}

/// What is sealed, in order.
pub async fn sealed_objects(aws: &EvidenceAws) -> BTreeSet<(String, Option<String>)> {
    let tools = tools(aws).await;
    let mut sealed = BTreeSet::new();
    let each = |_, entry: sealed_log::Entry| {
        let entry = (entry.communication.to_string(), entry.object);
        assert!(sealed.insert(entry.clone()), "{entry:?} is sealed twice");
    };
    LogReader::new(&tools.store).sealed_on(&shop(), date(), each).await.unwrap();
    sealed
}

#[tokio::test]
async fn a_day_is_sealed_by_one_request_per_record_and_few_others() {
    let aws = EvidenceAws::start(DAY, 1200, 700).await;
    let result = pass(&aws).await;
    assert_eq!((result.sealed, result.missing, result.altered, result.problems), (1200, 0, 0, 0));
    assert_eq!(sealed(&aws).await, (0..1200).collect());
    let requests = aws.evidence().requests.clone();
    assert_eq!(requests["GetObjectVersion"], 1200, "{requests:?}");
    let others: u64 = requests.values().sum::<u64>() - 1200;
    assert!(others < 1200 / 20, "{requests:?}");
    // nothing is read again
    assert_eq!(pass(&aws).await.sealed, 0);
    assert_eq!(aws.evidence().requests["GetObjectVersion"], 1200);
}

/// Each kind alone: the alarm it raises, and that all others are sealed.
#[tokio::test]
async fn what_is_missing_or_altered_is_counted_and_holds_up_nothing() {
    for (edit, missing, altered, problems, is_sealed) in [
        (Edit::RecordOverwritten, 0, 1, 0, true),
        (Edit::RecordDeleted, 0, 1, 0, true),
        (Edit::DocumentOverwritten, 0, 1, 0, true),
        (Edit::DocumentGone, 1, 0, 0, false),
        (Edit::DocumentLonger, 0, 1, 0, false),
        (Edit::RecordOfAnother, 0, 1, 0, false),
        (Edit::RecordIsNoJson, 0, 1, 0, false),
        (Edit::RecordUnreadable, 0, 0, 1, false),
        (Edit::NotArchivedYet, 0, 0, 0, false),
    ] {
        let aws = EvidenceAws::start(DAY, 20, 3).await;
        aws.evidence().edits.insert(7, edit);
        let result = pass(&aws).await;
        assert_eq!(
            (result.missing, result.altered, result.problems),
            (missing, altered, problems),
            "{edit:?}"
        );
        assert_eq!(result.failed_shops, 0, "{edit:?}");
        let sealed = sealed(&aws).await;
        assert_eq!(sealed.contains(&7), is_sealed, "{edit:?}");
        assert_eq!(sealed.len(), if is_sealed { 20 } else { 19 }, "{edit:?}");
    }
}

/// The same of what is sealed already: a later pass finds it out.
#[tokio::test]
async fn what_goes_missing_or_is_altered_after_it_was_sealed_is_counted_by_each_pass() {
    for (edit, missing, altered) in [
        (Edit::RecordGone, 1, 0),
        (Edit::RecordOverwritten, 0, 1),
        (Edit::RecordDeleted, 0, 1),
        (Edit::DocumentOverwritten, 0, 1),
    ] {
        let aws = EvidenceAws::start(DAY, 20, 3).await;
        assert_eq!(pass(&aws).await.sealed, 20);
        aws.evidence().edits.insert(7, edit);
        for _ in 0..2 {
            let result = pass(&aws).await;
            assert_eq!((result.sealed, result.missing, result.altered), (0, missing, altered), "{edit:?}");
        }
    }
}

#[tokio::test]
async fn a_late_record_is_in_the_next_seal() {
    let aws = EvidenceAws::start(DAY, 20, 3).await;
    aws.evidence().edits.insert(7, Edit::NotArchivedYet);
    assert_eq!(pass(&aws).await.sealed, 19);
    aws.evidence().edits.clear();
    assert_eq!(pass(&aws).await.sealed, 1);
    assert_eq!(sealed(&aws).await, (0..20).collect());
}

/// Ends before the first put, between the rows of customers, the batch and the tiles, and before the checkpoint.
#[tokio::test]
async fn a_pass_that_ends_anywhere_is_continued_by_the_next() {
    for puts in [0, 1, 2, 5, 8, 9] {
        let aws = EvidenceAws::start(DAY, 300, 60).await;
        aws.evidence().dies_after = Some(puts);
        let died = pass(&aws).await;
        assert_eq!(died.failed_shops, 1, "after {puts} puts");
        aws.evidence().dies_after = None;
        aws.evidence().requests.clear();
        let result = pass(&aws).await;
        assert_eq!((result.failed_shops, result.missing), (0, 0));
        assert_eq!(sealed(&aws).await, (0..300).collect(), "after {puts} puts");
        // what was sealed before is not read again, but for what had not become a batch
        let read = aws.evidence().requests.get("GetObjectVersion").copied().unwrap_or_default();
        assert!(read <= 300 - died.sealed, "after {puts} puts: {read}");
    }
}

#[tokio::test]
async fn a_pass_without_time_seals_what_it_has_read_and_the_next_one_the_rest() {
    let aws = EvidenceAws::start(DAY, 300, 60).await;
    let cut = pass_within(&aws, SignedDuration::from_secs(1)).await;
    assert_eq!(cut.missing, 0);
    pass(&aws).await;
    assert_eq!(sealed(&aws).await, (0..300).collect());
}

/// Both make secrets for the same customers, and meet at the same places of the log.
#[tokio::test]
async fn two_passes_at_once_seal_each_record_once() {
    let aws = EvidenceAws::start(DAY, 600, 100).await;
    let (one, other) = tokio::join!(pass(&aws), pass(&aws));
    assert!(one.sealed + other.sealed >= 600, "{one:?} {other:?}");
    pass(&aws).await;
    assert_eq!(sealed(&aws).await, (0..600).collect());
}
