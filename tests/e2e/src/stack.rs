//! The deployed local stack, as the tests reach it.

use archive::{Archive, EvidenceRecord, LockMode};
use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use base64::{Engine, prelude::BASE64_STANDARD};
use commitments::CommitmentSecrets;
use comms::ShopDomain;
use ledger::{Entry, Ledger};
use serde_json::Value;
use std::collections::HashMap;

pub struct Stack {
    pub outputs: HashMap<String, String>,
    pub s3: aws_sdk_s3::Client,
    pub sqs: aws_sdk_sqs::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub secrets: aws_sdk_secretsmanager::Client,
    events: aws_sdk_eventbridge::Client,
    pub ledger: Ledger,
}

impl Stack {
    /// Opens the stack of `STACK_FILE`. The AWS variables say where it is and who we are.
    pub async fn open() -> Self {
        let file =
            std::env::var("STACK_FILE").expect("STACK_FILE is not set: run these tests with `make e2e`");
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        let stacks: HashMap<String, HashMap<String, String>> = serde_json::from_str(&text).expect(&file);
        let outputs = stacks.into_values().next().expect("the stack file names no stack");
        let aws = aws_config::defaults(BehaviorVersion::latest()).load().await;
        let dynamodb = aws_sdk_dynamodb::Client::new(&aws);
        Self {
            s3: aws_sdk_s3::Client::new(&aws),
            sqs: aws_sdk_sqs::Client::new(&aws),
            secrets: aws_sdk_secretsmanager::Client::new(&aws),
            events: aws_sdk_eventbridge::Client::new(&aws),
            ledger: Ledger::new(dynamodb.clone(), outputs["TableName"].clone()),
            dynamodb,
            outputs,
        }
    }

    pub fn output(&self, name: &str) -> &str {
        self.outputs.get(name).unwrap_or_else(|| panic!("the stack has no output {name}"))
    }

    /// Puts one event on the bus.
    pub async fn put(&self, event: &Value) {
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(self.output("BusName"))
            .source(event["source"].as_str().unwrap())
            .detail_type(event["detail-type"].as_str().unwrap())
            .detail(event["detail"].to_string())
            .build();
        let output = self.events.put_events().entries(entry).send().await.unwrap();
        assert_eq!(output.failed_entry_count(), 0, "{output:?}");
    }

    /// Lets a queue get what matches a pattern on the bus that an output names.
    pub async fn listen(&self, bus: &str, rule: &str, pattern: &Value, queue_url: &str) {
        let attribute = aws_sdk_sqs::types::QueueAttributeName::QueueArn;
        let queue = self.sqs.get_queue_attributes().queue_url(queue_url).attribute_names(attribute.clone());
        let arn = queue.send().await.unwrap().attributes.unwrap()[&attribute].clone();
        let bus = self.output(bus);
        let put = self.events.put_rule().event_bus_name(bus).name(rule).event_pattern(pattern.to_string());
        put.send().await.unwrap();
        let target = aws_sdk_eventbridge::types::Target::builder().id("queue").arn(arn).build().unwrap();
        let targets = self.events.put_targets().event_bus_name(bus).rule(rule).targets(target);
        assert_eq!(targets.send().await.unwrap().failed_entry_count(), 0);
    }

    /// Invokes a function asynchronously with an event, as EventBridge does.
    ///
    /// The emulator's EventBridge drops an invocation that failed, where AWS repeats it and then uses the
    /// on-failure destination; an asynchronous invocation goes the whole way here, too.
    /// It heeds what is set for the function's latest version only, so that is what is invoked, and not the alias.
    pub async fn invoke_async(&self, function: &str, event: &Value) {
        let (function, _alias) = self.output(function).split_once(':').unwrap();
        let url = format!("{}/2015-03-31/functions/{}/invocations", self.output("AwsEndpointUrl"), function);
        let request = reqwest::Client::new().post(url).header("X-Amz-Invocation-Type", "Event").json(event);
        let status = request.send().await.unwrap().status();
        assert_eq!(status, 202);
    }

    /// An object of the archive: its bytes and what S3 says about it.
    pub async fn object(&self, key: &str) -> (Vec<u8>, aws_sdk_s3::operation::get_object::GetObjectOutput) {
        let get = self.s3.get_object().bucket(self.output("ArchiveBucket")).key(key);
        let mut object = get.checksum_mode(aws_sdk_s3::types::ChecksumMode::Enabled).send().await.unwrap();
        let body = std::mem::take(&mut object.body);
        (body.collect().await.unwrap().to_vec(), object)
    }

