//! What sealing a day costs: the release binary of archive-seal makes as many leaves as are asked for, killed on its way if
//! that is asked for, and what it takes is held against a function of 256 MB.
//!
//! The archive makes up its records as they are read, so its side is not counted: CPU time and memory are the worker's own.
//! There is no TLS and no distance; both are said where the figures are published (docs/performance.md).

use crate::{Failure, runtime::Worker, world};
use bytes::Bytes;
use clap::Args;
use fakes::EvidenceAws;
use serde_json::json;
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

/// What Lambda gives a function of 256 MB: a processor per 1,769 MB.
const PROCESSORS: f64 = 256.0 / 1769.0;
/// The longest invocation.
const LAMBDA_SECONDS: f64 = 900.0;
/// Of the 256 MB.
const MAX_MB: f64 = 192.0;
const SHOP: &str = "acme.myshopify.com";

#[derive(Args)]
pub struct Options {
    /// Communications of the day.
    #[arg(long, default_value_t = 1_000_000)]
    leaves: u64,
    /// How many customers they belong to.
    #[arg(long, default_value_t = 250_000)]
    customers: u64,
    /// Kill the first process after so many seconds.
    #[arg(long)]
    kill_after: Option<u64>,
    /// Where the release binary is.
    #[arg(long, default_value = "target/release")]
    binaries: PathBuf,
}

/// Prints the figures and answers the budgets that are broken.
pub async fn run(options: &Options) -> Result<Vec<String>, Failure> {
    let today = jiff::Zoned::now().in_tz("UTC")?.date();
    let day = format!("{SHOP}/{}/", today.strftime("%Y/%m/%d"));
    let aws = EvidenceAws::start(&day, options.leaves, options.customers).await;
    if let Some(seconds) = options.kill_after {
        let mut worker = start(options, &aws).await?;
        let _ = worker.call(&request(), Duration::from_secs(seconds)).await;
        println!("killed after {seconds} s");
    }
    let mut worker = start(options, &aws).await?;
    let begun = Instant::now();
    let answer = worker.call(&request(), Duration::from_secs(4 * 3600)).await;
    let seconds = begun.elapsed().as_secs_f64();
    let answer =
        answer.filter(|answer| !answer.is_error).ok_or("archive-seal failed; WORKER_LOG=1 shows its log")?;
    let result: serde_json::Value = serde_json::from_slice(&answer.body)?;
    let (cpu, peak) = (worker.cpu_ms()? / 1000.0, worker.peak_mb()?);
    worker.end().await?;

    let leaves = result["sealed"].as_u64().unwrap_or_default();
    let (micros, at_256) = (cpu / leaves.max(1) as f64 * 1e6, cpu / PROCESSORS);
    println!("sealed        {leaves} leaves: {:.0} per second, in {seconds:.0} s", leaves as f64 / seconds);
    println!("processor     {cpu:.1} s, {micros:.0} µs per leaf; at 256 MB that is {at_256:.0} s");
    println!("memory        {peak:.0} MB at most");
    for (operation, count) in &aws.evidence().requests {
        println!("  {operation:<20}{count:>10}");
    }
    let mut broken = Vec::new();
    if (result["missing"].clone(), result["altered"].clone(), result["problems"].clone())
        != (json!(0), json!(0), json!(0))
    {
        broken.push(format!("nothing is wrong with the archive, and the pass says {result}"));
    }
    if options.kill_after.is_none() && leaves != options.leaves {
        broken.push(format!("{leaves} of {} communications were sealed", options.leaves));
    }
    if peak > MAX_MB {
        broken.push(format!("{peak:.0} MB, and a function of 256 MB can have {MAX_MB:.0}"));
    }
    // for a smaller number, as much of the time as of the leaves
    let allowed = LAMBDA_SECONDS * leaves.max(1) as f64 / 1e6 + 10.0;
    if at_256 > allowed {
        broken.push(format!("{at_256:.0} s of processor at 256 MB, and there are {allowed:.0} s"));
    }
    Ok(broken)
}

fn request() -> Bytes {
    Bytes::from(json!({"shop": SHOP}).to_string())
}

async fn start(options: &Options, aws: &EvidenceAws) -> Result<Worker, Failure> {
    let address = aws.url.strip_prefix("http://").unwrap_or(&aws.url).parse()?;
    let mut environment = world::environment("archive-seal", address)?;
    environment.push(("LOG_KEY_ID".to_owned(), "key".to_owned()));
    environment.push(("COMMITMENTS_TABLE_NAME".to_owned(), "commitments".to_owned()));
    Worker::start(&options.binaries.join("archive-seal"), &environment, Arc::new(|_| ())).await
}
