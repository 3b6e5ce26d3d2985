//! How it goes: what became of documents, what channels said, how long work takes and waits, and why documents were not
//! delivered.
//!
//! Volume, outcomes and times are counts that the functions make anyway and CloudWatch keeps, of all shops together; the
//! reasons are in the ledger's index of what was not delivered, by shop. Either may be missing, and the page shows the other.
//! CloudWatch is asked once a minute at the most for each choice of days, so that looking costs next to nothing.

use crate::{
    Console,
    audit::Act,
    chart::{Series, bars, columns},
    http::HttpRequest,
    log_in::SignedIn,
    metric_service::{Answers, MetricError, Question, Spans},
    page::{Page, chosen_shop, of_person, shop_field, unavailable},
    pages::failures,
};
use cache::Fresh;
use comms::{Flow, ShopDomain, chain};
use downloads::HttpResponse;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use ledger::{LedgerError, Undelivered};
use maud::{Markup, html};
use std::sync::Arc;

/// The days that can be chosen; the first is shown by the hour.
const DAYS: [i64; 3] = [1, 7, 30];
/// For how long an answer of CloudWatch's is shown again.
const KEPT: SignedDuration = SignedDuration::from_secs(60);
/// What is counted of the ledger at the most.
const MOST: usize = 2000;

/// By the hour, and by the day.
const TAKES: [&str; 2] =
    ["How long work takes: p95 of the slowest hour", "How long work takes: p95 of the slowest day"];

const OWN: &str = "ShopifyExstream";

/// What a flow counts a document as, in words, and how it is drawn.
const OUTCOMES: [(&str, &str, &str); 5] = [
    ("Accepted", "sent", "s0"),
    ("Archived", "archived only", "s1"),
    ("Suppressed", "not sent on purpose", "s2"),
    ("Failed", "failed", "s3"),
    ("Unknown", "unknown whether sent", "s4"),
];

/// What channels say of messages and letters later.
const SAID: [(&str, &str, &str); 2] = [("Delivered", "delivered", "s0"), ("Bounced", "came back", "s3")];

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
    let shop = match chosen_shop(&fields, &shops) {
        Ok(shop) => shop,
        Err(notice) => return of_person(signed_in, notice),
    };
    let days =
        fields.get("days").and_then(|text| text.parse().ok()).filter(|days| DAYS.contains(days)).unwrap_or(7);
    console.audit.note(&signed_in.person, Act::SeeOperations, shop.as_ref());
    let (counted, undelivered) =
        tokio::join!(counts(console, days, now), undelivered(console, shop.as_ref(), days, now));
    let content = html! {
        h1 { "Dashboard" }
        form.fields method="get" action="/dashboard" {
            label { "Days" br; select name="days" {
                @for it in DAYS { option value=(it) selected[it == days] { (it) } }
            } }
            (shop_field(&shops, shop.as_ref()))
            button { "Show" }
        }
        (of_metrics(counted))
        (of_ledger(undelivered, shop.as_ref(), days))
    };
    Page { signed_in: Some(signed_in), title: "Dashboard", here: "/dashboard", content, has_script: false }
        .answer(200)
}

/// What CloudWatch said, and of when.
pub struct Counted {
    answers: Answers,
    spans: Spans,
}

/// The last hours or days, the one that has begun included.
fn spans(days: i64, now: Timestamp) -> Spans {
    let (seconds, count) = if days == 1 { (3600, 24) } else { (86_400, days) };
    let from_second = now.as_second().div_euclid(seconds) * seconds - seconds * (count - 1);
    Spans { from_second, seconds, count: usize::try_from(count).unwrap_or(1) }
}

/// All questions, in the order in which the page takes the answers.
fn questions(prefix: &str) -> Vec<Question> {
    let name = |function: &str| format!("{prefix}{function}");
    let own = |metric, function: &str| Question {
        namespace: OWN,
        metric,
        dimension: ("Function", name(function)),
        statistic: "Sum",
    };
    let outcomes =
        OUTCOMES.iter().flat_map(|(metric, ..)| Flow::ALL.iter().map(|flow| own(*metric, flow.name())));
    let said = SAID.iter().map(|(metric, ..)| own(*metric, "delivery-status"));
    let work = Flow::ALL.iter().map(|flow| Question {
        namespace: "AWS/Lambda",
        metric: "Duration",
        dimension: ("FunctionName", name(flow.name())),
        statistic: "p95",
    });
    let wait = Flow::ALL.iter().map(|flow| Question {
        namespace: "AWS/SQS",
        metric: "ApproximateAgeOfOldestMessage",
        dimension: ("QueueName", name(flow.name())),
        statistic: "Maximum",
    });
    outcomes.chain(said).chain(work).chain(wait).collect()
}

async fn counts(console: &Console, days: i64, now: Timestamp) -> Result<Arc<Counted>, MetricError> {
    let load = async || {
        let spans = spans(days, now);
        let answers = console.metrics.ask(&questions(&console.prefix), spans).await?;
        Ok(Fresh { value: Counted { answers, spans }, expires_at: now + KEPT })
    };
    console.counts.get(&days, now, load).await
}

