//! A proof bundle: everything somebody needs who trusts neither us nor the cloud account, to check what was archived and what
//! became of it. Each part can be checked with tools that nobody here wrote (docs/evidence.md); [`check`] does the same in
//! one step, and names the part that does not fit. No I/O.

mod page;

pub use page::{fact_text, page};

use crate::{Salt, log::checkpoint_of};
use archive::{FactRecord, Output, fact_name, sha256_hex};
use jiff::Timestamp;
use rfc3161::{Authorities, TimeStamp};
use rfc4998::EvidenceRecord;
use std::collections::{BTreeMap, BTreeSet};
use tlog::{Checkpoint, TlogProof, Unproven, VerifierKey, leaf_hash, verify_inclusion};

/// Names of the parts. Those of a leaf begin with its stem: `record`, `fact-01` and so on.
pub mod names {
    /// The stem of the evidence record's parts.
    pub const RECORD: &str = "record";
    /// The object as it is archived.
    pub const JSON: &str = ".json";
    /// The 32 bytes that are hashed with it.
    pub const SALT: &str = ".salt";
    /// The inclusion proof with the checkpoint, c2sp.org/tlog-proof.
    pub const PROOF: &str = ".tlog-proof";
    /// The first time-stamp of the checkpoint, RFC 3161.
    pub const TIME_STAMP: &str = ".tst";
    /// All time-stamps of the checkpoint, RFC 4998.
    pub const EVIDENCE_RECORD: &str = ".ers";
    /// The public key of the log, c2sp.org/signed-note.
    pub const KEY: &str = "log-key.txt";
    /// The same key, as OpenSSL reads it.
    pub const KEY_PEM: &str = "log-key.pem";
    /// The root certificates of the authorities that stamped it.
    pub const AUTHORITY: &str = "authority.pem";
    /// The SHA-256 of each part but this one.
    pub const SUMS: &str = "SHA256SUMS";
    /// What all this is and how to check it.
    pub const PAGE: &str = "README.txt";
}

/// The SHA-256 of each part by its name, as `sha256sum -c` reads it.
pub fn sums<'a, N: AsRef<str>>(parts: impl IntoIterator<Item = (N, &'a [u8])>) -> Vec<u8> {
    let line = |(name, bytes): (N, &[u8])| format!("{}  {}\n", sha256_hex(bytes), name.as_ref());
    parts.into_iter().map(line).collect::<String>().into_bytes()
}

/// The names of the documents of a record, in its order: the last part of their keys. None where two are called the same.
pub fn document_names(record: &archive::EvidenceRecord) -> Option<Vec<&str>> {
    let names: Vec<&str> =
        record.outputs.iter().filter_map(|output| output.object.rsplit('/').next()).collect();
    let different: BTreeSet<&str> = names.iter().copied().collect();
    (different.len() == record.outputs.len()).then_some(names)
}

/// The parts that prove something.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// The outputs as they are archived, in the order of the record.
    pub documents: Vec<Vec<u8>>,
    /// The evidence record.
    pub record: LeafParts,
    /// What became of it, in the order of the chain, from its beginning.
    pub facts: Vec<LeafParts>,
    /// [`names::KEY`].
    pub key: Vec<u8>,
    /// [`names::KEY_PEM`].
    pub key_pem: Vec<u8>,
    /// [`names::AUTHORITY`]; none where nothing is time-stamped.
    pub authority: Option<Vec<u8>>,
    /// [`names::SUMS`]
    pub sums: Vec<u8>,
}

/// An object that the log has, with what proves it.
#[derive(Debug, Clone)]
pub struct LeafParts {
    /// [`names::JSON`].
    pub json: Vec<u8>,
    /// [`names::SALT`].
    pub salt: Vec<u8>,
    /// [`names::PROOF`].
    pub proof: Vec<u8>,
    /// None where the checkpoint has no time-stamp.
    pub time: Option<TimeParts>,
}

/// The parts that prove when.
#[derive(Debug, Clone)]
pub struct TimeParts {
    /// [`names::TIME_STAMP`]
    pub time_stamp: Vec<u8>,
    /// [`names::EVIDENCE_RECORD`]
    pub evidence_record: Vec<u8>,
}

/// What is known from elsewhere.
#[derive(Debug, Clone, Copy)]
pub struct Trust<'a> {
    /// The key of the log; without it, the bundle's own is taken.
    pub key: Option<&'a VerifierKey>,
    /// The authorities; without them, the bundle's own are taken.
    pub authorities: Option<&'a Authorities>,
    /// When it is checked: the last time-stamp must not have expired.
    pub at: Timestamp,
}

