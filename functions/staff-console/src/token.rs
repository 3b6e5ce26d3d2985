//! Signed tokens, as far as all of them are alike: RFC 7519, the signature checked with the one algorithm family that the
//! key is for, and the times against a clock that is passed in.
//!
//! What a token says of itself decides nothing: neither its algorithm nor a key in it is taken.

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, de::DeserializeOwned};

/// No token that we are sent is longer.
const MAX_BYTES: usize = 8 * 1024;

/// Why a token is refused. It is for the log; whoever sent it learns that it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("there is no token")]
    Missing,
    #[error("it is no token")]
    Malformed,
    #[error("its key is not known")]
    Key,
    #[error("its algorithm is not one for its key")]
    Algorithm,
    #[error("its signature is wrong")]
    Signature,
    #[error("it is of another issuer")]
    Issuer,
    #[error("it is for another audience")]
    Audience,
    #[error("it has expired")]
    Expired,
    #[error("it is not valid yet")]
    NotYet,
    #[error("it is of another log-in")]
    Nonce,
    #[error("it is of a shop that is not served")]
    Shop,
    #[error("it is not of a member of the shop's staff")]
    Subject,
}

/// Who a token is for: one, or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    pub fn includes(&self, wanted: &str) -> bool {
        match self {
            Self::One(one) => one == wanted,
            Self::Many(many) => many.iter().any(|one| one == wanted),
        }
    }

    /// Whether it is for somebody else, too.
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Many(many) if many.len() > 1)
    }
}

/// What is claimed, if the token is signed with `key` by one of `algorithms`. Nothing else is looked at.
pub fn claims<T: DeserializeOwned>(
    token: &str,
    key: &DecodingKey,
    algorithms: &[Algorithm],
) -> Result<T, Refused> {
    if token.len() > MAX_BYTES {
        return Err(Refused::Malformed);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| Refused::Malformed)?;
    if !algorithms.contains(&header.alg) {
        return Err(Refused::Algorithm);
    }
    let mut validation = Validation::new(header.alg);
    // the claims are checked by the caller, by its clock
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    use jsonwebtoken::errors::ErrorKind;
    let decoded = jsonwebtoken::decode::<T>(token, key, &validation);
    decoded.map(|it| it.claims).map_err(|error| match error.kind() {
        ErrorKind::InvalidSignature => Refused::Signature,
        ErrorKind::InvalidAlgorithm => Refused::Algorithm,
        _ => Refused::Malformed,
    })
}

/// Times as tokens have them, in seconds since 1970.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Times {
    exp: i64,
    #[serde(default)]
    nbf: Option<i64>,
}

impl Times {
    /// Whether it is the token's time, by clocks that may differ by `leeway` seconds.
    pub fn check(self, now: Timestamp, leeway: i64) -> Result<(), Refused> {
        let now = now.as_second();
        if self.exp.saturating_add(leeway) <= now {
            return Err(Refused::Expired);
        }
        if self.nbf.is_some_and(|nbf| nbf.saturating_sub(leeway) > now) {
            return Err(Refused::NotYet);
        }
        Ok(())
    }
}
