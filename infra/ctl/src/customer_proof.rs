//! `ctl proof --customer`: the proof that these are all communications of a customer in a period, and no others.

use crate::{access::Reader, failure::Failure, out::say, proof, stack::Stack};
use archive::{AccessKind, RecordRef, fact_number};
use comms::{CustomerKey, Gid, ShopDomain};
use jiff::civil::Date;
use ledger::Entry as LedgerEntry;
use sealed_log::{
    CustomerProof, Entry, LabelKey, LogError, LogReader, Owner,
    bundle::{self, names},
    completeness::{self, Completeness, CustomerBundle},
};
use std::{collections::BTreeMap, path::Path, process::ExitCode};
use tlog::VerifierKey;

/// Below which the objects of the leaves are, each named by its place in the log.
const OBJECTS: &str = "leaves/";

/// Writes the proof for the days `from` to `to` to `out`.
pub async fn run(
    stack: &Stack,
    shop: &ShopDomain,
    customer: &str,
    days: (Date, Date),
    reader: Reader,
    out: &Path,
) -> Result<ExitCode, Failure> {
    if days.0 > days.1 {
        return Err("--from is after --to".into());
    }
    let own = match customer.parse::<CustomerKey>() {
        Ok(own) => own,
        Err(_) => {
            let customer = customer.parse::<Gid>()?.of_kind("Customer")?;
            stack.customer(shop, &customer).await?
        }
    };
    let owner = Owner::of(Some(own.as_str()), &"0".repeat(32).parse()?);
    let secret = stack.commitments()?.find(shop, &owner).await?;
    let secret = secret.ok_or(
        "the log knows no secret of this customer: nothing of theirs was ever sealed, or it was destroyed",
    )?;
    let store = stack.logs()?;
    let salt_of = async |entry: &Entry| {
        let found = ledger_entry(stack, entry).await?;
        let found = found.filter(|found| found.customer.as_deref() == Some(own.as_str()));
        let is_own = match found.and_then(|found| found.archived) {
            // what can be erased has a secret of its own, and so a label of its own
            Some(archived) => {
                let key = stack.archive.key_of(&archived.archive_key, &archived.archive_version).await;
                let key = key.map_err(|error| LogError::Request {
                    doing: "looking at",
                    what: archived.archive_key.clone(),
                    source: error.into(),
                })?;
                key.is_none()
            }
            None => false,
        };
        Ok(is_own.then(|| secret.salt(&entry.communication, entry.object.as_deref())))
    };
    let proof = LogReader::new(&store).prove_customer(shop, &LabelKey::of(&secret), days, salt_of).await?;
    let CustomerProof { completeness, proof, key } = proof;
    for leaf in completeness.leaves.iter().filter(|leaf| leaf.object.is_none()) {
        reader.reads(stack, shop, &leaf.communication, AccessKind::Proof).await?;
    }
    let bundle = CustomerBundle {
        objects: objects(stack, &completeness).await?,
        completeness: serde_json::to_vec(&completeness)?,
        proof: proof.to_string().into_bytes(),
        key: format!("{key}\n").into_bytes(),
    };
    // what does not hold is not handed out as a proof
    let complete = completeness::check(&bundle, None)?;
    std::fs::create_dir_all(out)?;
    let file = out.join(format!("{}-{}-{}.proof.zip", own.as_str(), days.0, days.1));
    write(&file, &bundle)?;
    say!("{}", file.display());
    say!(
        "{} communications from {} to {} and no others, of those that cannot be erased",
        complete.records.len(),
        days.0,
        days.1
    );
    Ok(ExitCode::SUCCESS)
}

async fn ledger_entry(stack: &Stack, entry: &Entry) -> Result<Option<LedgerEntry>, LogError> {
    stack.ledger.get(&entry.communication).await.map_err(|error| LogError::Request {
        doing: "reading",
        what: "the ledger".to_owned(),
        source: error.into(),
    })
}

