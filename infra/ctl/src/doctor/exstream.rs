//! The steps in Exstream: credentials, and of each document's template the approved version, data source, queues and
//! characters.

use super::{Examination, Finding, Step, TIME, Verdict};
use comms::{Document, chain};
use exstream::{Budget, ExstreamError, TemplateCall, TokenCall, TokenError};
use jiff::Timestamp;
use shop_config::{Adapter, DocumentConfig, ShopConfig, Token};

/// What a request for a token failed with.
pub(super) fn no_token(step: Step, error: &TokenError, section: &str) -> Finding {
    match error {
        TokenError::Refused { status, .. } if *status < 500 && *status != 429 => Finding::wrong(
            step,
            chain(error),
            format!("see whether the secret's `{section}` and the mode and address of its token are right"),
        ),
        TokenError::Credentials { .. }
        | TokenError::Settings
        | TokenError::Certificate
        | TokenError::Unusable => Finding::wrong(
            step,
            chain(error),
            format!("correct the secret's `{section}` or the token's settings"),
        ),
        TokenError::Refused { .. } | TokenError::Exchange(_) | TokenError::OutOfTime => {
            Finding::new(step, Verdict::Unknown, chain(error))
                .with("see whether the token service's address and the network are right, and run it again")
        }
    }
}

impl Examination<'_> {
    pub(super) async fn look_at_exstream(&mut self) -> Finding {
        const STEP: Step = Step::ExstreamToken;
        self.knows_exstream = false;
        let (Some(config), Some(secrets)) = (&self.config, &self.secrets) else {
            return Finding::after(STEP, "configuration and secret");
        };
        let token = &config.exstream.token;
        if matches!(token, Token::None | Token::Basic) {
            self.knows_exstream = true;
            return Finding::new(STEP, Verdict::NotNeeded, "no token is asked for");
        }
        let call = TokenCall {
            shop: self.shop,
            token,
            credentials: &secrets.exstream,
            now: Timestamp::now(),
            budget: Budget::new(TIME),
        };
        match self.tokens.get(call).await {
            Ok(_) => {
                self.knows_exstream = true;
                Finding::ok(STEP, "the token service takes the credentials")
            }
            Err(error) => no_token(STEP, &error, "exstream"),
        }
    }

    pub(super) async fn look_at_templates(&mut self) -> Vec<Finding> {
        const STEPS: [Step; 4] = [Step::Template, Step::DataSource, Step::Queue, Step::Characters];
        let all = |verdict: Verdict, found: &str| {
            STEPS.iter().map(|step| Finding::new(*step, verdict, found)).collect()
        };
        let Some(config) = self.config.clone() else {
            return all(Verdict::NotChecked, "needs the configuration");
        };
        if config.exstream.adapter != Adapter::Orchestration || !config.exstream.catalogue {
            return all(
                Verdict::NotChecked,
                "this shop's design service is not asked (`exstream.catalogue`)",
            );
        }
        if !self.knows_exstream {
            return all(Verdict::NotChecked, "needs credentials that Exstream takes");
        }
        let mut found = Vec::new();
        for (document, settings) in config.documents.iter().filter(|(_, settings)| settings.enabled) {
            found.extend(self.look_at_template(&config, *document, settings).await);
        }
        found
    }

    async fn look_at_template(
        &self,
        config: &ShopConfig,
        document: Document,
        settings: &DocumentConfig,
    ) -> Vec<Finding> {
        let Some(secrets) = &self.secrets else { return Vec::new() };
        let call = TemplateCall {
            shop: self.shop,
            settings: &config.exstream,
            document: settings,
            credentials: &secrets.exstream,
            now: Timestamp::now(),
            timeout: TIME,
        };
        let communication = &settings.communication;
        let template = match self.catalogue.approved(call).await {
            Ok(None) => Finding::wrong(
                Step::Template,
                format!("no approved communication {communication} in the domain {}", config.exstream.domain),
                "correct `communication`, or have its designer approve it",
            ),
            Ok(Some(version)) => match self.catalogue.template(call).await {
                Ok(_) => Finding::ok(Step::Template, format!("version {version} is approved")),
                Err(error) => Finding::wrong(
                    Step::Template,
                    chain(&error),
                    "correct the pin, or have the template changed",
                ),
            },
            Err(error) => unasked(Step::Template, &error),
        };
        let is_approved = template.row.verdict == Verdict::Ok;
        let mut found = vec![template];
        if is_approved {
            match self.catalogue.manifest(call).await {
                Ok(manifest) => found.extend(manifest_of(settings, &manifest)),
                Err(error) => found.push(unasked(Step::DataSource, &error)),
            }
        }
        found.into_iter().map(|finding| finding.of(document.name())).collect()
    }
}

fn unasked(step: Step, error: &ExstreamError) -> Finding {
    Finding::new(step, Verdict::Unknown, chain(error))
        .with("if the design service is closed to this client, set `exstream.catalogue = false`")
}

/// What the configuration wants of a template, beside what that has.
fn manifest_of(settings: &DocumentConfig, manifest: &exstream::Manifest) -> Vec<Finding> {
    let source = match manifest.data_sources.contains(&settings.data_source) {
        true => Finding::ok(Step::DataSource, settings.data_source.as_str()),
        false => Finding::wrong(
            Step::DataSource,
            format!("`{}` is not one of: {}", settings.data_source, manifest.data_sources.join(", ")),
            "correct `data_source`: it is the name of the production data source, not of the sample file",
        ),
    };
    let outputs = settings.outputs();
    let wanted = outputs.iter().filter_map(|output| output.queue.as_ref());
    let missing: Vec<&str> =
        wanted.filter(|queue| !manifest.queues.contains(queue)).map(String::as_str).collect();
    let queues = match missing.as_slice() {
        [] => Finding::ok(Step::Queue, manifest.queues.join(", ")),
        missing => Finding::wrong(
            Step::Queue,
            format!("no queue {}; there are: {}", missing.join(", "), manifest.queues.join(", ")),
            "correct the `queue` of `outputs`, or have the designer add it",
        ),
    };
    let characters = match manifest.every_script {
        Some(true) => Finding::ok(Step::Characters, "of every script"),
        Some(false) => Finding::wrong(
            Step::Characters,
            "the template holds single-byte characters only: most names of the world cannot be printed",
            "have the designer set the application to double-byte characters (DBCS)",
        ),
        None => Finding::new(Step::Characters, Verdict::Unknown, "the design service does not say"),
    };
    vec![source, queues, characters]
}
