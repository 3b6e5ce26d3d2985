//! Parsing and checking. Every problem of a file is reported at once, each with the field it is about.

use crate::{Adapter, Channel, DocumentConfig, OnUnknown, ShopConfig, Texts, Token, text_in};
use comms::{Document, Flow, HttpsUrl, MessageClass};
use std::fmt;

/// Held several times while a document is made, and ten documents are made at once.
const MAX_OUTPUT_BYTES: usize = 32 * 1024 * 1024;

/// Longer names are no names of Exstream's, and do not fit where evidence keeps them.
const MAX_NAME_BYTES: usize = 128;

/// Each day of it is another question about each e-mail.
const MAX_WATCH_DAYS: u16 = 60;

/// Shopify's limit.
const MAX_TAG_CHARS: usize = 40;

/// What is wrong with a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConfig {
    /// Not the format. Says where and what, and quotes nothing of the file: a line may hold a secret header.
    #[error("line {line}: {message}")]
    Syntax { line: usize, message: String },
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Problems(Vec<Problem>),
}

impl InvalidConfig {
    /// `path` is the field's.
    fn syntax(text: &str, path: &str, error: &toml::de::Error) -> Self {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let message = unquoted(error.message());
        let message = if path == "." { message } else { format!("{path}: {message}") };
        Self::Syntax { line: before.matches('\n').count() + 1, message }
    }

    /// The line of `text` that is not the format, for the person who wrote it; not for logs.
    pub fn excerpt<'a>(&self, text: &'a str) -> Option<&'a str> {
        match self {
            Self::Syntax { line, .. } => text.lines().nth(line - 1),
            Self::Problems(_) => None,
        }
    }
}

