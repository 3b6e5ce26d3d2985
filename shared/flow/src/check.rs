//! Whether an output may be archived as a document: a PDF that is whole, can be read, and claims what the shop asks for.
//!
//! What Exstream has sent by composing it is archived as it is: it is what the customer got, and no check can take it
//! back. The record then says what the file says.

use crate::{context::Attempt, halt::Halt};
use archive::{Examined, Pdf, PdfFault};
use comms::{Class, Classify, chain};
use exstream::Output;
use shop_config::Standard;

/// Why an output may not be archived as a document.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The PDF is damaged or cannot be read.
    #[error(transparent)]
    Pdf(#[from] PdfFault),
    /// The PDF does not say that it keeps to a standard that the shop asks for.
    #[error("the PDF must claim to be {required}; it claims {claimed}")]
    Claims {
        /// The standard's name, such as `PDF/A`.
        required: &'static str,
        /// The standards that it names, or `no standard`.
        claimed: String,
    },
    /// The shop asks for a standard, and the PDF is too large for that to be found out.
    #[error("the PDF must claim to be {required}, and is too large to be examined")]
    Unexamined {
        /// The standard's name, such as `PDF/A`.
        required: &'static str,
    },
}

impl Classify for CheckError {
    fn class(&self) -> Class {
        match self {
            Self::Pdf(fault) => fault.class(),
            // the template makes the same claims each time
            Self::Claims { .. } | Self::Unexamined { .. } => Class::Permanent,
        }
    }
}

/// Whether an output that says this of itself may be archived. What is `sent` may.
pub fn allowed(
    attempt: &Attempt<'_>,
    output: &Output,
    facts: Result<Option<Examined>, CheckError>,
    sent: bool,
) -> Result<Option<Examined>, Halt> {
    match facts.and_then(|facts| required(output, facts, attempt.settings.require.standards())) {
        Ok(examined) => Ok(examined),
        Err(error) if sent => {
            tracing::warn!(communication = %attempt.communication, error = chain(&error), "Exstream sent what is not archived otherwise");
            Ok(None)
        }
        Err(error) => Err(Halt::of_call(error)),
    }
}

/// What an output says of itself, if it is a document.
///
/// # Errors
/// [`CheckError`], for a PDF only.
pub fn examine(output: &Output, standards: &[Standard]) -> Result<Option<Examined>, CheckError> {
    required(output, facts(output)?, standards)
}

/// What an output says of itself. Nothing, if it is no PDF, or too large to be examined.
///
/// # Errors
/// [`CheckError::Pdf`], for one that is damaged or cannot be read.
pub fn facts(output: &Output) -> Result<Option<Examined>, CheckError> {
    if is_pdf(output) { Ok(archive::examine(&output.bytes)?) } else { Ok(None) }
}

fn is_pdf(output: &Output) -> bool {
    output.mime_type == "application/pdf"
}

fn required(
    output: &Output,
    examined: Option<Examined>,
    standards: &[Standard],
) -> Result<Option<Examined>, CheckError> {
    for standard in standards.iter().filter(|_| is_pdf(output)) {
        let required = standard.name();
        let Some(Examined { pdf, .. }) = &examined else { return Err(CheckError::Unexamined { required }) };
        let claim = match standard {
            Standard::PdfA => &pdf.pdf_a,
            Standard::PdfUa => &pdf.pdf_ua,
        };
        if claim.is_none() {
            return Err(CheckError::Claims { required, claimed: claimed(pdf) });
        }
    }
    Ok(examined)
}

fn claimed(pdf: &Pdf) -> String {
    let a = pdf.pdf_a.as_ref().map(|level| format!("PDF/A-{level}"));
    let ua = pdf.pdf_ua.as_ref().map(|part| format!("PDF/UA-{part}"));
    let claims: Vec<_> = [a, ua].into_iter().flatten().collect();
    if claims.is_empty() { "no standard".to_owned() } else { claims.join(" and ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pdf(claims: &str) -> Output {
        let mut out = b"%PDF-1.7\n".to_vec();
        let metadata = format!(
            r#"<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:a="http://www.aiim.org/pdfa/ns/id/" xmlns:u="http://www.aiim.org/pdfua/ns/id/"><r:Description {claims}/></r:RDF>"#
        );
        let objects = [
            "<</Type /Catalog /Pages 2 0 R /Metadata 4 0 R>>".to_owned(),
            "<</Type /Pages /Kids [3 0 R] /Count 1>>".to_owned(),
            "<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842]>>".to_owned(),
            format!("<</Type /Metadata /Length {}>>\nstream\n{metadata}\nendstream", metadata.len()),
        ];
        let mut table = "xref\n0 5\n0000000000 65535 f \n".to_owned();
        for (number, object) in (1..).zip(&objects) {
            table.push_str(&format!("{:010} 00000 n \n", out.len()));
            out.extend_from_slice(format!("{number} 0 obj\n{object}\nendobj\n").as_bytes());
        }
        let place = out.len();
        out.extend_from_slice(
            format!("{table}trailer\n<</Size 5 /Root 1 0 R>>\nstartxref\n{place}\n%%EOF").as_bytes(),
        );
        Output {
            bytes: out.into(),
            mime_type: "application/pdf".to_owned(),
            queue: None,
            file_name: None,
            customer_number: None,
        }
    }

    #[test]
    fn a_document_that_does_not_claim_what_is_required_fails_for_good() {
        const A: &[Standard] = &[Standard::PdfA];
        const BOTH: &[Standard] = &[Standard::PdfA, Standard::PdfUa];
        let (a, ua) = (r#"a:part="3" a:conformance="B""#, r#"u:part="1""#);
        let both = format!("{a} {ua}");
        for (claims, required, refused) in [
            ("", &[] as &[_], None),
            ("", A, Some("the PDF must claim to be PDF/A; it claims no standard")),
            (ua, A, Some("the PDF must claim to be PDF/A; it claims PDF/UA-1")),
            (a, A, None),
            (a, BOTH, Some("the PDF must claim to be PDF/UA; it claims PDF/A-3b")),
            (&both, BOTH, None),
        ] {
            let found = examine(&pdf(claims), required);
            assert_eq!(found.as_ref().err().map(ToString::to_string).as_deref(), refused, "{claims}");
            if let Err(error) = found {
                assert_eq!(error.class(), Class::Permanent);
            }
        }
    }

    #[test]
    fn a_file_that_is_cut_off_is_composed_again() {
        let whole = pdf("");
        let cut = Output { bytes: whole.bytes.slice(..whole.bytes.len() - 40), ..whole };
        assert_eq!(examine(&cut, &[]).unwrap_err().class(), Class::transient());
    }

    #[test]
    fn other_media_types_are_not_looked_into() {
        let html = Output { mime_type: "text/html".to_owned(), bytes: "<p>".into(), ..pdf("") };
        assert_eq!(examine(&html, &[]).unwrap(), None);
    }
}
