//! The hash functions that imprints and signatures are made with.

use aws_lc_rs::digest;
use der::{
    Any, Tag,
    asn1::{ObjectIdentifier, OctetString},
};
use std::{fmt, str::FromStr};
use x509_cert::spki::AlgorithmIdentifier;
use x509_tsp::MessageImprint;

/// A hash function of FIPS 180-4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Digest {
    /// SHA-256
    Sha256,
    /// SHA-384
    Sha384,
    /// SHA-512
    Sha512,
}

impl Digest {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// Its name: `sha256` and so on.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// What it is called in ASN.1.
    pub const fn oid(self) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(match self {
            Self::Sha256 => "2.16.840.1.101.3.4.2.1",
            Self::Sha384 => "2.16.840.1.101.3.4.2.2",
            Self::Sha512 => "2.16.840.1.101.3.4.2.3",
        })
    }

    /// The one with this identifier.
    pub fn of(oid: ObjectIdentifier) -> Option<Self> {
        Self::ALL.into_iter().find(|digest| digest.oid() == oid)
    }

    /// As it is named in structures, with the parameters that most software writes: NULL.
    pub fn algorithm(self) -> AlgorithmIdentifier<Any> {
        let parameters = Any::new(Tag::Null, []).ok();
        AlgorithmIdentifier { oid: self.oid(), parameters }
    }

    /// The hash of `data`.
    pub fn hash(self, data: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, data).as_ref().to_vec()
    }

    /// How many bytes a hash has.
    pub const fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Digest {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|digest| digest.name() == name).ok_or("expected sha256, sha384 or sha512")
    }
}

/// What is stamped: a hash, and what it was made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imprint {
    digest: Digest,
    hash: Vec<u8>,
}

impl Imprint {
    /// Of `data`.
    pub fn of(digest: Digest, data: &[u8]) -> Self {
        Self { digest, hash: digest.hash(data) }
    }

    /// A hash that was made; none if it is not as long as those are.
    pub fn from_hash(digest: Digest, hash: Vec<u8>) -> Option<Self> {
        (hash.len() == digest.length()).then_some(Self { digest, hash })
    }

    /// What it was made with.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The hash.
    pub fn hash(&self) -> &[u8] {
        &self.hash
    }

    pub(crate) fn message(&self) -> der::Result<MessageImprint> {
        let hashed_message = OctetString::new(self.hash.clone())?;
        Ok(MessageImprint { hash_algorithm: self.digest.algorithm(), hashed_message })
    }

    pub(crate) fn read(message: &MessageImprint) -> Option<Self> {
        let digest = Digest::of(message.hash_algorithm.oid)?;
        Self::from_hash(digest, message.hashed_message.as_bytes().to_vec())
    }
}
