//! The app as a shop has installed it: the scopes it was granted, the events it has subscribed to, and the definitions of
//! its metafield.
//!
//! Asked and made when a shop is set up. Making something that is there already is refused by Shopify, so a repetition
//! after a crash or a lost answer changes nothing.

use crate::{
    AdminApi, AdminError, Call,
    admin::{Operation, Payload, accepted},
    connection::{Nodes, Page},
};
use serde::Deserialize;
use serde_json::json;
use shop_config::WriteBack;

const SCOPES: Operation =
    Operation { name: "AccessScopes", text: include_str!("../graphql/access_scopes.graphql") };
const SUBSCRIPTIONS: Operation = Operation {
    name: "WebhookSubscriptions",
    text: include_str!("../graphql/webhook_subscriptions.graphql"),
};
const SUBSCRIBE: Operation =
    Operation { name: "WebhookSubscribe", text: include_str!("../graphql/webhook_subscribe.graphql") };
const DEFINITION: Operation = Operation {
    name: "MetafieldDefinitionOf",
    text: include_str!("../graphql/metafield_definition.graphql"),
};
const DEFINE: Operation =
    Operation { name: "MetafieldDefine", text: include_str!("../graphql/metafield_define.graphql") };

/// More pages than a shop has topics.
const PAGES: u32 = 20;

/// The namespace that no other app can write; only its definitions may say who else reads it.
const OWN_NAMESPACE: &str = "$app";

/// A topic whose events Shopify sends to an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// As [`topic_name`] writes it: `ORDERS_CREATE`.
    pub topic: String,
    pub uri: String,
    pub is_json: bool,
    /// The version of the payloads, such as `2026-10`.
    pub api_version: String,
}

/// The kinds of resources that carry the status metafield.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetafieldOwner {
    Order,
    Customer,
    CompanyLocation,
}

impl MetafieldOwner {
    /// As Shopify calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Order => "ORDER",
            Self::Customer => "CUSTOMER",
            Self::CompanyLocation => "COMPANY_LOCATION",
        }
    }
}

/// What Shopify's enumeration calls a topic: `ORDERS_CREATE` for `orders/create`.
pub fn topic_name(topic: &str) -> String {
    topic.to_ascii_uppercase().replace(['/', '.'], "_")
}

impl AdminApi {
    /// The scopes that the shop granted the app.
    pub async fn granted_scopes(&self, call: Call<'_>) -> Result<Vec<String>, AdminError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            current_app_installation: Installation,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Installation {
            access_scopes: Vec<Scope>,
        }
        #[derive(Deserialize)]
        struct Scope {
            handle: String,
        }
        let data = self.execute(call, SCOPES, json!({})).await?;
        let granted = data.read::<Answer>()?.current_app_installation.access_scopes;
        Ok(granted.into_iter().map(|scope| scope.handle).collect())
    }

    /// The subscriptions that were made through the Admin API.
    ///
    /// # Errors
    /// [`AdminError::Changed`] if the list does not end.
    pub async fn subscriptions(&self, call: Call<'_>) -> Result<Vec<Subscription>, AdminError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            webhook_subscriptions: Page<Wire>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire {
            topic: String,
            uri: String,
            format: String,
            api_version: Version,
        }
        #[derive(Deserialize)]
        struct Version {
            handle: String,
        }
        let (mut found, mut after) = (Vec::new(), None);
        for _ in 0..PAGES {
            let data = self.execute(call, SUBSCRIPTIONS, json!({ "after": after })).await?;
            let page = data.read::<Answer>()?.webhook_subscriptions;
            after = page.page_info.next();
            found.extend(page.nodes.into_iter().map(|wire| Subscription {
                topic: wire.topic,
                uri: wire.uri,
                is_json: wire.format == "JSON",
                api_version: wire.api_version.handle,
            }));
            if after.is_none() {
                return Ok(found);
            }
        }
        Err(AdminError::Changed)
    }

    /// Lets Shopify send the events of `topic` (such as `orders/create`) to `uri`.
    ///
    /// # Errors
    /// [`AdminError::UserErrors`], for example if it does so already.
    pub async fn subscribe(&self, call: Call<'_>, topic: &str, uri: &str) -> Result<(), AdminError> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(rename = "webhookSubscriptionCreate")]
            payload: Option<Payload>,
        }
        let variables = json!({"topic": topic_name(topic), "uri": uri});
        let data = self.execute(call, SUBSCRIBE, variables).await?;
        accepted(&data, data.read::<Answer>()?.payload)
    }

    /// The type that the status metafield is defined with; `None` if it is not defined.
    pub async fn metafield_type(
        &self,
        call: Call<'_>,
        names: &WriteBack,
        owner: MetafieldOwner,
    ) -> Result<Option<String>, AdminError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            metafield_definitions: Nodes<Definition>,
        }
        #[derive(Deserialize)]
        struct Definition {
            r#type: Type,
        }
        #[derive(Deserialize)]
        struct Type {
            name: String,
        }
        let variables = json!({"owner": owner.name(), "namespace": names.namespace, "key": names.key});
        let data = self.execute(call, DEFINITION, variables).await?;
        let found = data.read::<Answer>()?.metafield_definitions.nodes.into_iter().next();
        Ok(found.map(|definition| definition.r#type.name))
    }

    /// Defines the status metafield. In the app's own namespace, staff may read it and only the app may write it.
    ///
    /// # Errors
    /// [`AdminError::UserErrors`], for example if it is defined already.
    pub async fn define_metafield(
        &self,
        call: Call<'_>,
        names: &WriteBack,
        owner: MetafieldOwner,
    ) -> Result<(), AdminError> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(rename = "metafieldDefinitionCreate")]
            payload: Option<Payload>,
        }
        let mut definition = json!({
            "name": "Documents for the customer",
            "description": "What the customer was sent, and what became of it",
            "ownerType": owner.name(),
            "namespace": names.namespace,
            "key": names.key,
            "type": "json",
            "pin": true,
        });
        if names.namespace.starts_with(OWN_NAMESPACE) {
            definition["access"] = json!({"admin": "MERCHANT_READ"});
        }
        let data = self.execute(call, DEFINE, json!({ "definition": definition })).await?;
        accepted(&data, data.read::<Answer>()?.payload)
    }
}
