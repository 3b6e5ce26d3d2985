//! `customers/redact`: a customer is forgotten, as far as the law lets them be.

use crate::{
    Outcome, PrivacyError, Refusal, State, Tombstone, Tools, erase, person, retention,
    tombstone::{self, Erased},
};
use archive::ArchiveError;
use commitments::{KeyId, Owner};
use comms::{Document, MessageClass};
use jiff::Timestamp;
use ledger::{ArchivedAs, Entry};
use shop_config::{Erasure, ShopConfig};
use work::PrivacyItem;

/// Why a customer is on the suppression list: no document of marketing is made for them from then on.
pub const REASON: &str = "erased at the customer's request";

const LEGAL_BASIS: &str = "kept by law for its retention period (GDPR Art. 17(3)(b))";

/// What is to be erased, and what is not.
#[derive(Default)]
struct Sorted {
    keys: Vec<KeyId>,
    erased: Vec<Erased>,
    kept: Vec<Kept>,
    held: bool,
}

/// A document that has to be kept.
pub struct Kept {
    pub entry: Entry,
    pub archived: ArchivedAs,
    /// When it may go. `None` if it is gone.
    pub ends: Option<Timestamp>,
}

/// Erases a customer. Marketing ends first, so that nothing new is begun.
pub async fn erase(tools: &Tools, item: &PrivacyItem) -> Result<State, PrivacyError> {
    let now = (tools.clock)();
    let person = person::everything(tools, item).await?;
    tools.ledger.forget_recipient(&item.shop, &person.key, REASON, now).await?;
    let config = tools.configs.find(&item.shop, now).await?;
    let config = config.as_deref().map(|loaded| &loaded.config);
    // before anything is sorted: of what is half destroyed only the plan knows
    retention::resume(tools, &item.shop).await?;
    let mut sorted = sort(tools, config, person.entries).await?;
    let owner = Owner::Erasable(person.key.as_str().to_owned());
    sorted.keys.extend(tools.commitments.find(&item.shop, &owner).await?.map(|secret| secret.key_id()));
    if sorted.held {
        let refused = refuse(config, &sorted.kept);
        return Ok(State { outcome: Outcome::Held, erased: 0, refused, export: None });
    }
    let destroyed = retention::destroy(tools, &item.shop, &item.request, &sorted.kept).await?;
    let (gone, kept): (Vec<Kept>, Vec<Kept>) =
        sorted.kept.into_iter().partition(|it| destroyed.contains(&it.entry.communication));
    sorted.erased.extend(gone.iter().map(|it| erased(&it.entry)));
    let refused = refuse(config, &kept);
    let tombstone = Tombstone::new(&item.shop, &sorted.keys, sorted.erased);
    tombstone::put(tools, &tombstone).await?;
    erase::by_tombstone(tools, &tombstone).await?;
    // by its owner, too: the index may not know yet of a secret that was made right now
    tools.commitments.destroy(&item.shop, &owner).await?;
    for Kept { entry, .. } in &kept {
        erase::revoke_link(&tools.links, &entry.communication, now).await?;
    }
    Ok(State { outcome: Outcome::Erased, erased: tombstone.communications.len(), refused, export: None })
}

async fn sort(
    tools: &Tools,
    config: Option<&ShopConfig>,
    entries: Vec<Entry>,
) -> Result<Sorted, PrivacyError> {
    let mut sorted = Sorted::default();
    for entry in entries {
        let erased = erased(&entry);
        let Some(archived) = entry.archived.clone() else {
            // nothing was made, or not yet
            if is_erasable(config, entry.document) {
                sorted.erased.push(erased);
            }
            continue;
        };
        let key = match tools.archive.key_of(&archived.archive_key, &archived.archive_version).await {
            Ok(key) => key,
            // past its retention, and disposed of
            Err(ArchiveError::Absent { .. }) => {
                sorted.erased.push(erased);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        match key {
            Some(key) => {
                sorted.held |= erase::is_held(tools, &archived.archive_key).await?;
                sorted.keys.push(key);
                sorted.erased.push(erased);
            }
            None => {
                let ends = retention::ends(tools, &entry, &archived).await?;
                sorted.kept.push(Kept { entry, archived, ends });
            }
        }
    }
    Ok(sorted)
}

fn erased(entry: &Entry) -> Erased {
    let dated = Timestamp::from_millisecond(entry.created_epoch_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    Erased { communication: entry.communication.clone(), document: entry.document, dated }
}

/// By the configuration, or by what is the default if there is none any more.
pub fn is_erasable(config: Option<&ShopConfig>, document: Document) -> bool {
    match config.filter(|config| config.document(document).is_some()) {
        Some(config) => config.erasure(document) == Erasure::Erasable,
        None => document.default_class() == MessageClass::Marketing,
    }
}

/// Each document that is kept, on which basis and for how long.
fn refuse(config: Option<&ShopConfig>, kept: &[Kept]) -> Vec<Refusal> {
    let mut refused = Vec::new();
    for Kept { entry, ends, .. } in kept {
        let Some(until) = *ends else { continue };
        let config = config.filter(|config| config.document(entry.document).is_some());
        let basis = config.map(|config| config.erasure(entry.document));
        let legal_basis = match basis {
            Some(Erasure::Statutory { basis }) => basis,
            // it was archived when it was not erasable
            Some(Erasure::Erasable) | None => LEGAL_BASIS,
        };
        refused.push(Refusal {
            communication: entry.communication.clone(),
            document: entry.document,
            legal_basis: legal_basis.to_owned(),
            until,
        });
    }
    refused
}
