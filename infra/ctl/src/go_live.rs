//! `ctl go-live`: one guarded step from off or a dry run to live, for one document of a shop.
//!
//! Everything that the document needs is looked at first, with the configuration as it would be; its sample and what a real
//! event leads to are composed; then a person sees what changes, and decides. What is stored is one conditional put over the
//! configuration that was looked at (`config.rs`): dying before it changes nothing, dying after it leaves schedules to be
//! made by the same command, and whoever stores another configuration meanwhile is not overwritten. A document that is live
//! stays as it is.

mod edit;
#[cfg(test)]
mod tests;

use crate::{
    access,
    again::Decision,
    ask,
    config::{self, Plan, Stands, Stored},
    doctor::{Row, Step, Verdict, of_document, print},
    failure::Failure,
    out::{note, say},
    preview::of_flow,
    samples::{Which, published},
    stack::Stack,
    table,
};
use archive::AccessKind;
use comms::{CommunicationId, Document, ShopDomain, State, chain};
use flow::preview::{Preview, PreviewContext, PreviewRequest, TrialCall};
use intake::{Routed, work_item};
use jiff::Timestamp;
use service::Service;
use shop_config::ShopConfig;
use shopify::{AdminApi, Event};
use std::{path::PathBuf, process::ExitCode, time::Duration};

/// For everything that one document needs.
const TIME: Duration = Duration::from_secs(60);

#[derive(clap::Args)]
pub struct Order {
    /// The document.
    document: Document,
    /// The shop.
    #[arg(long)]
    shop: ShopDomain,
    /// An EventBridge event that leads to the document, a JSON file: what it leads to is composed, and nothing is kept of it.
    #[arg(long, required_unless_present = "rehearsed")]
    event: Vec<PathBuf>,
    /// A communication of the document that was made in a dry run and that you have looked at, in the place of an event.
    #[arg(long)]
    rehearsed: Option<CommunicationId>,
    #[command(flatten)]
    decision: Decision,
    /// Continue although this step could not be asked, such as `characters`. What is wrong cannot be passed over.
    #[arg(long)]
    despite: Vec<Step>,
    /// The subscriptions are declared by the Shopify app of `infra/shopify-app`.
    #[arg(long)]
    app: bool,
    /// Look, compose and show what would change, and change nothing.
    #[arg(long)]
    plan: bool,
    /// Do not ask.
    #[arg(long, conflicts_with = "plan")]
    yes: bool,
}

pub async fn run(stack: &Stack, order: Order, service: &Service) -> Result<ExitCode, Failure> {
    let decision = order.decision.clone().checked()?;
    let (shop, document, now) = (&order.shop, order.document, Timestamp::now());
    let most = stack.outputs.max_retention_days();
    let seen = config::history(stack).in_force(shop).await?;
    let seen = seen.ok_or_else(|| format!("{shop} has no configuration: `ctl setup` stores it"))?;
    let old = ShopConfig::parse_within(&seen.text, most)?;
    if Stands::of(Some(&old), document) == Stands::Live {
        let schedules = config::follow(stack, shop).await?;
        say!("{document} of {shop} is live already, {schedules} schedules");
        return Ok(ExitCode::SUCCESS);
    }
    let text = edit::live(&seen.text, &old, document, now, most)?;
    let new = ShopConfig::parse_within(&text, most)?;

    let rows = of_document(stack, shop, &new, document, order.app, service.http()).await?;
    for row in &rows {
        print(row, false)?;
    }
    match verdict(&rows, &order.despite) {
        Standing::Ready => {}
        standing => {
            note!("ctl: {document} is not ready, so nothing was changed");
            return Ok(match standing {
                Standing::Unknown => ExitCode::from(table::UNKNOWN),
                _ => ExitCode::FAILURE,
            });
        }
    }
    let trial = Trial { stack, service, config: &new, document, now };
    trial.compose_sample().await?;
    for file in &order.event {
        trial.preview(file, &decision).await?;
    }
    if let Some(id) = &order.rehearsed {
        rehearsed(stack, shop, document, id).await?;
    }

    Plan { before: &seen.text, after: &text, old: Some(&old), new: &new }.print();
    if order.plan {
        return Ok(ExitCode::SUCCESS);
    }
    if !(order.yes || ask::is_wanted(&format!("switch {document} of {shop} to live"))) {
        return Ok(ExitCode::FAILURE);
    }
    let stored = config::put_over(stack, &new, &text, Some(&seen), "go-live", &decision).await?;
    let Stored { version, schedules, .. } = stored;
    say!("{document} of {shop} is live within a minute, by version {version}, {schedules} schedules");
    say!("to go back: ctl config rollback {shop} {} --reason …", seen.version);
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, PartialEq, Eq)]
enum Standing {
    Ready,
    Wrong,
    Unknown,
}

