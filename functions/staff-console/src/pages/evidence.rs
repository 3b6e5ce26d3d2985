//! What is archived of a communication, and whether it is what the ledger, the record and the shop's log say.

use crate::{
    Console,
    audit::Act,
    log_in::SignedIn,
    page::{Notice, Page, of_person, text, unavailable},
};
use archive::{ArchiveError, EvidenceRecord, is_test, place, sha256_hex};
use bytes::Bytes;
use comms::{CommunicationId, chain};
use downloads::HttpResponse;
use ledger::{ArchivedAs, Entry};
use maud::{Markup, html};
use sealed_log::{LogError, LogReader, SecretError};

/// One thing that was checked.
struct Check {
    what: String,
    found: Found,
}

/// What came of a check, in words.
enum Found {
    Fits(String),
    /// It cannot be said yet, or not any more.
    Open(String),
    Wrong(String),
}

pub async fn answer(console: &Console, signed_in: &SignedIn, id: &CommunicationId) -> HttpResponse {
    let entry = match console.entry(&signed_in.person, id).await {
        Ok(Some(entry)) => entry,
        Ok(None) => return of_person(signed_in, Notice::NotFound),
        Err(error) => return unavailable(signed_in, &error),
    };
    let Some(archived) = &entry.archived else { return of_person(signed_in, Notice::NotFound) };
    let subject = &signed_in.person.subject;
    if let Err(error) = console.audit.record(subject, Act::SeeEvidence, &entry, None).await {
        return unavailable(signed_in, &error);
    }
    let read = console.archive.record_of(&archived.archive_key, &archived.record_version).await;
    let (record, json) = match read {
        Ok(read) => read,
        Err(ArchiveError::Erased { .. }) => return of_person(signed_in, Notice::Erased),
        Err(error) => return unavailable(signed_in, &error),
    };
    let checks = checks(console, &entry, archived, &record, &json).await;
    let failed = checks.iter().filter(|check| matches!(check.found, Found::Wrong(_))).count();
    let content = html! {
        h1 { "Evidence" }
        p { a href={ "/c/" (id) } { (record.document.title("en")) " " code { (id) } } }
        p.said.bad[failed > 0] role="status" {
            @if failed == 0 { "Everything that was checked is as it was archived." }
            @else { (failed) " of " (checks.len()) " checks failed. Do not rely on this document; tell an operator." }
        }
        div.table tabindex="0" role="region" aria-label="Checks" { table {
            thead { tr { th { "Checked" } th { "Result" } th { "Found" } } }
            tbody { @for check in &checks { tr {
                td { (check.what) }
                @match &check.found {
                    Found::Open(found) => { td { span.state.wait { "not yet" } } td { (text(found)) } },
                    Found::Fits(found) => { td { span.state.good { "fits" } } td { (text(found)) } },
                    Found::Wrong(wrong) => { td { span.state.bad { "does not fit" } } td { (text(wrong)) } },
                }
            } } }
        } }
        (facts(&record))
        details { summary { "The record as it is archived" } pre tabindex="0" { (shown(&json)) } }
    };
    Page { signed_in: Some(signed_in), title: "Evidence", here: "", content, has_script: false }.answer(200)
}

async fn checks(
    console: &Console,
    entry: &Entry,
    archived: &ArchivedAs,
    record: &EvidenceRecord,
    json: &Bytes,
) -> Vec<Check> {
    let hash = sha256_hex(json);
    let fits = hash == archived.record_sha256;
    let mut checks = vec![Check {
        what: "the record against the ledger".to_owned(),
        found: match fits {
            true => Found::Fits(format!("SHA-256 {hash}")),
            false => Found::Wrong(format!("its SHA-256 is {hash}")),
        },
    }];
    for (number, output) in (1..).zip(&record.outputs) {
        let read = console.archive.read_document(output).await;
        checks.push(Check {
            what: format!("document {number} against the record"),
            found: match read {
                Ok(bytes) => match archive::verify(record, &bytes) {
                    Ok(output) => Found::Fits(format!("{} bytes, SHA-256 {}", output.bytes, output.sha256)),
                    Err(error) => Found::Wrong(error.to_string()),
                },
                Err(error) => Found::Wrong(chain(&error)),
            },
        });
    }
    if !is_test(&archived.archive_key) {
        let found = sealed(console, entry, archived, record, json).await;
        let found = found.unwrap_or_else(|error| Found::Wrong(chain(&error)));
        checks.push(Check { what: "the record in the shop's log".to_owned(), found });
    }
    checks
}

/// Why a record cannot be said to be in its shop's log.
#[derive(Debug, thiserror::Error)]
enum NotSealed {
    #[error("its key has no day")]
    NoDay,
    #[error("the log cannot be read")]
    Log(#[from] LogError),
    #[error("the customer's secret cannot be read")]
    Secret(#[from] SecretError),
    #[error("the leaf of the log is of another record")]
    OtherRecord,
}

/// Where the record is in the log. What is not sealed yet is no fault.
async fn sealed(
    console: &Console,
    entry: &Entry,
    archived: &ArchivedAs,
    record: &EvidenceRecord,
    json: &Bytes,
) -> Result<Found, NotSealed> {
    let (day, ..) = place(&archived.archive_key).ok_or(NotSealed::NoDay)?;
    let id = &entry.communication;
    let Some(inclusion) = LogReader::new(&console.logs).prove(&entry.shop, day, id, None).await? else {
        return Ok(Found::Open("not sealed yet: that is done within an hour".to_owned()));
    };
    let Some(secret) = console.commitments.find(&entry.shop, &record.owner()).await? else {
        let destroyed =
            "sealed; the customer's secret was destroyed, so nobody can prove any more what the leaf was";
        return Ok(Found::Open(destroyed.to_owned()));
    };
    if secret.salt(id, None).commit(json) != inclusion.commitment {
        return Err(NotSealed::OtherRecord);
    }
    let log = inclusion.key.name().as_str().to_owned();
    Ok(Found::Fits(format!("leaf {} of the log {log}", inclusion.proof.index)))
}

fn facts(record: &EvidenceRecord) -> Markup {
    html! {
        h2 { "What the record says" }
        dl {
            dt { "composed" } dd { (record.composed_at.strftime("%-d %b %Y, %H:%M:%S UTC")) }
            dt { "template" } dd { code { (text(&record.template.communication)) }
                @if let Some(version) = record.template.version { ", version " (version) } }
            dt { "led to by" } dd { (text(&record.trigger.topic)) " " code { (text(&record.trigger.webhook_id)) } }
            dt { "message class" } dd { (record.message_class.name()) }
            dt { "locale" } dd { (text(&record.locale)) }
            dt { "driver data" } dd { "SHA-256 " code { (text(&record.driver_data.sha256)) } }
            dt { "locked" } dd { (text(&record.retention.mode)) " until " (record.retention.until.strftime("%-d %b %Y")) }
            @if let Some(version) = &record.configuration { dt { "configuration" } dd { "version " code { (text(version)) } } }
            dt { "written by" } dd { (text(&record.software.name)) " " (text(&record.software.version)) }
        }
    }
}

/// JSON with a line per value, of which all can be seen.
fn shown(json: &Bytes) -> String {
    const MOST: usize = 24 * 1024;
    let value: Result<serde_json::Value, _> = serde_json::from_slice(json);
    let pretty = value.and_then(|value| serde_json::to_string_pretty(&value)).unwrap_or_default();
    let visible = comms::visible_json(&pretty);
    if visible.len() <= MOST {
        visible.into_owned()
    } else {
        format!("{}\n… cut here", comms::cut(&visible, MOST))
    }
}
