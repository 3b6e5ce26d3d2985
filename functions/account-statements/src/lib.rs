//! Account statements and purchase summaries.
//!
//! | topic | document | subject | revision |
//! | --- | --- | --- | --- |
//! | `statement-run` | account-statement, purchase-summary | company location or customer | `period-<name>` |
//!
//! A statement run sends one item per account with all its orders in the payload, so this flow asks Shopify for
//! nothing; with a batch job, one item per account and document. The documents of an item depend on its
//! payload, the shop's configuration and what the account's last statement said. A batch job knows nothing of the
//! last statement, and its output is used where that makes no difference; where it does, the pipeline composes the
//! statement by itself. An account without activity leaves no trace in the ledger.
//!
//! An account whose orders cannot all be read, or have no balance that anybody could tell, gets no statement: its
//! item ends in the dead letters, and says which order.

// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "an overflow is a failed test"))]

mod account_statement;
mod batch;
pub mod carry;
mod data;
mod error;
mod item;
mod last;
pub mod ledger;
mod period;
mod purchase_summary;
mod run_period;
pub mod statement;
mod summary;

pub use batch::{Driver, check, driver};
pub use data::StatementData;
pub use error::{InvalidPayload, ItemError};
pub use item::TOPIC;
pub use period::Period;
pub use run_period::{InvalidPeriod, period_of};
pub use summary::SummaryData;

flow::documents! {
    AccountStatements {
        AccountStatement => account_statement,
        PurchaseSummary => purchase_summary,
    }
}

#[cfg(test)]
mod tests;
