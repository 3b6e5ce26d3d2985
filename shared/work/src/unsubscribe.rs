//! The message that Shopify is to hear of an unsubscription. Public contract: `schemas/unsubscribe-item.v1.json`. It
//! shares a queue with the reports, which have no `kind`.

use crate::{
    InvalidItem,
    item::{kind, versioned},
};
use comms::{CommunicationId, Gid, ShopDomain};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One customer who wants no more marketing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnsubscribeItem {
    /// The version of this format: 1.
    pub v: u32,
    pub kind: UnsubscribeKind,
    pub shop: ShopDomain,
    pub customer: Gid,
    /// The message whose link was used.
    pub communication: CommunicationId,
    /// When they said so. What they say later counts more.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

/// Tells the message apart from a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UnsubscribeKind {
    #[default]
    Unsubscribe,
}

impl UnsubscribeItem {
    pub const VERSION: u32 = 1;

    /// Whether a message has a kind, and so is no report.
    pub fn is_one(body: &str) -> bool {
        kind::<String>(body).is_some()
    }

    /// # Errors
    /// For another version, or what is no such message.
    pub fn from_json(body: &str) -> Result<Self, InvalidItem> {
        versioned(body, |item: &Self| item.v)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_contract_is_published_and_a_report_is_no_such_message() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
        let schema = schemars::schema_for!(UnsubscribeItem).to_value();
        contract::published(&folder.join("unsubscribe-item.v1.json"), &schema);
        let sample = json!({
            "v": 1, "kind": "unsubscribe", "shop": "acme.myshopify.com", "customer": "gid://shopify/Customer/501",
            "communication": "c4809f9b199959867b344883a5f958d0", "at": "2026-11-27T09:00:00Z",
        });
        contract::conforms(&schema, &sample);
        assert!(UnsubscribeItem::is_one(&sample.to_string()));
        assert!(UnsubscribeItem::from_json(&sample.to_string()).is_ok());
        assert!(!UnsubscribeItem::is_one(r#"{"v":1,"shop":"acme.myshopify.com","document":"receipt"}"#));
        assert!(!UnsubscribeItem::is_one("{"));
        // a kind that this release does not know is a message to keep, not a report
        let other = sample.to_string().replace(r#""unsubscribe""#, r#""other""#);
        assert!(UnsubscribeItem::is_one(&other) && UnsubscribeItem::from_json(&other).is_err());
    }
}