fn of_metrics(counted: Result<Arc<Counted>, MetricError>) -> Markup {
    let counted = match counted {
        Ok(counted) => counted,
        Err(error) => {
            tracing::warn!(error = %chain(&error), "the dashboard is shown without metrics");
            return html! {
                p.said.bad role="status" {
                    "CloudWatch does not answer at the moment, so volume, outcomes and times are not shown. They are counted all the same: try again in a minute."
                }
            };
        }
    };
    let Counted { answers, spans } = &*counted;
    let mut left = answers.values.iter();
    let mut next = |count: usize| left.by_ref().take(count).collect::<Vec<_>>();
    let flows = Flow::ALL.len();
    let outcomes =
        OUTCOMES.map(|(_, name, class)| Series { name, class, values: summed(&next(flows), *spans) });
    let said = SAID.map(|(_, name, class)| Series { name, class, values: summed(&next(1), *spans) });
    let work = per_flow(&next(flows));
    let wait = per_flow(&next(flows));
    let names: Vec<_> = (0..spans.count).map(|index| name_of(*spans, index)).collect();
    html! {
        @if answers.is_partial { p.said.bad role="status" { "CloudWatch left some values out: what is shown may be too low." } }
        p.note { "Counted for all shops together, in UTC." }
        @if total(&outcomes) == 0 { p { "No document was counted in this time." } }
        @else {
            p { @for (index, it) in outcomes.iter().enumerate() { @if index > 0 { ", " } (it.values.iter().sum::<u64>()) " " (it.name) } }
            (columns("What became of documents", &names, &outcomes))
        }
        @if total(&said) > 0 { (columns("What channels said later", &names, &said)) }
        @if !work.is_empty() { (bars(if spans.seconds < 86_400 { TAKES[0] } else { TAKES[1] }, " ms", &work)) }
        @if !wait.is_empty() { (bars("How long work waited at most", " s", &wait)) }
    }
}

fn total(series: &[Series]) -> u64 {
    series.iter().flat_map(|it| &it.values).sum()
}

/// What was counted in each span, over several questions.
fn summed(answers: &[&Vec<Option<f64>>], spans: Spans) -> Vec<u64> {
    let at = |index: usize| answers.iter().filter_map(|it| it.get(index).copied().flatten()).sum::<f64>();
    (0..spans.count).map(|index| at(index).round() as u64).collect()
}

/// The highest value of each flow that has any.
fn per_flow(answers: &[&Vec<Option<f64>>]) -> Vec<(String, u64)> {
    let highest = |values: &Vec<Option<f64>>| values.iter().flatten().copied().reduce(f64::max);
    let of = Flow::ALL.iter().zip(answers);
    of.filter_map(|(flow, it)| Some((flow.name().to_owned(), highest(it)?.round() as u64))).collect()
}

fn name_of(spans: Spans, index: usize) -> String {
    let format = if spans.seconds < 86_400 { "%H:%M" } else { "%-d %b" };
    spans.start(index).to_zoned(TimeZone::UTC).strftime(format).to_string()
}

async fn undelivered(
    console: &Console,
    shop: Option<&ShopDomain>,
    days: i64,
    now: Timestamp,
) -> Result<Vec<Undelivered>, LedgerError> {
    let Some(shop) = shop else { return Ok(Vec::new()) };
    let from = now.checked_sub(SignedDuration::from_hours(24 * days)).unwrap_or(now);
    console.ledger.undelivered(shop, from..now, None, MOST).await
}

fn of_ledger(
    undelivered: Result<Vec<Undelivered>, LedgerError>,
    shop: Option<&ShopDomain>,
    days: i64,
) -> Markup {
    let rows = match undelivered {
        Ok(rows) => rows,
        Err(error) => {
            tracing::warn!(error = %chain(&error), "the dashboard is shown without reasons");
            return html! {
                p.said.bad role="status" { "The ledger does not answer at the moment, so it is not shown why documents were not delivered." }
            };
        }
    };
    html! {
        @if let Some(shop) = shop {
            @if rows.is_empty() { p { "Everything of " (shop) " was delivered, or is under way." } }
            @else {
                (bars("Why documents were not delivered", "", &failures::by_reason(&rows)))
                p { a href={ "/failures?days=" (days) "&shop=" (shop) } { (rows.len()) @if rows.len() >= MOST { " or more" } " of " (shop) } " that were not delivered, one by one" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric_service::MOST_QUESTIONS;
    use service::Metric;

    #[test]
    fn it_asks_for_what_is_counted_and_no_more_than_one_request_may() {
        let all = questions("p-");
        assert!(all.len() <= MOST_QUESTIONS);
        for question in all.iter().filter(|it| it.namespace == OWN) {
            assert!(Metric::ALL.iter().any(|it| it.name() == question.metric), "{}", question.metric);
            assert!(question.dimension.1.starts_with("p-"));
        }
    }

    #[test]
    fn a_day_is_shown_by_the_hour_and_more_by_the_day() {
        let now: Timestamp = "2026-11-27T08:30:00Z".parse().unwrap();
        let day = spans(1, now);
        assert_eq!((name_of(day, 0), name_of(day, 23)), ("09:00".to_owned(), "08:00".to_owned()));
        let week = spans(7, now);
        assert_eq!((name_of(week, 0), name_of(week, 6)), ("21 Nov".to_owned(), "27 Nov".to_owned()));
    }
}
