//! `ctl preview`: documents composed and saved, and nothing else: those that an event would lead to, or one from its sample.

mod data;
mod place;
mod sample;
mod saved;
#[cfg(test)]
mod tests;

pub use sample::{Connection, Settings};

use crate::{access::Reader, failure::Failure, samples::Which, stack::Stack};
use account_statements::AccountStatements;
use archive::AccessKind;
use comms::{Document, Flow};
use exception_letters::ExceptionLetters;
use flow::preview::{Preview, PreviewContext, PreviewError, PreviewRequest, previews};
use intake::{Routed, work_item};
use order_confirmation::OrderConfirmation;
use return_letters::ReturnLetters;
use saved::{Made, Saver};
use service::Service;
use shipping_documents::ShippingDocuments;
use shopify::{AdminApi, Event};
use std::{path::PathBuf, process::ExitCode, time::Duration};
use targeted_offers::TargetedOffers;
use work::WorkItem;

/// For everything one document needs.
const TIME: Duration = Duration::from_secs(60);

/// What is to be previewed, and how.
#[derive(clap::Args)]
pub struct Request {
    /// An EventBridge event, a JSON file.
    #[arg(required_unless_present = "sample")]
    event: Option<PathBuf>,
    /// Compose this document from its sample, with nothing but Exstream: no event and no deployment.
    #[arg(long, value_name = "DOCUMENT", conflicts_with_all = ["event", "document", "locale"], requires = "config")]
    sample: Option<Document>,
    /// With `--sample`: which of the published ones.
    #[arg(long, requires = "sample", value_enum, default_value_t = Which::Everything)]
    which: Which,
    /// With `--sample`: the usual one with so many rows, for several pages.
    #[arg(long, requires = "sample", conflicts_with_all = ["which", "data"], value_parser = crate::samples::parse_rows)]
    rows: Option<usize>,
    /// With `--sample`: this driver data in the place of the sample, a JSON file. It is checked against the document's
    /// schema, and each mistake is named with its place.
    #[arg(long, requires = "sample", conflicts_with = "which")]
    data: Option<PathBuf>,
    /// With `--data`: compose again whenever the file changes, until interrupted.
    #[arg(long, requires = "data")]
    watch: bool,
    /// With `--sample`: Exstream's credentials, a JSON file in the form of a shop's secret, or its part `exstream`. Without
    /// it, none are sent.
    #[arg(long, requires = "sample", env = "EXSTREAM_SECRET_FILE")]
    secret: Option<PathBuf>,
    /// Who reads it: a name or an account that your organisation can find again.
    #[arg(long, env = "CTL_ACTOR", required_unless_present = "sample")]
    actor: Option<String>,
    /// For what purpose, in a few words, without anything personal.
    #[arg(long, env = "CTL_REASON", required_unless_present = "sample")]
    reason: Option<String>,
    /// Only this document.
    #[arg(long)]
    document: Option<Document>,
    /// In this locale, whatever the customer's.
    #[arg(long)]
    locale: Option<String>,
    /// With this configuration file instead of the stored one. With `--sample` its tables `exstream` and
    /// `documents.<document>` are enough.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Where to save it.
    #[arg(long, default_value = ".")]
    out: PathBuf,
    /// Check with veraPDF, which has to be installed, whether each PDF keeps the standards that it claims.
    #[arg(long, conflicts_with = "json")]
    validate: bool,
    /// Print one JSON object per line instead of text.
    #[arg(long)]
    json: bool,
}

impl Request {
    fn saver(&self) -> Saver {
        Saver { folder: self.out.clone(), validate: self.validate, json: self.json }
    }

    /// Composes from a sample, where that is asked for: no deployment is needed then.
    pub async fn of_sample(&self) -> Option<Result<ExitCode, Failure>> {
        let (document, config) = (self.sample?, self.config.clone()?);
        let connection = Connection { config, secret: self.secret.clone() };
        let from = match (&self.data, self.rows) {
            (Some(file), _) => sample::From::File(file.clone()),
            (None, Some(rows)) => sample::From::Rows(rows),
            (None, None) => sample::From::Published(self.which),
        };
        Some(sample::run(document, &from, &connection, &self.saver(), self.watch).await)
    }
}

pub async fn run(stack: &Stack, request: Request) -> Result<ExitCode, Failure> {
    let saver = request.saver();
    let Request { event, actor, reason, document, locale, config, .. } = request;
    let (Some(file), Some(actor), Some(reason)) = (event, actor, reason) else {
        return Err("name an event, who reads it and why; or a document with --sample".into());
    };
    let reader = Reader { actor, reason };
    let event = Event::parse(&std::fs::read(file)?)?;
    let now = jiff::Timestamp::now();
    let own = config
        .as_ref()
        .map(|file| crate::config::read(file, stack.outputs.max_retention_days()))
        .transpose()?;
    let loaded;
    let config = match &own {
        Some((config, _)) if config.shop == event.shop => config,
        Some((config, _)) => {
            return Err(
                format!("the configuration is that of {}, the event of {}", config.shop, event.shop).into()
            );
        }
        None => {
            loaded = stack.configs().get(&event.shop, now).await?;
            &loaded.config
        }
    };
    let items = match work_item(&event, config)? {
        Routed::Work(items) => items,
        Routed::Ignored(reason) => return Err(format!("no document follows: {reason}").into()),
    };
    let service = Service::without_log().await?;
    let (shopify, exstream, catalogue) =
        (AdminApi::new(service.http()), service.exstream(), service.catalogue());
    let secrets = stack.secrets.shop(&event.shop, now).await?;
    let context = PreviewContext {
        config,
        secrets: &secrets,
        shopify: &shopify,
        exstream: &exstream,
        catalogue: &catalogue,
        now,
        time: TIME,
    };
    let mut found = Vec::new();
    for item in &items {
        let request = PreviewRequest { document, locale: locale.as_deref() };
        found.extend(of_flow(&context, item, request).await?);
    }
    if found.is_empty() {
        return Err("the event leads to no such document".into());
    }
    let mut all_fine = true;
    for Preview { document, communication, what } in found {
        reader.reads(stack, &event.shop, &communication, AccessKind::Preview).await?;
        let id = communication.as_str();
        all_fine &= match what {
            Ok(it) => {
                let data = format!("driver data, {}, locale {}", it.schema, it.recipient.locale);
                let made = Made { template: &it.template, outputs: &it.outputs, driver: &it.driver, data };
                saver.save(document, id, &made)?
            }
            Err(error) => saver.tell_failure(document, id, &error)?,
        };
    }
    Ok(if all_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub async fn of_flow(
    context: &PreviewContext<'_>,
    item: &WorkItem,
    request: PreviewRequest<'_>,
) -> Result<Vec<Preview>, PreviewError> {
    match item.flow {
        Flow::OrderConfirmation => previews(&OrderConfirmation, context, item, request).await,
        Flow::ShippingDocuments => previews(&ShippingDocuments, context, item, request).await,
        Flow::ReturnLetters => previews(&ReturnLetters, context, item, request).await,
        Flow::TargetedOffers => previews(&TargetedOffers, context, item, request).await,
        Flow::AccountStatements => previews(&AccountStatements, context, item, request).await,
        Flow::ExceptionLetters => previews(&ExceptionLetters, context, item, request).await,
    }
}
