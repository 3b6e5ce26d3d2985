//! A proof bundle: everything somebody needs who trusts neither us nor the cloud account, to check what was archived.
//! Each part can be checked with tools that nobody here wrote (docs/evidence.md); [`check`] does the same in one step, and
//! names the part that does not fit. No I/O.

use crate::{Salt, log::checkpoint_of};
use archive::{EvidenceRecord, Output};
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
    /// What all this is and how to check it.
    pub const PAGE: &str = "README.txt";
}

/// What all this is and how to check it with tools of others, in plain language. `documents` are the names of those parts.
pub fn page(documents: &[&str]) -> String {
    let check = |name: &&str| {
        format!("  grep -o \"\\\"sha256\\\":\\\"$(sha256sum < {name} | cut -c 1-64)\\\"\" record.json\n")
    };
    let checks: String = documents.iter().map(check).collect();
    let listed: String = documents.iter().map(|name| format!("  {name}\n")).collect();
    include_str!("bundle.txt").replace("{documents}\n", &listed).replace("{checks}\n", &checks)
}

/// The names of the documents of a record, in its order: the last part of their keys. None where two are called the same.
pub fn document_names(record: &EvidenceRecord) -> Option<Vec<&str>> {
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
}

/// What a bundle proves.
#[derive(Debug)]
pub struct Proved {
    /// What was archived.
    pub record: EvidenceRecord,
    /// The log at the moment of the proof.
    pub checkpoint: Checkpoint,
    /// The leaf.
    pub index: u64,
}

/// What does not fit, by the part that does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BundleFault {
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
    /// The record says otherwise.
    #[error("document: not all are those whose lengths and SHA-256 the record has")]
    Document,
}

/// Checks every part against the others, and the key against `trusted`, which comes from elsewhere.
///
/// # Errors
/// The first part that does not fit.
pub fn check(bundle: &Bundle, trusted: Option<&VerifierKey>) -> Result<Proved, BundleFault> {
    let key = std::str::from_utf8(&bundle.key).ok().and_then(|text| text.strip_suffix('\n'));
    let key: VerifierKey = key.and_then(|text| text.parse().ok()).ok_or(BundleFault::Key)?;
    if trusted.is_some_and(|trusted| *trusted != key) {
        return Err(BundleFault::Key);
    }
    if bundle.key_pem != key.to_pem().as_bytes() {
        return Err(BundleFault::KeyPem);
    }
    let proof: TlogProof = std::str::from_utf8(&bundle.proof)
        .ok()
        .and_then(|text| text.parse().ok())
        .filter(|proof: &TlogProof| proof.to_string().as_bytes() == bundle.proof)
        .ok_or(BundleFault::Checkpoint)?;
    let checkpoint = checkpoint_of(names::PROOF, proof.checkpoint.to_string().as_bytes(), &key)
        .map_err(|_| BundleFault::Checkpoint)?;
    let salt: [u8; 32] = bundle.salt.as_slice().try_into().map_err(|_| BundleFault::SaltLength)?;
    let leaf = leaf_hash(&Salt(salt).commit(&bundle.record).0);
    verify_inclusion(leaf, proof.index, checkpoint.size, &proof.hashes, checkpoint.root)
        .map_err(BundleFault::Leaf)?;
    let record: EvidenceRecord = serde_json::from_slice(&bundle.record).map_err(|_| BundleFault::Record)?;
    let is_recorded = |(output, document): (&Output, &Vec<u8>)| {
        output.bytes == document.len() as u64 && output.sha256 == archive::sha256_hex(document)
    };
    let mut pairs = record.outputs.iter().zip(&bundle.documents);
    if record.outputs.len() != bundle.documents.len() || !pairs.all(is_recorded) {
        return Err(BundleFault::Document);
    }
    Ok(Proved { record, checkpoint, index: proof.index })
}
