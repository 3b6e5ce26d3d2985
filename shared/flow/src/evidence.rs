//! From what happened to what the archive keeps of it.

use crate::{
    content::{Consent, Content, PreviousIssue},
    context::{Attempt, Draft},
    resend::ResendRequest,
};
use archive::{
    CorrectedAddress, DriverData, EvidenceRecord, KeptUnder, Part, Parts, Previous, Recipient, Resend,
    Retention, Software, Stored, TemplateBasis, is_test,
};
use comms::{Document, MessageClass, Revision, chain};
use exstream::Basis;
use ledger::{ArchivedAs, Entry, Lease, LedgerError};
use serde_json::value::RawValue;
use shop_config::{Channel, DocumentConfig, DriverFormat, Use};

/// How a record names a format of driver data.
pub const fn format_name(format: DriverFormat) -> &'static str {
    match format {
        DriverFormat::Json => "json",
        DriverFormat::Xml => "xml",
    }
}

/// The template as the record names it.
pub fn template(found: exstream::Template, data_source: &str) -> archive::Template {
    archive::Template {
        communication: found.communication,
        data_source: data_source.to_owned(),
        version: found.version,
        basis: match found.basis {
            Basis::Assumed => TemplateBasis::Assumed,
            Basis::Traced => TemplateBasis::Traced,
            Basis::Unavailable => TemplateBasis::Unavailable,
        },
        parts: found.parts.map(|parts| Parts {
            sha256: parts.sha256.clone(),
            count: parts.count,
            list: parts.list.iter().map(part).collect(),
        }),
    }
}

fn part(part: &exstream::Part) -> Part {
    Part {
        id: part.id.clone(),
        version: part.version,
        kind: part.kind.clone(),
        name: part.name.clone(),
        effective_start: part.effective_start,
        effective_end: part.effective_end,
    }
}

/// What an archived output is for. One that is for something this release does not know is kept and sent by no channel.
pub fn uses(output: &archive::Output) -> Vec<Use> {
    let known: Vec<_> = output.uses.iter().filter_map(|name| name.parse().ok()).collect();
    if known.is_empty() && !output.uses.is_empty() { vec![Use::Archive] } else { known }
}

/// What a record is made of, beside the attempt.
pub struct Evidence<'a> {
    pub draft: &'a Draft<'a>,
    pub stored: &'a Stored,
    pub retention: &'a Retention,
    pub previous: Option<Previous>,
    /// SHA-256 of the driver data as it would be sent now.
    pub driver_sha256: &'a str,
}

/// The record of a document that is archived.
pub fn record(attempt: &Attempt<'_>, evidence: Evidence<'_>) -> EvidenceRecord {
    let Evidence { draft: Draft { content, test, customer, .. }, stored, .. } = evidence;
    // what was true when it was composed, even if this attempt is a later one
    let details = &stored.details;
    let channel = details.channel.as_deref().and_then(|name| name.parse::<Channel>().ok());
    let class = attempt.settings.class(attempt.plan.document);
    EvidenceRecord {
        v: EvidenceRecord::VERSION,
        communication: attempt.communication.clone(),
        shop: attempt.item.shop.clone(),
        flow: attempt.item.flow,
        document: attempt.plan.document,
        message_class: class,
        subject: attempt.plan.subject.clone(),
        revision: attempt.plan.revision.clone(),
        reported_on: content.reported_on.as_ref().unwrap_or(&attempt.plan.reported_on).clone(),
        name: content.name.clone(),
        customer: customer.map(|key| key.as_str().to_owned()),
        trigger: trigger(attempt),
        composed_at: details.composed_at,
        locale: details.locale.clone(),
        template: details.template.clone(),
        driver_data: driver_data(content, stored, evidence.driver_sha256),
        outputs: stored.outputs().cloned().collect(),
        channel: channel.map(|channel| channel.name().to_owned()),
        recipient: recipient(content, class, channel, attempt.settings, attempt.plan.document),
        retention: evidence.retention.clone(),
        kept_under: Some(kept_under(attempt)),
        consent: match &content.consent {
            Consent::Given(found) => Some(found.clone()),
            Consent::NotAsked | Consent::Refused(_) => None,
        },
        configuration: details.configuration.clone(),
        software: Software::THIS,
        previous: evidence.previous,
        resend: attempt.resend.map(|request| Resend {
            actor: request.resend.actor.clone(),
            reason: request.resend.reason.clone(),
            of: request.resend.of.clone(),
            corrected: corrected(request),
        }),
        requested: attempt.item.request.as_ref().map(|request| archive::Decision {
            actor: request.actor.clone(),
            reason: request.reason.clone(),
        }),
        test: *test,
        nonce: None,
    }
}

