//! `ctl doctor` and `ctl setup`: whether everything is there that a shop needs, step by step, and making what is missing.
//!
//! Each step asks the service that knows, so what was done by hand counts as much as what `ctl setup` made, and both
//! commands can be repeated or continued at any point: what is there is left alone. Nothing is made without asking, or
//! `--yes`. What only a person can do in another service is said with where to do it. No secret is printed, and nothing
//! that a service answers is but names of its own.

mod account;
mod exstream;
mod make;
mod messaging;
mod row;
mod secret_file;
mod shopify;
#[cfg(test)]
pub mod tests;
mod wanted;

use crate::{
    ask,
    config::Author,
    failure::Failure,
    out::{self, say},
    stack::Stack,
    table,
};
use ::exstream::{Catalogue, TokenSource};
use ::shopify::{AdminApi, Call, MetafieldOwner};
use comms::{Document, ShopDomain, chain, one_line};
use jiff::Timestamp;
use make::Missing;
use row::Finding;
use secrecy::SecretString;
use service::ShopSecrets;
use shop_config::{ShopConfig, StoredText};
use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

pub use row::{Row, Step, Verdict};

/// For everything that one step asks of one service.
const TIME: Duration = Duration::from_secs(30);

/// Which shop is looked at, and what is known of it beside its deployment.
#[derive(clap::Args)]
pub struct Question {
    /// The shop.
    shop: ShopDomain,
    /// The shop's configuration file. The stored one has to be the same; `ctl setup` stores it.
    #[arg(long)]
    config: Option<PathBuf>,
    /// The subscriptions are declared by the Shopify app of `infra/shopify-app`. Shopify shows nobody which those are, so
    /// they are not checked and not made.
    #[arg(long)]
    app: bool,
    /// Print one JSON object per line instead of a list.
    #[arg(long)]
    json: bool,
}

/// What `ctl setup` is told besides.
#[derive(clap::Args)]
pub struct Order {
    #[command(flatten)]
    question: Question,
    #[command(flatten)]
    author: Author,
    /// The shop's secret, a JSON file, for a shop that has none yet.
    #[arg(long)]
    secret: Option<PathBuf>,
    /// Make what is missing without asking.
    #[arg(long)]
    yes: bool,
}

/// What is asked together.
#[derive(Debug, Clone, Copy)]
enum Part {
    EventSource,
    Bus,
    Configuration,
    Schedules,
    Secret,
    Shopify,
    Subscriptions,
    Metafield,
    ExstreamToken,
    Templates,
    CoreMessaging,
    Concurrency,
}

/// In the order in which each rests on those before it.
const PARTS: [Part; 12] = [
    Part::EventSource,
    Part::Bus,
    Part::Configuration,
    Part::Schedules,
    Part::Secret,
    Part::Shopify,
    Part::Subscriptions,
    Part::Metafield,
    Part::ExstreamToken,
    Part::Templates,
    Part::CoreMessaging,
    Part::Concurrency,
];

/// A shop that is looked at: what the steps share, and what they have learnt of it.
struct Examination<'a> {
    stack: &'a Stack,
    shop: &'a ShopDomain,
    /// The file's own, checked.
    file: Option<(ShopConfig, String)>,
    /// The text of the file, which has the right form.
    secret_file: Option<SecretString>,
    /// Who stores the configuration.
    author: Option<decisions::Decision>,
    /// The subscriptions are the app's own.
    app: bool,
    api: AdminApi,
    tokens: Arc<TokenSource>,
    catalogue: Catalogue,
    /// The text that is stored, as it was looked at.
    stored: Option<StoredText>,
    /// The stored one, or the file's where none is stored.
    config: Option<Arc<ShopConfig>>,
    secrets: Option<Arc<ShopSecrets>>,
    /// The ARN of the partner event source; none where the bus is the stack's own.
    event_source: Option<String>,
    /// The scopes that the shop granted, once Shopify took the credentials.
    granted: Option<Vec<String>>,
    knows_exstream: bool,
}

