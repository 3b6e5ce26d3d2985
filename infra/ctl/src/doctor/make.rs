//! Making what is missing. Each can be repeated: what is there already is left as it is, or refused by its service.

use super::Examination;
use crate::{config, failure::Failure, schedules};
use service::ShopSecrets;
use shopify::MetafieldOwner;
use std::fmt;

/// Something that can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// A bus for the partner event source.
    Bus,
    Configuration,
    Schedules,
    Secret,
    /// Of a topic.
    Subscription(String),
    Metafield(MetafieldOwner),
}

/// As a person is asked.
impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bus => f.write_str("associate the event source with a bus"),
            Self::Configuration => f.write_str("store the configuration file, with its schedules"),
            Self::Schedules => f.write_str("make the schedules as the configuration says"),
            Self::Secret => f.write_str("store the secret"),
            Self::Subscription(topic) => write!(f, "let Shopify send {topic}"),
            Self::Metafield(owner) => write!(f, "define the metafield of {}", owner.name()),
        }
    }
}

impl Examination<'_> {
    pub(super) async fn make(&self, missing: &Missing) -> Result<(), Failure> {
        match missing {
            Missing::Bus => {
                let name = &self.stack.outputs.bus_name;
                self.stack.events.create_event_bus().name(name).event_source_name(name).send().await?;
            }
            Missing::Configuration => {
                let (config, text) = self.file.as_ref().ok_or("no file was named")?;
                config::store(self.stack, config, text.clone()).await?;
            }
            Missing::Schedules => {
                let config = self.config.as_ref().ok_or("there is no configuration")?;
                schedules::sync(self.stack, config).await?;
            }
            Missing::Secret => {
                let file = self.secret_file.as_ref().ok_or("no file was named")?;
                let text = std::fs::read_to_string(file)?;
                // what is wrong with it would quote it
                serde_json::from_str::<ShopSecrets>(&text)
                    .map_err(|_| "the file is not the JSON of docs/configuration.md#secrets")?;
                let create = self.stack.secrets_manager.create_secret();
                create.name(self.secret_name()).secret_string(text).send().await?;
            }
            Missing::Subscription(topic) => {
                let (config, secrets) = self.known()?;
                let uri = self.event_source.as_ref().ok_or("there is no event source")?;
                self.api.subscribe(self.call(config, secrets), topic, uri).await?;
            }
            Missing::Metafield(owner) => {
                let (config, secrets) = self.known()?;
                self.api.define_metafield(self.call(config, secrets), &config.write_back, *owner).await?;
            }
        }
        Ok(())
    }

    fn known(&self) -> Result<(&shop_config::ShopConfig, &ShopSecrets), Failure> {
        let config = self.config.as_deref().ok_or("there is no configuration")?;
        Ok((config, self.secrets.as_deref().ok_or("there is no secret")?))
    }
}
