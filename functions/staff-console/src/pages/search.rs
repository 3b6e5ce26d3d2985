//! Finding communications: one field for a name, a number, an id or an address, and what narrows it.

use crate::{
    Console,
    audit::Act,
    http::{Fields, HttpRequest},
    log_in::SignedIn,
    page::{Notice, Page, moment, named_shop, of_person, state, text, unavailable},
    person::Right,
};
use comms::{Document, Gid, ShopDomain, State, one_line};
use decisions::{By, Question, why_nothing};
use downloads::HttpResponse;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use ledger::{Entry, Found};
use maud::{Markup, html};
use secrecy::ExposeSecret;
use std::ops::Range;

/// What was not delivered is listed for so many days, where no others are named.
const DAYS: i64 = 7;

/// As many rows as a page of 50 KB has room for.
const SHOWN: usize = 75;
/// Of so many shops all are searched where none is named.
const MAX_SHOPS: usize = 20;

/// What was asked for, as far as it can be read.
struct Asked {
    text: String,
    /// None: all.
    shop: Option<ShopDomain>,
    document: Option<Document>,
    state: Option<State>,
    from: Option<Date>,
    until: Option<Date>,
}

impl Asked {
    fn of(fields: &Fields, shops: &[ShopDomain]) -> Result<Self, Notice> {
        let date = |name: &str| fields.get(name).and_then(|text| text.parse().ok());
        Ok(Self {
            text: fields.get("q").map(one_line).unwrap_or_default(),
            shop: named_shop(fields, shops)?,
            document: fields.get("document").and_then(|text| text.parse().ok()),
            state: fields.get("state").and_then(|text| text.parse().ok()),
            from: date("from"),
            until: date("until"),
        })
    }

    /// Days in UTC, the last one included.
    fn time(&self, by: &By, now: Timestamp) -> Range<Timestamp> {
        let start = |date: Date| date.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp()).ok();
        let recent = now.checked_sub(jiff::SignedDuration::from_hours(24 * DAYS)).unwrap_or(now);
        let first = if *by == By::Time { recent } else { Timestamp::UNIX_EPOCH };
        let after = self.until.and_then(|date| date.tomorrow().ok()).and_then(start);
        self.from.and_then(start).unwrap_or(first)..after.unwrap_or(Timestamp::MAX)
    }
}

pub async fn answer(
    console: &Console,
    signed_in: &SignedIn,
    request: &HttpRequest,
    now: Timestamp,
) -> HttpResponse {
    let fields = request.query();
    let shops = match console.shops_of(&signed_in.person, now).await {
        Ok(shops) => shops,
        Err(error) => return unavailable(signed_in, &error),
    };
    let asked = match Asked::of(&fields, &shops) {
        Ok(asked) => asked,
        Err(notice) => return of_person(signed_in, notice),
    };
    let is_asked = !asked.text.is_empty() || asked.state.is_some() || fields.get("from").is_some();
    let mut results = html! {};
    if is_asked {
        let searched: Vec<&ShopDomain> = match &asked.shop {
            Some(shop) => vec![shop],
            None => shops.iter().take(MAX_SHOPS).collect(),
        };
        console.audit.note(&signed_in.person, Act::Search, asked.shop.as_ref());
        results = match look(console, &asked, &searched, now).await {
            Ok(found) if found.entries.is_empty() => nothing(console, &asked, &searched, now).await,
            Ok(found) => list(&found, signed_in),
            Err(error) => return unavailable(signed_in, &*error),
        };
    }
    let content = html! {
        h1 { "Search" }
        (form(&asked, &shops))
        (results)
    };
    Page { signed_in: Some(signed_in), title: "Search", here: "/", content, has_script: false }.answer(200)
}

async fn look(
    console: &Console,
    asked: &Asked,
    shops: &[&ShopDomain],
    now: Timestamp,
) -> Result<Found, Box<dyn std::error::Error + Send + Sync>> {
    let by = By::of(&asked.text);
    let key = match by.needs_key() {
        true => Some(console.secrets.customer_key(now).await?),
        false => None,
    };
    let time = asked.time(&by, now);
    let (document, state) = (asked.document, asked.state);
    let key = key.as_ref().map(|key| key.expose_secret().as_bytes());
    let mut found = Found::default();
    for shop in shops {
        let (shop, by, time) = ((*shop).clone(), by.clone(), time.clone());
        let of_shop =
            decisions::find(&console.ledger, key, &Question { shop, by, document, state, time }).await?;
        found.entries.extend(of_shop.entries);
        found.problems.extend(of_shop.problems);
    }
    found.entries.sort_by_key(|entry| std::cmp::Reverse(entry.created_epoch_ms));
    found.entries.truncate(SHOWN);
    Ok(found)
}