impl<'a> Examination<'a> {
    fn new(stack: &'a Stack, question: &'a Question, http: reqwest::Client) -> Result<Self, Failure> {
        let most = stack.outputs.max_retention_days();
        let file = question.config.as_ref().map(|file| crate::config::read(file, most)).transpose()?;
        if let Some((config, _)) = file.as_ref().filter(|(config, _)| config.shop != question.shop) {
            return Err(
                format!("the configuration is that of {}, not of {}", config.shop, question.shop).into()
            );
        }
        let tokens = Arc::new(TokenSource::new(http.clone()));
        Ok(Self {
            stack,
            shop: &question.shop,
            file,
            secret_file: None,
            author: None,
            app: question.app,
            api: AdminApi::new(http.clone()),
            catalogue: Catalogue::new(http, Arc::clone(&tokens)),
            tokens,
            stored: None,
            config: None,
            secrets: None,
            event_source: None,
            granted: None,
            knows_exstream: false,
        })
    }

    async fn look(&mut self, part: Part) -> Vec<Finding> {
        match part {
            Part::EventSource => vec![self.look_at_event_source().await],
            Part::Bus => self.look_at_bus().await,
            Part::Configuration => vec![self.look_at_configuration().await],
            Part::Schedules => vec![self.look_at_schedules().await],
            Part::Secret => vec![self.look_at_secret().await],
            Part::Shopify => self.look_at_scopes().await,
            Part::Subscriptions => self.look_at_subscriptions().await,
            Part::Metafield => self.look_at_metafield().await,
            Part::ExstreamToken => vec![self.look_at_exstream().await],
            Part::Templates => self.look_at_templates().await,
            Part::CoreMessaging => self.look_at_messaging().await,
            Part::Concurrency => vec![account::concurrency()],
        }
    }

    /// A question to the shop's Admin API, if both configuration and secret are there.
    fn call<'b>(&self, config: &'b ShopConfig, secrets: &'b ShopSecrets) -> Call<'b>
    where
        'a: 'b,
    {
        Call {
            shop: self.shop,
            settings: &config.shopify,
            credentials: &secrets.shopify,
            now: Timestamp::now(),
            deadline: tokio::time::Instant::now() + TIME,
        }
    }
}

/// The kinds of resources whose metafield a shop writes.
fn metafield_owners(config: &ShopConfig) -> Vec<MetafieldOwner> {
    let mut owners = vec![MetafieldOwner::Order];
    let statements = config.serves(comms::Flow::AccountStatements);
    if statements || config.serves(comms::Flow::TargetedOffers) {
        owners.push(MetafieldOwner::Customer);
    }
    if statements {
        owners.push(MetafieldOwner::CompanyLocation);
    }
    owners
}

/// Looks and says.
pub async fn doctor(stack: &Stack, question: &Question, http: reqwest::Client) -> Result<ExitCode, Failure> {
    let mut examination = Examination::new(stack, question, http)?;
    let mut rows = Vec::new();
    for part in PARTS {
        for finding in examination.look(part).await {
            print(&finding.row, question.json)?;
            rows.push(finding.row);
        }
    }
    Ok(verdict_of(&rows, question.json))
}

/// What one document needs, with the configuration as it would be. The configuration and its schedules are not looked at:
/// they are what is going to be changed.
pub async fn of_document(
    stack: &Stack,
    shop: &ShopDomain,
    config: &ShopConfig,
    document: Document,
    app: bool,
    http: reqwest::Client,
) -> Result<Vec<Row>, Failure> {
    const NEEDED: [Part; 9] = [
        Part::EventSource,
        Part::Bus,
        Part::Secret,
        Part::Shopify,
        Part::Subscriptions,
        Part::Metafield,
        Part::ExstreamToken,
        Part::Templates,
        Part::CoreMessaging,
    ];
    let question = Question { shop: shop.clone(), config: None, app, json: false };
    let mut examination = Examination::new(stack, &question, http)?;
    let mut alone = config.clone();
    alone.documents.retain(|it, _| *it == document);
    examination.config = Some(Arc::new(alone));
    let mut rows = Vec::new();
    for part in NEEDED {
        rows.extend(examination.look(part).await.into_iter().map(|finding| finding.row));
    }
    Ok(rows)
}

