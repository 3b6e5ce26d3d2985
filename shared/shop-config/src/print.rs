//! How documents are printed and posted: for the shop, and where a document differs. Values are those of the Internet
//! Printing Protocol: `copies`, `sides` and `media` of RFC 8011, `print-color-mode` of PWG 5100.13, names of paper of
//! PWG 5101.1.

use crate::{DocumentConfig, ShopConfig, check::Check};
use comms::{Document, names};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const MAX_COPIES: u16 = 99;
const MAX_RETURN_LINES: usize = 6;
const MAX_LINE_CHARS: usize = 80;
const MAX_SERVICE_BYTES: usize = 40;

names! {
    /// `sides` of RFC 8011.
    Sides, "value of sides", {
        /// One page per sheet.
        OneSided = "one-sided",
        /// Bound at the long edge, as letters are.
        TwoSidedLongEdge = "two-sided-long-edge",
        /// Bound at the short edge, as a calendar is.
        TwoSidedShortEdge = "two-sided-short-edge",
    }
}

names! {
    /// `print-color-mode` of PWG 5100.13.
    ColorMode, "value of print_color_mode", {
        /// As the document is.
        Auto = "auto",
        Color = "color",
        Monochrome = "monochrome",
        /// Black and white, without greys.
        BiLevel = "bi-level",
    }
}

/// How documents are printed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Print {
    /// How often each document is printed, 1 to 99.
    #[schemars(range(min = 1, max = 99))]
    pub copies: u16,
    /// One or two pages per sheet.
    pub sides: Sides,
    /// In colour or not.
    pub print_color_mode: ColorMode,
    /// The paper, by its name in PWG 5101.1, such as `iso_a4_210x297mm` or `na_letter_8.5x11in`.
    #[schemars(regex(
        pattern = "^(custom|iso|jis|jpn|na|om|prc|roc)_[a-z0-9-]{1,40}_[0-9.]{1,9}x[0-9.]{1,9}(in|mm)$"
    ))]
    pub media: String,
    /// What the provider calls the kind of mail, such as `standard` or `registered`. Lower-case letters, digits and
    /// hyphens.
    #[schemars(regex(pattern = "^[a-z0-9-]{1,40}$"))]
    pub service_class: Option<String>,
    /// Where undeliverable mail comes back to, line by line. Default: the brand's legal name and address.
    #[schemars(length(max = 6))]
    pub return_address: Vec<String>,
}

impl Default for Print {
    fn default() -> Self {
        Self {
            copies: 1,
            sides: Sides::OneSided,
            print_color_mode: ColorMode::Auto,
            media: "iso_a4_210x297mm".to_owned(),
            service_class: None,
            return_address: Vec::new(),
        }
    }
}

/// What is different for one document.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DocumentPrint {
    /// Whether it goes by post, so that it needs a postal address. Default: all do but packing slips and delivery
    /// documents, which go with the parcel.
    pub by_post: Option<bool>,
    /// As in `[delivery.print]`.
    #[schemars(range(min = 1, max = 99))]
    pub copies: Option<u16>,
    /// As in `[delivery.print]`.
    pub sides: Option<Sides>,
    /// As in `[delivery.print]`.
    pub print_color_mode: Option<ColorMode>,
    /// As in `[delivery.print]`.
    #[schemars(regex(
        pattern = "^(custom|iso|jis|jpn|na|om|prc|roc)_[a-z0-9-]{1,40}_[0-9.]{1,9}x[0-9.]{1,9}(in|mm)$"
    ))]
    pub media: Option<String>,
    /// As in `[delivery.print]`.
    #[schemars(regex(pattern = "^[a-z0-9-]{1,40}$"))]
    pub service_class: Option<String>,
}

impl DocumentConfig {
    /// Whether a printed document goes by post and needs a postal address.
    pub fn goes_by_post(&self, document: Document) -> bool {
        let with_the_parcel = matches!(document, Document::PackingSlip | Document::DeliveryDocument);
        self.print.by_post.unwrap_or(!with_the_parcel)
    }
}

