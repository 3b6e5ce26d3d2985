//! The PDF: A4, built-in Helvetica, a letterhead, a table that continues over pages, page numbers.
//!
//! Streams are not compressed, so that [`read_text`] and any other tool can find the words. Every
//! coordinate here counts from the top left of the page, in points.

use super::{
    Stamp,
    letter::{Letter, Row, listing},
    text::{Face, decode, encode, width, wrap},
    value,
    words::spell_out,
};
use pdf_writer::{Content, Date, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use serde_json::Value;

const PAGE: (f32, f32) = (595.28, 841.89);
const LEFT: f32 = 62.0;
const RIGHT: f32 = PAGE.0 - 56.0;
const BOTTOM: f32 = PAGE.1 - 72.0;
/// Where the running text of the second and later pages begins.
const NEXT_TOP: f32 = 88.0;

const INK: [f32; 3] = [0.13, 0.14, 0.16];
const GREY: [f32; 3] = [0.42, 0.45, 0.49];
const ACCENT: [f32; 3] = [0.12, 0.23, 0.37];
const TINT: [f32; 3] = [0.93, 0.95, 0.965];
const LINE: [f32; 3] = [0.82, 0.85, 0.88];

#[derive(Clone, Copy)]
struct Font {
    face: Face,
    size: f32,
    colour: [f32; 3],
}

const fn font(face: Face, size: f32, colour: [f32; 3]) -> Font {
    Font { face, size, colour }
}

const BODY: Font = font(Face::Regular, 10.0, INK);
const CELL: Font = font(Face::Regular, 9.0, INK);
const CELL_BOLD: Font = font(Face::Bold, 9.0, INK);
const SMALL: Font = font(Face::Regular, 8.0, GREY);
const HEAD: Font = font(Face::Bold, 8.0, ACCENT);

pub(super) fn write(customers: &[Value], stamp: Option<&Stamp>, padding: usize) -> Vec<u8> {
    let mut pages = Vec::new();
    let mut title = String::new();
    for driver in customers {
        let mut sheet = Sheet::default();
        match Letter::of(driver) {
            Some(letter) => {
                title = format!("{} {}", letter.title, letter.order);
                draw_letter(&mut sheet, &letter);
                sheet.number(&letter.sender, letter.words.page, letter.words.of);
            }
            None => {
                title = spell_out(&value::text(driver, &["document"]).unwrap_or_else(|| "document".to_owned()));
                draw_listing(&mut sheet, driver, &title);
                sheet.number("", "Page", "of");
            }
        }
        pages.extend(sheet.pages.into_iter().map(|page| page.content));
    }
    assemble(pages, &title, stamp, padding)
}

/// One letter's pages, and how far down the last one is written.
struct Sheet {
    pages: Vec<Page>,
    y: f32,
    /// Drawn on the top of every page but the first.
    running: (String, String),
}

struct Page {
    content: Content,
}

impl Default for Sheet {
    fn default() -> Self {
        Self { pages: vec![Page { content: Content::new() }], y: 0.0, running: Default::default() }
    }
}

impl Sheet {
    fn page(&mut self) -> &mut Content {
        let last = self.pages.len() - 1;
        &mut self.pages[last].content
    }

    /// Goes to the next page unless `height` more points fit. True if it went.
    fn need(&mut self, height: f32) -> bool {
        if self.y + height <= BOTTOM {
            return false;
        }
        self.pages.push(Page { content: Content::new() });
        let (left, right) = self.running.clone();
        self.text(LEFT, 52.0, &encode(&left), font(Face::Bold, 10.0, ACCENT));
        self.text_right(RIGHT, 52.0, &encode(&right), SMALL);
        self.rule(LEFT, RIGHT, 62.0, LINE);
        self.y = NEXT_TOP;
        true
    }

    fn text(&mut self, x: f32, y: f32, bytes: &[u8], font: Font) {
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

    fn text_right(&mut self, right: f32, y: f32, bytes: &[u8], font: Font) {
        self.text(right - width(bytes, font.face, font.size), y, bytes, font);
    }

    fn rule(&mut self, from: f32, to: f32, y: f32, colour: [f32; 3]) {
        let [r, g, b] = colour;
        let y = PAGE.1 - y;
        self.page().set_stroke_rgb(r, g, b).set_line_width(0.6).move_to(from, y).line_to(to, y).stroke();
    }

    fn fill(&mut self, x: f32, y: f32, wide: f32, high: f32, colour: [f32; 3]) {
        let [r, g, b] = colour;
        self.page().set_fill_rgb(r, g, b).rect(x, PAGE.1 - y - high, wide, high).fill_nonzero();
    }

    /// Lines of text going down from `y`; answers where the next line would be.
    fn lines(&mut self, x: f32, mut y: f32, lines: &[Vec<u8>], font: Font, leading: f32) -> f32 {
        for line in lines {
            self.text(x, y, line, font);
            y += leading;
        }
        y
    }

    /// A paragraph at the running position, over as many pages as it needs.
    fn paragraph(&mut self, text: &str, font: Font, leading: f32) {
        for line in wrap(text, font.face, font.size, RIGHT - LEFT) {
            self.need(leading);
            let y = self.y;
            self.text(LEFT, y, &line, font);
            self.y += leading;
        }
    }

    /// Foot lines, once the number of pages is known.
    fn number(&mut self, sender: &str, page: &str, of: &str) {
        let count = self.pages.len();
        let pages = std::mem::take(&mut self.pages);
        for (number, one) in (1..).zip(pages) {
            self.pages.push(one);
            self.rule(LEFT, RIGHT, PAGE.1 - 50.0, LINE);
            self.text(LEFT, PAGE.1 - 37.0, &encode(sender), SMALL);
            let label = encode(&format!("{page} {number} {of} {count}"));
            self.text_right(RIGHT, PAGE.1 - 37.0, &label, SMALL);
        }
    }
}

fn draw_letter(sheet: &mut Sheet, letter: &Letter) {
    sheet.running = (letter.brand.clone(), format!("{} {}", letter.title, letter.order));
    sheet.fill(0.0, 0.0, PAGE.0, 8.0, ACCENT);
    for line in wrap(&letter.brand, Face::Bold, 20.0, RIGHT - LEFT).iter().take(2) {
        sheet.y += if sheet.y == 0.0 { 62.0 } else { 24.0 };
        let y = sheet.y;
        sheet.text(LEFT, y, line, font(Face::Bold, 20.0, ACCENT));
    }
    draw_heading(sheet, letter);
    sheet.paragraph(&format!("{} {}", letter.title, letter.order), font(Face::Bold, 15.0, ACCENT), 20.0);
    sheet.y += 6.0;
    sheet.paragraph(&letter.salutation, BODY, 14.0);
    sheet.y += 14.0;
    draw_table(sheet, letter);
    draw_totals(sheet, letter);
    for (label, note) in &letter.notes {
        sheet.y += 16.0;
        sheet.need(30.0);
        let y = sheet.y;
        sheet.text(LEFT, y, &encode(label), HEAD);
        sheet.y += 14.0;
        sheet.paragraph(note, CELL, 12.5);
    }
}

/// The address window on the left, the facts and the delivery address on the right.
fn draw_heading(sheet: &mut Sheet, letter: &Letter) {
    const COLUMN: f32 = 344.0;
    const VALUES: f32 = 430.0;
    let top = sheet.y + 58.0;
    let sender = wrap(&letter.sender, Face::Regular, 6.5, 230.0);
    sheet.text(LEFT, top, &sender[0], font(Face::Regular, 6.5, GREY));
    sheet.rule(LEFT, LEFT + 230.0, top + 4.0, LINE);
    let mut left = top + 22.0;
    for line in &letter.recipient {
        let lines = wrap(line, Face::Regular, 10.0, 230.0);
        left = sheet.lines(LEFT, left, &lines, BODY, 14.0);
    }
    let mut right = top;
    for (label, value) in &letter.facts {
        sheet.text(COLUMN, right, &encode(label), SMALL);
        let lines = wrap(value, Face::Bold, 9.0, RIGHT - VALUES);
        right = sheet.lines(VALUES, right, &lines, CELL_BOLD, 12.0) + 2.5;
    }
    if !letter.delivery.is_empty() {
        right += 6.0;
        sheet.text(COLUMN, right, &encode(letter.words.deliver_to), SMALL);
        for line in &letter.delivery {
            let lines = wrap(line, Face::Regular, 9.0, RIGHT - VALUES);
            right = sheet.lines(VALUES, right, &lines, CELL, 12.0);
        }
    }
    sheet.y = left.max(right).max(top + 110.0) + 30.0;
}

const ITEM: f32 = LEFT + 8.0;
const SKU: f32 = 296.0;
const QUANTITY: f32 = 402.0;
const UNIT: f32 = 468.0;
const AMOUNT: f32 = RIGHT - 8.0;

fn draw_table_head(sheet: &mut Sheet, letter: &Letter) {
    let words = letter.words;
    let y = sheet.y;
    sheet.fill(LEFT, y - 13.0, RIGHT - LEFT, 20.0, TINT);
    sheet.text(ITEM, y, &encode(words.item), HEAD);
    sheet.text(SKU, y, &encode(words.sku), HEAD);
    sheet.text_right(QUANTITY, y, &encode(words.quantity), HEAD);
    sheet.text_right(UNIT, y, &encode(words.unit_price), HEAD);
    sheet.text_right(AMOUNT, y, &encode(words.amount), HEAD);
    sheet.y += 22.0;
}

fn draw_table(sheet: &mut Sheet, letter: &Letter) {
    if letter.rows.is_empty() {
        return;
    }
    sheet.need(60.0);
    draw_table_head(sheet, letter);
    for row in &letter.rows {
        draw_row(sheet, letter, row);
    }
}

fn draw_row(sheet: &mut Sheet, letter: &Letter, row: &Row) {
    const LEADING: f32 = 12.0;
    let mut item: Vec<(Vec<u8>, Font)> = Vec::new();
    let wide = SKU - ITEM - 10.0;
    item.extend(wrap(&row.title, Face::Bold, 9.0, wide).into_iter().map(|line| (line, CELL_BOLD)));
    for detail in &row.details {
        item.extend(wrap(detail, Face::Regular, 8.0, wide).into_iter().map(|line| (line, SMALL)));
    }
    let sku = wrap(&row.sku, Face::Regular, 9.0, QUANTITY - SKU - 34.0);
    let count = item.len().max(sku.len());
    // a row stays whole if a page can hold it; a taller one starts where it is and is continued
    let height = LEADING * count as f32 + 4.0;
    let whole = if height < BOTTOM - NEXT_TOP - 30.0 { height } else { LEADING * 3.0 };
    if sheet.need(whole) {
        draw_table_head(sheet, letter);
    }
    for index in 0..count {
        if index > 0 && sheet.need(LEADING) {
            draw_table_head(sheet, letter);
        }
        let y = sheet.y;
        if let Some((line, font)) = item.get(index) {
            sheet.text(ITEM, y, line, *font);
        }
        if let Some(line) = sku.get(index) {
            sheet.text(SKU, y, line, CELL);
        }
        if index == 0 {
            sheet.text_right(QUANTITY, y, &encode(&row.quantity), CELL);
            sheet.text_right(UNIT, y, &encode(&row.unit_price), CELL);
            sheet.text_right(AMOUNT, y, &encode(&row.amount), CELL_BOLD);
        }
        sheet.y += LEADING;
    }
    let y = sheet.y;
    sheet.rule(LEFT, RIGHT, y - 5.0, LINE);
    sheet.y += 10.0;
}

fn draw_totals(sheet: &mut Sheet, letter: &Letter) {
    const LABEL: f32 = 310.0;
    sheet.y += 8.0;
    let height = 16.0 * letter.totals.len() as f32 + 16.0;
    sheet.need(height.min(BOTTOM - NEXT_TOP));
    for total in &letter.totals {
        sheet.need(20.0);
        let y = sheet.y;
        if total.strong {
            sheet.fill(LABEL - 8.0, y - 12.5, RIGHT - LABEL + 8.0, 18.5, TINT);
        }
        let (label, value) = if total.strong {
            (font(Face::Bold, 10.5, ACCENT), font(Face::Bold, 10.5, ACCENT))
        } else {
            (CELL, CELL)
        };
        let room = AMOUNT - LABEL - 10.0 - width(&encode(&total.value), value.face, value.size);
        let lines = wrap(&total.label, label.face, label.size, room);
        sheet.text_right(AMOUNT, y, &encode(&total.value), value);
        sheet.y = sheet.lines(LABEL, y, &lines, label, 11.0) + if total.strong { 9.5 } else { 4.5 };
    }
}

fn draw_listing(sheet: &mut Sheet, driver: &Value, title: &str) {
    sheet.running = (title.to_owned(), String::new());
    sheet.fill(0.0, 0.0, PAGE.0, 8.0, ACCENT);
    sheet.y = 70.0;
    sheet.paragraph(title, font(Face::Bold, 18.0, ACCENT), 24.0);
    sheet.y += 8.0;
    for (depth, key, value) in listing(driver) {
        let indent = LEFT + 14.0 * depth.min(12) as f32;
        let label = wrap(&key, Face::Regular, 9.0, 150.0);
        let column = (indent + 156.0).max(LEFT + 170.0);
        let lines = wrap(&value, Face::Regular, 9.0, RIGHT - column);
        let heading = value.is_empty();
        for index in 0..label.len().max(lines.len()) {
            sheet.need(13.0);
            let y = sheet.y;
            if let Some(line) = label.get(index) {
                let style = if heading { font(Face::Bold, 9.0, ACCENT) } else { font(Face::Regular, 9.0, GREY) };
                sheet.text(indent, y, line, style);
            }
            if let Some(line) = lines.get(index) {
                sheet.text(column, y, line, CELL);
            }
            sheet.y += 13.0;
        }
    }
}

fn assemble(pages: Vec<Content>, title: &str, stamp: Option<&Stamp>, padding: usize) -> Vec<u8> {
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
        let length = head.rsplit("/Length ").next().and_then(|rest| {
            rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<usize>().ok()
        });
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
