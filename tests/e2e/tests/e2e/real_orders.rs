//! Situations that real shops met, as data: `tests/cases/<name>/case.toml` with the events and what Shopify answers
//! beside it. Each runs on the flow's real binary in a shop of its own; after that all its events come twice more.
//! The case says which communications exist in the end, and what they say; everything that says a total adds up.
//! `tests/cases/README.md` describes the format.

use super::cases::work_of;
use comms::{Flow, WriteBackState};
use e2e::{
    runtime::{Worker, repository},
    shop::Shop,
    stack::Stack,
};
use futures::{FutureExt, StreamExt, stream};
use jiff::{Span, Timestamp, Zoned};
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, fs, panic::AssertUnwindSafe, path::PathBuf};

/// How many cases run at once.
const AT_ONCE: usize = 4;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(skip)]
    name: String,
    title: String,
    source: String,
    right: String,
    flow: Flow,
    #[serde(default)]
    any_order: bool,
    #[serde(default)]
    config: String,
    #[serde(default)]
    step: Vec<Step>,
    #[serde(default)]
    document: Vec<Expected>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Step {
    shopify: Vec<String>,
    deleted: Vec<String>,
    events: Vec<String>,
    items: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    name: String,
    state: String,
    channel: Option<String>,
    reason: Option<String>,
    #[serde(default)]
    says: BTreeMap<String, Value>,
    /// Places of the driver data that hold nothing.
    #[serde(default)]
    absent: Vec<String>,
    /// Text that stands nowhere in the driver data.
    #[serde(default)]
    never: Vec<String>,
}

/// A communication as it ended.
struct Found {
    name: String,
    state: String,
    channel: Option<String>,
    reason: Option<String>,
    driver: Value,
}

fn folder() -> PathBuf {
    repository().join("tests/e2e/cases")
}

fn all() -> Vec<Case> {
    let mut names: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    let read = |name: String| {
        let text = fs::read_to_string(folder().join(&name).join("case.toml"));
        let text = text.unwrap_or_else(|error| panic!("tests/cases/{name}/case.toml: {error}"));
        let case: Case = toml::from_str(&text).unwrap_or_else(|error| panic!("tests/cases/{name}: {error}"));
        for said in [&case.title, &case.source, &case.right] {
            assert!(!said.trim().is_empty(), "tests/cases/{name}: title, source and right say something");
        }
        Case { name, ..case }
    };
    names.into_iter().map(read).collect()
}

impl Case {
    async fn run(&self, stack: &Stack) {
        self.run_once(stack, false).await;
        if self.any_order {
            self.run_once(stack, true).await;
        }
    }

    async fn run_once(&self, stack: &Stack, backwards: bool) {
        let config = self.config.clone();
        let shop = Shop::open_demo(stack, |text| with(text, &config)).await;
        let mut environment = stack.environment();
        let queue = format!("QUEUE_URL_{}", self.flow.name().to_uppercase().replace('-', "_"));
        if let Some(url) = environment.get(&queue).cloned() {
            environment.insert("QUEUE_URL".to_owned(), url);
        }
        let mut worker = Worker::start(self.flow.name(), &environment).await;
        let mut items = Vec::new();
        for step in &self.step {
            for resource in &step.shopify {
                shop.resource(&self.read(&shop, resource)).await;
            }
            for gone in &step.deleted {
                shop.control(shop.shopify, "DELETE", &format!("documents?id={gone}"), None).await;
            }
            // an event that means no work for the flow leads to nothing, which the ledger then shows
            let events = step.events.iter().filter_map(|event| {
                let item = work_of(self.flow, &shop, &self.read(&shop, event))?;
                Some(serde_json::to_value(item).unwrap())
            });
            let raw = step.items.iter().map(|item| self.read(&shop, item));
            let mut of_step: Vec<Value> = events.chain(raw).collect();
            if backwards {
                of_step.reverse();
            }
            for item in of_step {
                worker.deliver(&item, 1).await;
                items.push(item);
            }
        }
        self.check(stack, &shop).await;
        let again: Vec<_> = items.iter().chain(items.iter().rev()).cloned().collect();
        for batch in again.chunks(10) {
            worker.deliver_all(batch, 1).await;
        }
        self.check(stack, &shop).await;
    }

    /// A file of the case, as JSON of this shop at this moment.
    fn read(&self, shop: &Shop, file: &str) -> Value {
        let path = folder().join(&self.name).join(file);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let text = text.replace("northwind-demo.myshopify.com", shop.domain.as_str());
        let mut value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        dated(&mut value, Timestamp::now());
        value
    }

