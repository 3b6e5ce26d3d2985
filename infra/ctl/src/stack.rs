//! The deployment to talk to.

use crate::Failure;
use archive::{Archive, LockMode};
use aws_config::BehaviorVersion;
use ledger::Ledger;
use serde::Deserialize;
use service::Secrets;
use std::{collections::HashMap, path::Path, time::Duration};

pub struct Stack {
    pub events: aws_sdk_eventbridge::Client,
    pub s3: aws_sdk_s3::Client,
    pub ledger: Ledger,
    pub archive: Archive,
    pub secrets: Secrets,
    pub outputs: Outputs,
}

/// The stack's outputs, as `cdk deploy --outputs-file` writes them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    pub bus_name: String,
    /// The prefix of accepted event sources.
    pub event_source: String,
    pub secret_prefix: String,
    pub table_name: String,
    pub archive_bucket: String,
    pub operations_bucket: String,
}

impl Stack {
    pub async fn open(file: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            format!(
                "{}: {error}; deploy with `cdk deploy --outputs-file FILE` and name it with --stack",
                file.display()
            )
        })?;
        let stacks: HashMap<String, Outputs> =
            serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        let Some(outputs) = stacks.into_values().next() else {
            return Err(format!("{}: no stack in it", file.display()).into());
        };
        let aws = aws_config::defaults(BehaviorVersion::latest()).load().await;
        let s3 = aws_sdk_s3::Client::new(&aws);
        Ok(Self {
            events: aws_sdk_eventbridge::Client::new(&aws),
            ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&aws), outputs.table_name.clone()),
            // reading needs no lock mode
            archive: Archive::new(s3.clone(), outputs.archive_bucket.clone(), LockMode::Compliance),
            secrets: Secrets::new(
                aws_sdk_secretsmanager::Client::new(&aws),
                outputs.secret_prefix.clone(),
                Duration::from_secs(300),
            ),
            s3,
            outputs,
        })
    }
}
