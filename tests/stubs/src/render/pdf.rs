//! The PDF of a letter or a listing: letterhead, a table that continues over pages, totals, page numbers.

use super::{
    Stamp,
    document::Document,
    draw,
    embed::Embedded,
    letter::{Head, Letter, Row, Total},
    lines::{Line, wide, wrap},
    page::{
        ACCENT, BODY, BOTTOM, CELL, CELL_BOLD, Font, GREY, HEAD, LEFT, LINE, NEXT_TOP, PAGE, RIGHT, SMALL,
        Sheet, TINT, assemble, font,
    },
    text::Face,
};
use serde_json::Value;

pub(super) fn write(customers: &[Value], stamp: Option<&Stamp>, padding: usize) -> Vec<u8> {
    let mut pages = Vec::new();
    let mut fonts = Embedded::default();
    let (mut title, mut language) = (String::new(), "");
    for driver in customers {
        let document = Document::of(driver);
        let head = document.head();
        let mut sheet = Sheet::new(head.words.mirrored, fonts);
        match &document {
            Document::Letter(letter) => draw_letter(&mut sheet, letter),
            Document::Report(report) => draw::report(&mut sheet, report),
        }
        sheet.number(&head.imprint, &head.reference, head.words.page, head.words.of);
        (title, language) = (head.full_title(), head.words.language);
        let (drawn, used) = sheet.into_pages();
        pages.extend(drawn);
        fonts = used;
    }
    assemble(pages, &fonts, &title, language, stamp, padding)
}

fn draw_letter(sheet: &mut Sheet, letter: &Letter) {
    draw_heading(sheet, &letter.head);
    draw_greeting(sheet, &letter.head);
    sheet.y += 8.0;
    draw_table(sheet, letter);
    draw_totals(sheet, &letter.totals);
    sheet.y += 8.0;
    draw::sections(sheet, &letter.sections);
    draw_regards(sheet, &letter.head);
}

/// The greeting and the first sentence.
pub(super) fn draw_greeting(sheet: &mut Sheet, head: &Head) {
    sheet.paragraph(&head.greeting, BODY, 14.0);
    sheet.y += 5.0;
    if let Some(opening) = head.opening {
        sheet.paragraph(opening, BODY, 14.0);
        sheet.y += 6.0;
    }
}

pub(super) fn draw_regards(sheet: &mut Sheet, head: &Head) {
    let Some(regards) = head.regards else { return };
    sheet.y += 18.0;
    sheet.need(32.0);
    sheet.paragraph(regards, BODY, 15.0);
    sheet.paragraph(&head.brand, font(Face::Bold, 10.0, BODY.colour), 15.0);
}

/// The letterhead, the address window on the left with facts and delivery address beside it, the title.
pub(super) fn draw_heading(sheet: &mut Sheet, head: &Head) {
    sheet.running = (head.brand.clone(), head.full_title());
    sheet.fill(0.0, 0.0, PAGE.0, 8.0, ACCENT);
    for line in wrap(&head.brand, Face::Bold, 20.0, RIGHT - LEFT).iter().take(2) {
        sheet.y += if sheet.y == 0.0 { 62.0 } else { 24.0 };
        let y = sheet.y;
        sheet.text(LEFT, y, line, font(Face::Bold, 20.0, ACCENT));
    }
    draw_window(sheet, head);
    sheet.paragraph(&head.full_title(), font(Face::Bold, 15.0, ACCENT), 20.0);
    sheet.y += 6.0;
}

