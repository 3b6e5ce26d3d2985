//! The steps in the AWS account: event source, bus and rule, configuration, schedules, secret.

use super::{Examination, Finding, Missing, Step, Verdict};
use crate::{
    config,
    schedules::{self, Difference},
};
use aws_sdk_eventbridge::{
    error::{ProvideErrorMetadata, SdkError},
    types::{EventSourceState, RuleState},
};
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use comms::chain;
use jiff::Timestamp;
use service::{SecretError, ShopSecrets};
use shop_config::{ConfigError, config_key, parse_for_people};
use std::sync::Arc;

/// What sources of Shopify's begin with.
pub(super) const PARTNER: &str = "aws.partner/";

/// Invocations at once that a deployment of the usual settings needs; docs/deployment.md says what of.
pub(super) const CONCURRENT: u32 = 134;

const TAKE_A_ROLE: &str = "take a role that may: docs/operations.md, \"Who may run which command\"";
const AGAIN: &str = "run it again once AWS answers";

fn is_refusal(code: Option<&str>) -> bool {
    matches!(code, Some("AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation"))
}

/// Whether S3 refused to let the person read.
fn is_refused_read(source: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    let refused = source.downcast_ref::<SdkError<GetObjectError>>();
    refused.is_some_and(|error| is_refusal(error.code()))
}

/// What a secret that is there could not be used for: the person's rights and AWS's silence are no fault of the secret.
fn unread_secret(step: Step, error: &SecretError) -> Finding {
    let code = match error {
        SecretError::Read { source, .. } => {
            source.downcast_ref::<SdkError<GetSecretValueError>>().and_then(ProvideErrorMetadata::code)
        }
        SecretError::Write { .. } => None,
        SecretError::Empty(_) | SecretError::Malformed(_) => {
            return Finding::wrong(step, chain(error), "store it as docs/configuration.md#secrets says");
        }
    };
    match code {
        Some("ResourceNotFoundException") => Finding::wrong(
            step,
            chain(error),
            "store the offline token: docs/configuration.md#offline-tokens-that-expire",
        ),
        code if is_refusal(code) => Finding::new(step, Verdict::Denied, chain(error)).with(TAKE_A_ROLE),
        _ => Finding::new(step, Verdict::Unknown, chain(error)).with(AGAIN),
    }
}

/// What a request to AWS failed with: that the person may not, or that it is not known.
fn refused(step: Step, what: &str, error: &(impl ProvideErrorMetadata + std::error::Error)) -> Finding {
    match is_refusal(error.code()) {
        true => Finding::new(step, Verdict::Denied, format!("you may not {what}")).with(TAKE_A_ROLE),
        false => Finding::new(step, Verdict::Unknown, format!("{what}: {}", chain(error))).with(AGAIN),
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
        (self.stored, self.config) = (None, file.map(|(config, _)| Arc::new(config.clone())));
        let store = |finding: Finding| match file {
            Some(_) => finding.makes(Missing::Configuration),
            None => finding,
        };
        let stored = match config::history(self.stack).in_force(self.shop).await {
            Ok(Some(stored)) => stored,
            Ok(None) => {
                return store(Finding::wrong(
                    STEP,
                    format!("there is no {key}, so the shop's events end in intake's dead letters"),
                    "write one (docs/configuration.md) and store it: `ctl setup --config FILE`, or `ctl config push`",
                ));
            }
            Err(error @ ConfigError::Oversized(_)) => {
                return Finding::wrong(
                    STEP,
                    chain(&error),
                    "store a configuration in its place: `ctl config push`",
                );
            }
            Err(ConfigError::Read { source, .. }) if is_refused_read(source.as_ref()) => {
                return Finding::new(STEP, Verdict::Denied, "you may not read the operations bucket")
                    .with(TAKE_A_ROLE);
            }
            Err(error) => return Finding::new(STEP, Verdict::Unknown, chain(&error)).with(AGAIN),
        };
        let stored = self.stored.insert(stored);
        let correct = "correct it and store it: `ctl config push`";
        let config = match parse_for_people(&stored.text, self.stack.outputs.max_retention_days()) {
            Ok(config) if config.shop == *self.shop => config,
            Ok(config) => {
                let found = format!("the configuration stored for {} is that of {}", self.shop, config.shop);
                return store(Finding::wrong(STEP, found, correct));
            }
            Err(mistakes) => {
                let mistakes: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
                let found = format!("the configuration of {} is invalid: {}", self.shop, mistakes.join("; "));
                return store(Finding::wrong(STEP, found, correct));
            }
        };
        self.config = Some(Arc::new(config));
        if file.is_some_and(|(_, text)| stored.text != *text) {
            return store(Finding::wrong(
                STEP,
                format!("{key} is not what the file says"),
                "store the file: `ctl setup`, or `ctl config push`",
            ));
        }
        Finding::ok(STEP, format!("{key} version {}", stored.version))
    }

    pub(super) async fn look_at_schedules(&mut self) -> Finding {
        const STEP: Step = Step::Schedules;
        let Some(config) = &self.config else { return Finding::after(STEP, "the configuration") };
        let Difference { missing, surplus, other } = match schedules::difference(self.stack, config).await {
            Ok(difference) => difference,
            Err(error) if error.is_refusal() => {
                return Finding::new(STEP, Verdict::Denied, "you may not read schedules").with(TAKE_A_ROLE);
            }
            Err(error) => return Finding::new(STEP, Verdict::Unknown, chain(&error)).with(AGAIN),
        };
        let named = |what: &str, names: &[String]| match names {
            [] => None,
            names => Some(format!("{what}: {}", names.join(", "))),
        };
        let found =
            [named("missing", &missing), named("of no run", &surplus), named("not as configured", &other)];
        let found: Vec<_> = found.into_iter().flatten().collect();
        if found.is_empty() {
            return Finding::ok(STEP, "as the configuration says");
        }
        let remedy = "make them as the configuration says: `ctl setup`, or `ctl config push`";
        let finding = Finding::wrong(STEP, found.join("; "), remedy);
        // they follow what is stored
        if self.stored.is_some() { finding.makes(Missing::Schedules) } else { finding }
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
            Err(error) => unread_secret(STEP, &error),
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
