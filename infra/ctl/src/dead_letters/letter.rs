//! What can be shown of a dead letter: what it is about and why it was given up, never a body, which has customers' data.

use comms::one_line;
use serde::Serialize;
use serde_json::Value;
use std::{collections::HashMap, fmt};
use work::GivenUp;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Letter {
    pub message_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<GivenUp>,
    pub reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shop: Option<String>,
    /// The order, return and so on; of an event, its topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

const MOST_BYTES: usize = 240;

impl Letter {
    /// Of a message with its attributes. A message that SQS moved has none.
    pub fn read(message_id: &str, body: &str, attributes: &HashMap<&str, &str>) -> Self {
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        // Lambda's record of an event that intake refused
        let event = body.get("requestPayload").unwrap_or(&body);
        let detail = &event["detail"]["metadata"];
        let text =
            |value: &Value| value.as_str().map(|text| comms::cut(&one_line(text), MOST_BYTES).to_owned());
        let refusal = text(&body["responsePayload"]["errorMessage"]);
        let named = attributes.get("Reason").or(attributes.get("ERROR_MESSAGE"));
        let named = named.map(|text| comms::cut(&one_line(text), MOST_BYTES).to_owned());
        Self {
            message_id: message_id.to_owned(),
            cause: attributes.get("Cause").and_then(|cause| cause.parse().ok()),
            reason: named.or(refusal).unwrap_or_else(|| "its queue or EventBridge gave it up".to_owned()),
            shop: text(&event["shop"]).or_else(|| text(&detail["X-Shopify-Shop-Domain"])),
            about: ["subject", "reported_on", "run", "request"]
                .iter()
                .find_map(|name| text(&event[name]))
                .or_else(|| text(&detail["X-Shopify-Topic"])),
        }
    }

    /// Alike for messages that were given up alike.
    pub fn why(&self) -> String {
        match self.cause {
            Some(cause) => format!("{cause}: {}", self.reason),
            None => self.reason.clone(),
        }
    }
}

impl fmt::Display for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [shop, about] = [&self.shop, &self.about].map(|it| it.as_deref().unwrap_or("-"));
        write!(f, "{}  {shop}  {about}  {}", self.message_id, self.why())
    }
}
