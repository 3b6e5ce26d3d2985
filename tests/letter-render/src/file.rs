//! The PDF file around drawn pages.
//!
//! Streams are not compressed, so that [`read_text`](crate::read_text) and any other tool can find the words.

use crate::{embed::Embedded, style::PAGE};
use pdf_writer::{Content, Date, Finish, Name, Pdf, Rect, Ref, TextStr};

/// What makes one composition differ from the next, as with the real engine.
#[derive(Debug, Clone)]
pub struct Stamp {
    pub at: jiff::Timestamp,
    pub serial: u64,
}

pub(crate) fn assemble(
    pages: Vec<Content>,
    fonts: &Embedded,
    title: &str,
    language: &str,
    stamp: Option<&Stamp>,
    padding: usize,
) -> Vec<u8> {
    let mut pdf = Pdf::new();
    let mut next = Ref::new(1);
    let (catalog, tree, regular, bold, info) =
        (next.bump(), next.bump(), next.bump(), next.bump(), next.bump());
    let ids: Vec<(Ref, Ref)> = pages.iter().map(|_| (next.bump(), next.bump())).collect();
    // no claim of PDF/A or PDF/UA: it would not be true
    pdf.catalog(catalog).pages(tree).lang(TextStr(language));
    pdf.pages(tree).kids(ids.iter().map(|(page, _)| *page)).count(ids.len() as i32);
    for (id, name) in [(regular, b"Helvetica".as_slice()), (bold, b"Helvetica-Bold")] {
        pdf.type1_font(id).base_font(Name(name)).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    let embedded = fonts.write(&mut pdf, &mut next);
    let mut about = pdf.document_info(info);
    about.title(TextStr(title)).producer(TextStr("local-stubs"));
    if let Some(stamp) = stamp {
        about.creation_date(date(stamp.at));
    }
    about.finish();
    for (content, (page_id, content_id)) in pages.into_iter().zip(ids) {
        let mut page = pdf.page(page_id);
        page.media_box(Rect::new(0.0, 0.0, PAGE.0, PAGE.1)).parent(tree).contents(content_id);
        let mut resources = page.resources();
        let mut named = resources.fonts();
        named.pair(Name(b"F1"), regular).pair(Name(b"F2"), bold);
        for (name, id) in &embedded {
            named.pair(Name(name.as_bytes()), *id);
        }
        named.finish();
        resources.finish();
        page.finish();
        pdf.stream(content_id, &content.finish());
    }
    if padding > 0 {
        // only there to make the file large; no page refers to it
        pdf.stream(next.bump(), &noise(padding)).pair(Name(b"Subtype"), Name(b"Padding"));
    }
    if let Some(stamp) = stamp {
        let id = format!("{:x}-{}", stamp.serial, stamp.at.as_nanosecond());
        pdf.set_file_id((id.clone().into_bytes(), id.into_bytes()));
    }
    pdf.finish()
}

fn date(at: jiff::Timestamp) -> Date {
    let at = at.to_zoned(jiff::tz::TimeZone::UTC);
    Date::new(at.year().unsigned_abs())
        .month(at.month().unsigned_abs())
        .day(at.day().unsigned_abs())
        .hour(at.hour().unsigned_abs())
        .minute(at.minute().unsigned_abs())
        .second(at.second().unsigned_abs())
        .utc_offset_hour(0)
}

/// Bytes that do not compress, the same each time.
fn noise(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    fastrand::Rng::with_seed(1).fill(&mut bytes);
    bytes
}
