//! Records of the ledger's stream, as Lambda hands them over, and what each means: an outcome, nothing, or an item
//! that this release cannot read.

use crate::event::{Outcome, OutcomeEvent};
use comms::State;
use ledger::Entry;
use serde::{Deserialize, Serialize};
use serde_dynamo::{AttributeValue, Item};
use serde_json::Value;

/// A batch of changes, the oldest first.
#[derive(Debug, Deserialize)]
pub struct StreamEvent {
    #[serde(rename = "Records")]
    pub records: Vec<Record>,
}

/// One change of an item.
#[derive(Debug, Deserialize)]
pub struct Record {
    pub dynamodb: Change,
}

#[derive(Debug, Deserialize)]
pub struct Change {
    #[serde(rename = "SequenceNumber")]
    pub sequence_number: String,
    /// When the change was made, in seconds since 1970.
    #[serde(rename = "ApproximateCreationDateTime", default)]
    pub made_epoch_s: f64,
    #[serde(rename = "NewImage", default)]
    after: Value,
    #[serde(rename = "OldImage", default)]
    before: Value,
}

/// Which records are to be delivered again: the one that is named and all after it.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct StreamResponse {
    #[serde(rename = "batchItemFailures")]
    pub failures: Vec<Failure>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    #[serde(rename = "itemIdentifier")]
    pub sequence_number: String,
}

/// An item that is a communication's and cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub struct Unreadable {
    pub communication: String,
    pub reason: String,
}

impl Change {
    /// The event that the change leads to, if it gave a communication an outcome that it did not have.
    ///
    /// # Errors
    /// For a communication whose item is not one that this release can read.
    pub fn event(&self) -> Result<Option<OutcomeEvent>, Unreadable> {
        let Some(after) = item(&self.after) else { return Ok(None) };
        let pk = text(&after, "pk").unwrap_or_default().to_owned();
        // a recipient or a channel
        if pk.is_empty() || pk.contains('#') {
            return Ok(None);
        }
        let before = item(&self.before).and_then(|before| outcome(&before));
        let entry: Entry = match serde_dynamo::from_item(after) {
            Ok(entry) => entry,
            Err(error) => return Err(Unreadable { communication: pk, reason: error.to_string() }),
        };
        let after = Outcome::of(entry.state, entry.channel.as_deref(), entry.check_epoch_ms.is_some());
        Ok(after.filter(|_| after != before).map(|outcome| OutcomeEvent::new(&entry, outcome)))
    }
}

/// The outcome of an item, from the few attributes that it depends on.
fn outcome(item: &Item) -> Option<Outcome> {
    let state: State = text(item, "state")?.parse().ok()?;
    Outcome::of(state, text(item, "channel"), item.inner().contains_key("check_epoch_ms"))
}

fn item(image: &Value) -> Option<Item> {
    serde_json::from_value(image.clone()).ok()
}

fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    match item.inner().get(name) {
        Some(AttributeValue::S(text)) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// An item in a state; accepted by a channel that is still asked, where `watched`.
    fn image(state: &str, watched: bool) -> Value {
        let text = |text: &str| json!({"S": text});
        let mut image = json!({
            "pk": text("c4809f9b199959867b344883a5f958d0"), "shop": text("acme.myshopify.com"),
            "flow": text("order-confirmation"), "document": text("receipt"),
            "subject": text("gid://shopify/Order/1"), "revision": text("initial"),
            "reported_on": text("gid://shopify/Order/1"), "state": text(state), "attempts": {"N": "1"},
            "created_epoch_ms": {"N": "1"}, "updated_epoch_ms": {"N": "2"}, "channel": text("email"),
            "write_back": text("pending"), "unsent": {"BOOL": true},
        });
        if watched {
            image["check_epoch_ms"] = json!({"N": "3"});
        }
        image
    }

    fn change(before: Value, after: Value) -> Result<Option<Outcome>, Unreadable> {
        let change = json!({"SequenceNumber": "1", "OldImage": before, "NewImage": after});
        let change: Change = serde_json::from_value(change).unwrap();
        change.event().map(|event| event.map(|event| event.outcome))
    }

    /// Every move of the state machine, and staying.
    #[test]
    fn every_change_of_state() {
        for &from in State::ALL {
            for &to in State::ALL.iter().filter(|to| from.may_become(**to) || **to == from) {
                let told = change(image(from.name(), false), image(to.name(), false)).unwrap();
                let expected = Outcome::of(to, Some("email"), false).filter(|_| from != to);
                assert_eq!(told, expected, "{from} -> {to}");
            }
        }
    }

    #[test]
    fn what_is_accepted_has_its_outcome_when_nothing_more_is_expected_of_its_channel() {
        let (watched, left) = (image("accepted", true), image("accepted", false));
        assert_eq!(change(image("sending", false), watched.clone()), Ok(None));
        assert_eq!(change(image("sending", false), left.clone()), Ok(Some(Outcome::Accepted)));
        assert_eq!(change(watched.clone(), left), Ok(Some(Outcome::Accepted)));
        assert_eq!(change(watched, image("delivered", true)), Ok(Some(Outcome::Delivered)));
        assert_eq!(change(image("delivered", true), image("delivered", false)), Ok(None));
    }

    #[test]
    fn a_communication_without_a_past_and_one_that_is_forgotten() {
        assert_eq!(change(Value::Null, image("suppressed", false)), Ok(Some(Outcome::Suppressed)));
        assert_eq!(change(image("claimed", false), Value::Null), Ok(None));
    }

    #[test]
    fn other_items_of_the_table_are_no_communications() {
        for pk in ["recipient#acme.myshopify.com#00", "channel#acme.myshopify.com#host"] {
            let item = json!({"pk": {"S": pk}, "state": {"S": "failed"}});
            assert_eq!(change(Value::Null, item), Ok(None));
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let mut damaged = image("failed", false);
        damaged["document"] = json!({"S": "postcard"});
        let error = change(image("claimed", false), damaged).unwrap_err();
        assert_eq!(error.communication, "c4809f9b199959867b344883a5f958d0");
        // what cannot be read of the past is taken for something else: once too often, never once too few
        let mut before = image("failed", false);
        before["state"] = json!({"S": "lost"});
        assert_eq!(change(before, image("failed", false)), Ok(Some(Outcome::Failed)));
    }

    proptest! {
        #[test]
        fn no_image_breaks_the_function(name in "[a-z_]{1,12}", value in any::<String>()) {
            let mut odd = image("failed", false);
            odd[name.as_str()] = json!({"S": value});
            let _ = change(Value::Null, odd.clone());
            odd[name.as_str()] = json!(value);
            let _ = change(odd.clone(), odd);
        }
    }
}
