//! What a template consists of: documents, designs, components and paragraphs have versions and effective dates of
//! their own, so text can change while the version of the communication stays.
//!
//! A list of parts is bounded, and has one hash: SHA-256 of its compact JSON as [`Part`] is written, ordered by id.
//! The same parts give the same hash, in whatever order a service lists them.

use crate::ExstreamError;
use jiff::{Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// A template of more parts is not one that people write.
pub(crate) const MAX_PARTS: usize = 5_000;
/// What a record lists; the hash covers all.
const MAX_LISTED: usize = 500;
/// Of a name, an id or a type.
const MAX_TEXT_BYTES: usize = 128;

/// One part of a template, in one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub id: String,
    pub version: u32,
    /// Exstream's word for what it is, such as `document` or `paragraph`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_start: Option<Timestamp>,
    /// The first moment at which it is not in force any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_end: Option<Timestamp>,
}

/// All parts of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// Over all parts, also those that are not listed.
    pub sha256: String,
    pub count: u32,
    /// The first 500 by id.
    pub list: Vec<Part>,
}

impl Parts {
    /// # Errors
    /// [`ExstreamError::Unintelligible`], if there are more than can be.
    pub(crate) fn of(mut list: Vec<Part>) -> Result<Self, ExstreamError> {
        if list.len() > MAX_PARTS {
            return Err(ExstreamError::Unintelligible("a template of more than 5000 parts"));
        }
        list.sort_unstable_by(|a, b| (&a.id, a.version).cmp(&(&b.id, b.version)));
        let mut hash = Sha256::new();
        for (place, part) in list.iter().enumerate() {
            let json = serde_json::to_vec(part)
                .map_err(|_| ExstreamError::Unintelligible("a part that cannot be written as JSON"))?;
            hash.update(if place == 0 { b"[" } else { b"," });
            hash.update(json);
        }
        hash.update(if list.is_empty() { b"[]".as_slice() } else { b"]" });
        let count = u32::try_from(list.len()).unwrap_or(u32::MAX);
        list.truncate(MAX_LISTED);
        Ok(Self { sha256: hex::encode(hash.finalize()), count, list })
    }

    /// The parts that are in force at `now`, of each the latest version, and when that changes.
    pub(crate) fn in_force(
        listed: Vec<Part>,
        now: Timestamp,
    ) -> Result<(Self, Option<Timestamp>), ExstreamError> {
        let mut latest: BTreeMap<String, Part> = BTreeMap::new();
        let mut changes: Option<Timestamp> = None;
        for part in listed {
            for at in [part.effective_start, part.effective_end].into_iter().flatten().filter(|at| *at > now)
            {
                changes = Some(changes.map_or(at, |known| known.min(at)));
            }
            let begun = part.effective_start.is_none_or(|start| start <= now);
            let ended = part.effective_end.is_some_and(|end| end <= now);
            if begun && !ended && latest.get(&part.id).is_none_or(|other| other.version < part.version) {
                latest.insert(part.id.clone(), part);
            }
        }
        Ok((Self::of(latest.into_values().collect())?, changes))
    }
}

/// A part as the design service writes it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WirePart {
    id: String,
    version: u32,
    #[serde(rename = "type")]
    kind: Option<String>,
    name: Option<String>,
    #[serde(default, deserialize_with = "start")]
    effective_start: Option<Timestamp>,
    #[serde(default, deserialize_with = "end")]
    effective_end: Option<Timestamp>,
}

impl From<WirePart> for Part {
    fn from(part: WirePart) -> Self {
        let text = |text: Option<String>| text.filter(|text| !text.is_empty()).map(|text| plain(&text));
        Self {
            id: plain(&part.id).to_ascii_lowercase(),
            version: part.version,
            kind: text(part.kind),
            name: text(part.name),
            effective_start: part.effective_start,
            effective_end: part.effective_end,
        }
    }
}

fn plain(text: &str) -> String {
    comms::cut(text, MAX_TEXT_BYTES).chars().filter(|c| !c.is_control()).collect()
}

/// How the service writes dates is not documented: milliseconds, as it does those of jobs, or text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Date {
    Millis(i64),
    Text(String),
}

fn start<'de, D: Deserializer<'de>>(date: D) -> Result<Option<Timestamp>, D::Error> {
    read(date, |day| day)
}

/// A part whose last day is given as a date is in force on that day.
fn end<'de, D: Deserializer<'de>>(date: D) -> Result<Option<Timestamp>, D::Error> {
    read(date, |day| day.tomorrow().unwrap_or(day))
}

fn read<'de, D: Deserializer<'de>>(
    date: D,
    bound: impl Fn(civil::Date) -> civil::Date,
) -> Result<Option<Timestamp>, D::Error> {
    let unknown = || serde::de::Error::custom("an effective date of a form that is not known");
    let found = match Option::<Date>::deserialize(date).map_err(|_| unknown())? {
        None => return Ok(None),
        Some(Date::Millis(millis)) => Timestamp::from_millisecond(millis).ok(),
        Some(Date::Text(text)) => match text.trim() {
            "" => return Ok(None),
            text => instant(text, bound),
        },
    };
    found.map(Some).ok_or_else(unknown)
}

