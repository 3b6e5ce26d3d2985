//! Parsing and checking, as functions do it: the first mistake in the syntax, or else every problem of the values, each
//! with the field it is about. For the person who wrote the file, `mistakes.rs` finds all of both, with their lines.

use crate::{
    Adapter, Channel, Delivery, DocumentConfig, OnUnknown, Problem, ShopConfig, Token, check::Check,
};
use comms::{Document, Flow, Format, HttpsUrl, MessageClass};

/// Held several times while a document is made, and ten documents are made at once.
const MAX_OUTPUT_BYTES: usize = 32 * 1024 * 1024;

/// Longer names are no names of Exstream's, and do not fit where evidence keeps them.
const MAX_NAME_BYTES: usize = 128;

/// Each day of it is another question about each e-mail.
const MAX_WATCH_DAYS: u16 = 60;

/// Nobody reads more, and each is charged.
const MAX_SEGMENTS: u16 = 10;

/// As long as a link may live.
const MAX_VALID_DAYS: u16 = 400;

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
}

/// Without what stands in double quotes, which is how a value of the file is quoted.
pub(crate) fn unquoted(message: &str) -> String {
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
        let problems = Check::all(&config, max_retention_days);
        if problems.is_empty() { Ok(config) } else { Err(InvalidConfig::Problems(problems)) }
    }
}

impl Check {
    /// Every problem of the values.
    pub(crate) fn all(config: &ShopConfig, max_retention_days: u16) -> Vec<Problem> {
        let mut check = Self { max_retention_days, problems: Vec::new() };
        check.shop(config);
        for (&document, settings) in &config.documents {
            check.document(config, document, settings);
        }
        check.problems
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
        self.delivery(&config.delivery);
        self.brands(config);
        self.retention(config);
        config.delivery.print.check(self);
        config.shipping.check(self, &config.returns);
        config.returns.check(self);
        config.exceptions.check(self, &config.locales);
        config.marketing.check(self, &config.default_locale);
        if let Some(statements) = &config.statements {
            let regulated = config.is_regulated(Document::AccountStatement);
            let must_speak = regulated.then_some(config.locales.as_slice());
            statements.check(self, config.exstream.driver_root, must_speak);
        }
        if config.write_back.namespace.len() < 3 || config.write_back.key.len() < 2 {
            self.fail("write_back", "a metafield needs a namespace of 3 and a key of 2 characters or more");
        }
        if !config.write_back.enabled && !config.write_back.flow_triggers.is_empty() {
            self.fail("write_back.flow_triggers", "need `write_back.enabled`: they follow the metafield");
        }
    }

    fn delivery(&mut self, delivery: &Delivery) {
        if let Some(it) = &delivery.email {
            self.messaging("delivery.email", &it.base_url, &it.token, it.timeout_ms, it.watch_days);
            self.watch_days("delivery.email.marketing_watch_days", it.marketing_watch_days);
        }
        if let Some(it) = &delivery.sms {
            self.messaging("delivery.sms", &it.base_url, &it.token, it.timeout_ms, it.watch_days);
            if !(1..=MAX_SEGMENTS).contains(&it.most_segments) {
                let what = format!("must be between 1 and {MAX_SEGMENTS}");
                self.fail("delivery.sms.most_segments", what);
            }
        }
        if let Some(it) = &delivery.whatsapp {
            self.messaging("delivery.whatsapp", &it.base_url, &it.token, it.timeout_ms, it.watch_days);
        }
        if delivery.web.is_some_and(|web| !(1..=MAX_VALID_DAYS).contains(&web.valid_days)) {
            self.fail("delivery.web.valid_days", format!("must be between 1 and {MAX_VALID_DAYS} days"));
        }
    }

    fn messaging(&mut self, field: &str, base_url: &HttpsUrl, token: &Token, timeout_ms: u64, days: u16) {
        self.base(&format!("{field}.base_url"), base_url);
        self.token(&format!("{field}.token"), token);
        self.timeout(&format!("{field}.timeout_ms"), timeout_ms);
        self.watch_days(&format!("{field}.watch_days"), days);
    }

    fn brands(&mut self, config: &ShopConfig) {
        let others = config.brands.iter().map(|(name, brand)| (format!("brands.{name}.colour"), brand));
        for (field, brand) in others.chain([("brand.colour".to_owned(), &config.brand)]) {
            if brand.colour.as_deref().is_some_and(|colour| !is_colour(colour)) {
                self.fail(field, "must be `#` and six hexadecimal digits");
            }
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
            if !settings.outputs().iter().any(|it| it.format() == Some(Format::Pdf)) {
                self.fail(field("require"), "needs the output application/pdf");
            }
            if settings.channels.contains(&Channel::Exstream) {
                self.fail(
                    field("require"),
                    "cannot be kept with the channel `exstream`, which sends while it composes",
                );
            }
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
        if settings.on_request && document.event_of_order().is_none() {
            let all = Document::ALL.iter().filter(|it| it.event_of_order().is_some());
            let names: Vec<_> = all.map(|it| it.name()).collect();
            self.fail(field("on_request"), format!("is for what an order leads to: {}", names.join(", ")));
        }
        if settings.on_request && settings.after_edits {
            self.fail(field("after_edits"), "cannot be with `on_request`: no event leads to the document");
        }
        if settings.pictures && document != Document::OrderConfirmation {
            self.fail(field("pictures"), "is for order-confirmation only");
        }
        if document.flow() == Flow::AccountStatements && !settings.tags.is_empty() {
            self.fail(field("tags"), "cannot be given: company locations have no tags");
        }
        settings.print.check(self, &field("print"));
        self.tags(&field("tags"), &settings.tags);
        self.channels(config, document, settings);
        self.outputs(config, document, settings);
        self.attachments(config, document, settings);
        if settings.on_unknown == OnUnknown::Resend && settings.class(document) != MessageClass::Transactional
        {
            self.fail(
                field("on_unknown"),
                "`resend` is for transactional documents; a second copy of others does harm",
            );
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

fn is_colour(text: &str) -> bool {
    let digits = text.strip_prefix('#').unwrap_or_default();
    digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests;
