//! Which issue of the instructions a return's labels call for, and what a label is.
//!
//! Shopify gives a label's address back as the app wrote it, or, of a file that was uploaded to it, an address of its
//! own; `publicFileUrl` is public, so it needs no signature. Labels of returns apps are often one address with an id in
//! its query, so every part of an address counts. What does not count is a signature: the parameters by which AWS,
//! Google, CloudFront and Azure sign an address differ at every signing of one and the same file. `label.updatedAt` is
//! no help: it changes when an app signs its address again, and need not when the app names another file. Reading the
//! labels twice shows whether a query changes at every read in yet another way: then the query does not count either.

use comms::Revision;
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};
use shopify::returns::Label;

/// How much of an address tells one label from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    /// All of it but a signature.
    Whole,
    /// What stands before the query.
    Path,
}

/// The first issue without a label, else one named after all of them. Whatever a customer would use another
/// parcel label for counts: the label's file and the tracking number. What Shopify may fill in by itself does not: the
/// carrier's name, an address made from the number.
pub fn revision(labels: &[Label], address: Address) -> Revision {
    if labels.is_empty() {
        return Revision::Initial;
    }
    let mut hash = Sha256::new();
    for label in labels {
        let file = label.file_url.as_deref().map(|url| address.of(url));
        let tracking = label.tracking_number.as_deref().or(label.tracking_url.as_deref());
        for part in [Some(label.delivery.as_str()), tracking, file.as_deref()] {
            let part = part.unwrap_or_default();
            // preceded by its length, so that no two different labels look the same
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    Revision::named(format!("label-{}", hex::encode(&hash.finalize()[..8])))
}

/// Whether the query of an address counts for any label.
pub fn has_query(labels: &[Label]) -> bool {
    revision(labels, Address::Whole) != revision(labels, Address::Path)
}

impl Address {
    fn of(self, url: &str) -> String {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let parameters: Vec<_> = query.split('&').filter(|it| !it.is_empty()).collect();
        let names: Vec<_> = parameters.iter().map(|it| name(it)).collect();
        let has = |wanted: &str| names.iter().any(|name| name == wanted);
        let signed = [has("signature"), has("sig") && has("se")];
        let kept = parameters.iter().zip(&names).filter(|(_, name)| !is_signature(name, signed));
        let kept: Vec<_> = kept.map(|(parameter, _)| *parameter).collect();
        match self {
            Self::Whole if !kept.is_empty() => format!("{path}?{}", kept.join("&")),
            _ => path.to_owned(),
        }
    }
}

fn name(parameter: &str) -> String {
    parameter.split('=').next().unwrap_or_default().to_ascii_lowercase()
}

/// The parameters of the schemes named above. Short names are believed only beside the signature itself.
fn is_signature(name: &str, [signature, azure]: [bool; 2]) -> bool {
    const OLDER: [&str; 6] =
        ["signature", "expires", "policy", "key-pair-id", "awsaccesskeyid", "googleaccessid"];
    const AZURE: [&str; 16] = [
        "sv", "ss", "srt", "sr", "sp", "st", "se", "spr", "sip", "sig", "skoid", "sktid", "skt", "ske",
        "sks", "skv",
    ];
    let provider = name.starts_with("x-amz-") || name.starts_with("x-goog-");
    provider || (signature && OLDER.contains(&name)) || (azure && AZURE.contains(&name))
}

/// What a customer does with a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum LabelKind {
    /// A file to print and stick on the parcel.
    Pdf,
    /// A picture, often a code to show at the counter.
    Image,
    /// Another file, or a page.
    File,
    /// No file: the carrier knows the parcel by its number.
    Tracking,
}

impl LabelKind {
    pub fn of(label: &Label) -> Self {
        let Some(url) = &label.file_url else { return Self::Tracking };
        let path = url.split(['?', '#']).next().unwrap_or_default();
        match path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "pdf" => Self::Pdf,
            "png" | "jpg" | "jpeg" | "gif" | "webp" | "svg" | "bmp" | "tif" | "tiff" => Self::Image,
            _ => Self::File,
        }
    }

    /// The name under which a shop's configuration has its instructions, one of `LABEL_KINDS`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Image => "image",
            Self::File => "file",
            Self::Tracking => "tracking",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use comms::Gid;

    fn label(file: &str) -> Label {
        Label {
            delivery: Gid::new("ReverseDelivery", 1),
            carrier: None,
            tracking_number: Some("1Z".to_owned()),
            tracking_url: None,
            file_url: Some(file.to_owned()),
        }
    }

    fn issue(file: &str) -> Revision {
        revision(&[label(file)], Address::Whole)
    }

    #[test]
    fn another_label_is_another_issue_and_the_same_one_is_not() {
        let with = |change: fn(&mut Label)| {
            let mut label = label("https://cdn.example/label.pdf");
            change(&mut label);
            revision(&[label], Address::Whole)
        };
        let first = with(|_| ());
        assert_eq!(revision(&[], Address::Whole), Revision::Initial);
        assert_eq!(with(|it| it.carrier = Some("UPS".to_owned())), first);
        assert_eq!(with(|it| it.tracking_url = Some("https://ups.example/1Z".to_owned())), first);
        assert_ne!(with(|it| it.file_url = Some("https://cdn.example/other.pdf".to_owned())), first);
        assert_ne!(with(|it| it.file_url = None), first);
        assert_ne!(with(|it| it.tracking_number = Some("1Y".to_owned())), first);
        assert_ne!(with(|it| it.delivery = Gid::new("ReverseDelivery", 2)), first);
        let twice = [label("https://cdn.example/label.pdf"), label("https://cdn.example/label.pdf")];
        assert_ne!(revision(&twice, Address::Whole), first);
        // a public contract: another name would send all instructions once more
        assert_eq!(first.as_str(), "label-1628b47ed973778a");
    }

    /// Every part of the address tells labels apart, whatever the parameter is called.
    #[test]
    fn an_id_behind_the_question_mark_is_another_label() {
        let addresses = [
            "https://cdn.example/rma.pdf",
            "https://cdn.example/rma.pdf?id=41",
            "https://cdn.example/rma.pdf?id=42",
            "https://cdn.example/rma.pdf?v=42",
            "https://cdn.example/rma.pdf?42",
            "https://cdn.example/rma.pdf?id=42&copy=2",
            "https://cdn.example/rma.pdf?id=42#2",
            // the names of a signature, without one
            "https://cdn.example/rma.pdf?sp=1",
            "https://cdn.example/rma.pdf?se=2",
            "https://cdn.example/rma.pdf?policy=7",
            "https://cdn.example/rma.pdf?expires=7",
        ];
        for (index, one) in addresses.iter().enumerate() {
            for other in &addresses[index + 1..] {
                assert_ne!(issue(one), issue(other), "{one} {other}");
            }
        }
    }

    #[test]
    fn a_label_signed_anew_is_the_same_label() {
        for (one, other) in [
            (
                "id=4&X-Amz-Date=1&X-Amz-Signature=a&X-Amz-Expires=60",
                "id=4&X-Amz-Date=2&X-Amz-Signature=b&X-Amz-Expires=9",
            ),
            ("X-Goog-Date=1&X-Goog-Signature=a&id=4", "X-Goog-Date=2&X-Goog-Signature=b&id=4"),
            ("id=4&GoogleAccessId=x&Expires=1&Signature=a", "id=4&GoogleAccessId=x&Expires=2&Signature=b"),
            ("id=4&Expires=1&Signature=a&Key-Pair-Id=K", "id=4&Expires=2&Signature=b&Key-Pair-Id=L"),
            ("id=4&sv=2024&se=2026-11-22&sr=b&sp=r&sig=a", "id=4&sv=2024&se=2026-11-23&sr=b&sp=r&sig=b"),
        ] {
            let at = |query: &str| issue(&format!("https://cdn.example/rma.pdf?{query}"));
            assert_eq!(at(one), at(other));
            assert_eq!(at(one), at("id=4"));
            assert_ne!(at(one), at(&other.replace("id=4", "id=5")), "another file, signed");
        }
    }

    #[test]
    fn a_label_says_what_it_is() {
        let kind =
            |file: Option<&str>| LabelKind::of(&Label { file_url: file.map(str::to_owned), ..label("") });
        for (file, is) in [
            (Some("https://cdn.example/a.PDF?x=1.png"), LabelKind::Pdf),
            (Some("https://cdn.example/qr.png"), LabelKind::Image),
            (Some("https://cdn.example/qr.svg#x.pdf"), LabelKind::Image),
            (Some("https://labels.example/rma/41"), LabelKind::File),
            (None, LabelKind::Tracking),
        ] {
            assert_eq!(kind(file), is, "{file:?}");
        }
    }
}
