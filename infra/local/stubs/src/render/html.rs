//! The same documents as HTML: one self-contained page, every value escaped.

use super::{
    cells::Table,
    letter::{Head, Letter, Total},
    report::{Report, Section},
};
use serde_json::Value;
use std::fmt::{self, Display, Write as _};

const STYLE: &str = "body{font:15px/1.5 Helvetica,Arial,sans-serif;color:#222;max-width:720px;margin:40px auto;\
padding:0 24px}header{border-top:6px solid #1f3a5f;padding-top:16px;display:flex;justify-content:space-between}\
h1{font-size:22px;color:#1f3a5f}h2{font-size:20px;color:#1f3a5f;margin:0}table{width:100%;border-collapse:collapse}\
th{background:#eef2f6;text-align:left}th,td{padding:6px 8px;border-bottom:1px solid #d5dbe1;vertical-align:top;\
white-space:pre-line}\
hr{border:0;border-top:1px solid #d5dbe1;margin-top:24px}.n{text-align:right;white-space:nowrap}.m{color:#667;font-size:13px}.c{display:flex;justify-content:space-between}";

pub(super) fn write(driver: &Value) -> String {
    let mut out = String::new();
    // writing to a String cannot fail
    let _ = match Letter::of(driver) {
        Some(letter) => page(&mut out, &letter),
        None => report(&mut out, &Report::of(driver)),
    };
    out
}

/// Text in which nothing is markup.
struct Safe<T>(T);

impl<T: AsRef<str>> Display for Safe<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().chars().try_for_each(|c| match c {
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '&' => f.write_str("&amp;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c if c.is_control() && c != '\n' => Ok(()),
            c => f.write_char(c),
        })
    }
}

fn lines(list: &[String]) -> String {
    list.iter().map(|line| Safe(line).to_string()).collect::<Vec<_>>().join("<br>")
}

/// The letterhead, the address, the facts and the title.
fn top(out: &mut String, letter: &Head) -> fmt::Result {
    head(out, letter.words.language, &letter.full_title())?;
    write!(
        out,
        "<header><h2>{}</h2><span class=m>{}</span></header>",
        Safe(&letter.brand),
        Safe(&letter.sender)
    )?;
    write!(out, "<div class=c><p dir=auto>{}</p><table style=\"width:auto\">", lines(&letter.recipient))?;
    for (label, value) in &letter.facts {
        write!(out, "<tr><td class=m>{}</td><td dir=auto>{}</td></tr>", Safe(label), Safe(value))?;
    }
    out.push_str("</table></div>");
    if !letter.delivery.is_empty() {
        let label = letter.words.deliver_to;
        write!(out, "<p dir=auto><span class=m>{label}</span><br>{}</p>", lines(&letter.delivery))?;
    }
    write!(out, "<h1>{}</h1>", Safe(letter.full_title()))
}

fn totals(out: &mut String, totals: &[Total]) -> fmt::Result {
    out.push_str("<table>");
    for total in totals {
        let tag = if total.strong { "th" } else { "td" };
        write!(out, "<tr><{tag} class=n>{}</{tag}>", Safe(&total.label))?;
        write!(out, "<{tag} class=n style=\"width:140px\">{}</{tag}></tr>", Safe(&total.value))?;
    }
    out.write_str("</table>")
}

fn page(out: &mut String, letter: &Letter) -> fmt::Result {
    let words = letter.head.words;
    top(out, &letter.head)?;
    write!(out, "<p dir=auto>{}</p>", Safe(&letter.salutation))?;
    out.push_str("<table><tr>");
    write!(out, "<th>{}</th><th>{}</th><th class=n>{}</th>", words.item, words.sku, words.quantity)?;
    write!(out, "<th class=n>{}</th><th class=n>{}</th></tr>", words.unit_price, words.amount)?;
    for row in &letter.rows {
        write!(out, "<tr><td>{}<br><span class=m>{}</span></td>", Safe(&row.title), lines(&row.details))?;
        write!(out, "<td>{}</td><td class=n>{}</td>", Safe(&row.sku), Safe(&row.quantity))?;
        write!(out, "<td class=n>{}</td><td class=n>{}</td></tr>", Safe(&row.unit_price), Safe(&row.amount))?;
    }
    out.push_str("</table>");
    totals(out, &letter.totals)?;
    for (label, note) in &letter.notes {
        write!(out, "<p><span class=m>{}</span><br>{}</p>", Safe(label), Safe(note))?;
    }
    foot(out, &letter.head)
}

/// What the page is from, for whoever looks for it in the records.
fn foot(out: &mut String, head: &Head) -> fmt::Result {
    if !head.reference.is_empty() {
        write!(out, "<p class=m><small>{}</small></p>", Safe(&head.reference))?;
    }
    out.write_str("</body></html>\n")
}

fn report(out: &mut String, report: &Report) -> fmt::Result {
    top(out, &report.head)?;
    if let Some(salutation) = &report.salutation {
        write!(out, "<p dir=auto>{}</p>", Safe(salutation))?;
    }
    for section in &report.sections {
        match section {
            Section::Heading(text, depth) => {
                let level = 3 + depth.min(&2);
                write!(out, "<h{level}>{}</h{level}>", Safe(text))?;
            }
            Section::Space => out.push_str("<hr>"),
            Section::Note(label, text) if label.is_empty() => {
                write!(out, "<p dir=auto>{}</p>", Safe(text))?;
            }
            Section::Note(label, text) => {
                write!(out, "<p dir=auto><span class=m>{}</span><br>{}</p>", Safe(label), Safe(text))?;
            }
            Section::Fields(fields) => {
                out.push_str("<table>");
                for (label, value) in fields {
                    write!(
                        out,
                        "<tr><td class=m>{}</td><td dir=auto>{}</td></tr>",
                        Safe(label),
                        Safe(value)
                    )?;
                }
                out.push_str("</table>");
            }
            Section::Table(list) => table(out, list)?,
            Section::Totals(list) => totals(out, list)?,
        }
    }
    foot(out, &report.head)
}

fn table(out: &mut String, list: &Table) -> fmt::Result {
    let class = |right: bool| if right { " class=n" } else { "" };
    out.push_str("<table><tr>");
    for column in &list.columns {
        write!(out, "<th{}>{}</th>", class(column.right), Safe(&column.label))?;
    }
    out.push_str("</tr>");
    for row in &list.rows {
        out.push_str("<tr>");
        for (column, cell) in list.columns.iter().zip(&row.cells) {
            write!(out, "<td{} dir=auto>{}</td>", class(column.right), Safe(cell))?;
        }
        out.push_str("</tr>");
        if let Some(details) = &row.details {
            let span = list.columns.len().max(1);
            write!(out, "<tr><td class=m dir=auto colspan={span}>{}</td></tr>", Safe(details))?;
        }
    }
    out.write_str("</table>")
}

fn head(out: &mut String, language: &str, title: &str) -> fmt::Result {
    write!(out, "<!doctype html><html lang={language}><head><meta charset=utf-8>")?;
    write!(out, "<title>{}</title><style>{STYLE}</style></head><body>", Safe(title))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_customers_text_is_never_markup() {
        let hostile = "<script>alert('x')</script>&\"";
        let driver = json!({"order": {"name": hostile, "note": hostile}, "customer": {"name": hostile}, "lines": [{"title": hostile, "properties": [{"name": hostile, "value": hostile}]}]});
        let html = write(&driver);
        assert!(!html.contains("<script") && !html.contains("alert('"));
        assert_eq!(html.matches("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;").count(), 9);
        assert!(!write(&json!({ "a": hostile })).contains("<script"));
    }
}
