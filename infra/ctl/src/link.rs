//! `ctl link`: the link of a published document. Shows it with what became of it, makes it, takes it back, replaces it.
//!
//! What is printed opens the document: it belongs into the message to the customer and nowhere else.

use crate::{
    access::{self, Reader},
    again::Decision,
    failure::Failure,
    out::say,
    rows,
    stack::Stack,
};
use archive::{AccessKind, EvidenceRecord};
use clap::Subcommand;
use comms::{CommunicationId, one_line};
use jiff::Timestamp;
use links::{
    Link, LinkKey, LinkState, LinkedOutput, Links, Opened, Publication, Published, Revocation, Revoked,
    Sender, Token,
};
use shop_config::Use;
use std::{process::ExitCode, sync::Arc};

const DAYS: u16 = 90;

#[derive(Subcommand)]
pub enum LinkCommand {
    /// Show the link of a communication, until when it works, and how often it was opened.
    Show {
        /// The communication's id.
        communication: CommunicationId,
        #[command(flatten)]
        reader: Reader,
        /// Print a JSON object instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Publish a communication's archived document for its customer, and print the link. Makes no second one: if there
    /// is a link, prints that. Refused for a test order or a dry run.
    Publish {
        /// The communication's id.
        communication: CommunicationId,
        #[command(flatten)]
        reader: Reader,
        /// For how many days the link works.
        #[arg(long, default_value_t = DAYS)]
        days: u16,
        /// Print a JSON object instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Take a communication's link back. Once this has answered, nothing more is opened.
    Revoke {
        /// The communication's id.
        communication: CommunicationId,
        #[command(flatten)]
        decision: Decision,
        /// Print a JSON object instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Take a communication's link back and publish the document under another one, in one step.
    Replace {
        /// The communication's id.
        communication: CommunicationId,
        #[command(flatten)]
        decision: Decision,
        /// For how many days the link works.
        #[arg(long, default_value_t = DAYS)]
        days: u16,
        /// Print a JSON object instead of text.
        #[arg(long)]
        json: bool,
    },
}

impl LinkCommand {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Show { .. } => "ctl-link-show",
            Self::Publish { .. } => "ctl-link-publish",
            Self::Revoke { .. } => "ctl-link-revoke",
            Self::Replace { .. } => "ctl-link-replace",
        }
    }
}

pub async fn run(stack: &Stack, command: LinkCommand) -> Result<ExitCode, Failure> {
    let now = Timestamp::now();
    let links = stack.links()?;
    match command {
        LinkCommand::Show { communication, reader, json } => {
            let link = links.of(&communication).await?.ok_or("it has no link")?;
            reader.reads(stack, &link.shop, &communication, AccessKind::Link).await?;
            let key = key(stack, now).await?;
            let token = Token::derive(&key, &communication, link.serial);
            print(stack, &link, Some(token).filter(|token| token.hash() == link.token_sha256), now, json)
        }
        LinkCommand::Publish { communication, reader, days, json } => {
            let document = Document::read(stack, &communication, now).await?;
            reader.reads(stack, &document.record.shop, &communication, AccessKind::Link).await?;
            let publication = document.publication(days);
            let key = key(stack, now).await?;
            let Published { token, link, .. } = links.publish(&key, &publication, now).await?;
            print(stack, &link, Some(token), now, json)
        }
        LinkCommand::Revoke { communication, decision, json } => {
            revoke(stack, &links, &communication, decision, now, json).await
        }
        LinkCommand::Replace { communication, decision, days, json } => {
            let document = Document::read(stack, &communication, now).await?;
            let decision = decision.checked()?;
            access::record(stack, &document.record.shop, &communication, AccessKind::Link, &decision).await?;
            let revocation = revocation(&decision, now);
            let key = key(stack, now).await?;
            let next = links.replace(&key, &document.publication(days), &revocation, now).await?;
            print(stack, &next.link, Some(next.token), now, json)
        }
    }
}

async fn revoke(
    stack: &Stack,
    links: &Links,
    communication: &CommunicationId,
    decision: Decision,
    now: Timestamp,
    json: bool,
) -> Result<ExitCode, Failure> {
    match links.revoke(communication, &revocation(&decision.checked()?, now)).await? {
        Revoked::Link(link) => print(stack, &link, None, now, json),
        Revoked::Absent => Err("it has no link".into()),
    }
}

fn revocation(decision: &decisions::Decision, now: Timestamp) -> Revocation {
    let (actor, reason) = (decision.actor().to_owned(), decision.reason().to_owned());
    Revocation { at_epoch_ms: now.as_millisecond(), actor, reason }
}

async fn key(stack: &Stack, now: Timestamp) -> Result<Arc<LinkKey>, Failure> {
    Ok(stack.secrets.link_key(now).await?)
}

/// A communication's document, ready to be published.
struct Document {
    record: EvidenceRecord,
    sender: Sender,
    outputs: Vec<LinkedOutput>,
}

impl Document {
    async fn read(stack: &Stack, id: &CommunicationId, now: Timestamp) -> Result<Self, Failure> {
        let entry = stack.entry(id).await?;
        let archived = entry.archived.ok_or("nothing of it is archived")?;
        if archive::is_test(&archived.archive_key) {
            return Err("it is of a test order or a dry run, which is never delivered".into());
        }
        let (record, _) = stack.archive.record_of(&archived.archive_key, &archived.record_version).await?;
        let loaded = stack.configs().get(&entry.shop, now).await?;
        let is_for_web = |output: &&archive::Output| {
            let uses: Vec<Use> = output.uses.iter().filter_map(|name| name.parse().ok()).collect();
            Use::Web.is_among(&uses, &output.media_type) && uses.len() == output.uses.len()
        };
        let outputs: Vec<_> = record.outputs.iter().filter(is_for_web).map(flow::linked).collect();
        if outputs.is_empty() {
            return Err("none of its outputs is for the use `web`".into());
        }
        Ok(Self { sender: delivery::sender(loaded.config.brand(entry.document)), outputs, record })
    }

