//! Flows, the documents they make, and how careful each must be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a {what}; known: {known}")]
pub struct UnknownName {
    what: &'static str,
    name: String,
    known: String,
}

macro_rules! names {
    ($(#[$meta:meta])* $type:ident, $what:literal, { $($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum $type { $($(#[$doc])* #[serde(rename = $name)] $variant),+ }

        impl $type {
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name used in keys, configuration, logs and contracts.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $type {
            type Err = UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|it| it.name() == text).ok_or_else(|| UnknownName {
                    what: $what,
                    name: text.chars().filter(|c| !c.is_control()).take(80).collect(),
                    known: Self::ALL.iter().map(|it| it.name()).collect::<Vec<_>>().join(", "),
                })
            }
        }
    };
}

names! {
    /// A line of work with a queue and a function of its own.
    Flow, "flow", {
        OrderConfirmation = "order-confirmation",
        ShippingDocuments = "shipping-documents",
        ReturnLetters = "return-letters",
        TargetedOffers = "targeted-offers",
        AccountStatements = "account-statements",
        ExceptionLetters = "exception-letters",
    }
}

names! {
    /// A kind of customer document, as a template designer would name it.
    Document, "document", {
        OrderConfirmation = "order-confirmation",
        Receipt = "receipt",
        ShippingNotice = "shipping-notice",
        PackingSlip = "packing-slip",
        DeliveryDocument = "delivery-document",
        ReadyForPickupNotice = "ready-for-pickup-notice",
        OutForDeliveryNotice = "out-for-delivery-notice",
        ReturnAuthorization = "return-authorization",
        ReturnInstructions = "return-instructions",
        ReturnDeclined = "return-declined",
        RefundConfirmation = "refund-confirmation",
        PromotionalOffer = "promotional-offer",
        LoyaltyStatement = "loyalty-statement",
        ReplenishmentReminder = "replenishment-reminder",
        AccountStatement = "account-statement",
        PurchaseSummary = "purchase-summary",
        PaymentFailureLetter = "payment-failure-letter",
        CancellationLetter = "cancellation-letter",
        DisputeNotice = "dispute-notice",
        DisputeResolution = "dispute-resolution",
        PaymentOverdueLetter = "payment-overdue-letter",
    }
}

names! {
    /// How careful a document must be with sending and forgetting.
    MessageClass, "message class", {
        /// Follows from a purchase: sent without asking for consent.
        Transactional = "transactional",
        /// Needs consent and no suppression at send time; quiet hours and a frequency cap apply.
        Marketing = "marketing",
        /// Never sent twice, never dropped silently, kept longest.
        Regulated = "regulated",
    }
}

impl Document {
    pub const fn flow(self) -> Flow {
        match self {
            Self::OrderConfirmation | Self::Receipt => Flow::OrderConfirmation,
            Self::ShippingNotice
            | Self::PackingSlip
            | Self::DeliveryDocument
            | Self::ReadyForPickupNotice
            | Self::OutForDeliveryNotice => Flow::ShippingDocuments,
            Self::ReturnAuthorization
            | Self::ReturnInstructions
            | Self::ReturnDeclined
            | Self::RefundConfirmation => Flow::ReturnLetters,
            Self::PromotionalOffer | Self::LoyaltyStatement | Self::ReplenishmentReminder => {
                Flow::TargetedOffers
            }
            Self::AccountStatement | Self::PurchaseSummary => Flow::AccountStatements,
            Self::PaymentFailureLetter
            | Self::CancellationLetter
            | Self::DisputeNotice
            | Self::DisputeResolution
            | Self::PaymentOverdueLetter => Flow::ExceptionLetters,
        }
    }

    /// The class a shop gets unless its configuration says otherwise.
    pub const fn default_class(self) -> MessageClass {
        match self.flow() {
            Flow::TargetedOffers => MessageClass::Marketing,
            Flow::ExceptionLetters => MessageClass::Regulated,
            Flow::OrderConfirmation
            | Flow::ShippingDocuments
            | Flow::ReturnLetters
            | Flow::AccountStatements => MessageClass::Transactional,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_unknown_ones_list_the_known() {
        for &document in Document::ALL {
            assert_eq!(document.name().parse::<Document>().unwrap(), document);
            assert_eq!(serde_json::to_value(document).unwrap(), document.name());
        }
        let error = "postcard".parse::<Document>().unwrap_err().to_string();
        assert!(
            error.contains("`postcard` is not a document; known: order-confirmation, receipt"),
            "{error}"
        );
    }
}