    /// The archive, as those read it who may open what is erasable.
    pub fn archive(&self) -> Archive {
        let secrets =
            CommitmentSecrets::new(self.dynamodb.clone(), self.output("CommitmentsTable").to_owned());
        let bucket = self.output("ArchiveBucket").to_owned();
        Archive::new(self.s3.clone(), bucket, LockMode::Governance).with_secrets(secrets)
    }

    /// The evidence record of an archived communication and its JSON, which follows the published schema.
    pub async fn record(&self, entry: &Entry) -> (EvidenceRecord, Value) {
        let archived = entry.archived.as_ref().unwrap();
        let (_, bytes) =
            self.archive().record_of(&archived.archive_key, &archived.record_version).await.unwrap();
        let json = serde_json::from_slice(&bytes).unwrap();
        contract::conforms(&EvidenceRecord::schema(), &json);
        (serde_json::from_slice(&bytes).unwrap(), json)
    }

    /// How many versions of objects a communication has in the archive beside its facts: two, or none.
    pub async fn versions_of(&self, entry: &Entry) -> usize {
        match entry.archived {
            Some(_) => self.versions(folder(entry)).await,
            None => 0,
        }
    }

    /// The facts of a communication in their order, each of which follows the published schema and names the one before.
    pub async fn facts(&self, entry: &Entry) -> Vec<Value> {
        let archived = entry.archived.as_ref().unwrap();
        let mut previous = archived.record_sha256.clone();
        let mut facts = Vec::new();
        let list = self.s3.list_objects_v2().bucket(self.output("ArchiveBucket"));
        let found = list.prefix(format!("{}/fact-", folder(entry))).send().await.unwrap();
        for key in found.contents().iter().filter_map(|object| object.key()) {
            let (bytes, _) = self.object(key).await;
            let fact: Value = serde_json::from_slice(&bytes).unwrap();
            contract::conforms(&archive::FactRecord::schema(), &fact);
            assert_eq!(fact["previous_sha256"], previous, "{key}");
            previous = archive::sha256_hex(&bytes);
            facts.push(fact);
        }
        facts
    }

    /// Everything the ledger knows of a shop.
    pub async fn entries(&self, shop: &ShopDomain) -> Vec<Entry> {
        let scan = self.dynamodb.scan().table_name(self.output("TableName"));
        let scan = scan
            .filter_expression("shop = :shop AND attribute_exists(#document)")
            .expression_attribute_names("#document", "document")
            .expression_attribute_values(":shop", AttributeValue::S(shop.to_string()))
            .projection_expression("pk");
        let items: Vec<_> = scan.into_paginator().items().send().collect::<Result<_, _>>().await.unwrap();
        let mut entries = Vec::with_capacity(items.len());
        for item in items {
            let id = item["pk"].as_s().unwrap().parse().unwrap();
            // what nothing was made of is forgotten again
            entries.extend(self.ledger.get(&id).await.unwrap());
        }
        entries
    }

    /// What its makers say of an object beside its bytes: key, headers, metadata and tags, decoded where it is
    /// base64. `bucket` is the output that names it.
    pub async fn said_of(&self, bucket: &str, key: &str) -> String {
        let bucket = self.output(bucket);
        let head = self.s3.head_object().bucket(bucket).key(key).send().await.unwrap();
        let tags = self.s3.get_object_tagging().bucket(bucket).key(key).send().await.unwrap();
        let decoded = head.metadata().into_iter().flatten().filter_map(|(_, value)| {
            let bytes = BASE64_STANDARD.decode(value).ok()?;
            String::from_utf8(bytes).ok()
        });
        let decoded: Vec<_> = decoded.collect();
        let (metadata, headers) = (head.metadata(), (head.content_disposition(), head.content_type()));
        format!("{key} {metadata:?} {headers:?} {tags:?} {}", decoded.join(" "))
    }

    /// How many documents of a shop are in the print spool.
    pub async fn spooled(&self, shop: &ShopDomain) -> usize {
        let list = self.s3.list_objects_v2().bucket(self.output("OperationsBucket"));
        let found = list.prefix(format!("spool/{shop}/")).send().await.unwrap();
        found.contents().iter().filter(|it| it.key().is_some_and(|key| key.ends_with(".json"))).count()
    }

