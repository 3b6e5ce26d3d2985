use super::*;
use std::time::{Duration, Instant};

/// A file of these objects, numbered from 1; the first is the catalog.
fn file(objects: &[Vec<u8>], trailer: &str) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (number, object) in (1..).zip(objects) {
        table.push_str(&format!("{:010} 00000 n \n", out.len()));
        out.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
        out.extend_from_slice(object);
        out.extend_from_slice(b"\nendobj\n");
    }
    let place = out.len();
    let size = objects.len() + 1;
    let end = format!("{table}trailer\n<</Size {size} /Root 1 0 R {trailer}>>\nstartxref\n{place}\n%%EOF\n");
    out.extend_from_slice(end.as_bytes());
    out
}

fn stream(dictionary: &str, content: &[u8]) -> Vec<u8> {
    let mut out = format!("<<{dictionary} /Length {}>>\nstream\n", content.len()).into_bytes();
    out.extend_from_slice(content);
    out.extend_from_slice(b"\nendstream");
    out
}

/// A document of so many pages, with further entries in its catalog, and further objects after the pages.
fn document(pages: usize, catalog: &str, further: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let kids: String = (0..pages).map(|page| format!("{} 0 R ", page + 3)).collect();
    let mut objects = vec![
        format!("<</Type /Catalog /Pages 2 0 R {catalog}>>").into_bytes(),
        format!("<</Type /Pages /Kids [{kids}] /Count {pages}>>").into_bytes(),
    ];
    let page = b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842]>>";
    objects.extend(std::iter::repeat_n(page.to_vec(), pages));
    objects.extend_from_slice(further);
    objects
}

fn xmp(claims: &str) -> Vec<u8> {
    let text = format!(
        r#"<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">{claims}</rdf:RDF></x:xmpmeta><?xpacket end="w"?>"#
    );
    stream("/Type /Metadata /Subtype /XML", text.as_bytes())
}

fn claimed(claims: &str) -> Pdf {
    let objects = document(1, "/Metadata 4 0 R", &[xmp(claims)]);
    examine(&file(&objects, "")).unwrap().unwrap().pdf
}

#[test]
fn says_how_many_pages_and_which_language() {
    for pages in [1, 3, 200] {
        let found = examine(&file(&document(pages, "/Lang (de-DE)", &[]), "")).unwrap().unwrap();
        assert_eq!(found.pages as usize, pages);
        let language = Some("de-DE".to_owned());
        assert_eq!(found.pdf, Pdf { pdf_a: None, pdf_ua: None, language, encrypted: false });
    }
}

