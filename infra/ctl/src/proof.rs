//! `ctl proof` and `ctl verify`: the proof of one communication in a file that explains itself, and whether such a file
//! holds. Neither decides anything: the first collects what is archived, the second calls what anybody can call.

use crate::{access::Reader, customer_proof, failure::Failure, out::say, stack::Stack};
use archive::{AccessKind, RecordRef, fact_name, fact_number, place};
use comms::CommunicationId;
use jiff::Timestamp;
use rfc3161::Authorities;
use sealed_log::{
    CommitmentSecret, Inclusion, LogReader, StampedCheckpoint,
    bundle::{self, Bundle, LeafParts, Proved, ProvedLeaf, TimeParts, Trust, fact_text, names},
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
    let wanted = |object: Option<&str>| object.is_none_or(|name| fact_number(name).is_some());
    let mut leaves = LogReader::new(&store).prove_each(&entry.shop, day, id, wanted).await?;
    let inclusion = leaves.remove(&None);
    let inclusion = inclusion.ok_or("it is not sealed yet: archive-seal does so within an hour")?;
    let owner = record.owner();
    let secret = stack.commitments()?.find(&entry.shop, &owner).await?;
    let secret = secret
        .ok_or("the secret of its customer was destroyed: nobody can prove any more what its leaf was")?;
    let reference =
        RecordRef::beside(&archived.archive_key, id, &archived.record_version, &archived.record_sha256);
    let facts = stack.archive.facts(&reference).await?;
    let (key, authority) = (inclusion.key.clone(), roots(leaves.values().chain([&inclusion])));
    let mut bundle = Bundle {
        documents,
        record: leaf(&secret, id, None, &json, inclusion)?,
        facts: Vec::new(),
        key: format!("{key}\n").into_bytes(),
        key_pem: key.to_pem().into_bytes(),
        authority,
        sums: Vec::new(),
    };
    for (fact, json) in &facts {
        let name = fact_name(fact.number);
        // a later one may be sealed already, and proves nothing without this one
        let Some(inclusion) = leaves.remove(&Some(name.clone())) else { break };
        bundle.facts.push(leaf(&secret, id, Some(&name), json, inclusion)?);
    }
    // what does not hold is not handed out as a proof
    let proved = bundle::check(&bundle, &Trust { key: None, authorities: None, at: Timestamp::now() })?;
    let page = bundle::page(&bundle, &names, &proved);
    bundle.sums = bundle::sums(bundle.parts(&names, page.as_bytes()));
    std::fs::create_dir_all(out)?;
    let file = out.join(format!("{}-{id}.proof.zip", entry.document));
    let mut parts = bundle.parts(&names, page.as_bytes());
    parts.push((names::SUMS.to_owned(), &bundle.sums));
    write(&file, parts)?;
    say!("{}", file.display());
    let ProvedLeaf { index, checkpoint, .. } = &proved.leaf;
    say!("leaf {index} of {} in the log {}", checkpoint.size, key.name().as_str());
    say_facts(&proved);
    if facts.len() > bundle.facts.len() {
        say!("{} later facts are not in it: they are not sealed yet", facts.len() - bundle.facts.len());
    }
    if proved.facts.iter().any(|(fact, _)| fact.fact.decision.is_some()) {
        say!("it names who decided and why: read it before you pass it on");
    }
    Ok(ExitCode::SUCCESS)
}

/// The parts that prove an object of a communication.
fn leaf(
    secret: &CommitmentSecret,
    id: &CommunicationId,
    object: Option<&str>,
    json: &[u8],
    inclusion: Inclusion,
) -> Result<LeafParts, Failure> {
    Ok(LeafParts {
        json: json.to_vec(),
        salt: secret.salt(id, object).0.to_vec(),
        proof: inclusion.proof.to_string().into_bytes(),
        time: inclusion.stamped.map(time_parts).transpose()?,
    })
}

/// The roots of the authorities: those of all that the sender ever trusted are beside each stamp.
fn roots<'a>(inclusions: impl IntoIterator<Item = &'a Inclusion>) -> Option<Vec<u8>> {
    let mut stamped = inclusions.into_iter().filter_map(|inclusion| inclusion.stamped.as_ref());
    stamped.next().map(|stamped| stamped.roots.clone().into_bytes())
}

fn say_facts(proved: &Proved) {
    for (fact, _) in &proved.facts {
        say!("{} {}", fact.fact.at, fact_text(&fact.fact));
    }
}

/// The parts that prove when.
fn time_parts(stamped: StampedCheckpoint) -> Result<TimeParts, Failure> {
    let StampedCheckpoint { evidence_record, .. } = stamped;
    let record = rfc4998::EvidenceRecord::from_der(&evidence_record)?;
    let first = record.first().ok_or("the evidence record has no time-stamp")?;
    Ok(TimeParts { time_stamp: first.to_der().to_vec(), evidence_record })
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
    let proved = bundle::check(&Bundle::from_parts(parts)?, &trust)?;
    let record = &proved.record;
    say!(
        "{} {} was archived as the record says, composed at {}",
        record.document,
        record.communication,
        record.composed_at
    );
    say!(
        "leaf {} of {} in the log {}",
        proved.leaf.index,
        proved.leaf.checkpoint.size,
        proved.leaf.checkpoint.origin.as_str()
    );
    match &proved.leaf.time {
        Some(time) => say!(
            "in the log since {} at the latest, by a time-stamp renewed {} times",
            time.time,
            time.renewals
        ),
        None => say!("without a time-stamp: nothing shows when the log was signed"),
    }
    say_facts(&proved);
    if key.is_none() {
        say!(
            "the key is the one in the bundle: compare it with one that you have from elsewhere, and give that with --key"
        );
    }
    if authorities.is_none() && proved.leaf.time.is_some() {
        say!(
            "so is the authority's root certificate: get it from the authority, and give it with --authority"
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a ZIP file of these parts.
pub fn write<'a, N: AsRef<str>>(
    path: &Path,
    parts: impl IntoIterator<Item = (N, &'a [u8])>,
) -> Result<(), Failure> {
    let mut zip = ZipWriter::new(File::create(path)?);
    for (name, bytes) in parts {
        zip.start_file(name.as_ref(), SimpleFileOptions::default())?;
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
