//! The repetitions: in each, every scenario has fresh processes, one scenario after the other, so that whatever the
//! machine does meanwhile falls on all of them.

use crate::{
    Failure, Options,
    counts::Counts,
    results::{Row, Spread},
    runtime::{Logged, Worker},
    scenarios::{self, Scenario},
    world::{Inputs, World},
};
use bytes::Bytes;
use std::time::Duration;

/// What one process showed in one repetition.
#[derive(Debug, Default)]
struct Round {
    start_ms: Vec<f64>,
    /// A message's.
    cpu_ms: f64,
    batch_ms: f64,
    late_batch_ms: f64,
    /// Of the slowest kind of message, alone in its batch.
    late_single_ms: f64,
    peak_mb: f64,
    counts: Counts,
    messages: usize,
    /// Messages in a batch.
    batch: usize,
    logged: Logged,
    /// Messages in the process's whole life.
    all_messages: usize,
    all_communications: u64,
}

pub async fn all(options: &Options) -> Result<Vec<Row>, Failure> {
    let wanted = |scenario: &Scenario| {
        options.only.as_ref().is_none_or(|it| scenario.function.contains(it) || scenario.name.contains(it))
    };
    let scenarios: Vec<_> = scenarios::all().into_iter().filter(wanted).collect();
    let world = World::make(options, &scenarios).await?;
    let mut rounds: Vec<Vec<Round>> = scenarios.iter().map(|_| Vec::new()).collect();
    for number in 1..=options.rounds {
        for (scenario, rounds) in scenarios.iter().zip(&mut rounds) {
            eprint!(
                "\rround {number} of {}: {:<40}",
                options.rounds,
                format!("{} {}", scenario.function, scenario.name)
            );
            let round = round(options, &world, scenario).await;
            rounds
                .push(round.map_err(|error| format!("{} ({}): {error}", scenario.function, scenario.name))?);
        }
    }
    eprintln!("\r{:70}", "");
    Ok(scenarios.iter().zip(&rounds).filter_map(|(scenario, rounds)| row(scenario, rounds)).collect())
}

async fn round(options: &Options, world: &World, scenario: &Scenario) -> Result<Round, Failure> {
    let Inputs { single, batch, messages } = world.inputs(scenario)?;
    let first = single.first().ok_or("nothing to give to it")?;
    let mut round = Round { messages: messages * options.batches, batch: messages, ..Round::default() };
    for _ in 1..options.starts {
        let mut worker = world.worker(scenario).await?;
        let (_, _, at) = worker.invoke(first).await?;
        round.start_ms.push(milliseconds(worker.age(at)));
        worker.end().await?;
    }
    let mut worker = world.worker(scenario).await?;
    let (_, _, at) = worker.invoke(first).await?;
    round.start_ms.push(milliseconds(worker.age(at)));
    // everything once, so that nothing is asked for the first time while it is measured
    for event in &single {
        worker.invoke(event).await?;
    }
    for _ in 0..options.batches.div_ceil(5) {
        worker.invoke(&batch).await?;
    }
    let (before, cpu) = (world.meter.counts(), worker.cpu_ms()?);
    let mut times = Vec::with_capacity(options.batches);
    for _ in 0..options.batches {
        times.push(milliseconds(worker.invoke(&batch).await?.0));
    }
    round.cpu_ms = (worker.cpu_ms()? - cpu) / round.messages as f64;
    round.counts = world.meter.counts().since(&before);
    round.batch_ms = median(&mut times);
    world.meter.slow(true);
    let late = async |worker: &mut Worker, event: &Bytes| {
        let mut times = Vec::with_capacity(options.late_batches);
        for _ in 0..options.late_batches {
            times.push(milliseconds(worker.invoke(event).await?.0));
        }
        Ok::<_, Failure>(median(&mut times))
    };
    for event in &single {
        round.late_single_ms = late(&mut worker, event).await?.max(round.late_single_ms);
    }
    round.late_batch_ms = late(&mut worker, &batch).await?;
    round.peak_mb = worker.peak_mb()?;
    let batches = options.batches.div_ceil(5) + options.batches + options.late_batches;
    round.all_messages = 1 + single.len() * (1 + options.late_batches) + messages * batches;
    round.all_communications = world.meter.counts().communications;
    round.logged = worker.end().await?;
    Ok(round)
}

fn row(scenario: &Scenario, rounds: &[Round]) -> Option<Row> {
    let last = rounds.last()?;
    let messages = last.messages as f64;
    let of = |value: fn(&Round) -> f64| Spread::of(rounds.iter().map(value));
    let cpu_ms = of(|round| round.cpu_ms);
    // a function that makes no communications of its own logs one line per message
    let lines =
        if last.all_communications > 0 { last.all_communications as f64 } else { last.all_messages as f64 };
    Some(Row {
        function: scenario.function.to_owned(),
        scenario: scenario.name.to_owned(),
        start_ms: Spread::of(rounds.iter().flat_map(|round| round.start_ms.iter().copied())),
        cpu_ms,
        batch_ms: of(|round| round.batch_ms),
        late_batch_ms: of(|round| round.late_batch_ms),
        late_single_ms: of(|round| round.late_single_ms),
        late_ratio: of(|round| round.late_batch_ms / round.late_single_ms),
        messages_per_cpu_second: 1000.0 / cpu_ms.median,
        peak_mb: of(|round| round.peak_mb),
        batch: last.batch,
        requests: last
            .counts
            .requests
            .iter()
            .map(|(name, count)| (name.clone(), *count as f64 / messages))
            .collect(),
        communications: last.counts.communications as f64 / messages,
        dynamo_writes: last.counts.dynamo_writes as f64 / messages,
        item_bytes: rounds.iter().map(|round| round.counts.largest_item).max().unwrap_or_default(),
        log_bytes: last.logged.bytes as f64 / lines,
        metric_bytes: last.logged.metric_bytes as f64 / last.all_messages as f64,
        complaints: last.logged.complaints,
    })
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn median(values: &mut [f64]) -> f64 {
    Spread::of(values.iter().copied()).median
}
