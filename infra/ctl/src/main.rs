//! `ctl`: the operator's command line.
//!
//! Talks to a deployed stack through its tables and buckets with the operator's own AWS credentials. Which
//! stack: the outputs file of `cdk deploy --outputs-file`, named by `--stack` or `STACK_FILE`. Everything it
//! prints for people goes to standard output; with `--json`, one JSON object per line.

#![warn(clippy::print_stderr)]

mod access;
mod again;
mod ask;
mod config;
mod cost;
mod customer_proof;
mod diff;
mod dispose;
mod dlq;
mod doctor;
#[cfg(test)]
mod documentation;
mod failure;
#[cfg(test)]
mod fake_account;
mod find;
mod go_live;
mod hold;
mod link;
mod many;
mod metafield;
mod out;
mod pause;
mod preview;
mod privacy;
mod proof;
mod rows;
mod run;
mod samples;
mod schedules;
mod select;
mod send;
mod shell;
mod show;
mod stack;
mod status;
mod suppress;
mod table;
mod templates;
mod verapdf;

use crate::privacy::PrivacyCommand;
use access::Reader;
use again::Decision;
use clap::{Parser, Subcommand};
use comms::{CommunicationId, Gid, ShopDomain, State, chain};
use config::ConfigCommand;
use dlq::DlqCommand;
use failure::Failure;
use hold::Matter;
use jiff::civil::Date;
use link::LinkCommand;
use out::{Color, note};
use samples::SamplesCommand;
use select::Selection;
use service::Service;
use stack::Stack;
use std::{path::PathBuf, process::ExitCode, time::Duration};

