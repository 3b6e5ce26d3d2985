//! Flows where the world is untidy: events late, repeated and out of order, data missing, odd or large.
//!
//! A case says what Shopify has, which events come, and what is to come of them. It is run twice: with its
//! events in the order given and in the opposite one. After that all of them come twice more, at once. Every
//! run has to end in the very same ledger, with each document composed, archived and delivered once.

mod exceptions;
mod offers;
mod returns;
mod shipping;
mod statements;

use comms::{Flow, WriteBackState};
use e2e::{runtime::Worker, samples::Samples, shop::Shop, stack::Stack};
use futures::{FutureExt, StreamExt, stream};
use intake::{Routed, work_item};
use ledger::Entry;
use serde_json::Value;
use shop_config::ShopConfig;
use shopify::Event;
use std::panic::AssertUnwindSafe;
use work::WorkItem;

/// How many cases run at once.
const AT_ONCE: usize = 4;

/// The work that an event means for a shop, as intake makes it: that of the first flow, where it means some for two.
pub fn work(shop: &Shop, event: &Value) -> WorkItem {
    works(shop, event).swap_remove(0)
}

/// The work that an event means for a flow, if it means any.
pub fn work_of(flow: Flow, shop: &Shop, event: &Value) -> Option<WorkItem> {
    works(shop, event).into_iter().find(|item| item.flow == flow)
}

fn works(shop: &Shop, event: &Value) -> Vec<WorkItem> {
    let config = ShopConfig::parse(&shop.config).unwrap();
    let event = Event::parse(event.to_string().as_bytes()).unwrap();
    match work_item(&event, &config).unwrap() {
        Routed::Work(items) => items,
        Routed::Ignored(_) => vec![],
    }
}

fn case(name: &'static str) -> Case {
    Case { name, config: str::to_owned, steps: Vec::new(), in_order: false, ends: &[], says: Vec::new() }
}

struct Case {
    name: &'static str,
    config: fn(&str) -> String,
    steps: Vec<Step>,
    in_order: bool,
    ends: &'static [&'static str],
    says: Vec<(&'static str, &'static str, Value)>,
}

enum Step {
    /// Shopify has this from now on.
    Shopify(fn(&mut Samples)),
    /// The sample of this name arrives, with another `detail`.
    Event(&'static str, fn(&mut Value)),
    /// A run queues this.
    Item(fn(&Shop) -> Value),
}

impl Case {
    fn config(mut self, config: fn(&str) -> String) -> Self {
        self.config = config;
        self
    }

    fn shopify(mut self, change: fn(&mut Samples)) -> Self {
        self.steps.push(Step::Shopify(change));
        self
    }

    fn event(self, sample: &'static str) -> Self {
        self.event_with(sample, |_| {})
    }

    fn event_with(mut self, sample: &'static str, change: fn(&mut Value)) -> Self {
        self.steps.push(Step::Event(sample, change));
        self
    }

    fn item(mut self, item: fn(&Shop) -> Value) -> Self {
        self.steps.push(Step::Item(item));
        self
    }

    /// In another order, the documents say something else.
    fn in_this_order_only(mut self) -> Self {
        self.in_order = true;
        self
    }

    /// What the ledger says in the end, a communication each as [`line`] writes it, in any order.
    fn ends(mut self, ends: &'static [&'static str]) -> Self {
        self.ends = ends;
        self
    }

    /// What the driver data of one of the documents of this name has at a place; null where it has nothing.
    fn says(mut self, document: &'static str, pointer: &'static str, value: impl Into<Value>) -> Self {
        self.says.push((document, pointer, value.into()));
        self
    }

    async fn run(&self, stack: &Stack, flow: &str) {
        self.run_in_order(stack, flow, &self.steps.iter().collect::<Vec<_>>()).await;
        let begins = self.steps.iter().position(|step| !matches!(step, Step::Shopify(_))).unwrap_or(0);
        let (before, events) = self.steps.split_at(begins);
        // where Shopify changes in between, no other order makes sense
        let in_order = self.in_order || events.iter().any(|step| matches!(step, Step::Shopify(_)));
        if in_order || events.len() < 2 {
            return;
        }
        let backwards: Vec<_> = before.iter().chain(events.iter().rev()).collect();
        self.run_in_order(stack, flow, &backwards).await;
    }

