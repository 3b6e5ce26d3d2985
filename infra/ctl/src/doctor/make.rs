//! Making what is missing. Each can be repeated: what is there already is left as it is, or refused by its service.

use super::Examination;
use crate::{config, failure::Failure};
use secrecy::ExposeSecret;
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
                let author = self.author.as_ref().ok_or("nobody is named")?;
                // over the one that was looked at
                config::put_over(self.stack, config, text, self.stored.as_ref(), "setup", author).await?;
            }
            Missing::Schedules => {
                config::follow(self.stack, self.shop).await?;
            }
            Missing::Secret => {
                let text = self.secret_file.as_ref().ok_or("no file was named")?;
                let create = self.stack.secrets_manager.create_secret();
                create.name(self.secret_name()).secret_string(text.expose_secret()).send().await?;
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
