//! `ctl show`: the document and its proof, side by side on disk.

use crate::{failure::Failure, out::say, stack::Stack};
use comms::CommunicationId;
use std::{path::Path, process::ExitCode};

pub async fn run(stack: &Stack, id: &CommunicationId, out: &Path) -> Result<ExitCode, Failure> {
    let entry = stack.ledger.get(id).await?.ok_or("the ledger has no such communication")?;
    let Some(archived) = &entry.archived else {
        return Err(format!("nothing is archived: it is {}", entry.state).into());
    };
    let (record, json) = stack.archive.record_of(&archived.archive_key, &archived.record_version).await?;
    let document = stack.archive.read_document(&record.output).await?;
    archive::verify(&record, &document)?;
    if archive::sha256_hex(&json) != archived.record_sha256 {
        return Err("the record is not the one the ledger names".into());
    }
    std::fs::create_dir_all(out)?;
    let extension = Path::new(&archived.archive_key).extension().and_then(|it| it.to_str()).unwrap_or("bin");
    let document_file = out.join(format!("{}-{id}.{extension}", entry.document));
    let record_file = out.join(format!("{}-{id}.record.json", entry.document));
    std::fs::write(&document_file, &document)?;
    // the archived bytes unchanged: anybody can hash the file again
    std::fs::write(&record_file, &json)?;
    say!("{}  {} bytes, SHA-256 matches the record", document_file.display(), document.len());
    say!(
        "{}  SHA-256 {} as in the ledger, locked until {}",
        record_file.display(),
        archived.record_sha256,
        record.retention.until
    );
    Ok(ExitCode::SUCCESS)
}
