//! A further issue of a communication that a person asked for: a communication of its own, whose revision
//! names the request and whose record says who asked and why.
//!
//! By default the archived bytes are issued again (`copy.rs`), from the first issue's record alone: neither Shopify nor
//! Exstream is asked, so what goes out is what went out. Composing again is the correction, from what Shopify
//! has now. What was only rehearsed has no bytes that may go out. To a corrected address only archived bytes go.

use crate::{clients::Clients, plan::Plan};
use archive::{ArchiveError, EvidenceRecord, is_test};
use comms::MessageClass;
use delivery::Address;
use ledger::Entry;
use shop_config::{Channel, ShopConfig};
use std::time::Duration;
use work::{Resend, Retry, WorkItem};

/// What is to be issued again, and as what.
pub struct ResendRequest {
    pub plan: Plan,
    pub resend: Resend,
    /// The first issue's record, where its bytes are to go out again.
    pub copy_of: Option<EvidenceRecord>,
    /// By which channel, where that is decided.
    pub channel: Option<Channel>,
    /// Where the bytes are to go, in place of the first issue's recipient's address.
    pub to: Option<Address>,
}

impl ResendRequest {
    /// Looks up what is to be issued again.
    ///
    /// # Errors
    /// When there is no such communication, when none of its bytes may go out again, or when ledger or archive do not
    /// answer.
    pub async fn load(
        clients: &Clients,
        item: &WorkItem,
        resend: &Resend,
        config: &ShopConfig,
    ) -> Result<Self, Retry> {
        // no wait makes it possible: such a request goes to the dead letters without one
        let refuse = |why: &str| Retry {
            after: Some(Duration::ZERO),
            ..Retry::new(format!("{} cannot be issued again: {why}", resend.of))
        };
        let entry = clients.ledger.get(&resend.of).await?;
        let entry = entry.filter(|entry| entry.shop == item.shop && entry.flow == item.flow);
        let entry =
            entry.ok_or_else(|| refuse("the ledger has no such communication of this shop and flow"))?;
        let copy_of = match (&entry.archived, resend.recompose) {
            (_, true) => None,
            (Some(archived), false) if is_test(&archived.archive_key) => {
                return Err(refuse("it is of a test order or a dry run; ask for it to be composed again"));
            }
            (Some(archived), false) => {
                let record = clients.archive.record_of(&archived.archive_key, &archived.record_version).await;
                match record {
                    Ok((record, _)) => Some(record),
                    Err(error @ (ArchiveError::Absent { .. } | ArchiveError::Erased { .. })) => {
                        return Err(refuse(&format!("{error}; ask for it to be composed again")));
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            (None, false) => {
                return Err(refuse("nothing of it is archived; ask for it to be composed again"));
            }
        };
        let to = resend.to.as_deref().map(str::parse::<Address>).transpose();
        let to = to.map_err(|error| refuse(&error.to_string()))?;
        let channel = match &to {
            Some(to) => Some(channel(to, &entry, resend, config).map_err(refuse)?),
            None => None,
        };
        let plan = Plan {
            document: entry.document,
            subject: entry.subject,
            revision: resend.revision.clone(),
            reported_on: entry.reported_on,
            wanted: true,
        };
        Ok(Self { plan, resend: resend.clone(), copy_of, channel, to })
    }
}

/// The channel that reaches an address. Of a customer's consent only Shopify knows, and nothing of an address that a
/// person gives.
fn channel(
    to: &Address,
    entry: &Entry,
    resend: &Resend,
    config: &ShopConfig,
) -> Result<Channel, &'static str> {
    if resend.recompose {
        return Err("archived bytes can go to another address, a composition cannot");
    }
    let settings = config.document(entry.document).ok_or("the document is switched off")?;
    if settings.class(entry.document) == MessageClass::Marketing {
        return Err("it is marketing, and no consent is known for the other address");
    }
    let found = settings.channels.iter().copied().find(|channel| to.fits(*channel));
    found.ok_or("the document has no channel for such an address")
}
