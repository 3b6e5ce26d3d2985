//! The record: its form, how it grows, and what it proves.

use crate::{ReducedTree, hash_tree::root_of};
use cms::content_info::ContentInfo;
use der::{Any, Decode, Encode, Sequence, asn1::OctetString};
use jiff::Timestamp;
use rfc3161::{Authorities, Digest, Imprint, TimeStamp, Untrusted, Verified};
use x509_cert::spki::AlgorithmIdentifier;

/// Larger records are refused: a stamp with its chain has some kilobytes, and ten years have few renewals.
const MAX_BYTES: usize = 1024 * 1024;

/// ArchiveTimeStampSequence, without what this system does not write.
type Chains = Vec<Vec<ArchiveTimeStamp>>;

#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
struct Structure {
    version: u8,
    digest_algorithms: Vec<AlgorithmIdentifier<Any>>,
    chains: Chains,
}

#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
struct ArchiveTimeStamp {
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT", optional = "true")]
    reduced_tree: Option<Vec<Vec<OctetString>>>,
    token: ContentInfo,
}

/// An evidence record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceRecord {
    structure: Structure,
    /// The stamps of each chain.
    stamps: Vec<Vec<TimeStamp>>,
}

/// Not an evidence record, or one with parts that this system does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an evidence record by RFC 4998: {0}")]
pub struct InvalidRecord(&'static str);

/// What a record proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    /// When the data was there: the time of the first stamp.
    pub time: Timestamp,
    /// How often it was renewed.
    pub renewals: usize,
    /// When the last stamp's first certificate expires.
    pub valid_until: Timestamp,
}

/// Why a record proves nothing of the data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// A stamp covers something else: other data, or other stamps before it.
    #[error("time-stamp {0} is not over what it should be")]
    Imprint(usize),
    /// Nobody who is trusted made a stamp.
    #[error("time-stamp {0}: {1}")]
    Untrusted(usize, Untrusted),
    /// A stamp is older than the one it renews, or was made when that one had expired.
    #[error("time-stamp {0} was not made while the one before it was valid")]
    Late(usize),
    /// The last one has expired.
    #[error("the last time-stamp expired on {0} and was not renewed")]
    Expired(Timestamp),
}

impl EvidenceRecord {
    /// With its first stamp, over the hash of the data.
    ///
    /// # Errors
    /// Never for stamps that there are.
    pub fn begin(stamp: &TimeStamp) -> Result<Self, InvalidRecord> {
        let structure = Structure {
            version: 1,
            digest_algorithms: vec![stamp.imprint().digest().algorithm()],
            chains: vec![vec![archive_time_stamp(stamp, &[])?]],
        };
        Ok(Self { structure, stamps: vec![vec![stamp.clone()]] })
    }

    /// From its DER.
    ///
    /// # Errors
    /// It is none, or has parts that this system does not write.
    pub fn from_der(der: &[u8]) -> Result<Self, InvalidRecord> {
        if der.len() > MAX_BYTES {
            return Err(InvalidRecord("it is too long"));
        }
        let structure = Structure::from_der(der).map_err(|_| InvalidRecord("its structure"))?;
        if structure.version != 1 || structure.to_der().ok().as_deref() != Some(der) {
            return Err(InvalidRecord("its version"));
        }
        let stamp = |it: &ArchiveTimeStamp| {
            let token = it.token.to_der().map_err(|_| InvalidRecord("a time-stamp"))?;
            TimeStamp::from_der(&token).map_err(|_| InvalidRecord("a time-stamp"))
        };
        let stamps = structure.chains.iter().map(|chain| chain.iter().map(stamp).collect());
        let stamps: Vec<Vec<TimeStamp>> = stamps.collect::<Result<_, _>>()?;
        if stamps.is_empty() || stamps.iter().any(Vec::is_empty) {
            return Err(InvalidRecord("it has no time-stamp"));
        }
        let record = Self { structure, stamps };
        // the list says of each chain what it is hashed with, in order, each once
        if record.structure.digest_algorithms != record.digests() {
            return Err(InvalidRecord("its digest algorithms"));
        }
        Ok(record)
    }

    /// As it is stored: EvidenceRecord in DER.
    ///
    /// # Errors
    /// Never for records that there are.
    pub fn to_der(&self) -> Result<Vec<u8>, InvalidRecord> {
        self.structure.to_der().map_err(|_| InvalidRecord("it cannot be written"))
    }

    fn digests(&self) -> Vec<AlgorithmIdentifier<Any>> {
        let mut digests: Vec<AlgorithmIdentifier<Any>> = Vec::new();
        for chain in &self.stamps {
            let digest = chain.first().map(|stamp| stamp.imprint().digest().algorithm());
            digests.extend(digest.filter(|digest| !digests.contains(digest)));
        }
        digests
    }

    /// The first stamp.
    pub fn first(&self) -> Option<&TimeStamp> {
        self.stamps.first()?.first()
    }

    /// The last stamp, which has to be renewed before it ages.
    pub fn last(&self) -> Option<&TimeStamp> {
        self.stamps.last()?.last()
    }

    /// What a stamp has to be over that renews the last one: the hash of that one, by the same function.
    ///
    /// # Errors
    /// Never for records that there are.
    pub fn renewal(&self) -> Result<Imprint, InvalidRecord> {
        let last = self.last().ok_or(InvalidRecord("it has no time-stamp"))?;
        Ok(Imprint::of(last.imprint().digest(), last.to_der()))
    }

