//! Pages and the PDF file: drawing on A4, and reading the text back.
//!
//! Streams are not compressed, so that [`read_text`] and any other tool can find the words. Every
//! coordinate here counts from the top left of the page, in points.

use super::{
    Stamp,
    embed::Embedded,
    lines::{Line, Piece, line, wrap},
    text::{Face, decode},
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

/// The last page that is drawn; what is behind it is left out, and says so.
const MOST_PAGES: usize = 300;

/// One letter's pages, and how far down the last one is written.
///
/// Where the language is written from right to left, everything is drawn as in a mirror: callers always count
/// from the side on which reading begins.
#[derive(Default)]
pub(super) struct Sheet {
    pages: Vec<Content>,
    pub y: f32,
    /// Drawn on the top of every page but the first.
    pub running: (String, String),
    pub mirrored: bool,
    pub fonts: Embedded,
    full: bool,
}

impl Sheet {
    pub fn new(mirrored: bool, fonts: Embedded) -> Self {
        Self { pages: vec![Content::new()], mirrored, fonts, ..Self::default() }
    }

    fn page(&mut self) -> &mut Content {
        let last = self.pages.len() - 1;
        &mut self.pages[last]
    }

    /// Whether no page is left to draw on.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Goes to the next page unless `height` more points fit. True if it went.
    pub fn need(&mut self, height: f32) -> bool {
        if self.full || self.y + height <= BOTTOM {
            return false;
        }
        if self.pages.len() >= MOST_PAGES {
            self.text(LEFT, BOTTOM + 6.0, "[…]", SMALL);
            self.full = true;
            return false;
        }
        self.pages.push(Content::new());
        let (left, right) = self.running.clone();
        let title = wrap(&right, SMALL.face, SMALL.size, RIGHT - LEFT - 200.0);
        self.text_right(RIGHT, 52.0, title.first(), SMALL);
        let brand = wrap(&left, Face::Bold, 10.0, 190.0);
        self.text(LEFT, 52.0, brand.first(), font(Face::Bold, 10.0, ACCENT));
        self.rule(LEFT, RIGHT, 62.0, LINE);
        self.y = NEXT_TOP;
        true
    }

    /// Where a stretch from `x` of `wide` points begins on the paper.
    fn place(&self, x: f32, wide: f32) -> f32 {
        if self.mirrored { PAGE.0 - x - wide } else { x }
    }

    /// A line whose reading begins at `x`.
    pub fn text<'a>(&mut self, x: f32, y: f32, text: impl Into<Shown<'a>>, font: Font) {
        let Some(line) = text.into().line(font) else { return };
        let x = self.place(x, line.width);
        self.draw(x, y, &line, font);
    }

    /// A line that ends at `right`.
    pub fn text_right<'a>(&mut self, right: f32, y: f32, text: impl Into<Shown<'a>>, font: Font) {
        let Some(line) = text.into().line(font) else { return };
        let x = self.place(right - line.width, line.width);
        self.draw(x, y, &line, font);
    }

    fn draw(&mut self, mut x: f32, y: f32, line: &Line, font: Font) {
        if self.full || line.pieces.is_empty() {
            return;
        }
        let y = PAGE.1 - y;
        let last = self.pages.len() - 1;
        let (page, fonts) = (&mut self.pages[last], &mut self.fonts);
        let [r, g, b] = font.colour;
        page.set_fill_rgb(r, g, b).set_stroke_rgb(r, g, b);
        let spoken = line.pieces.iter().any(|piece| matches!(piece, Piece::Shaped { .. }));
        if spoken {
            let mut mark = page.begin_marked_content_with_properties(Name(b"Span"));
            // a property of ours, for `read_text`: with `ActualText` poppler turns right-to-left text round
            mark.properties().pair(Name(b"Says"), TextStr(&line.text));
        }
        for piece in &line.pieces {
            match piece {
                Piece::Plain(bytes, wide) => {
                    let name = if font.face == Face::Bold { Name(b"F2") } else { Name(b"F1") };
                    page.begin_text().set_font(name, font.size).next_line(x, y).show(Str(bytes)).end_text();
                    x += wide * font.size;
                }
                Piece::Shaped { font: index, glyphs } => x = fonts.show(page, *index, glyphs, (x, y), font),
            }
        }
        if spoken {
            page.end_marked_content();
        }
    }

    pub fn rule(&mut self, from: f32, to: f32, y: f32, colour: [f32; 3]) {
        let [r, g, b] = colour;
        let (wide, y) = (to - from, PAGE.1 - y);
        let from = self.place(from, wide);
        let to = from + wide;
        self.page().set_stroke_rgb(r, g, b).set_line_width(0.6).move_to(from, y).line_to(to, y).stroke();
    }

    pub fn fill(&mut self, x: f32, y: f32, wide: f32, high: f32, colour: [f32; 3]) {
        let [r, g, b] = colour;
        let x = self.place(x, wide);
        self.page().set_fill_rgb(r, g, b).rect(x, PAGE.1 - y - high, wide, high).fill_nonzero();
    }

    /// Lines of text going down from `y`; answers where the next line would be.
    pub fn lines(&mut self, x: f32, mut y: f32, lines: &[Line], font: Font, leading: f32) -> f32 {
        for line in lines {
            self.text(x, y, line, font);
            y += leading;
        }
        y
    }

    /// The finished pages, and the fonts they use.
    pub fn into_pages(self) -> (Vec<Content>, Embedded) {
        (self.pages, self.fonts)
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
    pub fn number(&mut self, sender: &[String], reference: &str, page: &str, of: &str) {
        let count = self.pages.len();
        let pages = std::mem::take(&mut self.pages);
        self.full = false;
        let lines = sender.iter().flat_map(|it| wrap(it, Face::Regular, 7.0, RIGHT - LEFT - 130.0));
        let sender: Vec<Line> = lines.take(4).collect();
        for (number, one) in (1..).zip(pages) {
            self.pages.push(one);
            self.rule(LEFT, RIGHT, PAGE.1 - 54.0, LINE);
            self.lines(LEFT, PAGE.1 - 43.0, &sender, font(Face::Regular, 7.0, GREY), 8.0);
            self.text_right(RIGHT, PAGE.1 - 33.0, reference, font(Face::Regular, 6.0, GREY));
            self.text_right(RIGHT, PAGE.1 - 43.0, &*format!("{page} {number} {of} {count}"), SMALL);
        }
    }
}

