//! The steps in the AWS account: event source, bus and rule, configuration, schedules, secret.

use super::{Examination, Finding, Missing, Step, Verdict};
use crate::schedules;
use aws_sdk_eventbridge::{
    error::ProvideErrorMetadata,
    types::{EventSourceState, RuleState},
};
use comms::chain;
use jiff::Timestamp;
use service::ShopSecrets;
use shop_config::{ConfigError, config_key};
use std::sync::Arc;

/// What sources of Shopify's begin with.
pub(super) const PARTNER: &str = "aws.partner/";

/// Invocations at once that a deployment of the usual settings needs; docs/deployment.md says what of.
pub(super) const CONCURRENT: u32 = 134;

/// What a request to AWS failed with: that the person may not, or that it is not known.
fn refused(step: Step, what: &str, error: &(impl ProvideErrorMetadata + std::error::Error)) -> Finding {
    match error.code() {
        Some("AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation") => {
            Finding::new(step, Verdict::Denied, format!("you may not {what}"))
                .with("take a role that may: docs/operations.md, \"Who may run which command\"")
        }
        _ => Finding::new(step, Verdict::Unknown, format!("{what}: {}", chain(error)))
            .with("run it again once AWS answers"),
    }
}

fn is(error: &impl ProvideErrorMetadata, code: &str) -> bool {
    error.code() == Some(code)
}

