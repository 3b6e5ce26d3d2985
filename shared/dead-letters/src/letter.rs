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
    /// When SQS took it.
    #[serde(skip)]
    pub sent_epoch_ms: Option<i64>,
}

const MOST_BYTES: usize = 240;

impl Letter {
    /// Of a message with its attributes. A message that SQS moved has none.
    pub fn read(
        message_id: &str,
        body: &str,
        attributes: &HashMap<&str, &str>,
        sent_epoch_ms: Option<i64>,
    ) -> Self {
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
            sent_epoch_ms,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_says_what_it_is_about_and_nothing_of_a_customer() {
        let attributes = HashMap::from([("Cause", "cannot-work"), ("Reason", "no field")]);
        let body = r#"{"v":1,"shop":"a.myshopify.com","subject":"gid://shopify/Order/1","payload":{"email":"zoe@example.com"}}"#;
        let letter = Letter::read("m", body, &attributes, None);
        assert_eq!(letter.to_string(), "m  a.myshopify.com  gid://shopify/Order/1  cannot-work: no field");
        let refused = r#"{"requestPayload":{"detail":{"metadata":{"X-Shopify-Topic":"orders/create","X-Shopify-Shop-Domain":"a.myshopify.com"},
            "payload":{"email":"zoe@example.com"}}},"responsePayload":{"errorMessage":"no configuration"}}"#;
        let letter = Letter::read("m", refused, &HashMap::new(), None);
        assert_eq!(letter.to_string(), "m  a.myshopify.com  orders/create  no configuration");
        assert_eq!(
            Letter::read("m", "{", &HashMap::new(), None).why(),
            "its queue or EventBridge gave it up"
        );
    }
}