/// The objects of the leaves as they are archived.
async fn objects(stack: &Stack, completeness: &Completeness) -> Result<BTreeMap<u64, Vec<u8>>, Failure> {
    let mut objects = BTreeMap::new();
    for leaf in &completeness.leaves {
        let entry = stack.entry(&leaf.communication).await?;
        let archived = entry.archived.as_ref().ok_or("nothing of it is archived")?;
        let (version, sha256) = (&archived.record_version, &archived.record_sha256);
        let json = match &leaf.object {
            None => stack.archive.record_of(&archived.archive_key, version).await?.1,
            Some(name) => {
                let number = fact_number(name)
                    .ok_or_else(|| format!("leaf {}: it is neither a record nor a fact", leaf.index))?;
                let record = RecordRef::beside(&archived.archive_key, &leaf.communication, version, sha256);
                stack.archive.fact(&record, number, None).await?.1
            }
        };
        objects.insert(leaf.index, json.to_vec());
    }
    Ok(objects)
}

fn write(file: &Path, bundle: &CustomerBundle) -> Result<(), Failure> {
    let objects = object_names(bundle);
    let mut parts = parts_of(bundle, include_bytes!("customer_proof.txt"), &objects);
    let sums = bundle::sums(parts.iter().copied());
    parts.push((names::SUMS, &sums));
    proof::write(file, parts)
}

/// What the objects of the leaves are called, in their order.
fn object_names(bundle: &CustomerBundle) -> Vec<String> {
    bundle.objects.keys().map(|index| format!("{OBJECTS}{index}.json")).collect()
}

/// All parts that have a sum, by their names, in the order of the file.
fn parts_of<'a>(
    bundle: &'a CustomerBundle,
    page: &'a [u8],
    objects: &'a [String],
) -> Vec<(&'a str, &'a [u8])> {
    let mut parts: Vec<(&str, &[u8])> = vec![
        (names::PAGE, page),
        (completeness::PART, &bundle.completeness),
        (completeness::PROOF, &bundle.proof),
        (names::KEY, &bundle.key),
    ];
    parts.extend(objects.iter().map(String::as_str).zip(bundle.objects.values().map(Vec::as_slice)));
    parts
}

/// Checks the parts of such a file.
pub fn verify(parts: &BTreeMap<String, Vec<u8>>, key: Option<&VerifierKey>) -> Result<ExitCode, Failure> {
    let part =
        |name: &str| parts.get(name).cloned().ok_or_else(|| Failure::from(format!("{name}: it is missing")));
    let mut objects = BTreeMap::new();
    for (name, bytes) in parts {
        if let Some(index) = name.strip_prefix(OBJECTS) {
            let index = index.strip_suffix(".json").and_then(|index| index.parse().ok());
            objects.insert(index.ok_or_else(|| format!("{name}: a proof has no such part"))?, bytes.clone());
        }
    }
    let bundle = CustomerBundle {
        completeness: part(completeness::PART)?,
        proof: part(completeness::PROOF)?,
        key: part(names::KEY)?,
        objects,
    };
    let page = part(names::PAGE)?;
    let objects = object_names(&bundle);
    let listed = parts_of(&bundle, &page, &objects);
    if parts.len() != listed.len() + 1 {
        return Err("the proof has other parts than it should have".into());
    }
    bundle::check_sums(&part(names::SUMS)?, listed)?;
    let complete = completeness::check(&bundle, key)?;
    let (from, to) = complete.days;
    say!("{} communications from {from} to {to} and no others", complete.records.len());
    if let Some(customer) = &complete.customer {
        say!("of the customer that the records call {customer}");
    }
    for record in &complete.records {
        say!("{} {} composed at {}", record.document, record.communication, record.composed_at);
    }
    say!("in the log {} of {} leaves", complete.checkpoint.origin.as_str(), complete.checkpoint.size);
    if key.is_none() {
        say!(
            "the key is the one in the file: compare it with one that you have from elsewhere, and give that with --key"
        );
    }
    Ok(ExitCode::SUCCESS)
}