/// The rule that the shop keeps the document by.
fn kept_under(attempt: &Attempt<'_>) -> KeptUnder {
    let (class, settings) = attempt.loaded.config.retention_class(attempt.plan.document);
    KeptUnder {
        class: class.to_owned(),
        legal_basis: settings.legal_basis.clone(),
        erasable: settings.erasable,
    }
}

/// Both addresses, where a person gave another one.
fn corrected(request: &ResendRequest) -> Option<CorrectedAddress> {
    let to = request.to.as_ref()?.as_str().to_owned();
    let recipient = request.copy_of.as_ref().and_then(|record| record.recipient.as_ref());
    let from = recipient.and_then(|it| it.email.clone().or_else(|| it.phone.clone()));
    Some(CorrectedAddress { from, to })
}

fn trigger(attempt: &Attempt<'_>) -> archive::Trigger {
    let trigger = &attempt.item.trigger;
    archive::Trigger {
        topic: trigger.topic.clone(),
        webhook_id: trigger.webhook_id.clone(),
        event_id: trigger.event_id.clone(),
        triggered_at: trigger.triggered_at,
    }
}

/// Data that would no longer compose the archived document is not its evidence: then there is the hash alone.
fn driver_data(content: &Content, stored: &Stored, driver_sha256: &str) -> DriverData {
    let details = &stored.details;
    let unchanged = details.driver_sha256 == driver_sha256;
    let data = std::str::from_utf8(&content.driver).ok().filter(|_| unchanged);
    DriverData {
        schema: details.schema.clone(),
        format: details.driver_format.clone(),
        sha256: details.driver_sha256.clone(),
        data: data.and_then(|json| RawValue::from_string(json.to_owned()).ok()),
    }
}

/// Whom a record would name if it were written now, for `channel`.
pub fn recipient_of(attempt: &Attempt<'_>, content: &Content, channel: Channel) -> Option<Recipient> {
    let class = attempt.settings.class(attempt.plan.document);
    recipient(content, class, Some(channel), attempt.settings, attempt.plan.document)
}

/// Marketing names nobody, nor does what is archived and not sent. Of the addresses, those that the channel uses, or one
/// that would be tried after it.
fn recipient(
    content: &Content,
    class: MessageClass,
    channel: Option<Channel>,
    settings: &DocumentConfig,
    document: Document,
) -> Option<Recipient> {
    let channel = channel.filter(|_| class != MessageClass::Marketing)?;
    let mut uses = vec![channel];
    if !settings.next_channel_on.is_empty() {
        uses.extend(settings.channels_after(channel));
    }
    let by_phone = uses.iter().any(|channel| matches!(channel, Channel::Sms | Channel::WhatsApp));
    let by_post = uses.contains(&Channel::Print) && settings.goes_by_post(document);
    Some(Recipient {
        name: content.recipient.name.clone(),
        email: content.recipient.email.clone().filter(|_| uses.contains(&Channel::Email)),
        phone: by_phone.then(|| content.recipient.mobile_number()).flatten(),
        postal_address: content.postal_address.clone().filter(|_| by_post),
    })
}

/// How the ledger names what is archived. `record` is the version and SHA-256 of the record.
pub fn archived_as(stored: &Stored, record: (String, String)) -> ArchivedAs {
    ArchivedAs {
        archive_key: stored.primary.object.clone(),
        archive_version: stored.primary.version_id.clone(),
        sha256: stored.primary.object_sha256().to_owned(),
        record_version: record.0,
        record_sha256: record.1,
        template: stored.details.template.communication.clone(),
        template_version: stored.details.template.version,
    }
}

