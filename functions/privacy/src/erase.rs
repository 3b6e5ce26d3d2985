//! The steps of an erasure. Each can be done any number of times.

use crate::{
    PrivacyError, Tools,
    tombstone::{Erased, Tombstone},
};
use commitments::KeyId;
use comms::ShopDomain;
use futures::{StreamExt, TryStreamExt, stream};
use links::{Links, Revocation};

/// Communications that are worked on at once.
const AT_ONCE: usize = 16;

/// Destroys the secrets and removes the traces that a tombstone names.
pub async fn by_tombstone(tools: &Tools, tombstone: &Tombstone) -> Result<(), PrivacyError> {
    let keys = tombstone.keys.iter().filter_map(|digits| KeyId::from_hex(digits));
    stream::iter(keys)
        .map(|id| async move { tools.commitments.destroy_key(&id).await })
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<()>>()
        .await?;
    let link_key = tools.secrets.link_key((tools.clock)()).await?;
    let link_key = link_key.as_ref();
    let removed = tombstone.communications.iter().map(|erased| async move {
        tools.links.erase(link_key, &erased.communication).await?;
        spool(tools, &tombstone.shop, erased).await?;
        tools.ledger.forget_customer(&erased.communication).await?;
        Ok::<_, PrivacyError>(())
    });
    stream::iter(removed).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
    Ok(())
}

/// Takes what waits to be printed out of the spool. What a provider has collected is out of reach.
async fn spool(tools: &Tools, shop: &ShopDomain, erased: &Erased) -> Result<(), PrivacyError> {
    let prefix = delivery::spool_stem(shop, erased.dated, erased.document, &erased.communication);
    let list = tools.s3.list_objects_v2().bucket(&tools.operations_bucket).prefix(&prefix).send().await;
    let list = list.map_err(|error| PrivacyError::request("listing", &prefix, error))?;
    for key in list.contents().iter().filter_map(|object| object.key()) {
        let delete = tools.s3.delete_object().bucket(&tools.operations_bucket).key(key).send().await;
        delete.map_err(|error| PrivacyError::request("deleting", key, error))?;
    }
    Ok(())
}

/// Takes back the link of a document that is kept.
pub async fn revoke_link(
    links: &Links,
    communication: &comms::CommunicationId,
    at: jiff::Timestamp,
) -> Result<(), PrivacyError> {
    let revocation = Revocation {
        at_epoch_ms: at.as_millisecond(),
        actor: "privacy".to_owned(),
        reason: "the customer asked for erasure".to_owned(),
    };
    links.revoke(communication, &revocation).await?;
    Ok(())
}

/// Whether a legal hold is on the record beside the object `key`.
pub async fn is_held(tools: &Tools, key: &str) -> Result<bool, PrivacyError> {
    use aws_sdk_s3::{error::ProvideErrorMetadata, types::ObjectLockLegalHoldStatus};
    let record = archive::record_key(key);
    let get = tools.s3.get_object_legal_hold().bucket(&tools.archive_bucket).key(&record).send().await;
    match get {
        Ok(answer) => {
            Ok(answer.legal_hold().and_then(|hold| hold.status()) == Some(&ObjectLockLegalHoldStatus::On))
        }
        // no hold was ever put on it
        Err(error) if error.code() == Some("NoSuchObjectLockConfiguration") => Ok(false),
        // a worker died before it wrote it, or it was disposed of
        Err(error) if objects::is_missing(&tools.s3, &tools.archive_bucket, &record, &error).await => {
            Ok(false)
        }
        Err(error) => Err(PrivacyError::request("asking for a hold on", record, error)),
    }
}
