//! `ctl samples`: writing what template designers start from, and uploading it to Exstream's design service.

use super::{Published, Which, in_format, published, rows, upload, with_rows};
use crate::{
    failure::Failure,
    out::{self, note, say},
    preview::Connection,
};
use comms::{Document, chain};
use exstream::DriverError;
use schemars::JsonSchema;
use serde::Serialize;
use shop_config::DriverFormat;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Rows of a sample of several pages.
const ROWS: usize = 300;

#[derive(clap::Subcommand)]
pub enum SamplesCommand {
    /// Write schemas and samples to a folder: a usual document, one with every field, and one with many rows. Needs no
    /// deployment.
    Write {
        #[command(flatten)]
        choice: Choice,
        /// Where to write them.
        #[arg(long, default_value = ".")]
        out: PathBuf,
    },
    /// Upload the samples to Exstream's design service, where a designer makes data sources of them. Needs no deployment.
    /// Exit code 1: one was not uploaded. A sample of that name that is there is not replaced: the service refuses it.
    Upload {
        #[command(flatten)]
        choice: Choice,
        #[command(flatten)]
        connection: Connection,
    },
}

/// Which samples, in which form.
#[derive(clap::Args)]
pub struct Choice {
    /// Which documents. Without any, all.
    documents: Vec<Document>,
    /// In the XML form, with its XML Schema.
    #[arg(long)]
    xml: bool,
    /// Rows of the sample with many rows.
    #[arg(long, default_value_t = ROWS, value_parser = parse_rows)]
    rows: usize,
    /// Print one JSON object per line instead of text.
    #[arg(long)]
    json: bool,
}

/// One file, as `ctl samples --json` prints it. Fields are only added.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Sample")]
pub struct Row {
    pub document: Document,
    /// The file that was written, or the name of what was uploaded.
    pub name: String,
    pub bytes: usize,
    /// What the design service calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Why it was not uploaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A file for a designer.
pub struct File {
    pub document: Document,
    pub name: String,
    pub bytes: Vec<u8>,
}

pub fn parse_rows(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(rows) if (1..=rows::MOST).contains(&rows) => Ok(rows),
        _ => Err(format!("from 1 to {}", rows::MOST)),
    }
}

pub async fn run(command: SamplesCommand) -> Result<ExitCode, Failure> {
    match command {
        SamplesCommand::Write { choice, out } => write(&choice, &out),
        SamplesCommand::Upload { choice, connection } => {
            let mut code = ExitCode::SUCCESS;
            let mut designer = upload::Designer::new(&connection)?;
            for published in choice.published() {
                for file in samples(&published, choice.format(), choice.rows)? {
                    let row = designer.upload(file).await;
                    if row.error.is_some() {
                        code = ExitCode::FAILURE;
                    }
                    choice.print(&row)?;
                }
            }
            Ok(code)
        }
    }
}

fn write(choice: &Choice, folder: &Path) -> Result<ExitCode, Failure> {
    std::fs::create_dir_all(folder)?;
    for published in choice.published() {
        let mut files = vec![schema(&published, choice.format())];
        files.extend(samples(&published, choice.format(), choice.rows)?);
        for File { document, name, bytes } in files {
            let path = folder.join(name);
            std::fs::write(&path, &bytes).map_err(|error| format!("{}: {error}", path.display()))?;
            let name = path.display().to_string();
            choice.print(&Row { document, name, bytes: bytes.len(), id: None, error: None })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Choice {
    fn published(&self) -> Vec<Published> {
        let all = if self.documents.is_empty() { Document::ALL } else { &self.documents };
        all.iter().map(|document| published(*document)).collect()
    }

    fn format(&self) -> DriverFormat {
        if self.xml { DriverFormat::Xml } else { DriverFormat::Json }
    }

    fn print(&self, row: &Row) -> Result<(), Failure> {
        match (&row.error, self.json) {
            (_, true) => out::json(&serde_json::to_string(row)?),
            (None, false) => say!("{}  {} bytes", row.name, row.bytes),
            (Some(error), false) => note!("ctl: {}: {error}", row.name),
        }
        Ok(())
    }
}

const fn extension(format: DriverFormat) -> &'static str {
    match format {
        DriverFormat::Json => "json",
        DriverFormat::Xml => "xml",
    }
}

fn schema(published: &Published, format: DriverFormat) -> File {
    let (text, extension) = match format {
        DriverFormat::Json => (published.schema, "schema.json"),
        DriverFormat::Xml => (published.xml_schema, "xsd"),
    };
    let document = published.document;
    File { document, name: format!("{document}.v1.{extension}"), bytes: text.as_bytes().to_vec() }
}

/// The samples of a document: usual, with every field, and with many rows if it has a list.
pub fn samples(published: &Published, format: DriverFormat, rows: usize) -> Result<Vec<File>, DriverError> {
    let document = published.document;
    let many = with_rows(published, rows);
    let many = many.map(|customer| format!("{:#}\n", serde_json::json!({"customers": [customer]})));
    let texts = [
        ("", Some(published.text(Which::Usual).to_owned())),
        ("everything.", Some(published.text(Which::Everything).to_owned())),
        ("many-rows.", many),
    ];
    let file = |(what, text): (&str, String)| {
        let bytes = in_format(format, &text)?.to_vec();
        Ok(File { document, name: format!("{document}.{what}v1.{}", extension(format)), bytes })
    };
    texts.into_iter().filter_map(|(what, text)| Some((what, text?))).map(file).collect()
}

/// Why an upload failed, for a row.
pub fn failed(file: File, error: &(dyn std::error::Error + 'static)) -> Row {
    let File { document, name, bytes } = file;
    Row { document, name, bytes: bytes.len(), id: None, error: Some(chain(error)) }
}
