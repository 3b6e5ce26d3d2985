//! `ctl privacy`: Shopify's privacy requests, what came of each, and the exports that are handed over to customers. Before an
//! export is saved, an entry of who reads it is left for each communication in it.

use crate::{
    access::Reader,
    failure::Failure,
    out::say,
    rows::{self, remark},
    stack::Stack,
};
use archive::AccessKind;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use clap::Subcommand;
use comms::{CommunicationId, ShopDomain};
use privacy::{Noted, Outcome, requests_of, state_key};
use serde::Deserialize;
use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};
use zip::ZipArchive;

/// The part of an export that says the same as its page.
const DATA: &str = "data.json";

#[derive(Subcommand)]
pub enum PrivacyCommand {
    /// List the privacy requests of a shop and what came of each. One that was not carried out yet is not there.
    List {
        /// The shop.
        shop: ShopDomain,
        /// Print one JSON object per line instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Save the export of a customer's data, to hand it over. Leaves an entry of who read it and why for each communication in
    /// it.
    Fetch {
        /// The shop.
        shop: ShopDomain,
        /// The request, as `list` names it.
        request: String,
        #[command(flatten)]
        reader: Reader,
        /// Where to save it.
        #[arg(long, default_value = ".")]
        out: PathBuf,
    },
}

/// What an export says of its communications.
#[derive(Deserialize)]
struct Data {
    communications: Vec<Exported>,
}

#[derive(Deserialize)]
struct Exported {
    entry: ExportedEntry,
}

#[derive(Deserialize)]
struct ExportedEntry {
    #[serde(rename = "pk")]
    communication: CommunicationId,
}

pub async fn run(stack: &Stack, command: PrivacyCommand) -> Result<ExitCode, Failure> {
    match command {
        PrivacyCommand::List { shop, json } => list(stack, &shop, json).await?,
        PrivacyCommand::Fetch { shop, request, reader, out } => {
            fetch(stack, &shop, &request, &reader, &out).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(stack: &Stack, shop: &ShopDomain, json: bool) -> Result<(), Failure> {
    let prefix = requests_of(shop);
    let list = stack.s3.list_objects_v2().bucket(&stack.outputs.operations_bucket).prefix(&prefix);
    let mut pages = list.into_paginator().send();
    let mut noted = Vec::new();
    while let Some(page) = pages.next().await {
        for key in page?.contents().iter().filter_map(|object| object.key()) {
            noted.push(state(stack, key).await?);
        }
    }
    noted.sort_by_key(|it| it.at);
    for it in &noted {
        match json {
            true => rows::print(&row(it))?,
            false => print(it),
        }
    }
    remark!(json, "{} requests", noted.len());
    Ok(())
}

fn row(Noted { request, topic, at, state, .. }: &Noted) -> rows::PrivacyRequest {
    let kept = state.refused.iter().map(|refusal| rows::Kept {
        communication: refusal.communication.to_string(),
        document: refusal.document.to_string(),
        until: refusal.until.to_string(),
        legal_basis: refusal.legal_basis.to_string(),
    });
    rows::PrivacyRequest {
        request: request.to_string(),
        topic: topic.to_string(),
        at: at.to_string(),
        outcome: state.outcome.to_string(),
        erased: state.erased,
        kept: kept.collect(),
    }
}

fn print(Noted { request, topic, at, state, .. }: &Noted) {
    let what = match state.outcome {
        Outcome::Exported => "the export can be fetched for 30 days".to_owned(),
        Outcome::Held => "a legal hold blocks it".to_owned(),
        Outcome::Erased => format!("{} erased, {} kept", state.erased, state.refused.len()),
    };
    say!("{request}  {topic}  {at}  {}  {what}", state.outcome);
    for refusal in &state.refused {
        let (document, until) = (refusal.document, refusal.until);
        say!("    {}  {document}  until {until}: {}", refusal.communication, refusal.legal_basis);
    }
}

async fn fetch(
    stack: &Stack,
    shop: &ShopDomain,
    request: &str,
    reader: &Reader,
    out: &Path,
) -> Result<(), Failure> {
    if request.len() != 32 || !request.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("a request has 32 hexadecimal digits".into());
    }
    let noted = state(stack, &state_key(shop, request)).await?;
    let key = noted.state.export.ok_or("it is no request for data, so there is no export")?;
    std::fs::create_dir_all(out)?;
    let file = out.join(format!("{request}.zip"));
    // nobody finds it under its name before it is on record who reads it
    let part = out.join(format!("{request}.zip.part"));
    let done = save(stack, &key, &part, shop, reader).await;
    if let Err(error) = done {
        _ = std::fs::remove_file(&part);
        return Err(error);
    }
    std::fs::rename(&part, &file)?;
    say!("{}", file.display());
    Ok(())
}

async fn save(
    stack: &Stack,
    key: &str,
    part: &Path,
    shop: &ShopDomain,
    reader: &Reader,
) -> Result<(), Failure> {
    let object = object(stack, key).await?.ok_or("the export is gone: it is kept for 30 days")?;
    let (mut body, mut file) = (object.body, File::create(part)?);
    while let Some(bytes) = body.try_next().await? {
        file.write_all(&bytes)?;
    }
    let mut zip = ZipArchive::new(File::open(part)?)?;
    let data: Data = serde_json::from_reader(zip.by_name(DATA)?)?;
    for Exported { entry } in data.communications {
        reader.reads(stack, shop, &entry.communication, AccessKind::Export).await?;
    }
    Ok(())
}

async fn state(stack: &Stack, key: &str) -> Result<Noted, Failure> {
    let object =
        object(stack, key).await?.ok_or("there is no such request, or it was not carried out yet")?;
    Ok(serde_json::from_slice(&object.body.collect().await?.into_bytes())?)
}

/// An object of the operations bucket, if it is there.
async fn object(stack: &Stack, key: &str) -> Result<Option<GetObjectOutput>, Failure> {
    let bucket = &stack.outputs.operations_bucket;
    match stack.s3.get_object().bucket(bucket).key(key).send().await {
        Ok(object) => Ok(Some(object)),
        Err(error) if objects::is_missing(&stack.s3, bucket, key, &error).await => Ok(None),
        Err(error) => Err(error.into()),
    }
}
