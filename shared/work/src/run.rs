//! The message of a run: many documents at once, for a time instead of an event. Public contract:
//! `schemas/run-item.v1.json`.

use crate::{InvalidItem, item::versioned};
use comms::ShopDomain;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A run to begin, or to continue. What a scheduler sends has `v`, `shop`, `run` and `scheduled_at`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunItem {
    /// The version of this format: 1.
    pub v: u32,
    pub shop: ShopDomain,
    /// What is run: `account-statements`, or the name of a campaign.
    pub run: String,
    /// The period it is for, such as `2026-10`. Without one, it follows from `scheduled_at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
    /// The time the run was meant to begin. Without one, it is the time it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub scheduled_at: Option<Timestamp>,
    /// Set by a function that continues later: the place of this message among those of its run. An older one
    /// does nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<u64>,
}

impl RunItem {
    pub const VERSION: u32 = 1;

    pub fn from_json(body: &str) -> Result<Self, InvalidItem> {
        versioned(body, |item: &Self| item.v)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_is_published_and_what_a_scheduler_sends_conforms() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
        let schema = schemars::schema_for!(RunItem).to_value();
        contract::published(&folder.join("run-item.v1.json"), &schema);
        let sample = serde_json::json!({
            "v": 1, "shop": "acme.myshopify.com", "run": "account-statements",
            "scheduled_at": "2026-11-01T05:00:00Z", "later": true,
        });
        contract::conforms(&schema, &sample);
        let item = RunItem::from_json(&sample.to_string()).unwrap();
        assert_eq!((item.run.as_str(), item.period, item.ticket), ("account-statements", None, None));
        assert!(matches!(RunItem::from_json(r#"{"v":2}"#), Err(InvalidItem::Version(2))));
    }
}
