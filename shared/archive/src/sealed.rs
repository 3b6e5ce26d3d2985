//! What of an erasable document lies in the archive: each object encrypted with its customer's secret, and what its metadata
//! would say of the content encrypted beside it. Without the secret, neither the content nor a hash of it can be told.

use crate::{
    ArchiveError, Details,
    envelope::{self, EnvelopeError, Header},
    metadata::Metadata,
    sha256_hex,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use commitments::CommitmentSecret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The metadata that only who has the secret can read.
const METADATA: &str = "sealed";
/// Keeps the names of further outputs apart from everything else that follows from the secret.
const NAME_PURPOSE: &[u8] = b"shopify-exstream output name/1";

/// What lies in the archive in an output's place, where the output is encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sealed {
    /// The size of the object.
    pub bytes: u64,
    /// SHA-256 of the object, in hexadecimal.
    pub sha256: String,
}

/// Of an encrypted output, what the metadata of others says openly.
#[derive(Serialize, Deserialize)]
pub(crate) struct SealedFacts {
    pub bytes: u64,
    pub sha256: String,
    /// Of a primary output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
}

/// The bytes of an object as they are put.
pub(crate) struct ObjectBytes {
    pub bytes: Bytes,
    pub sha256: String,
    /// Where they are encrypted.
    pub sealed: Option<Sealed>,
}

impl ObjectBytes {
    /// Encrypts the content, whose SHA-256 is `sha256`, if there is a secret.
    pub fn of(
        content: &Bytes,
        sha256: &str,
        key: &str,
        secret: Option<&CommitmentSecret>,
    ) -> Result<Self, ArchiveError> {
        let refused = |source| ArchiveError::Envelope { key: key.to_owned(), source };
        match secret {
            Some(secret) => {
                let bytes = envelope::seal(secret, key, content).map_err(refused)?;
                let sha256 = sha256_hex(&bytes);
                let sealed = Sealed { bytes: bytes.len() as u64, sha256: sha256.clone() };
                Ok(Self { bytes, sha256, sealed: Some(sealed) })
            }
            // whoever reads it would take it for encrypted
            None if envelope::is_sealed(content) => Err(refused(EnvelopeError::Header)),
            None => Ok(Self { bytes: content.clone(), sha256: sha256.to_owned(), sealed: None }),
        }
    }
}

/// What a further output is named by: the hash of its content, or one that only who has the secret can compute.
pub(crate) fn naming_hash(sha256: &str, secret: Option<&CommitmentSecret>) -> String {
    match secret {
        Some(secret) => hex::encode(secret.keyed_hash(NAME_PURPOSE, sha256.as_bytes())),
        None => sha256.to_owned(),
    }
}

/// Encrypts the facts of an object into its metadata.
pub(crate) fn put_facts(
    metadata: &mut Metadata,
    facts: &SealedFacts,
    key: &str,
    secret: &CommitmentSecret,
) -> Result<(), ArchiveError> {
    let json = serde_json::to_vec(facts).map_err(ArchiveError::Record)?;
    let sealed = envelope::seal(secret, &name(key), &json);
    let sealed = sealed.map_err(|source| ArchiveError::Envelope { key: key.to_owned(), source })?;
    metadata.insert(METADATA.to_owned(), BASE64_STANDARD.encode(sealed));
    Ok(())
}

/// The encrypted facts of an object, and whose secret opens them.
pub(crate) fn sealed_facts(metadata: &Metadata) -> Option<Result<(Header, Vec<u8>), EnvelopeError>> {
    let text = metadata.get(METADATA)?;
    let bytes = BASE64_STANDARD.decode(text).map_err(|_| EnvelopeError::Header);
    Some(bytes.and_then(|bytes| Ok((Header::of(&bytes)?, bytes))))
}

pub(crate) fn open_facts(
    secret: &CommitmentSecret,
    key: &str,
    sealed: &[u8],
) -> Result<SealedFacts, EnvelopeError> {
    let json = envelope::open(secret, &name(key), sealed)?;
    serde_json::from_slice(&json).map_err(|_| EnvelopeError::Refused)
}

/// No object has such a key, so the facts of one never pass for an object.
fn name(key: &str) -> String {
    format!("{key}#facts")
}
