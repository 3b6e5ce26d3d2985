//! Letters about returns and refunds.
//!
//! | event | document | subject | revision |
//! | --- | --- | --- | --- |
//! | `returns/request`, if the return is open by now | as `returns/approve` | | |
//! | `returns/approve` | return-authorization | return | the first |
//! | | return-instructions | return | its labels |
//! | `reverse_deliveries/attach_deliverable` | return-instructions | return | its labels |
//! | `returns/decline` | return-declined | return | the first |
//! | `refunds/create`, a refund's `order_transactions/create` | refund-confirmation | refund | the first |
//!
//! Everything a letter says is what Shopify has when it is written. Cancelling, closing and processing a
//! return leads to no letter of its own: what a customer is told of these is what becomes of the money, and
//! that is the refund's event. A refund is confirmed once every payment of it has succeeded; until then
//! nothing is made and nothing recorded, so the event of the last payment, or reconciliation, finds the same
//! communication free. The refunds of one return share its fees, postage and exchange; each letter says what its own
//! refund bears of them. Revisions by label mean that instructions go out again when a label is added or
//! replaced, and only then.
//!
//! Shopify gives a return neither metafields nor tags, so its order carries the report, which names the
//! return or refund as its subject.

// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]

mod balance;
mod common;
mod label;
mod look_up;
mod refund;
mod refund_confirmation;
mod return_authorization;
mod return_declined;
mod return_instructions;
mod return_letter;
mod return_status;
mod settlement;
mod share;
mod subject;

pub use refund::RefundData;
pub use return_letter::ReturnData;

flow::documents! {
    ReturnLetters {
        ReturnAuthorization => return_authorization,
        ReturnInstructions => return_instructions,
        ReturnDeclined => return_declined,
        RefundConfirmation => refund_confirmation,
    }
    look_up: look_up::plans
}

#[cfg(test)]
mod tests;
