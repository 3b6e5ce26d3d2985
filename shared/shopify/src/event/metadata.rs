//! The metadata of both envelopes, whose keys differ in case and in a leading `X-`.

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use std::fmt;

#[derive(Default)]
pub(super) struct Metadata {
    pub topic: Option<String>,
    pub shop_domain: Option<String>,
    pub webhook_id: Option<String>,
    pub event_id: Option<String>,
    pub triggered_at: Option<String>,
    pub api_version: Option<String>,
    pub test: Option<String>,
    pub action: Option<String>,
}

impl Metadata {
    fn slot(&mut self, key: &str) -> Option<&mut Option<String>> {
        let key = key.to_ascii_lowercase();
        Some(match key.strip_prefix("x-").unwrap_or(&key).strip_prefix("shopify-")? {
            "topic" => &mut self.topic,
            "shop-domain" => &mut self.shop_domain,
            "webhook-id" => &mut self.webhook_id,
            "event-id" => &mut self.event_id,
            "triggered-at" => &mut self.triggered_at,
            "api-version" => &mut self.api_version,
            "test" => &mut self.test,
            "action" => &mut self.action,
            _ => return None,
        })
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;

        impl<'de> Visitor<'de> for Keys {
            type Value = Metadata;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metadata, A::Error> {
                let mut metadata = Metadata::default();
                while let Some(key) = map.next_key::<String>()? {
                    match metadata.slot(&key) {
                        // an absent value is left as it is: an empty one is as good as none
                        Some(slot) => {
                            let Text(text) = map.next_value()?;
                            *slot = Some(text).filter(|text| !text.is_empty()).or(slot.take());
                        }
                        None => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(metadata)
            }
        }

        deserializer.deserialize_map(Keys)
    }
}

/// Header values are text; a flag that comes as a JSON boolean is read all the same.
#[derive(Deserialize)]
struct Text(#[serde(deserialize_with = "crate::decode::scalar")] String);