    async fn run_in_order(&self, stack: &Stack, flow: &str, steps: &[&Step]) {
        let shop = Shop::open_demo(stack, self.config).await;
        let mut worker = Worker::start(flow, &stack.environment()).await;
        let mut samples = Samples::of(flow);
        for resource in samples.all() {
            shop.resource(resource).await;
        }
        let mut items = Vec::new();
        for step in steps {
            let item = match step {
                Step::Shopify(change) => {
                    let before = samples.clone();
                    change(&mut samples);
                    shop.change(&before, &samples).await;
                    continue;
                }
                Step::Event(sample, change) => {
                    let mut event = shop.sample(&format!("{flow}/{sample}.json"));
                    change(&mut event["detail"]);
                    let item = work_of(flow.parse().unwrap(), &shop, &event);
                    let item = item.unwrap_or_else(|| panic!("{sample} leads to no work of {flow}"));
                    serde_json::to_value(item).unwrap()
                }
                Step::Item(item) => item(&shop),
            };
            worker.deliver(&item, 1).await;
            items.push(item);
        }
        let again: Vec<_> = items.iter().chain(items.iter().rev()).cloned().collect();
        worker.deliver_all(&again, 1).await;
        self.check(stack, &shop).await;
    }

    async fn check(&self, stack: &Stack, shop: &Shop) {
        let name = self.name;
        let mut entries = stack.entries(&shop.domain).await;
        for entry in &mut entries {
            *entry = shop.settled(stack, &entry.communication).await;
        }
        let mut lines: Vec<_> = entries.iter().map(line).collect();
        lines.sort();
        let mut ends = self.ends.to_vec();
        ends.sort_unstable();
        assert_eq!(lines, ends, "{name}");

        let by = |channel: &str| lines.iter().filter(|line| line.contains(&format!(" by {channel}"))).count();
        let archived: Vec<_> = entries.iter().filter(|entry| entry.archived.is_some()).collect();
        assert_eq!(shop.letters().await.len(), archived.len(), "{name}: each is composed once");
        let versions = stack.versions(&format!("{}/", shop.domain)).await;
        assert_eq!(versions, 2 * archived.len(), "{name}: each is archived once, with its record");
        assert_eq!(shop.emails().await.len(), by("email"), "{name}: each is sent once");
        assert_eq!(stack.spooled(&shop.domain).await, by("print"), "{name}: each is printed once");

        let mut said = Vec::new();
        for entry in archived {
            let (_, record) = stack.record(entry).await;
            said.push((entry.document.name(), record));
        }
        for (document, pointer, value) in &self.says {
            let data = said.iter().filter(|(name, _)| name == document);
            let found: Vec<_> = data
                .map(|(_, record)| record["driver_data"]["data"].pointer(pointer).unwrap_or(&Value::Null))
                .collect();
            assert!(found.contains(&value), "{name}: {document} has at {pointer} {found:?}, not {value}");
        }
    }
}

/// What became of a communication: `receipt: accepted by print`, `receipt: failed, <why>`.
fn line(entry: &Entry) -> String {
    let channel = entry.reference.as_ref().and(entry.channel.as_deref());
    let by = channel.map(|channel| format!(" by {channel}")).unwrap_or_default();
    let why = entry.reason.as_deref().map(|reason| format!(", {reason}")).unwrap_or_default();
    let told = if entry.write_back == WriteBackState::Failed { ", and nobody to tell" } else { "" };
    format!("{}: {}{by}{why}{told}", entry.document, entry.state)
}

async fn run(flow: &str, cases: Vec<Case>) {
    let stack = Stack::open().await;
    let failed = stream::iter(&cases).map(async |case| {
        let run = AssertUnwindSafe(case.run(&stack, flow)).catch_unwind();
        run.await.err().map(|_| case.name)
    });
    let failed: Vec<_> = failed.buffer_unordered(AT_ONCE).filter_map(std::future::ready).collect().await;
    assert!(failed.is_empty(), "{flow}: {failed:?}");
}

/// Five hundred of a resource, each changed by `each`, with its number from 1.
fn five_hundred(one: &Value, each: impl Fn(&mut Value, u64)) -> Value {
    let copy = |number| {
        let mut copy = one.clone();
        each(&mut copy, number);
        copy
    };
    (1..=500).map(copy).collect()
}

/// The customer was deleted: Shopify keeps the order and forgets who it was for.
fn without_customer(order: &mut Value) {
    for field in ["customer", "purchasingEntity"] {
        order[field] = Value::Null;
    }
}

fn without_email(order: &mut Value) {
    order["email"] = Value::Null;
    order["customer"]["defaultEmailAddress"] = Value::Null;
}

/// Written from right to left.
const NAME: &str = "שירה בן־דוד";

fn named_from_right_to_left(order: &mut Value) {
    let (first, last) = NAME.split_once(' ').unwrap();
    for who in ["customer", "billingAddress", "shippingAddress"] {
        order[who]["firstName"] = first.into();
        order[who]["lastName"] = last.into();
    }
}
