//! `ctl show`: the outputs of a document and its proof, side by side on disk.

use crate::{failure::Failure, out::say, stack::Stack};
use comms::CommunicationId;
use std::{path::Path, process::ExitCode};

pub async fn run(stack: &Stack, id: &CommunicationId, out: &Path) -> Result<ExitCode, Failure> {
    let entry = stack.ledger.get(id).await?.ok_or("the ledger has no such communication")?;
    let Some(archived) = &entry.archived else {
        return Err(format!("nothing is archived: it is {}", entry.state).into());
    };
    let (record, json) = stack.archive.record_of(&archived.archive_key, &archived.record_version).await?;
    if archive::sha256_hex(&json) != archived.record_sha256 {
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
        say!("{}  {} bytes, SHA-256 matches the record{uses}", file.display(), bytes.len());
    }
    let record_file = out.join(format!("{}-{id}.record.json", entry.document));
    // the archived bytes unchanged: anybody can hash the file again
    std::fs::write(&record_file, &json)?;
    say!(
        "{}  SHA-256 {} as in the ledger, locked until {}",
        record_file.display(),
        archived.record_sha256,
        record.retention.until
    );
    Ok(ExitCode::SUCCESS)
}
