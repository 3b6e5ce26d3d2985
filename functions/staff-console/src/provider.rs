//! The identity provider of the people: OpenID Connect with an authorization code and PKCE. Amazon Cognito, or the
//! company's own.
//!
//! Its addresses come from its discovery document, which has to name the issuer that is configured, and lie on hosts with
//! TLS. Its keys are kept for an hour, and fetched again for a key that is not among them, once a minute at the most, so
//! that invented key ids cost nothing. An ID token counts if a key of the provider signed it with an asymmetric algorithm
//! that the key is for, and issuer, audience, times and nonce are those of this log-in.

use crate::token::{self, Audience, Refused, Times};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use cache::{Cache, Fresh};
use comms::HttpsUrl;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use url::form_urlencoded;

const MAX_ANSWER_BYTES: usize = 256 * 1024;
const TIMEOUT: Duration = Duration::from_secs(5);
const KEEP: SignedDuration = SignedDuration::from_mins(60);
/// How often keys are fetched for a key id that is not known.
const REFETCH: SignedDuration = SignedDuration::from_secs(60);
const LEEWAY_SECONDS: i64 = 30;

/// What a deployment says of the provider.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    pub issuer: HttpsUrl,
    pub client_id: String,
    /// The claim that lists a person's roles, such as `cognito:groups`.
    pub roles_claim: String,
    /// Where the provider sends people who have logged out, if it has such a place.
    pub log_out: Option<HttpsUrl>,
}

pub struct Provider {
    settings: ProviderSettings,
    http: reqwest::Client,
    metadata: Cache<(), Metadata>,
    keys: Cache<(), JwkSet>,
    refetched: Mutex<Timestamp>,
}

/// Why the provider is of no use now.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    #[error("asking the identity provider for {what}")]
    Request { what: &'static str, source: reqwest::Error },
    #[error("the identity provider answered {status} to the request for {what}")]
    Status { what: &'static str, status: u16 },
    #[error("the identity provider's answer to the request for {what} cannot be used: {why}")]
    Answer { what: &'static str, why: &'static str },
    /// The person has to log in again.
    #[error("the identity provider does not take the code")]
    Code,
    #[error("the ID token is refused")]
    Token(#[from] Refused),
}

#[derive(Debug, Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: HttpsUrl,
    token_endpoint: HttpsUrl,
    jwks_uri: HttpsUrl,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

#[derive(Deserialize)]
struct IdToken {
    iss: String,
    aud: Audience,
    #[serde(default)]
    azp: Option<String>,
    sub: String,
    #[serde(flatten)]
    times: Times,
    #[serde(default)]
    nonce: Option<String>,
    #[serde(default)]
    email: Option<String>,
    /// Tells Cognito's ID tokens from its access tokens.
    #[serde(default)]
    token_use: Option<String>,
    #[serde(flatten)]
    more: serde_json::Map<String, Value>,
}

/// Who an ID token is of.
#[derive(Debug, PartialEq, Eq)]
pub struct Identity {
    pub subject: String,
    pub email: Option<String>,
    /// The roles as the provider calls them.
    pub roles: Vec<String>,
}

/// What the token is fetched with.
pub struct Exchange<'a> {
    pub code: &'a str,
    pub verifier: &'a str,
    pub nonce: &'a str,
    pub redirect_uri: &'a str,
    pub client_secret: Option<&'a SecretString>,
}

impl Provider {
    pub fn new(settings: ProviderSettings, http: reqwest::Client) -> Self {
        Self {
            settings,
            http,
            metadata: Cache::default(),
            keys: Cache::default(),
            refetched: Mutex::new(Timestamp::UNIX_EPOCH),
        }
    }

    pub fn settings(&self) -> &ProviderSettings {
        &self.settings
    }

    /// Where somebody logs in.
    pub async fn log_in_address(
        &self,
        state: &str,
        nonce: &str,
        verifier: &str,
        redirect_uri: &str,
        now: Timestamp,
    ) -> Result<String, ProviderError> {
        let metadata = self.metadata(now).await?;
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", "openid email")
            .append_pair("state", state)
            .append_pair("nonce", nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .finish();
        let separator = if metadata.authorization_endpoint.has_query() { '&' } else { '?' };
        Ok(format!("{}{separator}{query}", metadata.authorization_endpoint.as_str()))
    }

    /// Fetches the ID token for a code and checks it.
    pub async fn exchange(&self, it: Exchange<'_>, now: Timestamp) -> Result<Identity, ProviderError> {
        let metadata = self.metadata(now).await?;
        let what = "a token";
        let client_id = &self.settings.client_id;
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", it.code)
            .append_pair("redirect_uri", it.redirect_uri)
            .append_pair("client_id", client_id)
            .append_pair("code_verifier", it.verifier)
            .finish();
        let mut request = self
            .http
            .post(metadata.token_endpoint.as_url().clone())
            .timeout(TIMEOUT)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json")
            .body(body);
        if let Some(secret) = it.client_secret {
            let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            request = request.basic_auth(encoded(client_id), Some(encoded(secret.expose_secret())));
        }
        let answer = request.send().await.map_err(|source| ProviderError::Request { what, source })?;
        if matches!(answer.status().as_u16(), 400 | 401) {
            return Err(ProviderError::Code);
        }
        let tokens: Tokens = read(answer, what).await?;
        self.verify(&tokens.id_token, it.nonce, now).await
    }

    /// Checks an ID token.
    pub async fn verify(&self, token: &str, nonce: &str, now: Timestamp) -> Result<Identity, ProviderError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| Refused::Malformed)?;
        let jwk = self.key(header.kid.as_deref(), now).await?;
        let algorithms = algorithms(&jwk);
        let key = DecodingKey::from_jwk(&jwk).map_err(|_| Refused::Key)?;
        let claims: IdToken = token::claims(token, &key, algorithms)?;
        let client_id = &self.settings.client_id;
        if claims.iss != self.metadata(now).await?.issuer {
            return Err(Refused::Issuer.into());
        }
        let is_ours = claims.aud.includes(client_id);
        let authorized = claims.azp.as_ref().is_none_or(|azp| azp == client_id);
        let is_id_token = claims.token_use.as_deref().is_none_or(|it| it == "id");
        // for several audiences, the token has to say whom it was made for (OpenID Connect Core, 3.1.3.7)
        let is_told = claims.azp.is_some() || !claims.aud.is_shared();
        if !(is_ours && authorized && is_id_token && is_told) {
            return Err(Refused::Audience.into());
        }
        claims.times.check(now, LEEWAY_SECONDS)?;
        if claims.nonce.as_deref() != Some(nonce) {
            return Err(Refused::Nonce.into());
        }
        let roles = roles(claims.more.get(&self.settings.roles_claim));
        Ok(Identity { subject: claims.sub, email: claims.email, roles })
    }

    async fn metadata(&self, now: Timestamp) -> Result<Arc<Metadata>, ProviderError> {
        let what = "its configuration";
        let load = async || {
            let address = self.settings.issuer.with_path("/.well-known/openid-configuration");
            let metadata: Metadata = self.get(&address, what).await?;
            if metadata.issuer != self.settings.issuer.as_str() {
                return Err(ProviderError::Answer { what, why: "it is of another issuer" });
            }
            Ok(Fresh { value: metadata, expires_at: now + KEEP })
        };
        self.metadata.get(&(), now, load).await
    }

    async fn key(&self, id: Option<&str>, now: Timestamp) -> Result<Jwk, ProviderError> {
        let keys = self.keys(now).await?;
        if let Some(key) = find(&keys, id) {
            return Ok(key.clone());
        }
        if !self.may_refetch(now) {
            return Err(Refused::Key.into());
        }
        self.keys.forget(&(), &keys).await;
        Ok(find(&*self.keys(now).await?, id).ok_or(Refused::Key)?.clone())
    }

    fn may_refetch(&self, now: Timestamp) -> bool {
        let mut last = self.refetched.lock().unwrap_or_else(PoisonError::into_inner);
        let may = now.duration_since(*last) >= REFETCH;
        if may {
            *last = now;
        }
        may
    }

    async fn keys(&self, now: Timestamp) -> Result<Arc<JwkSet>, ProviderError> {
        let address = self.metadata(now).await?.jwks_uri.clone();
        let load = async || {
            let value = self.get(address.as_str(), "its keys").await?;
            Ok::<_, ProviderError>(Fresh { value, expires_at: now + KEEP })
        };
        self.keys.get(&(), now, load).await
    }

    async fn get<T: serde::de::DeserializeOwned>(
        &self,
        address: &str,
        what: &'static str,
    ) -> Result<T, ProviderError> {
        let sent = self.http.get(address).timeout(TIMEOUT).header("accept", "application/json").send();
        read(sent.await.map_err(|source| ProviderError::Request { what, source })?, what).await
    }
}

