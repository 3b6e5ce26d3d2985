//! The deployment to talk to.

use crate::failure::Failure;
use archive::{AccessLog, Archive, LockMode};
use aws_config::{AppName, BehaviorVersion, SdkConfig};
use comms::{CommunicationId, CustomerKey, Gid, ShopDomain};
use jiff::Timestamp;
use ledger::{Entry, Ledger};
use links::Links;
use sealed_log::{CommitmentSecrets, LogStore};
use secrecy::ExposeSecret;
use serde::Deserialize;
use service::Secrets;
use shop_config::{ConfigStore, MAX_RETENTION_DAYS};
use std::{collections::BTreeMap, path::Path, time::Duration};
use work::Queue;

pub struct Stack {
    pub events: aws_sdk_eventbridge::Client,
    pub s3: aws_sdk_s3::Client,
    pub sqs: aws_sdk_sqs::Client,
    pub scheduler: aws_sdk_scheduler::Client,
    pub lambda: aws_sdk_lambda::Client,
    pub ledger: Ledger,
    pub archive: Archive,
    pub secrets: Secrets,
    pub secrets_manager: aws_sdk_secretsmanager::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    pub outputs: Outputs,
    /// The command, as its requests name it.
    pub command: &'static str,
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
    pub function_intake: String,
    /// Everything else by its name, such as `QueueUrlWriteBack`.
    #[serde(flatten)]
    pub more: BTreeMap<String, String>,
}

impl Outputs {
    /// An output by its name.
    pub fn value(&self, name: &str) -> Result<&str, Failure> {
        let value = self.more.get(name).map(String::as_str);
        value.ok_or_else(|| format!("the stack has no output {name}: deploy this version first").into())
    }

    /// The outputs of a kind, each by the name of what it is of, such as `order-confirmation`.
    pub fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (String, &'a str)> {
        let of_kind =
            move |(name, value): (&'a String, &'a String)| Some((name.strip_prefix(kind)?, value.as_str()));
        self.more.iter().filter_map(of_kind).map(|(name, value)| (kebab(name), value))
    }

    /// For how many days the deployment lets anything be locked. An older one has the usual bound.
    pub fn max_retention_days(&self) -> u16 {
        let days = self.more.get("MaxRetentionDays").and_then(|days| days.parse().ok());
        days.unwrap_or(MAX_RETENTION_DAYS)
    }

    /// How what is added to the archive is locked. An older deployment locks for everybody.
    fn lock_mode(&self) -> LockMode {
        self.more.get("LockMode").and_then(|mode| mode.parse().ok()).unwrap_or(LockMode::Compliance)
    }

    /// Takes the file's one deployment: a stack, or two of which one is what the other one works on, `<name>` and
    /// `<name>-data`. With others, a command could reach the wrong deployment.
    fn parse(text: &str) -> Result<Self, Failure> {
        let stacks: BTreeMap<String, serde_json::Map<String, serde_json::Value>> =
            serde_json::from_str(text)?;
        let names: Vec<&str> = stacks.keys().map(String::as_str).collect();
        match names[..] {
            [_] => {}
            [name, data] if data.strip_suffix("-data") == Some(name) => {}
            _ => return Err(format!("expected the outputs of one deployment, found {}", names.len()).into()),
        }
        let outputs = stacks.into_values().flatten().collect();
        Ok(serde_json::from_value(serde_json::Value::Object(outputs))?)
    }
}

