//! What a batch job composed for a communication, where it may be used.
//!
//! It may, if it was made of the data that the record will name, says itself that it is this communication's, each of
//! its outputs, is whole, and was made with the template that is pinned, if one is. Otherwise the document is composed like any other.

use crate::{
    check,
    content::{BatchOutput, Content},
    context::{Attempt, Draft},
    document_bytes::{hold, room},
    halt::Halt,
};
use archive::{Examined, sha256_hex};
use comms::CommunicationId;
use exstream::{ComposedOutput, Kept, Template};
use shop_config::DocumentConfig;

/// The batch job's output, if it was made of the very data that the record will name. After a change of the
/// configuration it was not.
fn usable(content: &Content) -> Option<&BatchOutput> {
    content.composed.as_ref().filter(|output| output.driver_sha256 == sha256_hex(&content.driver))
}

/// What a batch job composed for a communication.
pub struct BatchComposed {
    /// Each with what it says of itself.
    pub outputs: Vec<(ComposedOutput, Option<Examined>)>,
    /// What they were composed with, where Exstream traces its jobs.
    pub template: Option<Template>,
}

/// The outputs with what made them, and what they say of themselves.
pub async fn find(
    attempt: &Attempt<'_>,
    draft: &Draft<'_>,
    in_force: &Template,
) -> Result<Option<BatchComposed>, Halt> {
    let Some(BatchOutput { output_key, .. }) = usable(draft.content) else { return Ok(None) };
    let kept = match attempt.clients.payloads.open(output_key).await.map_err(Halt::of_call)? {
        Some(stored) => {
            let room = room(attempt, stored.bytes()).await?;
            let text = stored.read().await.map_err(Halt::of_call)?;
            own_outputs(&text, attempt.communication, attempt.settings).map(|(mut outputs, template)| {
                for it in &mut outputs {
                    it.output.bytes = hold(room.clone(), std::mem::take(&mut it.output.bytes));
                }
                (outputs, template)
            })
        }
        None => None,
    };
    let kept = kept.filter(|(_, template)| is_as_pinned(template.as_ref(), in_force, attempt.settings));
    let found = kept.and_then(|(outputs, template)| {
        let facts = |it: ComposedOutput| check::facts(&it.output).ok().map(|facts| (it, facts));
        let outputs = outputs.into_iter().map(facts).collect::<Option<_>>()?;
        Some(BatchComposed { outputs, template })
    });
    if found.is_none() {
        tracing::warn!(communication = %attempt.communication, "composed on demand: the batch job's output is gone, damaged, of another template than is pinned, or does not prove whose it is");
    }
    Ok(found)
}

/// The outputs that the document lists, if each of them says itself that it is this communication's.
fn own_outputs(
    stored: &str,
    communication: &CommunicationId,
    settings: &DocumentConfig,
) -> Option<(Vec<ComposedOutput>, Option<Template>)> {
    let kept: Kept = serde_json::from_str(stored).ok()?;
    let composed = kept.composed(settings).ok()?;
    let is_own = |it: &ComposedOutput| it.output.named().contains(communication);
    composed.outputs.iter().all(is_own).then_some((composed.outputs, kept.template))
}

