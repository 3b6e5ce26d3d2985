//! What a leaf says of a record: a commitment that tells nothing without its salt; and the other keys that follow from a
//! customer's secret.

use aws_lc_rs::hkdf;
use comms::CommunicationId;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// Says what the secret is used for, so that it could be used for something else as well.
const PURPOSE: &[u8] = b"shopify-exstream evidence salt/1";

/// Says the same of the id of a secret.
const KEY_ID_PURPOSE: &[u8] = b"shopify-exstream key id/1";

/// Whose secret it is: the customer's, or for a record without one, the communication's own.
///
/// A customer has two, because only one of them may be destroyed at the customer's request: with the other, the records
/// that have to be kept would lose their proof.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// By the keyed hash that stands for the customer: of what has to be kept.
    Customer(String),
    /// The same: of what can be erased.
    Erasable(String),
    /// The record names no customer.
    Communication(CommunicationId),
}

/// 32 random bytes that belong to an owner.
#[derive(Clone, PartialEq, Eq)]
pub struct CommitmentSecret([u8; 32]);

/// What is hashed with a record, so that its hash cannot be guessed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt(pub [u8; 32]);

/// An entry of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Commitment(pub [u8; 32]);

impl Owner {
    /// Of a record with this `customer`.
    pub fn of(customer: Option<&str>, communication: &CommunicationId) -> Self {
        match customer {
            Some(customer) => Self::Customer(customer.to_owned()),
            None => Self::Communication(communication.clone()),
        }
    }

    /// The same of a record that can be erased.
    pub fn erasable(customer: Option<&str>, communication: &CommunicationId) -> Self {
        match customer {
            Some(customer) => Self::Erasable(customer.to_owned()),
            None => Self::Communication(communication.clone()),
        }
    }
}

/// Tells secrets apart and says nothing of them or their owner once they are destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub [u8; 16]);

impl KeyId {
    /// From hexadecimal digits.
    pub fn from_hex(digits: &str) -> Option<Self> {
        let mut id = [0; 16];
        hex::decode_to_slice(digits, &mut id).ok()?;
        Some(Self(id))
    }

    /// As the index and tombstones have it.
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }
}

impl CommitmentSecret {
    /// From the operating system's randomness; none if it gives none.
    pub fn random() -> Option<Self> {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// As it was stored.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// To store it.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The salt of an object of a communication; `None` is its record. Each has one of its own.
    pub fn salt(&self, communication: &CommunicationId, object: Option<&str>) -> Salt {
        let of = match object {
            Some(object) => format!("{communication}/{object}"),
            None => communication.to_string(),
        };
        Salt(self.keyed_hash(PURPOSE, of.as_bytes()))
    }

    /// What encrypted objects name the secret by.
    pub fn key_id(&self) -> KeyId {
        let hash = self.keyed_hash(KEY_ID_PURPOSE, &[]);
        let mut id = [0; 16];
        id.copy_from_slice(hash.split_at(16).0);
        KeyId(id)
    }

    /// HMAC-SHA256 under the secret. `purpose` keeps uses apart; none is the beginning of another.
    pub fn keyed_hash(&self, purpose: &[u8], of: &[u8]) -> [u8; 32] {
        // SHA-256 takes keys of any length
        #[allow(clippy::expect_used)]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes any key");
        mac.update(purpose);
        mac.update(of);
        mac.finalize().into_bytes().into()
    }

    /// A 256-bit key by HKDF-SHA256 (RFC 5869). None only where the library has a fault.
    pub fn derive(&self, salt: &[u8; 32], info: &[&[u8]]) -> Option<[u8; 32]> {
        let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(&self.0);
        let mut key = [0; 32];
        extracted.expand(info, hkdf::HKDF_SHA256).ok()?.fill(&mut key).ok()?;
        Some(key)
    }
}

impl Salt {
    /// What the log says of the record with these bytes.
    pub fn commit(&self, record: &[u8]) -> Commitment {
        self.commit_hash(Sha256::digest(record).into())
    }

    /// The same for who has only the record's SHA-256.
    pub fn commit_hash(&self, record_sha256: [u8; 32]) -> Commitment {
        Commitment(Sha256::new().chain_update(self.0).chain_update(record_sha256).finalize().into())
    }
}

impl From<Commitment> for String {
    fn from(commitment: Commitment) -> Self {
        hex::encode(commitment.0)
    }
}

impl TryFrom<String> for Commitment {
    type Error = hex::FromHexError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl fmt::Debug for CommitmentSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CommitmentSecret(***)")
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A change would leave every proof of before without its leaf.
    #[test]
    fn the_commitment_is_fixed() {
        let communication = "c4809f9b199959867b344883a5f958d0".parse().unwrap();
        let salt = CommitmentSecret([7; 32]).salt(&communication, None);
        let commitment = String::from(salt.commit(b"{}"));
        assert_eq!(
            (hex::encode(salt.0).as_str(), commitment.as_str()),
            (
                "8566f7116c1f800b64aaa245d08a8c130972b7f991c9e021c074852117773bdf",
                "93d40ab6055d3e0bb3e8f6ed1ad90d0a1cbb4f214c5c4605e5a1ddd01c03081c"
            )
        );
    }

    #[test]
    fn secrets_and_salts_do_not_print() {
        let secret = CommitmentSecret([7; 32]);
        let salt = secret.salt(&"c4809f9b199959867b344883a5f958d0".parse().unwrap(), None);
        assert_eq!(format!("{secret:?} {salt:?}"), "CommitmentSecret(***) Salt(***)");
        assert_ne!(CommitmentSecret::random(), CommitmentSecret::random());
    }
}
