//! Runs of statements and campaigns: where each stands, from the state that it keeps of itself.

use crate::{
    Console,
    audit::Act,
    http::HttpRequest,
    log_in::SignedIn,
    page::{Page, chosen_shop, moment, of_person, shop_field, text, unavailable},
};
use comms::{ShopDomain, one_line};
use downloads::HttpResponse;
use jiff::Timestamp;
use maud::{Markup, html};
use serde_json::Value;
use std::collections::BTreeMap;

/// The latest runs that are read.
const SHOWN: usize = 20;
/// No state is longer; one that is says nothing here.
const MAX_BYTES: i64 = 1024 * 1024;

struct Run {
    name: String,
    period: String,
    changed_epoch_ms: i64,
    state: Option<Value>,
}

pub async fn answer(
    console: &Console,
    signed_in: &SignedIn,
    request: &HttpRequest,
    now: Timestamp,
) -> HttpResponse {
    let shops = match console.shops_of(&signed_in.person, now).await {
        Ok(shops) => shops,
        Err(error) => return unavailable(signed_in, &error),
    };
    let shop = match chosen_shop(&request.query(), &shops) {
        Ok(shop) => shop,
        Err(notice) => return of_person(signed_in, notice),
    };
    let mut runs = Vec::new();
    if let Some(shop) = &shop {
        console.audit.note(&signed_in.person, Act::SeeOperations, Some(shop));
        runs = match read(console, shop).await {
            Ok(runs) => runs,
            Err(error) => return unavailable(signed_in, &error),
        };
    }
    let content = html! {
        h1 { "Runs" }
        form.fields method="get" action="/runs" {
            (shop_field(&shops, shop.as_ref()))
            button { "Show" }
        }
        @if runs.is_empty() { p { "No run is known: none was started, or its state is no longer kept." } }
        @else { (list(&runs)) }
    };
    Page { signed_in: Some(signed_in), title: "Runs", here: "/runs", content, has_script: false }.answer(200)
}

/// The latest runs of a shop, the one that changed last first.
async fn read(console: &Console, shop: &ShopDomain) -> Result<Vec<Run>, aws_sdk_s3::Error> {
    let (s3, bucket) = (&console.s3, &console.operations_bucket);
    let prefix = format!("runs/{shop}/");
    let page = s3.list_objects_v2().bucket(bucket).prefix(&prefix).send().await?;
    let mut found: Vec<_> = page
        .contents()
        .iter()
        .filter_map(|object| {
            let (name, period) =
                object.key()?.strip_prefix(&prefix)?.strip_suffix(".json")?.split_once('/')?;
            let changed = object.last_modified()?.to_millis().ok()?;
            Some((changed, name.to_owned(), period.to_owned(), object.size().unwrap_or_default()))
        })
        .collect();
    found.sort_by_key(|run| std::cmp::Reverse(run.0));
    let mut runs = Vec::new();
    for (changed_epoch_ms, name, period, size) in found.into_iter().take(SHOWN) {
        let mut state = None;
        if size <= MAX_BYTES {
            let object =
                s3.get_object().bucket(bucket).key(format!("{prefix}{name}/{period}.json")).send().await?;
            let bytes = object.body.collect().await.map(|body| body.into_bytes()).unwrap_or_default();
            state = serde_json::from_slice(&bytes).ok();
        }
        runs.push(Run { name, period, changed_epoch_ms, state });
    }
    Ok(runs)
}

fn list(runs: &[Run]) -> Markup {
    html! {
        div.table tabindex="0" role="region" aria-label="Runs" { table {
            thead { tr { th { "Run" } th { "Period" } th { "Stands at" } th { "How far" } th { "Counts" } th { "Changed" } } }
            tbody { @for run in runs { tr {
                td { (text(&run.name)) }
                td { (text(&run.period)) }
                td { (text(&stage(run.state.as_ref()))) }
                td { (how_far(run.state.as_ref())) }
                td { (text(&counts(run.state.as_ref()))) (problems(run.state.as_ref())) }
                td { (moment(run.changed_epoch_ms)) }
            } } }
        } }
    }
}

/// How much of its files a statement run has read, as far as it can be known. How many members a campaign has is known
/// once it has ended.
fn part_read(state: &Value) -> Option<(u64, u64)> {
    let parts = state["parts"].as_array().filter(|parts| !parts.is_empty())?;
    let (mut read, mut all) = (0, 0);
    for part in parts {
        let stage = &part["stage"];
        let done = match stage["is"].as_str() {
            Some("done" | "failed") => 100,
            Some("reading") => {
                let (at, length) =
                    (stage["layout"]["at"]["offset"].as_u64(), stage["file"]["length"].as_u64());
                // a file that is read in another order has no place that says how far
                let (at, length) = at.zip(length).filter(|(_, length)| *length > 0)?;
                at.min(length) * 100 / length
            }
            _ => 0,
        };
        (read, all) = (read + done, all + 100);
    }
    Some((read, all))
}

