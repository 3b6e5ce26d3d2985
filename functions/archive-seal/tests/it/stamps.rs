//! The function with an authority: what it does with each wrong answer, and that it seals all the same.

use crate::pass::{pass_with, shop};
use archive_seal::{Authority, PassResult, StampError};
use fakes::EvidenceAws;
use jiff::{SignedDuration, Timestamp};
use rfc3161::{Authorities, Digest, Imprint};
use sealed_log::TimeRules;
use stub_authority::{Behaviour, Usage};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

async fn client(authority: &stub_authority::Authority) -> Authority {
    let roots_pem = authority.root_pem();
    let authorities = Authorities::from_pem(&roots_pem).unwrap();
    let rules = TimeRules { authorities, roots_pem, digest: Digest::Sha256, renew_days: 180 };
    Authority::new(reqwest::Client::new(), authority.serve().await, rules)
}

async fn archive() -> EvidenceAws {
    let today = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    EvidenceAws::start(&format!("{}/{}/", shop(), today.strftime("%Y/%m/%d")), 5, 2).await
}

async fn pass(aws: &EvidenceAws, authority: &stub_authority::Authority) -> PassResult {
    pass_with(aws, Some(client(authority).await), Timestamp::now).await
}

/// Each pass asks again, until the day has its stamp. Whatever the authority does, the records are sealed.
#[tokio::test]
async fn a_wrong_answer_is_counted_kept_nowhere_and_asked_for_again() {
    for behaviour in [
        Behaviour::Rejects,
        Behaviour::WrongNonce,
        Behaviour::WrongImprint,
        Behaviour::Page,
        Behaviour::Unavailable,
        Behaviour::Huge,
        Behaviour::Silent,
    ] {
        let (aws, authority) = (archive().await, stub_authority::Authority::new());
        authority.behave(behaviour);
        let failed = pass(&aws, &authority).await;
        assert_eq!((failed.sealed, failed.stamped, failed.unstamped), (5, 0, 1), "{behaviour:?}");
        assert_eq!(failed.failed_shops, 0, "{behaviour:?}");
        assert!(!aws.evidence().log.keys().any(|key| key.ends_with("evidence-record")), "{behaviour:?}");
        authority.behave(Behaviour::Stamps);
        let again = pass(&aws, &authority).await;
        assert_eq!((again.sealed, again.stamped, again.unstamped), (0, 1, 0), "{behaviour:?}");
        let asked = authority.asked();
        assert_eq!(pass(&aws, &authority).await.stamped, 0);
        assert_eq!(authority.asked(), asked, "a day has one stamp");
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_for_this_or_not_valid_is_counted() {
    let now = Timestamp::now();
    for (usage, from, until, clock) in [
        (Usage::TimeStamping, now - HOUR * 2, now - HOUR, now),
        (Usage::NotCritical, now - HOUR, now + HOUR, now),
        (Usage::AndServers, now - HOUR, now + HOUR, now),
        (Usage::Servers, now - HOUR, now + HOUR, now),
        (Usage::Open, now - HOUR, now + HOUR, now),
        // its clock is two days ahead
        (Usage::TimeStamping, now - HOUR, now + HOUR * 100, now + HOUR * 48),
    ] {
        let (aws, authority) = (archive().await, stub_authority::Authority::new());
        authority.certify(usage, from, until);
        authority.set_clock(clock);
        let failed = pass(&aws, &authority).await;
        assert_eq!((failed.sealed, failed.stamped, failed.unstamped), (5, 0, 1), "{usage:?}");
        assert!(!aws.evidence().log.keys().any(|key| key.ends_with("evidence-record")), "{usage:?}");
    }
}

/// A pass over many shops does not wait for each.
#[tokio::test]
async fn an_authority_that_is_down_is_asked_once_in_a_pass() {
    let authority = stub_authority::Authority::new();
    authority.behave(Behaviour::Unavailable);
    let client = client(&authority).await;
    let imprint = Imprint::of(Digest::Sha256, b"checkpoint");
    assert!(matches!(client.stamp(imprint.clone()).await, Err(StampError::Status(_))));
    assert!(matches!(client.stamp(imprint.clone()).await, Err(StampError::Down)));
    assert_eq!(authority.asked(), 1);
    authority.behave(Behaviour::Stamps);
    client.begin_pass();
    client.stamp(imprint).await.unwrap();
}

#[tokio::test]
async fn without_an_authority_nothing_is_stamped_and_nothing_is_wrong() {
    let aws = archive().await;
    let result = pass_with(&aws, None, Timestamp::now).await;
    assert_eq!((result.sealed, result.stamped, result.unstamped), (5, 0, 0));
}
