//! The same documents as HTML: one self-contained page, every value escaped.

use crate::{
    cells::Table, document::Document, head::Head, letter::Letter, report::Report, section::Section,
    totals::Total,
};
use serde_json::Value;
use std::fmt::{self, Display, Write as _};

const STYLE: &str = "body{font:15px/1.5 Helvetica,Arial,sans-serif;color:#222;max-width:720px;margin:40px auto;\
padding:0 24px}header{border-top:6px solid #1f3a5f;padding-top:16px;display:flex;justify-content:space-between}\
h1{font-size:22px;color:#1f3a5f}h2{font-size:20px;color:#1f3a5f;margin:0}table{width:100%;border-collapse:collapse}\
th{background:#eef2f6;text-align:start}th,td{padding:6px 8px;border-bottom:1px solid #d5dbe1;vertical-align:top;\
white-space:pre-line}\
hr{border:0;border-top:1px solid #d5dbe1;margin-top:24px}.n{text-align:end;white-space:nowrap}.m{color:#667;font-size:13px}.p{padding-inline-start:24px}a{color:#1f3a5f}img{float:inline-start;margin-inline-end:8px}.c{display:flex;justify-content:space-between}";

pub(crate) fn write(driver: &Value) -> String {
    let mut out = String::new();
    // writing to a String cannot fail
    let _ = match Document::of(driver) {
        Document::Letter(letter) => page(&mut out, &letter),
        Document::Report(report) => self::report(&mut out, &report),
    };
    out
}

/// Text in which nothing is markup.
struct Escaped<T>(T);

impl<T: AsRef<str>> Display for Escaped<T> {
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
    list.iter().map(|line| Escaped(line).to_string()).collect::<Vec<_>>().join("<br>")
}

/// The letterhead, the address, the facts and the title.
fn top(out: &mut String, letter: &Head) -> fmt::Result {
    head(out, letter)?;
    write!(
        out,
        "<header><h2>{}</h2><span class=m>{}</span></header>",
        Escaped(&letter.brand),
        Escaped(&letter.sender)
    )?;
    write!(out, "<div class=c><p dir=auto>{}</p><table style=\"width:auto\">", lines(&letter.recipient))?;
    for (label, value) in &letter.facts {
        write!(out, "<tr><td class=m>{}</td><td dir=auto>{}</td></tr>", Escaped(label), Escaped(value))?;
    }
    out.push_str("</table></div>");
    if !letter.delivery.is_empty() {
        let label = letter.words.deliver_to;
        write!(out, "<p dir=auto><span class=m>{label}</span><br>{}</p>", lines(&letter.delivery))?;
    }
    write!(out, "<h1>{}</h1>", Escaped(letter.full_title()))
}

fn totals(out: &mut String, totals: &[Total]) -> fmt::Result {
    out.push_str("<table>");
    for total in totals {
        let tag = if total.strong { "th" } else { "td" };
        let class = if total.small { "n m" } else { "n" };
        write!(out, "<tr><{tag} class=\"{class}\">{}</{tag}>", Escaped(&total.label))?;
        write!(out, "<{tag} class=\"{class}\" style=\"width:140px\">{}</{tag}></tr>", Escaped(&total.value))?;
    }
    out.write_str("</table>")
}

fn page(out: &mut String, letter: &Letter) -> fmt::Result {
    let words = letter.head.words;
    top(out, &letter.head)?;
    greeting(out, &letter.head)?;
    out.push_str("<table><tr>");
    write!(out, "<th>{}</th><th>{}</th><th class=n>{}</th>", words.item, words.sku, words.quantity)?;
    write!(out, "<th class=n>{}</th><th class=n>{}</th></tr>", words.unit_price, words.amount)?;
    for row in &letter.rows {
        let inset = if row.part { " class=p" } else { "" };
        write!(out, "<tr><td{inset} dir=auto>")?;
        if let Some(image) = &row.image {
            write!(out, "<img src=\"{}\" alt=\"\" width=48>", Escaped(image))?;
        }
        match &row.url {
            Some(url) => write!(out, "<a href=\"{}\">{}</a><br>", Escaped(url), Escaped(&row.title))?,
            None => write!(out, "{}<br>", Escaped(&row.title))?,
        }
        write!(out, "<span class=m>{}</span></td>", lines(&row.details))?;
        write!(out, "<td>{}</td><td class=n>{}</td>", Escaped(&row.sku), Escaped(&row.quantity))?;
        write!(
            out,
            "<td class=n>{}</td><td class=n>{}</td></tr>",
            Escaped(&row.unit_price),
            Escaped(&row.amount)
        )?;
    }
    out.push_str("</table>");
    totals(out, &letter.totals)?;
    sections(out, &letter.sections)?;
    foot(out, &letter.head)
}

