//! Stage 5: getting a document and its record into the archive: composed now, or adopted from an earlier attempt.
//!
//! After this stage has answered, the bytes in the archive are the document, whoever composed them; a send
//! takes no others. Dying anywhere in here costs at most one composition.

use crate::{
    attachments,
    batch_output::{self, BatchComposed},
    breaker::Dependency,
    check,
    context::{Archived, Attempt, Draft},
    copy,
    evidence::{self, Evidence, format_name},
    fault,
    halt::Halt,
    send_mark::begin_send,
};
use archive::{
    About, ArchiveError, Composed, ComposedOutput, Details, EvidenceRecord, Examined, Found, Location,
    Retention, Stored, sha256_hex,
};
use bytes::Bytes;
use commitments::{CommitmentSecret, Owner};
use comms::{Class, Classify, CustomerKey, chain};
use exstream::{Budget, ComposeCall, ExstreamError, Template, TemplateCall};
use ledger::Lease;
use service::SpanName;
use shop_config::{Channel, DriverFormat, Erasure};
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
    let secret = secret(attempt, draft, earlier.document.as_ref()).await?;
    let secret = secret.as_ref();
    let (stored, bytes) = match earlier.document {
        Some(stored) => (stored, None),
        None => {
            let composed = match attempt.copy_of() {
                Some(record) => {
                    copy::composed(attempt, record, draft.channel, retention_days(attempt, draft)).await?
                }
                None => {
                    let span = attempt.begin(SpanName::Compose);
                    let composed = compose(attempt, lease, draft, &driver_sha256).await;
                    attempt.end(span, &composed);
                    composed?
                }
            };
            let span = attempt.begin(SpanName::Archive);
            let archived = archive_document(attempt, draft, &location, composed, secret).await;
            attempt.end(span, &archived);
            archived?
        }
    };
    fault::point("archive-document");
    let (adopted, record, retention) = match earlier.record {
        Some((record, version_id, sha256)) => (Some(record), (version_id, sha256), None),
        None => {
            let record = record(attempt, lease, draft, &stored, &driver_sha256).await?;
            let span = attempt.begin(SpanName::Archive);
            let put = attempt.clients.archive.put_record(&location, &record, &record.retention, secret).await;
            attempt.end(span, &put);
            (None, put.map_err(|error| after_composing(draft, error))?, Some(record.retention))
        }
    };
    fault::point("archive");
    let as_recorded = evidence::archived_as(&stored, record);
    Ok(Archived { stored, as_recorded, retention, adopted, bytes })
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
    // before the composition, which costs more
    let files = attachments::fetch(attempt, draft).await?;
    let (mut outputs, template) = match draft.channel == Some(Channel::Exstream) {
        true => {
            // what Exstream sends must be archived and recorded within this invocation, too
            let budget = begin_send(attempt, lease, Channel::Exstream, None).await?;
            let outputs = ask_exstream(attempt, draft, true, budget).await.map_err(of_sending)?;
            (checked(attempt, outputs, true)?, template)
        }
        false => match batch_output::find(attempt, draft, &template).await? {
            Some(BatchComposed { outputs, template: traced }) => {
                let outputs = outputs.into_iter().map(|(it, facts)| {
                    let facts = check::allowed(attempt, &it.output, Ok(facts), false)?;
                    Ok(output(it, facts))
                });
                (outputs.collect::<Result<_, Halt>>()?, traced.unwrap_or(template))
            }
            None => {
                let budget = Budget::new(attempt.time_left());
                let outputs = ask_exstream(attempt, draft, false, budget).await.map_err(Halt::of_call)?;
                (checked(attempt, outputs, false)?, template)
            }
        },
    };
    outputs.extend(files);
    let composed = composed(attempt, draft, driver_sha256, outputs, template)?;
    fault::point("compose");
    Ok(composed)
}

/// The outputs, if each may be archived. What is `sent` may.
fn checked(
    attempt: &Attempt<'_>,
    outputs: Vec<exstream::ComposedOutput>,
    sent: bool,
) -> Result<Vec<ComposedOutput>, Halt> {
    let checked = outputs.into_iter().map(|it| {
        let facts = check::allowed(attempt, &it.output, check::facts(&it.output), sent)?;
        Ok(output(it, facts))
    });
    checked.collect()
}

