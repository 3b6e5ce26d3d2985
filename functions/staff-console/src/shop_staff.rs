//! The members of a shop's staff, who come from the Shopify admin with a session token: a JWT that Shopify signs with the
//! secret of the shop's own app (HS256).
//!
//! The token says of which shop it is; the shop's own secret then has to prove it. So a token of one shop never opens
//! another one's documents, whatever it claims. A customer's token is signed with the same secret, and is refused: it
//! has another issuer, and a customer as its subject.

use crate::{
    person::{Person, Role},
    token::{self, Audience, Refused, Times},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use comms::ShopDomain;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey};
use secrecy::ExposeSecret;
use serde::Deserialize;
use service::{SecretError, Secrets, ShopSecrets};
use shop_config::{ConfigError, ConfigStore, Loaded};
use shopify::Credentials;
use std::sync::Arc;

pub const LEEWAY_SECONDS: i64 = 10;

/// Why somebody is not let in.
#[derive(Debug, thiserror::Error)]
pub enum StaffError {
    #[error("the session token is refused")]
    Token(#[from] Refused),
    #[error("the shop's configuration could not be read")]
    Config(#[source] ConfigError),
    #[error("the shop's secret could not be read")]
    Secret(#[from] SecretError),
}

#[derive(Deserialize)]
struct Unproven {
    dest: String,
}

#[derive(Deserialize)]
struct SessionToken {
    iss: String,
    dest: String,
    aud: Audience,
    sub: String,
    #[serde(flatten)]
    times: Times,
}

/// Who a session token is of.
pub async fn person(
    token: Option<&str>,
    secrets: &Secrets,
    configs: &ConfigStore,
    now: Timestamp,
) -> Result<Person, StaffError> {
    let token = token.ok_or(Refused::Missing)?;
    let shop = claimed_shop(token)?;
    let app = app_of(&shop, secrets, configs, now).await?;
    let claims: SessionToken = token::claims(token, &app.key, &[Algorithm::HS256])?;
    if claims.dest != format!("https://{shop}") {
        return Err(Refused::Shop.into());
    }
    if claims.iss != format!("https://{shop}/admin") {
        return Err(Refused::Issuer.into());
    }
    if !claims.aud.includes(&app.client_id) || claims.aud.is_shared() {
        return Err(Refused::Audience.into());
    }
    claims.times.check(now, LEEWAY_SECONDS)?;
    let is_number =
        |text: &str| !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(&claims.sub) {
        return Err(Refused::Subject.into());
    }
    let subject = format!("shopify:{}", claims.sub);
    Ok(Person { name: subject.clone(), subject, roles: vec![Role::Support], shop: Some(shop) })
}

/// The app of a shop, as its session tokens prove it.
pub struct App {
    pub client_id: String,
    pub key: DecodingKey,
}

/// The configuration and the secret of a shop that is served. Whoever is not served has no secret here, and none is asked
/// for.
pub async fn served(
    shop: &ShopDomain,
    secrets: &Secrets,
    configs: &ConfigStore,
    now: Timestamp,
) -> Result<(Arc<Loaded>, Arc<ShopSecrets>), StaffError> {
    let loaded = match configs.get(shop, now).await {
        Ok(loaded) => loaded,
        Err(ConfigError::NotServed(_)) => return Err(Refused::Shop.into()),
        Err(error) => return Err(StaffError::Config(error)),
    };
    Ok((loaded, secrets.shop(shop, now).await?))
}

/// The app of a shop that is served.
pub async fn app_of(
    shop: &ShopDomain,
    secrets: &Secrets,
    configs: &ConfigStore,
    now: Timestamp,
) -> Result<App, StaffError> {
    let (_, secrets) = served(shop, secrets, configs, now).await?;
    let (Credentials::Client { client_id, client_secret }
    | Credentials::Offline { client_id, client_secret, .. }) = &secrets.shopify
    else {
        return Err(Refused::Key.into());
    };
    let key = DecodingKey::from_secret(client_secret.expose_secret().as_bytes());
    Ok(App { client_id: client_id.expose_secret().to_owned(), key })
}

/// The shop that a token says it is of: as an address, or as a name alone in a customer's. Nothing is believed yet.
pub fn claimed_shop(token: &str) -> Result<ShopDomain, Refused> {
    let payload = token.split('.').nth(1).ok_or(Refused::Malformed)?;
    let json = BASE64_URL_SAFE_NO_PAD.decode(payload).map_err(|_| Refused::Malformed)?;
    let unproven: Unproven = serde_json::from_slice(&json).map_err(|_| Refused::Malformed)?;
    let shop = unproven.dest.strip_prefix("https://").unwrap_or(&unproven.dest);
    shop.parse().map_err(|_| Refused::Shop)
}
