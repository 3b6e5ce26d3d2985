//! Where messages come from: a day of events, and statement runs that hand accounts on in either of their ways.

use crate::{
    product::StatementRun,
    queue::Queue,
    services::{ARCHIVE, FETCH, SHOPIFY, Services},
};
use std::{iter, time::Duration};
use tokio::time::{Instant, sleep, sleep_until};

pub const DAY: Duration = Duration::from_secs(24 * 3600);
/// The hour that has ten times the messages of an average one.
pub const PEAK: Duration = Duration::from_secs(20 * 3600);
pub const HOUR: Duration = Duration::from_secs(3600);
const PEAK_FACTOR: f64 = 10.0;
const SHORTEST_TICK: Duration = Duration::from_millis(250);
const LONGEST_TICK: Duration = Duration::from_secs(60);

/// An account in Shopify's bulk result, and how fast that is read, stored and handed to Exstream.
const ACCOUNT_BYTES: f64 = 20e3;
const BYTES_PER_SECOND: f64 = 60e6;
const SEND: Duration = Duration::from_millis(10);
const REQUESTS_AT_ONCE: usize = 8;
/// What Exstream needs for a batch job.
const JOB_START: Duration = Duration::from_secs(10);
const JOB_EACH: Duration = Duration::from_millis(20);
/// A run that waits for longer than its patience does so by a message of its own, whose invocation begins with the
/// run's state.
const NEXT_INVOCATION: Duration = Duration::from_millis(300);
/// What a run waits whose chunks are all with Exstream.
const FULL: Duration = Duration::from_secs(10);

/// A day's messages over several queues, each with its share.
pub async fn day(services: &Services, queues: &[(&Queue, f64)], messages: usize) {
    let epoch = Instant::now();
    let mut sent = vec![0; queues.len()];
    let mut owed = vec![0.0; queues.len()];
    while epoch.elapsed() < DAY {
        let rate = messages as f64 * share_of_a_second(epoch.elapsed());
        let tick = Duration::from_secs_f64(1.0 / rate).clamp(SHORTEST_TICK, LONGEST_TICK);
        let expected = rate * tick.as_secs_f64();
        for (index, (queue, share)) in queues.iter().enumerate() {
            owed[index] += expected * share * services.surge();
            let most = (messages as f64 * share).round() as usize - sent[index];
            let count = (owed[index] as usize).min(most);
            if count > 0 {
                (owed[index], sent[index]) = (owed[index] - count as f64, sent[index] + count);
                queue.send(count);
            }
        }
        sleep(tick).await;
    }
    for ((queue, share), sent) in queues.iter().zip(sent) {
        queue.send((messages as f64 * share).round() as usize - sent);
        queue.close();
    }
}

/// All messages of the first shop at once, and one of the last shop each second for as long as `quiet`.
pub async fn neighbours(queue: &Queue, noisy: usize, quiet: Duration) {
    queue.send_of(0, noisy);
    for _ in 0..quiet.as_secs() {
        sleep(Duration::from_secs(1)).await;
        queue.send_of(1, 1);
    }
    queue.close();
}

/// Few at night, most in the afternoon, and the peak hour.
fn share_of_a_second(at: Duration) -> f64 {
    let day = DAY.as_secs_f64();
    let average = 1.0 / day;
    if (PEAK..PEAK + HOUR).contains(&at) {
        return PEAK_FACTOR * average;
    }
    let wave = 1.0 - 0.8 * (at.as_secs_f64() / day * std::f64::consts::TAU).cos();
    // what the wave lacks in the peak hour
    average * wave * (24.0 - PEAK_FACTOR) / 23.5
}

/// One item per account, as the file is read: first all of it, to see whether it is grouped, then again.
pub async fn on_demand(queue: &Queue, run: StatementRun, accounts: usize) {
    transfer(accounts).await;
    let mut since_save = 0;
    for count in pieces(accounts, run.sent_at_once) {
        transfer(count).await;
        send(queue, count).await;
        since_save += count;
        if since_save >= run.accounts_per_save {
            since_save = 0;
            sleep(ARCHIVE).await;
        }
    }
    queue.close();
}

enum Job {
    Waiting,
    Running { since: Instant, until: Instant },
    Complete,
    Sent,
}

/// Driver files to Exstream, a bounded number at once, and items when their jobs are complete.
pub async fn jobs(queue: &Queue, run: StatementRun, accounts: usize) {
    transfer(accounts).await;
    let mut unread = pieces(accounts, run.customers_per_file).peekable();
    let mut chunks: Vec<(usize, Job)> = Vec::new();
    while unread.peek().is_some() || !chunks.is_empty() {
        let mut waits = Vec::new();
        for (count, job) in &mut chunks {
            waits.extend(step(queue, *count, job).await);
        }
        let steps = chunks.len() + usize::from(unread.peek().is_some());
        chunks.retain(|(_, job)| !matches!(job, Job::Sent));
        if unread.peek().is_some() && chunks.len() >= run.chunks {
            waits.push(FULL);
        } else if unread.peek().is_some() {
            sleep(SHOPIFY).await;
            for count in unread.by_ref().take(run.chunks - chunks.len()) {
                // read, and put aside with the run's state
                transfer(2 * count).await;
                sleep(2 * ARCHIVE).await;
                chunks.push((count, Job::Waiting));
            }
        }
        if waits.len() == steps
            && let Some(wait) = waits.into_iter().min()
        {
            let whole = Duration::from_secs(wait.as_millis().div_ceil(1000) as u64);
            sleep(if wait > run.patience { whole + NEXT_INVOCATION } else { wait }).await;
        }
    }
    queue.close();
}

/// What a run does for a chunk in one step; how long it then leaves it alone, if there was nothing to do.
async fn step(queue: &Queue, count: usize, job: &mut Job) -> Option<Duration> {
    *job = match job {
        Job::Waiting => {
            // the accounts from their object, the driver file to Exstream
            transfer(2 * count).await;
            sleep(FETCH + 3 * ARCHIVE).await;
            let since = Instant::now();
            Job::Running { since, until: since + JOB_START + JOB_EACH * count as u32 }
        }
        Job::Running { since, until } => {
            sleep(FETCH).await;
            if Instant::now() < *until {
                let pause = since.elapsed() / 4;
                return Some(pause.clamp(Duration::from_millis(500), Duration::from_secs(60)));
            }
            sleep(ARCHIVE).await;
            Job::Complete
        }
        Job::Complete => {
            transfer(count).await;
            send(queue, count).await;
            sleep(2 * ARCHIVE).await;
            Job::Sent
        }
        Job::Sent => Job::Sent,
    };
    None
}

async fn transfer(accounts: usize) {
    let taken = Duration::from_secs_f64(accounts as f64 * ACCOUNT_BYTES / BYTES_PER_SECOND);
    sleep_until(Instant::now() + taken).await;
}

async fn send(queue: &Queue, count: usize) {
    for piece in pieces(count, 10 * REQUESTS_AT_ONCE) {
        sleep(SEND).await;
        queue.send(piece);
    }
}

fn pieces(mut whole: usize, size: usize) -> impl Iterator<Item = usize> {
    iter::from_fn(move || {
        let piece = whole.min(size);
        whole -= piece;
        (piece > 0).then_some(piece)
    })
}