/// Whether a batch job used what is pinned. A job composes before its documents are looked at, so what it used has to
/// be traced: each of its parts must be one of those in force now, which have the hash that is pinned.
fn is_as_pinned(traced: Option<&Template>, in_force: &Template, settings: &DocumentConfig) -> bool {
    let is_version = match (settings.template_pin, traced) {
        (Some(pin), Some(traced)) => traced.version == Some(pin),
        _ => true,
    };
    let parts = |template: Option<&Template>| template.and_then(|template| template.parts.clone());
    let is_parts = match (&settings.parts_pin, parts(traced), parts(Some(in_force))) {
        (None, ..) => true,
        (Some(_), Some(used), Some(pinned)) => {
            let is_whole = usize::try_from(used.count).is_ok_and(|count| count == used.list.len());
            let is_pinned = |part: &exstream::Part| {
                pinned.list.iter().any(|it| it.id == part.id && it.version == part.version)
            };
            is_whole && used.list.iter().all(is_pinned)
        }
        (Some(_), ..) => false,
    };
    is_version && is_parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use delivery::Recipient;
    use exstream::Output;
    use serde_json::json;

    /// A configuration that changed between the job and the message changes the data, and with it the document.
    #[test]
    fn a_batch_output_of_other_data_is_not_the_document() {
        let recipient = || Recipient { name: None, email: None, phones: Vec::new(), locale: "en".to_owned() };
        let with = |driver_sha256: String| {
            let content = Content::empty("x/1", recipient());
            let composed = Some(BatchOutput { output_key: "k".to_owned(), driver_sha256 });
            Content { driver: br#"{"a":1}"#.as_slice().into(), composed, ..content }
        };
        assert!(usable(&with(sha256_hex(br#"{"a":1}"#))).is_some());
        assert!(usable(&with(sha256_hex(br#"{"a":2}"#))).is_none());
    }

    #[test]
    fn a_batch_output_of_other_parts_than_are_pinned_is_not_used() {
        let template = |version: u32, parts: &[(&str, u32)]| {
            let list: Vec<_> =
                parts.iter().map(|(id, version)| json!({"id": id, "version": version})).collect();
            let parts = json!({"sha256": "0".repeat(64), "count": list.len(), "list": list});
            let template =
                json!({"communication": "c", "version": version, "basis": "traced", "parts": parts});
            serde_json::from_value::<Template>(template).unwrap()
        };
        let now = template(4, &[("a", 1), ("b", 2), ("c", 4)]);
        let (same, fewer) = (now.clone(), template(4, &[("b", 2), ("c", 4)]));
        let (other, version) = (template(4, &[("b", 1), ("c", 4)]), template(3, &[("b", 2)]));
        let untraced = Template { parts: None, ..same.clone() };
        for (pins, used, not_used) in [
            ("", vec![Some(&same), Some(&other), Some(&version), None], vec![]),
            ("template_pin = 4", vec![Some(&same), Some(&other), None], vec![Some(&version)]),
            (
                "parts_pin = \"0000000000000000000000000000000000000000000000000000000000000000\"",
                vec![Some(&same), Some(&fewer)],
                vec![Some(&other), Some(&untraced), None],
            ),
        ] {
            let settings: DocumentConfig = toml::from_str(&format!("communication = \"c\"\n{pins}")).unwrap();
            for traced in used {
                assert!(is_as_pinned(traced, &now, &settings), "{pins}: {traced:?}");
            }
            for traced in not_used {
                assert!(!is_as_pinned(traced, &now, &settings), "{pins}: {traced:?}");
            }
        }
    }

    /// Nothing is archived as somebody's document that does not say so itself.
    #[test]
    fn a_batch_output_of_another_communication_is_not_the_document() {
        let id = |digit: &str| digit.repeat(32).parse::<CommunicationId>().unwrap();
        let output = Output {
            bytes: format!("%PDF-1.7 ({})", id("a")).into(),
            mime_type: "application/pdf".to_owned(),
            queue: None,
            file_name: None,
            customer_number: None,
        };
        let settings = |lines: &str| {
            toml::from_str::<DocumentConfig>(&format!("communication = \"c\"\n{lines}")).unwrap()
        };
        let (pdf, html) = (settings(""), settings("output = \"text/html\""));
        let stored = |outputs: Vec<Output>| serde_json::to_string(&Kept { outputs, template: None }).unwrap();
        let one = stored(vec![output.clone()]);
        let (own, _) = own_outputs(&one, &id("a"), &pdf).unwrap();
        assert_eq!(own[0].output.bytes, output.bytes);
        assert!(own_outputs(&one, &id("b"), &pdf).is_none());
        assert!(own_outputs(&one, &id("a"), &html).is_none());
        assert!(own_outputs("{}", &id("a"), &pdf).is_none());

        let both = settings(
            "outputs = [{ use = \"archive\", media_type = \"application/pdf\" }, { use = \"web\", media_type = \"text/html\" }]",
        );
        let page = |bytes: String| Output {
            bytes: bytes.into(),
            mime_type: "text/html".to_owned(),
            ..output.clone()
        };
        let whole = stored(vec![output.clone(), page(format!("<p>{}", id("a")))]);
        assert_eq!(own_outputs(&whole, &id("a"), &both).unwrap().0.len(), 2);
        for other in [format!("<p>{}", id("b")), "<p>".to_owned()] {
            let mixed = stored(vec![output.clone(), page(other)]);
            assert!(
                own_outputs(&mixed, &id("a"), &both).is_none(),
                "one of them proves nothing of the other"
            );
        }
        assert!(own_outputs(&one, &id("a"), &both).is_none(), "a part of it is not the document");
    }
}
