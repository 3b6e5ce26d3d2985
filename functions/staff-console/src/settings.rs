//! What the console is made of, read from the environment at its cold start.

use crate::{
    Console, HttpRequest,
    audit::Audit,
    metric_service::MetricService,
    person::RoleNames,
    provider::{Provider, ProviderSettings},
};
use archive::{AccessLog, Archive};
use cache::Cache;
use comms::{Flow, HttpsUrl};
use jiff::Timestamp;
use ledger::Ledger;
use links::Links;
use sealed_log::{CommitmentSecrets, LogStore};
use service::{Secrets, Service, Serving, StartError, function_name, optional, required};
use shop_config::ConfigStore;
use shopify::AdminApi;
use std::{collections::HashMap, convert::Infallible};
use work::Queue;

/// The function, without what the names of a deployment's functions begin with.
const NAME: &str = "staff-console";

/// Everything that a console is made of.
pub struct Parts {
    pub ledger: Ledger,
    pub archive: Archive,
    /// Where it is put on record who reads.
    pub access_log: AccessLog,
    pub configs: ConfigStore,
    pub secrets: Secrets,
    pub logs: LogStore,
    pub commitments: CommitmentSecrets,
    pub s3: aws_sdk_s3::Client,
    pub sqs: aws_sdk_sqs::Client,
    pub lambda: aws_sdk_lambda::Client,
    pub intake_function: String,
    pub metrics: MetricService,
    /// What the functions' names begin with.
    pub prefix: String,
    pub operations_bucket: String,
    pub links: Links,
    /// Where links lead, without a slash at the end.
    pub documents_url: String,
    pub shopify: AdminApi,
    pub flows: HashMap<Flow, Queue>,
    pub write_back: Queue,
    pub dead_letters: Vec<(String, String)>,
    pub provider: Provider,
    pub role_names: RoleNames,
    pub has_client_secret: bool,
    pub url: Option<String>,
}

impl Console {
    pub fn with(parts: Parts) -> Self {
        Self {
            ledger: parts.ledger,
            archive: parts.archive,
            configs: parts.configs,
            secrets: parts.secrets,
            logs: parts.logs,
            commitments: parts.commitments,
            s3: parts.s3,
            sqs: parts.sqs,
            lambda: parts.lambda,
            intake_function: parts.intake_function,
            metrics: parts.metrics,
            counts: Cache::default(),
            prefix: parts.prefix,
            operations_bucket: parts.operations_bucket,
            links: parts.links,
            documents_url: parts.documents_url,
            shopify: parts.shopify,
            flows: parts.flows,
            write_back: parts.write_back,
            dead_letters: parts.dead_letters,
            provider: parts.provider,
            role_names: parts.role_names,
            has_client_secret: parts.has_client_secret,
            url: parts.url,
            audit: Audit::new(parts.access_log),
            shops: Cache::default(),
        }
    }

    /// Reads the environment. Sends nothing.
    pub fn new(service: &Service) -> Result<Self, StartError> {
        let roles = optional("CONSOLE_ROLES").unwrap_or_default();
        let role_names =
            RoleNames::parse(&roles).map_err(|error| invalid("CONSOLE_ROLES", &roles, &error))?;
        let provider = ProviderSettings {
            issuer: address("OIDC_ISSUER", required("OIDC_ISSUER")?)?,
            client_id: required("OIDC_CLIENT_ID")?,
            roles_claim: required("OIDC_ROLES_CLAIM")?,
            log_out: optional("OIDC_LOG_OUT_URL")
                .map(|text| address("OIDC_LOG_OUT_URL", text))
                .transpose()?,
        };
        let dynamodb = service.dynamodb();
        Ok(Self::with(Parts {
            ledger: service.ledger()?,
            archive: service.archive()?,
            access_log: AccessLog::new(
                service.s3(),
                required("ARCHIVE_BUCKET")?,
                service.lock_mode()?,
                service.max_retention_days()?,
            ),
            configs: service.configs()?,
            secrets: service.secrets()?,
            // for reading: nothing is put, so nothing is locked
            logs: LogStore::new(service.s3(), required("ARCHIVE_BUCKET")?, service.lock_mode()?, 1),
            commitments: CommitmentSecrets::new(dynamodb, required("COMMITMENTS_TABLE_NAME")?),
            s3: service.s3(),
            sqs: service.sqs(),
            lambda: aws_sdk_lambda::Client::new(service.aws()),
            intake_function: required("INTAKE_FUNCTION")?,
            metrics: MetricService::new(service.http(), service.aws()),
            prefix: function_name().strip_suffix(NAME).unwrap_or_default().to_owned(),
            operations_bucket: required("OPERATIONS_BUCKET")?,
            links: service.links()?,
            documents_url: required("DOCUMENTS_URL")?,
            shopify: AdminApi::new(service.http()),
            flows: service.flow_queues()?,
            write_back: service.queue("WRITE_BACK_QUEUE_URL")?,
            dead_letters: dead_letters(&required("DEAD_LETTER_QUEUES")?),
            provider: Provider::new(provider, service.http()),
            role_names,
            has_client_secret: optional("OIDC_CLIENT_SECRET").as_deref() == Some("true"),
            url: optional("CONSOLE_URL"),
        }))
    }
}

/// `name=address` with commas between.
fn dead_letters(text: &str) -> Vec<(String, String)> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, url)| (name.to_owned(), url.to_owned())).collect()
}

fn address(name: &str, value: String) -> Result<HttpsUrl, StartError> {
    value.parse().map_err(|error: comms::InvalidUrl| invalid(name, &value, &error))
}

fn invalid(name: &str, value: &str, error: &dyn std::error::Error) -> StartError {
    StartError::Invalid { name: name.to_owned(), value: value.to_owned(), what: error.to_string() }
}

/// Starts the function and serves its invocations until Lambda ends the process.
pub fn serve() -> Serving {
    Box::pin(async {
        let service = Service::start().await?;
        let console = Console::new(&service)?;
        service::run(async |request: HttpRequest, _| {
            Ok::<_, Infallible>(console.handle(&request, Timestamp::now()).await)
        })
        .await
    })
}
