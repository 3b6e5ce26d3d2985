//! `ctl diff`: two records beside each other, a rehearsed document and the last real one of its kind, or any two; or what the
//! former sender's PDFs say beside our driver data (`diff/former.rs`).

mod former;

use crate::{
    access::Reader,
    failure::Failure,
    out::say,
    rows::{self, Difference},
    stack::Stack,
    templates::InForce,
};
use archive::{AccessKind, EvidenceRecord, Output};
use comms::{CommunicationId, Document, ShopDomain};
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use ledger::Entry;
use serde_json::Value;
use std::{path::PathBuf, process::ExitCode};

/// How far back the archive is searched.
const DAYS: i32 = 62;

/// What is compared.
#[derive(clap::Args)]
pub struct Question {
    /// The communication's id.
    #[arg(required_unless_present = "former")]
    communication: Option<CommunicationId>,
    /// Compare with this one.
    against: Option<CommunicationId>,
    /// A folder of PDFs of the former sender, each with the order's name in its file name, such as `receipt-1001.pdf`.
    /// Compares each with the driver data of the last communication about that order: which amounts and texts are in one of
    /// them alone. Exit code 1: some could not be compared.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["communication", "against"], requires_all = ["shop", "document"])]
    former: Option<PathBuf>,
    /// With `--former`: the shop.
    #[arg(long, requires = "former")]
    shop: Option<ShopDomain>,
    /// With `--former`: which document the PDFs are.
    #[arg(long, requires = "former")]
    document: Option<Document>,
    #[command(flatten)]
    reader: Reader,
    /// Print one JSON object per line instead of text.
    #[arg(long)]
    json: bool,
}

pub async fn run(stack: &Stack, question: Question) -> Result<ExitCode, Failure> {
    let Question { communication, against, former, shop, document, reader, json } = question;
    match (communication, former, shop, document) {
        (Some(id), ..) => of_records(stack, &id, against.as_ref(), &reader, json).await,
        (None, Some(folder), Some(shop), Some(document)) => {
            former::run(stack, &folder, &shop, document, &reader, json).await
        }
        _ => Err("name a communication, or a folder with --former, --shop and --document".into()),
    }
}

async fn of_records(
    stack: &Stack,
    id: &CommunicationId,
    against: Option<&CommunicationId>,
    reader: &Reader,
    json: bool,
) -> Result<ExitCode, Failure> {
    let (entry, record) = archived(stack, id).await?;
    let other = match against {
        Some(other) => Some(archived(stack, other).await?.1),
        None => last_real(stack, &entry).await?,
    };
    let Some(other) = other else {
        return Err(
            format!("no real {} was archived within {DAYS} days to compare with", entry.document).into()
        );
    };
    for it in [&other, &record] {
        reader.reads(stack, &it.shop, &it.communication, AccessKind::Record).await?;
    }
    let differences = differences(&other, &record);
    if json {
        differences.iter().try_for_each(rows::print)?;
        return Ok(ExitCode::SUCCESS);
    }
    say!("- {}  {}, composed {}", other.communication, other.document, other.composed_at);
    say!("+ {}  {}, composed {}", record.communication, record.document, record.composed_at);
    for Difference { of, old, new } in &differences {
        say!("  {of}: {old} -> {new}");
    }
    if differences.is_empty() {
        say!("no difference");
    }
    Ok(ExitCode::SUCCESS)
}

async fn archived(stack: &Stack, id: &CommunicationId) -> Result<(Entry, EvidenceRecord), Failure> {
    let entry = stack.ledger.get(id).await?.ok_or_else(|| format!("the ledger has no communication {id}"))?;
    let archived = entry.archived.as_ref().ok_or_else(|| format!("nothing is archived of {id}"))?;
    let (record, _) = stack.archive.record_of(&archived.archive_key, &archived.record_version).await?;
    Ok((entry, record))
}

/// The last one about the same thing, else the last one of this document the shop has sent at all.
async fn last_real(stack: &Stack, entry: &Entry) -> Result<Option<EvidenceRecord>, Failure> {
    let is_real = |other: &Entry| {
        other.document == entry.document
            && other.communication != entry.communication
            && other.archived.as_ref().is_some_and(|archived| !archive::is_test(&archived.archive_key))
    };
    let mut entries = stack.ledger.of_resource(&entry.shop, &entry.reported_on).await?.entries;
    entries.retain(is_real);
    if let Some(last) = entries.last() {
        return Ok(Some(archived(stack, &last.communication).await?.1));
    }
    let mut day = Timestamp::now().to_zoned(TimeZone::UTC).date();
    for _ in 0..DAYS {
        if let Some(id) = last_of_day(stack, &entry.shop, day, entry.document).await? {
            return Ok(Some(archived(stack, &id).await?.1));
        }
        day = day.checked_sub(1.day())?;
    }
    Ok(None)
}

