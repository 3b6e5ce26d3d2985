//! The identity of a communication, and the key that stands for a customer.

use crate::{Document, Gid, ShopDomain};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{borrow::Cow, fmt, str::FromStr};

/// What the name of an issue for a period begins with.
const PERIOD: &str = "period-";

/// Which issue of a document about one subject this is.
///
/// The first one is [`Revision::Initial`]; anything that justifies another copy of the same document (an
/// order edit, a corrected tracking number, a resend) names itself. Two events that name the same revision
/// name the same communication.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Revision {
    /// The first issue.
    Initial,
    /// The name of the cause. Made by [`Revision::named`], so that the first issue has one spelling only.
    Named(String),
}

impl Revision {
    /// The revision of this name. `initial` is the name of the first one and of no other.
    pub fn named(name: impl Into<String>) -> Self {
        Self::from(name.into())
    }

    /// The issue for a period, such as `2026-10`.
    pub fn of_period(period: &str) -> Self {
        Self::named(format!("{PERIOD}{period}"))
    }

    /// The period of an issue that is for one.
    pub fn period(&self) -> Option<&str> {
        self.as_str().strip_prefix(PERIOD)
    }

    /// The name as it is stored: part of what a communication's id is derived from.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Initial => "initial",
            Self::Named(name) => name,
        }
    }
}

impl From<String> for Revision {
    fn from(text: String) -> Self {
        if text == "initial" { Self::Initial } else { Self::Named(text) }
    }
}

impl From<Revision> for String {
    fn from(revision: Revision) -> Self {
        match revision {
            Revision::Initial => "initial".to_owned(),
            Revision::Named(name) => name,
        }
    }
}

impl schemars::JsonSchema for Revision {
    fn schema_name() -> Cow<'static, str> {
        "Revision".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "`initial`, or the name of what caused a further issue of the document."})
    }
}

/// The deterministic identity of a communication: 32 lower-case hexadecimal digits.
///
/// Derived from shop, document, subject and revision alone. Duplicate events, retries, replays and
/// reconciliation therefore all name the same communication, which is what makes exactly one of each.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommunicationId(String);

/// A text that is no communication id. It is not quoted, because it may be anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a communication id: expected 32 lower-case hexadecimal digits")]
pub struct InvalidCommunicationId;

impl CommunicationId {
    /// Each part is preceded by its length, so no two different inputs share an encoding.
    pub fn derive(shop: &ShopDomain, document: Document, subject: &Gid, revision: &Revision) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"communication/1");
        for part in [shop.as_str(), document.name(), subject.as_str(), revision.as_str()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self(hex::encode(&hash.finalize()[..16]))
    }

    /// The 32 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CommunicationId {
    type Err = InvalidCommunicationId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid =
            text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidCommunicationId) }
    }
}

impl TryFrom<String> for CommunicationId {
    type Error = InvalidCommunicationId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<CommunicationId> for String {
    fn from(id: CommunicationId) -> Self {
        id.0
    }
}

impl fmt::Display for CommunicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl schemars::JsonSchema for CommunicationId {
    fn schema_name() -> Cow<'static, str> {
        "CommunicationId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "The communication's identity.", "pattern": "^[0-9a-f]{32}$"})
    }
}

/// A keyed hash that stands for a customer where the ledger must tell customers apart without naming them.
///
/// Forgetting the key makes every stored value meaningless, which is how a customer's redaction reaches
/// records that may not be changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CustomerKey(String);

impl CustomerKey {
    /// HMAC-SHA-256 over shop and customer, the first 16 bytes in hexadecimal.
    pub fn derive(key: &[u8], shop: &ShopDomain, customer: &Gid) -> Self {
        // HMAC takes keys of any length, so this cannot fail; an empty digest would be a key of nobody
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Self(String::new()) };
        mac.update(shop.as_str().as_bytes());
        mac.update(b"\0");
        mac.update(customer.as_str().as_bytes());
        Self(hex::encode(&mac.finalize().into_bytes()[..16]))
    }

    /// The 32 hexadecimal digits, as the ledger and records keep them.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A keyed hash that stands for an e-mail address, so that a person who is told one finds what was sent there.
