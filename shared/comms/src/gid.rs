//! Shopify's global identifiers.

use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt, str::FromStr};

/// A Shopify global id, `gid://shopify/<Kind>/<number>`.
///
/// The number is a 64-bit integer in Shopify's systems and stays text here, so it cannot lose digits.
/// Query parameters, which some sub-resources carry, are refused.
///
/// ```
/// let gid: comms::Gid = "gid://shopify/Order/820982911946154508".parse().unwrap();
/// assert_eq!((gid.kind(), gid.number()), ("Order", "820982911946154508"));
/// assert_eq!(comms::Gid::new("Order", 820982911946154508), gid);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Gid(String);

/// A text that is no global id, or not one of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a Shopify global id: expected `gid://shopify/{expected}/<number>`")]
pub struct InvalidGid {
    text: String,
    expected: &'static str,
}

const PREFIX: &str = "gid://shopify/";

impl Gid {
    /// The id of a resource whose kind, such as `Order`, and number are known.
    pub fn new(kind: &'static str, number: u64) -> Self {
        Self(format!("{PREFIX}{kind}/{number}"))
    }

    /// The whole id, as Shopify writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The resource's type name, such as `Order`.
    pub fn kind(&self) -> &str {
        self.parts().0
    }

    /// The decimal number, as text.
    pub fn number(&self) -> &str {
        self.parts().1
    }

    /// Passes the id on if it names a resource of `kind`.
    pub fn of_kind(self, kind: &'static str) -> Result<Self, InvalidGid> {
        if self.kind() == kind { Ok(self) } else { Err(InvalidGid { text: self.0, expected: kind }) }
    }

    fn parts(&self) -> (&str, &str) {
        self.0.strip_prefix(PREFIX).and_then(|rest| rest.split_once('/')).unwrap_or_default()
    }
}

impl FromStr for Gid {
    type Err = InvalidGid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid =
            text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('/')).is_some_and(|(kind, number)| {
                (1..=64).contains(&kind.len())
                    && kind.bytes().all(|b| b.is_ascii_alphanumeric())
                    && (1..=20).contains(&number.len())
                    && number.bytes().all(|b| b.is_ascii_digit())
                    // two spellings of one number would be two identities
                    && !(number.len() > 1 && number.starts_with('0'))
            });
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            let text = crate::one_line(text).chars().take(80).collect();
            Err(InvalidGid { text, expected: "<Kind>" })
        }
    }
}

impl TryFrom<String> for Gid {
    type Error = InvalidGid;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Gid> for String {
    fn from(gid: Gid) -> Self {
        gid.0
    }
}

impl fmt::Display for Gid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl schemars::JsonSchema for Gid {
    fn schema_name() -> Cow<'static, str> {
        "Gid".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A Shopify global id.",
            "pattern": "^gid://shopify/[A-Za-z0-9]{1,64}/[0-9]{1,20}$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_every_digit_of_a_64_bit_number() {
        let gid = Gid::new("Order", u64::MAX);
        assert_eq!(gid.to_string().parse::<Gid>().unwrap().number(), "18446744073709551615");
    }

    #[test]
    fn refuses_other_shapes_and_says_what_is_expected() {
        for bad in [
            "",
            "Order/1",
            "gid://shopify/Order",
            "gid://shopify/Order/1?x=1",
            "gid://other/Order/1",
            "gid://shopify/Order/1/2",
            "gid://shopify/Order/01",
        ] {
            assert!(bad.parse::<Gid>().is_err(), "{bad}");
        }
        let error = Gid::new("Customer", 7).of_kind("Order").unwrap_err().to_string();
        assert!(error.contains("gid://shopify/Order/<number>"), "{error}");
    }
}