/// What is drawn: a line that was measured, or a short text that is one line.
pub(super) enum Shown<'a> {
    Line(Option<&'a Line>),
    Text(&'a str),
}

impl<'a> Shown<'a> {
    fn line(self, font: Font) -> Option<std::borrow::Cow<'a, Line>> {
        match self {
            Self::Line(line) => line.map(std::borrow::Cow::Borrowed),
            Self::Text(text) => Some(std::borrow::Cow::Owned(line(text, font.face, font.size))),
        }
    }
}

impl<'a> From<&'a Line> for Shown<'a> {
    fn from(line: &'a Line) -> Self {
        Self::Line(Some(line))
    }
}

impl<'a> From<Option<&'a Line>> for Shown<'a> {
    fn from(line: Option<&'a Line>) -> Self {
        Self::Line(line)
    }
}

impl<'a> From<&'a str> for Shown<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Shown<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

pub(super) fn assemble(
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
        if !["/Padding", "/FlateDecode"].iter().any(|other| head.contains(other)) {
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

/// The operands of every `Tj` in a content stream; of a line with embedded fonts, the text it stands for.
fn shown(content: &[u8]) -> String {
    let mut lines = Vec::new();
    let mut spoken = false;
    for line in content.split(|&b| b == b'\n') {
        if let Some(operand) = line.trim_ascii_start().strip_prefix(b"/Says ") {
            spoken = true;
            let bytes = string_operand(operand);
            lines.push(match bytes.strip_prefix(b"\xfe\xff") {
                Some(wide) => {
                    let units: Vec<u16> =
                        wide.chunks_exact(2).map(|u| u16::from_be_bytes([u[0], u[1]])).collect();
                    String::from_utf16_lossy(&units)
                }
                None => decode(&bytes),
            });
        } else if line == b"EMC" {
            spoken = false;
        } else if let Some(operand) = line.strip_suffix(b" Tj").filter(|_| !spoken) {
            lines.push(decode(&string_operand(operand)));
        }
    }
    lines.join("\n")
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
