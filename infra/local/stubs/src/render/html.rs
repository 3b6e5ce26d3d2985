//! The same documents as HTML: one self-contained page, every value escaped.

use super::{
    letter::{Letter, listing},
    value,
    words::spell_out,
};
use serde_json::Value;
use std::fmt::{self, Display, Write as _};

const STYLE: &str = "body{font:15px/1.5 Helvetica,Arial,sans-serif;color:#222;max-width:720px;margin:40px auto;\
padding:0 24px}header{border-top:6px solid #1f3a5f;padding-top:16px;display:flex;justify-content:space-between}\
h1{font-size:22px;color:#1f3a5f}h2{font-size:20px;color:#1f3a5f;margin:0}table{width:100%;border-collapse:collapse}\
th{background:#eef2f6;text-align:left}th,td{padding:6px 8px;border-bottom:1px solid #d5dbe1;vertical-align:top}\
.n{text-align:right;white-space:nowrap}.m{color:#667;font-size:13px}.c{display:flex;justify-content:space-between}";

pub(super) fn write(driver: &Value) -> String {
    let mut out = String::new();
    // writing to a String cannot fail
    let _ = match Letter::of(driver) {
        Some(letter) => page(&mut out, &letter),
        None => generic(&mut out, driver),
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

fn page(out: &mut String, letter: &Letter) -> fmt::Result {
    let words = letter.words;
    head(out, words.language, &format!("{} {}", letter.title, letter.order))?;
    write!(
        out,
        "<header><h2>{}</h2><span class=m>{}</span></header>",
        Safe(&letter.brand),
        Safe(&letter.sender)
    )?;
    write!(out, "<div class=c><p>{}</p><table style=\"width:auto\">", lines(&letter.recipient))?;
    for (label, value) in &letter.facts {
        write!(out, "<tr><td class=m>{}</td><td>{}</td></tr>", Safe(label), Safe(value))?;
    }
    out.push_str("</table></div>");
    if !letter.delivery.is_empty() {
        write!(out, "<p><span class=m>{}</span><br>{}</p>", words.deliver_to, lines(&letter.delivery))?;
    }
    write!(
        out,
        "<h1>{} {}</h1><p>{}</p>",
        Safe(&letter.title),
        Safe(&letter.order),
        Safe(&letter.salutation)
    )?;
    out.push_str("<table><tr>");
    write!(out, "<th>{}</th><th>{}</th><th class=n>{}</th>", words.item, words.sku, words.quantity)?;
    write!(out, "<th class=n>{}</th><th class=n>{}</th></tr>", words.unit_price, words.amount)?;
    for row in &letter.rows {
        write!(out, "<tr><td>{}<br><span class=m>{}</span></td>", Safe(&row.title), lines(&row.details))?;
        write!(out, "<td>{}</td><td class=n>{}</td>", Safe(&row.sku), Safe(&row.quantity))?;
        write!(out, "<td class=n>{}</td><td class=n>{}</td></tr>", Safe(&row.unit_price), Safe(&row.amount))?;
    }
    out.push_str("</table><table>");
    for total in &letter.totals {
        let tag = if total.strong { "th" } else { "td" };
        write!(out, "<tr><{tag} class=n>{}</{tag}>", Safe(&total.label))?;
        write!(out, "<{tag} class=n style=\"width:140px\">{}</{tag}></tr>", Safe(&total.value))?;
    }
    out.push_str("</table>");
    for (label, note) in &letter.notes {
        write!(out, "<p><span class=m>{}</span><br>{}</p>", Safe(label), Safe(note))?;
    }
    out.write_str("</body></html>\n")
}

fn generic(out: &mut String, driver: &Value) -> fmt::Result {
    let title = spell_out(&value::text(driver, &["document"]).unwrap_or_else(|| "document".to_owned()));
    head(out, "en", &title)?;
    write!(out, "<h1>{}</h1><table>", Safe(&title))?;
    for (depth, key, value) in listing(driver) {
        write!(out, "<tr><td style=\"padding-left:{}px\" class=m>{}</td>", 8 + depth * 20, Safe(&key))?;
        write!(out, "<td>{}</td></tr>", Safe(&value))?;
    }
    out.write_str("</table></body></html>\n")
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
