//! One customer's output, out of the zip archive that holds a customer's files.
//!
//! The archive comes from outside: its claims about sizes are not believed, names are never used as paths,
//! and no more is unpacked than the shop allows a document to have.

use crate::{ExstreamError, Output};
use comms::Format;
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// More files than a communication has queues.
const MAX_FILES: usize = 64;

/// The only file of media type `expected`.
pub(super) fn only(archive: &[u8], expected: &str, limit: usize) -> Result<Output, ExstreamError> {
    const NOT_A_ZIP: ExstreamError =
        ExstreamError::Unintelligible("the customer's output is not a zip archive");
    let mut zip = ZipArchive::new(Cursor::new(archive)).map_err(|_| NOT_A_ZIP)?;
    let count = zip.len();
    if count > MAX_FILES {
        return Err(ExstreamError::SeveralOutputs { media_type: expected.to_owned(), count });
    }
    let mut found: Vec<Output> = Vec::new();
    let mut left = limit;
    for index in 0..count {
        let mut file = zip.by_index(index).map_err(|_| NOT_A_ZIP)?;
        if !file.is_file() {
            continue;
        }
        let name = file.name().map_err(|_| NOT_A_ZIP)?;
        let name = name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        let mut bytes = Vec::new();
        let read = file.by_ref().take(left as u64 + 1).read_to_end(&mut bytes);
        // an archive whose checksum is wrong was cut off or damaged on its way
        read.map_err(|_| ExstreamError::CutOff { received: archive.len() })?;
        left = left.checked_sub(bytes.len()).ok_or(ExstreamError::TooLarge { limit })?;
        if is(expected, &name, &bytes, count) {
            found.push(Output {
                bytes: bytes.into(),
                mime_type: expected.to_owned(),
                queue: None,
                file_name: (!name.is_empty()).then_some(name),
                customer_number: None,
            });
        }
    }
    match found.len() {
        0 if count == 0 => Err(ExstreamError::NoOutput),
        0 => Err(ExstreamError::UnexpectedMediaType {
            expected: expected.to_owned(),
            found: "files of other types".to_owned(),
        }),
        1 => found.pop().ok_or(ExstreamError::NoOutput),
        count => Err(ExstreamError::SeveralOutputs { media_type: expected.to_owned(), count }),
    }
}

/// Archives name no media types. A PDF is known by its first bytes; anything else by the ending of its name,
/// or by being the only file.
fn is(expected: &str, name: &str, bytes: &[u8], count: usize) -> bool {
    let (format, is_pdf) = (Format::of(expected), Format::Pdf.fits(bytes));
    if format == Some(Format::Pdf) {
        return is_pdf;
    }
    let ending = name.rsplit_once('.').and_then(|(_, ending)| Format::of_extension(ending));
    let is_named = format.is_some() && ending == format;
    !bytes.trim_ascii().is_empty() && (is_named || (count == 1 && !is_pdf))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
            writer.start_file(*name, options).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn error(files: &[(&str, &[u8])], expected: &str) -> String {
        only(&archive(files), expected, 1000).unwrap_err().to_string()
    }

    const PDF: &[u8] = b"%PDF-1.7 a";

    #[test]
    fn finds_the_one_file_of_the_type() {
        let files: &[(&str, &[u8])] = &[("PDF_1", PDF), ("a/b.html", b"<p>"), ("x.json", b"{}")];
        for (expected, bytes, name) in [
            ("application/pdf", PDF, "PDF_1"),
            ("text/html", b"<p>".as_slice(), "b.html"),
            ("application/json", b"{}", "x.json"),
        ] {
            let output = only(&archive(files), expected, 1000).unwrap();
            assert_eq!((&output.bytes[..], output.file_name.as_deref()), (bytes, Some(name)));
        }
        assert_eq!(&only(&archive(&[("q", b"<p>")]), "text/html", 1000).unwrap().bytes[..], b"<p>");
    }

    #[test]
    fn anything_else_is_an_error() {
        assert!(error(&[], "application/pdf").contains("no output"));
        assert!(error(&[("a", PDF), ("b", PDF)], "application/pdf").contains("2 outputs"));
        assert!(error(&[("a.pdf", b"<html>")], "application/pdf").contains("expected application/pdf"));
        assert!(error(&[("a", PDF)], "text/html").contains("expected text/html"));
        assert!(only(b"<html>", "text/html", 1000).unwrap_err().to_string().contains("not a zip archive"));
    }

    #[test]
    fn a_small_archive_cannot_become_a_large_document() {
        let bomb = archive(&[("a", &[b"%PDF-".as_slice(), &vec![0; 1 << 20]].concat())]);
        assert!(bomb.len() < 4096);
        assert!(matches!(only(&bomb, "application/pdf", 1000), Err(ExstreamError::TooLarge { limit: 1000 })));
    }

    #[test]
    fn damage_is_noticed() {
        let mut damaged = archive(&[("a", &[PDF, &(0..200).collect::<Vec<u8>>()].concat())]);
        damaged[60] ^= 1;
        assert!(only(&damaged, "application/pdf", 1000).is_err());
    }
}
