//! `ctl templates history`: with which template, all its parts, which configuration and which software a document was
//! composed, and from when to when. It is what the records say, not what the design service says today.

use crate::{
    failure::Failure,
    out::say,
    rows::{self, remark},
    select::{Selected, Selection},
    stack::Stack,
};
use archive::EvidenceRecord;
use comms::one_line;
use jiff::Timestamp;
use std::process::ExitCode;

/// What was in force when a document was composed, in words; `?` for what its record does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    pub template: String,
    pub parts: String,
    pub configuration: String,
    pub software: String,
}

/// The time in which it was, as far as documents show it.
#[derive(Debug, PartialEq, Eq)]
struct Period {
    what: InForce,
    first: Timestamp,
    last: Timestamp,
    documents: usize,
}

impl From<&EvidenceRecord> for InForce {
    fn from(record: &EvidenceRecord) -> Self {
        let template = &record.template;
        let version = template.version.map_or_else(|| "?".to_owned(), |version| version.to_string());
        let parts = template.parts.as_ref();
        Self {
            template: format!("{}@{version}", template.communication),
            parts: parts.map_or_else(|| "?".to_owned(), |it| format!("{} ({})", it.sha256, it.count)),
            configuration: record.configuration.clone().unwrap_or_else(|| "?".to_owned()),
            software: format!("{} {}", record.software.name, record.software.version),
        }
    }
}

/// The periods, the oldest first. What is in force again after something else has a period of its own.
fn periods(records: &[Selected]) -> Vec<Period> {
    let mut composed: Vec<_> =
        records.iter().map(|it| (it.record.composed_at, InForce::from(&it.record))).collect();
    composed.sort_by_key(|(at, _)| *at);
    let mut periods: Vec<Period> = Vec::new();
    for (at, what) in composed {
        match periods.last_mut() {
            Some(period) if period.what == what => {
                period.last = at;
                period.documents += 1;
            }
            _ => periods.push(Period { what, first: at, last: at, documents: 1 }),
        }
    }
    periods
}

pub async fn history(stack: &Stack, of: &Selection, json: bool) -> Result<ExitCode, Failure> {
    let periods = periods(&of.find(stack).await?);
    let mut before: Option<&InForce> = None;
    for period in &periods {
        let Period { what, first, last, documents } = period;
        if json {
            let InForce { template, parts, configuration, software } = what;
            let (first, last, documents) = (first.to_string(), last.to_string(), *documents);
            rows::print(&rows::InForce { first, last, documents, template, parts, configuration, software })?;
            continue;
        }
        say!("{first} to {last}, {documents} documents");
        for (name, value, earlier) in [
            ("template", &what.template, before.map(|it| &it.template)),
            ("parts", &what.parts, before.map(|it| &it.parts)),
            ("configuration", &what.configuration, before.map(|it| &it.configuration)),
            ("software", &what.software, before.map(|it| &it.software)),
        ] {
            let mark = if earlier.is_some_and(|earlier| earlier != value) { "*" } else { " " };
            say!("  {mark} {name:14} {}", one_line(value));
        }
        before = Some(what);
    }
    if periods.is_empty() {
        remark!(json, "no such document is archived");
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use archive::RecordRef;
    use serde_json::json;

    fn record(second: i64, version: u32, configuration: &str) -> Selected {
        let id = "c4809f9b199959867b344883a5f958d0";
        let record = json!({
            "v": 1, "communication": id, "shop": "acme.myshopify.com", "flow": "order-confirmation",
            "document": "receipt", "message_class": "transactional", "subject": "gid://shopify/Order/1",
            "revision": "initial", "reported_on": "gid://shopify/Order/1",
            "trigger": {"topic": "orders/paid", "webhook_id": "w"},
            "composed_at": Timestamp::from_second(second).unwrap(), "locale": "en", "outputs": [],
            "template": {"communication": "c", "data_source": "d", "basis": "assumed", "version": version},
            "driver_data": {"schema": "receipt/1", "format": "json", "sha256": "0"}, "configuration": configuration,
            "retention": {"mode": "COMPLIANCE", "until": "2126-01-01T00:00:00Z"},
            "software": {"name": "shopify-exstream", "version": "0.1.0"}, "test": false,
        });
        let record: EvidenceRecord = serde_json::from_str(&record.to_string()).unwrap();
        let reference = RecordRef::beside("x/document.pdf", &record.communication, "v", "0");
        Selected { record, reference }
    }

    #[test]
    fn each_change_of_template_configuration_or_software_begins_a_period() {
        let records = [
            record(30, 2, "b"),
            record(1, 1, "a"),
            record(20, 2, "a"),
            record(10, 1, "a"),
            record(40, 1, "a"),
        ];
        let found: Vec<_> = periods(&records)
            .into_iter()
            .map(|it| {
                (
                    it.first.as_second(),
                    it.last.as_second(),
                    it.documents,
                    it.what.template,
                    it.what.configuration,
                )
            })
            .collect();
        let period = |first, last, documents, template: &str, configuration: &str| {
            (first, last, documents, template.to_owned(), configuration.to_owned())
        };
        assert_eq!(
            found,
            [
                period(1, 10, 2, "c@1", "a"),
                period(20, 20, 1, "c@2", "a"),
                period(30, 30, 1, "c@2", "b"),
                period(40, 40, 1, "c@1", "a"),
            ]
        );
    }
}
