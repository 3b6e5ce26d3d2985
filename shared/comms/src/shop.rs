//! The identity of a shop.

use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt, str::FromStr};

/// A shop's permanent domain, such as `acme.myshopify.com`.
///
/// Lower case, one label below `myshopify.com`: it can be used in an object key, a host name or a log line
/// without escaping. Custom domains are refused, because Shopify's events and API use the permanent one.
///
/// ```
/// let shop: comms::ShopDomain = "Acme.myshopify.com".parse().unwrap();
/// assert_eq!(shop.as_str(), "acme.myshopify.com");
/// assert!("../acme.myshopify.com".parse::<comms::ShopDomain>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ShopDomain(String);

/// A text that is no shop's permanent domain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a shop domain: expected `<name>.myshopify.com`, letters, digits and hyphens")]
pub struct InvalidShopDomain(String);

impl ShopDomain {
    /// The whole domain, such as `northwind-demo.myshopify.com`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ShopDomain {
    type Err = InvalidShopDomain;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lower = text.to_ascii_lowercase();
        let valid = lower.strip_suffix(".myshopify.com").is_some_and(|name| {
            (1..=63).contains(&name.len())
                && !name.starts_with('-')
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        });
        if valid {
            Ok(Self(lower))
        } else {
            // bounded and without control characters: the text came from outside
            Err(InvalidShopDomain(crate::one_line(text).chars().take(80).collect()))
        }
    }
}

impl TryFrom<String> for ShopDomain {
    type Error = InvalidShopDomain;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ShopDomain> for String {
    fn from(shop: ShopDomain) -> Self {
        shop.0
    }
}

impl fmt::Display for ShopDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl schemars::JsonSchema for ShopDomain {
    fn schema_name() -> Cow<'static, str> {
        "ShopDomain".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A shop's permanent domain.",
            "pattern": "^[a-z0-9][a-z0-9-]{0,62}\\.myshopify\\.com$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_could_become_a_path_or_a_host() {
        for bad in [
            "",
            "acme",
            "acme.com",
            "a/b.myshopify.com",
            "..myshopify.com",
            "-a.myshopify.com",
            ".myshopify.com",
            "a.b.myshopify.com",
            "a@b.myshopify.com",
            "acme.myshopify.com/",
        ] {
            assert!(bad.parse::<ShopDomain>().is_err(), "{bad}");
        }
    }
}
