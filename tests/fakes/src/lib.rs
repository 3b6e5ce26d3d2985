//! For tests: servers of this process in the place of outside services, AWS clients that talk to them, and functions in a
//! browser.
//!
//! What a server answers is the test's own, but for an AWS account ([`FakeAws`]) that knows the services' rules. A server lives as long as the test's runtime.

#![allow(clippy::expect_used, clippy::panic, reason = "only tests call this, and a failure is a failed test")]
#![allow(clippy::arithmetic_side_effects, reason = "times and numbers are those that tests give")]

mod account;
mod browser;
mod collector;
mod commitments;
mod dead_letters;
pub mod dynamodb;
mod evidence;
mod listener;
mod runtime_api;
mod script;

pub use account::{Account, FakeAws, Items, Objects, Queues, SecretValues, SecretWrite};
pub use aws_config::retry::RetryConfig;
pub use browser::{Asked, check_in_browser, serve_function};
pub use collector::{Collector, CollectorMood, spans};
pub use commitments::SecretItems;
pub use dead_letters::{DeadLetterQueue, dead_letters};
pub use evidence::{Edit, Evidence, EvidenceAws};
pub use listener::{listen, serve};
pub use runtime_api::{Answer, RuntimeApi};
pub use script::{Seen, Server};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use axum::http::HeaderMap;

/// The settings of AWS clients that talk to `url` and repeat no request, so that a test sees each failure.
pub async fn aws(url: &str) -> SdkConfig {
    aws_with(url, RetryConfig::disabled()).await
}

/// The same, with requests repeated as `retries` says.
pub async fn aws_with(url: &str, retries: RetryConfig) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .region("eu-west-1")
        .endpoint_url(url)
        .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
        .retry_config(retries)
        .load()
        .await
}

/// What a request of DynamoDB, SQS or Secrets Manager asks for, such as `GetItem`. Those of S3 do not say.
pub fn operation(headers: &HeaderMap) -> &str {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    target.and_then(|target| target.rsplit('.').next()).expect("the request names its operation")
}