impl ShopConfig {
    /// How a document is printed: as the shop says, and where the document differs, as it says.
    pub fn print_of(&self, document: Document) -> Print {
        let mut print = self.delivery.print.clone();
        if let Some(own) = self.documents.get(&document).map(|settings| &settings.print) {
            print.copies = own.copies.unwrap_or(print.copies);
            print.sides = own.sides.unwrap_or(print.sides);
            print.print_color_mode = own.print_color_mode.unwrap_or(print.print_color_mode);
            print.media = own.media.clone().unwrap_or(print.media);
            print.service_class = own.service_class.clone().or(print.service_class);
        }
        if print.return_address.is_empty() {
            let brand = self.brand(document);
            let name = brand.legal_name.as_ref().unwrap_or(&brand.name);
            print.return_address =
                std::iter::once(name).chain(&brand.address).take(MAX_RETURN_LINES).cloned().collect();
        }
        print
    }
}

impl Print {
    pub(crate) fn check(&self, check: &mut Check) {
        check.copies("delivery.print.copies", self.copies);
        check.media("delivery.print.media", &self.media);
        if let Some(class) = &self.service_class {
            check.service_class("delivery.print.service_class", class);
        }
        let is_line = |line: &String| (1..=MAX_LINE_CHARS).contains(&line.trim().chars().count());
        if self.return_address.len() > MAX_RETURN_LINES || !self.return_address.iter().all(is_line) {
            let what = format!("has at most {MAX_RETURN_LINES} lines of 1 to {MAX_LINE_CHARS} characters");
            check.fail("delivery.print.return_address", what);
        }
    }
}

impl DocumentPrint {
    pub(crate) fn check(&self, check: &mut Check, field: &str) {
        if let Some(copies) = self.copies {
            check.copies(&format!("{field}.copies"), copies);
        }
        if let Some(media) = &self.media {
            check.media(&format!("{field}.media"), media);
        }
        if let Some(class) = &self.service_class {
            check.service_class(&format!("{field}.service_class"), class);
        }
    }
}

impl Check {
    fn copies(&mut self, field: &str, copies: u16) {
        if !(1..=MAX_COPIES).contains(&copies) {
            self.fail(field, format!("must be between 1 and {MAX_COPIES}"));
        }
    }

    fn media(&mut self, field: &str, media: &str) {
        if !is_media(media) {
            self.fail(
                field,
                "must be a name of paper in PWG 5101.1, such as iso_a4_210x297mm or na_letter_8.5x11in",
            );
        }
    }

    fn service_class(&mut self, field: &str, class: &str) {
        let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if class.is_empty() || class.len() > MAX_SERVICE_BYTES || !class.bytes().all(is_plain) {
            self.fail(field, "has 1 to 40 lower-case letters, digits and hyphens");
        }
    }
}

/// `<class>_<name>_<width>x<length><unit>`, as PWG 5101.1 builds names of paper.
fn is_media(media: &str) -> bool {
    let mut parts = media.split('_');
    let (Some(class), Some(name), Some(size), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let is_name = !name.is_empty()
        && name.len() <= 40
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let sized = size.strip_suffix("mm").or_else(|| size.strip_suffix("in"));
    let is_length = |text: &str| {
        let is_plain = text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        is_plain && text.parse::<f32>().is_ok_and(|it| it > 0.0 && it < 10_000.0)
    };
    let is_size = sized.and_then(|it| it.split_once('x')).is_some_and(|(w, l)| is_length(w) && is_length(l));
    ["custom", "iso", "jis", "jpn", "na", "om", "prc", "roc"].contains(&class) && is_name && is_size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn papers_are_named_as_the_printer_working_group_does() {
        for good in ["iso_a4_210x297mm", "na_letter_8.5x11in", "jis_b5_182x257mm", "custom_label_62x100mm"] {
            assert!(is_media(good), "{good}");
        }
        for bad in [
            "",
            "a4",
            "iso_a4",
            "iso_a4_210x297",
            "iso_A4_210x297mm",
            "iso_a4_0x297mm",
            "iso_a4_-1x2mm",
            "x_a4_1x2mm",
            "iso_a4_1x2mm_y",
            "iso__1x2mm",
        ] {
            assert!(!is_media(bad), "{bad}");
        }
    }
}
