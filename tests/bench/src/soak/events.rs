//! What happens in the shop: cases of the local run's samples, each with numbers of its own, and what must follow.
//!
//! Everything is fixed by the seed. What must follow is written down here by hand, event by event: nothing of the
//! functions' own planning is asked.

use super::{
    kinds::{KINDS, Way, known},
    random::Random,
};
use crate::{Failure, world::sample};
use serde_json::Value;
use std::{collections::HashSet, time::Duration};

/// Events of a case begin within this time, in any order.
const WINDOW: Duration = Duration::from_secs(10);
/// EventBridge delivers so many events once more, word by word; Shopify tells of so many twice.
const DUPLICATES: f64 = 0.05;
const TOLD_TWICE: f64 = 0.02;
/// The longest time to the second one.
const LATER: Duration = Duration::from_secs(120);

/// One delivery on the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub at: Duration,
    pub case: usize,
    /// Which of its case's events.
    index: usize,
    /// What is the last part of the webhook's id: the same for a word-by-word duplicate.
    webhook: usize,
}

/// A communication that must be there in the end, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub case: usize,
    pub document: &'static str,
    /// Shopify ids.
    pub subject: String,
    pub order: String,
    pub way: Way,
    /// Events that lead to it, by their positions in the plan.
    pub events: Vec<usize>,
}

/// Everything that is going to happen.
pub struct Plan {
    seed: u64,
    samples: Vec<Vec<String>>,
    known: Vec<Vec<(&'static str, String)>>,
    /// The kind of each case.
    cases: Vec<usize>,
    pub events: Vec<Event>,
    pub due: Vec<Due>,
    /// Deliveries that tell nothing new.
    pub duplicates: usize,
}

impl Plan {
    pub fn new(seed: u64, count: usize, duration: Duration) -> Result<Self, Failure> {
        let random = Random::new(seed);
        let (mut events, mut cases, mut duplicates) = (Vec::new(), Vec::new(), 0);
        while events.len() < count {
            let kind = kind(&random);
            let case = cases.len();
            cases.push(kind);
            let begun = random.up_to(duration.saturating_sub(WINDOW));
            for index in 0..KINDS[kind].events.len() {
                let webhook = events.len();
                let event = Event { at: begun + random.up_to(WINDOW), case, index, webhook };
                let later = (event.at + random.up_to(LATER)).min(duration);
                events.push(event.clone());
                let (word_by_word, told_twice) = (random.happens(DUPLICATES), random.happens(TOLD_TWICE));
                if word_by_word || told_twice {
                    let webhook = if word_by_word { webhook } else { events.len() };
                    events.push(Event { at: later, webhook, ..event });
                    duplicates += 1;
                }
            }
        }
        events.sort_by_key(|event| event.at);
        let due = due(&cases, &events);
        let text = |file: &str| sample(file).map(|json| json.to_string());
        let samples = KINDS.iter().map(|kind| kind.events.iter().map(|(file, _)| text(file)).collect());
        let samples = samples.collect::<Result<_, _>>()?;
        let known = KINDS.iter().map(|kind| known(&kind.known)).collect::<Result<_, _>>()?;
        Ok(Self { seed, samples, known, cases, events, due, duplicates })
    }

    /// The event as it is put on the bus.
    pub fn event(&self, event: &Event) -> Result<String, Failure> {
        let sample = &self.samples[self.cases[event.case]][event.index];
        let mut json: Value = serde_json::from_str(&renumbered(sample, event.case))?;
        let webhook = format!("{:08x}-0000-4000-8000-{:012x}", self.seed as u32, event.webhook);
        let occurrence = format!("{:08x}-0000-4000-9000-{:012x}", event.index, event.case);
        json["id"] = webhook.as_str().into();
        let metadata = &mut json["detail"]["metadata"];
        metadata["X-Shopify-Webhook-Id"] = webhook.into();
        metadata["X-Shopify-Event-Id"] = occurrence.into();
        Ok(json.to_string())
    }

    /// The case that a work item is about.
    pub fn case_of(&self, item: &Value) -> Option<usize> {
        let webhook = item["trigger"]["webhook_id"].as_str()?.rsplit('-').next()?;
        let webhook = usize::from_str_radix(webhook, 16).ok()?;
        self.events.iter().find(|event| event.webhook == webhook).map(|event| event.case)
    }

    /// What Shopify has to know before anything is told, and as what.
    pub fn known(&self) -> impl Iterator<Item = (&'static str, String)> {
        let cases = self.cases.iter().enumerate();
        cases.flat_map(|(case, kind)| {
            self.known[*kind].iter().map(move |(what, text)| (*what, renumbered(text, case)))
        })
    }