impl Stack {
    /// Opens the stack of an outputs file for the command `name`.
    pub async fn open(file: &Path, name: &'static str) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            format!(
                "{}: {error}; deploy with `cdk deploy --outputs-file FILE` and name it with --stack",
                file.display()
            )
        })?;
        let outputs = Outputs::parse(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        // CloudTrail keeps it with every request, beside who made it
        let app = AppName::new(name)?;
        let aws = aws_config::defaults(BehaviorVersion::latest()).app_name(app).load().await;
        Ok(Self::of(&aws, outputs, name))
    }

    /// The stack of these outputs, in the account of `aws`.
    pub fn of(aws: &SdkConfig, outputs: Outputs, name: &'static str) -> Self {
        let s3 = aws_sdk_s3::Client::new(aws);
        let dynamodb = aws_sdk_dynamodb::Client::new(aws);
        let secrets_manager = aws_sdk_secretsmanager::Client::new(aws);
        Self {
            events: aws_sdk_eventbridge::Client::new(aws),
            ledger: Ledger::new(dynamodb.clone(), outputs.table_name.clone()),
            archive: archive(&s3, &dynamodb, &outputs),
            secrets: Secrets::new(
                secrets_manager.clone(),
                outputs.secret_prefix.clone(),
                Duration::from_secs(300),
            ),
            secrets_manager,
            sqs: aws_sdk_sqs::Client::new(aws),
            scheduler: aws_sdk_scheduler::Client::new(aws),
            lambda: aws_sdk_lambda::Client::new(aws),
            s3,
            dynamodb,
            outputs,
            command: name,
        }
    }

    /// What the ledger knows of a communication.
    pub async fn entry(&self, id: &CommunicationId) -> Result<Entry, Failure> {
        let entry = self.ledger.get(id).await?;
        entry.ok_or_else(|| "the ledger has no such communication".into())
    }

    /// The keyed hash that stands for a customer.
    pub async fn customer(&self, shop: &ShopDomain, customer: &Gid) -> Result<CustomerKey, Failure> {
        let key = self.secrets.customer_key(Timestamp::now()).await?;
        Ok(CustomerKey::derive(key.expose_secret().as_bytes(), shop, customer))
    }

    /// The queue of a flow, run or the write-back, by its name.
    pub fn queue(&self, name: &str) -> Result<Queue, Failure> {
        Ok(Queue::new(self.sqs.clone(), self.queue_url(name)?.to_owned()))
    }

    pub fn queue_url(&self, name: &str) -> Result<&str, Failure> {
        self.outputs.value(&output_of("QueueUrl", name))
    }

    /// What was given up of a queue, or by EventBridge (`intake`), Scheduler (`schedules`) or the stream (`outcome-events`).
    pub fn dead_letter_queue(&self, name: &str) -> Result<&str, Failure> {
        self.outputs.value(&output_of("DeadLetterUrl", name))
    }

    pub fn dead_letter_queues(&self) -> impl Iterator<Item = (String, &str)> {
        self.outputs.of("DeadLetterUrl")
    }

    /// The queues that functions take work from.
    pub fn work_queues(&self) -> impl Iterator<Item = (String, &str)> {
        self.outputs.of("QueueUrl")
    }

    /// Where readings of documents are recorded.
    pub fn access_log(&self) -> AccessLog {
        let Outputs { archive_bucket, .. } = &self.outputs;
        let most = self.outputs.max_retention_days();
        AccessLog::new(self.s3.clone(), archive_bucket.clone(), self.outputs.lock_mode(), most)
    }

    pub fn links(&self) -> Result<Links, Failure> {
        Ok(Links::new(self.dynamodb.clone(), self.outputs.value("LinksTable")?.to_owned()))
    }

    /// For reading: nothing is put, so nothing is locked.
    pub fn logs(&self) -> Result<LogStore, Failure> {
        self.outputs.value("LogKey")?;
        Ok(LogStore::new(self.s3.clone(), self.outputs.archive_bucket.clone(), LockMode::Compliance, 1))
    }

    pub fn commitments(&self) -> Result<CommitmentSecrets, Failure> {
        Ok(CommitmentSecrets::new(self.dynamodb.clone(), self.outputs.value("CommitmentsTable")?.to_owned()))
    }

    pub fn configs(&self) -> ConfigStore {
        let bucket = self.outputs.operations_bucket.clone();
        ConfigStore::new(self.s3.clone(), bucket, Duration::from_secs(60))
            .retaining_at_most(self.outputs.max_retention_days())
    }
}

/// `QueueUrl` and `write-back` are `QueueUrlWriteBack`.
pub fn output_of(kind: &str, name: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(1.min(word.len()));
        first.to_ascii_uppercase() + rest
    };
    name.split('-').map(word).fold(kind.to_owned(), |name, word| name + &word)
}

fn kebab(pascal: &str) -> String {
    let mut name = String::with_capacity(pascal.len() + 4);
    for c in pascal.chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

/// Opens what is encrypted, where the stack has the secrets.
fn archive(s3: &aws_sdk_s3::Client, dynamodb: &aws_sdk_dynamodb::Client, outputs: &Outputs) -> Archive {
    let archive = Archive::new(s3.clone(), outputs.archive_bucket.clone(), outputs.lock_mode());
    match outputs.value("CommitmentsTable") {
        Ok(table) => archive.with_secrets(CommitmentSecrets::new(dynamodb.clone(), table.to_owned())),
        Err(_) => archive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"{"BusName":"b","EventSource":"s/","SecretPrefix":"p","TableName":"t",
        "ArchiveBucket":"a","OperationsBucket":"o","FunctionIntake":"f","More":"m"}"#;

    #[test]
    fn queues_are_found_by_their_names() {
        assert_eq!(output_of("QueueUrl", "write-back"), "QueueUrlWriteBack");
        let outputs = ONE.replace("\"More\"", "\"QueueUrlWriteBack\"");
        let outputs: Outputs = serde_json::from_str(&outputs).unwrap();
        assert_eq!(outputs.of("QueueUrl").collect::<Vec<_>>(), [("write-back".to_owned(), "m")]);
    }

    #[test]
    fn takes_exactly_one_deployment() {
        assert_eq!(Outputs::parse(&format!(r#"{{"x":{ONE}}}"#)).unwrap().bus_name, "b");
        let two = ONE.replace("\"TableName\":\"t\",", "");
        let both =
            Outputs::parse(&format!(r#"{{"x":{two},"x-data":{{"TableName":"of the data"}}}}"#)).unwrap();
        assert_eq!((both.bus_name.as_str(), both.table_name.as_str()), ("b", "of the data"));
        for (file, found) in [
            ("{}".to_owned(), "0"),
            (format!(r#"{{"x":{ONE},"y":{ONE}}}"#), "2"),
            (format!(r#"{{"x":{ONE},"y-data":{ONE}}}"#), "2"),
            (format!(r#"{{"x":{ONE},"x-data":{ONE},"y":{ONE}}}"#), "3"),
        ] {
            let error = Outputs::parse(&file).unwrap_err().to_string();
            assert!(error.ends_with(&format!("found {found}")), "{error}");
        }
    }
}
