//! The status metafield, as Shopify has it now.

use crate::{failure::Failure, stack::Stack};
use comms::{Gid, ShopDomain};
use jiff::Timestamp;
use shop_config::ConfigStore;
use shopify::{AdminApi, Call};
use std::time::Duration;
use tokio::time::Instant;

const TIMEOUT: Duration = Duration::from_secs(20);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

pub async fn read(stack: &Stack, shop: &ShopDomain, owner: &Gid) -> Result<String, Failure> {
    let now = Timestamp::now();
    let configs = ConfigStore::new(stack.s3.clone(), stack.outputs.operations_bucket.clone(), TIMEOUT);
    let loaded = configs.get(shop, now).await?;
    let secrets = stack.secrets.shop(shop, now).await?;
    // a redirect would carry the shop's token to another host
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
        .build()?;
    let api = AdminApi::new(client);
    let call = Call {
        shop,
        settings: &loaded.config.shopify,
        credentials: &secrets.shopify,
        now,
        deadline: Instant::now() + TIMEOUT,
    };
    let names = &loaded.config.write_back;
    let status = api.read_status(call, names, std::slice::from_ref(owner)).await?;
    let name = format!("{}.{}", names.namespace, names.key);
    match status.into_iter().next().flatten() {
        None => Ok(format!("{owner}: Shopify has no such resource")),
        Some(status) => match status.value {
            None => Ok(format!("{owner}: metafield {name} is not set")),
            Some(value) => {
                let value: serde_json::Value = serde_json::from_str(&value)?;
                let value = serde_json::to_string_pretty(&value)?;
                Ok(format!("{owner}: metafield {name}\n{}", comms::visible_json(&value)))
            }
        },
    }
}
