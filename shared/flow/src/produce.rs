//! Stage 5: getting a document and its record into the archive: composed now, or adopted from an earlier attempt.
//!
//! After this stage has answered, the bytes in the archive are the document, whoever composed them; a send
//! takes no others. Dying anywhere in here costs at most one composition.

use crate::{
    batch_output, check,
    context::{Archived, Attempt, Draft},
    copy,
    evidence::{self, Evidence, format_name},
    fault,
    halt::Halt,
    send_mark::begin_send,
};
use archive::{ArchiveError, Composed, Details, Examined, Found, Location, Retention, Stored, sha256_hex};
use bytes::Bytes;
use comms::{Class, Classify, chain};
use exstream::{Budget, ComposeCall, ExstreamError, Kept, Output, Template, TemplateCall};
use ledger::Lease;
use shop_config::{Channel, DriverFormat};
use std::time::Duration;

/// A look-up is a courtesy to the record; it may not cost the document its time.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(5);

/// Composes and archives the document, or adopts what an earlier attempt has archived.
///
/// # Errors
/// When it is not in the archive with its record. Exstream may have sent it all the same.
pub async fn produce(attempt: &Attempt<'_>, lease: &Lease, draft: &Draft<'_>) -> Result<Archived, Halt> {
    let location = attempt.location(lease, draft.test);
    let driver_sha256 = match attempt.copy_of() {
        Some(record) => record.driver_data.sha256.clone(),
        None => driver_hash(attempt, &draft.content.driver)?,
    };
    let mut earlier = Found::default();
    if lease.is_takeover() {
        earlier = attempt.clients.archive.find(&location).await.map_err(Halt::of_call)?;
    }
    let (stored, bytes) = match earlier.document {
        Some(stored) => (stored, None),
        None => {
            let composed = match attempt.copy_of() {
                Some(record) => {
                    copy::composed(attempt, record, draft.channel, retention_days(attempt, draft)).await?
                }
                None => compose(attempt, lease, draft, &driver_sha256).await?,
            };
            archive_document(attempt, draft, &location, composed).await?
        }
    };
    fault::point("archive-document");
    let record = match earlier.record {
        Some((_, version_id, sha256)) => (version_id, sha256),
        None => archive_record(attempt, lease, draft, &location, &stored, &driver_sha256).await?,
    };
    fault::point("archive");
    let as_recorded = evidence::archived_as(&stored, record);
    Ok(Archived { stored, as_recorded, bytes })
}

fn driver_hash(attempt: &Attempt<'_>, json: &Bytes) -> Result<String, Halt> {
    match attempt.settings.driver_format {
        DriverFormat::Json => Ok(sha256_hex(json)),
        format @ DriverFormat::Xml => {
            let xml = exstream::encode_driver(format, json).map_err(|error| Halt::Failed(chain(&error)))?;
            Ok(sha256_hex(&xml))
        }
    }
}

async fn compose(
    attempt: &Attempt<'_>,
    lease: &Lease,
    draft: &Draft<'_>,
    driver_sha256: &str,
) -> Result<Composed, Halt> {
    let template = template(attempt).await?;
    let (output, template, facts) = match draft.channel == Some(Channel::Exstream) {
        true => {
            // what Exstream sends must be archived and recorded within this invocation, too
            let budget = begin_send(attempt, lease, Channel::Exstream, None).await?;
            let output = ask_exstream(attempt, draft, true, budget).await.map_err(of_sending)?;
            let facts = check::facts(&output);
            let facts = check::allowed(attempt, &output, facts, true)?;
            (output, template, facts)
        }
        false => match batch_output::find(attempt, draft, &template).await? {
            Some((Kept { output, template: traced }, facts)) => {
                let facts = check::allowed(attempt, &output, Ok(facts), false)?;
                (output, traced.unwrap_or(template), facts)
            }
            None => {
                let budget = Budget::new(attempt.time_left());
                let output = ask_exstream(attempt, draft, false, budget).await.map_err(Halt::of_call)?;
                let facts = check::facts(&output);
                let facts = check::allowed(attempt, &output, facts, false)?;
                (output, template, facts)
            }
        },
    };
    let composed = composed(attempt, draft, driver_sha256, output, template, facts);
    fault::point("compose");
    Ok(composed)
}

