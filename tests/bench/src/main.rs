//! `bench`: what the release binaries of the functions cost, and whether they keep their promises under load and
//! faults, on this machine without network.
//!
//! Each binary runs behind a Lambda Runtime API of this program's own, against stand-ins of the AWS and vendor
//! endpoints in this process. `bench measure` counts what they are asked: figures that depend on the machine are
//! reported, those that do not are held against the budgets. `bench seal` seals a million records. `bench soak` lets the stand-ins fail and the
//! processes die, and checks afterwards what became of every event. What is broken is this program's exit code.

#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

mod aws;
mod budgets;
mod counts;
mod dynamo;
mod measure;
mod process;
mod report;
mod results;
mod runtime;
mod scenarios;
mod seal;
mod server;
mod soak;
mod vendors;
mod world;

use clap::{Args, Parser, Subcommand};
use results::Results;
use std::{path::PathBuf, process::ExitCode};

#[derive(Parser)]
#[command(name = "bench", version, about = "Put the release binaries of the functions to the test")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// What they cost: requests, writes, bytes, time and memory
    Measure(Options),
    /// Whether they keep every promise while everything around them fails now and then
    Soak(soak::Options),
    /// What sealing a million records takes
    Seal(seal::Options),
}

#[derive(Args)]
pub struct Options {
    /// Repetitions; in each, every scenario has a process of its own.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Cold starts per repetition and scenario.
    #[arg(long, default_value_t = 3)]
    starts: usize,
    /// Batches per repetition that are measured, after as many as a fifth of them that are not.
    #[arg(long, default_value_t = 30)]
    batches: usize,
    /// Batches of one and of ten per repetition with the latencies of real services.
    #[arg(long, default_value_t = 3)]
    late_batches: usize,
    /// Only functions or scenarios whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// Where the release binaries are.
    #[arg(long, default_value = "target/release")]
    binaries: PathBuf,
    /// Write every figure to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// The request counts `ctl cost` calculates with. They are compared with what is measured.
    #[arg(long, default_value = "tests/bench/requests.json")]
    requests: PathBuf,
    /// Write the request counts instead of comparing them.
    #[arg(long)]
    update: bool,
}

/// A failure, in words for the person at the keyboard.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Of what is broken, so many are listed.
const SHOWN: usize = 20;

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let (broken, what) = match Arguments::parse().command {
        Command::Measure(options) => (measure(&options).await, "budgets"),
        Command::Soak(options) => (soak::run(&options).await, "promises"),
        Command::Seal(options) => (seal::run(&options).await, "budgets"),
    };
    match broken {
        Ok(broken) if broken.is_empty() => ExitCode::SUCCESS,
        Ok(broken) => {
            eprintln!("\nbench: broken {what}: {}", broken.len());
            broken.iter().take(SHOWN).for_each(|line| eprintln!("  {line}"));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Answers the budgets that are broken.
async fn measure(options: &Options) -> Result<Vec<String>, Failure> {
    let results = Results::new(measure::all(options).await?);
    report::print(&results);
    let mut broken = budgets::broken(&results);
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_string_pretty(&results)? + "\n")?;
    }
    if options.update {
        std::fs::write(&options.requests, results.requests()? + "\n")?;
    } else {
        broken.extend(budgets::differing(&results, &std::fs::read_to_string(&options.requests)?)?);
    }
    Ok(broken)
}
