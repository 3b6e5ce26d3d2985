//! For people and for the extensions of the Shopify app: what was sent, why or why not, the documents and their evidence,
//! and what is to be done.
//!
//! Nothing is answered before it is known who asks: people have a session after a log-in at the organisation's identity provider
//! (`log_in.rs`), the extensions a session token of Shopify's (`shop_staff.rs`). Both are checked here, whatever a gateway
//! has checked before; what a workflow of Shopify Flow asks for is signed (`flow_action.rs`). A role then says what somebody may do (`person.rs`), and every reading and action leaves a trace
//! before it happens (`audit.rs`); readings of what is archived are on record in the archive. Whoever has no role sees nothing.
//!
//! Decisions are made by the library that `ctl` decides with. The function keeps nothing between requests but keys and
//! configurations; a crash leaves at most a trace of what was not shown.

// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]

mod act;
mod api;
mod audit;
mod chart;
mod customer;
mod document;
mod flow_action;
mod http;
mod keyring;
mod log_in;
mod merge;
mod metric_service;
mod page;
mod pages;
mod person;
mod provider;
mod route;
mod settings;
mod shop_staff;
mod style;
mod token;

pub use downloads::HttpResponse;
pub use http::HttpRequest;
pub use metric_service::MetricService;
pub use person::RoleNames;
pub use provider::{Provider, ProviderSettings};
pub use settings::{Parts, serve};

use archive::Archive;
use audit::Audit;
use cache::{Cache, Fresh};
use comms::{CommunicationId, Flow, chain};
use jiff::{SignedDuration, Timestamp};
use keyring::Keyring;
use ledger::{Entry, Ledger};
use links::Links;
use log_in::{NotSignedIn, SignedIn};
use page::Notice;
use person::{Person, Right};
use route::Route;
use sealed_log::{CommitmentSecrets, LogStore};
use secrecy::{ExposeSecret, SecretString};
use service::{SecretError, Secrets};
use shop_config::ConfigStore;
use shopify::AdminApi;
use std::{collections::HashMap, sync::Arc};
use work::Queue;

/// For how long the list of shops is kept.
const SHOPS_KEPT: SignedDuration = SignedDuration::from_secs(60);

pub struct Console {
    ledger: Ledger,
    archive: Archive,
    configs: ConfigStore,
    secrets: Secrets,
    logs: LogStore,
    commitments: CommitmentSecrets,
    s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
    lambda: aws_sdk_lambda::Client,
    /// The function that events of dead letters go back to.
    intake_function: String,
    metrics: MetricService,
    /// What it said, by the days that were asked for.
    counts: Cache<i64, pages::dashboard::Counted>,
    /// What the functions' names begin with.
    prefix: String,
    operations_bucket: String,
    /// The links of customers, and where they lead.
    links: Links,
    documents_url: String,
    shopify: AdminApi,
    flows: HashMap<Flow, Queue>,
    write_back: Queue,
    /// Each with its name and address.
    dead_letters: Vec<(String, String)>,
    provider: Provider,
    role_names: RoleNames,
    has_client_secret: bool,
    /// Where people reach the console. Absent in a local run, where the host of a request tells.
    url: Option<String>,
    audit: Audit,
    shops: Cache<(), Vec<comms::ShopDomain>>,
}

impl Console {
    /// Answers one request. The log has one line of it, without its path.
    pub async fn handle(&self, request: &HttpRequest, now: Timestamp) -> HttpResponse {
        let route = Route::of(request.path());
        let name = route.name();
        let answer = self.answer(route, request, now).await;
        tracing::info!(route = name, status = answer.status_code, "answered");
        if request.method() == "HEAD" { answer.without_body() } else { answer }
    }

