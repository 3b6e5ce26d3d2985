//! Sections on pages: below one another, tables that continue over pages with their heads.

use crate::{
    cells::{Row, Table},
    draw_frame::draw_totals,
    lines::{Line, wide, wrap},
    section::Section,
    sheet::Sheet,
    style::{ACCENT, BOTTOM, CELL, Font, GREY, HEAD, LEFT, LINE, NEXT_TOP, RIGHT, SMALL, TINT, font},
    text::Face,
};

const LEADING: f32 = 11.5;
/// Room above a table.
const TABLE_GAP: f32 = 4.0;
/// Room between two columns.
const GAP: f32 = 10.0;
const TITLE: Font = font(Face::Bold, 10.5, ACCENT);
const SUBTITLE: Font = font(Face::Bold, 9.5, CELL.colour);
const LABEL: Font = font(Face::Regular, 9.0, GREY);

pub(crate) fn draw_sections(sheet: &mut Sheet, sections: &[Section]) {
    for (index, section) in sections.iter().enumerate() {
        if sheet.is_full() {
            break;
        }
        match section {
            Section::Heading(text, depth) => heading(sheet, text, *depth, room(&sections[index + 1..])),
            Section::Space => {
                sheet.y += 10.0;
                sheet.need(16.0);
            }
            Section::Note(label, text) => {
                if !label.is_empty() {
                    heading(sheet, label, 1, 40.0);
                }
                sheet.paragraph(text, CELL, 12.5);
                sheet.y += 4.0;
            }
            Section::Fields(fields) => draw_fields(sheet, fields),
            Section::Table(table) => draw_table(sheet, table),
            Section::Totals(totals) => draw_totals(sheet, totals),
        }
    }
}

/// The room that what stands below a heading needs to begin.
fn room(below: &[Section]) -> f32 {
    match below {
        [Section::Heading(..), rest @ ..] => 30.0 + room(rest),
        [Section::Table(table), ..] => TABLE_GAP + table_room(table, &columns(table)),
        [Section::Totals(totals), ..] => 24.0 + 17.0 * totals.len().min(10) as f32,
        _ => 40.0,
    }
}

/// A heading keeps some of what it heads on its page.
fn heading(sheet: &mut Sheet, text: &str, depth: usize, room: f32) {
    let (above, font) = if depth == 0 { (11.0, TITLE) } else { (8.0, SUBTITLE) };
    sheet.y += above;
    sheet.need(16.0 + room);
    sheet.paragraph(text, font, 16.0);
}

fn draw_fields(sheet: &mut Sheet, fields: &[(String, String)]) {
    const VALUES: f32 = LEFT + 150.0;
    for (label, value) in fields {
        let label = wrap(label, LABEL.face, LABEL.size, VALUES - LEFT - GAP);
        let value = wrap(value, CELL.face, CELL.size, RIGHT - VALUES);
        for index in 0..label.len().max(value.len()) {
            sheet.need(12.5);
            let y = sheet.y;
            if let Some(line) = label.get(index) {
                sheet.text(LEFT, y, line, LABEL);
            }
            if let Some(line) = value.get(index) {
                sheet.text(VALUES, y, line, CELL);
            }
            sheet.y += 12.5;
        }
    }
    sheet.y += 4.0;
}

/// As much of a text as can matter for the width of a column.
fn beginning(text: &str) -> &str {
    text.char_indices().nth(200).map_or(text, |(end, _)| &text[..end])
}

/// Left edge and width of each column.
fn columns(table: &Table) -> Vec<(f32, f32)> {
    // the gap of the last column is outside the table
    let room = RIGHT - LEFT - 16.0 + GAP;
    let widest = |index: usize, words: bool| {
        let label = table.columns[index].label.as_str();
        let cells = table.rows.iter().map(|row| row.cells[index].as_str());
        let of = |text: &str, face| {
            let text = beginning(text);
            let pieces: Vec<&str> = if words { text.split(' ').collect() } else { vec![text] };
            pieces.into_iter().map(|p| wide(p, face, CELL.size)).fold(0.0, f32::max)
        };
        cells.map(|cell| of(cell, Face::Regular)).fold(of(label, Face::Bold), f32::max) + GAP
    };
    let count = table.columns.len();
    let natural: Vec<f32> = (0..count).map(|index| widest(index, false)).collect();
    // money is not broken; of a text column no word is, unless it is very long
    let least: Vec<f32> = (0..count)
        .map(|index| if table.columns[index].right { natural[index] } else { widest(index, true).min(110.0) })
        .map(|width| width.min(room / count.max(1) as f32 * 1.6))
        .collect();
    let (sum, needed) = (natural.iter().sum::<f32>(), least.iter().sum::<f32>());
    let widths: Vec<f32> = if sum <= room {
        // what is left goes to the column of titles, or to all of them
        let spare = room - sum;
        let title = table.columns.iter().position(|column| column.wide);
        let even = 1.0 / count.max(1) as f32;
        let share = |index: usize| title.map_or(even, |title| if index == title { 1.0 } else { 0.0 });
        natural.iter().enumerate().map(|(index, wide)| wide + spare * share(index)).collect()
    } else if needed < room {
        let share = (room - needed) / (sum - needed).max(1.0);
        natural
            .iter()
            .zip(&least)
            .map(|(natural, least)| least + (natural - least).max(0.0) * share)
            .collect()
    } else {
        least.iter().map(|least| least * room / needed).collect()
    };
    // the shares of columns that were capped may add up to a little more than the room
    let total = widths.iter().sum::<f32>();
    let scale = if total > room { room / total } else { 1.0 };
    let mut left = LEFT + 8.0;
    widths
        .into_iter()
        .map(|wide| {
            let place = (left, wide * scale);
            left += wide * scale;
            place
        })
        .collect()
}