/// Where a batch job stands, and how many of them there are.
fn jobs(state: &Value) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let chunks = state["chunks"].as_array().into_iter().flatten();
    for job in chunks.flat_map(|chunk| chunk["jobs"].as_array().into_iter().flatten()) {
        *counts.entry(one_line(job["stage"]["is"].as_str().unwrap_or("unknown"))).or_default() += 1;
    }
    counts.into_iter().collect()
}

fn how_far(state: Option<&Value>) -> Markup {
    let Some(state) = state else { return html! {} };
    html! {
        @if let Some((read, all)) = part_read(state) {
            @let percent = read * 100 / all;
            progress max="100" value=(percent) aria-label="Accounts read" {} " " (percent) " % read"
        } @else if state["stage"] == "done" { "all members" }
        @for (stage, count) in jobs(state) { br; span.note { (count) " batch jobs " (text(&stage)) } }
    }
}

/// What a run could not do, the first of it.
fn problems(state: Option<&Value>) -> Markup {
    const SHOWN: usize = 10;
    let word = |value: &Value| comms::cut(value.as_str().unwrap_or_default(), 200).to_owned();
    let found = state.and_then(|state| state["problems"].as_array()).map(Vec::as_slice).unwrap_or_default();
    let reason = state.and_then(|state| state["outcome"]["reason"].as_str());
    html! {
        @if let Some(reason) = reason { br; span.bad { (text(comms::cut(reason, 200))) } }
        @if !found.is_empty() { details { summary { (found.len()) " problems" }
            ul { @for it in found.iter().take(SHOWN) { li { (text(&word(&it["account"]))) ": " (text(&word(&it["what"]))) } } }
            @if found.len() > SHOWN { p.note { "The first " (SHOWN) " of them." } }
        } }
    }
}

/// A campaign has one stage; a statement run a stage for each part, and an outcome once it has ended.
fn stage(state: Option<&Value>) -> String {
    let Some(state) = state else { return "its state cannot be read".to_owned() };
    if let Some(stage) = state["outcome"]["is"].as_str().or(state["stage"].as_str()) {
        return one_line(stage);
    }
    let word = |value: &Value| value.as_str().map(one_line).unwrap_or_default();
    let parts = state["parts"].as_array().into_iter().flatten();
    let parts: Vec<_> =
        parts.map(|part| format!("{} {}", word(&part["source"]["of"]), word(&part["stage"]["is"]))).collect();
    if parts.is_empty() { "begun".to_owned() } else { parts.join(", ") }
}

fn counts(state: Option<&Value>) -> String {
    let Some(state) = state else { return String::new() };
    let mut words = Vec::new();
    for (name, value) in [("members", &state["members"]), ("", &state["counts"])] {
        match value {
            Value::Number(count) => words.push(format!("{count} {name}")),
            Value::Object(counts) => {
                words.extend(
                    counts
                        .iter()
                        .filter(|(_, count)| count.is_number())
                        .map(|(name, count)| format!("{count} {}", one_line(name).replace('_', " "))),
                );
            }
            _ => {}
        }
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn says_where_each_kind_of_run_stands() {
        let campaign = json!({"stage": "queueing", "members": 12, "counts": {"queued": 7, "last": "x"}});
        assert_eq!(
            (stage(Some(&campaign)), counts(Some(&campaign))),
            ("queueing".into(), "12 members, 7 queued".into())
        );
        let statements = json!({"parts": [{"source": {"of": "orders"}, "stage": {"is": "reading"}}]});
        assert_eq!(stage(Some(&statements)), "orders reading");
        assert_eq!(stage(Some(&json!({"outcome": {"is": "done"}, "parts": []}))), "done");
        assert_eq!(stage(None), "its state cannot be read");
    }

    #[test]
    fn says_how_far_a_statement_run_is() {
        let reading = json!({"is": "reading", "file": {"length": 4000}, "layout": {"layout": "grouped", "at": {"offset": 1000}}});
        let run = json!({
            "parts": [{"stage": {"is": "done"}}, {"stage": reading}],
            "chunks": [{"jobs": [{"stage": {"is": "running"}}, {"stage": {"is": "running"}}]}],
            "problems": [{"account": "gid://shopify/Customer/1", "what": "<script>"}],
        });
        assert_eq!(part_read(&run), Some((125, 200)));
        let html = how_far(Some(&run)).into_string();
        assert!(html.contains("value=\"62\"") && html.contains("2 batch jobs <bdi>running</bdi>"), "{html}");
        assert!(problems(Some(&run)).into_string().contains("&lt;script&gt;"));
        assert_eq!(part_read(&json!({"stage": "members"})), None);
        let unknown = json!({"parts": [{"stage": {"is": "reading", "file": {"length": 0}, "layout": {}}}]});
        assert_eq!(part_read(&unknown), None);
    }
}
