//! A line each ten seconds, and the table at the end.

use super::{Soak, oracle::Evidence, sandboxes::INTAKE, tally::Tally};
use crate::{process, server::lock};
use std::{
    cmp::Reverse,
    collections::BTreeMap,
    time::{Duration, Instant},
};

const EVERY: Duration = Duration::from_secs(10);
/// When memory is looked at first; earlier in a short run.
const FIRST_LOOK: Duration = Duration::from_secs(60);

pub struct Progress {
    begun: Instant,
    next: Instant,
    /// When to look at memory first and last: it is compared under load.
    looks: (Instant, Instant),
    early: BTreeMap<&'static str, f64>,
    late: BTreeMap<&'static str, f64>,
}

impl Progress {
    pub fn new(begun: Instant, duration: Duration) -> Self {
        let looks = (begun + FIRST_LOOK.min(duration / 2), begun + duration);
        Self { begun, next: begun + EVERY, looks, early: BTreeMap::new(), late: BTreeMap::new() }
    }

    pub fn tick(&mut self, soak: &Soak) {
        let now = Instant::now();
        if now >= self.looks.0 {
            for (function, megabytes) in soak.sandboxes.memory() {
                self.early.entry(function).or_insert(megabytes);
                if now < self.looks.1 {
                    self.late.insert(function, megabytes);
                }
            }
        }
        if now < self.next {
            return;
        }
        self.next += EVERY;
        let left: Vec<_> = soak.left().into_iter().filter(|(_, count)| *count > 0).collect();
        let left: Vec<_> = left.iter().map(|(queue, count)| format!("{queue} {count}")).collect();
        println!(
            "{:>5.0} s: {:>6} events sent, {:>6} of {} documents done; {} faults, {} kills; in flight: {}",
            now.duration_since(self.begun).as_secs_f64(),
            lock(&soak.sent).len(),
            lock(&soak.sandboxes.aws.table).settled.len(),
            soak.plan.due.len(),
            soak.tally.sum("faults"),
            soak.tally.sum("deaths"),
            if left.is_empty() { "none".to_owned() } else { left.join(", ") },
        );
    }

    /// By function: megabytes early on and at the end of the events.
    pub fn memory(&self) -> Vec<(String, f64, f64)> {
        let both = self.early.iter().filter_map(|(function, early)| {
            Some(((*function).to_owned(), *early, *self.late.get(function)?))
        });
        both.collect()
    }
}

/// `events` is how long they came, `drained` how long the queues took to empty then.
pub fn print(soak: &Soak, evidence: &Evidence, events: Duration, drained: Duration) {
    let tally = &soak.tally;
    let (events, drained) = (events.as_secs_f64(), drained.as_secs_f64());
    println!("\n{}, {events:.0} s of events, {drained:.0} s to empty the queues", process::machine());
    let surplus: u64 = lock(&soak.sandboxes.aws.queues).values().map(|queue| queue.surplus).sum();
    let emails: usize = evidence.emails.values().map(Vec::len).sum();
    let [p50, p95, p99] = ages(soak, evidence);
    let rate = soak.plan.events.len() as f64 / events;
    let with_sum = |group: &str| format!("{}: {}", tally.sum(group), list(tally.of(group)));
    let rows = [
        (
            "events",
            format!("{}, {} of them duplicates; {rate:.1}/s", soak.plan.events.len(), soak.plan.duplicates),
        ),
        ("documents", documents(evidence)),
        ("event to settled", format!("p50 {p50:.2} s, p95 {p95:.2} s, p99 {p99:.2} s")),
        ("compositions", tally.sum("vendors").to_string()),
        ("e-mails taken", emails.to_string()),
        ("deliveries found done", tally.sum("found done").to_string()),
        ("surplus deliveries of queues", surplus.to_string()),
        ("batches", list(tally.of("batches"))),
        ("faults", with_sum("faults")),
        ("deaths", with_sum("deaths")),
        ("failed invocations", with_sum("failed invocations")),
        (
            "log of the flows",
            format!("{:.0} bytes per document", log_bytes(tally) / evidence.ledger.len() as f64),
        ),
    ];
    for (name, value) in rows {
        println!("{name:<30}{value}");
    }
    println!("memory, MB per process, early on and at the end of the events:");
    for (function, early, late) in &evidence.memory {
        println!("  {function:<28}{early:.1} -> {late:.1}");
    }
    println!("messages that came back, by reason:");
    let mut retries = tally.of("retries");
    retries.sort_by_key(|(_, count)| Reverse(*count));
    retries.iter().for_each(|(reason, count)| println!("  {count:>6}  {reason}"));
}

/// How many there are by state, and how the unknown ones became that.
fn documents(evidence: &Evidence) -> String {
    let states = Tally::default();
    let (mut again, mut unheard) = (0, 0);
    for (id, item) in &evidence.ledger {
        let state = item.get("state").and_then(|state| state["S"].as_str()).unwrap_or_default();
        states.add("states", state);
        again += u64::from(item.get("attempts").is_some_and(|attempts| attempts["N"] != "1"));
        unheard += u64::from(state == "unknown" && evidence.untold.contains(id));
    }
    format!(
        "{}: {} ({unheard} of the unknown because the channel did not answer); {again} begun more than once",
        evidence.ledger.len(),
        list(states.of("states")),
    )
}

fn log_bytes(tally: &Tally) -> f64 {
    let all = tally.of("log bytes").into_iter();
    all.filter(|(name, _)| name != INTAKE && name != "write-back").map(|(_, bytes)| bytes as f64).sum()
}

/// Time from the first event that leads to a communication until it is settled.
fn ages(soak: &Soak, evidence: &Evidence) -> [f64; 3] {
    let (sent, table) = (lock(&soak.sent), lock(&soak.sandboxes.aws.table));
    let mut first = BTreeMap::new();
    for due in &evidence.due {
        let at = due.events.iter().filter_map(|event| sent.get(*event)).min();
        first.extend(at.map(|at| ((due.document, due.subject.as_str()), *at)));
    }
    let mut ages: Vec<f64> = evidence
        .ledger
        .iter()
        .filter_map(|(id, item)| {
            let text = |name: &str| item.get(name)?["S"].as_str();
            let at = first.get(&(text("document")?, text("subject")?))?;
            Some(table.settled.get(id)?.saturating_duration_since(*at).as_secs_f64())
        })
        .collect();
    ages.sort_by(f64::total_cmp);
    [0.5, 0.95, 0.99].map(|share| ages.get((ages.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN))
}

fn list(counts: Vec<(String, u64)>) -> String {
    let counts: Vec<_> = counts.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    counts.join(", ")
}
