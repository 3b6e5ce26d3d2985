//! `ctl show`: the outputs of a document, its record and its facts, side by side on disk.

use crate::{
    access::Reader,
    failure::Failure,
    rows::{SavedFile, tell},
    stack::Stack,
};
use archive::{AccessKind, RecordRef};
use comms::CommunicationId;
use std::{path::Path, process::ExitCode};

pub async fn run(
    stack: &Stack,
    id: &CommunicationId,
    reader: Reader,
    out: &Path,
    json: bool,
) -> Result<ExitCode, Failure> {
    let entry = stack.entry(id).await?;
    let Some(archived) = &entry.archived else {
        return Err(format!("nothing is archived: it is {}", entry.state).into());
    };
    reader.reads(stack, &entry.shop, id, AccessKind::Document).await?;
    let (record, record_json) =
        stack.archive.record_of(&archived.archive_key, &archived.record_version).await?;
    if archive::sha256_hex(&record_json) != archived.record_sha256 {
        return Err("the record is not the one the ledger names".into());
    }
    std::fs::create_dir_all(out)?;
    for (number, output) in (1..).zip(&record.outputs) {
        let bytes = stack.archive.read_document(output).await?;
        archive::verify(&record, &bytes)?;
        let extension = Path::new(&output.object).extension().and_then(|it| it.to_str()).unwrap_or("bin");
        // the first is the document, whether it has others beside it or not
        let number = if number == 1 { String::new() } else { format!("-{number}") };
        let file = out.join(format!("{}-{id}{number}.{extension}", entry.document));
        std::fs::write(&file, &bytes)?;
        let uses = match &output.uses[..] {
            [] => String::new(),
            uses => format!(", for {}", uses.join(" and ")),
        };
        let row = saved(&file, &bytes, "output", output.uses.clone());
        tell!(json, row, "{}  {} bytes, SHA-256 matches the record{uses}", file.display(), bytes.len());
    }
    let record_file = out.join(format!("{}-{id}.record.json", entry.document));
    // the archived bytes unchanged: anybody can hash the file again
    std::fs::write(&record_file, &record_json)?;
    tell!(
        json,
        saved(&record_file, &record_json, "record", Vec::new()),
        "{}  SHA-256 {} as in the ledger, locked until {}",
        record_file.display(),
        archived.record_sha256,
        record.retention.until
    );
    let (version, sha256) = (&archived.record_version, &archived.record_sha256);
    let reference = RecordRef::beside(&archived.archive_key, id, version, sha256);
    for (fact, fact_json) in stack.archive.facts(&reference).await? {
        let file = out.join(format!("{}-{id}.fact-{:02}.json", entry.document, fact.number));
        std::fs::write(&file, &fact_json)?;
        let row = saved(&file, &fact_json, "fact", Vec::new());
        tell!(json, row, "{}  {} at {}, chained to the record", file.display(), fact.fact.kind, fact.fact.at);
    }
    Ok(ExitCode::SUCCESS)
}

fn saved(file: &Path, bytes: &[u8], what: &'static str, uses: Vec<String>) -> SavedFile {
    let sha256 = archive::sha256_hex(bytes);
    SavedFile { file: file.display().to_string(), bytes: bytes.len(), what, uses, sha256 }
}
