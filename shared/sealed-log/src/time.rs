//! Time-stamps of a log: one per day over a checkpoint, kept beside it as an evidence record (RFC 4998) and renewed before it
//! ages.
//!
//! ```text
//! time/<date>/checkpoint        the checkpoint that is stamped     put once: this decides what a day's stamp covers
//! time/<date>/evidence-record   its stamps with their chains       put once; renewed only if unchanged, each version is kept
//! roots/<hash>.pem              the roots of authorities           put once; those of earlier ones stay
//! ```
//!
//! A day on which nothing was added has no stamp: the one before says as much. A stamp that could not be had is asked for
//! again by the next pass, and the stamp of a later day covers whatever an earlier day would have. Each pass looks at some of
//! the records, so that each has its turn within a day or two, and renews those whose last stamp expires within the days
//! that the rules say, or was made with another hash function than they say.

use crate::{
    LogError, LogStore,
    log::{BINARY, TEXT, folder, latest_key},
    store::{If, Object},
};
use archive::sha256_hex;
use comms::{ShopDomain, chain};
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use rfc3161::{Authorities, Digest, Imprint, TimeStamp};
use rfc4998::{EvidenceRecord, HashTree, ReducedTree};
use std::{collections::BTreeMap, error::Error};

/// A stamp that is further from this machine's time is refused: one of the two clocks is wrong.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_hours(24);
/// In how many passes each record has its turn. A prime number: whatever the hours between passes are, all come up.
const TURNS: i64 = 23;
/// The most records that one stamp renews.
const RENEWED_AT_ONCE: usize = 512;
const READS_AT_ONCE: usize = 8;

/// How time-stamps are made and renewed.
#[derive(Debug, Clone)]
pub struct TimeRules {
    /// Whose stamps are taken. Those of earlier authorities stay, as long as there are stamps of theirs.
    pub authorities: Authorities,
    /// Their certificates in PEM, which are kept with the stamps.
    pub roots_pem: String,
    /// What checkpoints are hashed with. Another one than before renews all records.
    pub digest: Digest,
    /// So many days before its first certificate expires, a stamp is renewed.
    pub renew_days: u16,
}

/// The time-stamps of one shop's log.
#[derive(Debug)]
pub struct TimeStamps<'a> {
    store: &'a LogStore,
    shop: &'a ShopDomain,
    rules: &'a TimeRules,
}

/// What a pass did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Stamped {
    /// Whether the day has its stamp by this pass.
    pub stamped: bool,
    /// Records that were renewed.
    pub renewed: u64,
    /// What could not be renewed, and why. It holds up nothing else, and has its turn again within a day or two.
    pub problems: Vec<String>,
}

/// A checkpoint with its evidence record.
#[derive(Debug, Clone)]
pub struct StampedCheckpoint {
    /// As the log issued it.
    pub checkpoint: Vec<u8>,
    /// In DER.
    pub evidence_record: Vec<u8>,
    /// The roots that the sender trusts, in PEM.
    pub roots: String,
}

impl<'a> TimeStamps<'a> {
    /// Of the log of `shop`.
    pub const fn new(store: &'a LogStore, shop: &'a ShopDomain, rules: &'a TimeRules) -> Self {
        Self { store, shop, rules }
    }