/// What a bundle proves.
#[derive(Debug)]
pub struct Proved {
    /// What was archived.
    pub record: archive::EvidenceRecord,
    /// Where the record is in the log.
    pub leaf: ProvedLeaf,
    /// What became of it, as far as the bundle says.
    pub facts: Vec<(FactRecord, ProvedLeaf)>,
}

/// Where an object is in the log.
#[derive(Debug)]
pub struct ProvedLeaf {
    /// The log at the moment of the proof.
    pub checkpoint: Checkpoint,
    /// The leaf.
    pub index: u64,
    /// When the checkpoint was stamped.
    pub time: Option<rfc4998::Proved>,
}

/// What does not fit, by the part that does not. The first text of several is the stem of a leaf's parts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleFault {
    /// It is not there.
    #[error("{0}: it is missing")]
    Missing(String),
    /// It belongs to nothing.
    #[error("{0}: a bundle has no such part")]
    Unknown(String),
    /// Its hash is another one.
    #[error("{0}: it is not what SHA256SUMS says")]
    Sum(String),
    /// It has lines for other parts.
    #[error("SHA256SUMS: it does not list the parts")]
    Sums,
    /// Not a key, or not the one that is trusted.
    #[error("log-key.txt: it is not the key of the log")]
    Key,
    /// Not the same key.
    #[error("log-key.pem: it is not the key in log-key.txt")]
    KeyPem,
    /// Not a proof, or a checkpoint that the key did not sign.
    #[error("{0}.tlog-proof: it has no checkpoint that the key of the log signed")]
    Checkpoint(String),
    /// Not 32 bytes.
    #[error("{0}.salt: it has not 32 bytes")]
    SaltLength(String),
    /// What the log has is not this object with this salt.
    #[error("{0}.json, {0}.salt, {0}.tlog-proof: they do not lead to the root that the log signed: {1}")]
    Leaf(String, Unproven),
    /// Signed by the log, and still not a record.
    #[error("record.json: it is not an evidence record")]
    Record,
    /// Two outputs would be one part.
    #[error("record.json: two of its outputs have the same name")]
    Names,
    /// Signed by the log, and not the fact of this communication that stands here.
    #[error("{0}.json: it is not the fact of this communication that follows the part before it")]
    Fact(String),
    /// Not what RFC 3161 and 4998 say, or not the same.
    #[error("{0}.ers, {0}.tst, authority.pem: {1}")]
    TimeForm(String, &'static str),
    /// It does not prove a time of this checkpoint.
    #[error("{0}.ers, authority.pem: {1}")]
    Time(String, rfc4998::Unproven),
    /// The record says otherwise.
    #[error("document: not all are those whose lengths and SHA-256 the record has")]
    Document,
}

impl LeafParts {
    fn parts<'a>(&'a self, stem: &str, parts: &mut Vec<(String, &'a [u8])>) {
        let time = self.time.as_ref();
        let all = [
            (names::JSON, Some(&self.json)),
            (names::SALT, Some(&self.salt)),
            (names::PROOF, Some(&self.proof)),
            (names::TIME_STAMP, time.map(|time| &time.time_stamp)),
            (names::EVIDENCE_RECORD, time.map(|time| &time.evidence_record)),
        ];
        let there = all.into_iter().filter_map(|(kind, bytes)| Some((kind, bytes?)));
        parts.extend(there.map(|(kind, bytes)| (format!("{stem}{kind}"), bytes.as_slice())));
    }

    fn take(stem: &str, parts: &mut BTreeMap<String, Vec<u8>>) -> Result<Self, BundleFault> {
        let mut take = |kind: &str| take(&format!("{stem}{kind}"), parts);
        let (json, salt, proof) = (take(names::JSON)?, take(names::SALT)?, take(names::PROOF)?);
        let time = match (take(names::TIME_STAMP), take(names::EVIDENCE_RECORD)) {
            (Err(_), Err(_)) => None,
            (time_stamp, evidence_record) => {
                Some(TimeParts { time_stamp: time_stamp?, evidence_record: evidence_record? })
            }
        };
        Ok(Self { json, salt, proof, time })
    }
}