/// Without what stands in double quotes, which is how a value of the file is quoted.
fn unquoted(message: &str) -> String {
    let (mut kept, mut quoted, mut escaped) = (String::new(), false, false);
    for c in message.chars() {
        match (quoted, escaped, c) {
            (false, _, '"') => {
                quoted = true;
                kept.push('"');
            }
            (true, false, '"') => {
                quoted = false;
                kept.push_str("…\"");
            }
            (true, _, _) => escaped = c == '\\' && !escaped,
            (false, _, c) => kept.push(if c.is_control() { ' ' } else { c }),
        }
    }
    kept
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

/// The usual bound: eleven years, as the ten of most tax laws begin with the end of a calendar year.
pub const MAX_RETENTION_DAYS: u16 = 4018;

impl ShopConfig {
    /// Reads and checks a configuration file, for a deployment with the usual bounds.
    ///
    /// # Errors
    /// The first mistake in the syntax, or else every mistake in the values.
    pub fn parse(text: &str) -> Result<Self, InvalidConfig> {
        Self::parse_within(text, MAX_RETENTION_DAYS)
    }

    /// The same for a deployment that locks nothing for longer than so many days: under COMPLIANCE a typing mistake
    /// could never be taken back.
    ///
    /// # Errors
    /// The first mistake in the syntax, or else every mistake in the values.
    pub fn parse_within(text: &str, max_retention_days: u16) -> Result<Self, InvalidConfig> {
        let read =
            toml::Deserializer::parse(text).map_err(|error| InvalidConfig::syntax(text, ".", &error))?;
        let config: Self = serde_path_to_error::deserialize(read).map_err(|error| {
            let path = error.path().to_string();
            InvalidConfig::syntax(text, &path, error.inner())
        })?;
        let mut check = Check { max_retention_days, problems: Vec::new() };
        check.shop(&config);
        for (&document, settings) in &config.documents {
            check.document(&config, document, settings);
        }
        if check.problems.is_empty() { Ok(config) } else { Err(InvalidConfig::Problems(check.problems)) }
    }
}

#[derive(Default)]
pub(crate) struct Check {
    max_retention_days: u16,
    problems: Vec<Problem>,
}

impl Check {
    pub(crate) fn fail(&mut self, field: impl Into<String>, what: impl Into<String>) {
        self.problems.push(Problem { field: field.into(), what: what.into() });
    }

    /// A part of a regulated document: nothing of that may be in a language the customer cannot read.
    pub(crate) fn speaks(&mut self, field: &str, texts: &Texts, locales: &[String]) {
        for locale in locales.iter().filter(|_| !texts.is_empty()) {
            if text_in(texts, locale, locale).is_none() {
                self.fail(field, format!("has no text for `{locale}`"));
            }
        }
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
            self.base("shopify.base_url", url);
        }
        let exstream = &config.exstream;
        self.base("exstream.base_url", &exstream.base_url);
        self.token("exstream.token", &exstream.token);
        self.timeout("exstream.timeout_ms", exstream.timeout_ms);
        if !(1..=MAX_OUTPUT_BYTES).contains(&exstream.max_output_bytes) {
            self.fail("exstream.max_output_bytes", format!("must be between 1 and {MAX_OUTPUT_BYTES}"));
        }
        self.timeout("shopify.timeout_ms", config.shopify.timeout_ms);
        if let Some(email) = &config.delivery.email {
            self.base("delivery.email.base_url", &email.base_url);
            self.token("delivery.email.token", &email.token);
            self.timeout("delivery.email.timeout_ms", email.timeout_ms);
            self.watch_days("delivery.email.watch_days", email.watch_days);
            self.watch_days("delivery.email.marketing_watch_days", email.marketing_watch_days);
        }
        config.shipping.check(self, &config.returns);
        config.returns.check(self);
        config.exceptions.check(self, &config.locales);
        config.marketing.check(self, &config.default_locale);
        if let Some(statements) = &config.statements {
            statements.check(self, config);
        }
        if config.write_back.namespace.len() < 3 || config.write_back.key.len() < 2 {
            self.fail("write_back", "a metafield needs a namespace of 3 and a key of 2 characters or more");
        }
    }

    fn document(&mut self, config: &ShopConfig, document: Document, settings: &DocumentConfig) {
        let field = |name: &str| format!("documents.{document}.{name}");
        if let Some(brand) = &settings.brand
            && !config.brands.contains_key(brand)
        {
            self.fail(field("brand"), format!("`{brand}` is not one of `brands`"));
        }
        if settings.communication.trim().is_empty() {
            self.fail(field("communication"), "must name the Exstream communication");
        }
        if config.exstream.adapter == Adapter::Orchestration && settings.data_source.trim().is_empty() {
            self.fail(field("data_source"), "must name the production data source (orchestration needs it)");
        }
        for (name, text) in
            [("communication", &settings.communication), ("data_source", &settings.data_source)]
        {
            if text.len() > MAX_NAME_BYTES {
                self.fail(field(name), format!("must not be longer than {MAX_NAME_BYTES} bytes"));
            }
        }
        if settings.template_pin.is_some() && !config.exstream.catalogue {
            self.fail(field("template_pin"), "cannot be checked while exstream.catalogue is false");
        }
        if let Some(pin) = &settings.parts_pin {
            if pin.len() != 64 || !pin.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f')) {
                self.fail(field("parts_pin"), "must be a SHA-256 in 64 lower-case hexadecimal digits");
            }
            if !config.exstream.catalogue {
                self.fail(field("parts_pin"), "cannot be checked while exstream.catalogue is false");
            }
        }
        if !settings.require.standards().is_empty() {
            if settings.output != "application/pdf" {
                self.fail(field("require"), "needs the output application/pdf");
            }
            if settings.channels.contains(&Channel::Exstream) {
                self.fail(
                    field("require"),
                    "cannot be kept with the channel `exstream`, which sends while it composes",
                );
            }
        }
        if settings.retention_days == 0 {
            self.fail(field("retention_days"), "must be at least 1");
        }
        if settings.retention_days > self.max_retention_days {
            let what =
                format!("must not be more than {}, which this deployment allows", self.max_retention_days);
            self.fail(field("retention_days"), what);
        }
        if settings.class(document) == MessageClass::Marketing && document.flow() != Flow::TargetedOffers {
            self.fail(
                field("message_class"),
                "`marketing` is for the flow targeted-offers, which asks for consent; use transactional or regulated",
            );
        }
        if settings.after_edits && document != Document::OrderConfirmation {
            self.fail(field("after_edits"), "is for order-confirmation only");
        }
        if settings.pictures && document != Document::OrderConfirmation {
            self.fail(field("pictures"), "is for order-confirmation only");
        }
        if document.flow() == Flow::AccountStatements && !settings.tags.is_empty() {
            self.fail(field("tags"), "cannot be given: company locations have no tags");
        }
        self.tags(&field("tags"), &settings.tags);
        self.channels(config, document, settings);
        if settings.on_unknown == OnUnknown::Resend && settings.class(document) != MessageClass::Transactional
        {
            self.fail(
                field("on_unknown"),
                "`resend` is for transactional documents; a second copy of others does harm",
            );
        }
    }

    fn channels(&mut self, config: &ShopConfig, document: Document, settings: &DocumentConfig) {
        let field = |name: &str| format!("documents.{document}.{name}");
        let carried = settings.channels.iter().any(|it| matches!(it, Channel::Email | Channel::Print));
        if carried && !matches!(settings.output.as_str(), "application/pdf" | "text/html") {
            self.fail(
                field("output"),
                "must be application/pdf or text/html for the channels `email` and `print`",
            );
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
    }

    /// What Shopify takes: it would cut a list at a comma, and refuse the rest after the document was sent.
    pub(crate) fn tags(&mut self, field: &str, tags: &[String]) {
        for tag in tags {
            if tag.trim().is_empty() || tag.contains(',') || tag.chars().count() > MAX_TAG_CHARS {
                self.fail(field, format!("a tag has 1 to {MAX_TAG_CHARS} characters and no comma"));
            }
        }
    }

    /// What paths are appended to.
    fn base(&mut self, field: &str, url: &HttpsUrl) {
        if url.has_query() {
            self.fail(field, "must not have a query (`?`): paths are appended to it");
        }
    }

    fn token(&mut self, field: &str, token: &Token) {
        match token {
            Token::OtdsSaas { scope, .. } | Token::OtdsLocal { scope, .. } if scope.trim().is_empty() => {
                self.fail(format!("{field}.scope"), "must not be empty");
            }
            _ => {}
        }
    }

    fn watch_days(&mut self, field: &str, days: u16) {
        if !(1..=MAX_WATCH_DAYS).contains(&days) {
            self.fail(field, format!("must be between 1 and {MAX_WATCH_DAYS} days"));
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

    const SHOP: &str = include_str!("../tests/fixtures/shop.toml");
    const SAMPLE: &str = include_str!("../../../infra/local/config/demo-shop.toml");

    fn problems(text: &str) -> String {
        ShopConfig::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn the_contract_is_published_and_the_sample_conforms() {
        let schema = schemars::schema_for!(ShopConfig).to_value();
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/shop-config.v1.json");
        contract::published(&file, &schema);
        let sample: serde_json::Value = toml::from_str(SAMPLE).unwrap();
        contract::conforms(&schema, &sample);
        ShopConfig::parse(SAMPLE).unwrap();
        assert_eq!(contract::undescribed(&schema), Vec::<String>::new());
        let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
        contract::published_part(&page, "keys", &contract::keys(&schema));
    }

    /// Whether the number at `path` is refused when it is `value`.
    fn refuses(path: &str, value: u64) -> bool {
        let mut file: toml::Table = toml::from_str(SAMPLE).unwrap();
        let mut at = &mut file;
        let mut names: Vec<&str> = path.split('.').collect();
        let key = names.pop().unwrap();
        for name in names {
            let next = at.entry(name).or_insert_with(|| toml::Table::new().into());
            at = next.as_table_mut().unwrap();
        }
        if key == "customers_per_file" {
            at.insert("mode".to_owned(), "batch".into());
        }
        at.insert(key.to_owned(), i64::try_from(value).unwrap().into());
        match ShopConfig::parse(&toml::to_string(&file).unwrap()) {
            Ok(_) => false,
            Err(InvalidConfig::Problems(problems)) => {
                problems.iter().any(|it| path.starts_with(&it.field) || it.field.starts_with(path))
            }
            Err(syntax) => panic!("{path} = {value}: {syntax}"),
        }
    }

    #[test]
    fn the_bounds_that_are_published_are_those_that_are_checked() {
        let bounds = contract::bounds(&schemars::schema_for!(ShopConfig).to_value());
        assert!(bounds.len() > 10, "{bounds:?}");
        for (path, least, most) in bounds {
            for (bound, beyond) in [(least, least.map(|it| it - 1)), (most, most.map(|it| it + 1))] {
                let Some((bound, beyond)) = bound.zip(beyond) else { continue };
                assert!(!refuses(&path, bound), "{path} = {bound} is refused");
                assert!(refuses(&path, beyond), "{path} = {beyond} is taken");
            }
        }
    }

    #[test]
    fn every_problem_names_its_field() {
        let text = SHOP
            .replace("version = 1", "version = 2")
            .replace("default_locale = \"en\"", "default_locale = \"de\"")
            .replace("http://127.0.0.1:4601\"\ndomain", "http://127.0.0.1:4601?x\"\ndomain")
            .replace("data_source = \"Receipt\"", "data_source = \"\"");
        let problems = problems(&text);
        for field in [
            "version: 2",
            "default_locale: `de`",
            "exstream.base_url: must not have a query",
            "documents.receipt.data_source",
            "documents.order-confirmation.subject: needs a subject for the default locale `de`",
        ] {
            assert!(problems.contains(field), "{field} not in {problems}");
        }
    }

    #[test]
    fn each_rule_refuses_what_breaks_it() {
        let receipt =
            |line: &str| SHOP.replace("[documents.receipt]", &format!("[documents.receipt]\n{line}"));
        let exstream = |line: &str| SHOP.replace("[exstream]", &format!("[exstream]\n{line}"));
        let email = |line: &str| SHOP.replace("[delivery.email]", &format!("[delivery.email]\n{line}"));
        let long = "ü".repeat(65);
        let tags = |tag: &str| SHOP.replace("receipt-printed", tag);
        for (text, problem) in [
            (
                receipt("template_pin = 1").replace("[exstream]", "[exstream]\ncatalogue = false"),
                "documents.receipt.template_pin: cannot",
            ),
            (
                receipt(&format!("parts_pin = \"{}\"", "0".repeat(64)))
                    .replace("[exstream]", "[exstream]\ncatalogue = false"),
                "documents.receipt.parts_pin: cannot",
            ),
            (receipt("parts_pin = \"12\""), "documents.receipt.parts_pin: must be a SHA-256"),
            (
                receipt(&format!("parts_pin = \"{}\"", "A".repeat(64))),
                "documents.receipt.parts_pin: must be a SHA-256",
            ),
            (
                receipt("require = \"pdf/a\"\noutput = \"text/html\""),
                "documents.receipt.require: needs the output application/pdf",
            ),
            (
                receipt("require = [\"pdf/a\", \"pdf/ua\"]")
                    .replace("channels = [\"print\"]", "channels = [\"exstream\"]"),
                "documents.receipt.require: cannot be kept with the channel `exstream`",
            ),
            (email("watch_days = 0"), "delivery.email.watch_days: must be between 1 and 60 days"),
            (email("watch_days = 61"), "delivery.email.watch_days: must be between"),
            (email("marketing_watch_days = 0"), "delivery.email.marketing_watch_days: must be between"),
            (email("marketing_watch_days = 61"), "delivery.email.marketing_watch_days: must be between"),
            (exstream("max_output_bytes = 0"), "exstream.max_output_bytes: must be between 1 and 33554432"),
            (exstream("max_output_bytes = 33554433"), "exstream.max_output_bytes: must be between"),
            (
                receipt("output = \"image/tiff\""),
                "documents.receipt.output: must be application/pdf or text/html",
            ),
            (
                receipt("message_class = \"marketing\""),
                "documents.receipt.message_class: `marketing` is for the flow targeted-offers",
            ),
            (receipt("after_edits = true"), "documents.receipt.after_edits: is for order-confirmation only"),
            (
                receipt("retention_days = 4019"),
                "documents.receipt.retention_days: must not be more than 4018, which this deployment allows",
            ),
            (receipt("retention_days = 0"), "documents.receipt.retention_days: must be at least 1"),
            (receipt("pictures = true"), "documents.receipt.pictures: is for order-confirmation only"),
            (tags(""), "documents.receipt.tags: a tag has 1 to 40 characters and no comma"),
            (tags("a,b"), "documents.receipt.tags: a tag"),
            (tags(&"x".repeat(41)), "documents.receipt.tags: a tag"),
            (
                SHOP.replace("\"Receipt\"", &format!("\"{long}\"")),
                "documents.receipt.data_source: must not be longer than 128 bytes",
            ),
            (
                SHOP.replace("6f1f3ad0-7a55-4a07-9d0e-0c9b5b1f6a02", &long),
                "documents.receipt.communication: must not be longer than 128 bytes",
            ),
            (receipt("brand = \"none\""), "documents.receipt.brand: `none` is not one of `brands`"),
        ] {
            let found = problems(&text);
            assert!(found.starts_with(problem) && !found.contains("; documents"), "{found}");
        }
        for fine in [
            receipt("output = \"text/html\"\nmessage_class = \"regulated\""),
            receipt("output = \"image/tiff\"").replace("[\"print\"]", "[\"exstream\"]"),
            tags(&"é".repeat(40)),
            receipt("retention_days = 4018"),
            exstream("max_output_bytes = 33554432"),
        ] {
            ShopConfig::parse(&fine).unwrap();
        }
    }

    /// A typing mistake under COMPLIANCE could never be taken back.
    #[test]
    fn nothing_is_kept_for_longer_than_the_deployment_allows() {
        let kept = |days: u16| {
            SHOP.replace("[documents.receipt]", &format!("[documents.receipt]\nretention_days = {days}"))
                .replace(
                    "[documents.order-confirmation]",
                    "[documents.order-confirmation]\nretention_days = 1",
                )
        };
        for (days, most, fine) in
            [(36_500, 36_500, true), (3653, 3653, true), (3654, 3653, false), (2, 1, false)]
        {
            assert_eq!(ShopConfig::parse_within(&kept(days), most).is_ok(), fine, "{days} of {most}");
        }
    }

    #[test]
    fn a_misspelt_name_is_an_error_that_names_the_line() {
        let text = SHOP.replace("channels = [\"print\"]", "chanels = [\"print\"]");
        let error = ShopConfig::parse(&text).unwrap_err();
        assert_eq!(error.excerpt(&text), Some("chanels = [\"print\"]"));
        let line = 1 + text.lines().position(|line| line.starts_with("chanels")).unwrap();
        let shown = error.to_string();
        assert!(
            shown.starts_with(&format!("line {line}: ")) && shown.contains("unknown field `chanels`"),
            "{shown}"
        );
    }

    /// Headers hold secrets, and errors are logged.
    #[test]
    fn a_syntax_error_quotes_no_value() {
        for headers in
            ["headers = \"s3cr\\\"et\"", "headers = { a = \"s3cret }", "headers = { a = \"s3cret\", }}"]
        {
            let text = SHOP.replace("[exstream]", &format!("[exstream]\n{headers}"));
            let error = ShopConfig::parse(&text).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(
                shown.starts_with("line ") && !shown.contains("s3cr") && !shown.contains("et\""),
                "{shown}"
            );
            assert!(error.excerpt(&text).is_some(), "{error:?}");
        }
    }

    /// Which addresses are refused is [`HttpsUrl`]'s matter. Here: that no setting is without it.
    #[test]
    fn every_address_is_checked_and_named() {
        let evil = "http://127.0.0.1:80@evil.example";
        let shop = SHOP.replace(
            "[exstream]",
            "[exceptions]\n[returns]\n[marketing.offers.x]\ntitle = { en = \"X\", fr = \"X\" }\n[exstream]",
        );
        for (text, field) in [
            (shop.replace("[brand]", &format!("[brand]\nurl = \"{evil}\"")), "brand.url"),
            (
                shop.replace("http://127.0.0.1:4602/shops/northwind-demo.myshopify.com", evil),
                "shopify.base_url",
            ),
            (shop.replacen("http://127.0.0.1:4601\"", &format!("{evil}\""), 1), "exstream.base_url"),
            (
                shop.replacen("http://127.0.0.1:4601/tenants/northwind/oauth2/token", evil, 1),
                "exstream.token",
            ),
            (
                shop.replace(
                    "[delivery.email]\nbase_url = \"http://127.0.0.1:4601",
                    &format!("[delivery.email]\nbase_url = \"{evil}"),
                ),
                "delivery.email.base_url",
            ),
            (shop.replace("[returns]", &format!("[returns]\nurl = \"{evil}\"")), "returns.url"),
            (
                shop.replace("[exceptions]", &format!("[exceptions]\npayment_url = \"{evil}\"")),
                "exceptions.payment_url",
            ),
            (
                shop.replace("[exceptions]", &format!("[exceptions]\ncard_update_url = \"{evil}\"")),
                "exceptions.card_update_url",
            ),
            (
                shop.replace("[marketing.offers.x]", &format!("[marketing.offers.x]\nurl = \"{evil}\"")),
                "marketing.offers.x.url",
            ),
        ] {
            let error = ShopConfig::parse(&text).unwrap_err();
            let shown = error.to_string();
            assert!(
                shown.contains(&format!(": {field}")) && shown.contains("must not have a user name"),
                "{shown}"
            );
            assert!(!shown.contains("evil"), "{shown}");
        }
    }
}
