//! How an item's shop is asked, and what it means that Shopify lacks what an item names.

use crate::gather_error::GatherError;
use jiff::{SignedDuration, Timestamp};
use service::ShopSecrets;
use shop_config::ShopConfig;
use shopify::{AdminApi, Call};
use std::time::Duration;
use work::WorkItem;

/// For so long after its event, Shopify's answer that it has no such thing is taken for one that lags.
const LAG: SignedDuration = SignedDuration::from_hours(1);

pub(crate) fn is_recent(item: &WorkItem, now: Timestamp) -> bool {
    item.trigger.triggered_at.is_none_or(|at| now.duration_since(at) < LAG)
}

/// Soon after the event, the answer may lag behind it: the work waits. Later there is no such thing, or the app
/// may not see it; the reason names the scope that it lacks.
pub(crate) async fn absent(shopify: &AdminApi, call: Call<'_>, item: &WorkItem, what: &str) -> GatherError {
    if is_recent(item, call.now) {
        return GatherError::not_yet(format!("Shopify has no such {what} yet"));
    }
    match shopify.sees_all_orders(call).await {
        Ok(true) => GatherError::permanent(format!("Shopify has no such {what}")),
        Ok(false) => GatherError::permanent(format!(
            "Shopify has no such {what}, or keeps it from the app: what belongs to orders older than 60 days needs the scope read_all_orders"
        )),
        Err(error) => error.into(),
    }
}

pub(crate) fn call<'a>(
    item: &'a WorkItem,
    config: &'a ShopConfig,
    secrets: &'a ShopSecrets,
    now: Timestamp,
    time_left: Duration,
) -> Call<'a> {
    Call {
        shop: &item.shop,
        settings: &config.shopify,
        credentials: &secrets.shopify,
        now,
        deadline: tokio::time::Instant::now() + time_left,
    }
}
