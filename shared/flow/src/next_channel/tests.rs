use super::*;
use comms::{CommunicationId, Document, Gid};
use serde_json::json;

fn entry(state: State, sends: u32, key: Option<&str>, reason: Option<&str>) -> Entry {
    let shop = "acme.myshopify.com".parse().unwrap();
    let order = Gid::new("Order", 1);
    let id = CommunicationId::derive(&shop, Document::Receipt, &order, &Revision::Initial);
    let mut entry = json!({
        "pk": id, "shop": shop, "flow": "order-confirmation", "document": "receipt", "subject": order,
        "revision": "initial", "reported_on": order, "state": state, "attempts": 1, "sends": sends,
        "created_epoch_ms": 0, "updated_epoch_ms": 0, "channel": "email", "reason": reason,
    });
    if let Some(key) = key {
        for name in ["archive_version", "sha256", "record_version", "record_sha256", "template"] {
            entry[name] = "x".into();
        }
        entry["archive_key"] = key.into();
    }
    serde_json::from_value(entry).unwrap()
}

fn config(next: &str) -> ShopConfig {
    let config = format!(
        r#"
        version = 1
        shop = "acme.myshopify.com"
        time_zone = "UTC"
        default_locale = "en"
        brand = {{ name = "Acme" }}
        [exstream]
        adapter = "orchestration"
        base_url = "https://exstream.example"
        domain = "acme"
        token = {{ mode = "none" }}
        [delivery.email]
        base_url = "https://messaging.example"
        token = {{ mode = "basic" }}
        [delivery.web]
        [documents.receipt]
        communication = "c"
        data_source = "d"
        channels = ["email", "web", "print"]
        subject = {{ en = "Receipt" }}
        {next}
        "#
    );
    ShopConfig::parse(&config).unwrap()
}

const ALL: &str = "next_channel_on = [\"bounced\", \"refused\", \"no-outcome\"]";

#[test]
fn only_what_was_certainly_not_delivered_is_tried_by_the_next_channel() {
    let (real, test) = (Some("acme.myshopify.com/x"), Some("test/acme.myshopify.com/x"));
    for (entry, expected) in [
        (entry(State::Bounced, 1, real, None), Some(Undelivered::Bounced)),
        (entry(State::Failed, 1, real, None), Some(Undelivered::Refused)),
        (entry(State::Accepted, 1, real, Some(UNCONFIRMED)), Some(Undelivered::NoOutcome)),
        (entry(State::Unknown, 1, real, None), None),
        (entry(State::Sending, 1, real, None), None),
        (entry(State::Delivered, 1, real, None), None),
        (entry(State::Suppressed, 1, real, None), None),
        // nothing was sent, or a person says that it was
        (entry(State::Failed, 0, real, None), None),
        (entry(State::Accepted, 1, real, None), None),
        (entry(State::Accepted, 1, real, Some("ops: seen in the portal")), None),
        (entry(State::Failed, 1, None, None), None),
        (entry(State::Bounced, 1, test, None), None),
    ] {
        assert_eq!(due(&entry, &config(ALL)), expected, "{:?} {:?}", entry.state, entry.reason);
        assert_eq!(item(&entry, &config(ALL)).is_some(), expected.is_some());
        assert_eq!(due(&entry, &config("")), None, "the shop does not ask for it");
    }
    let bounced = entry(State::Bounced, 1, real, None);
    assert_eq!(due(&bounced, &config("next_channel_on = [\"refused\"]")), None);
    assert_eq!(due(&bounced, &config(&format!("enabled = false\n{ALL}"))), None);
    let last = Entry { channel: Some("print".to_owned()), ..bounced.clone() };
    assert_eq!(due(&last, &config(ALL)), None, "there is no next one");
    let gone = Entry { channel: Some("sms".to_owned()), ..bounced };
    assert_eq!(due(&gone, &config(ALL)), None, "it is not in the list any more");
}

/// From whichever channel before it.
#[test]
fn a_channel_has_one_revision_per_issue() {
    let next = |of: &str| revision(&Revision::named(of), Channel::Print).as_str().to_owned();
    assert_eq!(next("initial"), "next-print");
    assert_eq!(next("next-sms"), "next-print");
    assert_eq!(next("edit-7"), "edit-7.next-print");
    assert_eq!(next("edit-7.next-web"), "edit-7.next-print");
    assert_eq!(next("next-week"), "next-week.next-print");
}