/// The end of the letter; who it is from in law; the record it belongs to.
fn foot(out: &mut String, head: &Head) -> fmt::Result {
    if let Some(regards) = head.regards {
        write!(out, "<p>{regards}<br><b>{}</b></p>", Escaped(&head.brand))?;
    }
    out.push_str("<hr>");
    write!(out, "<p class=m dir=auto><small>{}</small></p>", lines(&head.imprint))?;
    if !head.reference.is_empty() {
        write!(out, "<p class=m><small>{}</small></p>", Escaped(&head.reference))?;
    }
    out.write_str("</body></html>\n")
}

fn report(out: &mut String, report: &Report) -> fmt::Result {
    top(out, &report.head)?;
    greeting(out, &report.head)?;
    sections(out, &report.sections)?;
    foot(out, &report.head)
}

fn greeting(out: &mut String, head: &Head) -> fmt::Result {
    write!(out, "<p dir=auto>{}</p>", Escaped(&head.greeting))?;
    head.opening.map_or(Ok(()), |opening| write!(out, "<p>{opening}</p>"))
}

fn sections(out: &mut String, sections: &[Section]) -> fmt::Result {
    for section in sections {
        match section {
            Section::Heading(text, depth) => {
                let level = 3 + depth.min(&2);
                write!(out, "<h{level}>{}</h{level}>", Escaped(text))?;
            }
            Section::Space => out.push_str("<hr>"),
            Section::Note(label, text) if label.is_empty() => {
                write!(out, "<p dir=auto>{}</p>", Escaped(text))?;
            }
            Section::Note(label, text) => {
                write!(out, "<p dir=auto><span class=m>{}</span><br>{}</p>", Escaped(label), Escaped(text))?;
            }
            Section::Fields(fields) => {
                out.push_str("<table>");
                for (label, value) in fields {
                    write!(
                        out,
                        "<tr><td class=m>{}</td><td dir=auto>{}</td></tr>",
                        Escaped(label),
                        Escaped(value)
                    )?;
                }
                out.push_str("</table>");
            }
            Section::Table(list) => table(out, list)?,
            Section::Totals(list) => totals(out, list)?,
        }
    }
    Ok(())
}

fn table(out: &mut String, list: &Table) -> fmt::Result {
    let class = |right: bool| if right { " class=n" } else { "" };
    out.push_str("<table><tr>");
    for column in &list.columns {
        write!(out, "<th{}>{}</th>", class(column.right), Escaped(&column.label))?;
    }
    out.push_str("</tr>");
    for row in &list.rows {
        out.push_str("<tr>");
        for (column, cell) in list.columns.iter().zip(&row.cells) {
            write!(out, "<td{} dir=auto>{}</td>", class(column.right), Escaped(cell))?;
        }
        out.push_str("</tr>");
        if let Some(details) = &row.details {
            let span = list.columns.len().max(1);
            write!(out, "<tr><td class=m dir=auto colspan={span}>{}</td></tr>", Escaped(details))?;
        }
    }
    out.write_str("</table>")
}

fn head(out: &mut String, head: &Head) -> fmt::Result {
    let direction = if head.words.mirrored { "rtl" } else { "ltr" };
    write!(out, "<!doctype html><html lang={} dir={direction}>", head.words.language)?;
    write!(out, "<head><meta charset=utf-8><title>{}</title>", Escaped(head.full_title()))?;
    write!(out, "<style>{STYLE}</style></head><body>")
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
