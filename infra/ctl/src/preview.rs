//! `ctl preview`: the documents that an event would lead to, composed and saved, and nothing else.

use crate::{
    access::Reader,
    failure::Failure,
    out::{note, say},
    stack::Stack,
    verapdf,
};
use account_statements::AccountStatements;
use archive::{AccessKind, Examined};
use comms::{Document, Flow, Format, chain};
use exception_letters::ExceptionLetters;
use exstream::{ComposedOutput, Template};
use flow::preview::{ComposedPreview, Preview, PreviewContext, PreviewError, PreviewRequest, previews};
use intake::{Routed, work_item};
use order_confirmation::OrderConfirmation;
use return_letters::ReturnLetters;
use service::Service;
use shipping_documents::ShippingDocuments;
use shopify::{AdminApi, Event};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};
use targeted_offers::TargetedOffers;
use work::WorkItem;

/// For everything one document needs.
const TIME: Duration = Duration::from_secs(60);

/// What is to be previewed, and how.
#[derive(clap::Args)]
pub struct Request {
    /// An EventBridge event, a JSON file.
    event: PathBuf,
    #[command(flatten)]
    reader: Reader,
    /// Only this document.
    #[arg(long)]
    document: Option<Document>,
    /// In this locale, whatever the customer's.
    #[arg(long)]
    locale: Option<String>,
    /// With this configuration file instead of the stored one.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Where to save it.
    #[arg(long, default_value = ".")]
    out: PathBuf,
    /// Check with veraPDF, which has to be installed, whether each PDF keeps the standards that it claims.
    #[arg(long)]
    validate: bool,
}

pub async fn run(stack: &Stack, request: Request) -> Result<ExitCode, Failure> {
    let Request { event: file, reader, document, locale, config, out, validate } = request;
    let (locale, out) = (locale.as_deref(), out.as_path());
    let event = Event::parse(&std::fs::read(&file)?)?;
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
        found.extend(of_flow(&context, item, PreviewRequest { document, locale }).await?);
    }
    if found.is_empty() {
        return Err("the event leads to no such document".into());
    }
    std::fs::create_dir_all(out)?;
    let mut code = ExitCode::SUCCESS;
    for Preview { document, communication, what } in found {
        reader.reads(stack, &event.shop, &communication, AccessKind::Preview).await?;
        match what {
            Ok(made) => {
                let stem = out.join(format!("preview-{document}-{communication}"));
                let files = save(&stem, &made)?;
                for (file, (_, examined)) in files.iter().zip(&made.outputs).filter(|_| validate) {
                    if !verapdf::run(file, examined.as_ref())? {
                        code = ExitCode::FAILURE;
                    }
                }
            }
            Err(error) => {
                note!("ctl: {document}: {}", chain(&error));
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

async fn of_flow(
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

/// The outputs, the first under the document's own name, and the driver data beside them.
fn save(stem: &Path, made: &ComposedPreview) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for (number, (ComposedOutput { output, .. }, examined)) in (1..).zip(&made.outputs) {
        // the name with `json` is that of the driver data
        let format = Format::of(&output.mime_type).filter(|format| *format != Format::Json);
        let extension = format.map_or("bin", Format::extension);
        let file = match number {
            1 => stem.with_extension(extension),
            _ => PathBuf::from(format!("{}-{number}.{extension}", stem.display())),
        };
        std::fs::write(&file, &output.bytes)?;
        say!("{}  {} bytes{}", file.display(), output.bytes.len(), about(examined.as_ref()));
        files.push(file);
    }
    let driver = stem.with_extension("json");
    let value: serde_json::Value = serde_json::from_slice(&made.driver)?;
    std::fs::write(&driver, serde_json::to_string_pretty(&value)?)?;
    say!("{}  driver data, {}, locale {}", driver.display(), made.schema, made.recipient.locale);
    say!("  template {}", version(&made.template));
    Ok(files)
}

/// The version that is approved now and the hash that a pin on its parts has.
fn version(template: &Template) -> String {
    let version =
        template.version.map_or_else(|| "of unknown version".to_owned(), |it| format!("version {it}"));
    let parts = match &template.parts {
        Some(parts) => format!("{} parts, parts_pin = \"{}\"", parts.count, parts.sha256),
        None => "parts unknown".to_owned(),
    };
    format!("{} {version}, {parts}", template.communication)
}

fn about(examined: Option<&Examined>) -> String {
    let Some(Examined { pages, pdf }) = examined else { return String::new() };
    let claims = [
        pdf.pdf_a.as_ref().map(|level| format!(", claims PDF/A-{level}")),
        pdf.pdf_ua.as_ref().map(|part| format!(", claims PDF/UA-{part}")),
        pdf.language.as_ref().map(|language| format!(", language {language}")),
    ];
    format!(", pages: {pages}{}", claims.into_iter().flatten().collect::<String>())
}
