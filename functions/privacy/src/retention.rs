//! What a customer asked to have erased and what had to be kept, once its retention has ended: destroyed with a certificate,
//! as `ctl dispose` destroys what has expired (`archive::Disposal`). The request for erasure is the reason, so it does not
//! count whether the class is one that is destroyed by itself.
//!
//! A plan is put before anything is deleted, and whoever comes next carries out a plan that was begun. S3 deletes nothing that
//! is locked or held, and this asks before.

use crate::{PrivacyError, Tools, customer::Kept};
use archive::{ArchiveError, Decision, Disposal, Verdict, YOUNGEST_DAYS, folder_of};
use comms::{CommunicationId, ShopDomain};
use jiff::{SignedDuration, Timestamp};
use ledger::{ArchivedAs, Entry};
use std::collections::BTreeSet;

/// Who destroys it, in plan and certificate, which name no person.
const ACTOR: &str = "privacy";
const REASON: &str = "the customer asked for erasure, and the retention has ended";

/// When a kept document may go: when its retention ends, and not while archive-seal still compares it with the log. `None`
/// if it is gone.
pub async fn ends(
    tools: &Tools,
    entry: &Entry,
    archived: &ArchivedAs,
) -> Result<Option<Timestamp>, PrivacyError> {
    let record = tools.archive.record_of(&archived.archive_key, &archived.record_version).await;
    let until = match record {
        Ok((record, _)) => record.retention.until,
        Err(ArchiveError::Absent { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let young = SignedDuration::from_hours(24 * i64::from(YOUNGEST_DAYS));
    let begun = Timestamp::from_millisecond(entry.created_epoch_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    Ok(Some(until.max(begun.saturating_add(young).unwrap_or(Timestamp::MAX))))
}

/// Carries out what an earlier request of this shop, or a person, planned and did not end.
pub async fn resume(tools: &Tools, shop: &ShopDomain) -> Result<(), PrivacyError> {
    let now = (tools.clock)();
    let decision = decision();
    let disposal = disposal(tools, shop, "", &decision);
    for plan in disposal.unfinished().await? {
        disposal.carry_out(&plan, now).await?;
    }
    Ok(())
}

/// Destroys what of `kept` has ended, and answers which that is. What is held stays.
pub async fn destroy(
    tools: &Tools,
    shop: &ShopDomain,
    request: &str,
    kept: &[Kept],
) -> Result<BTreeSet<CommunicationId>, PrivacyError> {
    let now = (tools.clock)();
    let run = format!("{request}-{}", now.strftime("%Y%m%dT%H%M%SZ"));
    let decision = decision();
    let disposal = disposal(tools, shop, &run, &decision);
    let mut expired = Vec::new();
    for Kept { entry, archived, ends } in kept {
        if ends.is_none_or(|ends| ends > now) {
            continue;
        }
        let folder = folder_of(&archived.archive_key);
        let versions = tools.archive.versions(folder).await?;
        let communication = &entry.communication;
        match disposal.verdict(folder, &versions, |_| true, now).await? {
            Verdict::Expired(it) => expired.push(*it),
            Verdict::Held => tracing::info!(%communication, "its retention has ended, and it is held"),
            // somebody has made its lock longer
            Verdict::Locked => tracing::info!(%communication, "its retention has ended, and it is locked"),
            Verdict::Kept | Verdict::Unknown => {
                tracing::error!(%communication, "its retention has ended, and its record does not say by which rule it was kept");
            }
        }
    }
    if expired.is_empty() {
        return Ok(BTreeSet::new());
    }
    let plan = disposal.plan(1, expired, now).await?;
    let certificate = disposal.carry_out(&plan, now).await?;
    Ok(certificate.destroyed.into_iter().map(|it| it.communication).collect())
}

fn decision() -> Decision {
    Decision { actor: ACTOR.to_owned(), reason: REASON.to_owned() }
}

fn disposal<'a>(
    tools: &'a Tools,
    shop: &'a ShopDomain,
    run: &'a str,
    decision: &'a Decision,
) -> Disposal<'a> {
    Disposal { archive: &tools.archive, shop, run, decision, days: tools.max_retention_days }
}
