//! Counts by what they are of and by kind, and the log of the functions as it goes by.

use crate::{
    runtime::{Watch, is_metric},
    server::lock,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex},
};

/// Shared by everything that counts.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<Mutex<BTreeMap<(String, String), u64>>>);

impl Tally {
    pub fn add(&self, group: &str, kind: &str) {
        self.add_many(group, kind, 1);
    }

    pub fn add_many(&self, group: &str, kind: &str, count: u64) {
        *lock(&self.0).entry((group.to_owned(), kind.to_owned())).or_default() += count;
    }

    /// The kinds of a group.
    pub fn of(&self, group: &str) -> Vec<(String, u64)> {
        let counts = lock(&self.0);
        let of_group = counts.iter().filter(|((of, _), _)| of == group);
        of_group.map(|((_, kind), count)| (kind.clone(), *count)).collect()
    }

    pub fn sum(&self, group: &str) -> u64 {
        self.of(group).iter().map(|(_, count)| count).sum()
    }

    /// Reads the log of one function: its size, why messages are delivered again, and whether it says anything personal.
    pub fn watch(&self, function: &'static str, personal: Arc<HashSet<String>>) -> Watch {
        let tally = self.clone();
        Arc::new(move |line| {
            if let Some(word) = personal.iter().find(|word| line.contains(word.as_str())) {
                tally.add("personal", &format!("{function} wrote `{word}` to its log"));
            }
            if line.contains("panicked at") {
                tally.add("panics", &format!("{function}: {line}"));
            }
            if is_metric(line) {
                return;
            }
            tally.add_many("log bytes", function, line.len() as u64 + 1);
            let line: Value = serde_json::from_str(line).unwrap_or_default();
            if line["receive_count"].is_u64() {
                tally.add("retries", &kind_of(line["reason"].as_str().unwrap_or_default()));
            } else if line["fresh"] == false {
                tally.add("found done", function);
            } else if line["message"] == "accepted, not recorded" {
                tally.add("not recorded", function);
            }
        })
    }
}

/// A reason without what differs from message to message: keys, ids, numbers.
fn kind_of(reason: &str) -> String {
    let plain = |word: &&str| !word.contains('/') && !word.contains(|c: char| c.is_ascii_digit());
    let words: Vec<_> = reason.split_whitespace().filter(plain).collect();
    words.join(" ").chars().take(90).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_is_counted_for_what_it_says() {
        let tally = Tally::default();
        let watch = tally.watch("write-back", Arc::new(HashSet::from(["Camille Moreau".to_owned()])));
        watch(
            r#"{"message":"message will be retried","receive_count":1,"reason":"archiving a/b: status 503"}"#,
        );
        watch(r#"{"level":"INFO","fresh":false,"state":"accepted"}"#);
        watch(r#"{"_aws":{},"Accepted":1}"#);
        assert_eq!(tally.of("retries"), [("archiving status".to_owned(), 1)]);
        assert_eq!((tally.sum("found done"), tally.sum("personal")), (1, 0));
        let bytes = tally.sum("log bytes");
        watch("thread 'main' panicked at x.rs: Camille Moreau");
        assert_eq!((tally.sum("panics"), tally.sum("personal")), (1, 1));
        assert!(tally.sum("log bytes") > bytes && bytes > 100);
    }
}
