//! The PDF of a letter or a listing: letterhead, a table that continues over pages, totals, page numbers.

use crate::{
    document::Document,
    draw_frame::{draw_greeting, draw_heading, draw_regards, draw_totals},
    draw_sections::draw_sections,
    embed::Embedded,
    file::{Stamp, assemble},
    letter::{Letter, Row},
    lines::{Line, wrap},
    report::Report,
    sheet::Sheet,
    style::{AMOUNT, BOTTOM, CELL, CELL_BOLD, Font, HEAD, LEFT, LINE, NEXT_TOP, RIGHT, SMALL, TINT, font},
    text::Face,
};
use serde_json::Value;

pub(crate) fn write(customers: &[Value], stamp: Option<&Stamp>, padding: usize) -> Vec<u8> {
    let mut pages = Vec::new();
    let mut fonts = Embedded::default();
    let (mut title, mut language) = (String::new(), "");
    for driver in customers {
        let document = Document::of(driver);
        let head = document.head();
        let mut sheet = Sheet::new(head.words.mirrored, fonts);
        match &document {
            Document::Letter(letter) => draw_letter(&mut sheet, letter),
            Document::Report(report) => draw_report(&mut sheet, report),
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
    draw_sections(sheet, &letter.sections);
    draw_regards(sheet, &letter.head);
}

fn draw_report(sheet: &mut Sheet, report: &Report) {
    draw_heading(sheet, &report.head);
    draw_greeting(sheet, &report.head);
    draw_sections(sheet, &report.sections);
    draw_regards(sheet, &report.head);
}

const ITEM: f32 = LEFT + 8.0;
const SKU: f32 = 286.0;
const QUANTITY: f32 = 404.0;
const UNIT: f32 = 468.0;

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
