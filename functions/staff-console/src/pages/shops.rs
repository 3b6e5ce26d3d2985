//! The shops that are served, the configuration of each, and what changed in it. Secrets are elsewhere: a configuration has
//! none.

use crate::{
    Console,
    audit::Act,
    http::HttpRequest,
    log_in::SignedIn,
    page::{Notice, Page, moment, of_person, unavailable},
};
use comms::{ShopDomain, printable};
use downloads::HttpResponse;
use jiff::Timestamp;
use maud::{Markup, html};
use shop_config::{
    ConfigError, ConfigHistory, ShopConfig, Version,
    diff::{self, Line},
};

/// The versions that are offered.
const VERSIONS: usize = 30;
/// Of a text, what fits onto a page.
const SHOWN_BYTES: usize = 30 * 1024;
/// Unchanged lines that are shown around a change.
const AROUND: usize = 3;

pub async fn list(console: &Console, signed_in: &SignedIn, now: Timestamp) -> HttpResponse {
    let shops = match console.shops_of(&signed_in.person, now).await {
        Ok(shops) => shops,
        Err(error) => return unavailable(signed_in, &error),
    };
    console.audit.note(&signed_in.person, Act::SeeOperations, None);
    let content = html! {
        h1 { "Shops" }
        @if shops.is_empty() { p { "No shop has a configuration yet: store one with " code { "ctl config push" } "." } }
        ul { @for shop in &shops { li { a href={ "/shops/" (shop) } { (shop) } } } }
    };
    Page { signed_in: Some(signed_in), title: "Shops", here: "/shops", content, has_script: false }
        .answer(200)
}

pub async fn answer(
    console: &Console,
    signed_in: &SignedIn,
    shop: &ShopDomain,
    request: &HttpRequest,
) -> HttpResponse {
    console.audit.note(&signed_in.person, Act::SeeOperations, Some(shop));
    let history = ConfigHistory::new(console.s3.clone(), console.operations_bucket.clone());
    let versions = match history.versions(shop, VERSIONS).await {
        Ok(versions) if versions.is_empty() => return of_person(signed_in, Notice::NotFound),
        Ok(versions) => versions,
        Err(error) => return unavailable(signed_in, &error),
    };
    let wanted = request.query().get("version").map(str::to_owned);
    let index = versions.iter().position(|it| Some(&it.id) == wanted.as_ref()).unwrap_or(0);
    let read = async |version: Option<&Version>| match version {
        Some(version) => text(&history, shop, version).await.map(Some),
        None => Ok(None),
    };
    let (current, before) = match (read(versions.get(index)).await, read(versions.get(index + 1)).await) {
        (Ok(current), Ok(before)) => (current.unwrap_or_default(), before),
        (Err(error), _) | (_, Err(error)) => return unavailable(signed_in, &error),
    };
    let content = html! {
        h1 { (shop) }
        @if let Err(error) = ShopConfig::parse(&current) {
            p.said.bad { "It is not valid: " bdi { (comms::one_line(&comms::chain(&error))) } }
        }
        h2 #history { "History" }
        ol aria-labelledby="history" { @for (at, version) in versions.iter().enumerate() { li {
            a href={ "/shops/" (shop) "?version=" (encoded(&version.id)) } aria-current=[(at == index).then_some("true")] {
                (moment(version.at.as_millisecond()))
            }
            @if at == 0 { " in force" }
        } } }
        @if let Some(before) = &before { (changes(before, &current)) }
        h2 #text { "The whole" }
        pre tabindex="0" aria-labelledby="text" { (printable(comms::cut(&current, SHOWN_BYTES))) }
    };
    let title = shop.as_str();
    Page { signed_in: Some(signed_in), title, here: "/shops", content, has_script: false }.answer(200)
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

async fn text(history: &ConfigHistory, shop: &ShopDomain, version: &Version) -> Result<String, ConfigError> {
    if version.is_deletion {
        return Ok(String::new());
    }
    Ok(history.text(shop, &version.id).await?.map(|stored| stored.text).unwrap_or_default())
}

fn changes(before: &str, after: &str) -> Markup {
    let Some(lines) = diff::lines(before, after) else {
        return html! { p { "The texts are too long to be compared." } };
    };
    let is_change = |line: &Line<'_>| !matches!(line, Line::Both(_));
    let near = |at: usize| {
        let from = at.saturating_sub(AROUND);
        lines.iter().skip(from).take(2 * AROUND + 1).any(is_change)
    };
    let mut size = 0;
    let mut shown = Vec::new();
    for (at, line) in lines.iter().enumerate().filter(|(at, _)| near(*at)) {
        let (Line::Both(text) | Line::Removed(text) | Line::Added(text)) = line;
        size += text.len() + 20;
        if size > SHOWN_BYTES / 3 {
            break;
        }
        shown.push((at, line));
    }
    html! {
        h2 #changes { "What changed" }
        @if shown.is_empty() { p { "Nothing: it was stored again as it was." } }
        @else {
            pre tabindex="0" aria-labelledby="changes" {
                @for (_, line) in shown {
                    @match line {
                        Line::Both(text) => { "  " (printable(text)) },
                        Line::Removed(text) => del { "- " (printable(text)) },
                        Line::Added(text) => ins { "+ " (printable(text)) },
                    }
                    "\n"
                }
            }
        }
    }
}
