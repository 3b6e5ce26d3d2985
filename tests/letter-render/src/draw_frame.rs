//! What stands around the middle of every letter: letterhead, address window, greeting, totals, regards.

use crate::{
    head::Head,
    lines::{wide, wrap},
    sheet::Sheet,
    style::{ACCENT, AMOUNT, BODY, CELL, CELL_BOLD, GREY, LEFT, LINE, PAGE, RIGHT, SMALL, TINT, font},
    text::Face,
    totals::Total,
};

/// The letterhead, the address window on the left with facts and delivery address beside it, the title.
pub(crate) fn draw_heading(sheet: &mut Sheet, head: &Head) {
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

/// The greeting and the first sentence.
pub(crate) fn draw_greeting(sheet: &mut Sheet, head: &Head) {
    sheet.paragraph(&head.greeting, BODY, 14.0);
    sheet.y += 5.0;
    if let Some(opening) = head.opening {
        sheet.paragraph(opening, BODY, 14.0);
        sheet.y += 6.0;
    }
}

pub(crate) fn draw_totals(sheet: &mut Sheet, totals: &[Total]) {
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

pub(crate) fn draw_regards(sheet: &mut Sheet, head: &Head) {
    let Some(regards) = head.regards else { return };
    sheet.y += 18.0;
    sheet.need(32.0);
    sheet.paragraph(regards, BODY, 15.0);
    sheet.paragraph(&head.brand, font(Face::Bold, 10.0, BODY.colour), 15.0);
}