#[derive(Parser)]
#[command(name = "ctl", version, about = "Operate a shopify-exstream deployment")]
struct Cli {
    /// The outputs file of `cdk deploy --outputs-file`.
    #[arg(long, env = "STACK_FILE", default_value = ".local/stack.json", global = true)]
    stack: PathBuf,
    /// When to use colours. They are off where the output is piped, or `NO_COLOR` is set.
    #[arg(long, value_enum, default_value_t = Color::Auto, global = true)]
    color: Color,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Look whether everything is there that a shop needs, in AWS, Shopify, Exstream and Core Messaging, and say what to do
    /// about what is not. Changes nothing. Exit code 1: something is wrong; 3: something could not be asked.
    Doctor(doctor::Question),
    /// The same, and make what is missing after asking: the association of the event source, the secret, the
    /// configuration with its schedules, subscriptions and metafield definitions. Can be repeated.
    Setup(doctor::Order),
    /// Switch a document from off or a dry run to live: look whether everything is there that it needs, compose its sample and
    /// what an event leads to, show what changes, and ask. Exit code 1: something is wrong, or you said no; 3: something could
    /// not be asked.
    GoLive(Box<go_live::Order>),
    /// Put Shopify events on the bus, wait until their communications settle, and print what became of them. A file that
    /// cannot be sent keeps no other from being sent. Exit code 1: a file was not sent; 3: an outcome is unknown; 4: not all
    /// have settled in time; 5: a document failed or bounced.
    Send {
        /// EventBridge events, one JSON file each.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Print one JSON object per line instead of a table.
        #[arg(long)]
        json: bool,
        /// Seconds to wait for the slowest communication.
        #[arg(long, default_value_t = 120)]
        timeout: u64,
        /// Do not wait.
        #[arg(long)]
        no_wait: bool,
    },
    /// Show what is known of a communication, or of all communications about an order. Without either, what is paused, what
    /// waits, and which services are ill.
    Status {
        /// A communication's id.
        #[arg(conflicts_with = "order")]
        communication: Option<CommunicationId>,
        /// The order, customer or company location: its global id. For an order also the number in its address in the
        /// admin (not `#1001`).
        #[arg(long, requires = "shop")]
        order: Option<String>,
        /// The order's shop.
        #[arg(long)]
        shop: Option<ShopDomain>,
        /// Print one JSON object per line instead of a table.
        #[arg(long)]
        json: bool,
        /// Also print the status metafield Shopify has for the order.
        #[arg(long, requires = "order")]
        metafield: bool,
    },
    /// Find communications by an order's name or id, a customer, an address, a document, a state or a time.
    Find {
        /// The shop.
        #[arg(long)]
        shop: ShopDomain,
        #[command(flatten)]
        search: find::Search,
        /// Print one JSON object per line instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Say why something was sent or not, and what can be done.
    Why {
        /// A communication's id; with `--shop` also an order's name (`#1001`), number or global id, a customer's
        /// global id, or an address.
        about: String,
        /// The shop, for what is no communication.
        #[arg(long)]
        shop: Option<ShopDomain>,
        #[command(flatten)]
        only: find::Only,
        /// Print one JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Save a communication's document, its evidence record and its facts; check the document against the record, the
    /// record against the ledger, and the facts against each other. Leaves an entry of who read it and why.
    Show {
        /// Its id.
        communication: CommunicationId,
        #[command(flatten)]
        reader: Reader,
        /// Where to save them.
        #[arg(long, default_value = ".")]
        out: PathBuf,
        /// Print one JSON object per line instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Write the proof of a communication to one file, which explains itself: document, record and what became of it, their
    /// places in the log, time-stamps, and the commands to check each with tools of others. Or, for a customer, the proof
    /// that these are all communications of a period.
    Proof {
        /// Its id.
        #[arg(required_unless_present = "customer")]
        communication: Option<CommunicationId>,
        /// The customer's global id, or the keyed hash that stands for them in records.
        #[arg(long, conflicts_with = "communication", requires_all = ["shop", "from", "to"])]
        customer: Option<String>,
        /// The customer's shop.
        #[arg(long, requires = "customer")]
        shop: Option<ShopDomain>,
        /// The first day: that of a communication's first claim, in UTC.
        #[arg(long, requires = "customer")]
        from: Option<Date>,
        /// The last day.
        #[arg(long, requires = "customer")]
        to: Option<Date>,
        #[command(flatten)]
        reader: Reader,
        /// Where to save it.
        #[arg(long, default_value = ".")]
        out: PathBuf,
    },
    /// Check a file that `ctl proof` wrote, and name the part that does not fit. Needs no deployment.
    Verify {
        /// The file.
        file: PathBuf,
        /// The key of the log, as you know it from elsewhere.
        #[arg(long)]
        key: Option<String>,
        /// The root certificates of the time-stamping authority in PEM, as you have them from it.
        #[arg(long)]
        authority: Option<PathBuf>,
    },
    /// Issue a communication again: the archived bytes, as a communication of its own. Refused for a test order or a
    /// dry run, of which only `--recompose` makes a real one.
    Resend {
        /// Its id.
        #[arg(required_unless_present = "from_file")]
        communication: Option<CommunicationId>,
        /// A file with one communication's id per line, in the place of one. Does not wait.
        #[arg(long, conflicts_with_all = ["communication", "to"])]
        from_file: Option<PathBuf>,
        #[command(flatten)]
        decision: Decision,
        /// Compose it again, from what Shopify has now.
        #[arg(long)]
        recompose: bool,
        /// Send the archived bytes to a corrected e-mail address or mobile number (such as +33612345678). Both addresses
        /// become evidence. Not for marketing.
        #[arg(long, conflicts_with = "recompose")]
        to: Option<String>,
        /// Seconds to wait for it.
        #[arg(long, default_value_t = 120)]
        timeout: u64,
        /// Do not wait.
        #[arg(long)]
        no_wait: bool,
        /// Print one JSON object per line instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Record what became of a send whose outcome is `unknown`.
    Settle {
        /// The communication's id.
        #[arg(required_unless_present = "from_file")]
        communication: Option<CommunicationId>,
        /// A file with one communication's id per line, in the place of one.
        #[arg(long, conflicts_with = "communication")]
        from_file: Option<PathBuf>,
        /// accepted, delivered, bounced or failed.
        #[arg(long = "as", value_parser = again::settled_state)]
        state: State,
        #[command(flatten)]
        decision: Decision,
        /// Print one JSON object per line instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Pause a function's work, or one shop's work of a flow. What is under way ends; the rest waits in its queue.
    Pause(pause::Target),
    /// End a pause.
    Resume(pause::Target),
    /// Dead letters: what was given up, and giving it back.
    Dlq {
        #[command(subcommand)]
        command: DlqCommand,
    },
    /// Compose what an event would lead to and save it; or with `--sample` any document from its sample, which needs nothing
    /// but Exstream. Nothing is archived, sent or reported.
    Preview(Box<preview::Request>),
    /// What template designers start from: schemas and samples of all documents.
    Samples {
        #[command(subcommand)]
        command: SamplesCommand,
    },
    /// Show how two records differ: what they say, and with what they were composed. Without a second one, the last real
    /// one of the same order or else of the shop within 62 days: what a dry run would change.
    /// With `--former`, what the former sender's PDFs say beside our documents about the same orders.
    Diff(diff::Question),
    /// Start a run now and follow it. A period that was run is not run again; one that failed is continued. Exit code 1: the
    /// run failed or stopped; 3: an outcome is unknown; 4: not finished in time; 5: a document failed or bounced, or a message
    /// became a dead letter; 130: interrupted. The run does not depend on being followed.
    Run(run::Order),
    /// Look a customer up in the list of those who get no marketing, put them on it, or take them off.
    Suppress {
        /// The shop.
        shop: ShopDomain,
        /// The customer's global id.
        customer: Gid,
        /// Put them on the list, for this reason.
        #[arg(long, conflicts_with = "lift")]
        reason: Option<String>,
        /// Take them off the list.
        #[arg(long)]
        lift: bool,
        /// Print one JSON object per line instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Hold evidence for a matter: nobody deletes or erases it, whatever its retention says, until it is released.
    Hold {
        #[command(flatten)]
        of: Selection,
        #[command(flatten)]
        matter: Matter,
    },
    /// End the hold for a matter.
    Release {
        #[command(flatten)]
        of: Selection,
        #[command(flatten)]
        matter: Matter,
    },
    /// Show which expired evidence the shop's configuration has destroyed; with `--destroy`, destroy it, and certify what,
    /// when, under which rule. Never touches what is held or locked. A run that died is continued by the next.
    Dispose(dispose::Question),
    /// Shopify's privacy requests.
    Privacy {
        #[command(subcommand)]
        command: PrivacyCommand,
    },
    /// What documents were composed with.
    Templates {
        #[command(subcommand)]
        command: TemplatesCommand,
    },
    /// Show what AWS charges per month, as an upper bound, by the request counts of the benchmark and a table of prices.
    /// Needs no deployment.
    Cost(Box<cost::Question>),
    /// Links to documents that are published for their customers.
    Link {
        #[command(subcommand)]
        command: LinkCommand,
    },
    /// Shop configurations: checking and storing them, and their former versions.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Print the script that completes commands and options in a shell. Needs no deployment.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Write manual pages. Needs no deployment.
    Man {
        /// Where to write them.
        #[arg(long, default_value = ".")]
        out: PathBuf,
    },
}

#[derive(Subcommand)]
enum TemplatesCommand {
    /// Show with which template and parts, which configuration and which software documents were composed, and from when
    /// to when. `*` marks what changed.
    History {
        #[command(flatten)]
        of: Selection,
        /// Print one JSON object per line instead of text.
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    /// What the command is called in the user agent of its requests. The roles for people name the commands they
    /// are for by it.
    fn name(&self) -> &'static str {
        match self {
            Self::Doctor(_) => "ctl-doctor",
            Self::Setup(_) => "ctl-setup",
            Self::GoLive(_) => "ctl-go-live",
            Self::Send { .. } => "ctl-send",
            Self::Status { metafield: true, .. } => "ctl-status-metafield",
            Self::Status { communication: None, order: None, .. } => "ctl-status-all",
            Self::Status { .. } => "ctl-status",
            Self::Pause(_) => "ctl-pause",
            Self::Resume(_) => "ctl-resume",
            Self::Dlq { command } => command.name(),
            Self::Find { .. } => "ctl-find",
            Self::Why { .. } => "ctl-why",
            Self::Show { .. } => "ctl-show",
            Self::Proof { .. } => "ctl-proof",
            Self::Verify { .. } => "ctl-verify",
            Self::Resend { .. } => "ctl-resend",
            Self::Settle { .. } => "ctl-settle",
            Self::Preview(_) => "ctl-preview",
            Self::Samples { .. } => "ctl-samples",
            Self::Diff(_) => "ctl-diff",
            Self::Run(_) => "ctl-run",
            Self::Suppress { .. } => "ctl-suppress",
            Self::Hold { .. } => "ctl-hold",
            Self::Release { .. } => "ctl-release",
            Self::Dispose(_) => "ctl-dispose",
            Self::Privacy { .. } => "ctl-privacy",
            Self::Templates { .. } => "ctl-templates",
            Self::Cost(_) => "ctl-cost",
            Self::Link { command } => command.name(),
            Self::Config { .. } => "ctl-config",
            Self::Completions { .. } => "ctl-completions",
            Self::Man { .. } => "ctl-man",
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(code) => code,
        Err(error) => {
            note!("ctl: {}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<ExitCode, Failure> {
    cli.color.apply();
    let name = cli.command.name();
    let stack = || Stack::open(&cli.stack, name);
    match cli.command {
        Command::Doctor(question) => {
            let http = Service::without_log().await?.http();
            doctor::doctor(&stack().await?, &question, http).await
        }
        Command::Setup(order) => {
            let http = Service::without_log().await?.http();
            doctor::setup(&stack().await?, order, http).await
        }
        Command::GoLive(order) => {
            let service = Service::without_log().await?;
            go_live::run(&stack().await?, *order, &service).await
        }
        Command::Send { files, json, timeout, no_wait } => {
            send::run(&stack().await?, &files, json, (!no_wait).then(|| Duration::from_secs(timeout))).await
        }
        Command::Status { communication: Some(id), json, .. } => {
            status::communication(&stack().await?, &id, json).await
        }
        Command::Status { order: Some(order), shop: Some(shop), json, metafield, .. } => {
            status::order(&stack().await?, &shop, &order_gid(&order)?, json, metafield).await
        }
        Command::Status { order: Some(_), .. } => Err("name the order's shop with --shop".into()),
        Command::Status { json, .. } => pause::status(&stack().await?, json).await,
        Command::Pause(target) => pause::pause(&stack().await?, target).await,
        Command::Resume(target) => pause::resume(&stack().await?, target).await,
        Command::Dlq { command } => dlq::run(&stack().await?, command).await,
        Command::Find { shop, search, json } => find::find(&stack().await?, shop, search, json).await,
        Command::Why { about, shop, only, json } => {
            let about = match (about.parse::<CommunicationId>(), shop) {
                (Ok(id), _) => find::About::Communication(id),
                (Err(_), Some(shop)) => find::About::Of(shop, about),
                (Err(_), None) => return Err("name a communication, or the shop with --shop".into()),
            };
            find::explain(&stack().await?, about, &only, json).await
        }
        Command::Show { communication, reader, out, json } => {
            show::run(&stack().await?, &communication, reader, &out, json).await
        }
        Command::Proof { communication: Some(id), reader, out, .. } => {
            proof::run(&stack().await?, &id, reader, &out).await
        }
        Command::Proof {
            customer: Some(customer),
            shop: Some(shop),
            from: Some(from),
            to: Some(to),
            reader,
            out,
            ..
        } => customer_proof::run(&stack().await?, &shop, &customer, (from, to), reader, &out).await,
        Command::Proof { .. } => {
            Err("name a communication, or a customer with --shop, --from and --to".into())
        }
        Command::Verify { file, key, authority } => {
            proof::verify(&file, key.as_deref(), authority.as_deref())
        }
        Command::Resend { communication, from_file, decision, recompose, to, timeout, no_wait, json } => {
            let wait = (!no_wait).then(|| Duration::from_secs(timeout));
            let request = again::Request { decision, recompose, to, json };
            let stack = stack().await?;
            // one for all communications of a file: each shop's is read once a minute
            let configs = stack.configs();
            match (communication, from_file) {
                (Some(id), _) => again::resend(&stack, &configs, &id, request, wait).await,
                (None, file) => {
                    let resend =
                        async |id: &_| again::resend(&stack, &configs, id, request.clone(), None).await;
                    many::each(&file.unwrap_or_default(), json, resend).await
                }
            }
        }
        Command::Settle { communication, from_file, state, decision, json } => {
            let stack = stack().await?;
            let configs = stack.configs();
            match (communication, from_file) {
                (Some(id), _) => again::settle(&stack, &configs, &id, state, decision, json).await,
                (None, file) => {
                    let settle = async |id: &_| {
                        again::settle(&stack, &configs, id, state, decision.clone(), json).await
                    };
                    many::each(&file.unwrap_or_default(), json, settle).await
                }
            }
        }
        Command::Preview(request) => match request.of_sample().await {
            Some(done) => done,
            None => preview::run(&stack().await?, *request).await,
        },
        Command::Samples { command } => samples::run(command).await,
        Command::Diff(question) => diff::run(&stack().await?, question).await,
        Command::Run(order) => run::run(&stack().await?, order).await,
        Command::Suppress { shop, customer, reason, lift, json } => {
            suppress::run(&stack().await?, &shop, customer, reason, lift, json).await
        }
        Command::Hold { of, matter } => hold::run(&stack().await?, &of, &matter, true).await,
        Command::Release { of, matter } => hold::run(&stack().await?, &of, &matter, false).await,
        Command::Dispose(question) => dispose::run(&stack().await?, &question).await,
        Command::Privacy { command } => crate::privacy::run(&stack().await?, command).await,
        Command::Templates { command: TemplatesCommand::History { of, json } } => {
            templates::history(&stack().await?, &of, json).await
        }
        Command::Cost(question) => cost::run(&question),
        Command::Link { command } => link::run(&stack().await?, command).await,
        Command::Config { command: ConfigCommand::Check { files, max_retention_days, json } } => {
            config::check(&files, max_retention_days, json)
        }
        Command::Config { command } => config::run(&stack().await?, command).await,
        Command::Completions { shell } => Ok(shell::completions(shell)),
        Command::Man { out } => shell::man(&out),
    }
}

fn order_gid(text: &str) -> Result<Gid, Failure> {
    match text.parse::<u64>() {
        Ok(number) => Ok(Gid::new("Order", number)),
        Err(_) => Ok(text.parse()?),
    }
}