    async fn answer(&self, route: Route<'_>, request: &HttpRequest, now: Timestamp) -> HttpResponse {
        match route {
            Route::Api(route) => return api::answer(self, route, request, now).await,
            Route::FlowAction => return flow_action::answer(self, request, now).await,
            _ => {}
        }
        let method = request.method();
        if method == "OPTIONS" && matches!(route, Route::Open(_)) {
            return api::open_to_all(204);
        }
        let allowed: &[&str] = if route.changes() { &["POST"] } else { &["GET", "HEAD"] };
        if !allowed.contains(&method) {
            return page::notice(Notice::NotFound).status(405).header("allow", allowed.join(", "));
        }
        match route {
            Route::Script => return HttpResponse::parts_script(),
            Route::SignedOut => return page::notice(Notice::SignedOut),
            Route::Callback => return log_in::finish(self, request, now).await,
            Route::LogIn => return log_in::begin(self, request, "/", now).await,
            Route::Open(ticket) => return document::of_ticket(self, ticket, request, now).await,
            _ => {}
        }
        let signed_in = match log_in::signed_in(self, request, now).await {
            Ok(signed_in) => signed_in,
            // nobody knows whether they have a session
            Err(NotSignedIn::Unknown(error)) => return log_in::unavailable(&chain(&error)),
            // what was asked for is shown after the log-in; what was to be done is not done by it
            Err(NotSignedIn::NoSession) if route.changes() => return page::notice(Notice::SessionEnded),
            Err(NotSignedIn::NoSession) => {
                return log_in::begin(self, request, &request.path_and_query(), now).await;
            }
        };
        if !signed_in.person.may(Right::Look) {
            if matches!(route, Route::LogOut) {
                return log_in::end(self);
            }
            return page::of_person(&signed_in, Notice::NoRole);
        }
        if route.changes() {
            return act::answer(self, route, &signed_in, request, now).await;
        }
        self.page(route, &signed_in, request, now).await
    }

    async fn page(
        &self,
        route: Route<'_>,
        signed_in: &SignedIn,
        request: &HttpRequest,
        now: Timestamp,
    ) -> HttpResponse {
        let needs = match route {
            Route::Document(..) => Right::Open,
            Route::Evidence(_) => Right::Evidence,
            Route::Runs | Route::DeadLetters | Route::DeadLettersOf(_) | Route::Shops | Route::Shop(_) => {
                Right::Operations
            }
            _ => Right::Look,
        };
        if !signed_in.person.may(needs) {
            return page::of_person(signed_in, Notice::NotAllowed);
        }
        match route {
            Route::Search => pages::search::answer(self, signed_in, request, now).await,
            Route::Communication(id) => {
                pages::communication::answer(self, signed_in, &id, request, now).await
            }
            Route::Evidence(id) => pages::evidence::answer(self, signed_in, &id).await,
            Route::Document(id, number) => {
                document::answer(self, &signed_in.person, &id, number, request).await
            }
            Route::Dashboard => pages::dashboard::answer(self, signed_in, request, now).await,
            Route::Failures => pages::failures::answer(self, signed_in, request, now).await,
            Route::Runs => pages::runs::answer(self, signed_in, request, now).await,
            Route::DeadLetters => pages::dead_letters::answer(self, signed_in).await,
            Route::DeadLettersOf(queue) => {
                pages::dead_letters_of::answer(self, signed_in, queue, request, now).await
            }
            Route::Shops => pages::shops::list(self, signed_in, now).await,
            Route::Shop(shop) => pages::shops::answer(self, signed_in, &shop, request).await,
            _ => page::of_person(signed_in, Notice::NotFound),
        }
    }

    /// A communication that somebody may see. Of another one it is not said that it exists.
    async fn entry(
        &self,
        person: &Person,
        id: &CommunicationId,
    ) -> Result<Option<Entry>, ledger::LedgerError> {
        Ok(self.ledger.get(id).await?.filter(|entry| person.sees(&entry.shop)))
    }

    /// The address of a path here, as others know it.
    fn address(&self, request: &HttpRequest, path: &str) -> Option<String> {
        if let Some(url) = &self.url {
            return Some(format!("{url}{path}"));
        }
        // a host that anybody can name is believed only where it is this machine
        let host = request.header("host")?;
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let is_local = name == "127.0.0.1" || name == "localhost" || name.ends_with(".localhost");
        let is_plain = host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:".contains(&b));
        (is_local && is_plain).then(|| format!("http://{host}{path}"))
    }

    /// Made anew each time, so that a key is used for as long as the secrets keep it, and no longer.
    async fn keyring(&self, now: Timestamp) -> Result<Keyring, SecretError> {
        let key = self.secrets.console_key(now).await?;
        Ok(Keyring::new(key.expose_secret().as_bytes()))
    }

    async fn client_secret(&self, now: Timestamp) -> Result<Option<Arc<SecretString>>, SecretError> {
        match self.has_client_secret {
            true => self.secrets.console_client_secret(now).await.map(Some),
            false => Ok(None),
        }
    }

    /// The shops that somebody may see.
    async fn shops_of(
        &self,
        person: &Person,
        now: Timestamp,
    ) -> Result<Vec<comms::ShopDomain>, shop_config::ConfigError> {
        let load = async || Ok(Fresh { value: self.configs.shops().await?, expires_at: now + SHOPS_KEPT });
        let shops = self.shops.get(&(), now, load).await?;
        Ok(shops.iter().filter(|shop| person.sees(shop)).cloned().collect())
    }
}
