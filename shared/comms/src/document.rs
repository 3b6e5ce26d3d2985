//! Flows, the documents they make, and how careful each must be.

use crate::names;

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

/// Declares [`Document`] from one row for each: its name, its flow, and the class that a shop gets unless its
/// configuration says otherwise.
macro_rules! documents {
    ($($variant:ident = $name:literal, $flow:ident, $class:ident;)+) => {
        names! {
            /// A kind of customer document, as a template designer would name it.
            Document, "document", { $($variant = $name),+ }
        }

        impl Document {
            /// The flow that makes it.
            pub const fn flow(self) -> Flow {
                match self { $(Self::$variant => Flow::$flow),+ }
            }

            /// The class a shop gets unless its configuration says otherwise.
            pub const fn default_class(self) -> MessageClass {
                match self { $(Self::$variant => MessageClass::$class),+ }
            }
        }
    };
}

documents! {
    OrderConfirmation = "order-confirmation", OrderConfirmation, Transactional;
    Receipt = "receipt", OrderConfirmation, Transactional;
    ShippingNotice = "shipping-notice", ShippingDocuments, Transactional;
    PackingSlip = "packing-slip", ShippingDocuments, Transactional;
    DeliveryDocument = "delivery-document", ShippingDocuments, Transactional;
    ReadyForPickupNotice = "ready-for-pickup-notice", ShippingDocuments, Transactional;
    OutForDeliveryNotice = "out-for-delivery-notice", ShippingDocuments, Transactional;
    ReturnAuthorization = "return-authorization", ReturnLetters, Transactional;
    ReturnInstructions = "return-instructions", ReturnLetters, Transactional;
    ReturnDeclined = "return-declined", ReturnLetters, Transactional;
    RefundConfirmation = "refund-confirmation", ReturnLetters, Transactional;
    PromotionalOffer = "promotional-offer", TargetedOffers, Marketing;
    LoyaltyStatement = "loyalty-statement", TargetedOffers, Marketing;
    ReplenishmentReminder = "replenishment-reminder", TargetedOffers, Marketing;
    AccountStatement = "account-statement", AccountStatements, Transactional;
    PurchaseSummary = "purchase-summary", AccountStatements, Transactional;
    PaymentFailureLetter = "payment-failure-letter", ExceptionLetters, Regulated;
    CancellationLetter = "cancellation-letter", ExceptionLetters, Regulated;
    DisputeNotice = "dispute-notice", ExceptionLetters, Regulated;
    DisputeResolution = "dispute-resolution", ExceptionLetters, Regulated;
    PaymentOverdueLetter = "payment-overdue-letter", ExceptionLetters, Regulated;
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
