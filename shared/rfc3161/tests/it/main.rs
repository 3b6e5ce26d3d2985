//! Tokens that OpenSSL made, right ones and wrong ones.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the way tests do")]

use jiff::{SignedDuration, Timestamp};
use rfc3161::{Authorities, Digest, Imprint, Refused, Request, TimeStamp, Untrusted};
use stub_authority::{Authority, Usage};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn trust(authority: &Authority) -> Authorities {
    Authorities::from_pem(&authority.root_pem()).unwrap()
}

fn request() -> Request {
    Request::new(Imprint::of(Digest::Sha256, b"checkpoint"), [1, 2, 3, 4, 5, 6, 7, 8])
}

fn stamp_at(authority: &Authority, at: Timestamp) -> TimeStamp {
    let reply = authority.stamp_at(&request().to_der().unwrap(), at);
    TimeStamp::from_response(&reply, &request()).unwrap()
}

#[test]
fn a_reply_of_openssl_ts_is_read_and_holds() {
    let authority = Authority::new();
    for digest in [Digest::Sha256, Digest::Sha384, Digest::Sha512] {
        let request = Request::new(Imprint::of(digest, b"checkpoint"), [0xff; 8]);
        let reply = authority.reply(&request.to_der().unwrap());
        let stamp = TimeStamp::from_response(&reply, &request).unwrap();
        let verified = stamp.verify(&trust(&authority)).unwrap();
        assert!((verified.time.duration_since(Timestamp::now())).abs() < HOUR);
        assert!(verified.valid_until > Timestamp::now() + HOUR * 24 * 365 * 9);
        assert_eq!(TimeStamp::from_der(stamp.to_der()).unwrap(), stamp);
    }
}

#[test]
fn a_reply_that_answers_something_else_is_refused() {
    let authority = Authority::new();
    let reply = authority.reply(&request().to_der().unwrap());
    let other = Request::new(Imprint::of(Digest::Sha256, b"checkpoint"), [9; 8]);
    assert_eq!(TimeStamp::from_response(&reply, &other), Err(Refused::Nonce));
    let other = Request::new(Imprint::of(Digest::Sha256, b"another"), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(TimeStamp::from_response(&reply, &other), Err(Refused::Imprint));
    let rejection = [0x30, 9, 0x30, 7, 2, 1, 2, 3, 2, 5, 0x20];
    let refused = TimeStamp::from_response(&rejection, &request());
    assert_eq!(refused, Err(Refused::NotGranted { status: 2, failure: "20".to_owned() }));
    for wrong in [&[][..], b"<p>Welcome", &[0x30, 5, 0x30, 3, 2, 1, 0], &vec![0x30; 1 << 20]] {
        assert!(matches!(TimeStamp::from_response(wrong, &request()), Err(Refused::Malformed(_))));
    }
}

#[test]
fn only_a_certificate_for_time_stamping_alone_is_taken() {
    let authority = Authority::new();
    let now = Timestamp::now();
    stamp_at(&authority, now).verify(&trust(&authority)).unwrap();
    for usage in [Usage::NotCritical, Usage::AndServers, Usage::Servers, Usage::Open] {
        authority.certify(usage, now - HOUR, now + HOUR);
        let refused = stamp_at(&authority, now).verify(&trust(&authority));
        assert_eq!(refused, Err(Untrusted::KeyUsage), "{usage:?}");
    }
}

#[test]
fn the_certificate_must_be_valid_at_the_stamped_time_and_of_a_trusted_authority() {
    let authority = Authority::new();
    let now = Timestamp::now();
    authority.certify(Usage::TimeStamping, now, now + HOUR * 100);
    let verified = stamp_at(&authority, now + HOUR).verify(&trust(&authority)).unwrap();
    assert_eq!(verified.valid_until.as_second(), (now + HOUR * 100).as_second());
    // before, after, and before there was a root
    for at in [now - HOUR, now + HOUR * 101, now - HOUR * 24 * 365] {
        let refused = stamp_at(&authority, at).verify(&trust(&authority));
        assert!(matches!(refused, Err(Untrusted::Chain(_))), "{refused:?}");
    }
    let other = Authority::new();
    let refused = stamp_at(&authority, now + HOUR).verify(&trust(&other));
    assert!(matches!(refused, Err(Untrusted::Chain(_))), "{refused:?}");
    assert!(Authorities::from_pem("").is_err());
    assert!(Authorities::from_pem("no certificate").is_err());
}

/// Each byte in turn: refused, or nothing that was said is different. Within a token, some bytes say nothing.
#[test]
fn a_changed_token_never_says_something_else() {
    let authority = Authority::new();
    let trust = trust(&authority);
    let stamp = TimeStamp::from_response(&authority.reply(&request().to_der().unwrap()), &request()).unwrap();
    let verified = stamp.verify(&trust).unwrap();
    let mut accepted = 0;
    for at in 0..stamp.to_der().len() {
        let mut changed = stamp.to_der().to_vec();
        changed[at] ^= 1 << (at % 8);
        let Ok(read) = TimeStamp::from_der(&changed) else { continue };
        if let Ok(again) = read.verify(&trust) {
            assert_eq!((again, read.imprint()), (verified, stamp.imprint()), "byte {at}");
            accepted += 1;
        }
    }
    assert!(accepted < 32, "{accepted} bytes of a token say nothing");
}
