//! Who reads a document with this tool, and why: recorded before anything is shown.

use crate::{again::Decision, failure::Failure, stack::Stack};
use archive::{Access, AccessKind};
use comms::{CommunicationId, ShopDomain};
use jiff::Timestamp;

/// Who reads, and for what purpose. Both are kept as evidence of the access.
#[derive(clap::Args)]
pub struct Reader {
    /// Who reads it: a name or an account that your organisation can find again.
    #[arg(long, env = "CTL_ACTOR")]
    actor: String,
    /// For what purpose, in a few words, without anything personal.
    #[arg(long, env = "CTL_REASON")]
    reason: String,
}

impl Reader {
    /// Records that a document is about to be read.
    pub async fn reads(
        self,
        stack: &Stack,
        shop: &ShopDomain,
        communication: &CommunicationId,
        what: AccessKind,
    ) -> Result<Self, Failure> {
        let decision = Decision { actor: self.actor, reason: self.reason };
        record(stack, shop, communication, what, &decision).await?;
        let Decision { actor, reason } = decision;
        Ok(Self { actor, reason })
    }
}

/// The same for who has decided something about it.
pub async fn record(
    stack: &Stack,
    shop: &ShopDomain,
    communication: &CommunicationId,
    what: AccessKind,
    decision: &Decision,
) -> Result<(), Failure> {
    decision.check()?;
    let access = Access {
        actor: decision.actor.clone(),
        communication: communication.clone(),
        what,
        why: decision.reason.clone(),
        by: stack.command.to_owned(),
    };
    stack.access_log().record_access(shop, &access, Timestamp::now()).await?;
    Ok(())
}