async fn read<T: serde::de::DeserializeOwned>(
    mut answer: reqwest::Response,
    what: &'static str,
) -> Result<T, ProviderError> {
    let status = answer.status().as_u16();
    if status != 200 {
        return Err(ProviderError::Status { what, status });
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|source| ProviderError::Request { what, source })? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_ANSWER_BYTES {
            return Err(ProviderError::Answer { what, why: "it is too long" });
        }
    }
    serde_json::from_slice(&bytes)
        .map_err(|_| ProviderError::Answer { what, why: "it is not what it should be" })
}

/// The key of this id; of a token that names none, the only key there is.
fn find<'a>(keys: &'a JwkSet, id: Option<&str>) -> Option<&'a Jwk> {
    let signs = |key: &&Jwk| {
        !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption)) && !algorithms(key).is_empty()
    };
    match id {
        Some(id) => keys.find(id).filter(signs),
        None => match &keys.keys[..] {
            [only] => Some(only).filter(signs),
            _ => None,
        },
    }
}

/// The algorithms that a key is for. Never a symmetric one: a public key is no secret.
const fn algorithms(key: &Jwk) -> &'static [Algorithm] {
    match &key.algorithm {
        AlgorithmParameters::RSA(_) => &[
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::PS384,
            Algorithm::PS512,
        ],
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => &[Algorithm::ES256],
            EllipticCurve::P384 => &[Algorithm::ES384],
            _ => &[],
        },
        AlgorithmParameters::OctetKeyPair(_) => &[Algorithm::EdDSA],
        _ => &[],
    }
}

/// A list of names, or names in one text.
fn roles(claim: Option<&Value>) -> Vec<String> {
    match claim {
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).map(str::to_owned).take(200).collect()
        }
        Some(Value::String(names)) => {
            names.split([' ', ',']).filter(|name| !name.is_empty()).map(str::to_owned).take(200).collect()
        }
        _ => Vec::new(),
    }
}
