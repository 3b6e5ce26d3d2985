//! Parsing and checking. Every problem of a file is reported at once, each with the field it is about.

use crate::{Adapter, Channel, DocumentConfig, OnUnknown, ShopConfig, Token};
use comms::{Document, MessageClass};
use std::fmt;

/// What is wrong with a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConfig {
    /// Not the format: the message names line and field.
    #[error("{0}")]
    Syntax(String),
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Problems(Vec<Problem>),
}

/// One thing to correct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The field's path, such as `documents.receipt.channels`.
    pub field: String,
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.what)
    }
}

impl ShopConfig {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// The first mistake in the syntax, or else every mistake in the values.
    pub fn parse(text: &str) -> Result<Self, InvalidConfig> {
        let config: Self = toml::from_str(text).map_err(|error| InvalidConfig::Syntax(error.to_string()))?;
        let mut check = Check::default();
        check.shop(&config);
        for (&document, settings) in &config.documents {
            check.document(&config, document, settings);
        }
        if check.problems.is_empty() { Ok(config) } else { Err(InvalidConfig::Problems(check.problems)) }
    }
}

#[derive(Default)]
struct Check {
    problems: Vec<Problem>,
}

impl Check {
    fn fail(&mut self, field: impl Into<String>, what: impl Into<String>) {
        self.problems.push(Problem { field: field.into(), what: what.into() });
    }

    fn shop(&mut self, config: &ShopConfig) {
        if config.version != 1 {
            self.fail("version", format!("{} is not known; this version reads 1", config.version));
        }
        if !config.locales.is_empty() && !config.locales.contains(&config.default_locale) {
            self.fail("default_locale", format!("`{}` is not one of `locales`", config.default_locale));
        }
        if config.brand.name.trim().is_empty() {
            self.fail("brand.name", "must not be empty");
        }
        if let Some(url) = &config.shopify.base_url {
            self.url("shopify.base_url", url);
        }
        let exstream = &config.exstream;
        self.url("exstream.base_url", &exstream.base_url);
        self.token("exstream.token", &exstream.token);
        self.timeout("exstream.timeout_ms", exstream.timeout_ms);
        self.timeout("shopify.timeout_ms", config.shopify.timeout_ms);
        if let Some(email) = &config.delivery.email {
            self.url("delivery.email.base_url", &email.base_url);
            self.token("delivery.email.token", &email.token);
            self.timeout("delivery.email.timeout_ms", email.timeout_ms);
        }
        if config.write_back.namespace.len() < 3 || config.write_back.key.len() < 2 {
            self.fail("write_back", "a metafield needs a namespace of 3 and a key of 2 characters or more");
        }
    }

    fn document(&mut self, config: &ShopConfig, document: Document, settings: &DocumentConfig) {
        let field = |name: &str| format!("documents.{document}.{name}");
        if settings.communication.trim().is_empty() {
            self.fail(field("communication"), "must name the Exstream communication");
        }
        if config.exstream.adapter == Adapter::Orchestration && settings.data_source.trim().is_empty() {
            self.fail(field("data_source"), "must name the production data source (orchestration needs it)");
        }
        if settings.template_pin.is_some() && !config.exstream.catalogue {
            self.fail(field("template_pin"), "cannot be checked while exstream.catalogue is false");
        }
        if settings.retention_days == 0 {
            self.fail(field("retention_days"), "must be at least 1");
        }
        if settings.channels.contains(&Channel::Email) {
            if config.delivery.email.is_none() {
                self.fail(field("channels"), "`email` needs the section [delivery.email]");
            }
            if !settings.subject.contains_key(&config.default_locale) {
                self.fail(
                    field("subject"),
                    format!("needs a subject for the default locale `{}`", config.default_locale),
                );
            }
        }
        if settings.on_unknown == OnUnknown::Resend && settings.class(document) != MessageClass::Transactional
        {
            self.fail(
                field("on_unknown"),
                "`resend` is for transactional documents; a second copy of others does harm",
            );
        }
    }

    /// TLS everywhere but to this very machine, where the local run lives.
    fn url(&mut self, field: &str, url: &str) {
        let loopback = ["http://127.0.0.1", "http://localhost"].iter().any(|it| {
            url.strip_prefix(it).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
        });
        if !url.starts_with("https://") && !loopback {
            self.fail(field, "must begin with https:// (http:// only for 127.0.0.1 and localhost)");
        }
    }

    fn token(&mut self, field: &str, token: &Token) {
        match token {
            Token::GatewayJson { url } | Token::OtdsTicket { url } => self.url(&format!("{field}.url"), url),
            Token::OtdsSaas { url, scope } | Token::OtdsLocal { url, scope } => {
                self.url(&format!("{field}.url"), url);
                if scope.trim().is_empty() {
                    self.fail(format!("{field}.scope"), "must not be empty");
                }
            }
            Token::None => {}
        }
    }

    fn timeout(&mut self, field: &str, timeout_ms: u64) {
        if !(100..=600_000).contains(&timeout_ms) {
            self.fail(field, "must be between 100 and 600000 milliseconds");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEMO: &str = include_str!("../../../infra/local/config/demo-shop.toml");

    fn problems(text: &str) -> String {
        ShopConfig::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn the_contract_is_published_and_the_sample_conforms() {
        let schema = schemars::schema_for!(ShopConfig).to_value();
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/shop-config.v1.json");
        contract::published(&file, &schema);
        let sample: serde_json::Value = toml::from_str(DEMO).unwrap();
        contract::conforms(&schema, &sample);
        assert!(ShopConfig::parse(DEMO).is_ok());
    }

    #[test]
    fn every_problem_names_its_field() {
        let text = DEMO
            .replace("version = 1", "version = 2")
            .replace("default_locale = \"en\"", "default_locale = \"de\"")
            .replace("http://127.0.0.1:4601\"\ndomain", "http://exstream.example\"\ndomain")
            .replace("data_source = \"Receipt\"", "data_source = \"\"");
        let problems = problems(&text);
        for field in [
            "version: 2",
            "default_locale: `de`",
            "exstream.base_url: must begin with https://",
            "documents.receipt.data_source",
            "documents.order-confirmation.subject: needs a subject for the default locale `de`",
        ] {
            assert!(problems.contains(field), "{field} not in {problems}");
        }
    }

    #[test]
    fn a_misspelt_name_is_an_error_that_shows_the_line() {
        let problems = problems(&DEMO.replace("channels = [\"print\"]", "chanels = [\"print\"]"));
        assert!(problems.contains("unknown field `chanels`"), "{problems}");
        assert!(problems.contains("line "), "{problems}");
    }

    #[test]
    fn only_this_very_machine_may_do_without_tls() {
        for (url, fine) in [
            ("http://127.0.0.1:1", true),
            ("http://localhost/x", true),
            ("http://127.0.0.1.example", false),
            ("http://localhost.example", false),
            ("ftp://x", false),
            ("https://x", true),
        ] {
            let mut check = Check::default();
            check.url("f", url);
            assert_eq!(check.problems.is_empty(), fine, "{url}");
        }
    }

    #[test]
    fn a_locale_falls_back_to_its_language_and_then_to_the_shops() {
        let config = ShopConfig::parse(DEMO).unwrap();
        for (wanted, locale) in [(Some("fr-CA"), "fr"), (Some("FR"), "fr"), (Some("de"), "en"), (None, "en")]
        {
            assert_eq!(config.locale(wanted), locale);
        }
    }
}
