//! Getting a document and its record into the archive: composed now, or adopted from an earlier attempt.
//!
//! After this module has answered, the bytes in the archive are the document, whoever composed them; a send
//! takes no others. Dying anywhere in here costs at most one composition.

use crate::{
    again, batch_output, check,
    evidence::{self, Evidence, dated, format_name},
    fault,
    job::{Draft, Halt, Job},
};
use archive::{Composed, Details, Location, Retention, Stored, sha256_hex};
use bytes::Bytes;
use comms::{Class, Classify, chain};
use exstream::{Budget, ComposeCall, ExstreamError, Kept, Output, Room, TemplateCall};
use ledger::{ArchivedAs, Lease};
use shop_config::{Channel, DriverFormat};
use std::time::Duration;

/// A look-up is a courtesy to the record; it may not cost the document its time.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(5);

/// A document that is in the archive with its record.
pub struct Archived {
    pub stored: Stored,
    pub as_recorded: ArchivedAs,
    /// The archived bytes, where this attempt still has them.
    pub bytes: Option<Bytes>,
}

pub async fn document(job: &Job<'_>, lease: &Lease, draft: &Draft<'_>) -> Result<Archived, Halt> {
    let dated = dated(&lease.entry);
    let location = Location::new(&job.item.shop, dated, job.plan.document, job.communication, draft.test);
    let driver_sha256 = match job.copy_of() {
        Some(record) => record.driver_data.sha256.clone(),
        None => driver_hash(job, &draft.content.driver)?,
    };
    let mut earlier = archive::Found::default();
    if lease.is_takeover() {
        earlier = job.tools.archive.find(&location).await.map_err(|error| Halt::of(&error))?;
    }
    let (stored, bytes) = match earlier.document {
        Some(stored) => (stored, None),
        None => {
            let composed = match job.copy_of() {
                Some(record) => {
                    again::composed(job, record, draft.channel, retention_days(job, draft)).await?
                }
                None => compose(job, lease, draft, &driver_sha256).await?,
            };
            archive_document(job, draft, &location, composed).await?
        }
    };
    fault::point("archive-document");
    let record = match earlier.record {
        Some((_, version_id, sha256)) => (version_id, sha256),
        None => archive_record(job, lease, draft, &location, &stored, &driver_sha256).await?,
    };
    fault::point("archive");
    let as_recorded = evidence::archived_as(&stored, record);
    Ok(Archived { stored, as_recorded, bytes })
}

/// The bytes of an archived document, once there is room for them.
pub async fn archived_bytes(job: &Job<'_>, output: &archive::Output) -> Result<Bytes, Halt> {
    let room = room(job, usize::try_from(output.bytes).unwrap_or(usize::MAX)).await?;
    let bytes = job.tools.archive.read_document(output).await.map_err(|error| Halt::of(&error))?;
    Ok(hold(room, bytes))
}

pub async fn room(job: &Job<'_>, bytes: usize) -> Result<Option<Room>, Halt> {
    let room = tokio::time::timeout(job.time_left(), job.tools.memory.room_to_send(bytes)).await;
    room.map_err(|_| {
        let reason = "there was no room for a large document within the time allowed".to_owned();
        Halt::Retry { class: Class::transient(), reason, unsent: false }
    })
}

pub fn hold(room: Option<Room>, bytes: Bytes) -> Bytes {
    match room {
        Some(room) => room.hold(bytes),
        None => bytes,
    }
}

fn driver_hash(job: &Job<'_>, json: &Bytes) -> Result<String, Halt> {
    match job.settings.driver_format {
        DriverFormat::Json => Ok(sha256_hex(json)),
        format @ DriverFormat::Xml => {
            let xml = exstream::encode_driver(format, json).map_err(|error| Halt::Failed(chain(&error)))?;
            Ok(sha256_hex(&xml))
        }
    }
}

