//! Renews a shop's offline access token before it ends. The only place that does.
//!
//! What a crash leaves: one after Shopify granted a pair and before it was stored leaves the stored refresh token, which
//! Shopify takes again until its replacement is used, and nobody has the replacement. A stored pair that is worth
//! nothing, because another renewal came in between, is found by asking Shopify at every pass, and the refresh token
//! before it is tried.

use crate::{error::PassError, tools::Tools};
use jiff::Timestamp;
use secrecy::SecretString;
use service::{ShopSecrets, StoredToken};
use shop_config::ShopConfig;
use shopify::{AdminError, Call, Credentials, OfflineToken};
use std::time::Duration;
use tokio::time::Instant;

/// How much of its hour a token has left when it is renewed: with a pass every quarter of an hour, two can fail.
const EARLY: Duration = Duration::from_secs(35 * 60);

/// Whether the shop's token was renewed.
///
/// # Errors
/// When it is due and was not. The next pass tries again.
pub(crate) async fn renew(
    tools: &Tools,
    config: &ShopConfig,
    secrets: &ShopSecrets,
    now: Timestamp,
    deadline: Instant,
) -> Result<bool, PassError> {
    let Credentials::Offline { client_id, client_secret, token, .. } = &secrets.shopify else {
        return Ok(false);
    };
    let stored = tools.secrets.offline_token(&config.shop).await?;
    let credentials = Credentials::Offline {
        client_id: client_id.clone(),
        client_secret: client_secret.clone(),
        token: *token,
        access_token: Some(stored.access_token.clone()),
    };
    let call =
        Call { shop: &config.shop, settings: &config.shopify, credentials: &credentials, now, deadline };
    if !is_due(tools, call, &stored).await {
        return Ok(false);
    }
    let (used, granted) = exchange(tools, call, &stored).await?;
    tools.secrets.store_offline_token(&config.shop, &stored, &used, &granted).await?;
    Ok(true)
}

async fn is_due(tools: &Tools, call: Call<'_>, stored: &StoredToken) -> bool {
    let ends_soon = stored.expires_at.is_none_or(|end| end <= call.now + EARLY);
    ends_soon
        || matches!(tools.shopify.sees_all_orders(call).await, Err(AdminError::Unauthorized { status: 401 }))
}

/// The refresh token that was accepted, and what it was exchanged for.
async fn exchange(
    tools: &Tools,
    call: Call<'_>,
    stored: &StoredToken,
) -> Result<(SecretString, OfflineToken), AdminError> {
    let refused = match tools.shopify.renew(call, &stored.refresh_token).await {
        Ok(granted) => return Ok((stored.refresh_token.clone(), granted)),
        Err(error @ AdminError::TokenRefused { .. }) => error,
        Err(error) => return Err(error),
    };
    let Some(previous) = &stored.previous_refresh_token else { return Err(refused) };
    Ok((previous.clone(), tools.shopify.renew(call, previous).await?))
}