    fn publication(&self, valid_days: u16) -> Publication<'_> {
        Publication {
            communication: &self.record.communication,
            shop: &self.record.shop,
            document: self.record.document,
            locale: &self.record.locale,
            name: self.record.name.as_deref(),
            sender: &self.sender,
            outputs: &self.outputs,
            valid_days,
        }
    }
}

fn print(
    stack: &Stack,
    link: &Link,
    token: Option<Token>,
    now: Timestamp,
    json: bool,
) -> Result<ExitCode, Failure> {
    let address = stack.outputs.value("DocumentsUrl")?;
    if json {
        let is_revoked = link.revoked.is_some();
        let address = token.filter(|_| !is_revoked).map(|token| format!("{address}{}", links::path(&token)));
        rows::print(&row(link, address, now))?;
        return Ok(ExitCode::SUCCESS);
    }
    match (&link.revoked, token) {
        (Some(revocation), _) => {
            let (actor, reason) = (one_line(&revocation.actor), one_line(&revocation.reason));
            say!("revoked at {} by {actor}: {reason}", at(revocation.at_epoch_ms));
        }
        (None, Some(token)) => say!("{address}{}", links::path(&token)),
        (None, None) => say!("its address is not known any more: it was made with another key"),
    }
    let state = match link.state(now) {
        LinkState::Live => "works until",
        LinkState::Expired | LinkState::Revoked => "was to work until",
    };
    say!("link {} of the communication, {state} {}", link.serial, at(link.valid_until_epoch_ms));
    say!("opened: page {} times, documents {} times", link.page_opens, link.document_opens);
    for opening in &link.openings {
        let what = match &opening.what {
            Opened::Page => "page",
            Opened::File(file) => file,
        };
        say!("  {} {}", at(opening.at_epoch_ms), one_line(what));
    }
    Ok(ExitCode::SUCCESS)
}

fn row(link: &Link, address: Option<String>, now: Timestamp) -> rows::Link<'_> {
    let opening = |opening: &links::Opening| rows::Opening {
        at: at(opening.at_epoch_ms).to_string(),
        what: match &opening.what {
            Opened::Page => "page".to_owned(),
            Opened::File(file) => file.clone(),
        },
    };
    let revoked = link.revoked.as_ref();
    rows::Link {
        communication: link.communication.as_str(),
        serial: link.serial,
        address,
        state: match link.state(now) {
            LinkState::Live => "live",
            LinkState::Expired => "expired",
            LinkState::Revoked => "revoked",
        },
        valid_until: at(link.valid_until_epoch_ms).to_string(),
        revoked_at: revoked.map(|it| at(it.at_epoch_ms).to_string()),
        revoked_by: revoked.map(|it| it.actor.as_str()),
        revoked_reason: revoked.map(|it| it.reason.as_str()),
        page_opens: link.page_opens.into(),
        document_opens: link.document_opens.into(),
        openings: link.openings.iter().map(opening).collect(),
    }
}

fn at(epoch_ms: i64) -> Timestamp {
    Timestamp::from_millisecond(epoch_ms).unwrap_or_default()
}