/// The output as it is archived.
fn output(composed: exstream::ComposedOutput, facts: Option<Examined>) -> ComposedOutput {
    let exstream::ComposedOutput { uses, output } = composed;
    ComposedOutput {
        bytes: output.bytes,
        media_type: output.mime_type,
        about: About {
            uses: uses.iter().map(|it| it.name().to_owned()).collect(),
            pages: facts.as_ref().map(|facts| facts.pages),
            pdf: facts.map(|facts| facts.pdf),
            queue: output.queue,
            fetched: None,
            file_name: output.file_name,
            customer_number: output.customer_number,
        },
    }
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
    outputs: Vec<ComposedOutput>,
    template: Template,
) -> Result<Composed, Halt> {
    let mut outputs = outputs.into_iter();
    let primary = outputs.next().ok_or(ExstreamError::NoOutput).map_err(Halt::of_call)?;
    let details = Details {
        composed_at: attempt.now(),
        driver_sha256: driver_sha256.to_owned(),
        driver_format: format_name(attempt.settings.driver_format).to_owned(),
        template: evidence::template(template, &attempt.settings.data_source),
        channel: draft.channel.map(|channel| channel.name().to_owned()),
        locale: draft.content.recipient.locale.clone(),
        schema: draft.content.schema.clone(),
        configuration: attempt.loaded.version_id.clone(),
        retention_days: retention_days(attempt, draft),
    };
    Ok(Composed { primary, further: outputs.collect(), details })
}

/// Further outputs first: the document's own put makes all of them its own.
async fn archive_document(
    attempt: &Attempt<'_>,
    draft: &Draft<'_>,
    location: &Location,
    composed: Composed,
    secret: Option<&CommitmentSecret>,
) -> Result<(Stored, Option<Vec<Bytes>>), Halt> {
    let retention = retention(attempt, &composed.details);
    let archive = &attempt.clients.archive;
    let mut further = Vec::with_capacity(composed.further.len());
    for (number, output) in (1..).zip(&composed.further) {
        let put = archive.put_further(location, output, &retention, secret).await;
        further.push(put.map_err(|error| after_composing(draft, error))?);
        fault::point(&format!("archive-output-{number}"));
    }
    let stored = archive.put_document(location, &composed, further, &retention, secret).await;
    let stored = stored.map_err(|error| after_composing(draft, error))?;
    // where another attempt's document was there first, its bytes are the document
    let bytes = (!stored.adopted).then(|| {
        let further = composed.further.into_iter().map(|output| output.bytes);
        std::iter::once(composed.primary.bytes).chain(further).collect()
    });
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
    match draft.test {
        true => TEST_RETENTION_DAYS,
        false => attempt.loaded.config.retention_class(attempt.plan.document).1.days,
    }
}

async fn ask_exstream(
    attempt: &Attempt<'_>,
    draft: &Draft<'_>,
    sends: bool,
    budget: Budget,
) -> Result<Vec<exstream::ComposedOutput>, ExstreamError> {
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
    let composed = exstream.compose(call).await;
    attempt.learn(Dependency::Exstream, &composed).await;
    Ok(composed?.outputs)
}

/// What the document is encrypted with, if it is one that can be erased. What an earlier attempt archived decides for its
/// record, too: the configuration may have changed since.
async fn secret(
    attempt: &Attempt<'_>,
    draft: &Draft<'_>,
    earlier: Option<&Stored>,
) -> Result<Option<CommitmentSecret>, Halt> {
    let document = attempt.plan.document;
    let erasable = match earlier {
        Some(stored) => stored.primary.sealed.is_some(),
        None => attempt.loaded.config.erasure(document) == Erasure::Erasable,
    };
    if !erasable {
        return Ok(None);
    }
    let owner = Owner::erasable(draft.customer.map(CustomerKey::as_str), attempt.communication);
    let secret = attempt.clients.archive.secret_for(&attempt.item.shop, &owner).await;
    secret.map(Some).map_err(Halt::of_call)
}

async fn record(
    attempt: &Attempt<'_>,
    lease: &Lease,
    draft: &Draft<'_>,
    stored: &Stored,
    driver_sha256: &str,
) -> Result<EvidenceRecord, Halt> {
    let retention = retention(attempt, &stored.details);
    let previous = evidence::previous(attempt, lease, draft.content).await.map_err(Halt::of_call)?;
    Ok(evidence::record(attempt, Evidence { draft, stored, retention: &retention, previous, driver_sha256 }))
}
