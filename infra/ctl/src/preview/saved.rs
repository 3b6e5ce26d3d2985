//! Previews on their way to files. A file is replaced as a whole, so whoever shows it never sees half of one.

use crate::{
    failure::Failure,
    out::{self, note, say},
    verapdf,
};
use archive::Examined;
use bytes::Bytes;
use comms::{Document, Format, chain};
use exstream::{ComposedOutput, Template};
use schemars::JsonSchema;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A file of a preview, or why there is none, as `ctl preview --json` prints it. Fields are only added.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "Preview")]
pub struct Row {
    pub document: String,
    /// The id that the communication would have; `sample` for one of a sample.
    pub communication: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
    /// Of an output; that of driver data is `application/json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Whether the file is the driver data and no output.
    pub is_driver_data: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages: Option<u32>,
    /// The level of PDF/A that it claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pdf_a: Option<String>,
    /// The part of PDF/UA that it claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pdf_ua: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The communication in Exstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Its version that is approved now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_version: Option<u32>,
    /// The hash that a pin on its parts has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts_sha256: Option<String>,
    /// Why nothing was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What was composed.
pub struct Made<'a> {
    pub template: &'a Template,
    pub outputs: &'a [(ComposedOutput, Option<Examined>)],
    pub driver: &'a Bytes,
    /// What the driver data is, for a person.
    pub data: String,
}

/// Where previews are saved, and how they are told.
pub struct Saver {
    pub folder: PathBuf,
    pub validate: bool,
    pub json: bool,
}

impl Saver {
    /// Saves the outputs, the first under the document's own name, and the driver data beside them. Answers whether each PDF
    /// keeps the standards that it claims, as far as that is asked.
    pub fn save(&self, document: Document, id: &str, made: &Made<'_>) -> Result<bool, Failure> {
        std::fs::create_dir_all(&self.folder)?;
        let stem = self.folder.join(format!("preview-{document}-{id}"));
        let mut is_fine = true;
        for (number, (ComposedOutput { output, .. }, examined)) in (1..).zip(made.outputs) {
            // the name with `json` is that of the driver data
            let format = Format::of(&output.mime_type).filter(|format| *format != Format::Json);
            let extension = format.map_or("bin", Format::extension);
            let file = match number {
                1 => stem.with_extension(extension),
                _ => PathBuf::from(format!("{}-{number}.{extension}", stem.display())),
            };
            replace(&file, &output.bytes)?;
            let examined = examined.as_ref();
            let row = row(document, id, made, &file, output.bytes.len());
            self.tell(
                &Row {
                    media_type: Some(output.mime_type.clone()),
                    pages: examined.map(|it| it.pages),
                    pdf_a: examined.and_then(|it| it.pdf.pdf_a.clone()),
                    pdf_ua: examined.and_then(|it| it.pdf.pdf_ua.as_ref().map(ToString::to_string)),
                    language: examined.and_then(|it| it.pdf.language.clone()),
                    ..row
                },
                &format!("{} bytes{}", output.bytes.len(), about(examined)),
            )?;
            if self.validate {
                is_fine &= verapdf::run(&file, examined)?;
            }
        }
        let file = stem.with_extension("json");
        let value: serde_json::Value = serde_json::from_slice(made.driver)?;
        let text = serde_json::to_string_pretty(&value)?;
        replace(&file, text.as_bytes())?;
        let row = row(document, id, made, &file, text.len());
        let media_type = Some("application/json".to_owned());
        self.tell(&Row { media_type, is_driver_data: true, ..row }, &made.data)?;
        if !self.json {
            say!("  template {}", version(made.template));
        }
        Ok(is_fine)
    }

    /// Says why nothing was made.
    pub fn tell_failure(
        &self,
        document: Document,
        id: &str,
        error: &(dyn std::error::Error + 'static),
    ) -> Result<bool, Failure> {
        let reason = chain(error);
        if self.json {
            let (document, communication) = (document.to_string(), id.to_owned());
            let row = Row { document, communication, error: Some(reason), ..Row::default() };
            out::json(&serde_json::to_string(&row)?);
        } else {
            note!("ctl: {document}: {reason}");
        }
        Ok(false)
    }

    fn tell(&self, row: &Row, about: &str) -> Result<(), Failure> {
        match self.json {
            true => out::json(&serde_json::to_string(row)?),
            false => say!("{}  {about}", row.file.as_deref().unwrap_or_default()),
        }
        Ok(())
    }
}

fn row(document: Document, id: &str, made: &Made<'_>, file: &Path, bytes: usize) -> Row {
    let Template { communication, version, parts, .. } = made.template;
    Row {
        document: document.to_string(),
        communication: id.to_owned(),
        file: Some(file.display().to_string()),
        bytes: Some(bytes),
        template: Some(communication.clone()),
        template_version: *version,
        parts_sha256: parts.as_ref().map(|parts| parts.sha256.clone()),
        ..Row::default()
    }
}

/// Writes beside, and renames.
fn replace(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let beside = file.with_file_name(format!(".{name}.part"));
    let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, file));
    written.map_err(|error| format!("{}: {error}", file.display()).into())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_a_published_contract() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/preview-row.v1.json");
        contract::published(&path, &schemars::schema_for!(Row).to_value());
    }
}
