//! Stage 3: what the document is to say, from the flow; or from the record, if archived bytes go out again.

use crate::{
    context::Attempt, copy, document_flow::DocumentFlow, gather::Gather, gather_error::GatherError,
    halt::Halt, history::History, unsubscribe, verdict::Gathered,
};
use comms::Class;

/// Asks the flow for the document's content.
///
/// # Errors
/// When the flow cannot say, for good or for now.
pub async fn gather_content<F: DocumentFlow>(attempt: &Attempt<'_>, flow: &F) -> Result<Gathered, Halt> {
    if let Some(record) = attempt.copy_of() {
        let mut content = copy::content(record);
        if let Some(to) = attempt.resend.and_then(|resend| resend.to.as_ref()) {
            content.recipient = to.of(content.recipient);
        }
        return Ok(Gathered::Ready(Box::new(content)));
    }
    let unsubscribe_url = unsubscribe::address(attempt).await?;
    let gather = Gather {
        plan: attempt.plan,
        item: attempt.item,
        payload: attempt.payload,
        communication: attempt.communication,
        config: &attempt.loaded.config,
        secrets: attempt.secrets,
        shopify: &attempt.clients.shopify,
        history: Some(History::new(&attempt.clients.ledger, &attempt.clients.archive)),
        locale: attempt.item.request.as_ref().and_then(|request| request.locale.as_deref()),
        unsubscribe_url: unsubscribe_url.as_deref(),
        now: attempt.now(),
        time_left: attempt.time_left(),
    };
    flow.gather(gather).await.map_err(|GatherError { class, reason }| match class {
        Class::Permanent => Halt::Failed(reason),
        class => Halt::Retry { class, reason, unsent: false },
    })
}