    /// Deletes everything that a shop has in the print spool, as a provider does with what it has collected.
    pub async fn empty_spool(&self, shop: &ShopDomain) {
        let bucket = self.output("OperationsBucket");
        let list = self.s3.list_objects_v2().bucket(bucket).prefix(format!("spool/{shop}/"));
        for object in list.send().await.unwrap().contents() {
            self.s3.delete_object().bucket(bucket).key(object.key().unwrap()).send().await.unwrap();
        }
    }

    /// How many manifests a shop's print spool has ever had, collected or not.
    pub async fn ever_spooled(&self, shop: &ShopDomain) -> usize {
        let list = self.s3.list_object_versions().bucket(self.output("OperationsBucket"));
        let found = list.prefix(format!("spool/{shop}/")).send().await.unwrap();
        found.versions().iter().filter(|it| it.key().is_some_and(|key| key.ends_with(".json"))).count()
    }

    /// All versions, delete markers included, below a prefix of the archive, but for facts.
    pub async fn versions(&self, prefix: &str) -> usize {
        let list =
            self.s3.list_object_versions().bucket(self.output("ArchiveBucket")).prefix(prefix).send().await;
        let list = list.unwrap();
        let is_fact = |key: Option<&str>| key.is_some_and(|key| key.contains("/fact-"));
        list.versions().iter().filter(|it| !is_fact(it.key())).count() + list.delete_markers().len()
    }

    pub async fn send_batch(&self, queue: &str, bodies: &[String]) {
        let mut request = self.sqs.send_message_batch().queue_url(self.output(queue));
        for (index, body) in bodies.iter().enumerate() {
            let entry = aws_sdk_sqs::types::SendMessageBatchRequestEntry::builder().id(index.to_string());
            request = request.entries(entry.message_body(body).build().unwrap());
        }
        assert!(request.send().await.unwrap().failed().is_empty());
    }

    /// Takes the messages of a queue whose body or attributes mention `text`; others go back.
    pub async fn receive(&self, queue_url: &str, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        let receive =
            self.sqs.receive_message().queue_url(queue_url).max_number_of_messages(10).visibility_timeout(1);
        for message in receive.send().await.unwrap().messages() {
            let body = message.body().unwrap_or_default();
            if body.contains(text) {
                found.push(body.to_owned());
                let handle = message.receipt_handle().unwrap();
                self.sqs.delete_message().queue_url(queue_url).receipt_handle(handle).send().await.unwrap();
            }
        }
        found
    }

    /// What a worker of `function` needs in its environment, as the stack's template sets it.
    pub fn environment(&self) -> HashMap<String, String> {
        let from_process = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION"];
        let mut environment: HashMap<_, _> = from_process
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
            .collect();
        for (variable, output) in [
            // a worker's calls are recorded as the deployed functions' are
            ("AWS_ENDPOINT_URL", "RecorderUrl"),
            ("TABLE_NAME", "TableName"),
            ("ARCHIVE_BUCKET", "ArchiveBucket"),
            ("OPERATIONS_BUCKET", "OperationsBucket"),
            ("SECRET_PREFIX", "SecretPrefix"),
            ("LINKS_TABLE_NAME", "LinksTable"),
            ("COMMITMENTS_TABLE_NAME", "CommitmentsTable"),
            ("DOCUMENTS_URL", "DocumentsUrl"),
            ("QUEUE_URL", "QueueUrlOrderConfirmation"),
            ("DEAD_LETTER_QUEUE_URL", "DeadLetterUrlOrderConfirmation"),
            ("WRITE_BACK_QUEUE_URL", "QueueUrlWriteBack"),
            ("QUEUE_URL_ORDER_CONFIRMATION", "QueueUrlOrderConfirmation"),
            ("QUEUE_URL_SHIPPING_DOCUMENTS", "QueueUrlShippingDocuments"),
            ("QUEUE_URL_RETURN_LETTERS", "QueueUrlReturnLetters"),
            ("QUEUE_URL_EXCEPTION_LETTERS", "QueueUrlExceptionLetters"),
        ] {
            environment.insert(variable.to_owned(), self.output(output).to_owned());
        }
        environment.extend([
            ("CONFIG_TTL_SECONDS".to_owned(), "1".to_owned()),
            ("RETRY_BASE_SECONDS".to_owned(), "1".to_owned()),
            ("LOG_LEVEL".to_owned(), std::env::var("LOG_LEVEL").unwrap_or_else(|_| "info".to_owned())),
        ]);
        environment
    }
}

/// Where the archive keeps a communication's document and record.
fn folder(entry: &Entry) -> &str {
    entry.archived.as_ref().unwrap().archive_key.rsplit_once('/').unwrap().0
}
