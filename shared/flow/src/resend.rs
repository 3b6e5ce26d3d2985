//! A further issue of a communication that a person asked for: a communication of its own, whose revision
//! names the request and whose record says who asked and why.
//!
//! By default the archived bytes are issued again (`copy.rs`), from the first issue's record alone: neither Shopify nor
//! Exstream is asked, so what goes out is what went out. Composing again is the correction, from what Shopify
//! has now. What was only rehearsed has no bytes that may go out.

use crate::{clients::Clients, plan::Plan};
use archive::{EvidenceRecord, is_test};
use std::time::Duration;
use work::{Resend, Retry, WorkItem};

/// What is to be issued again, and as what.
pub struct ResendRequest {
    pub plan: Plan,
    pub resend: Resend,
    /// The first issue's record, where its bytes are to go out again.
    pub copy_of: Option<EvidenceRecord>,
}

impl ResendRequest {
    /// Looks up what is to be issued again.
    ///
    /// # Errors
    /// When there is no such communication, when none of its bytes may go out again, or when ledger or archive do not
    /// answer.
    pub async fn load(clients: &Clients, item: &WorkItem, resend: &Resend) -> Result<Self, Retry> {
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
                Some(record?.0)
            }
            (None, false) => {
                return Err(refuse("nothing of it is archived; ask for it to be composed again"));
            }
        };
        let plan = Plan {
            document: entry.document,
            subject: entry.subject,
            revision: resend.revision.clone(),
            reported_on: entry.reported_on,
            wanted: true,
        };
        Ok(Self { plan, resend: resend.clone(), copy_of })
    }
}