///
/// It serves looking up and proves nothing: 64 bits, which two addresses may share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EmailKey([u8; 8]);

impl EmailKey {
    /// HMAC-SHA-256 over shop and address, the first 8 bytes. Spaces around the address and the case of its letters do not
    /// count.
    pub fn derive(key: &[u8], shop: &ShopDomain, address: &str) -> Self {
        let address = address.trim().to_lowercase();
        let mut first = [0; 8];
        // HMAC takes keys of any length, so this cannot fail; a hash of zeros finds nothing
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) {
            mac.update(shop.as_str().as_bytes());
            mac.update(b"\0email\0");
            mac.update(address.as_bytes());
            first.copy_from_slice(&mac.finalize().into_bytes()[..8]);
        }
        Self(first)
    }

    /// As the ledger keeps it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a customer key: expected 32 lower-case hexadecimal digits")]
pub struct InvalidCustomerKey;

impl FromStr for CustomerKey {
    type Err = InvalidCustomerKey;

    /// A key as the ledger and the archive keep it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // written in the same form
        text.parse::<CommunicationId>().map(|id| Self(id.0)).map_err(|_| InvalidCustomerKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(shop: &str, document: Document, subject: u64, revision: &str) -> CommunicationId {
        CommunicationId::derive(
            &shop.parse().unwrap(),
            document,
            &Gid::new("Order", subject),
            &Revision::from(revision.to_owned()),
        )
    }

    /// The derivation is a public contract: a change would send every document a second time.
    #[test]
    fn derivation_is_fixed() {
        let id = id("acme.myshopify.com", Document::OrderConfirmation, 820982911946154508, "initial");
        assert_eq!(id.as_str(), "c4809f9b199959867b344883a5f958d0");
    }

    #[test]
    fn the_first_revision_has_one_spelling() {
        assert_eq!(Revision::named("initial"), Revision::Initial);
        assert_eq!(Revision::named("edit-1"), Revision::Named("edit-1".to_owned()));
        assert_eq!(Revision::of_period("2026-10").as_str(), "period-2026-10");
        assert_eq!(Revision::of_period("2026-10").period(), Some("2026-10"));
        assert_eq!(Revision::Initial.period(), None);
        assert_eq!(serde_json::from_str::<Revision>("\"initial\"").unwrap(), Revision::Initial);
    }

    proptest! {
        #[test]
        fn differs_whenever_an_input_differs(a in (0..3u8, any::<u64>(), "[a-z|/]{0,6}"), b in (0..3u8, any::<u64>(), "[a-z|/]{0,6}")) {
            let make = |(d, s, r): &(u8, u64, String)| id("a.myshopify.com", [Document::OrderConfirmation, Document::Receipt, Document::PackingSlip][*d as usize], *s, r);
            prop_assert_eq!(make(&a) == make(&b), a == b);
            prop_assert_eq!(make(&a).to_string().parse::<CommunicationId>().unwrap(), make(&a));
        }
    }

    #[test]
    fn email_key_depends_on_key_shop_and_address_and_not_on_its_case() {
        let (a, b): (ShopDomain, ShopDomain) =
            ("a.myshopify.com".parse().unwrap(), "b.myshopify.com".parse().unwrap());
        let of = |key: &[u8], shop, address| EmailKey::derive(key, shop, address);
        assert_eq!(of(b"k", &a, "Doe@Example.com "), of(b"k", &a, "doe@example.com"));
        assert_ne!(of(b"k", &a, "doe@example.com"), of(b"k", &a, "doe@example.org"));
        assert_ne!(of(b"k", &a, "doe@example.com"), of(b"k", &b, "doe@example.com"));
        assert_ne!(of(b"k", &a, "doe@example.com"), of(b"l", &a, "doe@example.com"));
    }

    #[test]
    fn customer_key_depends_on_key_shop_and_customer() {
        let shop: ShopDomain = "a.myshopify.com".parse().unwrap();
        let key = |k: &[u8], n| CustomerKey::derive(k, &shop, &Gid::new("Customer", n));
        assert_eq!(key(b"k", 1), key(b"k", 1));
        assert_ne!(key(b"k", 1), key(b"k", 2));
        assert_ne!(key(b"k", 1), key(b"l", 1));
    }
}
