//! The text of a message. A queue takes nothing else, so that no text reaches SQS that it refuses.
//!
//! SQS takes the characters U+0009, U+000A, U+000D, U+0020 to U+D7FF, U+E000 to U+FFFD and everything above
//! U+FFFF (docs.aws.amazon.com, `AWSSimpleQueueService/latest/APIReference/API_SendMessage.html`). A customer can
//! write others. JSON can say the same character as an escape, so a message is JSON in which they are escaped.

use comms::{Class, Classify, ShopDomain};
use serde::Serialize;
use std::{borrow::Cow, fmt};

/// JSON in the characters SQS takes, and whose work it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    text: String,
    shop: Option<String>,
}

/// What each item of work says of itself.
#[derive(serde::Deserialize)]
struct OfShop {
    shop: Option<ShopDomain>,
}

#[derive(Debug, thiserror::Error)]
#[error("the message cannot be written as JSON")]
pub struct NotJson(#[from] serde_json::Error);

impl Classify for NotJson {
    fn class(&self) -> Class {
        Class::Permanent
    }
}

impl Message {
    /// # Errors
    /// When the item cannot be written as JSON.
    pub fn of(item: &impl Serialize) -> Result<Self, NotJson> {
        let text = serde_json::to_string(item)?;
        let text = match escaped(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(escaped) => escaped,
        };
        let of: Option<OfShop> = serde_json::from_str(&text).ok();
        let shop = of.and_then(|of| of.shop).map(|shop| shop.as_str().to_owned());
        Ok(Self { text, shop })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The shop whose work it is: SQS serves shops in turn where one has much more than the others.
    pub fn shop(&self) -> Option<&str> {
        self.shop.as_deref()
    }

    /// Its size, as SQS counts it.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }
}

// it carries a customer's data
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

/// What SQS does not take and JSON may hold outside an escape: other control characters must be escaped in any
/// JSON, and surrogates are in no Rust string.
pub(crate) const REFUSED: [char; 2] = ['\u{fffe}', '\u{ffff}'];

/// JSON that says the same in characters SQS takes. Such a character can only be in a string, and never directly
/// after a backslash that would make it a part of another escape.
pub(crate) fn escaped(json: &str) -> Cow<'_, str> {
    // one character at a time is found by its bytes, which is much faster than reading all characters
    if !REFUSED.iter().any(|refused| json.contains(*refused)) {
        return Cow::Borrowed(json);
    }
    let mut text = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        match REFUSED.contains(&c) {
            true => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => text.push(c),
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WorkItem;
    use proptest::prelude::*;
    use serde_json::{Value, json, value::RawValue};

    /// As SQS documents it.
    fn takes(text: &str) -> bool {
        text.chars().all(|c| {
            matches!(u32::from(c),
                0x9 | 0xa | 0xd | 0x20..=0xd7ff | 0xe000..=0xfffd | 0x10000..=0x0010_ffff)
        })
    }

    /// Every kind of character, those at the edges of what SQS takes more often than chance would have them.
    fn text() -> impl Strategy<Value = String> {
        let edges = prop::sample::select(
            "\0\u{1}\u{8}\t\n\u{b}\r\u{1f} \"\\/\u{7f}\u{85}\u{d7ff}\u{e000}\u{fdd0}\u{fffd}\u{fffe}\u{ffff}\u{1fffe}\u{10ffff}"
                .chars()
                .collect::<Vec<_>>(),
        );
        prop::collection::vec(prop_oneof![edges, any::<char>()], 0..40)
            .prop_map(|chars| chars.into_iter().collect())
    }

    fn item(payload: &str) -> WorkItem {
        let item = json!({
            "v": 1, "shop": "acme.myshopify.com", "flow": "order-confirmation", "subject": "gid://shopify/Order/1",
            "trigger": {"topic": "orders/create", "webhook_id": "w"},
        });
        let mut item = WorkItem::from_json(&item.to_string()).unwrap();
        item.payload = Some(RawValue::from_string(payload.to_owned()).unwrap());
        item
    }

    proptest! {
        /// As a value and as a name, written by Shopify (which escapes what it likes) or by us.
        #[test]
        fn any_text_survives_a_queue(name in text(), value in text(), escape_all: bool) {
            let payload = json!({&name: {"note": &value, "id": 9007199254740993u64}});
            let mut written = payload.to_string();
            if escape_all {
                written = written.chars().map(|c| match c {
                    '\u{80}'..='\u{ffff}' => format!("\\u{:04X}", u32::from(c)),
                    c => c.to_string(),
                }).collect();
            }
            let message = Message::of(&item(&written)).unwrap();
            prop_assert!(takes(message.text()), "{}", message.text());
            let read = WorkItem::from_json(message.text()).unwrap().payload.unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(read.get()).unwrap(), payload);
        }
    }

    #[test]
    fn only_what_is_refused_is_written_otherwise() {
        let payload = "{\"a\":\"\\\\\u{fffe}x\u{ffff}\",\n \"b\":9007199254740993}";
        let message = Message::of(&item(payload)).unwrap();
        assert!(message.text().contains("{\"a\":\"\\\\\\ufffex\\uffff\",\n \"b\":9007199254740993}"));
        assert!(matches!(escaped("{\"a\":\"\u{fffd}\"}"), Cow::Borrowed(_)));
    }

    #[test]
    fn prints_no_text() {
        let printed = format!("{:?}", Message::of(&"Camille").unwrap());
        assert_eq!(printed, "Message { bytes: 9, .. }");
    }
}
