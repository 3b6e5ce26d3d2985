//! A proof bundle: everything somebody needs who trusts neither us nor the cloud account, to check what was archived.
//! Each part can be checked with tools that nobody here wrote (docs/evidence.md); [`check`] does the same in one step, and
//! names the part that does not fit. No I/O.

use crate::{Salt, log::checkpoint_of};
use archive::{Output, sha256_hex};
use jiff::Timestamp;
use rfc3161::{Authorities, TimeStamp};
use rfc4998::EvidenceRecord;
use std::collections::BTreeSet;
use tlog::{Checkpoint, TlogProof, Unproven, VerifierKey, leaf_hash, verify_inclusion};

/// Names of the parts.
pub mod names {
    /// The evidence record, as it is archived.
    pub const RECORD: &str = "record.json";
    /// The inclusion proof with the checkpoint, c2sp.org/tlog-proof.
    pub const PROOF: &str = "record.tlog-proof";
    /// The 32 bytes that are hashed with the record.
    pub const SALT: &str = "salt.bin";
    /// The public key of the log, c2sp.org/signed-note.
    pub const KEY: &str = "log-key.txt";
    /// The same key, as OpenSSL reads it.
    pub const KEY_PEM: &str = "log-key.pem";
    /// The first time-stamp of the checkpoint, RFC 3161.
    pub const TIME_STAMP: &str = "time-stamp.tst";
    /// All time-stamps of the checkpoint, RFC 4998.
    pub const EVIDENCE_RECORD: &str = "evidence-record.ers";
    /// The root certificates of the authorities that stamped it.
    pub const AUTHORITY: &str = "authority.pem";
    /// The SHA-256 of each part but this one.
    pub const SUMS: &str = "SHA256SUMS";
    /// What all this is and how to check it.
    pub const PAGE: &str = "README.txt";
}

/// What all this is and how to check it with tools of others, in plain language. `documents` are the names of those parts.
pub fn page(documents: &[&str], is_stamped: bool) -> String {
    let check = |name: &&str| {
        format!("  grep -o \"\\\"sha256\\\":\\\"$(sha256sum < {name} | cut -c 1-64)\\\"\" record.json\n")
    };
    let checks: String = documents.iter().map(check).collect();
    let listed: String = documents.iter().map(|name| format!("  {name}\n")).collect();
    let [parts, time, limits] = if is_stamped {
        [
            include_str!("bundle-parts.txt"),
            include_str!("bundle-time.txt"),
            "When the document was composed: only that it was there when it was stamped.",
        ]
    } else {
        [
            "",
            "",
            "When the checkpoint was signed: it has no time-stamp. Compare with a checkpoint that somebody else has kept.",
        ]
    };
    include_str!("bundle.txt")
        .replace("{documents}\n", &listed)
        .replace("{checks}\n", &checks)
        .replace("{parts}\n", parts)
        .replace("{time}\n", time)
        .replace("{limits}", limits)
}

/// The SHA-256 of each part by its name, as `sha256sum -c` reads it.
pub fn sums<'a>(parts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let line = |(name, bytes): (&str, &[u8])| format!("{}  {name}\n", sha256_hex(bytes));
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
    /// [`names::RECORD`].
    pub record: Vec<u8>,
    /// [`names::PROOF`].
    pub proof: Vec<u8>,
    /// [`names::SALT`].
    pub salt: Vec<u8>,
    /// [`names::KEY`].
    pub key: Vec<u8>,
    /// [`names::KEY_PEM`].
    pub key_pem: Vec<u8>,
    /// None where the checkpoint has no time-stamp.
    pub time: Option<TimeParts>,
    /// [`names::SUMS`]
    pub sums: Vec<u8>,
}

/// The parts that prove when.
#[derive(Debug, Clone)]
pub struct TimeParts {
    /// [`names::TIME_STAMP`]
    pub time_stamp: Vec<u8>,
    /// [`names::EVIDENCE_RECORD`]
    pub evidence_record: Vec<u8>,
    /// [`names::AUTHORITY`]
    pub authority: Vec<u8>,
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
    /// The log at the moment of the proof.
    pub checkpoint: Checkpoint,
    /// The leaf.
    pub index: u64,
    /// When the checkpoint was stamped.
    pub time: Option<rfc4998::Proved>,
}

