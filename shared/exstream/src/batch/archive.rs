//! One customer's files, out of the zip archive that holds them.
//!
//! The archive comes from outside: its claims about sizes are not believed, names are never used as paths,
//! and no more is unpacked than the shop allows a document to have. It names neither media types nor queues: a file is
//! known by its first bytes or by the ending of its name, and of two outputs of one type by a name that begins with
//! the queue's. What cannot be told that way is left as it is, and found to be missing.

use crate::{ExstreamError, Output, exchange::media_type};
use comms::Format;
use shop_config::OutputConfig;
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// More files than a communication has queues and a page has pictures.
const MAX_FILES: usize = 64;

/// The files of an archive, with the media type and the queue of the output of `wanted` that each is.
pub(super) fn files(
    archive: &[u8],
    wanted: &[OutputConfig],
    limit: usize,
) -> Result<Vec<Output>, ExstreamError> {
    const NOT_A_ZIP: ExstreamError =
        ExstreamError::Unintelligible("the customer's output is not a zip archive");
    let mut zip = ZipArchive::new(Cursor::new(archive)).map_err(|_| NOT_A_ZIP)?;
    let count = zip.len();
    if count > MAX_FILES {
        return Err(ExstreamError::SeveralOutputs { media_type: "any type".to_owned(), count });
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
        let mime_type = type_of(wanted, &name, &bytes, count);
        let queue = queue_of(wanted, &mime_type, &name);
        let file_name = (!name.is_empty()).then_some(name);
        found.push(Output { bytes: bytes.into(), mime_type, queue, file_name, customer_number: None });
    }
    Ok(found)
}

/// The media type of a file, as the configuration spells it.
fn type_of(wanted: &[OutputConfig], name: &str, bytes: &[u8], count: usize) -> String {
    let types: Vec<_> = wanted.iter().map(|it| media_type(&it.media_type)).collect();
    let of_kind = |it: &&String| is(it, name, bytes);
    let found = types.iter().find(of_kind).cloned().or_else(|| picture(name).map(str::to_owned));
    match (found, &types[..]) {
        (Some(found), _) => found,
        // the only file is the only output, whatever its name
        (None, [only]) if count == 1 && !is_pdf(bytes) && only != PDF => only.clone(),
        (None, _) => "files of other types".to_owned(),
    }
}

const PDF: &str = "application/pdf";

fn is_pdf(bytes: &[u8]) -> bool {
    Format::Pdf.fits(bytes)
}

/// A PDF is known by its first bytes; anything else by the ending of its name.
fn is(media_type: &str, name: &str, bytes: &[u8]) -> bool {
    if media_type == PDF {
        return is_pdf(bytes);
    }
    let format = Format::of(media_type);
    let is_named = format.is_some() && ending(name).and_then(|it| Format::of_extension(&it)) == format;
    is_named && !is_pdf(bytes) && !bytes.trim_ascii().is_empty()
}

fn ending(name: &str) -> Option<String> {
    name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase())
}

/// The media type of a file that a page may show.
fn picture(name: &str) -> Option<&'static str> {
    Some(match ending(name)?.as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "svg" => "image/svg+xml",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        _ => return None,
    })
}

/// The queue of the only output of a type, else the one whose name the file's begins with.
fn queue_of(wanted: &[OutputConfig], mime_type: &str, name: &str) -> Option<String> {
    let of_type: Vec<_> = wanted.iter().filter(|it| media_type(&it.media_type) == mime_type).collect();
    if let [only] = of_type[..] {
        return only.queue.clone();
    }
    let is_named = |queue: &&String| {
        let rest = name.strip_prefix(queue.as_str());
        rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
    };
    let queues = of_type.iter().filter_map(|it| it.queue.as_ref()).filter(is_named);
    queues.max_by_key(|queue| queue.len()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::select;
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

    fn wanted(outputs: &[(&str, Option<&str>)]) -> Vec<OutputConfig> {
        let entry = |(media_type, queue): &(&str, Option<&str>)| {
            serde_json::from_value(
                serde_json::json!({"use": "archive", "media_type": media_type, "queue": queue}),
            )
            .unwrap()
        };
        outputs.iter().map(entry).collect()
    }

    fn selected(
        files: &[(&str, &[u8])],
        outputs: &[(&str, Option<&str>)],
    ) -> Result<Vec<Output>, ExstreamError> {
        let wanted = wanted(outputs);
        let composed = select(super::files(&archive(files), &wanted, 1000)?, &wanted, 1000)?;
        Ok(composed.outputs.into_iter().map(|it| it.output).collect())
    }

    fn error(files: &[(&str, &[u8])], expected: &str) -> String {
        selected(files, &[(expected, None)]).unwrap_err().to_string()
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
            let output = &selected(files, &[(expected, None)]).unwrap()[0];
            assert_eq!((&output.bytes[..], output.file_name.as_deref()), (bytes, Some(name)));
        }
        assert_eq!(&selected(&[("q", b"<p>")], &[("text/html", None)]).unwrap()[0].bytes[..], b"<p>");
    }

    /// An archive names no queues, but its files are named after them.
    #[test]
    fn tells_several_files_of_a_type_apart() {
        const LABEL: &[u8] = b"%PDF-label";
        let outputs = [
            ("application/pdf", Some("LETTER")),
            ("text/html", Some("MAIL")),
            ("application/pdf", Some("LETTER_LABEL")),
        ];
        let page: &[u8] = b"<img src='logo.png'>";
        let logo: &[u8] = b"\x89PNG\r\n\x1a\n";
        let files =
            [("LETTER_LABEL_1.pdf", LABEL), ("LETTER_1.pdf", PDF), ("x.html", page), ("logo.png", logo)];
        let found = selected(&files, &outputs).unwrap();
        let bytes: Vec<_> = found.iter().map(|it| &it.bytes[..]).collect();
        assert_eq!(bytes, [PDF, b"<img src=\"data:image/png;base64,iVBORw0KGgo=\">", LABEL]);
        assert_eq!(found[1].queue.as_deref(), Some("MAIL"), "the only page");
        let unnamed = selected(&[("1.pdf", PDF), ("LETTER_LABEL", LABEL), ("x.html", b"<p>")], &outputs);
        assert!(unnamed.unwrap_err().to_string().contains("no output application/pdf of queue LETTER"));
    }

    #[test]
    fn anything_else_is_an_error() {
        assert!(error(&[], "application/pdf").contains("no output"));
        assert!(error(&[("a", PDF), ("b", PDF)], "application/pdf").contains("2 outputs"));
        assert!(error(&[("a.pdf", b"<html>")], "application/pdf").contains("expected application/pdf"));
        assert!(error(&[("a", PDF)], "text/html").contains("expected text/html"));
        let no_zip = super::files(b"<html>", &wanted(&[("text/html", None)]), 1000).unwrap_err();
        assert!(no_zip.to_string().contains("not a zip archive"));
    }

    #[test]
    fn a_small_archive_cannot_become_a_large_document() {
        let bomb = archive(&[("a", &[b"%PDF-".as_slice(), &vec![0; 1 << 20]].concat())]);
        assert!(bomb.len() < 4096);
        assert!(matches!(
            super::files(&bomb, &wanted(&[("application/pdf", None)]), 1000),
            Err(ExstreamError::TooLarge { limit: 1000 })
        ));
    }

    #[test]
    fn damage_is_noticed() {
        let mut damaged = archive(&[("a", &[PDF, &(0..200).collect::<Vec<u8>>()].concat())]);
        damaged[60] ^= 1;
        assert!(super::files(&damaged, &wanted(&[("application/pdf", None)]), 1000).is_err());
    }
}