/// Without an offset a time is that of UTC.
fn instant(text: &str, bound: impl Fn(civil::Date) -> civil::Date) -> Option<Timestamp> {
    let utc = |at: civil::DateTime| at.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if text.len() > "2026-01-01".len() {
        return text.parse::<civil::DateTime>().ok().and_then(utc);
    }
    text.parse::<civil::Date>().ok().and_then(|day| utc(bound(day).at(0, 0, 0, 0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parts(json: serde_json::Value) -> Result<Vec<Part>, serde_json::Error> {
        Ok(serde_json::from_value::<Vec<WirePart>>(json)?.into_iter().map(Part::from).collect())
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_hash_is_that_of_the_list_in_any_order() {
        let one = json!({"id": "A", "version": 3, "type": "document", "name": "Letter", "effectiveStart": 1767225600000_i64});
        let two = json!({"id": "b", "version": 1, "type": "paragraph", "name": ""});
        let parts = |list| Parts::of(parts(list).unwrap()).unwrap();
        let found = parts(json!([one, two]));
        let text = r#"[{"id":"a","version":3,"type":"document","name":"Letter","effective_start":"2026-01-01T00:00:00Z"},{"id":"b","version":1,"type":"paragraph"}]"#;
        assert_eq!(serde_json::to_string(&found.list).unwrap(), text);
        assert_eq!(found.sha256, hex::encode(Sha256::digest(text)));
        assert_eq!(parts(json!([two, one])), found);
        assert_eq!(parts(json!([])).sha256, hex::encode(Sha256::digest("[]")));
    }

    #[test]
    fn the_hash_covers_what_is_not_listed() {
        let many = |last: u32| {
            let listed = (0..2000)
                .map(|n| json!({"id": format!("{n:05}"), "version": if n == 1999 { last } else { 1 }}));
            Parts::of(parts(listed.collect()).unwrap()).unwrap()
        };
        assert_eq!((many(1).count, many(1).list.len()), (2000, 500));
        assert_ne!(many(1).sha256, many(2).sha256);
        let too_many: Vec<_> = (0..=MAX_PARTS).map(|n| json!({"id": n.to_string(), "version": 1})).collect();
        assert!(Parts::of(parts(too_many.into()).unwrap()).is_err());
    }

    #[test]
    fn of_a_part_the_latest_version_in_force_counts() {
        let listed = parts(json!([
            {"id": "p", "version": 1},
            {"id": "p", "version": 2, "effectiveStart": "2026-01-01", "effectiveEnd": "2026-01-31"},
            {"id": "p", "version": 3, "effectiveStart": "2026-02-10T08:00:00+01:00"},
            {"id": "q", "version": 7, "effectiveEnd": 1767225600000_i64},
        ]))
        .unwrap();
        for (now, found, changes) in [
            ("2025-12-31T23:59:59Z", vec![("p", 1), ("q", 7)], Some("2026-01-01T00:00:00Z")),
            ("2026-01-01T00:00:00Z", vec![("p", 2)], Some("2026-02-01T00:00:00Z")),
            ("2026-01-31T23:59:59Z", vec![("p", 2)], Some("2026-02-01T00:00:00Z")),
            ("2026-02-01T00:00:00Z", vec![("p", 1)], Some("2026-02-10T07:00:00Z")),
            ("2026-02-10T07:00:00Z", vec![("p", 3)], None),
        ] {
            let (parts, next) = Parts::in_force(listed.clone(), at(now)).unwrap();
            let ids: Vec<_> = parts.list.iter().map(|part| (part.id.as_str(), part.version)).collect();
            assert_eq!((ids, next), (found, changes.map(at)), "{now}");
        }
    }

    #[test]
    fn dates_of_an_unknown_form_are_no_dates() {
        for date in [json!("soon"), json!("2026-13-01"), json!({"at": 1}), json!(true), json!("01/02/2026")] {
            assert!(parts(json!([{"id": "p", "version": 1, "effectiveStart": date}])).is_err(), "{date}");
        }
        for date in [json!(null), json!("")] {
            let found = parts(json!([{"id": "p", "version": 1, "effectiveEnd": date}])).unwrap();
            assert_eq!(found[0].effective_end, None);
        }
    }

    #[test]
    fn texts_are_bounded_and_plain() {
        let found =
            parts(json!([{"id": "p", "version": 1, "name": "\u{1b}[2J".to_owned() + &"n".repeat(500)}]))
                .unwrap();
        let name = found[0].name.as_deref().unwrap();
        assert!(name.starts_with("[2J") && name.len() < 130, "{name}");
    }
}
