//! Where an item belongs in a trace: a `traceparent` of the W3C's Trace Context (w3.org/TR/trace-context-1), carried by items
//! whose trace is recorded and by no others.
//!
//! It decides nothing. One that cannot be read is left out, and never fails the item.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{
    fmt,
    num::{NonZeroU64, NonZeroU128},
};

/// A span of a trace that is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    pub trace: NonZeroU128,
    pub span: NonZeroU64,
}

impl TraceContext {
    /// `None` for one that is not valid, or not recorded. Later versions are read as this one, as the standard asks.
    pub fn parse(text: &str) -> Option<Self> {
        let (head, rest) = (text.get(..55)?, text.get(55..)?);
        let parts: Vec<_> = head.split('-').collect();
        let [version, trace, span, flags] = parts[..] else { return None };
        let is_hex = |part: &str, length: usize| {
            part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let well_formed = is_hex(version, 2)
            && is_hex(trace, 32)
            && is_hex(span, 16)
            && is_hex(flags, 2)
            && version != "ff";
        let ends = rest.is_empty() || (version != "00" && rest.starts_with('-'));
        let recorded = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        if !(well_formed && ends && recorded) {
            return None;
        }
        let trace = NonZeroU128::new(u128::from_str_radix(trace, 16).ok()?)?;
        Some(Self { trace, span: NonZeroU64::new(u64::from_str_radix(span, 16).ok()?)? })
    }

    /// For a field of an item: what cannot be read is left out.
    pub(crate) fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Anything<'a> {
            Text(#[serde(borrow)] std::borrow::Cow<'a, str>),
            Other(serde::de::IgnoredAny),
        }
        Ok(match Anything::deserialize(deserializer)? {
            Anything::Text(text) => Self::parse(&text),
            Anything::Other(_) => None,
        })
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-01", self.trace, self.span)
    }
}

impl Serialize for TraceContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{WorkItem, WriteBackItem};

    const TEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_context_is_its_text() {
        assert_eq!(TraceContext::parse(TEXT).unwrap().to_string(), TEXT);
        let later = TEXT.replacen("00", "01", 1) + "-more";
        assert_eq!(TraceContext::parse(&later), TraceContext::parse(TEXT), "a later version may have more");
    }

    #[test]
    fn what_is_not_valid_or_not_recorded_is_none() {
        for text in [
            "",
            "00",
            "é",
            &TEXT.replace("-01", "-00"),
            &TEXT.replacen("00", "ff", 1),
            &TEXT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &TEXT.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &TEXT.replace("4bf92", "4BF92"),
            &TEXT.replace("4bf92", "+bf92"),
            &(TEXT.to_owned() + "-more"),
            &(TEXT.to_owned() + "0"),
            &TEXT.replace('-', "_"),
        ] {
            assert_eq!(TraceContext::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_item_carries_it_and_whatever_stands_there_fails_no_item() {
        let item = r#"{"v":1,"shop":"acme.myshopify.com","flow":"order-confirmation","trigger":{"topic":"orders/create","webhook_id":"w"},"subject":"gid://shopify/Order/1"}"#;
        let without = WorkItem::from_json(item).unwrap();
        assert_eq!(serde_json::to_string(&without).unwrap(), item, "no byte more");
        let with = |value: &str| {
            let text = item.replace(r#","subject""#, &format!(r#","trace":{value},"subject""#));
            WorkItem::from_json(&text).unwrap()
        };
        let carrying = with(&format!("\"{TEXT}\""));
        assert_eq!(carrying.trace, TraceContext::parse(TEXT));
        assert_eq!(
            WorkItem::from_json(&serde_json::to_string(&carrying).unwrap()).unwrap().trace,
            carrying.trace
        );
        for value in ["null", "7", "{}", "[1]", "\"\"", "\"\\u0000\""] {
            assert_eq!(with(value).trace, None, "{value}");
        }
        let report = r#"{"v":1,"shop":"acme.myshopify.com","reported_on":"gid://shopify/Order/1","communication":"c4809f9b199959867b344883a5f958d0","document":"receipt","state":"accepted","at":"2026-11-22T09:00:00Z"}"#;
        let report = WriteBackItem::from_json(report).unwrap();
        assert!(!serde_json::to_string(&report).unwrap().contains("trace"));
    }
}
