//! `ctl proof` and `ctl verify`: the proof of one communication in a file that explains itself, and whether such a file
//! holds. Neither decides anything: the first collects what is archived, the second calls what anybody can call.

use crate::{access::Reader, customer_proof, failure::Failure, out::say, select::place, stack::Stack};
use archive::{AccessKind, EvidenceRecord};
use comms::CommunicationId;
use jiff::Timestamp;
use rfc3161::Authorities;
use sealed_log::{
    Inclusion, LogReader, StampedCheckpoint,
    bundle::{self, Bundle, TimeParts, Trust, names},
    completeness,
};
use std::{
    collections::BTreeMap,
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
pub async fn run(
    stack: &Stack,
    id: &CommunicationId,
    reader: Reader,
    out: &Path,
) -> Result<ExitCode, Failure> {
    let entry = stack.entry(id).await?;
    let archived = entry.archived.as_ref().ok_or("nothing of it is archived")?;
    if archive::is_test(&archived.archive_key) {
        return Err("it is of a test order or a dry run, which is not sealed".into());
    }
    reader.reads(stack, &entry.shop, id, AccessKind::Proof).await?;
    let (record, json) = stack.archive.record_of(&archived.archive_key, &archived.record_version).await?;
    let names = bundle::document_names(&record).ok_or("two of its outputs have the same name")?;
    let mut documents = Vec::new();
    for output in &record.outputs {
        documents.push(stack.archive.read_document(output).await?.to_vec());
    }
    let (day, ..) = place(&archived.archive_key).ok_or("its key in the archive has no day")?;
    let store = stack.logs()?;
    let Some(Inclusion { proof, key, stamped, .. }) =
        LogReader::new(&store).prove(&entry.shop, day, id, None).await?
    else {
        return Err("it is not sealed yet: archive-seal does so within an hour".into());
    };
    let owner = record.owner();
    let secret = stack.commitments()?.find(&entry.shop, &owner).await?;
    let secret = secret
        .ok_or("the secret of its customer was destroyed: nobody can prove any more what its leaf was")?;
    let time = stamped.map(time_parts).transpose()?;
    let mut bundle = Bundle {
        documents,
        record: json.to_vec(),
        proof: proof.to_string().into_bytes(),
        salt: secret.salt(id, None).0.to_vec(),
        key: format!("{key}\n").into_bytes(),
        key_pem: key.to_pem().into_bytes(),
        time,
        sums: Vec::new(),
    };
    let page = bundle::page(&names, bundle.time.is_some());
    bundle.sums = bundle::sums(bundle.parts(&names, page.as_bytes()));
    // what does not hold is not handed out as a proof
    let proved = bundle::check(&bundle, &Trust { key: None, authorities: None, at: Timestamp::now() })?;
    std::fs::create_dir_all(out)?;
    let file = out.join(format!("{}-{id}.proof.zip", entry.document));
    let mut parts = bundle.parts(&names, page.as_bytes());
    parts.push((names::SUMS, &bundle.sums));
    write(&file, parts)?;
    say!("{}", file.display());
    say!("leaf {} of {} in the log {}", proved.index, proved.checkpoint.size, key.name().as_str());
    Ok(ExitCode::SUCCESS)
}

/// The parts that prove when.
fn time_parts(stamped: StampedCheckpoint) -> Result<TimeParts, Failure> {
    let StampedCheckpoint { evidence_record, roots, .. } = stamped;
    let record = rfc4998::EvidenceRecord::from_der(&evidence_record)?;
    let first = record.first().ok_or("the evidence record has no time-stamp")?;
    Ok(TimeParts { time_stamp: first.to_der().to_vec(), evidence_record, authority: roots.into_bytes() })
}

/// Checks a bundle. Needs no deployment.
pub fn verify(file: &Path, key: Option<&str>, authority: Option<&Path>) -> Result<ExitCode, Failure> {
    let key: Option<VerifierKey> = key.map(str::parse).transpose()?;
    let authorities = match authority {
        Some(pem) => Some(Authorities::from_pem(&std::fs::read_to_string(pem)?)?),
        None => None,
    };
    let parts = read(file)?;
    if parts.contains_key(completeness::PART) {
        return customer_proof::verify(&parts, key.as_ref());
    }
    let trust = Trust { key: key.as_ref(), authorities: authorities.as_ref(), at: Timestamp::now() };
    let proved = bundle::check(&bundle_of(parts)?, &trust)?;
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
    match &proved.time {
        Some(time) => say!(
            "in the log since {} at the latest, by a time-stamp renewed {} times",
            time.time,
            time.renewals
        ),
        None => say!("without a time-stamp: nothing shows when the log was signed"),
    }
    if key.is_none() {
        say!(
            "the key is the one in the bundle: compare it with one that you have from elsewhere, and give that with --key"
        );
    }
    if authorities.is_none() && proved.time.is_some() {
        say!(
            "so is the authority's root certificate: get it from the authority, and give it with --authority"
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a ZIP file of these parts.
pub fn write<'a>(path: &Path, parts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<(), Failure> {
    let mut zip = ZipWriter::new(File::create(path)?);
    for (name, bytes) in parts {
        zip.start_file(name, SimpleFileOptions::default())?;
        zip.write_all(bytes)?;
    }
    zip.finish()?;
    Ok(())
}

/// All parts of a ZIP file by their names. Reading them compares their checksums.
fn read(path: &Path) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    let mut zip = ZipArchive::new(File::open(path)?)?;
    let mut parts = BTreeMap::new();
    for at in 0..zip.len() {
        let file = zip.by_index(at)?;
        let (name, mut bytes) = (file.name()?.into_owned(), Vec::new());
        file.take(MAX_PART_BYTES).read_to_end(&mut bytes).map_err(|error| format!("{name}: {error}"))?;
        if parts.insert(name.clone(), bytes).is_some() {
            return Err(format!("{name}: it is there twice").into());
        }
    }
    Ok(parts)
}

/// The parts of a bundle, each of which is what the sums say.
fn bundle_of(mut parts: BTreeMap<String, Vec<u8>>) -> Result<Bundle, Failure> {
    let mut part =
        |name: &str| parts.remove(name).ok_or_else(|| Failure::from(format!("{name}: it is missing")));
    let (page, sums) = (part(names::PAGE)?, part(names::SUMS)?);
    let mut bundle = Bundle {
        documents: Vec::new(),
        record: part(names::RECORD)?,
        proof: part(names::PROOF)?,
        salt: part(names::SALT)?,
        key: part(names::KEY)?,
        key_pem: part(names::KEY_PEM)?,
        time: None,
        sums,
    };
    if let Ok(time_stamp) = part(names::TIME_STAMP) {
        let (evidence_record, authority) = (part(names::EVIDENCE_RECORD)?, part(names::AUTHORITY)?);
        bundle.time = Some(TimeParts { time_stamp, evidence_record, authority });
    }
    let record: EvidenceRecord = serde_json::from_slice(&bundle.record)
        .map_err(|_| format!("{}: it is not an evidence record", names::RECORD))?;
    let names =
        bundle::document_names(&record).ok_or("record.json: two of its outputs have the same name")?;
    bundle.documents = names.iter().map(|name| part(name)).collect::<Result<_, _>>()?;
    if let Some(name) = parts.keys().next() {
        return Err(format!("{name}: a bundle has no such part").into());
    }
    bundle::check_sums(&bundle.sums, bundle.parts(&names, &page))?;
    Ok(bundle)
}
