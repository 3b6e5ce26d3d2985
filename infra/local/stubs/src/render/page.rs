//! Pages and the PDF file: drawing on A4 with the built-in fonts, and reading the text back.
//!
//! Streams are not compressed, so that [`read_text`] and any other tool can find the words. Every
//! coordinate here counts from the top left of the page, in points.

use super::{
    Stamp,
    text::{Face, decode, encode, width, wrap},
};
use pdf_writer::{Content, Date, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

pub(super) const PAGE: (f32, f32) = (595.28, 841.89);
pub(super) const LEFT: f32 = 62.0;
pub(super) const RIGHT: f32 = PAGE.0 - 56.0;
pub(super) const BOTTOM: f32 = PAGE.1 - 64.0;
/// Where the running text of the second and later pages begins.
pub(super) const NEXT_TOP: f32 = 88.0;

const INK: [f32; 3] = [0.13, 0.14, 0.16];
pub(super) const GREY: [f32; 3] = [0.42, 0.45, 0.49];
pub(super) const ACCENT: [f32; 3] = [0.12, 0.23, 0.37];
pub(super) const TINT: [f32; 3] = [0.93, 0.95, 0.965];
pub(super) const LINE: [f32; 3] = [0.82, 0.85, 0.88];

#[derive(Clone, Copy)]
pub(super) struct Font {
    pub face: Face,
    pub size: f32,
    pub colour: [f32; 3],
}

pub(super) const fn font(face: Face, size: f32, colour: [f32; 3]) -> Font {
    Font { face, size, colour }
}

pub(super) const BODY: Font = font(Face::Regular, 10.0, INK);
pub(super) const CELL: Font = font(Face::Regular, 9.0, INK);
pub(super) const CELL_BOLD: Font = font(Face::Bold, 9.0, INK);
pub(super) const SMALL: Font = font(Face::Regular, 8.0, GREY);
pub(super) const HEAD: Font = font(Face::Bold, 8.0, ACCENT);

/// One letter's pages, and how far down the last one is written.
pub(super) struct Sheet {
    pages: Vec<Content>,
    pub y: f32,
    /// Drawn on the top of every page but the first.
    pub running: (String, String),
}

impl Default for Sheet {
    fn default() -> Self {
        Self { pages: vec![Content::new()], y: 0.0, running: Default::default() }
    }
}

impl Sheet {
    fn page(&mut self) -> &mut Content {
        let last = self.pages.len() - 1;
        &mut self.pages[last]
    }

    /// Goes to the next page unless `height` more points fit. True if it went.
    pub fn need(&mut self, height: f32) -> bool {
        if self.y + height <= BOTTOM {
            return false;
        }
        self.pages.push(Content::new());
        let (left, right) = self.running.clone();
        self.text(LEFT, 52.0, &encode(&left), font(Face::Bold, 10.0, ACCENT));
        self.text_right(RIGHT, 52.0, &encode(&right), SMALL);
        self.rule(LEFT, RIGHT, 62.0, LINE);
        self.y = NEXT_TOP;
        true
    }

    pub fn text(&mut self, x: f32, y: f32, bytes: &[u8], font: Font) {
        if bytes.is_empty() {
            return;
        }
        let name = match font.face {
            Face::Regular => Name(b"F1"),
            Face::Bold => Name(b"F2"),
        };
        let [r, g, b] = font.colour;
        self.page()
            .set_fill_rgb(r, g, b)
            .begin_text()
            .set_font(name, font.size)
            .next_line(x, PAGE.1 - y)
            .show(Str(bytes))
            .end_text();
    }

    pub fn text_right(&mut self, right: f32, y: f32, bytes: &[u8], font: Font) {
        self.text(right - width(bytes, font.face, font.size), y, bytes, font);
    }

    pub fn rule(&mut self, from: f32, to: f32, y: f32, colour: [f32; 3]) {
        let [r, g, b] = colour;
        let y = PAGE.1 - y;
        self.page().set_stroke_rgb(r, g, b).set_line_width(0.6).move_to(from, y).line_to(to, y).stroke();
    }

    pub fn fill(&mut self, x: f32, y: f32, wide: f32, high: f32, colour: [f32; 3]) {
        let [r, g, b] = colour;
        self.page().set_fill_rgb(r, g, b).rect(x, PAGE.1 - y - high, wide, high).fill_nonzero();
    }

    /// Lines of text going down from `y`; answers where the next line would be.
    pub fn lines(&mut self, x: f32, mut y: f32, lines: &[Vec<u8>], font: Font, leading: f32) -> f32 {
        for line in lines {
            self.text(x, y, line, font);
            y += leading;
        }
        y
    }

    /// The finished pages.
    pub fn into_pages(self) -> Vec<Content> {
        self.pages
    }

    /// A paragraph at the running position, over as many pages as it needs.
    pub fn paragraph(&mut self, text: &str, font: Font, leading: f32) {
        for line in wrap(text, font.face, font.size, RIGHT - LEFT) {
            self.need(leading);
            let y = self.y;
            self.text(LEFT, y, &line, font);
            self.y += leading;
        }
    }

    /// Foot lines, once the number of pages is known.
    pub fn number(&mut self, sender: &str, reference: &str, page: &str, of: &str) {
        let count = self.pages.len();
        let pages = std::mem::take(&mut self.pages);
        for (number, one) in (1..).zip(pages) {
            self.pages.push(one);
            self.rule(LEFT, RIGHT, PAGE.1 - 50.0, LINE);
            self.text(LEFT, PAGE.1 - 37.0, &encode(sender), SMALL);
            self.text(LEFT, PAGE.1 - 27.0, &encode(reference), font(Face::Regular, 6.5, GREY));
            let label = encode(&format!("{page} {number} {of} {count}"));
            self.text_right(RIGHT, PAGE.1 - 37.0, &label, SMALL);
        }
    }
}

pub(super) fn assemble(pages: Vec<Content>, title: &str, stamp: Option<&Stamp>, padding: usize) -> Vec<u8> {
    let mut pdf = Pdf::new();
    let mut next = Ref::new(1);
    let (catalog, tree, regular, bold, info) =
        (next.bump(), next.bump(), next.bump(), next.bump(), next.bump());
    let ids: Vec<(Ref, Ref)> = pages.iter().map(|_| (next.bump(), next.bump())).collect();
    pdf.catalog(catalog).pages(tree);
    pdf.pages(tree).kids(ids.iter().map(|(page, _)| *page)).count(ids.len() as i32);
    for (id, name) in [(regular, b"Helvetica".as_slice()), (bold, b"Helvetica-Bold")] {
        pdf.type1_font(id).base_font(Name(name)).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    let mut about = pdf.document_info(info);
    about.title(TextStr(title)).producer(TextStr("local-stubs"));
    if let Some(stamp) = stamp {
        about.creation_date(date(stamp.at));
    }
    about.finish();
    for (content, (page_id, content_id)) in pages.into_iter().zip(ids) {
        let mut page = pdf.page(page_id);
        page.media_box(Rect::new(0.0, 0.0, PAGE.0, PAGE.1)).parent(tree).contents(content_id);
        page.resources().fonts().pair(Name(b"F1"), regular).pair(Name(b"F2"), bold);
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
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut out: Vec<u8> = std::iter::repeat_with(&mut next).take(length.div_ceil(8)).flatten().collect();
    out.truncate(length);
    out
}

/// The text of each page of a PDF that this module wrote, one shown string a line.
pub fn read_text(pdf: &[u8]) -> Vec<String> {
    const OPEN: &[u8] = b"stream\n";
    let mut pages = Vec::new();
    let mut at = 0;
    while let Some(start) = find(&pdf[at..], OPEN).map(|found| at + found) {
        let head = String::from_utf8_lossy(&pdf[start.saturating_sub(120)..start]);
        let length = head
            .rsplit("/Length ")
            .next()
            .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<usize>().ok());
        let body = start + OPEN.len();
        let end = length.map_or(pdf.len(), |length| body + length).min(pdf.len());
        if !head.contains("/Padding") {
            pages.push(shown(&pdf[body..end]));
        }
        at = end + b"\nendstream".len();
        if at >= pdf.len() {
            break;
        }
    }
    pages
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// The operands of every `Tj` in a content stream.
fn shown(content: &[u8]) -> String {
    let lines = content.split(|&b| b == b'\n').filter_map(|line| line.strip_suffix(b" Tj"));
    lines.map(|operand| decode(&string_operand(operand))).collect::<Vec<_>>().join("\n")
}

fn string_operand(operand: &[u8]) -> Vec<u8> {
    let inner = operand.get(1..operand.len().saturating_sub(1)).unwrap_or_default();
    if operand.starts_with(b"<") {
        return hex::decode(inner).unwrap_or_default();
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => out.extend(bytes.next()),
            other => out.push(other),
        }
    }
    out
}
