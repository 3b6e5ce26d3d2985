//! What template designers start from: of each document the schemas and samples that are published, samples with many rows,
//! and both for the XML form. They are part of the program, so that nothing else is needed.

mod command;
mod rows;
mod upload;

pub use command::{SamplesCommand, parse_rows, run};
pub use rows::with_rows;

use bytes::Bytes;
use comms::Document;
use exstream::{DriverError, encode_driver};
use serde_json::Value;
use shop_config::DriverFormat;

/// What is published of a document. The samples have the usual root, with one customer below it.
pub struct Published {
    pub document: Document,
    /// JSON Schema.
    pub schema: &'static str,
    /// XML Schema of the XML form.
    pub xml_schema: &'static str,
    /// A usual document.
    pub usual: &'static str,
    /// A document that has every field.
    pub everything: &'static str,
}

macro_rules! published {
    ($($variant:ident = $flow:literal / $name:literal),+ $(,)?) => {
        /// What is published of a document.
        pub const fn published(document: Document) -> Published {
            match document {
                $(Document::$variant => Published {
                    document,
                    schema: include_str!(concat!("../../../functions/", $flow, "/schemas/", $name, ".v1.json")),
                    xml_schema: include_str!(concat!("../../../functions/", $flow, "/schemas/", $name, ".v1.xsd")),
                    usual: include_str!(concat!("../../../functions/", $flow, "/samples/", $name, ".v1.json")),
                    everything: include_str!(concat!("../../../functions/", $flow, "/samples/", $name, ".everything.v1.json")),
                },)+
            }
        }
    };
}

published! {
    OrderConfirmation = "order-confirmation" / "order-confirmation",
    Receipt = "order-confirmation" / "receipt",
    ShippingNotice = "shipping-documents" / "shipping-notice",
    PackingSlip = "shipping-documents" / "packing-slip",
    DeliveryDocument = "shipping-documents" / "delivery-document",
    OutForDeliveryNotice = "shipping-documents" / "out-for-delivery-notice",
    ReadyForPickupNotice = "shipping-documents" / "ready-for-pickup-notice",
    ReturnAuthorization = "return-letters" / "return-authorization",
    ReturnInstructions = "return-letters" / "return-instructions",
    ReturnDeclined = "return-letters" / "return-declined",
    RefundConfirmation = "return-letters" / "refund-confirmation",
    PromotionalOffer = "targeted-offers" / "promotional-offer",
    LoyaltyStatement = "targeted-offers" / "loyalty-statement",
    ReplenishmentReminder = "targeted-offers" / "replenishment-reminder",
    AccountStatement = "account-statements" / "account-statement",
    PurchaseSummary = "account-statements" / "purchase-summary",
    PaymentFailureLetter = "exception-letters" / "payment-failure-letter",
    CancellationLetter = "exception-letters" / "cancellation-letter",
    DisputeNotice = "exception-letters" / "dispute-notice",
    DisputeResolution = "exception-letters" / "dispute-resolution",
    PaymentOverdueLetter = "exception-letters" / "payment-overdue-letter",
}

/// Which sample of a document is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Which {
    /// Every field, each list with two rows.
    Everything,
    /// A usual document.
    Usual,
}

impl Published {
    /// A sample, as it is published.
    pub fn text(&self, which: Which) -> &'static str {
        match which {
            Which::Everything => self.everything,
            Which::Usual => self.usual,
        }
    }

    /// The one customer of a sample.
    pub fn customer(&self, which: Which) -> Value {
        let sample: Value = serde_json::from_str(self.text(which)).unwrap_or_default();
        sample["customers"][0].clone()
    }
}

/// A sample's file in a format.
pub fn in_format(format: DriverFormat, json: &str) -> Result<Bytes, DriverError> {
    encode_driver(format, &Bytes::copy_from_slice(json.as_bytes()))
}

#[cfg(test)]
mod tests;
