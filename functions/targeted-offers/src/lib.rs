//! Promotional offers, loyalty statements and replenishment reminders.
//!
//! | cause | document | revision |
//! | --- | --- | --- |
//! | `customer.joined_segment`, for each offer of the segment | promotional-offer | the offer |
//! | `campaign`, which offer-run makes | promotional-offer, loyalty-statement | campaign and its date |
//! | `campaign` | replenishment-reminder, one for all that is to be reminded of | the last day to remind of |
//!
//! Everything a document says is fetched when it is made: an event names the customer and the cause only. Consent is
//! read with the customer and checked, with everything else that forbids marketing, right before sending.

// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "an overflow is a failed test"))]

mod addressee;
mod cause;
mod consent;
mod loyalty_data;
mod loyalty_statement;
mod offer;
mod points;
mod promotional_offer;
mod replenish;
mod replenishment_reminder;

pub use cause::{Cause, Firing};
pub use loyalty_data::Statement;
pub use promotional_offer::Promotion;
pub use replenishment_reminder::Reminder;

flow::documents! {
    TargetedOffers {
        PromotionalOffer => promotional_offer,
        LoyaltyStatement => loyalty_statement,
        ReplenishmentReminder => replenishment_reminder,
    }
    look_up: replenishment_reminder::look_up
}

#[cfg(test)]
mod tests;