/// The issue of the same document that came before this one. A first issue has none, so nothing is asked.
pub async fn previous(
    attempt: &Attempt<'_>,
    lease: &Lease,
    content: &Content,
) -> Result<Option<Previous>, LedgerError> {
    if let PreviousIssue::Known(previous) = &content.previous {
        return Ok(previous.clone());
    }
    if attempt.plan.revision == Revision::Initial {
        return Ok(None);
    }
    let resource = content.reported_on.as_ref().unwrap_or(&attempt.plan.reported_on);
    let found = attempt.clients.ledger.of_resource(&attempt.item.shop, resource).await?;
    for problem in found.problems {
        // one that this release cannot read names no hash; what it is about is not held up by it
        if !problem.is_unreadable() {
            return Err(problem.error);
        }
        tracing::warn!(shop = %attempt.item.shop, communication = problem.pk, error = %chain(&problem.error), "not looked at as the issue before");
    }
    Ok(issue_before(found.entries, &lease.entry))
}

/// The last of `entries`, oldest first, that is an issue of the same document as `this` and came before it. What
/// was only rehearsed has reached nobody and is no issue.
fn issue_before(entries: Vec<Entry>, this: &Entry) -> Option<Previous> {
    let before = entries.into_iter().rfind(|entry| {
        entry.document == this.document
            && entry.subject == this.subject
            && entry.communication != this.communication
            && entry.created_epoch_ms <= this.created_epoch_ms
            && entry.archived.as_ref().is_some_and(|archived| !is_test(&archived.archive_key))
    });
    before.and_then(|entry| {
        let archived = entry.archived?;
        Some(Previous { communication: entry.communication, record_sha256: archived.record_sha256 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::entry::entry;

    /// An issue that was begun at a second of 1970; nothing of it is archived if there is no `key`.
    fn issue(second: i64, key: Option<&str>) -> Entry {
        let archived = key.map(|key| ArchivedAs {
            archive_key: format!("{key}acme.myshopify.com/1970/01/01/receipt/{second}/document.pdf"),
            archive_version: "v".to_owned(),
            sha256: String::new(),
            record_version: "v".to_owned(),
            record_sha256: second.to_string(),
            template: "t".to_owned(),
            template_version: None,
        });
        Entry { archived, ..entry(Revision::named(format!("resend-{second}")), second) }
    }

    #[test]
    fn the_issue_before_is_the_last_real_one() {
        let (real, test, none) = (Some(""), Some("test/"), None);
        for (earlier, expected) in [
            (vec![(1, real), (2, real)], Some("2")),
            (vec![(1, real), (2, test)], Some("1")),
            (vec![(1, real), (2, none)], Some("1")),
            (vec![(1, test)], None),
            (vec![(1, real), (4, real)], Some("1")),
        ] {
            let entries = earlier.iter().map(|(second, key)| issue(*second, *key)).collect();
            let found = issue_before(entries, &issue(3, real)).map(|previous| previous.record_sha256);
            assert_eq!(found.as_deref(), expected, "{earlier:?}");
        }
    }

    /// Whoever has a record can compute the hash of its parts.
    #[test]
    fn the_hash_of_the_parts_is_that_of_the_list_in_the_record() {
        let one = r#"{"id":"a","version":3,"type":"document","name":"Letter","effective_start":"2026-01-01T00:00:00Z"}"#;
        let two = r#"{"id":"b","version":1,"effective_end":"2027-01-01T00:00:00Z"}"#;
        let list = format!("[{one},{two}]");
        let sha256 = archive::sha256_hex(list.as_bytes());
        let found: exstream::Template = serde_json::from_str(&format!(
            r#"{{"communication":"c","version":4,"basis":"assumed","parts":{{"sha256":"{sha256}","count":2,"list":{list}}}}}"#
        ))
        .unwrap();
        let parts = template(found, "d").parts.unwrap();
        assert_eq!(archive::sha256_hex(&serde_json::to_vec(&parts.list).unwrap()), parts.sha256);
    }
}
