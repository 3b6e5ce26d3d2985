//! What an error answer says, in a form that may be logged.
//!
//! OpenText documents two shapes, its gateway has a third, and some bodies are none of them. Messages may
//! quote driver data, so they are stripped: every word that occurs in the driver data, every word with a
//! digit and every word that is not plain ASCII letters becomes `*`. What is left is Exstream's own wording.

use serde_json::Value;
use std::{collections::HashSet, fmt};

const MESSAGE_CHARS: usize = 200;
const CODE_CHARS: usize = 64;

/// The code and the message of an error answer, stripped of everything that could be a customer's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fault {
    pub code: Option<String>,
    pub message: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.code, &self.message].into_iter().flatten() {
            write!(f, ", {part}")?;
        }
        Ok(())
    }
}

impl Fault {
    /// Reads `body`, and strips what it has in common with `driver` (JSON). The status is the one the body
    /// itself gives for the first failed output; see [`inner_status`].
    pub(crate) fn read(body: &[u8], driver: &[u8]) -> (Option<u16>, Self) {
        let Ok(body) = serde_json::from_slice::<Value>(body) else { return (None, Self::default()) };
        let private = Private::of(driver);
        let gateway = &body["fault"];
        let item = &body["data"][0];
        let code = [&body["errorCode"], &gateway["detail"]["errorcode"]]
            .into_iter()
            .find_map(scalar)
            .filter(|code| is_code(code) && private.as_ref().is_some_and(|words| !words.has(code)));
        let message = [&gateway["faultstring"], &item["errorMessage"], &body["message"], &body["error"]]
            .into_iter()
            .find_map(|text| text.as_str().filter(|text| !text.trim().is_empty()))
            .and_then(|text| private.as_ref().map(|words| words.strip(text)));
        (inner_status(&body), Self { code, message })
    }
}

/// Whether `body` says 401, whatever the HTTP status was.
pub(crate) fn says_unauthorized(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body).is_ok_and(|body| inner_status(&body) == Some(401))
}

/// The status of the second documented shape, `{"status":"error","data":[{"statusCode":"401"}]}`, or of the
/// first, `{"status":404,"errorCode":…}`.
fn inner_status(body: &Value) -> Option<u16> {
    [&body["data"][0]["statusCode"], &body["status"]]
        .into_iter()
        .find_map(|status| scalar(status)?.parse().ok())
        .filter(|status| (300..600).contains(status))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

pub(crate) fn is_code(text: &str) -> bool {
    (1..=CODE_CHARS).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// The words of the driver data's values. Keys are part of the public contract, not private.
struct Private(HashSet<String>);

impl Private {
    fn of(driver: &[u8]) -> Option<Self> {
        let mut words = HashSet::new();
        collect(&serde_json::from_slice(driver).ok()?, &mut words);
        Some(Self(words))
    }

    /// Also true for a word that contains one of three letters or more, such as two names run together.
    fn has(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        self.0.contains(&word)
            || self.0.iter().any(|private| private.len() >= 3 && word.contains(private.as_str()))
    }

    fn strip(&self, text: &str) -> String {
        let mut kept = String::with_capacity(text.len().min(MESSAGE_CHARS));
        for piece in text.split_inclusive(|c: char| !c.is_alphanumeric()) {
            let word = piece.trim_end_matches(|c: char| !c.is_alphanumeric());
            let own = word.bytes().all(|b| b.is_ascii_alphabetic()) && !self.has(word);
            let word = if own { word } else { "*" };
            if kept.len() + word.len() + 1 > MESSAGE_CHARS {
                break;
            }
            kept.push_str(word);
            kept.extend(
                piece
                    .chars()
                    .next_back()
                    .filter(|c| !c.is_alphanumeric())
                    .map(|c| if c.is_ascii_graphic() { c } else { ' ' }),
            );
        }
        kept.trim_end().to_owned()
    }
}

fn collect(value: &Value, words: &mut HashSet<String>) {
    match value {
        Value::String(text) => words.extend(
            text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase),
        ),
        Value::Array(items) => items.iter().for_each(|item| collect(item, words)),
        Value::Object(fields) => fields.values().for_each(|field| collect(field, words)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DRIVER: &[u8] = br##"{"customer":{"name":"Zo\u00eb O'Brien","city":"Graz"},"order":"#1001"}"##;

    fn read(body: &str) -> (Option<u16>, Fault) {
        Fault::read(body.as_bytes(), DRIVER)
    }

    fn fault(code: Option<&str>, message: Option<&str>) -> Fault {
        Fault { code: code.map(str::to_owned), message: message.map(str::to_owned) }
    }

    #[test]
    fn reads_the_documented_shapes_and_none_of_them() {
        let first = r#"{"timestamp":1,"status":404,"message":"Resource was not found","error":"Not Found","details":"","errorCode":1205,"path":"/x"}"#;
        assert_eq!(read(first), (Some(404), fault(Some("1205"), Some("Resource was not found"))));
        let second = r#"{"status":"error","data":[{"errorMessage":"Token expired","statusCode":"401","engineOutputContext":{}}]}"#;
        assert_eq!(read(second), (Some(401), fault(None, Some("Token expired"))));
        let gateway =
            r#"{"fault":{"faultstring":"Invalid ApiKey","detail":{"errorcode":"oauth.v2.InvalidApiKey"}}}"#;
        assert_eq!(read(gateway), (None, fault(Some("oauth.v2.InvalidApiKey"), Some("Invalid ApiKey"))));
        for other in ["", "<html>", "[]", "null", r#"{"a":1}"#, r#"{"data":{}}"#] {
            assert_eq!(read(other), (None, Fault::default()), "{other}");
        }
    }

    #[test]
    fn strikes_out_what_the_driver_data_holds() {
        let (_, found) = read(
            r#"{"message":"cannot map customer name 'Zoë O'Brien' (GRAZ, BrienGraz) of order 1001\nat 7"}"#,
        );
        assert_eq!(found.message.unwrap(), "cannot map customer name '* *'*' (*, *) of order * at *");
        let (_, found) = read(r#"{"errorCode":"Graz","message":"x"}"#);
        assert_eq!(found.code, None);
        let (_, found) = Fault::read(br#"{"message":"hidden"}"#, b"not json");
        assert_eq!(found.message, None, "without the driver data nothing can be told apart");
    }

    proptest! {
        #[test]
        fn no_word_of_the_driver_data_survives(words in prop::collection::vec("\\PC{1,12}", 1..6), glue in "[ ,;'\"<>-]{0,2}") {
            let driver = serde_json::to_vec(&serde_json::json!({"lines": words})).unwrap();
            let body = serde_json::to_vec(&serde_json::json!({"message": format!("bad value {} end", words.join(&glue))})).unwrap();
            let message = Fault::read(&body, &driver).1.message.unwrap().to_lowercase();
            prop_assert!(message.len() <= MESSAGE_CHARS);
            let kept: HashSet<&str> = message.split(|c: char| !c.is_alphanumeric()).collect();
            for word in words.iter().flat_map(|it| it.split(|c: char| !c.is_alphanumeric())).filter(|it| !it.is_empty()) {
                prop_assert!(!kept.contains(word.to_lowercase().as_str()), "{word} in {message}");
            }
        }
    }
}