fn take(name: &str, parts: &mut BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, BundleFault> {
    parts.remove(name).ok_or_else(|| BundleFault::Missing(name.to_owned()))
}

/// The stem of the parts of a fact.
fn fact_stem(number: u32) -> String {
    fact_name(number).trim_end_matches(names::JSON).to_owned()
}

impl Bundle {
    /// All parts that have a sum, by their names, in the order of a bundle. `page` is [`names::PAGE`].
    pub fn parts<'a>(&'a self, documents: &[&str], page: &'a [u8]) -> Vec<(String, &'a [u8])> {
        let mut parts = vec![(names::PAGE.to_owned(), page)];
        for (stem, leaf) in self.leaves() {
            leaf.parts(&stem, &mut parts);
        }
        let keys = [
            (names::KEY, Some(&self.key)),
            (names::KEY_PEM, Some(&self.key_pem)),
            (names::AUTHORITY, self.authority.as_ref()),
        ];
        let there = keys.into_iter().filter_map(|(name, bytes)| Some((name, bytes?)));
        let documents = documents.iter().copied().zip(&self.documents);
        parts.extend(there.chain(documents).map(|(name, bytes)| (name.to_owned(), bytes.as_slice())));
        parts
    }

    /// The record and the facts, each with its stem.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = (String, &LeafParts)> {
        let facts = (1..).map(fact_stem).zip(&self.facts);
        std::iter::once((names::RECORD.to_owned(), &self.record)).chain(facts)
    }

    /// The bundle that these parts are, each of which is what the sums say.
    ///
    /// # Errors
    /// The first part that is missing, too many, or not what the sums say.
    pub fn from_parts(mut parts: BTreeMap<String, Vec<u8>>) -> Result<Self, BundleFault> {
        let parts = &mut parts;
        let (page, sums) = (take(names::PAGE, parts)?, take(names::SUMS, parts)?);
        let mut bundle = Self {
            documents: Vec::new(),
            record: LeafParts::take(names::RECORD, parts)?,
            facts: Vec::new(),
            key: take(names::KEY, parts)?,
            key_pem: take(names::KEY_PEM, parts)?,
            authority: parts.remove(names::AUTHORITY),
            sums,
        };
        for stem in (1..).map(fact_stem) {
            if !parts.contains_key(&format!("{stem}{}", names::JSON)) {
                break;
            }
            bundle.facts.push(LeafParts::take(&stem, parts)?);
        }
        let record: archive::EvidenceRecord =
            serde_json::from_slice(&bundle.record.json).map_err(|_| BundleFault::Record)?;
        let names = document_names(&record).ok_or(BundleFault::Names)?;
        for name in &names {
            bundle.documents.push(take(name, parts)?);
        }
        if let Some(name) = parts.keys().next() {
            return Err(BundleFault::Unknown(name.clone()));
        }
        check_sums(&bundle.sums, bundle.parts(&names, &page))?;
        Ok(bundle)
    }
}

/// Whether each part is what the sums say. That finds a part that was damaged and names it; whoever changes a part on
/// purpose can change its sum as well, which is what [`check`] is for.
///
/// # Errors
/// The first part that is not.
pub fn check_sums<'a, N: AsRef<str>>(
    sums: &[u8],
    parts: impl IntoIterator<Item = (N, &'a [u8])>,
) -> Result<(), BundleFault> {
    let text = std::str::from_utf8(sums).map_err(|_| BundleFault::Sums)?;
    let mut lines = text.split_terminator('\n');
    for (name, bytes) in parts {
        let (sum, named) = lines.next().and_then(|line| line.split_once("  ")).ok_or(BundleFault::Sums)?;
        if named != name.as_ref() {
            return Err(BundleFault::Sums);
        }
        if sum != sha256_hex(bytes) {
            return Err(BundleFault::Sum(named.to_owned()));
        }
    }
    if lines.next().is_none() && text.ends_with('\n') { Ok(()) } else { Err(BundleFault::Sums) }
}

