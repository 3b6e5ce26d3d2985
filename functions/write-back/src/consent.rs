//! Telling Shopify that a customer wants no more marketing. The suppression list has them already, so whatever happens
//! here, nothing is sent to them; a message that fails is delivered again, and what the customer said later stays.

use comms::{ShopDomain, chain};
use jiff::Timestamp;
use service::Secrets;
use shop_config::ConfigStore;
use shopify::{AdminApi, Call, marketing::ConsentEnd};
use tokio::time::Instant;
use work::{Retry, UnsubscribeItem};

/// The clients it needs.
pub struct Consents<'a> {
    pub configs: &'a ConfigStore,
    pub secrets: &'a Secrets,
    pub shopify: &'a AdminApi,
    pub now: Timestamp,
    pub deadline: Instant,
}

impl Consents<'_> {
    /// Handles one message.
    ///
    /// # Errors
    /// When it is to be delivered again: also for what Shopify refuses, which a person has to see.
    pub async fn end(&self, body: &str) -> Result<(), Retry> {
        let item = UnsubscribeItem::from_json(body).map_err(|error| Retry::new(chain(&error)))?;
        let UnsubscribeItem { shop, communication, .. } = &item;
        let came = self.tell(shop, &item).await?;
        match came {
            ConsentEnd::Recorded => tracing::info!(%shop, %communication, "consent ended"),
            ConsentEnd::NoConsent | ConsentEnd::Overtaken | ConsentEnd::NoAddress => {
                tracing::info!(%shop, %communication, reason = ?came, "no consent to end");
            }
        }
        Ok(())
    }

    async fn tell(&self, shop: &ShopDomain, item: &UnsubscribeItem) -> Result<ConsentEnd, Retry> {
        let loaded = self.configs.get(shop, self.now).await?;
        let secrets = self.secrets.shop(shop, self.now).await?;
        let call = Call {
            shop,
            settings: &loaded.config.shopify,
            credentials: &secrets.shopify,
            now: self.now,
            deadline: self.deadline,
        };
        self.shopify.end_consent(call, &item.customer, item.at).await.map_err(|error| Retry::of(&error))
    }
}