async fn nothing(console: &Console, asked: &Asked, shops: &[&ShopDomain], now: Timestamp) -> Markup {
    let config = match (By::of(&asked.text), shops) {
        (By::Name(_) | By::Digits(_) | By::Resource(_) | By::Customer(_), [shop]) => {
            console.configs.get(shop, now).await.ok()
        }
        _ => None,
    };
    html! {
        h2 #results { "Nothing found" }
        @if By::of(&asked.text) == By::Time {
            p { "Without a name, a number or an address only what was not delivered is listed: failed, suppressed, bounced or unknown." }
        }
        @if shops.len() > 1 { p { "Nothing in any shop. Name the shop to learn why." } }
        @if let Some(loaded) = config {
            @for sentence in why_nothing(&loaded.config) { p { (sentence) } }
        }
    }
}

fn form(asked: &Asked, shops: &[ShopDomain]) -> Markup {
    let date = |date: Option<Date>| date.map(|date| date.to_string()).unwrap_or_default();
    html! {
        form.fields method="get" action="/" role="search" {
            label { "Order, customer or address"
                " " small { "#1001, a number, an id, an e-mail address" } br;
                input type="search" name="q" value=(asked.text) maxlength="200" autocomplete="off" autofocus;
            }
            label { "Shop" br; select name="shop" {
                @if shops.len() > 1 { option value="" { "all" } }
                @for shop in shops {
                    option value=(shop) selected[asked.shop.as_ref() == Some(shop)] { (shop) }
                }
            } }
            label { "Document" br; select name="document" {
                option value="" { "any" }
                @for document in Document::ALL {
                    option value=(document.name()) selected[asked.document == Some(*document)] { (document.title("en")) }
                }
            } }
            label { "State" br; select name="state" {
                option value="" { "any" }
                @for state in State::ALL {
                    option value=(state.name()) selected[asked.state == Some(*state)] { (state.name()) }
                }
            } }
            label { "From" br; input type="date" name="from" value=(date(asked.from)); }
            label { "Until" br; input type="date" name="until" value=(date(asked.until)); }
            button { "Search" }
        }
    }
}

/// A table of communications.
pub fn list(found: &Found, signed_in: &SignedIn) -> Markup {
    let count = found.entries.len();
    html! {
        h2 #results { (count) @if count == 1 { " document" } @else { " documents" } }
        @if count >= SHOWN { p.note { "These are the newest; narrow the search for others." } }
        @for problem in &found.problems {
            p.said.bad { "One of them cannot be read: " code { (text(&problem.pk)) } }
        }
        div.table tabindex="0" role="region" aria-labelledby="results" { table {
            thead { tr { th { "Document" } th { "About" } th { "State" } th { "By" } th { "Begun" } th { "Do" } } }
            tbody { @for entry in &found.entries { (row(entry, signed_in)) } }
        } }
    }
}

fn row(entry: &Entry, signed_in: &SignedIn) -> Markup {
    let id = &entry.communication;
    let title = entry.document.title("en");
    html! {
        tr {
            td { a href={ "/c/" (id) } { (title) } }
            td { (about(&entry.reported_on, &entry.shop)) br; span.note { (entry.shop) } }
            td { (state(entry.state)) @if let Some(reason) = &entry.reason { br; span.note { (text(reason)) } } }
            td { @if let Some(channel) = &entry.channel { (text(channel)) } }
            td { (moment(entry.created_epoch_ms)) }
            td {
                @if entry.archived.is_some() && signed_in.person.may(Right::Open) {
                    a href={ "/c/" (id) "/document/0" } aria-label={ "Open " (title) } { "Open" }
                }
            }
        }
    }
}

/// The order, customer or company location, and everything else about it.
pub fn about(gid: &Gid, shop: &ShopDomain) -> Markup {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("shop", shop.as_str())
        .append_pair("q", gid.as_str())
        .finish();
    html! { a href={ "/?" (query) } { (one_line(gid.kind())) " " (one_line(gid.number())) } }
}