/// Whether the document may go live: what is wrong keeps it from that, and what is not known as long as no person continues
/// despite it. An approved template is never taken for granted.
fn verdict(rows: &[Row], despite: &[Step]) -> Standing {
    let mut standing = Standing::Ready;
    for row in rows {
        let is_open = match row.verdict {
            Verdict::Ok | Verdict::NotNeeded => false,
            Verdict::NotChecked => row.step == Step::Template,
            Verdict::Unknown => true,
            Verdict::Wrong | Verdict::Denied => return Standing::Wrong,
        };
        if is_open && !despite.contains(&row.step) {
            standing = Standing::Unknown;
        }
    }
    standing
}

/// What is tried out before.
struct Trial<'a> {
    stack: &'a Stack,
    service: &'a Service,
    config: &'a ShopConfig,
    document: Document,
    now: Timestamp,
}

impl Trial<'_> {
    async fn compose_sample(&self) -> Result<(), Failure> {
        let Self { config, document, now, .. } = self;
        let settings = config.documents.get(document).ok_or("the document is not configured")?;
        let secrets = self.stack.secrets.shop(&config.shop, *now).await?;
        let (exstream, catalogue) = (self.service.exstream(), self.service.catalogue());
        let call = TrialCall {
            shop: &config.shop,
            settings: &config.exstream,
            document: settings,
            credentials: &secrets.exstream,
            exstream: &exstream,
            catalogue: &catalogue,
            now: *now,
            time: TIME,
        };
        let driver = serde_json::to_vec(&published(*document).customer(Which::Usual))?;
        let trial = call.compose(driver.into()).await;
        let trial = trial.map_err(|error| format!("the sample of {document}: {}", chain(&error)))?;
        let sizes = trial.outputs.iter().map(|(it, _)| {
            let output = &it.output;
            format!("{} {} bytes", output.mime_type, output.bytes.len())
        });
        say!("the sample of {document} is composed: {}", sizes.collect::<Vec<_>>().join(", "));
        Ok(())
    }

    /// What an event leads to, of this document.
    async fn preview(&self, file: &PathBuf, decision: &decisions::Decision) -> Result<(), Failure> {
        let (shop, name) = (&self.config.shop, file.display());
        let text = std::fs::read(file).map_err(|error| format!("{name}: {error}"))?;
        let event = Event::parse(&text).map_err(|error| format!("{name}: {error}"))?;
        if event.shop != *shop {
            return Err(format!("{name} is an event of {}, not of {shop}", event.shop).into());
        }
        let items = match work_item(&event, self.config)? {
            Routed::Work(items) => items,
            Routed::Ignored(reason) => return Err(format!("{name} leads to no document: {reason}").into()),
        };
        let (shopify, exstream) = (AdminApi::new(self.service.http()), self.service.exstream());
        let (catalogue, secrets) = (self.service.catalogue(), self.stack.secrets.shop(shop, self.now).await?);
        let context = PreviewContext {
            config: self.config,
            secrets: &secrets,
            shopify: &shopify,
            exstream: &exstream,
            catalogue: &catalogue,
            now: self.now,
            time: TIME,
        };
        let request = PreviewRequest { document: Some(self.document), locale: None };
        let mut found = Vec::new();
        for item in &items {
            found.extend(of_flow(&context, item, request).await?);
        }
        if found.is_empty() {
            return Err(format!("{name} leads to no {}", self.document).into());
        }
        for Preview { document, communication, what } in found {
            access::record(self.stack, shop, &communication, AccessKind::Preview, decision).await?;
            let made = what.map_err(|error| format!("{name}: {document}: {}", chain(&error)))?;
            let outputs = made.outputs.len();
            say!("{name} leads to {document} {communication}: composed, outputs: {outputs}");
        }
        Ok(())
    }
}

/// Whether a communication shows the document as a dry run made it.
async fn rehearsed(
    stack: &Stack,
    shop: &ShopDomain,
    document: Document,
    id: &CommunicationId,
) -> Result<(), Failure> {
    let entry = stack.entry(id).await?;
    let is_rehearsal = entry.archived.as_ref().is_some_and(|it| it.archive_key.starts_with("test/"));
    match entry.state {
        _ if entry.shop != *shop || entry.document != document => {
            Err(format!("{id} is {} of {}", entry.document, entry.shop).into())
        }
        State::Archived if is_rehearsal => {
            say!("{document} {id} was made in a dry run");
            Ok(())
        }
        state => Err(format!("{id} was not made in a dry run: it is {state}").into()),
    }
}
