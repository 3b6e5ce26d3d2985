//! The export as a page to read.

use crate::export::{Communication, Held};
use jiff::Timestamp;
use maud::{DOCTYPE, html};

/// The page. It needs nothing but the files beside it.
pub fn of(held: &Held<'_>) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { "What is held of a customer" }
                style { "body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}td,th{text-align:left;padding:.3rem .8rem .3rem 0;vertical-align:top}" }
            }
            body {
                h1 { "What is held of a customer" }
                p { "Shop " (held.shop) ", customer " (held.customer) "." }
                @if let Some(email) = held.email { p { "E-mail: " (email) } }
                @if let Some(phone) = held.phone { p { "Telephone: " (phone) } }
                @if let Some(reason) = &held.no_marketing { p { "Gets no marketing: " (reason) } }
                h2 { "Documents" }
                table {
                    tr { th { "Begun" } th { "Document" } th { "State" } th { "Channel" } th { "Files" } }
                    @for it in &held.communications { (row(it)) }
                }
                @if !held.unread.is_empty() {
                    p { "Entries that could not be read: " (held.unread.join(", ")) }
                }
                p { "The same, and all that is recorded of each document, is in data.json." }
            }
        }
    };
    page.into_string()
}

fn row(it: &Communication) -> maud::Markup {
    let begun = Timestamp::from_millisecond(it.entry.created_epoch_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    html! {
        tr {
            td { (begun) }
            td { (it.entry.document) }
            td { (it.entry.state) }
            td { (it.entry.channel.as_deref().unwrap_or("none")) }
            td {
                @for file in &it.files { a href=(file) { (file) } br; }
                @if let Some(missing) = it.missing { (missing) }
            }
        }
    }
}
