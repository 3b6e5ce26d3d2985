//! `simulation`: how long a day and a night of communications take, and what limits them.
//!
//! Every message goes through the product's batch loop (`work::each`), its retries and its back-off, in virtual
//! time, between models of SQS, Lambda, DynamoDB, S3, Shopify and Exstream. The settings are those that the
//! product is deployed by and compiled with. What docs/performance.md says of it is checked against the result; a sentence that is not true, or
//! not there, is this program's exit code.

#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

mod claims;
mod feed;
mod mapping;
mod product;
mod queue;
mod report;
mod scenario;
mod services;
#[cfg(test)]
mod tests;

use clap::Parser;
use product::ProductError;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "simulation", version, about = "Simulate a day and a night at scale")]
struct Options {
    /// Draws other latencies.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only scenarios whose name contains this; nothing is checked.
    #[arg(long)]
    only: Option<String>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(broken) if broken.is_empty() => ExitCode::SUCCESS,
        Ok(broken) => {
            eprintln!("\nsimulation: docs/performance.md is not true any more:");
            broken.iter().for_each(|line| eprintln!("  {line}"));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("simulation: {}", comms::chain(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<Vec<String>, ProductError> {
    let only = options.only.as_deref().unwrap_or_default();
    let scenarios = claims::scenarios().into_iter().filter(|scenario| scenario.name.contains(only));
    let outcomes = scenarios.map(|scenario| scenario.run(options.seed)).collect::<Result<Vec<_>, _>>()?;
    report::print_outcomes(&outcomes);
    report::print_shares(&outcomes);
    if options.only.is_some() { Ok(Vec::new()) } else { Ok(claims::broken(&outcomes)) }
}