/// Checks every part against the others, and against `trust`, which comes from elsewhere. The sums are [`check_sums`].
///
/// # Errors
/// The first part that does not fit.
pub fn check(bundle: &Bundle, trust: &Trust<'_>) -> Result<Proved, BundleFault> {
    let key = key_of(&bundle.key).ok_or(BundleFault::Key)?;
    if trust.key.is_some_and(|trusted| *trusted != key) {
        return Err(BundleFault::Key);
    }
    if bundle.key_pem != key.to_pem().as_bytes() {
        return Err(BundleFault::KeyPem);
    }
    let check = Check { key: &key, authority: bundle.authority.as_deref(), trust };
    let leaf = check.leaf(names::RECORD, &bundle.record)?;
    let record: archive::EvidenceRecord =
        serde_json::from_slice(&bundle.record.json).map_err(|_| BundleFault::Record)?;
    let is_recorded = |(output, document): (&Output, &Vec<u8>)| {
        output.bytes == document.len() as u64 && output.sha256 == sha256_hex(document)
    };
    let mut pairs = record.outputs.iter().zip(&bundle.documents);
    if record.outputs.len() != bundle.documents.len() || !pairs.all(is_recorded) {
        return Err(BundleFault::Document);
    }
    let record_sha256 = sha256_hex(&bundle.record.json);
    let (mut facts, mut previous) = (Vec::new(), record_sha256.clone());
    for (number, parts) in (1..).zip(&bundle.facts) {
        let stem = fact_stem(number);
        let leaf = check.leaf(&stem, parts)?;
        let fact: FactRecord =
            serde_json::from_slice(&parts.json).map_err(|_| BundleFault::Fact(stem.clone()))?;
        if fact.number != number
            || fact.communication != record.communication
            || fact.record_sha256 != record_sha256
            || fact.previous_sha256 != previous
        {
            return Err(BundleFault::Fact(stem));
        }
        previous = sha256_hex(&parts.json);
        facts.push((fact, leaf));
    }
    Ok(Proved { record, leaf, facts })
}

/// What all leaves of a bundle are checked against.
struct Check<'a> {
    key: &'a VerifierKey,
    authority: Option<&'a [u8]>,
    trust: &'a Trust<'a>,
}

impl Check<'_> {
    fn leaf(&self, stem: &str, parts: &LeafParts) -> Result<ProvedLeaf, BundleFault> {
        let proof = proof_of(&parts.proof, self.key);
        let (proof, checkpoint) = proof.ok_or_else(|| BundleFault::Checkpoint(stem.to_owned()))?;
        let salt: [u8; 32] =
            parts.salt.as_slice().try_into().map_err(|_| BundleFault::SaltLength(stem.to_owned()))?;
        let leaf = leaf_hash(&Salt(salt).commit(&parts.json).0);
        verify_inclusion(leaf, proof.index, checkpoint.size, &proof.hashes, checkpoint.root)
            .map_err(|error| BundleFault::Leaf(stem.to_owned(), error))?;
        let note = proof.checkpoint.to_string();
        let time = parts.time.as_ref().map(|parts| self.time(stem, parts, note.as_bytes())).transpose()?;
        Ok(ProvedLeaf { checkpoint, index: proof.index, time })
    }

    /// When the checkpoint was stamped.
    fn time(&self, stem: &str, parts: &TimeParts, checkpoint: &[u8]) -> Result<rfc4998::Proved, BundleFault> {
        let form = |what| BundleFault::TimeForm(stem.to_owned(), what);
        let pem = self.authority.and_then(|pem| std::str::from_utf8(pem).ok());
        let own = pem.and_then(|pem| Authorities::from_pem(pem).ok());
        let own = own.ok_or_else(|| form("there are no certificates"))?;
        let record = EvidenceRecord::from_der(&parts.evidence_record);
        let record = record.map_err(|_| form("there is no evidence record"))?;
        if record.first().map(TimeStamp::to_der) != Some(&parts.time_stamp) {
            return Err(form("the time-stamp is not the first of the evidence record"));
        }
        record
            .verify(checkpoint, self.trust.authorities.unwrap_or(&own), self.trust.at)
            .map_err(|error| BundleFault::Time(stem.to_owned(), error))
    }
}

/// The key in [`names::KEY`].
pub(crate) fn key_of(part: &[u8]) -> Option<VerifierKey> {
    std::str::from_utf8(part).ok()?.strip_suffix('\n')?.parse().ok()
}

/// The proof in [`names::PROOF`], in its one form, with its checkpoint, which the key signed.
pub(crate) fn proof_of(part: &[u8], key: &VerifierKey) -> Option<(TlogProof, Checkpoint)> {
    let proof: TlogProof = std::str::from_utf8(part).ok()?.parse().ok()?;
    let note = proof.checkpoint.to_string();
    let checkpoint = checkpoint_of(names::PROOF, note.as_bytes(), key).ok()?;
    (proof.to_string().as_bytes() == part).then_some((proof, checkpoint))
}
