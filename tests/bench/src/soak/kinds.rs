//! The kinds of cases: what happens in each, what Shopify knows, and which documents must follow.
//!
//! Written down by hand, event by event: nothing of the functions' own planning is asked.

use crate::{
    Failure,
    world::{sample, samples},
};
use std::fs;

/// How a document goes out by the configuration of the soak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Email,
    Print,
    ArchiveOnly,
}

/// A document with its subject, as the sample numbers it.
pub type Follows = (&'static str, &'static str, Way);

pub struct Kind {
    /// Of a hundred cases.
    pub share: u32,
    pub order: &'static str,
    /// The event whose order Shopify has, or the folder and the names of the documents it has.
    pub known: Known,
    pub events: &'static [(&'static str, &'static [Follows])],
}

pub enum Known {
    Order(&'static str),
    Documents(&'static str, &'static [&'static str]),
}

pub const KINDS: [Kind; 8] = [
    Kind {
        share: 45,
        order: "820982911946154601",
        known: Known::Order("orders-create.json"),
        events: &[
            ("orders-create.json", &[("order-confirmation", "Order/820982911946154601", Way::Email)]),
            ("orders-paid.json", &[("receipt", "Order/820982911946154601", Way::ArchiveOnly)]),
        ],
    },
    Kind {
        share: 25,
        order: "820982911946157101",
        known: Known::Documents(
            "shipping-documents",
            &["order", "fulfillment-new", "fulfillment-corrected", "fulfillment-delivered"],
        ),
        events: &[
            (
                "shipping-documents/fulfillments-create.json",
                &[
                    ("shipping-notice", "Fulfillment/4620000007103", Way::Email),
                    ("packing-slip", "Fulfillment/4620000007103", Way::Print),
                ],
            ),
            (
                "shipping-documents/fulfillments-update.json",
                &[("shipping-notice", "Fulfillment/4620000007102", Way::Email)],
            ),
            (
                "shipping-documents/fulfillment-events-create.json",
                &[("delivery-document", "Fulfillment/4620000007101", Way::Email)],
            ),
        ],
    },
    Kind {
        share: 12,
        order: "820982911946154642",
        known: Known::Documents("return-letters", &["order", "refund", "return-approved", "return-declined"]),
        events: &[
            (
                "return-letters/returns-approve.json",
                &[
                    ("return-authorization", "Return/30917460001", Way::Email),
                    ("return-instructions", "Return/30917460001", Way::Email),
                ],
            ),
            ("return-letters/returns-decline.json", &[("return-declined", "Return/30917460002", Way::Email)]),
            // two events that lead to one letter
            (
                "return-letters/refunds-create.json",
                &[("refund-confirmation", "Refund/910177420001", Way::Email)],
            ),
            (
                "return-letters/order-transactions-create.json",
                &[("refund-confirmation", "Refund/910177420001", Way::Email)],
            ),
        ],
    },
    Kind {
        share: 6,
        order: "820982911946155101",
        known: Known::Documents("exception-letters", &["order-payment-failed", "payment-failed"]),
        events: &[(
            "exception-letters/order-transactions-create.json",
            &[("payment-failure-letter", "OrderTransaction/920982911946155102", Way::Email)],
        )],
    },
    Kind {
        share: 4,
        order: "820982911946155102",
        known: Known::Documents("exception-letters", &["order-cancelled"]),
        events: &[(
            "exception-letters/orders-cancelled.json",
            &[("cancellation-letter", "Order/820982911946155102", Way::Email)],
        )],
    },
    Kind {
        share: 3,
        order: "820982911946155103",
        known: Known::Documents("exception-letters", &["order-disputed", "dispute-open"]),
        events: &[(
            "exception-letters/disputes-create.json",
            &[("dispute-notice", "ShopifyPaymentsDispute/285332461850155101", Way::Email)],
        )],
    },
    Kind {
        share: 2,
        order: "820982911946155104",
        known: Known::Documents("exception-letters", &["order-dispute-won", "dispute-won"]),
        events: &[(
            "exception-letters/disputes-update.json",
            &[("dispute-resolution", "ShopifyPaymentsDispute/285332461850155102", Way::Email)],
        )],
    },
    Kind {
        share: 3,
        order: "820982911946155105",
        known: Known::Documents("exception-letters", &["order-on-terms", "payment-schedule-due"]),
        events: &[(
            "exception-letters/payment-schedules-due.json",
            &[("payment-overdue-letter", "PaymentSchedule/606405506930155102", Way::Email)],
        )],
    },
];

pub fn known(known: &Known) -> Result<Vec<(&'static str, String)>, Failure> {
    match known {
        Known::Order(file) => Ok(vec![("orders", sample(file)?.to_string())]),
        Known::Documents(folder, names) => names
            .iter()
            .map(|name| {
                let file = samples().join(folder).join("shopify").join(format!("{name}.json"));
                let text =
                    fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
                Ok(("documents", text))
            })
            .collect(),
    }
}