/// Looks, makes what is missing, and looks again.
pub async fn setup(stack: &Stack, order: Order, http: reqwest::Client) -> Result<ExitCode, Failure> {
    let Order { question, author, secret, yes } = order;
    let author = author.checked()?;
    let mut examination = read_both(
        Examination::new(stack, &question, http),
        secret.as_deref().map(secret_file::read).transpose(),
    )?;
    examination.author = Some(author);
    let rows =
        set_up(&mut examination, |missing| yes || ask::is_wanted(missing), |row| print(row, question.json))
            .await?;
    Ok(verdict_of(&rows, question.json))
}

/// The mistakes of both files at once.
fn read_both<'a>(
    examination: Result<Examination<'a>, Failure>,
    secret: Result<Option<SecretString>, Failure>,
) -> Result<Examination<'a>, Failure> {
    match (examination, secret) {
        (Ok(mut examination), Ok(secret)) => {
            examination.secret_file = secret;
            Ok(examination)
        }
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
        (Err(first), Err(second)) => Err(format!("{first}\n{second}").into()),
    }
}

/// Every step, with what `is_wanted` agrees to made.
async fn set_up(
    examination: &mut Examination<'_>,
    is_wanted: impl Fn(&Missing) -> bool,
    mut said: impl FnMut(&Row) -> Result<(), Failure>,
) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for part in PARTS {
        let mut findings = examination.look(part).await;
        let mut tried = Vec::new();
        for Finding { row, missing } in &findings {
            let Some(missing) = missing.as_ref().filter(|missing| is_wanted(missing)) else { continue };
            let error = examination.make(missing).await.err();
            tried.push((row.step, row.of.clone(), error));
        }
        // also after a failure: an answer may be lost and the thing made
        if !tried.is_empty() {
            findings = examination.look(part).await;
        }
        for Finding { mut row, .. } in findings {
            match tried.iter().find(|(step, of, _)| *step == row.step && *of == row.of) {
                Some(_) if row.verdict == Verdict::Ok => row.made = true,
                Some((_, _, Some(error))) => {
                    row.found = format!("{}; it could not be made: {}", row.found, chain(error.as_ref()));
                }
                _ => {}
            }
            said(&row)?;
            rows.push(row);
        }
    }
    Ok(rows)
}

pub fn print(row: &Row, json: bool) -> Result<(), Failure> {
    if json {
        out::json(&serde_json::to_string(row)?);
        return Ok(());
    }
    let made = if row.made { ", made now" } else { "" };
    let of = row.of.as_ref().map(|of| format!(" {of}")).unwrap_or_default();
    say!("{:12} {}{}: {}{made}", row.verdict.name(), row.step, one_line(&of), one_line(&row.found));
    if let Some(remedy) = &row.remedy {
        say!("{:12} {}", "", one_line(remedy));
    }
    Ok(())
}

fn verdict_of(rows: &[Row], json: bool) -> ExitCode {
    let count = |verdicts: &[Verdict]| rows.iter().filter(|row| verdicts.contains(&row.verdict)).count();
    let (wrong, unknown) = (count(&[Verdict::Wrong, Verdict::Denied]), count(&[Verdict::Unknown]));
    if !json {
        say!("{} of {} ok, {wrong} wrong, {unknown} unknown", count(&[Verdict::Ok]), rows.len());
    }
    match (wrong, unknown) {
        (0, 0) => ExitCode::SUCCESS,
        (0, _) => ExitCode::from(table::UNKNOWN),
        _ => ExitCode::FAILURE,
    }
}