impl Examination<'_> {
    pub(super) async fn look_at_event_source(&mut self) -> Finding {
        const STEP: Step = Step::EventSource;
        let name = &self.stack.outputs.bus_name;
        self.event_source = None;
        if !name.starts_with(PARTNER) {
            let found = format!("the bus {name} is the deployment's own, so Shopify sends nothing to it");
            return Finding::new(STEP, Verdict::NotNeeded, found);
        }
        let source = match self.stack.events.describe_event_source().name(name).send().await {
            Ok(source) => source,
            Err(error) if is(&error, "ResourceNotFoundException") => {
                return Finding::wrong(
                    STEP,
                    format!("there is no event source {name}"),
                    "make an Amazon EventBridge source in the settings of the Shopify app, for this account and region",
                );
            }
            Err(error) => return refused(STEP, "read event sources", &error),
        };
        self.event_source = source.arn().map(str::to_owned);
        match source.state() {
            Some(EventSourceState::Active) => Finding::ok(STEP, format!("{name} is associated with a bus")),
            Some(EventSourceState::Pending) => Finding::wrong(
                STEP,
                format!("{name} is not associated with a bus, and Shopify's events are lost"),
                "associate it within seven days: `ctl setup`, or `aws events create-event-bus`",
            )
            .makes(Missing::Bus),
            _ => Finding::wrong(
                STEP,
                format!("{name} was deleted in Shopify"),
                "make the source again in the settings of the Shopify app, then associate it",
            ),
        }
    }

    pub(super) async fn look_at_bus(&mut self) -> Vec<Finding> {
        let name = &self.stack.outputs.bus_name;
        match self.stack.events.describe_event_bus().name(name).send().await {
            Ok(_) => vec![Finding::ok(Step::Bus, name.as_str()), self.look_at_rule().await],
            Err(error) if is(&error, "ResourceNotFoundException") => {
                let remedy =
                    "the deployment listens to a bus that is gone: deploy again with `-c eventBus=…`";
                let bus = Finding::wrong(Step::Bus, format!("there is no bus {name}"), remedy);
                vec![bus, Finding::after(Step::Rule, "the bus")]
            }
            Err(error) => {
                vec![refused(Step::Bus, "read event buses", &error), Finding::after(Step::Rule, "the bus")]
            }
        }
    }

    async fn look_at_rule(&self) -> Finding {
        let outputs = &self.stack.outputs;
        let rules = match self.stack.events.list_rules().event_bus_name(&outputs.bus_name).send().await {
            Ok(rules) => rules,
            Err(error) => return refused(Step::Rule, "list the rules of the bus", &error),
        };
        let source = outputs.event_source.trim_end_matches('/');
        let mine =
            rules.rules().iter().filter(|rule| rule.event_pattern().is_some_and(|it| it.contains(source)));
        let mine: Vec<_> = mine.collect();
        let remedy = "deploy again, or enable the rule in EventBridge";
        match mine.iter().find(|rule| rule.state() == Some(&RuleState::Enabled)) {
            Some(rule) => Finding::ok(Step::Rule, rule.name().unwrap_or_default()),
            None if mine.is_empty() => {
                Finding::wrong(Step::Rule, format!("no rule on the bus is for {source}"), remedy)
            }
            None => Finding::wrong(Step::Rule, "the rule on the bus is disabled", remedy),
        }
    }

    pub(super) async fn look_at_configuration(&mut self) -> Finding {
        const STEP: Step = Step::Configuration;
        let key = config_key(self.shop);
        let file = self.file.as_ref();
        // asked for anew each time: it may just have been stored
        let stored = self.stack.configs().get(self.shop, Timestamp::now()).await;
        self.config = match &stored {
            Ok(loaded) => Some(Arc::new(loaded.config.clone())),
            Err(_) => file.map(|(config, _)| Arc::new(config.clone())),
        };
        let store = |finding: Finding| match file {
            Some(_) => finding.makes(Missing::Configuration),
            None => finding,
        };
        match stored {
            Ok(loaded) => {
                let differs = match file {
                    Some((_, text)) => self.stored_text(&key).await.is_some_and(|stored| stored != *text),
                    None => false,
                };
                if differs {
                    return store(Finding::wrong(
                        STEP,
                        format!("{key} is not what the file says"),
                        "store the file: `ctl setup`, or `ctl config push`",
                    ));
                }
                let version = loaded.version_id.as_deref().unwrap_or("-");
                Finding::ok(STEP, format!("{key} version {version}"))
            }
            Err(ConfigError::NotServed(_)) => store(Finding::wrong(
                STEP,
                format!("there is no {key}, so the shop's events end in intake's dead letters"),
                "write one (docs/configuration.md) and store it: `ctl setup --config FILE`, or `ctl config push`",
            )),
            Err(
                error @ (ConfigError::Invalid { .. }
                | ConfigError::OtherShop { .. }
                | ConfigError::Oversized(_)),
            ) => store(Finding::wrong(STEP, chain(&error), "correct it and store it: `ctl config push`")),
            Err(error) => Finding::new(STEP, Verdict::Unknown, chain(&error))
                .with("see whether your role may read the operations bucket, and run it again"),
        }
    }

    async fn stored_text(&self, key: &str) -> Option<String> {
        let get = self.stack.s3.get_object().bucket(&self.stack.outputs.operations_bucket).key(key);
        let bytes = get.send().await.ok()?.body.collect().await.ok()?.into_bytes();
        String::from_utf8(bytes.to_vec()).ok()
    }

    pub(super) async fn look_at_schedules(&mut self) -> Finding {
        const STEP: Step = Step::Schedules;
        let Some(config) = &self.config else { return Finding::after(STEP, "the configuration") };
        let (missing, surplus) = match schedules::difference(self.stack, config).await {
            Ok(difference) => difference,
            Err(error) => {
                return Finding::new(STEP, Verdict::Unknown, chain(error.as_ref()))
                    .with("see whether your role may list schedules, and run it again");
            }
        };
        if missing.is_empty() && surplus.is_empty() {
            return Finding::ok(STEP, "as the configuration says");
        }
        let names = |what: &str, names: &[String]| match names {
            [] => None,
            names => Some(format!("{what}: {}", names.join(", "))),
        };
        let found = [names("missing", &missing), names("of no run", &surplus)];
        let found: Vec<_> = found.into_iter().flatten().collect();
        Finding::wrong(
            STEP,
            found.join("; "),
            "make them as the configuration says: `ctl setup`, or `ctl config push`",
        )
        .makes(Missing::Schedules)
    }

    pub(super) async fn look_at_secret(&mut self) -> Finding {
        const STEP: Step = Step::Secret;
        let name = self.secret_name();
        self.secrets = None;
        let value = match self.stack.secrets_manager.get_secret_value().secret_id(&name).send().await {
            Ok(output) => output.secret_string.unwrap_or_default(),
            Err(error) if is(&error, "ResourceNotFoundException") => {
                let finding = Finding::wrong(
                    STEP,
                    format!("there is no secret {name}"),
                    "write its JSON to a file (docs/configuration.md#secrets): `ctl setup --secret FILE`, then delete the file",
                );
                return match self.secret_file {
                    Some(_) => finding.makes(Missing::Secret),
                    None => finding,
                };
            }
            Err(error) => return refused(STEP, "read the shop's secret", &error),
        };
        // what is wrong with it would quote it
        if serde_json::from_str::<ShopSecrets>(&value).is_err() {
            return Finding::wrong(
                STEP,
                format!("{name} is not the expected JSON"),
                "store it as docs/configuration.md#secrets says",
            );
        }
        match self.stack.secrets.shop(self.shop, Timestamp::now()).await {
            Ok(secrets) => {
                self.secrets = Some(secrets);
                Finding::ok(STEP, name)
            }
            Err(error) => {
                Finding::wrong(STEP, chain(&error), "store the offline token as docs/configuration.md says")
            }
        }
    }

    pub(super) fn secret_name(&self) -> String {
        format!("{}/shop/{}", self.stack.outputs.secret_prefix, self.shop)
    }
}

/// The account's quota is told to nobody who has no rights in Lambda, so it is for the person to compare.
pub(super) fn concurrency() -> Finding {
    let found = format!("a deployment of the usual settings needs {CONCURRENT} invocations at once");
    Finding::new(Step::Concurrency, Verdict::NotChecked, found).with(
        "compare with `aws lambda get-account-settings --query AccountLimit.ConcurrentExecutions`; docs/deployment.md#quotas",
    )
}