/// What does not fit, by the part that does not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleFault {
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
    #[error("record.tlog-proof: it has no checkpoint that the key of the log signed")]
    Checkpoint,
    /// Not 32 bytes.
    #[error("salt.bin: it has not 32 bytes")]
    SaltLength,
    /// What the log has is not this record with this salt.
    #[error(
        "record.json, salt.bin, record.tlog-proof: they do not lead to the root that the log signed: {0}"
    )]
    Leaf(Unproven),
    /// Signed by the log, and still not a record.
    #[error("record.json: it is not an evidence record")]
    Record,
    /// Not what RFC 3161 and 4998 say, or not the same.
    #[error("evidence-record.ers, time-stamp.tst, authority.pem: {0}")]
    TimeForm(&'static str),
    /// It does not prove a time of this checkpoint.
    #[error("evidence-record.ers, authority.pem: {0}")]
    Time(rfc4998::Unproven),
    /// The record says otherwise.
    #[error("document: not all are those whose lengths and SHA-256 the record has")]
    Document,
}

impl Bundle {
    /// All parts that have a sum, by their names, in the order of a bundle. `page` is [`names::PAGE`].
    pub fn parts<'a>(&'a self, documents: &[&'a str], page: &'a [u8]) -> Vec<(&'a str, &'a [u8])> {
        let mut parts: Vec<(&str, &[u8])> = vec![
            (names::PAGE, page),
            (names::RECORD, &self.record),
            (names::PROOF, &self.proof),
            (names::SALT, &self.salt),
            (names::KEY, &self.key),
            (names::KEY_PEM, &self.key_pem),
        ];
        if let Some(TimeParts { time_stamp, evidence_record, authority }) = &self.time {
            parts.push((names::TIME_STAMP, time_stamp));
            parts.push((names::EVIDENCE_RECORD, evidence_record));
            parts.push((names::AUTHORITY, authority));
        }
        parts.extend(documents.iter().copied().zip(self.documents.iter().map(Vec::as_slice)));
        parts
    }
}

/// Whether each part is what the sums say. That finds a part that was damaged and names it; whoever changes a part on
/// purpose can change its sum as well, which is what [`check`] is for.
///
/// # Errors
/// The first part that is not.
pub fn check_sums<'a>(
    sums: &[u8],
    parts: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> Result<(), BundleFault> {
    let text = std::str::from_utf8(sums).map_err(|_| BundleFault::Sums)?;
    let mut lines = text.split_terminator('\n');
    for (name, bytes) in parts {
        let (sum, named) = lines.next().and_then(|line| line.split_once("  ")).ok_or(BundleFault::Sums)?;
        if named != name {
            return Err(BundleFault::Sums);
        }
        if sum != sha256_hex(bytes) {
            return Err(BundleFault::Sum(name.to_owned()));
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
    let (proof, checkpoint) = proof_of(&bundle.proof, &key).ok_or(BundleFault::Checkpoint)?;
    let salt: [u8; 32] = bundle.salt.as_slice().try_into().map_err(|_| BundleFault::SaltLength)?;
    let leaf = leaf_hash(&Salt(salt).commit(&bundle.record).0);
    verify_inclusion(leaf, proof.index, checkpoint.size, &proof.hashes, checkpoint.root)
        .map_err(BundleFault::Leaf)?;
    let record: archive::EvidenceRecord =
        serde_json::from_slice(&bundle.record).map_err(|_| BundleFault::Record)?;
    let is_recorded = |(output, document): (&Output, &Vec<u8>)| {
        output.bytes == document.len() as u64 && output.sha256 == sha256_hex(document)
    };
    let mut pairs = record.outputs.iter().zip(&bundle.documents);
    if record.outputs.len() != bundle.documents.len() || !pairs.all(is_recorded) {
        return Err(BundleFault::Document);
    }
    let note = proof.checkpoint.to_string();
    let time = bundle.time.as_ref().map(|parts| time(parts, note.as_bytes(), trust)).transpose()?;
    Ok(Proved { record, checkpoint, index: proof.index, time })
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

/// When the checkpoint was stamped.
fn time(parts: &TimeParts, checkpoint: &[u8], trust: &Trust<'_>) -> Result<rfc4998::Proved, BundleFault> {
    let form = BundleFault::TimeForm;
    let pem = std::str::from_utf8(&parts.authority).map_err(|_| form("there are no certificates"))?;
    let own = Authorities::from_pem(pem).map_err(|_| form("there are no certificates"))?;
    let record = EvidenceRecord::from_der(&parts.evidence_record);
    let record = record.map_err(|_| form("there is no evidence record"))?;
    if record.first().map(TimeStamp::to_der) != Some(&parts.time_stamp) {
        return Err(form("the time-stamp is not the first of the evidence record"));
    }
    record.verify(checkpoint, trust.authorities.unwrap_or(&own), trust.at).map_err(BundleFault::Time)
}
