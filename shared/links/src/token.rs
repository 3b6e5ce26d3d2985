//! The token of a link and what is kept of it. No I/O, no clock, no source of randomness.
//!
//! A token is 32 bytes, written as 43 characters of base64url. It is an HMAC-SHA-256 under a key that the stack
//! makes: without the key nobody can tell it from random, and with it everybody who has it makes the same. It is looked
//! up by its SHA-256: how long a look-up takes depends on a hash that nobody can steer, so it says nothing about how
//! much of a guess was right, and no comparison of secrets is left to time.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use comms::CommunicationId;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{borrow::Cow, fmt, str::FromStr};

const BYTES: usize = 32;

/// The characters of a token.
const CHARACTERS: usize = 43;

/// The key that tokens are derived with.
#[derive(Clone)]
pub struct LinkKey(SecretString);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key of links is shorter than 32 characters")]
pub struct InvalidKey;

impl LinkKey {
    /// # Errors
    /// A key that is too short to be one that the stack has made.
    pub fn new(secret: SecretString) -> Result<Self, InvalidKey> {
        if secret.expose_secret().len() < BYTES { Err(InvalidKey) } else { Ok(Self(secret)) }
    }
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey(***)")
    }
}

/// What opens a document. It prints as `***`; only [`Token::expose`] shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; BYTES]);

/// A text that is no token. It is not quoted, because it may be nearly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token")]
pub struct InvalidToken;

impl Token {
    /// The token of a communication's link with this serial number. The first is 0; the next one replaces it.
    pub fn derive(key: &LinkKey, communication: &CommunicationId, serial: u32) -> Self {
        Self::mac(key, &[b"link/1", communication.as_str().as_bytes(), &serial.to_be_bytes()])
    }

    /// The first part says what the token is for. All parts have one length each, and no two uses have one length
    /// together.
    pub(crate) fn mac(key: &LinkKey, parts: &[&[u8]]) -> Self {
        // a key of a whole block needs no check of its length
        let mut block = [0; 64];
        block[..BYTES].copy_from_slice(&Sha256::digest(key.0.expose_secret()));
        let mut mac = Hmac::<Sha256>::new(&block.into());
        parts.iter().for_each(|part| mac.update(part));
        Self(mac.finalize().into_bytes().into())
    }

    /// The 43 characters that stand in a link.
    pub fn expose(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0)
    }

    pub fn hash(&self) -> TokenHash {
        TokenHash(hex::encode(Sha256::digest(self.0)))
    }
}

impl FromStr for Token {
    type Err = InvalidToken;

    /// Each token has one spelling.
    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        if text.len() != CHARACTERS {
            return Err(InvalidToken);
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidToken)?;
        bytes.try_into().map(Self).map_err(|_| InvalidToken)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

/// The SHA-256 of a token: what the table knows it by. It opens nothing and may be logged.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenHash(String);

impl TokenHash {
    /// 64 lower-case hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TokenHash {
    type Error = InvalidToken;

    fn try_from(text: String) -> Result<Self, InvalidToken> {
        let is_hash = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if is_hash { Ok(Self(text)) } else { Err(InvalidToken) }
    }
}

impl From<TokenHash> for String {
    fn from(hash: TokenHash) -> Self {
        hash.0
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl schemars::JsonSchema for TokenHash {
    fn schema_name() -> Cow<'static, str> {
        "TokenHash".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "The SHA-256 of the link's token.", "pattern": "^[0-9a-f]{64}$"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(text: &str) -> LinkKey {
        LinkKey::new(text.repeat(32).into()).unwrap()
    }

    fn id(text: &str) -> CommunicationId {
        text.repeat(32).parse().unwrap()
    }

    /// A change would leave customers with links that open nothing.
    #[test]
    fn derivation_is_fixed() {
        let token = Token::derive(&key("k"), &id("a"), 0);
        assert_eq!(token.expose(), "K5BRWImHn4hOUoc7nPNwlE19CgYEfBHeKTsbMVUjRBw");
        assert_eq!(token.hash().as_str(), "c6fc79304e32093f76ef160284dc0076060f2af8ba6c74b1ddfa4c58774b3e79");
    }

    #[test]
    fn depends_on_key_communication_and_serial() {
        let token = Token::derive(&key("k"), &id("a"), 0);
        assert_eq!(token, Token::derive(&key("k"), &id("a"), 0));
        for other in [
            Token::derive(&key("l"), &id("a"), 0),
            Token::derive(&key("k"), &id("b"), 0),
            Token::derive(&key("k"), &id("a"), 1),
        ] {
            assert_ne!(token, other);
            assert_ne!(token.hash(), other.hash());
        }
    }

    #[test]
    fn a_short_key_is_refused() {
        assert_eq!(LinkKey::new("k".repeat(31).into()).unwrap_err(), InvalidKey);
        assert!(LinkKey::new(String::new().into()).is_err());
    }

    #[test]
    fn nothing_prints_it() {
        let token = Token::derive(&key("k"), &id("a"), 0);
        assert_eq!(format!("{token:?} {:?}", key("k")), "Token(***) LinkKey(***)");
    }

    #[test]
    fn a_token_has_one_spelling() {
        let text = Token::derive(&key("k"), &id("a"), 0).expose();
        assert_eq!(text.parse::<Token>().unwrap().expose(), text);
        // the last character has two bits to spare
        let last = text.chars().last().unwrap();
        for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/. %é".chars() {
            let changed = format!("{}{other}", &text[..42]);
            let is_same = changed.parse::<Token>().is_ok_and(|it| it.expose() == text);
            assert_eq!(is_same, other == last, "{other}");
        }
        for wrong in ["", "a", &text[..42], &format!("{text}="), &format!(" {text}"), &"é".repeat(43)] {
            assert_eq!(wrong.parse::<Token>(), Err(InvalidToken), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_a_token_or_is_not(text in "[A-Za-z0-9_-]{43}|.{0,60}") {
            if let Ok(token) = text.parse::<Token>() {
                prop_assert_eq!(token.expose(), text);
            }
        }
    }
}
