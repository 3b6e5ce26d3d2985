//! The steps in Shopify: credentials, scopes, subscriptions, the definitions of the metafield.

use super::{
    Examination, Finding, Missing, Step, Verdict,
    account::PARTNER,
    metafield_owners,
    wanted::{Wanted, is_granted},
};
use comms::chain;
use shopify::{AdminError, Subscription, topic_name};

/// What a request to Shopify failed with.
fn refused(step: Step, error: &AdminError) -> Finding {
    match error {
        AdminError::Unauthorized { .. } | AdminError::TokenRefused { .. } | AdminError::Credentials => {
            Finding::wrong(
                step,
                chain(error),
                "put the app's own credentials into the shop's secret, and install the app in the shop",
            )
        }
        _ => Finding::new(step, Verdict::Unknown, chain(error))
            .with("see whether `shopify.base_url` and the network are right, and run it again"),
    }
}

impl Examination<'_> {
    pub(super) async fn look_at_scopes(&mut self) -> Vec<Finding> {
        self.granted = None;
        let (Some(config), Some(secrets)) = (self.config.clone(), self.secrets.clone()) else {
            let needs = "configuration and secret";
            return vec![Finding::after(Step::ShopifyToken, needs), Finding::after(Step::Scopes, needs)];
        };
        let granted = match self.api.granted_scopes(self.call(&config, &secrets)).await {
            Ok(granted) => granted,
            Err(error) => {
                let token = refused(Step::ShopifyToken, &error);
                return vec![token, Finding::after(Step::Scopes, "Shopify's answer")];
            }
        };
        let granted: &[String] = self.granted.insert(granted);
        let token = Finding::ok(Step::ShopifyToken, "Shopify takes the credentials");
        let wanted = match Wanted::of(&config) {
            Ok(wanted) => wanted,
            Err(error) => {
                return vec![token, Finding::new(Step::Scopes, Verdict::Unknown, error.to_string())];
            }
        };
        let missing = wanted.scopes.iter().filter(|scope| !is_granted(granted, scope)).cloned();
        let mut missing: Vec<String> = missing.collect();
        if !wanted.one_of.is_empty() && !wanted.one_of.iter().any(|scope| is_granted(granted, scope)) {
            missing.push(format!("one of {}", wanted.one_of.join(", ")));
        }
        let scopes = match missing.as_slice() {
            [] => Finding::ok(Step::Scopes, format!("all {} that the documents need", wanted.scopes.len())),
            missing => Finding::wrong(
                Step::Scopes,
                format!("not granted: {}", missing.join(", ")),
                "add them to the app (docs/deployment.md#1-shopify-app), and let the shop agree to them",
            ),
        };
        vec![token, scopes]
    }

    pub(super) async fn look_at_subscriptions(&mut self) -> Vec<Finding> {
        const STEP: Step = Step::Subscription;
        if !self.stack.outputs.bus_name.starts_with(PARTNER) {
            return vec![Finding::new(STEP, Verdict::NotNeeded, "the bus is the deployment's own")];
        }
        if self.app {
            let found = "they are declared by the app, and Shopify shows nobody which those are";
            return vec![
                Finding::new(STEP, Verdict::NotChecked, found).with("`shopify app deploy` sets them"),
            ];
        }
        let (Some(config), Some(secrets), Some(uri)) =
            (self.config.clone(), self.secrets.clone(), self.event_source.clone())
        else {
            return vec![Finding::after(STEP, "configuration, secret and event source")];
        };
        let Some(granted) = &self.granted else {
            return vec![Finding::after(STEP, "credentials that Shopify takes")];
        };
        let known = match self.api.subscriptions(self.call(&config, &secrets)).await {
            Ok(known) => known,
            Err(error) => return vec![refused(STEP, &error)],
        };
        let wanted = match Wanted::of(&config) {
            Ok(wanted) => wanted,
            Err(error) => return vec![Finding::new(STEP, Verdict::Unknown, error.to_string())],
        };
        let (billing, scope) = &wanted.optional;
        let look = |topic: &String| match topic == billing && !is_granted(granted, scope) {
            true => Finding::new(STEP, Verdict::NotNeeded, format!("for apps with {scope} only")).of(topic),
            false => subscription(topic, &uri, &config.shopify.api_version, &known),
        };
        wanted.topics.iter().map(look).collect()
    }

    pub(super) async fn look_at_metafield(&mut self) -> Vec<Finding> {
        const STEP: Step = Step::Metafield;
        let (Some(config), Some(secrets)) = (self.config.clone(), self.secrets.clone()) else {
            return vec![Finding::after(STEP, "configuration and secret")];
        };
        if !config.write_back.enabled {
            return vec![Finding::new(STEP, Verdict::NotNeeded, "`write_back` is off")];
        }
        if self.granted.is_none() {
            return vec![Finding::after(STEP, "credentials that Shopify takes")];
        }
        let mut found = Vec::new();
        for owner in metafield_owners(&config) {
            let name = format!("{}.{}", config.write_back.namespace, config.write_back.key);
            let asked =
                self.api.metafield_type(self.call(&config, &secrets), &config.write_back, owner).await;
            let finding = match asked {
                Ok(Some(kind)) if kind == "json" => Finding::ok(STEP, format!("{name} is defined")),
                Ok(Some(kind)) => Finding::wrong(
                    STEP,
                    format!("{name} is defined as `{kind}`, so no report can be written"),
                    "choose another `write_back.key`, or delete that definition in the shop",
                ),
                Ok(None) => Finding::wrong(
                    STEP,
                    format!("{name} is not defined, so staff do not see it"),
                    "define it: `ctl setup`, or deploy the app of `infra/shopify-app`",
                )
                .makes(Missing::Metafield(owner)),
                Err(error) => refused(STEP, &error),
            };
            found.push(finding.of(owner.name()));
        }
        found
    }
}

/// How a topic stands among the subscriptions of a shop.
fn subscription(topic: &str, uri: &str, version: &str, known: &[Subscription]) -> Finding {
    let name = topic_name(topic);
    let of_topic: Vec<_> = known.iter().filter(|it| it.topic == name).collect();
    let finding = match of_topic.iter().find(|it| it.uri == uri) {
        Some(it) if !it.is_json => Finding::wrong(
            Step::Subscription,
            "its events come as XML",
            "delete that subscription in Shopify; `ctl setup` makes it again",
        ),
        Some(it) if it.api_version != version => Finding::wrong(
            Step::Subscription,
            format!("its events have version {}, not {version}", it.api_version),
            "set the version of webhooks in the settings of the Shopify app",
        ),
        Some(_) => Finding::ok(Step::Subscription, "to this event source"),
        None => {
            let found = match of_topic.is_empty() {
                true => "not subscribed to".to_owned(),
                false => "subscribed to, but not to this event source".to_owned(),
            };
            let remedy =
                "`ctl setup` subscribes; with the app of `infra/shopify-app`, give `--app` and deploy that";
            Finding::wrong(Step::Subscription, found, remedy).makes(Missing::Subscription(topic.to_owned()))
        }
    };
    finding.of(topic)
}
