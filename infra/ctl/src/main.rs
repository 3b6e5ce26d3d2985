//! `ctl`: the operator's command line.
//!
//! Talks to a deployed stack through its tables and buckets with the operator's own AWS credentials. Which
//! stack: the outputs file of `cdk deploy --outputs-file`, named by `--stack` or `STACK_FILE`. Everything it
//! prints for people goes to standard output; with `--json`, one JSON object a line.

#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

mod config;
mod metafield;
mod send;
mod show;
mod stack;
mod status;
mod table;

use clap::{Parser, Subcommand};
use comms::{CommunicationId, Gid, ShopDomain, chain};
use stack::Stack;
use std::{path::PathBuf, process::ExitCode, time::Duration};

#[derive(Parser)]
#[command(name = "ctl", version, about = "Operate a shopify-exstream deployment")]
struct Cli {
    /// The outputs file of `cdk deploy --outputs-file`.
    #[arg(long, env = "STACK_FILE", default_value = ".local/stack.json", global = true)]
    stack: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Put Shopify events on the bus, wait until their communications settle, and print what became of them.
    Send {
        /// EventBridge events, one JSON file each.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// One JSON object a line instead of a table.
        #[arg(long)]
        json: bool,
        /// Seconds to wait for the slowest communication.
        #[arg(long, default_value_t = 120)]
        timeout: u64,
        /// Do not wait.
        #[arg(long)]
        no_wait: bool,
    },
    /// What is known of a communication, or of all communications about an order.
    Status {
        /// A communication's id.
        #[arg(conflicts_with = "order")]
        communication: Option<CommunicationId>,
        /// An order: its global id, or its number with `--shop`.
        #[arg(long, requires = "shop")]
        order: Option<String>,
        #[arg(long)]
        shop: Option<ShopDomain>,
        #[arg(long)]
        json: bool,
        /// Also print the status metafield Shopify has for the order.
        #[arg(long, requires = "order")]
        metafield: bool,
    },
    /// Save a communication's document and its evidence record, and check one against the other.
    Show {
        communication: CommunicationId,
        /// Where to save them.
        #[arg(long, default_value = ".")]
        out: PathBuf,
    },
    /// Shop configuration files.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Check files without a deployment.
    Check {
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Check files, then store them. Functions use them within their time-to-live.
    Push {
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

/// A failure, in words for the person at the keyboard.
type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("ctl: {}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let stack = || Stack::open(&cli.stack);
    match cli.command {
        Command::Send { files, json, timeout, no_wait } => {
            send::run(&stack().await?, &files, json, (!no_wait).then(|| Duration::from_secs(timeout))).await
        }
        Command::Status { communication: Some(id), json, .. } => {
            status::communication(&stack().await?, &id, json).await
        }
        Command::Status { order: Some(order), shop: Some(shop), json, metafield, .. } => {
            status::order(&stack().await?, &shop, &order_gid(&order)?, json, metafield).await
        }
        Command::Status { .. } => Err("name a communication, or an order with --order and --shop".into()),
        Command::Show { communication, out } => show::run(&stack().await?, &communication, &out).await,
        Command::Config { command: ConfigCommand::Check { files } } => config::check(&files),
        Command::Config { command: ConfigCommand::Push { files } } => {
            config::push(&stack().await?, &files).await
        }
    }
}

fn order_gid(text: &str) -> Result<Gid, Failure> {
    match text.parse::<u64>() {
        Ok(number) => Ok(Gid::new("Order", number)),
        Err(_) => Ok(text.parse()?),
    }
}