#[test]
fn claims_are_read_in_every_form_of_xmp() {
    const A: &str = r#"xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/""#;
    const UA: &str = r#"xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/""#;
    for (claims, a, ua) in [
        (format!(r#"<rdf:Description {A} pdfaid:part="3" pdfaid:conformance="B"/>"#), Some("3b"), None),
        (
            format!(
                "<rdf:Description {A}><pdfaid:part>2</pdfaid:part><pdfaid:conformance> U </pdfaid:conformance></rdf:Description>"
            ),
            Some("2u"),
            None,
        ),
        // part 4 has no level
        (format!(r#"<rdf:Description {A} pdfaid:part="4" pdfaid:rev="2020"/>"#), Some("4"), None),
        (format!(r#"<rdf:Description {UA} pdfuaid:part="1"/>"#), None, Some("1")),
        (
            format!(
                r#"<rdf:Description {A} {UA} pdfuaid:part="1"><pdfaid:part>1</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance></rdf:Description>"#
            ),
            Some("1a"),
            Some("1"),
        ),
        // the prefix is anybody's choice, the namespace is not
        (
            r#"<rdf:Description xmlns:q="http://www.aiim.org/pdfa/ns/id/" q:part="3" q:conformance="A"/>"#
                .to_owned(),
            Some("3a"),
            None,
        ),
        (r#"<rdf:Description xmlns:pdfaid="http://example.com/" pdfaid:part="3"/>"#.to_owned(), None, None),
        // a level alone, and values that no standard has
        (format!(r#"<rdf:Description {A} pdfaid:conformance="B"/>"#), None, None),
        (format!(r#"<rdf:Description {A} pdfaid:part="three"/>"#), None, None),
        ("no claim".to_owned(), None, None),
        ("<not well-formed".to_owned(), None, None),
    ] {
        let found = claimed(&claims);
        assert_eq!((found.pdf_a.as_deref(), found.pdf_ua.as_deref()), (a, ua), "{claims}");
    }
}

/// Whatever is missing at the end, the file is not taken for whole.
#[test]
fn a_file_that_is_cut_anywhere_is_refused() {
    let whole = file(&document(3, "", &[stream("", &[b'x'; 3000])]), "");
    assert!(examine(&whole).is_ok());
    for length in (0..whole.len() - 6).rev().step_by(7).chain([whole.len() - 6]) {
        let found = examine(&whole[..length]);
        assert!(matches!(found, Err(PdfFault::CutOff | PdfFault::Damaged)), "{length}: {found:?}");
    }
}

/// Bytes lost or added in the middle move everything that the table points at.
#[test]
fn a_file_with_a_gap_is_refused() {
    let whole = file(&document(3, "", &[stream("", &[b'x'; 3000])]), "");
    for (from, to) in [(9, 400), (200, 300), (600, 2600)] {
        let mut gap = whole.clone();
        gap.drain(from..to);
        assert_eq!(examine(&gap), Err(PdfFault::Damaged), "{from}..{to}");
    }
}

#[test]
fn what_no_reader_shows_is_no_document() {
    assert_eq!(examine(&file(&document(0, "", &[]), "")), Err(PdfFault::NoPages));
    assert_eq!(examine(b"%PDF-1.7\nhello\nstartxref\n0\n%%EOF"), Err(PdfFault::Damaged));
    assert_eq!(examine(b"<html>"), Err(PdfFault::CutOff));
    assert_eq!(examine(b""), Err(PdfFault::CutOff));
}

#[test]
fn what_needs_a_password_is_locked_and_what_does_not_is_noted() {
    use lopdf::{EncryptionState, EncryptionVersion, Permissions};
    for (user, expected) in [("secret", Err(PdfFault::Locked)), ("", Ok(true))] {
        let trailer = "/ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>]";
        let mut document = Document::load_mem(&file(&document(2, "/Lang (en)", &[]), trailer)).unwrap();
        let version = EncryptionVersion::V2 {
            document: &document,
            owner_password: "owner",
            user_password: user,
            key_length: 128,
            permissions: Permissions::all(),
        };
        document.encrypt(&EncryptionState::try_from(version).unwrap()).unwrap();
        let mut bytes = Vec::new();
        document.save_to(&mut bytes).unwrap();
        let found = examine(&bytes).map(|found| found.unwrap());
        assert_eq!(found.as_ref().map(|found| found.pdf.encrypted).map_err(|fault| *fault), expected);
        if let Ok(found) = found {
            assert_eq!((found.pages, found.pdf.language.as_deref()), (2, Some("en")));
        }
    }
}

fn deflated(content: &[u8]) -> Vec<u8> {
    let mut stream = Stream::new(lopdf::Dictionary::new(), content.to_vec());
    stream.compress().unwrap();
    stream.content
}

/// Bombs, cycles, deep nesting, repetitions and noise: an answer, soon, without a panic.
#[test]
fn hostile_files_cost_little() {
    const DEEP: usize = 200_000;
    let nested = |open: &str, close: &str| format!("{}{}", open.repeat(DEEP), close.repeat(DEEP));
    let bomb = |bytes: usize| {
        let content = format!("9 0 {}", " ".repeat(bytes)).into_bytes();
        stream("/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode", &deflated(&content))
    };
    let metadata = deflated(&vec![b' '; 64 * 1024 * 1024]);
    let repeated = |text: &str| {
        let body = format!("%PDF-1.7\n{}", text.repeat(100_000));
        format!(
            "{body}xref\n0 1\n0000000000 65535 f \ntrailer\n<</Size 1/Root 1 0 R>>\nstartxref\n{}\n%%EOF\n",
            body.len()
        )
        .into_bytes()
    };
    let fan = |numbers: std::ops::Range<usize>| {
        let mut objects = vec![b"<</Type /Catalog /Pages 2 0 R>>".to_vec()];
        objects.extend(numbers.map(|it| {
            format!("<</Type /Pages /Count 1 /Kids [{}]>>", format!("{} 0 R ", it + 1).repeat(50))
                .into_bytes()
        }));
        objects.push(b"<</Type /Page /MediaBox [0 0 1 1]>>".to_vec());
        file(&objects, "")
    };
    let files = [
        ("one large stream", file(&document(1, "", &[bomb(64 * 1024 * 1024)]), "")),
        ("many streams", file(&document(1, "", &vec![bomb(STREAM_BYTES - 100); 400]), "")),
        (
            "large metadata",
            file(
                &document(1, "/Metadata 4 0 R", &[stream("/Type /Metadata /Filter /FlateDecode", &metadata)]),
                "",
            ),
        ),
        ("deep arrays", file(&document(1, &format!("/Lang {}", nested("[", "]")), &[]), "")),
        ("deep dictionaries", file(&document(1, &format!("/X {}", nested("<</A ", ">>")), &[]), "")),
        ("deep texts", file(&document(1, &format!("/Lang {}", nested("(", ")")), &[]), "")),
        (
            "a cycle of pages",
            file(
                &[
                    b"<</Type /Catalog /Pages 2 0 R>>".to_vec(),
                    b"<</Type /Pages /Kids [2 0 R 2 0 R] /Count 9>>".to_vec(),
                ],
                "",
            ),
        ),
        ("a fan of pages", fan(2..14)),
        ("a cycle of tables", file(&document(1, "", &[]), "/Prev 9")),
        (
            "a stream as long as itself",
            file(&document(1, "", &[b"<</Length 4 0 R>>\nstream\nx\nendstream".to_vec()]), ""),
        ),
        ("no ends of arrays", repeated("1 0 obj [[[[[[[[\n")),
        ("no ends of dictionaries", repeated("1 0 obj << /A \n")),
        ("no ends of texts", repeated("1 0 obj (aaaa\n")),
        ("no ends of streams", repeated("1 0 obj <</Length 9>> stream\n")),
    ];
    for (what, bytes) in files {
        let begun = Instant::now();
        let found = examine(&bytes);
        // the slowest of them takes a tenth of this where tests are not optimised
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}: {:?}", begun.elapsed());
        if what.ends_with("streams") && !what.starts_with("no") || what == "one large stream" {
            assert_eq!(found, Ok(None), "{what}");
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]
    /// Any change of a file leads to an answer.
    #[test]
    fn changed_bytes_lead_to_an_answer(at in 0.0..1.0f64, with in proptest::collection::vec(proptest::prelude::any::<u8>(), 1..40)) {
        let claims = r#"<rdf:Description xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" pdfaid:part="3"/>"#;
        let mut bytes = file(&document(2, "/Metadata 5 0 R /Lang (en)", &[xmp(claims)]), "");
        let at = (at * bytes.len() as f64) as usize;
        for (byte, with) in bytes[at..].iter_mut().zip(with) {
            *byte = with;
        }
        // whatever it is, it is one of the answers, and no panic was caught on the way
        proptest::prop_assert!(std::panic::catch_unwind(|| read(&bytes)).is_ok());
        let _ = examine(&bytes);
    }
}