    /// What a stamp has to be over that renews everything by another hash function: the hash of the hash of `data` and the
    /// hash of all chains.
    ///
    /// # Errors
    /// Never for records that there are.
    pub fn rehashing(&self, digest: Digest, data: &[u8]) -> Result<Imprint, InvalidRecord> {
        rehashing(&self.structure.chains, digest, data)
    }

    /// With a stamp over [`EvidenceRecord::renewal`], or over the root of a tree that `way` leads to.
    ///
    /// # Errors
    /// Never for stamps that there are.
    pub fn renewed(&self, way: &ReducedTree, stamp: &TimeStamp) -> Result<Self, InvalidRecord> {
        let mut renewed = self.clone();
        let (Some(chain), Some(stamps)) = (renewed.structure.chains.last_mut(), renewed.stamps.last_mut())
        else {
            return Err(InvalidRecord("it has no time-stamp"));
        };
        chain.push(archive_time_stamp(stamp, way)?);
        stamps.push(stamp.clone());
        Ok(renewed)
    }

    /// With a stamp over [`EvidenceRecord::rehashing`], or over the root of a tree that `way` leads to.
    ///
    /// # Errors
    /// Never for stamps that there are.
    pub fn rehashed(&self, way: &ReducedTree, stamp: &TimeStamp) -> Result<Self, InvalidRecord> {
        let mut renewed = self.clone();
        renewed.structure.chains.push(vec![archive_time_stamp(stamp, way)?]);
        renewed.stamps.push(vec![stamp.clone()]);
        renewed.structure.digest_algorithms = renewed.digests();
        Ok(renewed)
    }

    /// Whether this proves that `data` was there, to who trusts the `authorities`, at the time `at`: each stamp covers what
    /// it should be, and was made while the one before it was valid; the last one is valid.
    ///
    /// # Errors
    /// The first that does not hold, by the number of the stamp from 1.
    pub fn verify(&self, data: &[u8], authorities: &Authorities, at: Timestamp) -> Result<Proved, Unproven> {
        // the first and the latest stamp that hold
        let mut held: Option<(Verified, Verified)> = None;
        let mut number = 0;
        for (place, (chain, stamps)) in self.structure.chains.iter().zip(&self.stamps).enumerate() {
            let mut before: Option<&TimeStamp> = None;
            for (entry, stamp) in chain.iter().zip(stamps) {
                number += 1;
                let digest = stamp.imprint().digest();
                let way = entry.way();
                let expected = self.expected(place, before, digest, data);
                let root = expected.and_then(|hash| root_of(digest, hash, &way));
                if root.as_deref() != Some(stamp.imprint().hash()) {
                    return Err(Unproven::Imprint(number));
                }
                let verified =
                    stamp.verify(authorities).map_err(|error| Unproven::Untrusted(number, error))?;
                if let Some((_, last)) = held
                    && (verified.time > last.valid_until || verified.time < last.time)
                {
                    return Err(Unproven::Late(number));
                }
                held = Some((held.map_or(verified, |(first, _)| first), verified));
                before = Some(stamp);
            }
        }
        match held {
            Some((Verified { time, .. }, Verified { valid_until, .. })) if valid_until >= at => {
                Ok(Proved { time, renewals: number - 1, valid_until })
            }
            Some((_, last)) => Err(Unproven::Expired(last.valid_until)),
            None => Err(Unproven::Imprint(1)),
        }
    }

    /// What a stamp of the chain at `place` has to lead to, by the one before it in this chain; none if no hash is right.
    fn expected(
        &self,
        place: usize,
        before: Option<&TimeStamp>,
        digest: Digest,
        data: &[u8],
    ) -> Option<Vec<u8>> {
        match before {
            // a chain has one hash function
            Some(last) => (last.imprint().digest() == digest).then(|| digest.hash(last.to_der())),
            None if place == 0 => Some(digest.hash(data)),
            None => {
                let earlier = self.structure.chains.get(..place)?.to_vec();
                rehashing(&earlier, digest, data).ok().map(|imprint| imprint.hash().to_vec())
            }
        }
    }
}

impl ArchiveTimeStamp {
    fn way(&self) -> ReducedTree {
        let list = |list: &Vec<OctetString>| list.iter().map(|hash| hash.as_bytes().to_vec()).collect();
        self.reduced_tree.iter().flatten().map(list).collect()
    }
}

fn rehashing(chains: &Chains, digest: Digest, data: &[u8]) -> Result<Imprint, InvalidRecord> {
    let chains = chains.to_der().map_err(|_| InvalidRecord("it cannot be written"))?;
    Ok(Imprint::of(digest, &[digest.hash(data), digest.hash(&chains)].concat()))
}

fn archive_time_stamp(stamp: &TimeStamp, way: &[Vec<Vec<u8>>]) -> Result<ArchiveTimeStamp, InvalidRecord> {
    let list = |list: &Vec<Vec<u8>>| list.iter().map(|hash| OctetString::new(hash.clone())).collect();
    let lists: Vec<Vec<OctetString>> =
        way.iter().map(list).collect::<Result<_, _>>().map_err(|_| InvalidRecord("a hash"))?;
    let token = ContentInfo::from_der(stamp.to_der()).map_err(|_| InvalidRecord("a time-stamp"))?;
    Ok(ArchiveTimeStamp { reduced_tree: (!lists.is_empty()).then_some(lists), token })
}