    /// Has the latest checkpoint stamped, if the day has no stamp yet and something was added since the last one, and renews
    /// what ages. `ask` gets a stamp over an imprint from the authority.
    ///
    /// # Errors
    /// When the day has no stamp; what was due was renewed all the same. Nothing is lost by one: the next pass asks again.
    pub async fn pass<E: Error + Send + Sync + 'static>(
        &self,
        ask: impl AsyncFn(Imprint) -> Result<TimeStamp, E>,
        now: Timestamp,
    ) -> Result<Stamped, LogError> {
        let days = days(self.store, self.shop).await?;
        let renewed = self.renew(&days, &ask, now).await;
        Ok(Stamped { stamped: self.stamp(&days, &ask, now).await?, ..renewed })
    }

    async fn stamp<E: Error + Send + Sync + 'static>(
        &self,
        days: &BTreeMap<Date, bool>,
        ask: &impl AsyncFn(Imprint) -> Result<TimeStamp, E>,
        now: Timestamp,
    ) -> Result<bool, LogError> {
        let today = now.to_zoned(TimeZone::UTC).date();
        if days.get(&today) == Some(&true) {
            return Ok(false);
        }
        let name = checkpoint_key(self.shop, today);
        let checkpoint = match self.store.get(&name).await? {
            Some(Object { bytes, .. }) => bytes,
            None => {
                let Some(latest) = self.store.get(&latest_key(self.shop)).await? else {
                    return Ok(false);
                };
                if let Some((last, _)) = days.iter().rfind(|(_, is_stamped)| **is_stamped)
                    && self.store.need(&checkpoint_key(self.shop, *last)).await? == latest.bytes
                {
                    return Ok(false);
                }
                // another run may have decided for a larger one
                match self.store.put(&name, latest.bytes.clone(), TEXT, If::Absent, now).await? {
                    Some(_) => latest.bytes,
                    None => self.store.need(&name).await?,
                }
            }
        };
        let stamp = self.ask(ask, Imprint::of(self.rules.digest, &checkpoint), now).await?;
        let record = EvidenceRecord::begin(&stamp).map_err(|error| failed(&name, error))?;
        let der = self.checked(&name, &record, &checkpoint, now)?;
        self.put_roots(now).await?;
        // where another run was faster, its stamp is as good
        let put = self.store.put(&record_key(self.shop, today), der, BINARY, If::Absent, now).await?;
        Ok(put.is_some())
    }

    /// Puts the roots that the next stamp is checked against, before that stamp: without them it proves nothing to anybody.
    async fn put_roots(&self, now: Timestamp) -> Result<(), LogError> {
        let TimeRules { roots_pem, .. } = self.rules;
        let key = roots_key(self.shop, roots_pem);
        self.store.put(&key, roots_pem.clone().into_bytes(), TEXT, If::Absent, now).await.map(drop)
    }

    /// Renews what ages of the records that have their turn.
    async fn renew<E: Error + Send + Sync + 'static>(
        &self,
        days: &BTreeMap<Date, bool>,
        ask: &impl AsyncFn(Imprint) -> Result<TimeStamp, E>,
        now: Timestamp,
    ) -> Stamped {
        let turn = now.as_second().div_euclid(3600).rem_euclid(TURNS);
        let has_turn = |date: &Date| i64::from(date.day_of_year()).rem_euclid(TURNS) == turn;
        let dates = days.iter().filter(|(date, is_stamped)| **is_stamped && has_turn(date));
        let dates: Vec<Date> = dates.map(|(date, _)| *date).collect();
        let looked: Vec<Result<Option<Due>, LogError>> =
            stream::iter(dates).map(|date| self.due(date, now)).buffered(READS_AT_ONCE).collect().await;
        let (mut pass, mut due) = (Stamped::default(), Vec::new());
        for result in looked {
            match result {
                Ok(found) => due.extend(found),
                Err(error) => pass.problems.push(chain(&error)),
            }
        }
        due.truncate(RENEWED_AT_ONCE);
        for digest in Digest::ALL {
            let of_digest: Vec<&Due> = due.iter().filter(|due| due.imprint.digest() == digest).collect();
            if let Err(error) = self.renew_together(&of_digest, ask, now, &mut pass).await {
                pass.problems.push(chain(&error));
            }
        }
        pass
    }

    /// Renews records by one stamp. One that cannot be is a problem of its own.
    async fn renew_together<E: Error + Send + Sync + 'static>(
        &self,
        due: &[&Due],
        ask: &impl AsyncFn(Imprint) -> Result<TimeStamp, E>,
        now: Timestamp,
        pass: &mut Stamped,
    ) -> Result<(), LogError> {
        let imprints: Vec<Imprint> = due.iter().map(|due| due.imprint.clone()).collect();
        let Some(tree) = HashTree::over(&imprints) else { return Ok(()) };
        self.put_roots(now).await?;
        let stamp = self.ask(ask, tree.root().clone(), now).await?;
        for (due, way) in due.iter().zip(tree.into_ways()) {
            match self.replace(due, &way, &stamp, now).await {
                Ok(is_renewed) => pass.renewed += u64::from(is_renewed),
                Err(error) => pass.problems.push(chain(&error)),
            }
        }
        Ok(())
    }

    /// What there is to do for the record of a day; nothing while it is good.
    async fn due(&self, date: Date, now: Timestamp) -> Result<Option<Due>, LogError> {
        let key = record_key(self.shop, date);
        let Some(Object { bytes, e_tag }) = self.store.get(&key).await? else { return Ok(None) };
        let record = EvidenceRecord::from_der(&bytes).map_err(|error| failed(&key, error))?;
        let last = record.last().ok_or_else(|| LogError::contradiction(&key, "it has no time-stamp"))?;
        let verified = last.verify(&self.rules.authorities).map_err(|error| failed(&key, error))?;
        let ages = SignedDuration::from_hours(24 * i64::from(self.rules.renew_days));
        let is_rehashed = last.imprint().digest() != self.rules.digest;
        if !is_rehashed && verified.valid_until.duration_since(now) > ages {
            return Ok(None);
        }
        let checkpoint = self.store.need(&checkpoint_key(self.shop, date)).await?;
        let imprint =
            if is_rehashed { record.rehashing(self.rules.digest, &checkpoint) } else { record.renewal() };
        let imprint = imprint.map_err(|error| failed(&key, error))?;
        Ok(Some(Due { key, e_tag, record, checkpoint, imprint, is_rehashed }))
    }

    /// Puts a renewed record in the place of the one it renews. Answers whether that was unchanged.
    async fn replace(
        &self,
        due: &Due,
        way: &ReducedTree,
        stamp: &TimeStamp,
        now: Timestamp,
    ) -> Result<bool, LogError> {
        let renewed =
            if due.is_rehashed { due.record.rehashed(way, stamp) } else { due.record.renewed(way, stamp) };
        let renewed = renewed.map_err(|error| failed(&due.key, error))?;
        let der = self.checked(&due.key, &renewed, &due.checkpoint, now)?;
        Ok(self.store.put(&due.key, der, BINARY, If::Unchanged(&due.e_tag), now).await?.is_some())
    }

    async fn ask<E: Error + Send + Sync + 'static>(
        &self,
        ask: &impl AsyncFn(Imprint) -> Result<TimeStamp, E>,
        imprint: Imprint,
        now: Timestamp,
    ) -> Result<TimeStamp, LogError> {
        let what = folder(self.shop);
        let stamp =
            ask(imprint.clone()).await.map_err(|error| LogError::request("time-stamping", &what, error))?;
        let difference = stamp.unverified_time().duration_since(now).abs();
        if *stamp.imprint() != imprint || difference > CLOCKS_DIFFER {
            let reason =
                "the authority's clock and this one differ by more than a day, or it stamped something else";
            return Err(LogError::request("time-stamping", what, reason));
        }
        Ok(stamp)
    }

    /// The record in DER, once it was verified as anybody would: nothing is kept that proves nothing.
    fn checked(
        &self,
        name: &str,
        record: &EvidenceRecord,
        checkpoint: &[u8],
        now: Timestamp,
    ) -> Result<Vec<u8>, LogError> {
        record.verify(checkpoint, &self.rules.authorities, now).map_err(|error| failed(name, error))?;
        record.to_der().map_err(|error| failed(name, error))
    }
}

