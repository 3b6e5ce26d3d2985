//! `ctl proof` and `ctl verify`: the proof of one communication in a file that explains itself, and whether such a file
//! holds. Neither decides anything: the first collects what is archived, the second calls what anybody can call.

use crate::{failure::Failure, out::say, stack::Stack};
use archive::EvidenceRecord;
use comms::CommunicationId;
use jiff::civil::Date;
use sealed_log::{
    Inclusion, LogReader, Owner,
    bundle::{self, Bundle, names},
};
use std::{
    fs::File,
    io::{Read, Write},
    path::Path,
    process::ExitCode,
};
use tlog::VerifierKey;
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

/// Nothing in a bundle is larger than a document may be.
const MAX_PART_BYTES: u64 = 512 * 1024 * 1024;

/// Writes the bundle of a communication to `out`.
pub async fn run(stack: &Stack, id: &CommunicationId, out: &Path) -> Result<ExitCode, Failure> {
    let entry = stack.ledger.get(id).await?.ok_or("the ledger has no such communication")?;
    let archived = entry.archived.as_ref().ok_or("nothing of it is archived")?;
    if archive::is_test(&archived.archive_key) {
        return Err("it is of a test order or a dry run, which is not sealed".into());
    }
    let (record, json) = stack.archive.record_of(&archived.archive_key, &archived.record_version).await?;
    let names = bundle::document_names(&record).ok_or("two of its outputs have the same name")?;
    let mut documents = Vec::new();
    for output in &record.outputs {
        documents.push(stack.archive.read_document(output).await?.to_vec());
    }
    let day = day(&archived.archive_key).ok_or("its key in the archive has no day")?;
    let store = stack.logs()?;
    let Some(Inclusion { proof, key, .. }) = LogReader::new(&store).prove(&entry.shop, day, id, None).await?
    else {
        return Err("it is not sealed yet: archive-seal does so within an hour".into());
    };
    let owner = Owner::of(record.customer.as_deref(), id);
    let secret = stack.commitments()?.find(&entry.shop, &owner).await?;
    let secret = secret
        .ok_or("the secret of its customer was destroyed: nobody can prove any more what its leaf was")?;
    let bundle = Bundle {
        documents,
        record: json.to_vec(),
        proof: proof.to_string().into_bytes(),
        salt: secret.salt(id, None).0.to_vec(),
        key: format!("{key}\n").into_bytes(),
        key_pem: key.to_pem().into_bytes(),
    };
    // what does not hold is not handed out as a proof
    let proved = bundle::check(&bundle, None)?;
    std::fs::create_dir_all(out)?;
    let file = out.join(format!("{}-{id}.proof.zip", entry.document));
    write(&file, &bundle, &names)?;
    say!("{}", file.display());
    say!("leaf {} of {} in the log {}", proved.index, proved.checkpoint.size, key.name().as_str());
    Ok(ExitCode::SUCCESS)
}

/// Checks a bundle. Needs no deployment.
pub fn verify(file: &Path, trusted: Option<&str>) -> Result<ExitCode, Failure> {
    let trusted: Option<VerifierKey> = trusted.map(str::parse).transpose()?;
    let proved = bundle::check(&read(file)?, trusted.as_ref())?;
    let record = &proved.record;
    say!(
        "{} {} was archived as the record says, composed at {}",
        record.document,
        record.communication,
        record.composed_at
    );
    say!(
        "leaf {} of {} in the log {}",
        proved.index,
        proved.checkpoint.size,
        proved.checkpoint.origin.as_str()
    );
    if trusted.is_none() {
        say!(
            "the key is the one in the bundle: compare it with one that you have from elsewhere, and give that with --key"
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// The day in a key of the archive: `<shop>/<yyyy>/<mm>/<dd>/…`.
fn day(key: &str) -> Option<Date> {
    let mut parts = key.split('/').skip(1);
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    format!("{year}-{month}-{day}").parse().ok()
}

fn write(path: &Path, bundle: &Bundle, documents: &[&str]) -> Result<(), Failure> {
    let mut zip = ZipWriter::new(File::create(path)?);
    let page = bundle::page(documents);
    let documents = documents.iter().copied().zip(bundle.documents.iter().map(Vec::as_slice));
    let parts: [(&str, &[u8]); 6] = [
        (names::PAGE, page.as_bytes()),
        (names::RECORD, &bundle.record),
        (names::PROOF, &bundle.proof),
        (names::SALT, &bundle.salt),
        (names::KEY, &bundle.key),
        (names::KEY_PEM, &bundle.key_pem),
    ];
    for (name, bytes) in parts.into_iter().chain(documents) {
        zip.start_file(name, SimpleFileOptions::default())?;
        zip.write_all(bytes)?;
    }
    zip.finish()?;
    Ok(())
}

fn read(path: &Path) -> Result<Bundle, Failure> {
    let mut zip = ZipArchive::new(File::open(path)?)?;
    let count = zip.len();
    let mut part = |name: &str| -> Result<Vec<u8>, Failure> {
        let file = zip.by_name(name).map_err(|error| format!("{name}: {error}"))?;
        let mut bytes = Vec::new();
        file.take(MAX_PART_BYTES).read_to_end(&mut bytes).map_err(|error| format!("{name}: {error}"))?;
        Ok(bytes)
    };
    // read for its checksum: what it says is for people
    part(names::PAGE)?;
    let json = part(names::RECORD)?;
    let record: EvidenceRecord = serde_json::from_slice(&json)
        .map_err(|_| format!("{}: it is not an evidence record", names::RECORD))?;
    let documents =
        bundle::document_names(&record).ok_or("record.json: two of its outputs have the same name")?;
    if count != documents.len() + 6 {
        return Err("the bundle has other parts than it should have".into());
    }
    Ok(Bundle {
        documents: documents.into_iter().map(&mut part).collect::<Result<_, _>>()?,
        proof: part(names::PROOF)?,
        salt: part(names::SALT)?,
        key: part(names::KEY)?,
        key_pem: part(names::KEY_PEM)?,
        record: json,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_is_that_of_the_key() {
        let key = "acme.myshopify.com/2026/11/27/receipt/c4809f9b199959867b344883a5f958d0/document.pdf";
        assert_eq!(day(key), Some("2026-11-27".parse().unwrap()));
        assert_eq!(day("acme.myshopify.com/document.pdf"), None);
    }
}