fn draw_window(sheet: &mut Sheet, letter: &Head) {
    const COLUMN: f32 = 312.0;
    const VALUES: f32 = 390.0;
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
        let label = wrap(label, Face::Regular, 8.0, VALUES - COLUMN - 6.0);
        let below = sheet.lines(COLUMN, right, &label, SMALL, 10.0);
        let lines = wrap(value, Face::Bold, 9.0, RIGHT - VALUES);
        right = sheet.lines(VALUES, right, &lines, CELL_BOLD, 12.0).max(below) + 2.5;
    }
    if !letter.delivery.is_empty() {
        right += 6.0;
        sheet.text(COLUMN, right, letter.words.deliver_to, SMALL);
        for line in &letter.delivery {
            let lines = wrap(line, Face::Regular, 9.0, RIGHT - VALUES);
            right = sheet.lines(VALUES, right, &lines, CELL, 12.0);
        }
    }
    sheet.y = left.max(right).max(top + 96.0) + 24.0;
}

const ITEM: f32 = LEFT + 8.0;
const SKU: f32 = 286.0;
const QUANTITY: f32 = 404.0;
const UNIT: f32 = 468.0;
const AMOUNT: f32 = RIGHT - 8.0;
const SKU_FONT: Font = font(Face::Regular, 8.5, CELL.colour);

fn draw_table_head(sheet: &mut Sheet, letter: &Letter) {
    let words = letter.head.words;
    let y = sheet.y;
    sheet.fill(LEFT, y - 13.0, RIGHT - LEFT, 20.0, TINT);
    sheet.text(ITEM, y, words.item, HEAD);
    sheet.text(SKU, y, words.sku, HEAD);
    sheet.text_right(QUANTITY, y, words.quantity, HEAD);
    sheet.text_right(UNIT, y, words.unit_price, HEAD);
    sheet.text_right(AMOUNT, y, words.amount, HEAD);
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
    let mut item: Vec<(Line, Font)> = Vec::new();
    let inset = if row.part { 10.0 } else { 0.0 };
    let wide = SKU - ITEM - 10.0 - inset;
    item.extend(wrap(&row.title, Face::Bold, 9.0, wide).into_iter().map(|line| (line, CELL_BOLD)));
    for detail in &row.details {
        item.extend(wrap(detail, Face::Regular, 8.0, wide).into_iter().map(|line| (line, SMALL)));
    }
    let sku = wrap(&row.sku, SKU_FONT.face, SKU_FONT.size, QUANTITY - SKU - 28.0);
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
            sheet.text(ITEM + inset, y, line, *font);
        }
        if let Some(line) = sku.get(index) {
            sheet.text(SKU, y, line, SKU_FONT);
        }
        if index == 0 {
            sheet.text_right(QUANTITY, y, &*row.quantity, CELL);
            sheet.text_right(UNIT, y, &*row.unit_price, CELL);
            sheet.text_right(AMOUNT, y, &*row.amount, CELL_BOLD);
        }
        sheet.y += LEADING;
    }
    let y = sheet.y;
    sheet.rule(LEFT, RIGHT, y - 5.0, LINE);
    sheet.y += 10.0;
}

pub(super) fn draw_totals(sheet: &mut Sheet, totals: &[Total]) {
    const LABEL: f32 = 310.0;
    sheet.y += 8.0;
    let height = 17.0 * totals.len() as f32 + 16.0;
    // some of the sums stay together with the last line
    sheet.need(height.min(150.0));
    for total in totals {
        sheet.need(24.0);
        if total.strong {
            sheet.y += 4.0;
        } else if total.small {
            sheet.y -= 2.0;
        }
        let y = sheet.y;
        if total.strong {
            sheet.fill(LABEL - 8.0, y - 12.5, RIGHT - LABEL + 8.0, 18.5, TINT);
        }
        let (label, value) = if total.strong {
            (font(Face::Bold, 10.5, ACCENT), font(Face::Bold, 10.5, ACCENT))
        } else if total.small {
            (SMALL, SMALL)
        } else {
            (CELL, CELL)
        };
        let room = AMOUNT - LABEL - 10.0 - wide(&total.value, value.face, value.size);
        let lines = wrap(&total.label, label.face, label.size, room);
        sheet.y = sheet.lines(LABEL, y, &lines, label, 11.0) + if total.strong { 9.5 } else { 4.5 };
        sheet.text_right(AMOUNT, y, &*total.value, value);
    }
}