async fn compose(
    job: &Job<'_>,
    lease: &Lease,
    draft: &Draft<'_>,
    driver_sha256: &str,
) -> Result<Composed, Halt> {
    let exstream_sends = draft.channel == Some(Channel::Exstream);
    let template = job
        .tools
        .catalogue
        .template(TemplateCall {
            shop: &job.item.shop,
            settings: &job.loaded.config.exstream,
            document: job.settings,
            credentials: &job.secrets.exstream,
            now: job.now(),
            timeout: job.time_left().min(LOOK_UP_TIMEOUT),
        })
        .await
        .map_err(|error| Halt::of(&error))?;
    // what Exstream sends must be archived and recorded within this invocation, too
    let (from_batch, budget) = match exstream_sends {
        true => (None, job.begin_send(lease, Channel::Exstream, None).await?),
        false => (batch_output::find(job, draft, &template).await?, Budget::new(job.time_left())),
    };
    let (output, template, facts) = match from_batch {
        Some((Kept { output, template: traced }, facts)) => (output, traced.unwrap_or(template), Ok(facts)),
        None => {
            let composed =
                ask_exstream(job, draft, exstream_sends, budget).await.map_err(
                    |error| match exstream_sends {
                        // an error after Exstream had the request may hide a send
                        true if error.may_have_acted() => Halt::Unknown(chain(&error)),
                        true => Halt::of_send(&error),
                        false => Halt::of(&error),
                    },
                )?;
            let facts = check::facts(&composed);
            (composed, template, facts)
        }
    };
    let facts = check::allowed(job, &output, facts, exstream_sends)?;
    let composed = Composed {
        bytes: output.bytes,
        media_type: output.mime_type,
        details: Details {
            composed_at: job.now(),
            driver_sha256: driver_sha256.to_owned(),
            driver_format: format_name(job.settings.driver_format).to_owned(),
            template: evidence::template(template, &job.settings.data_source),
            queue: output.queue,
            file_name: output.file_name,
            customer_number: output.customer_number,
            channel: draft.channel.map(|channel| channel.name().to_owned()),
            locale: draft.content.recipient.locale.clone(),
            schema: draft.content.schema.clone(),
            configuration: job.loaded.version_id.clone(),
            retention_days: retention_days(job, draft),
            pages: facts.as_ref().map(|facts| facts.pages),
            pdf: facts.map(|facts| facts.pdf),
        },
    };
    fault::point("compose");
    Ok(composed)
}

async fn archive_document(
    job: &Job<'_>,
    draft: &Draft<'_>,
    location: &Location,
    composed: Composed,
) -> Result<(Stored, Option<Bytes>), Halt> {
    let retention = retention(job, &composed.details);
    let stored = job.tools.archive.put_document(location, &composed, &retention).await;
    let stored = stored.map_err(|error| after_composing(draft, &error))?;
    // where another attempt's document was there first, its bytes are the document
    let bytes = (!stored.adopted).then_some(composed.bytes);
    Ok((stored, bytes))
}

/// What Exstream has sent by composing it has not failed, whatever the archive says.
fn after_composing(draft: &Draft<'_>, error: &archive::ArchiveError) -> Halt {
    match (draft.channel, error.class()) {
        (Some(Channel::Exstream), Class::Permanent) => Halt::Unknown(chain(error)),
        _ => Halt::of(error),
    }
}

/// A lock cannot begin in the past, and a document, or its record, may be archived long after it was composed.
fn retention(job: &Job<'_>, details: &Details) -> Retention {
    job.tools.archive.retention(details.composed_at.max(job.now()), details.retention_days)
}

/// Test orders and dry runs are about real customers, too, and prove nothing.
const TEST_RETENTION_DAYS: u16 = 1;

fn retention_days(job: &Job<'_>, draft: &Draft<'_>) -> u16 {
    if draft.test { TEST_RETENTION_DAYS } else { job.settings.retention_days }
}

async fn ask_exstream(
    job: &Job<'_>,
    draft: &Draft<'_>,
    sends: bool,
    budget: Budget,
) -> Result<Output, ExstreamError> {
    let settings = &job.loaded.config.exstream;
    let call = ComposeCall {
        shop: &job.item.shop,
        settings,
        document: job.settings,
        credentials: &job.secrets.exstream,
        driver: draft.content.driver.clone(),
        now: job.now(),
        budget: budget.at_most(settings.timeout()),
        sends,
    };
    let exstream = if sends { &job.tools.sending_exstream } else { &job.tools.exstream };
    let composed = exstream.compose(call).await?;
    composed.expected(&job.settings.output).cloned()
}

async fn archive_record(
    job: &Job<'_>,
    lease: &Lease,
    draft: &Draft<'_>,
    location: &Location,
    stored: &Stored,
    driver_sha256: &str,
) -> Result<(String, String), Halt> {
    let retention = retention(job, &stored.details);
    let previous = evidence::previous(job, lease, draft.content).await.map_err(|error| Halt::of(&error))?;
    let record =
        evidence::record(job, Evidence { draft, stored, retention: &retention, previous, driver_sha256 });
    let put = job.tools.archive.put_record(location, &record, &retention).await;
    put.map_err(|error| after_composing(draft, &error))
}
