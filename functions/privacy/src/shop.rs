//! `shop/redact`: everything erasable of a shop. Page by page, first its secrets, which is the erasure, then what is left of
//! its communications. The place is written after each page, so whoever dies continues there, and does at most a page again.

use crate::{
    Outcome, PrivacyError, State, Tombstone, Tools, customer, erase,
    tombstone::{self, Erased},
};
use comms::ShopDomain;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use work::PrivacyItem;

/// Keys of a page.
const PAGE: i32 = 100;
/// Records that are asked for a hold at once.
const AT_ONCE: usize = 16;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Place {
    /// The last key that was looked at for holds.
    holds_after: Option<String>,
    holds_done: bool,
    secrets_after: Option<String>,
    secrets_done: bool,
    /// The last key of the archive that was looked at.
    keys_after: Option<String>,
    keys_done: bool,
    erased: usize,
}

/// Erases a shop, or continues.
pub async fn erase(tools: &Tools, item: &PrivacyItem) -> Result<State, PrivacyError> {
    let pass = if item.again { "again" } else { "first" };
    let key = format!("privacy/places/{}/{}-{pass}.json", item.shop, item.request);
    let (mut place, mut version) = match tools.checkpoints.load::<Place>(&key).await? {
        Some((place, version)) => (place, Some(version)),
        None => (Place::default(), None),
    };
    while !place.keys_done {
        if place.secrets_done {
            communications(tools, &item.shop, &mut place).await?;
        } else if place.holds_done {
            secrets(tools, &item.shop, &mut place).await?;
        } else if is_held(tools, &item.shop, &mut place).await? {
            // the next day begins anew
            tools.checkpoints.save(&key, &Place::default(), version.as_ref()).await?;
            return Ok(State { outcome: Outcome::Held, erased: 0, refused: Vec::new(), export: None });
        }
        version = Some(tools.checkpoints.save(&key, &place, version.as_ref()).await?);
    }
    Ok(State { outcome: Outcome::Erased, erased: place.erased, refused: Vec::new(), export: None })
}

/// Whether a hold is on an erasable document of a page. Nothing is erased before all were looked at: a secret belongs to
/// more than one document.
async fn is_held(tools: &Tools, shop: &ShopDomain, place: &mut Place) -> Result<bool, PrivacyError> {
    let (erasable, _) = page(tools, shop, &mut place.holds_after, &mut place.holds_done).await?;
    let records = erasable.into_iter().map(|(_, key)| async move { erase::is_held(tools, &key).await });
    let held: Vec<bool> = stream::iter(records).buffer_unordered(AT_ONCE).try_collect().await?;
    Ok(held.contains(&true))
}

/// Destroys a page of secrets.
async fn secrets(tools: &Tools, shop: &ShopDomain, place: &mut Place) -> Result<(), PrivacyError> {
    let (keys, next) = tools.commitments.erasable_of(shop, place.secrets_after.take()).await?;
    let tombstone = Tombstone::new(shop, &keys, Vec::new());
    tombstone::put(tools, &tombstone).await?;
    erase::by_tombstone(tools, &tombstone).await?;
    place.secrets_done = next.is_none();
    place.secrets_after = next;
    Ok(())
}

/// Removes what is left of a page of communications elsewhere.
async fn communications(tools: &Tools, shop: &ShopDomain, place: &mut Place) -> Result<(), PrivacyError> {
    let (erasable, kept) = page(tools, shop, &mut place.keys_after, &mut place.keys_done).await?;
    for (erased, _) in kept {
        erase::revoke_link(&tools.links, &erased.communication, (tools.clock)()).await?;
    }
    place.erased += erasable.len();
    let tombstone = Tombstone::new(shop, &[], erasable.into_iter().map(|(erased, _)| erased).collect());
    tombstone::put(tools, &tombstone).await?;
    erase::by_tombstone(tools, &tombstone).await
}

/// Communications, each with a key of its folder.
type Page = Vec<(Erased, String)>;

/// The next page of a shop's communications: those whose documents are erasable, and the others.
async fn page(
    tools: &Tools,
    shop: &ShopDomain,
    after: &mut Option<String>,
    done: &mut bool,
) -> Result<(Page, Page), PrivacyError> {
    let prefix = format!("{shop}/");
    let list = tools.s3.list_objects_v2().bucket(&tools.archive_bucket).prefix(&prefix).max_keys(PAGE);
    let list = list.set_start_after(after.clone()).send().await;
    let list = list.map_err(|error| PrivacyError::request("listing", &prefix, error))?;
    let mut found = BTreeMap::new();
    for key in list.contents().iter().filter_map(|object| object.key()) {
        *after = Some(match communication(key, &prefix) {
            Some(erased) => {
                found.insert(erased, key.to_owned());
                // its other objects tell nothing more, and on the next page it would be a second one
                behind(archive::folder_of(key))
            }
            None => key.to_owned(),
        });
    }
    *done = list.contents().is_empty();
    let config = tools.configs.find(shop, (tools.clock)()).await?;
    let config = config.as_deref().map(|loaded| &loaded.config);
    Ok(found.into_iter().partition(|(erased, _)| customer::is_erasable(config, erased.document)))
}

/// What comes after every key of a folder: the sign behind the slash in its place.
fn behind(folder: &str) -> String {
    format!("{}0", folder.trim_end_matches('/'))
}

/// The communication that a key below the prefix belongs to.
fn communication(key: &str, prefix: &str) -> Option<Erased> {
    let (date, document, communication) = archive::place(key).filter(|_| key.starts_with(prefix))?;
    let dated = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(Erased { communication, document, dated })
}

#[cfg(test)]
mod tests {
    use super::*;
    use comms::Document;

    #[test]
    fn a_key_names_its_communication() {
        let key = "acme.myshopify.com/2026/01/03/receipt/c4809f9b199959867b344883a5f958d0/record.json";
        let erased = communication(key, "acme.myshopify.com/").unwrap();
        assert_eq!(
            (erased.document, erased.dated.to_string().as_str()),
            (Document::Receipt, "2026-01-03T00:00:00Z")
        );
        for other in [key.replace("receipt", "x"), key.replace("/03/", "/33/"), key.replace("c4809", "")] {
            assert_eq!(communication(&other, "acme.myshopify.com/"), None, "{other}");
        }
        assert_eq!(communication(&format!("test/{key}"), "acme.myshopify.com/"), None);
    }
}