fn draw_head(sheet: &mut Sheet, table: &Table, places: &[(f32, f32)]) {
    let labels: Vec<Vec<Line>> = table
        .columns
        .iter()
        .zip(places)
        .map(|(column, (_, wide))| wrap(&column.label, HEAD.face, HEAD.size, wide - GAP / 2.0))
        .collect();
    let high = labels.iter().map(Vec::len).max().unwrap_or(1).min(3);
    let y = sheet.y;
    sheet.fill(LEFT, y - 12.0, RIGHT - LEFT, 8.0 + 10.0 * high as f32, TINT);
    for ((column, lines), (left, wide)) in table.columns.iter().zip(&labels).zip(places) {
        for (index, line) in lines.iter().take(high).enumerate() {
            let y = y + 10.0 * index as f32;
            if column.right {
                sheet.text_right(left + wide - GAP, y, line, HEAD);
            } else {
                sheet.text(*left, y, line, HEAD);
            }
        }
    }
    sheet.y += 10.0 * high as f32 + 10.0;
}

/// The head does not stand alone.
fn table_room(table: &Table, places: &[(f32, f32)]) -> f32 {
    40.0 + table.rows.first().map_or(0.0, |row| whole(&wrapped(row, places)))
}

fn draw_table(sheet: &mut Sheet, table: &Table) {
    if table.rows.is_empty() {
        return;
    }
    let places = columns(table);
    sheet.y += TABLE_GAP;
    sheet.need(table_room(table, &places));
    if !table.columns.is_empty() {
        draw_head(sheet, table, &places);
    }
    for row in &table.rows {
        if sheet.is_full() {
            break;
        }
        draw_row(sheet, table, &places, row);
    }
    sheet.y += 4.0;
}

/// The lines of a row's cells, and those of its details.
type Lines = (Vec<Vec<Line>>, Vec<Line>);

fn wrapped(row: &Row, places: &[(f32, f32)]) -> Lines {
    let cells = row.cells.iter().zip(places);
    let cells = cells.map(|(cell, (_, wide))| wrap(cell, CELL.face, CELL.size, wide - GAP / 2.0)).collect();
    let details = match &row.details {
        Some(details) => wrap(details, SMALL.face, SMALL.size, RIGHT - LEFT - 16.0),
        None => Vec::new(),
    };
    (cells, details)
}

/// The room a row wants: all of it if a page can hold it, else enough to begin.
fn whole((cells, details): &Lines) -> f32 {
    let deep = cells.iter().map(Vec::len).max().unwrap_or(0);
    let height = LEADING * (deep + details.len()) as f32 + 5.0;
    if height < BOTTOM - NEXT_TOP - 40.0 { height } else { LEADING * 3.0 }
}

fn draw_row(sheet: &mut Sheet, table: &Table, places: &[(f32, f32)], row: &Row) {
    let lines = wrapped(row, places);
    let whole = whole(&lines);
    let (cells, details) = lines;
    let deep = cells.iter().map(Vec::len).max().unwrap_or(0);
    if sheet.need(whole) && !table.columns.is_empty() {
        draw_head(sheet, table, places);
    }
    for index in 0..deep + details.len() {
        if index > 0 && sheet.need(LEADING) && !table.columns.is_empty() {
            draw_head(sheet, table, places);
        }
        let y = sheet.y;
        if let Some(line) = index.checked_sub(deep).and_then(|index| details.get(index)) {
            sheet.text(LEFT + 8.0, y, line, SMALL);
        }
        for ((column, lines), (left, wide)) in table.columns.iter().zip(&cells).zip(places) {
            let Some(line) = lines.get(index) else { continue };
            if column.right {
                sheet.text_right(left + wide - GAP, y, line, CELL);
            } else {
                sheet.text(*left, y, line, CELL);
            }
        }
        sheet.y += LEADING;
    }
    let y = sheet.y;
    sheet.rule(LEFT, RIGHT, y - 6.0, LINE);
    sheet.y += 7.0;
}
