//! What the console itself signs: that somebody is logging in, that somebody has logged in, and that a document may be
//! opened for a moment. Each is a token of its own kind, so that none serves as another.

use crate::token::{self, Refused, Times};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::time::Duration;

/// The key of this deployment's console, which a deployment makes.
pub struct Keyring {
    sign: EncodingKey,
    check: DecodingKey,
}

/// What a kind of token says.
pub trait Signed: Serialize + DeserializeOwned {
    const KIND: &'static str;
    /// For how long it serves.
    const VALID: Duration;
}

#[derive(Serialize)]
struct Issued<'a, T> {
    aud: &'static str,
    exp: i64,
    #[serde(flatten)]
    content: &'a T,
}

#[derive(Deserialize)]
struct Read<T> {
    aud: String,
    #[serde(flatten)]
    times: Times,
    #[serde(flatten)]
    content: T,
}

impl Keyring {
    pub fn new(key: &[u8]) -> Self {
        Self { sign: EncodingKey::from_secret(key), check: DecodingKey::from_secret(key) }
    }

    /// `None` only if the content is no JSON.
    pub fn sign<T: Signed>(&self, content: &T, now: Timestamp) -> Option<String> {
        let exp = now.as_second().saturating_add(i64::try_from(T::VALID.as_secs()).unwrap_or_default());
        let issued = Issued { aud: T::KIND, exp, content };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &issued, &self.sign).ok()
    }

    pub fn read<T: Signed>(&self, token: &str, now: Timestamp) -> Result<T, Refused> {
        let read: Read<T> = token::claims(token, &self.check, &[Algorithm::HS256])?;
        if read.aud != T::KIND {
            return Err(Refused::Audience);
        }
        read.times.check(now, 0)?;
        Ok(read.content)
    }
}

/// Somebody who was sent to the identity provider and has not come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogIn {
    /// What the provider hands back.
    pub state: String,
    pub nonce: String,
    /// Proves to the provider that who fetches the token is who asked for it (RFC 7636).
    pub verifier: String,
    /// The page that was asked for.
    pub page: String,
}

impl Signed for LogIn {
    const KIND: &'static str = "log-in";
    const VALID: Duration = Duration::from_secs(600);
}

/// Somebody who has logged in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The provider's name for the person.
    pub subject: String,
    /// What others call them: an e-mail address, or the subject.
    pub name: String,
    pub roles: Vec<String>,
    /// Every form that changes something repeats it.
    pub csrf: String,
}

impl Signed for Session {
    const KIND: &'static str = "session";
    const VALID: Duration = Duration::from_secs(3600);
}

/// A document that may be opened for a moment by whoever has the address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    pub communications: Vec<String>,
    /// Which output of the one communication; none: all PDF documents of all of them in one.
    pub output: Option<usize>,
    pub subject: String,
    pub shop: String,
}

impl Signed for Ticket {
    const KIND: &'static str = "open";
    const VALID: Duration = Duration::from_secs(120);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn session() -> Session {
        Session { subject: "u".into(), name: "n".into(), roles: vec!["support".into()], csrf: "c".into() }
    }

    #[test]
    fn a_token_serves_for_its_kind_its_time_and_its_key() {
        let keys = Keyring::new(b"key");
        let token = keys.sign(&session(), at(0)).unwrap();
        assert_eq!(keys.read::<Session>(&token, at(3599)), Ok(session()));
        assert_eq!(keys.read::<Session>(&token, at(3600)), Err(Refused::Expired));
        assert_eq!(Keyring::new(b"other").read::<Session>(&token, at(1)), Err(Refused::Signature));
        let log_in = LogIn { state: "s".into(), nonce: "n".into(), verifier: "v".into(), page: "/".into() };
        let token = keys.sign(&log_in, at(0)).unwrap();
        assert!(
            keys.read::<Session>(&token, at(1)).is_err(),
            "somebody who has not come back has not logged in"
        );
    }
}
