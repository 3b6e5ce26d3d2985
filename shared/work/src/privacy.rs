//! What Shopify's privacy topics ask for. Holds what the answer needs of the person, and nothing else.

use crate::item::{InvalidItem, versioned};
use comms::{Gid, ShopDomain, names};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

names! {
    /// What is asked for.
    PrivacyTopic, "privacy topic", {
        /// Everything that is held of a customer.
        DataRequest = "customers/data_request",
        /// That a customer is forgotten.
        CustomerRedact = "customers/redact",
        /// That a shop is forgotten, which no longer uses the app.
        ShopRedact = "shop/redact",
    }
}

/// One request. A repetition is the same request: its id follows from what Shopify signed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PrivacyItem {
    /// The version of this format: 1.
    pub v: u32,
    pub shop: ShopDomain,
    pub topic: PrivacyTopic,
    /// 32 hexadecimal digits.
    pub request: String,
    /// When it was taken.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Absent for a shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Gid>,
    /// As Shopify knows it. Only what is exported says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The customer's orders that the request is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<Gid>,
    /// It was done, and is done again for what was under way at that time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

impl PrivacyItem {
    pub const VERSION: u32 = 1;

    pub fn from_json(body: &str) -> Result<Self, InvalidItem> {
        versioned(body, |item: &Self| item.v)
    }
}

// it is about a person
impl fmt::Debug for PrivacyItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivacyItem")
            .field("shop", &self.shop)
            .field("topic", &self.topic)
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_is_published_and_prints_nobody() {
        let schema = schemars::schema_for!(PrivacyItem).to_value();
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
        contract::published(&folder.join("privacy-item.v1.json"), &schema);
        let sample = serde_json::json!({
            "v": 1, "shop": "acme.myshopify.com", "topic": "customers/redact", "request": "0".repeat(32),
            "at": "2026-11-22T09:00:00Z", "customer": "gid://shopify/Customer/501", "email": "doe@example.com",
            "orders": ["gid://shopify/Order/1"],
        });
        contract::conforms(&schema, &sample);
        let item = PrivacyItem::from_json(&sample.to_string()).unwrap();
        let printed = format!("{item:?}");
        assert!(!printed.contains("doe") && !printed.contains("501"), "{printed}");
    }
}
