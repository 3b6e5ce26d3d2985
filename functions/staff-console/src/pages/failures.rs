//! What was not delivered: how much on each day, why, and of which document. From the ledger's index of just that.

use crate::{
    Console,
    audit::Act,
    chart::{Bar, bars},
    http::HttpRequest,
    log_in::SignedIn,
    page::{Page, chosen_shop, moment, of_person, shop_field, state, text, unavailable},
};
use comms::{State, one_line};
use downloads::HttpResponse;
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use ledger::Undelivered;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// What is counted at the most: beyond that the page says so.
const MOST: usize = 5000;
/// What is listed.
const LISTED: usize = 50;
const DAYS: [i64; 3] = [1, 7, 30];

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
    let days =
        fields.get("days").and_then(|text| text.parse().ok()).filter(|days| DAYS.contains(days)).unwrap_or(7);
    let shop = match chosen_shop(&fields, &shops) {
        Ok(shop) => shop,
        Err(notice) => return of_person(signed_in, notice),
    };
    let mut rows = Vec::new();
    if let Some(shop) = &shop {
        console.audit.note(&signed_in.person, Act::Search, Some(shop));
        let from = now.checked_sub(SignedDuration::from_hours(24 * days)).unwrap_or(now);
        rows = match console.ledger.undelivered(shop, from..now, None, MOST).await {
            Ok(rows) => rows,
            Err(error) => return unavailable(signed_in, &error),
        };
    }
    let content = html! {
        h1 { "Not delivered" }
        form.fields method="get" action="/failures" {
            (shop_field(&shops, shop.as_ref()))
            label { "Days" br; select name="days" {
                @for it in DAYS { option value=(it) selected[it == days] { (it) } }
            } }
            button { "Show" }
        }
        @if rows.is_empty() { p { "Everything was delivered, or is under way." } }
        @else { (charts(&rows, days, now)) (list(&rows)) }
    };
    Page { signed_in: Some(signed_in), title: "Not delivered", here: "/failures", content, has_script: false }
        .answer(200)
}

fn charts(rows: &[Undelivered], days: i64, now: Timestamp) -> Markup {
    let mut by_state: BTreeMap<&str, u64> = BTreeMap::new();
    let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
    let mut by_day: BTreeMap<Date, u64> = (0..days)
        .filter_map(|back| Some((day(now.checked_sub(SignedDuration::from_hours(24 * back)).ok()?), 0)))
        .collect();
    for row in rows {
        *by_state.entry(row.state.name()).or_default() += 1;
        *by_day.entry(day(row.at)).or_default() += 1;
    }
    let days: Vec<_> = by_day.into_iter().map(|(date, count)| (date.to_string(), count)).collect();
    html! {
        p { strong { (rows.len()) @if rows.len() >= MOST { " or more" } } ": "
            @for (index, (state, count)) in by_state.iter().enumerate() { @if index > 0 { ", " } (count) " " (state) } }
        @if days.len() > 1 { (bars("By day", "", &days)) }
        (bars("By reason", "", &by_reason(rows)))
        (bars("By document", "", &ranked(rows, |row| row.document.title("en").to_owned())))
    }
}

/// How many there are for each reason, the most first.
pub fn by_reason(rows: &[Undelivered]) -> Vec<Bar> {
    ranked(rows, reason)
}

fn ranked(rows: &[Undelivered], of: impl Fn(&Undelivered) -> String) -> Vec<Bar> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for row in rows {
        *counts.entry(of(row)).or_default() += 1;
    }
    let mut ranked: Vec<_> = counts.into_iter().collect();
    ranked.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    ranked.truncate(12);
    ranked
}

/// What reasons of one kind have in common: what comes before a colon says the kind, and numbers tell apart what is alike.
fn reason(row: &Undelivered) -> String {
    let reason = one_line(row.reason.as_deref().unwrap_or("no reason is known"));
    let kind = if row.state == State::Suppressed {
        reason.as_str()
    } else {
        reason.split(": ").next().unwrap_or_default()
    };
    kind.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).take(50).collect()
}

fn list(rows: &[Undelivered]) -> Markup {
    html! {
        h2 #latest { "The latest" }
        div.table tabindex="0" role="region" aria-labelledby="latest" { table {
            thead { tr { th { "Document" } th { "State" } th { "Why" } th { "Since" } } }
            tbody { @for row in rows.iter().take(LISTED) { tr {
                td { a href={ "/c/" (row.communication) } { (row.document.title("en")) } }
                td { (state(row.state)) }
                td { (text(row.reason.as_deref().unwrap_or_default())) }
                td { (moment(row.at.as_millisecond())) }
            } } }
        } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use comms::Document;

    fn row(state: State, reason: Option<&str>) -> Undelivered {
        Undelivered {
            communication: "0".repeat(32).parse().unwrap(),
            document: Document::Receipt,
            state,
            reason: reason.map(str::to_owned),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn reasons_that_differ_in_a_number_are_one_kind() {
        let of = |state, text| reason(&row(state, Some(text)));
        assert_eq!(of(State::Failed, "composing: status 503"), "composing");
        assert_eq!(of(State::Bounced, "550 no such user"), of(State::Bounced, "551 no such user"));
        assert_eq!(of(State::Failed, "a\u{202e}<b>\nc"), "a<b> c");
        assert_eq!(reason(&row(State::Unknown, None)), "no reason is known");
    }
}
