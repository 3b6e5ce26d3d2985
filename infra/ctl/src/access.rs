//! Who reads a document with this tool, and why: recorded before anything is shown.

use crate::{failure::Failure, stack::Stack};
use archive::{Access, AccessKind};
use comms::{CommunicationId, ShopDomain};
use decisions::Decision;
use jiff::Timestamp;

/// Who reads, and for what purpose. Both are kept as evidence of the access.
#[derive(clap::Args)]
pub struct Reader {
    /// Who reads it: a name or an account that your organisation can find again.
    #[arg(long, env = "CTL_ACTOR")]
    pub actor: String,
    /// For what purpose, in a few words, without anything personal.
    #[arg(long, env = "CTL_REASON")]
    pub reason: String,
}

impl Reader {
    /// Records that a document is about to be read.
    pub async fn reads(
        &self,
        stack: &Stack,
        shop: &ShopDomain,
        communication: &CommunicationId,
        what: AccessKind,
    ) -> Result<(), Failure> {
        let decision = Decision::new(self.actor.clone(), self.reason.clone())?;
        record(stack, shop, communication, what, &decision).await
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
    let access = Access {
        actor: decision.actor().to_owned(),
        communication: communication.clone(),
        what,
        why: decision.reason().to_owned(),
        by: stack.command.to_owned(),
    };
    stack.access_log().record_access(shop, &access, Timestamp::now()).await?;
    Ok(())
}
