//! Which output of a composition is which of those that the configuration lists.
//!
//! An output is found by its media type and, where the configuration names one, its queue. Nothing is guessed: of two
//! that may be meant, neither is taken; one that is required and missing is named. What the configuration does not list
//! is not kept, and named in the log, but for the files that a page shows.

use crate::{ExstreamError, Output, exchange::media_type, page};
use comms::{Format, cut, one_line};
use shop_config::{OutputConfig, Use};

/// As much as a message needs to be understood.
const MAX_NAMED: usize = 8;
const MAX_NAME_BYTES: usize = 40;

/// What Exstream made, as far as the configuration lists it: the primary output first, the others in the order of the
/// configuration. Never empty.
#[derive(Debug)]
pub struct Composed {
    pub outputs: Vec<ComposedOutput>,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct ComposedOutput {
    /// What it is for. Empty for a document's only output, which every channel takes as far as its format allows.
    pub uses: Vec<Use>,
    pub output: Output,
}

/// The outputs that `wanted` lists, each checked against its type, pages with their files in them.
///
/// # Errors
/// [`ExstreamError`]: one that is required is missing, two may be meant, or one is not what it is said to be.
pub(crate) fn select(
    found: Vec<Output>,
    wanted: &[OutputConfig],
    limit: usize,
) -> Result<Composed, ExstreamError> {
    let composed = as_made(&found, wanted)?;
    let outputs = composed.outputs.into_iter().map(|it| complete(it, &found, limit));
    Ok(Composed { outputs: outputs.collect::<Result<_, _>>()? })
}

/// The same, as Exstream made and sent it: pages stay as they are.
pub(crate) fn as_made(found: &[Output], wanted: &[OutputConfig]) -> Result<Composed, ExstreamError> {
    if found.is_empty() {
        return Err(ExstreamError::NoOutput);
    }
    let (mut outputs, mut taken) = (Vec::with_capacity(wanted.len()), Vec::new());
    for entry in wanted {
        let is_meant = |output: &Output| {
            output.mime_type == media_type(&entry.media_type)
                && (entry.queue.is_none() || entry.queue == output.queue)
        };
        let meant: Vec<_> = found.iter().enumerate().filter(|(_, output)| is_meant(output)).collect();
        match meant[..] {
            [(index, output)] => {
                taken.push(index);
                outputs.push(checked(entry, output)?);
            }
            [] if !entry.required => {}
            [] => return Err(missing(entry, wanted.len(), found)),
            _ => {
                let count = meant.len();
                return Err(ExstreamError::SeveralOutputs { media_type: name(entry), count });
            }
        }
    }
    let others: Vec<_> = found.iter().enumerate().filter(|(index, _)| !taken.contains(index)).collect();
    let others = others.into_iter().map(|(_, output)| output).filter(|it| !page::is_embeddable(it));
    let others = others.map(describe).take(MAX_NAMED).collect::<Vec<_>>();
    if wanted.len() > 1 && !others.is_empty() {
        tracing::warn!(
            outputs = others.join(", "),
            "outputs that the configuration does not list are not kept"
        );
    }
    Ok(Composed { outputs })
}

fn checked(entry: &OutputConfig, output: &Output) -> Result<ComposedOutput, ExstreamError> {
    let fits = match Format::of(&output.mime_type) {
        Some(format) => format.fits(&output.bytes),
        None => !output.bytes.trim_ascii().is_empty(),
    };
    match fits {
        true => Ok(ComposedOutput { uses: entry.uses.list().to_vec(), output: output.clone() }),
        false => Err(ExstreamError::NotTheType { expected: name(entry) }),
    }
}

fn complete(
    composed: ComposedOutput,
    found: &[Output],
    limit: usize,
) -> Result<ComposedOutput, ExstreamError> {
    let ComposedOutput { uses, output } = composed;
    if Format::of(&output.mime_type) != Some(Format::Html) {
        return Ok(ComposedOutput { uses, output });
    }
    let bytes = page::complete(&output, found, limit).map_err(ExstreamError::Page)?;
    Ok(ComposedOutput { uses, output: Output { bytes, ..output } })
}

fn missing(entry: &OutputConfig, wanted: usize, found: &[Output]) -> ExstreamError {
    if wanted == 1 && entry.queue.is_none() {
        let expected = media_type(&entry.media_type);
        let found = found.iter().map(|it| it.mime_type.as_str()).collect::<Vec<_>>().join(", ");
        return ExstreamError::UnexpectedMediaType { expected, found };
    }
    let uses: Vec<_> = entry.uses.list().iter().map(|it| it.name()).collect();
    let wanted = format!("{} for {}", name(entry), uses.join(" and "));
    let found = found.iter().take(MAX_NAMED).map(describe).collect::<Vec<_>>().join(", ");
    ExstreamError::MissingOutput { wanted, found }
}

fn name(entry: &OutputConfig) -> String {
    named(&media_type(&entry.media_type), entry.queue.as_deref())
}

/// Type and queue, which are the design's. The name of a file may be a customer's.
fn describe(output: &Output) -> String {
    named(&output.mime_type, output.queue.as_deref())
}

fn named(media_type: &str, queue: Option<&str>) -> String {
    match queue {
        Some(queue) => format!("{media_type} of queue {}", cut(&one_line(queue), MAX_NAME_BYTES)),
        None => media_type.to_owned(),
    }
}

#[cfg(test)]
mod tests;