/// A record that is to be renewed.
struct Due {
    key: String,
    e_tag: String,
    record: EvidenceRecord,
    checkpoint: Vec<u8>,
    imprint: Imprint,
    is_rehashed: bool,
}

fn failed(what: &str, error: impl Error + Send + Sync + 'static) -> LogError {
    LogError::request("time-stamping", what, error)
}

fn checkpoint_key(shop: &ShopDomain, date: Date) -> String {
    format!("{}time/{date}/checkpoint", folder(shop))
}

/// By the hash of what it has: it changes with the authorities, and those of before stay.
fn roots_key(shop: &ShopDomain, pem: &str) -> String {
    format!("{}roots/{}.pem", folder(shop), sha256_hex(pem.as_bytes()))
}

/// The certificates of all authorities that were ever trusted, in PEM.
pub(crate) async fn roots(store: &LogStore, shop: &ShopDomain) -> Result<String, LogError> {
    let mut roots = String::new();
    for key in store.list(&format!("{}roots/", folder(shop))).await? {
        roots.push_str(&String::from_utf8_lossy(&store.need(&key).await?));
    }
    Ok(roots)
}

fn record_key(shop: &ShopDomain, date: Date) -> String {
    format!("{}time/{date}/evidence-record", folder(shop))
}

/// The days for which a checkpoint was chosen, and whether each is stamped.
async fn days(store: &LogStore, shop: &ShopDomain) -> Result<BTreeMap<Date, bool>, LogError> {
    let mut days = BTreeMap::new();
    for key in store.list(&format!("{}time/", folder(shop))).await? {
        let mut parts = key.rsplit('/');
        let (Some(name), Some(date)) = (parts.next(), parts.next()) else { continue };
        let date: Date = date.parse().map_err(|_| LogError::contradiction(&key, "it is of no day"))?;
        *days.entry(date).or_default() |= name == "evidence-record";
    }
    Ok(days)
}

/// The first stamped checkpoint that `covers` says yes to, of those from `since` on; none while there is none.
pub(crate) async fn first_stamped(
    store: &LogStore,
    shop: &ShopDomain,
    since: Date,
    covers: impl Fn(&[u8]) -> Result<bool, LogError>,
) -> Result<Option<StampedCheckpoint>, LogError> {
    let days = days(store, shop).await?;
    for (date, _) in days.range(since..).filter(|(_, is_stamped)| **is_stamped) {
        let checkpoint = store.need(&checkpoint_key(shop, *date)).await?;
        if covers(&checkpoint)? {
            let evidence_record = store.need(&record_key(shop, *date)).await?;
            let roots = roots(store, shop).await?;
            return Ok(Some(StampedCheckpoint { checkpoint, evidence_record, roots }));
        }
    }
    Ok(None)
}