    /// Words about people in the samples: names, streets, addresses, numbers to call.
    pub fn personal(&self) -> HashSet<String> {
        let mut words = HashSet::new();
        for text in self.samples.iter().flatten().chain(self.known.iter().flatten().map(|(_, text)| text)) {
            collect(&serde_json::from_str(text).unwrap_or_default(), &mut words);
        }
        words
    }
}

fn kind(random: &Random) -> usize {
    let mut draw = random.below(KINDS.iter().map(|kind| kind.share as usize).sum());
    for (index, kind) in KINDS.iter().enumerate() {
        match draw.checked_sub(kind.share as usize) {
            Some(rest) => draw = rest,
            None => return index,
        }
    }
    0
}

fn due(cases: &[usize], events: &[Event]) -> Vec<Due> {
    let mut leading: Vec<Vec<(usize, usize)>> = vec![Vec::new(); cases.len()];
    for (position, event) in events.iter().enumerate() {
        leading[event.case].push((event.index, position));
    }
    let mut all: Vec<Due> = Vec::new();
    for (case, kind) in cases.iter().enumerate() {
        let first = all.len();
        for (index, (_, follows)) in KINDS[*kind].events.iter().enumerate() {
            let events = leading[case].iter().filter(|(it, _)| *it == index).map(|(_, position)| *position);
            for (document, subject, way) in *follows {
                let subject = format!("gid://shopify/{}", renumbered(subject, case));
                let known =
                    all[first..].iter_mut().find(|due| due.document == *document && due.subject == subject);
                match known {
                    Some(due) => due.events.extend(events.clone()),
                    None => all.push(Due {
                        case,
                        document,
                        subject,
                        order: format!("gid://shopify/Order/{}", renumbered(KINDS[*kind].order, case)),
                        way: *way,
                        events: events.clone().collect(),
                    }),
                }
            }
        }
    }
    all
}

/// Shopify's ids are the numbers of ten digits and more. Those of one sample are less than a million apart.
fn renumbered(text: &str, case: usize) -> String {
    let mut renumbered = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(begin) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(begin);
        let (digits, after) = from.split_at(from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len()));
        renumbered.push_str(before);
        match digits.parse::<u64>() {
            Ok(number) if digits.len() >= 10 => {
                renumbered.push_str(&(number + case as u64 * 1_000_000).to_string());
            }
            _ => renumbered.push_str(digits),
        }
        rest = after;
    }
    renumbered + rest
}

const PERSONAL: [&str; 11] = [
    "email",
    "contact_email",
    "phone",
    "first_name",
    "last_name",
    "firstName",
    "lastName",
    "displayName",
    "address1",
    "address2",
    "note",
];

fn collect(json: &Value, words: &mut HashSet<String>) {
    match json {
        Value::Object(map) => {
            for (key, value) in map {
                match value.as_str().filter(|text| text.chars().count() > 4) {
                    Some(text) if PERSONAL.contains(&key.as_str()) => drop(words.insert(text.to_owned())),
                    _ => collect(value, words),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, words)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(seed: u64) -> Plan {
        Plan::new(seed, 500, Duration::from_secs(60)).unwrap()
    }

    #[test]
    fn a_seed_is_a_plan() {
        let (one, same, other) = (plan(1), plan(1), plan(2));
        assert_eq!((&one.events, &one.due), (&same.events, &same.due));
        assert_ne!(one.events, other.events);
        assert!(one.duplicates > 10 && one.events.len() >= 500);
        assert!(one.events.is_sorted_by_key(|event| event.at));
    }

    #[test]
    fn each_event_is_of_its_case_and_each_document_has_one() {
        let plan = plan(3);
        for (position, event) in plan.events.iter().enumerate() {
            let json: Value = serde_json::from_str(&plan.event(event).unwrap()).unwrap();
            let webhook = &json["detail"]["metadata"]["X-Shopify-Webhook-Id"];
            let item = serde_json::json!({"trigger": {"webhook_id": webhook}});
            assert_eq!(plan.case_of(&item), Some(event.case));
            assert!(plan.due.iter().any(|due| due.events.contains(&position)));
        }
        let mut named: Vec<_> = plan.due.iter().map(|due| (due.document, &due.subject)).collect();
        named.sort_unstable();
        named.dedup();
        assert_eq!(named.len(), plan.due.len());
        assert!(plan.due.iter().all(|due| !due.events.is_empty()));
    }

    #[test]
    fn ids_are_changed_and_nothing_else_is() {
        let text = r#"{"id":820982911946154601,"at":"2026-11-22T09:00:04Z","gid":"gid://shopify/Order/820982911946154601"}"#;
        let changed = renumbered(text, 7);
        assert_eq!(changed.matches("820982911953154601").count(), 2);
        assert!(changed.contains("2026-11-22T09:00:04Z"));
    }

    #[test]
    fn the_samples_are_about_people() {
        let words = plan(1).personal();
        assert!(words.contains("camille.moreau@example.com"), "{words:?}");
        assert!(words.len() > 20);
    }
}