async fn last_of_day(
    stack: &Stack,
    shop: &ShopDomain,
    day: Date,
    document: Document,
) -> Result<Option<CommunicationId>, Failure> {
    let prefix = format!("{shop}/{}/{document}/", day.strftime("%Y/%m/%d"));
    let listed = stack.s3.list_objects_v2().bucket(&stack.outputs.archive_bucket).prefix(&prefix);
    // one page holds plenty to compare with
    let page = listed.send().await?;
    let records =
        page.contents().iter().filter(|object| object.key().is_some_and(|key| key.ends_with("/record.json")));
    let last = records.max_by_key(|object| object.last_modified().map(|at| at.as_nanos()));
    let id = last.and_then(|object| object.key()?.strip_prefix(&prefix)?.split('/').next()?.parse().ok());
    Ok(id)
}

/// What a person who compares two documents wants to know, one line a difference.
fn differences(old: &EvidenceRecord, new: &EvidenceRecord) -> Vec<Difference> {
    let mut found = Vec::new();
    let (before, after) = (InForce::from(old), InForce::from(new));
    let channel = |record: &EvidenceRecord| record.channel.clone().unwrap_or_else(|| "?".to_owned());
    let kept_under = |record: &EvidenceRecord| {
        let kept = record.kept_under.as_ref();
        kept.map_or_else(|| "?".to_owned(), |it| format!("{} ({})", it.class, it.legal_basis))
    };
    // one output of each is compared with the one in the same place
    let each = |record: &EvidenceRecord, of: &dyn Fn(&Output) -> String| {
        record.outputs.iter().map(of).collect::<Vec<_>>().join(", ")
    };
    let pdf = |record: &EvidenceRecord| each(record, &|output| format!("{:?}", output.pdf));
    let media_type = |record: &EvidenceRecord| each(record, &|output| output.media_type.clone());
    let pages = |record: &EvidenceRecord| each(record, &|output| format!("{:?}", output.pages));
    let sha256 = |record: &EvidenceRecord| each(record, &|output| output.sha256.clone());
    for (name, old, new) in [
        ("template", before.template, after.template),
        ("parts", before.parts, after.parts),
        ("configuration", before.configuration, after.configuration),
        ("software", before.software, after.software),
        ("kept under", kept_under(old), kept_under(new)),
        ("channel", channel(old), channel(new)),
        ("PDF", pdf(old), pdf(new)),
        ("locale", old.locale.clone(), new.locale.clone()),
        ("media type", media_type(old), media_type(new)),
        ("pages", pages(old), pages(new)),
        ("schema", old.driver_data.schema.clone(), new.driver_data.schema.clone()),
        ("SHA-256", sha256(old), sha256(new)),
    ] {
        if old != new {
            found.push(Difference { of: name.to_owned(), old: old.into(), new: new.into() });
        }
    }
    let data = |record: &EvidenceRecord| {
        let raw = record.driver_data.data.as_ref();
        raw.and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok()).unwrap_or_default()
    };
    compare("", &data(old), &data(new), &mut found);
    found
}

fn compare(path: &str, old: &Value, new: &Value, found: &mut Vec<Difference>) {
    match (old, new) {
        (Value::Object(a), Value::Object(b)) => {
            let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            for key in keys {
                let member = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or_default();
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(&path, &member(a), &member(b), found);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for index in 0..a.len().max(b.len()) {
                let member = |list: &[Value]| list.get(index).cloned().unwrap_or_default();
                compare(&format!("{path}[{index}]"), &member(a), &member(b), found);
            }
        }
        (old, new) if old != new => {
            found.push(Difference { of: path.to_owned(), old: old.clone(), new: new.clone() });
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_name_their_path() {
        let mut found = Vec::new();
        let old = json!({"a": {"b": [1, 2]}, "c": "x"});
        compare("", &old, &json!({"a": {"b": [1, 3, 4]}, "d": true}), &mut found);
        let lines: Vec<_> = found.iter().map(|it| format!("{}: {} -> {}", it.of, it.old, it.new)).collect();
        assert_eq!(lines, ["a.b[1]: 2 -> 3", "a.b[2]: null -> 4", "c: \"x\" -> null", "d: null -> true"]);
    }
}