/// The template as it is now. Fails only for one that is pinned.
async fn template(attempt: &Attempt<'_>) -> Result<Template, Halt> {
    let call = TemplateCall {
        shop: &attempt.item.shop,
        settings: &attempt.loaded.config.exstream,
        document: attempt.settings,
        credentials: &attempt.secrets.exstream,
        now: attempt.now(),
        timeout: attempt.time_left().min(LOOK_UP_TIMEOUT),
    };
    attempt.clients.catalogue.template(call).await.map_err(Halt::of_call)
}

/// Where composing sends, an error after Exstream had the request may hide a send.
fn of_sending(error: ExstreamError) -> Halt {
    if error.may_have_acted() { Halt::Unknown(chain(&error)) } else { Halt::of_send(error) }
}

fn composed(
    attempt: &Attempt<'_>,
    draft: &Draft<'_>,
    driver_sha256: &str,
    output: Output,
    template: Template,
    facts: Option<Examined>,
) -> Composed {
    Composed {
        bytes: output.bytes,
        media_type: output.mime_type,
        details: Details {
            composed_at: attempt.now(),
            driver_sha256: driver_sha256.to_owned(),
            driver_format: format_name(attempt.settings.driver_format).to_owned(),
            template: evidence::template(template, &attempt.settings.data_source),
            queue: output.queue,
            file_name: output.file_name,
            customer_number: output.customer_number,
            channel: draft.channel.map(|channel| channel.name().to_owned()),
            locale: draft.content.recipient.locale.clone(),
            schema: draft.content.schema.clone(),
            configuration: attempt.loaded.version_id.clone(),
            retention_days: retention_days(attempt, draft),
            pages: facts.as_ref().map(|facts| facts.pages),
            pdf: facts.map(|facts| facts.pdf),
        },
    }
}

async fn archive_document(
    attempt: &Attempt<'_>,
    draft: &Draft<'_>,
    location: &Location,
    composed: Composed,
) -> Result<(Stored, Option<Bytes>), Halt> {
    let retention = retention(attempt, &composed.details);
    let stored = attempt.clients.archive.put_document(location, &composed, &retention).await;
    let stored = stored.map_err(|error| after_composing(draft, error))?;
    // where another attempt's document was there first, its bytes are the document
    let bytes = (!stored.adopted).then_some(composed.bytes);
    Ok((stored, bytes))
}

/// What Exstream has sent by composing it has not failed, whatever the archive says.
fn after_composing(draft: &Draft<'_>, error: ArchiveError) -> Halt {
    match (draft.channel, error.class()) {
        (Some(Channel::Exstream), Class::Permanent) => Halt::Unknown(chain(&error)),
        _ => Halt::of_call(error),
    }
}

/// A lock cannot begin in the past, and a document, or its record, may be archived long after it was composed.
fn retention(attempt: &Attempt<'_>, details: &Details) -> Retention {
    attempt.clients.archive.retention(details.composed_at.max(attempt.now()), details.retention_days)
}

/// Test orders and dry runs are about real customers, too, and prove nothing.
const TEST_RETENTION_DAYS: u16 = 1;

fn retention_days(attempt: &Attempt<'_>, draft: &Draft<'_>) -> u16 {
    if draft.test { TEST_RETENTION_DAYS } else { attempt.settings.retention_days }
}

async fn ask_exstream(
    attempt: &Attempt<'_>,
    draft: &Draft<'_>,
    sends: bool,
    budget: Budget,
) -> Result<Output, ExstreamError> {
    let settings = &attempt.loaded.config.exstream;
    let call = ComposeCall {
        shop: &attempt.item.shop,
        settings,
        document: attempt.settings,
        credentials: &attempt.secrets.exstream,
        driver: draft.content.driver.clone(),
        now: attempt.now(),
        budget: budget.at_most(settings.timeout()),
        sends,
    };
    let exstream = if sends { &attempt.clients.sending_exstream } else { &attempt.clients.exstream };
    let composed = exstream.compose(call).await?;
    composed.expected(attempt.settings.primary_media_type()).cloned()
}

async fn archive_record(
    attempt: &Attempt<'_>,
    lease: &Lease,
    draft: &Draft<'_>,
    location: &Location,
    stored: &Stored,
    driver_sha256: &str,
) -> Result<(String, String), Halt> {
    let retention = retention(attempt, &stored.details);
    let previous = evidence::previous(attempt, lease, draft.content).await.map_err(Halt::of_call)?;
    let record =
        evidence::record(attempt, Evidence { draft, stored, retention: &retention, previous, driver_sha256 });
    let put = attempt.clients.archive.put_record(location, &record, &retention).await;
    put.map_err(|error| after_composing(draft, error))
}
