//! A customer of a shop, who comes from their account's pages with a session token: a JWT that Shopify signs with the secret
//! of the shop's own app (HS256), like those of the staff. What tells them apart is the subject: a customer's global id.
//! Shopify names a subject only once somebody has logged in; a token without one opens nothing.

use crate::{
    shop_staff::{LEEWAY_SECONDS, StaffError, app_of, claimed_shop},
    token::{self, Audience, Refused, Times},
};
use comms::{Gid, ShopDomain};
use jiff::Timestamp;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use service::Secrets;
use shop_config::ConfigStore;

/// A customer whose token was checked.
pub struct Customer {
    pub shop: ShopDomain,
    pub id: Gid,
}

#[derive(Deserialize)]
struct SessionToken {
    aud: Audience,
    #[serde(default)]
    sub: Option<String>,
    #[serde(flatten)]
    times: Times,
}

/// Whose session token it is.
pub async fn customer(
    token: Option<&str>,
    secrets: &Secrets,
    configs: &ConfigStore,
    now: Timestamp,
) -> Result<Customer, StaffError> {
    let token = token.ok_or(Refused::Missing)?;
    let shop = claimed_shop(token)?;
    let app = app_of(&shop, secrets, configs, now).await?;
    // the shop is that of the secret which proves it
    let claims: SessionToken = token::claims(token, &app.key, &[Algorithm::HS256])?;
    if !claims.aud.includes(&app.client_id) || claims.aud.is_shared() {
        return Err(Refused::Audience.into());
    }
    claims.times.check(now, LEEWAY_SECONDS)?;
    let id: Option<Gid> = claims.sub.as_deref().and_then(|sub| sub.parse().ok());
    let id = id.filter(|id| id.kind() == "Customer").ok_or(Refused::Subject)?;
    Ok(Customer { shop, id })
}
