//! Files from elsewhere that are archived with a document and attached to its e-mail: the addresses are in the driver
//! data, and the configuration says which hosts may be asked.
//!
//! They are fetched with the composition and belong to it from then on: what goes out again is what was fetched first,
//! whatever stands at the address by then. Dying here costs another fetch.

use crate::{
    context::{Attempt, Draft},
    halt::Halt,
};
use archive::{About, ComposedOutput};
use bytes::Bytes;
use comms::{Class, Classify, Format, HttpsUrl, chain};
use serde_json::Value;
use service::FileError;
use shop_config::{ATTACHMENT_MEDIA_TYPE, AttachmentConfig, Use};
use std::time::Duration;

/// Of all files of a document. So much needs no room of its own in the memory: who waits for room twice can wait for
/// ever.
const MAX_BYTES: usize = 1024 * 1024;

/// For one file.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why a file is not with its document.
#[derive(Debug, thiserror::Error)]
enum AttachmentError {
    #[error("a file to attach, at `{data}`, cannot be fetched")]
    File { data: String, source: FileError },
    #[error("a file to attach, at `{data}`, has an address of no host that the configuration allows")]
    Host { data: String },
    #[error("a file to attach, at `{data}`, is no PDF")]
    Format { data: String },
    #[error("there are {count} files to attach, and room for {room}")]
    TooMany { count: usize, room: usize },
}

impl Classify for AttachmentError {
    fn class(&self) -> Class {
        match self {
            Self::File { source, .. } => source.class(),
            // the shop's staff can correct the configuration, and the carrier the file
            Self::Host { .. } | Self::Format { .. } | Self::TooMany { .. } => Class::transient(),
        }
    }
}

/// The files that go with the document, in the order of the configuration and of the driver data.
///
/// # Errors
/// When one that is required cannot be had.
pub async fn fetch(attempt: &Attempt<'_>, draft: &Draft<'_>) -> Result<Vec<ComposedOutput>, Halt> {
    let settings = attempt.settings;
    let attaches = draft.channel.is_some_and(|channel| settings.attaches_for(channel));
    if settings.attachments.is_empty() || !attaches {
        return Ok(Vec::new());
    }
    let driver: Value = serde_json::from_slice(&draft.content.driver)
        .map_err(|error| Halt::Failed(format!("the driver data is no JSON: {error}")))?;
    let mut wanted: Vec<(&AttachmentConfig, &str)> = Vec::new();
    for attachment in &settings.attachments {
        for address in addresses(&driver, attachment) {
            if !wanted.iter().any(|(_, known)| *known == address) {
                wanted.push((attachment, address));
            }
        }
    }
    let (count, free) = (wanted.len(), settings.attachments_at_most());
    if count > free && wanted.iter().skip(free).any(|(attachment, _)| attachment.required) {
        return Err(Halt::of_call(AttachmentError::TooMany { count, room: free }));
    }
    let mut files = Vec::with_capacity(count.min(free));
    let mut limit = MAX_BYTES;
    for (attachment, address) in wanted.into_iter().take(free) {
        match file(attempt, attachment, address, limit).await {
            Ok(bytes) => {
                limit = limit.saturating_sub(bytes.len());
                files.push(output(attachment, bytes));
            }
            Err(error) if attachment.required => return Err(Halt::of_call(error)),
            Err(error) => {
                tracing::warn!(communication = %attempt.communication, error = chain(&error), "left out a file that is not required");
            }
        }
    }
    Ok(files)
}

async fn file(
    attempt: &Attempt<'_>,
    attachment: &AttachmentConfig,
    address: &str,
    limit: usize,
) -> Result<Bytes, AttachmentError> {
    let data = || attachment.data.clone();
    let url = attachment.address(address).ok_or_else(|| AttachmentError::Host { data: data() })?;
    let timeout = TIMEOUT.min(attempt.time_left());
    let allows = |text: &str| -> Option<HttpsUrl> { attachment.address(text) };
    let fetched = attempt.clients.files.fetch(url, allows, limit, timeout).await;
    match fetched {
        Ok(bytes) if Format::Pdf.fits(&bytes) => Ok(bytes),
        Ok(_) => Err(AttachmentError::Format { data: data() }),
        Err(source) => Err(AttachmentError::File { data: data(), source }),
    }
}

fn output(attachment: &AttachmentConfig, bytes: Bytes) -> ComposedOutput {
    let uses = [Use::EmailAttachment, Use::Web];
    ComposedOutput {
        bytes,
        media_type: ATTACHMENT_MEDIA_TYPE.to_owned(),
        about: About {
            uses: uses.iter().map(|it| it.name().to_owned()).collect(),
            fetched: Some(attachment.data.clone()),
            ..About::default()
        },
    }
}

/// What stands at the configured place of the driver data; in lists, in each entry.
fn addresses<'a>(driver: &'a Value, attachment: &AttachmentConfig) -> Vec<&'a str> {
    let mut found = vec![driver];
    for name in attachment.names() {
        found = found.into_iter().flat_map(entries).filter_map(|value| value.get(name)).collect();
    }
    found.into_iter().flat_map(entries).filter_map(Value::as_str).collect()
}

fn entries(value: &Value) -> &[Value] {
    match value {
        Value::Array(entries) => entries,
        single => std::slice::from_ref(single),
    }
}