    async fn check(&self, stack: &Stack, shop: &Shop) {
        let name = &self.name;
        let mut found = Vec::new();
        let mut archived = 0;
        for entry in stack.entries(&shop.domain).await {
            let entry = shop.settled(stack, &entry.communication).await;
            let mut driver = Value::Null;
            if entry.archived.is_some() {
                archived += 1;
                let (_, mut record) = stack.record(&entry).await;
                driver = record["driver_data"]["data"].take();
                let sums = contract::adds_up(entry.document.name(), &driver);
                assert_eq!(sums, Ok(()), "{name}: {}", entry.document);
            }
            assert_ne!(entry.write_back, WriteBackState::Pending, "{name}: {}", entry.document);
            found.push(Found {
                name: entry.document.name().to_owned(),
                state: entry.state.to_string(),
                channel: entry.reference.as_ref().and(entry.channel.clone()),
                reason: entry.reason.clone(),
                driver,
            });
        }
        let emails = found.iter().filter(|it| it.channel.as_deref() == Some("email")).count();
        assert_eq!(shop.emails().await.len(), emails, "{name}: each e-mail is sent once");
        assert_eq!(shop.letters().await.len(), archived, "{name}: each document is composed once");
        let listed = found.iter().map(Found::line).collect::<Vec<_>>().join("\n");
        assert_eq!(found.len(), self.document.len(), "{name}: these communications exist:\n{listed}");
        for expected in &self.document {
            let problems: Vec<_> = found.iter().map(|it| expected.problem(it)).collect();
            let Some(place) = problems.iter().position(Option::is_none) else {
                let problems: Vec<_> = problems.into_iter().flatten().collect();
                panic!("{name}: no {} as expected:\n{}\n{listed}", expected.name, problems.join("\n"));
            };
            found.swap_remove(place);
        }
    }
}

impl Expected {
    /// Why a communication is not this one.
    fn problem(&self, found: &Found) -> Option<String> {
        let fits = (&self.name, &self.state) == (&found.name, &found.state)
            && self.channel.as_ref().is_none_or(|channel| Some(channel) == found.channel.as_ref())
            && self
                .reason
                .as_ref()
                .is_none_or(|part| found.reason.as_ref().is_some_and(|it| it.contains(part)));
        if !fits {
            return Some(format!("  {} is not {}", found.line(), self.name));
        }
        for (place, value) in &self.says {
            let said = found.driver.pointer(place).unwrap_or(&Value::Null);
            if said != value {
                return Some(format!("  {} says at {place} {said}, not {value}", self.name));
            }
        }
        if let Some(place) = self.absent.iter().find(|place| found.driver.pointer(place).is_some()) {
            return Some(format!("  {} says something at {place}", self.name));
        }
        let text = found.driver.to_string();
        self.never.iter().find(|it| text.contains(*it)).map(|it| format!("  {} says `{it}`", self.name))
    }
}

impl Found {
    fn line(&self) -> String {
        let channel = self.channel.as_deref().map(|it| format!(" by {it}")).unwrap_or_default();
        let reason = self.reason.as_deref().map(|it| format!(", {it}")).unwrap_or_default();
        format!("{}: {}{channel}{reason}", self.name, self.state)
    }
}

/// The configuration with the case's tables laid over it.
fn with(text: &str, overlay: &str) -> String {
    fn lay(over: toml::Table, under: &mut toml::Table) {
        for (name, value) in over {
            match (value, under.get_mut(&name)) {
                (toml::Value::Table(over), Some(toml::Value::Table(under))) => lay(over, under),
                (value, _) => drop(under.insert(name, value)),
            }
        }
    }
    let mut config: toml::Table = text.parse().unwrap();
    lay(overlay.parse().unwrap(), &mut config);
    config.to_string()
}

/// `$now`, `$now-20s`, `$today-7d`: moments and days that a case counts from the present one.
fn dated(value: &mut Value, now: Timestamp) {
    match value {
        Value::Object(fields) => fields.iter_mut().for_each(|(_, it)| dated(it, now)),
        Value::Array(all) => all.iter_mut().for_each(|it| dated(it, now)),
        Value::String(text) => {
            let (kind, ago) = text.split_once('-').unwrap_or((text, "0s"));
            let span = || -> Span { ago.parse().unwrap_or_else(|error| panic!("{text}: {error}")) };
            let at = || {
                now.to_zoned(jiff::tz::TimeZone::get("Europe/Paris").unwrap()).checked_sub(span()).unwrap()
            };
            match kind {
                "$now" => *text = at().timestamp().to_string(),
                "$today" => *text = Zoned::date(&at()).to_string(),
                _ => {}
            }
        }
        _ => {}
    }
}

async fn run(flow: Flow) {
    let stack = Stack::open().await;
    let only = std::env::var("CASE").unwrap_or_default();
    let cases: Vec<_> = all().into_iter().filter(|it| it.flow == flow && it.name.contains(&only)).collect();
    let failed = stream::iter(&cases).map(async |case| {
        let run = AssertUnwindSafe(case.run(&stack)).catch_unwind();
        run.await.err().map(|_| case.name.as_str())
    });
    let failed: Vec<_> = failed.buffer_unordered(AT_ONCE).filter_map(std::future::ready).collect().await;
    assert!(failed.is_empty(), "{flow}: {} of {} cases fail: {failed:?}", failed.len(), cases.len());
}

#[tokio::test]
async fn orders_of_real_shops() {
    run(Flow::OrderConfirmation).await;
}

#[tokio::test]
async fn shipments_of_real_shops() {
    run(Flow::ShippingDocuments).await;
}

#[tokio::test]
async fn returns_of_real_shops() {
    run(Flow::ReturnLetters).await;
}

#[tokio::test]
async fn offers_of_real_shops() {
    run(Flow::TargetedOffers).await;
}

#[tokio::test]
async fn statements_of_real_shops() {
    run(Flow::AccountStatements).await;
}

#[tokio::test]
async fn exceptions_of_real_shops() {
    run(Flow::ExceptionLetters).await;
}
