//! What S3 keeps beside an output's bytes, for everybody who may look at the object: what is known of the output, and of
//! a primary one also how the document was made and the names of its further outputs. JSON is kept as base64, and fits
//! into the 2 KB that S3 takes.

use crate::{About, ArchiveError, Details, Output, sha256_hex};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::de::DeserializeOwned;
use std::collections::HashMap;

pub(crate) type Metadata = HashMap<String, String>;

/// How much of a hash names a further output. No two of one communication have it in common.
const NAME_DIGITS: usize = 16;

/// What tells a further output from all others: its bytes, what is known of them, and its format.
pub(crate) fn further_name(sha256: &str, about: &str, extension: &str) -> String {
    let hash = sha256_hex(format!("{sha256}\n{about}").as_bytes());
    format!("{}.{extension}", hash.get(..NAME_DIGITS).unwrap_or_default())
}

pub(crate) fn about_json(about: &About) -> Result<String, ArchiveError> {
    serde_json::to_string(about).map_err(ArchiveError::Record)
}

fn metadata<const N: usize>(values: [(&str, String); N]) -> Metadata {
    let value = |(name, text): (&str, String)| match name {
        "sha256" | "further" => (name.to_owned(), text),
        _ => (name.to_owned(), BASE64_STANDARD.encode(text)),
    };
    values.into_iter().map(value).collect()
}

/// The metadata of a further output, from the JSON of what is known of it.
pub(crate) fn further_metadata(about_json: String, sha256: &str) -> Metadata {
    metadata([("output", about_json), ("sha256", sha256.to_owned())])
}

/// The same of a primary output: with how the document was made, unless that is encrypted, and the names of its further
/// outputs.
pub(crate) fn document_metadata(
    details: Option<&Details>,
    about: &About,
    sha256: &str,
    further: &[Output],
) -> Result<Metadata, ArchiveError> {
    let name = |output: &Output| {
        let name = output.object.rsplit_once("document-").map(|(_, name)| name.to_owned());
        name.ok_or(ArchiveError::Malformed { key: output.object.clone(), what: "not a further output" })
    };
    let mut all = metadata([("output", about_json(about)?), ("sha256", sha256.to_owned())]);
    if let Some(details) = details {
        let details = details.for_metadata().map_err(ArchiveError::Record)?;
        all.extend(metadata([("details", details)]));
    }
    if !further.is_empty() {
        let names = further.iter().map(name).collect::<Result<Vec<_>, _>>()?;
        all.extend(metadata([("further", names.join(" "))]));
    }
    Ok(all)
}

pub(crate) fn metadata_json<T: DeserializeOwned>(metadata: &Metadata, name: &str) -> Option<T> {
    let json = BASE64_STANDARD.decode(metadata.get(name)?).ok()?;
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::details::{
        Object,
        tests::{about, details},
    };
    use crate::sealed::{SealedFacts, put_facts};
    use commitments::CommitmentSecret;
    use comms::Format;

    fn further(format: Format) -> Output {
        let name = further_name("00", "{}", format.extension());
        let key = format!("s/2026/01/01/receipt/{}/document-{name}", "0".repeat(32));
        let (version_id, media_type) = ("v".to_owned(), format.media_type().to_owned());
        About::default().output(Object {
            key,
            version_id,
            media_type,
            bytes: 1,
            sha256: "00".to_owned(),
            sealed: None,
        })
    }

    #[test]
    fn eight_outputs_fit_into_the_metadata_of_an_object() {
        let outputs = vec![further(Format::Empower); 7];
        for text in ["x", "\"", "\u{1}", "\u{1F600}"] {
            let (details, about) = (details(&text.repeat(500)).bounded(), about(&text.repeat(500)).bounded());
            let metadata = document_metadata(Some(&details), &about, &"0".repeat(64), &outputs).unwrap();
            let bytes = |metadata: &Metadata| -> usize {
                metadata.iter().map(|(name, value)| name.len() + value.len()).sum()
            };
            assert!(bytes(&metadata) <= 2048, "{} bytes of {text:?}", bytes(&metadata));
            let mut sealed = document_metadata(None, &about, &"0".repeat(64), &outputs).unwrap();
            let details = Some(details.without_parts());
            let facts = SealedFacts { bytes: u64::MAX, sha256: "0".repeat(64), details };
            let secret = CommitmentSecret::from_bytes(&[7; 32]).unwrap();
            put_facts(&mut sealed, &facts, "key", &secret).unwrap();
            assert!(bytes(&sealed) <= 2048, "{} bytes of {text:?}, encrypted", bytes(&sealed));
        }
    }

    #[test]
    fn metadata_names_no_person_and_keeps_the_rest() {
        let locale = "fr".to_owned();
        let kept = Details { locale, ..details("Doe") }.bounded();
        let queue = Some("LETTERS".to_owned());
        let kept_about = About { queue, ..about("Doe") }.bounded();
        let metadata = document_metadata(Some(&kept), &kept_about, "00", &[]).unwrap();
        for (name, value) in &metadata {
            let text = BASE64_STANDARD.decode(value).unwrap_or_default();
            let text = format!("{value} {}", String::from_utf8_lossy(&text));
            assert!(!text.contains("Doe"), "{name}: {text}");
        }
        let read: Details = metadata_json(&metadata, "details").unwrap();
        let mut kept = kept;
        kept.template.parts.iter_mut().for_each(|parts| parts.list.clear());
        assert!(read == kept);
        let read: About = metadata_json(&metadata, "output").unwrap();
        assert!(read == About { file_name: None, customer_number: None, ..kept_about });
        assert!(!metadata.contains_key("further"), "there are none");
    }

    /// Otherwise the second attempt's object would be the first one's, with what is known of that.
    #[test]
    fn the_same_bytes_for_another_use_have_another_name() {
        let name = |use_: &str| {
            let about = About { uses: vec![use_.to_owned()], ..About::default() };
            further_name("00", &about_json(&about).unwrap(), "pdf")
        };
        assert_eq!(name("web"), name("web"));
        assert_ne!(name("web"), name("print"));
    }
}
