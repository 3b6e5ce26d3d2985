//! The message that a published document was opened. Public contract: `schemas/opened-item.v1.json`. It shares a queue with
//! the reports, which have no `kind`.

use crate::{
    InvalidItem,
    item::{kind, versioned},
};
use comms::{CommunicationId, ShopDomain};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One opening. Of several of the same thing, the first becomes evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenedItem {
    /// The version of this format: 1.
    pub v: u32,
    pub kind: OpenedKind,
    pub shop: ShopDomain,
    pub communication: CommunicationId,
    /// The key of the archived document, whose record lies beside it.
    pub object: String,
    /// What was opened: `page`, or the document's file.
    pub what: String,
    /// When it was opened first, as far as is known.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

/// Tells the message apart from others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OpenedKind {
    #[default]
    Opened,
}

impl OpenedItem {
    pub const VERSION: u32 = 1;

    /// Whether a message is one of these.
    pub fn is_one(body: &str) -> bool {
        kind::<OpenedKind>(body).is_some()
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
    fn the_contract_is_published_and_no_other_message_is_one() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
        let schema = schemars::schema_for!(OpenedItem).to_value();
        contract::published(&folder.join("opened-item.v1.json"), &schema);
        let sample = json!({
            "v": 1, "kind": "opened", "shop": "acme.myshopify.com",
            "communication": "c4809f9b199959867b344883a5f958d0",
            "object": "acme.myshopify.com/2026/11/27/receipt/c4809f9b199959867b344883a5f958d0/document.pdf",
            "what": "page", "at": "2026-11-27T09:00:00Z",
        });
        contract::conforms(&schema, &sample);
        assert!(
            OpenedItem::is_one(&sample.to_string()) && OpenedItem::from_json(&sample.to_string()).is_ok()
        );
        for other in [r#"{"v":1,"kind":"unsubscribe"}"#, r#"{"v":1,"shop":"acme.myshopify.com"}"#, "{"] {
            assert!(!OpenedItem::is_one(other), "{other}");
        }
    }
}
