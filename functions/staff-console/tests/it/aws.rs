//! What the console asks of AWS, as far as its tests need it. A request that nobody knows fails the test.

use archive::{AccessEntry, FactRecord, sha256_hex};
use axum::{
    body::Body,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use fakes::{SecretItems, Seen};
use sealed_log::CommitmentSecret;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub const SHOP: &str = "northwind-demo.myshopify.com";
/// Another shop that is served.
pub const OTHER_SHOP: &str = "contoso-demo.myshopify.com";

/// What the account holds.
#[derive(Default)]
pub struct Aws {
    /// The ledger's items by their keys.
    pub items: BTreeMap<String, Value>,
    /// Objects by bucket and key.
    pub objects: BTreeMap<String, Bytes>,
    pub secrets: BTreeMap<String, String>,
    /// What was sent: the queue's name and the message.
    pub sent: Vec<(String, Value)>,
    /// Dead letters by their number: the name of their queue, and the message. Received ones are hidden.
    pub letters: BTreeMap<usize, Letter>,
    /// What intake was invoked with, and what it answers.
    pub invoked: Vec<Value>,
    pub intake_refuses: bool,
    /// No queue takes anything.
    pub queues_are_full: bool,
    /// What CloudWatch does.
    pub metrics: Metrics,
    /// How often it was asked.
    pub metric_questions: usize,
    /// The secrets behind the leaves of the logs, and those that erasable documents are encrypted with.
    pub commitments: SecretItems,
    /// The table answers nothing but failures.
    pub table_fails: bool,
    /// The objects that are held, by bucket and key.
    pub held: BTreeSet<String>,
    /// A shop's log is being written, which the console never does.
    pub is_sealed: bool,
    /// The archive takes nothing.
    pub archive_is_full: bool,
}

/// A dead letter.
#[derive(Clone)]
pub struct Letter {
    pub queue: String,
    pub body: Value,
    attributes: Value,
    /// When SQS took it.
    pub sent_epoch_ms: i64,
    is_hidden: bool,
}

/// What CloudWatch does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Metrics {
    /// It knows of sevens.
    #[default]
    Sevens,
    Nothing,
    Partial,
    Refuses,
    Slow,
}

impl Aws {
    pub fn answer(&mut self, seen: &Seen) -> Response {
        if seen.target.starts_with("POST /2015-03-31/functions/") {
            return self.invoke(seen);
        }
        let Some(target) = seen.header("x-amz-target") else { return self.object(seen) };
        let body: Value = serde_json::from_slice(&seen.body).unwrap();
        match target.rsplit('.').next().unwrap() {
            _ if self.table_fails && target.starts_with("DynamoDB") => {
                (StatusCode::INTERNAL_SERVER_ERROR, "{}").into_response()
            }
            operation if body["TableName"] == "commitments" => {
                let (status, answer) = self.commitments.answer(operation, &body);
                assert_eq!(status, 200, "the console makes and destroys no secret");
                fine(&answer)
            }
            "GetItem" => fine(&json!({"Item": self.items.get(body["Key"]["pk"]["S"].as_str().unwrap())})),
            "BatchGetItem" => {
                let keys = body["RequestItems"]["ledger"]["Keys"].as_array().unwrap();
                let items = keys.iter().filter_map(|key| self.items.get(key["pk"]["S"].as_str().unwrap()));
                fine(&json!({"Responses": {"ledger": items.collect::<Vec<_>>()}, "UnprocessedKeys": {}}))
            }
            "Query" => fine(&self.query(&body)),
            "UpdateItem" => self.update(&body),
            "GetSecretValue" => match self.secrets.get(body["SecretId"].as_str().unwrap()) {
                Some(value) => fine(&json!({"SecretString": value})),
                None => refusal("ResourceNotFoundException"),
            },
            "SendMessage" => {
                let queue = name_of(&body);
                let message = serde_json::from_str(body["MessageBody"].as_str().unwrap()).unwrap();
                self.sent.push((queue, message));
                fine(&json!({"MessageId": "m", "MD5OfMessageBody": md5_is_not_checked()}))
            }
            "SendMessageBatch" if self.queues_are_full => refusal("x#OverLimit"),
            "SendMessageBatch" => {
                let queue = name_of(&body);
                for entry in body["Entries"].as_array().unwrap() {
                    assert!(entry["MessageGroupId"].is_string(), "a shop's work is its own group");
                    let message = serde_json::from_str(entry["MessageBody"].as_str().unwrap()).unwrap();
                    self.sent.push((queue.clone(), message));
                }
                fine(&all_done(&body))
            }
            "GetQueueAttributes" => {
                let name = name_of(&body);
                let of = |is_hidden: bool| {
                    let of = self.letters.values().filter(|it| format!("{}-dlq", it.queue) == name);
                    of.filter(|it| it.is_hidden == is_hidden).count().to_string()
                };
                fine(&json!({"Attributes": {
                    "ApproximateNumberOfMessages": of(false), "ApproximateNumberOfMessagesNotVisible": of(true),
                }}))
            }
            "ReceiveMessage" => fine(&self.receive(&body)),
            "DeleteMessageBatch" => {
                for number in handles(&body) {
                    self.letters.remove(&number).expect("it was received");
                }
                fine(&all_done(&body))
            }
            "ChangeMessageVisibilityBatch" => {
                for (number, entry) in handles(&body).zip(body["Entries"].as_array().unwrap()) {
                    if let Some(letter) = self.letters.get_mut(&number) {
                        letter.is_hidden = entry["VisibilityTimeout"] != 0;
                    }
                }
                fine(&all_done(&body))
            }
            "GetMetricData" => self.metric_data(seen, &body),
            other => panic!("the console does not ask for {other}"),
        }
    }

    /// Adds a message to the dead letters of a queue, as a function does that gives it up.
    pub fn give_up(&mut self, number: usize, queue: &str, shop: &str, attributes: &[(&str, &str)]) {
        let value = |text: &str| json!({"DataType": "String", "StringValue": text});
        let attributes: serde_json::Map<_, _> =
            attributes.iter().map(|(name, text)| ((*name).to_owned(), value(text))).collect();
        let subject = format!("gid://shopify/Order/{number}");
        let body = json!({"v": 1, "shop": shop, "subject": subject, "email": "zoe@example.com"});
        let (queue, attributes) = (queue.to_owned(), attributes.into());
        let letter = Letter { queue, body, attributes, sent_epoch_ms: 1_795_766_400_000, is_hidden: false };
        self.letters.insert(number, letter);
    }

    /// Dead letters that were received and not shown again.
    pub fn hidden(&self) -> usize {
        self.letters.values().filter(|it| it.is_hidden).count()
    }

    fn receive(&mut self, body: &Value) -> Value {
        let name = name_of(body);
        let there =
            self.letters.iter_mut().filter(|(_, it)| !it.is_hidden && format!("{}-dlq", it.queue) == name);
        let messages = there.take(10).map(|(number, letter)| {
            letter.is_hidden = true;
            json!({
                "MessageId": id_of(*number), "ReceiptHandle": number.to_string(), "Body": letter.body.to_string(),
                "Attributes": {"SentTimestamp": letter.sent_epoch_ms.to_string()},
                "MessageAttributes": letter.attributes,
            })
        });
        json!({"Messages": messages.collect::<Vec<_>>()})
    }

    fn invoke(&mut self, seen: &Seen) -> Response {
        assert!(seen.target.contains("/p-intake%3Alive/invocations"), "{}", seen.target);
        self.invoked.push(serde_json::from_slice(&seen.body).unwrap());
        if self.intake_refuses {
            let error = json!({"errorMessage": "no configuration"}).to_string();
            return ([("x-amz-function-error", "Unhandled")], Body::from(error)).into_response();
        }
        fine(&Value::Null)
    }

    fn metric_data(&mut self, seen: &Seen, body: &Value) -> Response {
        assert!(seen.header("authorization").unwrap().contains("/monitoring/aws4_request"));
        self.metric_questions += 1;
        let queries = body["MetricDataQueries"].as_array().unwrap();
        let from = body["StartTime"].as_i64().unwrap();
        assert!(from % queries[0]["MetricStat"]["Period"].as_i64().unwrap() == 0, "whole hours or days");
        if self.metrics == Metrics::Refuses {
            return refusal("x#AccessDeniedException");
        }
        if self.metrics == Metrics::Slow {
            // headers, and never an end
            let never = futures::stream::pending::<Result<Bytes, std::io::Error>>();
            return Body::from_stream(never).into_response();
        }
        let result = |query: &Value| match self.metrics {
            Metrics::Nothing => {
                json!({"Id": query["Id"], "StatusCode": "Complete", "Timestamps": [], "Values": []})
            }
            Metrics::Partial => {
                json!({"Id": query["Id"], "StatusCode": "PartialData", "Timestamps": [from], "Values": [7]})
            }
            _ => json!({"Id": query["Id"], "StatusCode": "Complete", "Timestamps": [from], "Values": [7.0]}),
        };
        fine(&json!({"MetricDataResults": queries.iter().map(result).collect::<Vec<_>>(), "Messages": []}))
    }

    /// An index lists what fits its key: names and addresses are hashes, so here everything of the table does.
    fn query(&self, body: &Value) -> Value {
        let values = &body["ExpressionAttributeValues"];
        let items: Vec<Value> = self
            .items
            .values()
            .filter(|item| match body["IndexName"].as_str().unwrap() {
                "by-resource" => item["resource_key"] == values[":key"],
                "by-customer" => item["customer"] == values[":key"],
                "by-name" => item["name_key"] == values[":key"],
                "by-email" => item["email_key"] == values[":key"],
                "by-undelivered" => item["undelivered_ms"].is_object() && item["shop"] == values[":shop"],
                other => panic!("there is no index {other}"),
            })
            .cloned()
            .collect();
        json!({"Count": items.len(), "Items": items})
    }

    /// Only what settling writes.
    fn update(&mut self, body: &Value) -> Response {
        let item = self.items.get_mut(body["Key"]["pk"]["S"].as_str().unwrap()).unwrap();
        let request = body;
        let expression = |name: &str| body[name].as_str().unwrap();
        let map = item.as_object_mut().unwrap();
        if !fakes::dynamodb::holds(expression("ConditionExpression"), Some(map), request).unwrap() {
            let refused =
                json!({"__type": "x#ConditionalCheckFailedException", "message": "refused", "Item": item});
            return (StatusCode::BAD_REQUEST, Body::from(refused.to_string())).into_response();
        }
        fakes::dynamodb::apply(map, expression("UpdateExpression"), request).unwrap();
        fine(&json!({"Attributes": item}))
    }

    fn object(&mut self, seen: &Seen) -> Response {
        let (method, rest) = seen.target.split_once(' ').unwrap();
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let pairs: BTreeMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let path = path.trim_start_matches('/');
        if method == "PUT" && pairs.contains_key("legal-hold") {
            return self.hold(path, &pairs["versionId"], seen);
        }
        if method == "PUT" {
            return self.put(path, seen);
        }
        assert!(matches!(method, "GET" | "HEAD"), "the console deletes nothing");
        if let Some(prefix) = pairs.get("prefix") {
            let bucket = path.split('/').next().unwrap();
            let under = format!("{bucket}/{prefix}");
            let keys = self.objects.iter().filter(|(key, _)| key.starts_with(&under));
            let versions = pairs.contains_key("versions");
            let rows: String =
                keys.map(|(key, bytes)| row(&key[bucket.len() + 1..], bytes, versions)).collect();
            let name = if versions { "ListVersionsResult" } else { "ListBucketResult" };
            return format!("<{name}><IsTruncated>false</IsTruncated>{rows}</{name}>").into_response();
        }
        // an earlier version is an object of its own here
        let earlier = pairs.get("versionId").filter(|it| *it == "v0").map(|_| format!("{path}@v0"));
        match self.objects.get(earlier.as_deref().unwrap_or(path)) {
            Some(bytes) if method == "GET" => {
                ([("x-amz-version-id", "v1"), ("etag", "\"e\"")], bytes.clone()).into_response()
            }
            Some(_) => [
                ("x-amz-version-id", "v1"),
                ("x-amz-object-lock-mode", "COMPLIANCE"),
                ("x-amz-object-lock-retain-until-date", "2036-12-31T00:00:00Z"),
                ("x-amz-object-lock-legal-hold", if self.held.contains(path) { "ON" } else { "OFF" }),
            ]
            .into_response(),
            None => (StatusCode::NOT_FOUND, "<Error><Code>NoSuchKey</Code></Error>").into_response(),
        }
    }

    /// Facts and entries of who reads: once, and locked. The console puts nothing else.
    fn put(&mut self, path: &str, seen: &Seen) -> Response {
        if self.is_sealed && path.starts_with("archive/log/") {
            self.objects.insert(path.to_owned(), seen.body.clone());
            return [("x-amz-version-id", "v1"), ("etag", "\"e\"")].into_response();
        }
        if path.starts_with("operations/audit/") {
            if self.archive_is_full {
                return (StatusCode::FORBIDDEN, "<Error><Code>AccessDenied</Code></Error>").into_response();
            }
            self.objects.insert(path.to_owned(), seen.body.clone());
            return StatusCode::OK.into_response();
        }
        let name = path.rsplit('/').next().unwrap();
        let is_fact = name.starts_with("fact-") && name.ends_with(".json");
        assert!(is_fact || path.starts_with("archive/access/"), "{path}");
        assert_eq!(seen.header("if-none-match"), Some("*"));
        assert_eq!(seen.header("x-amz-object-lock-mode"), Some("COMPLIANCE"));
        assert!(seen.header("x-amz-object-lock-retain-until-date").is_some());
        if self.archive_is_full {
            return (StatusCode::FORBIDDEN, "<Error><Code>AccessDenied</Code></Error>").into_response();
        }
        if self.objects.contains_key(path) {
            let refused = "<Error><Code>PreconditionFailed</Code></Error>";
            return (StatusCode::PRECONDITION_FAILED, refused).into_response();
        }
        if seen.header("x-amz-object-lock-legal-hold") == Some("ON") {
            self.held.insert(path.to_owned());
        }
        self.objects.insert(path.to_owned(), seen.body.clone());
        [("x-amz-version-id", "v1")].into_response()
    }

    fn hold(&mut self, path: &str, version: &str, seen: &Seen) -> Response {
        assert!(self.objects.contains_key(path) && version == "v1", "{path} {version}");
        match std::str::from_utf8(&seen.body).unwrap() {
            body if body.contains("<Status>ON</Status>") => self.held.insert(path.to_owned()),
            body if body.contains("<Status>OFF</Status>") => self.held.remove(path),
            body => panic!("no status: {body}"),
        };
        StatusCode::OK.into_response()
    }

    /// The held objects of a communication, by their names.
    pub fn held(&self, id: &str) -> Vec<&str> {
        let part = format!("/{id}/");
        self.held.iter().filter_map(|key| key.split_once(&part)).map(|(_, name)| name).collect()
    }

    /// The entries of who read what, in the order of time: what was read, by whom, and why.
    pub fn entries(&self) -> Vec<AccessEntry> {
        let objects = self.objects.iter().filter(|(key, _)| key.starts_with("archive/access/"));
        objects.map(|(_, json)| serde_json::from_slice(json).unwrap()).collect()
    }

    /// The facts of a communication.
    pub fn facts(&self, id: &str) -> Vec<FactRecord> {
        let part = format!("/{id}/fact-");
        let objects = self.objects.iter().filter(|(key, _)| key.contains(&part));
        objects.map(|(_, json)| serde_json::from_slice(json).unwrap()).collect()
    }

    /// Encrypts what is archived of a communication with a secret, which the table has.
    pub fn encrypt(&mut self, id: &str) {
        let secret = secret();
        let key_id = hex::encode(secret.key_id().0);
        let item = json!({
            "pk": {"S": format!("{SHOP}#erasable#7")}, "key_id": {"S": key_id},
            "secret": {"B": BASE64_STANDARD.encode(secret.expose())},
        });
        self.commitments.items.insert(format!("{SHOP}#erasable#7"), item);
        for (key, bytes) in self.objects.iter_mut().filter(|(key, _)| key.contains(&format!("/{id}/"))) {
            let name = key.strip_prefix("archive/").unwrap();
            *bytes = archive::envelope::seal(&secret, name, bytes).unwrap();
        }
    }

    /// Archives a document with its record, and notes it in the ledger.
    pub fn archive(&mut self, id: &str, shop: &str, media_type: &str, bytes: Bytes, more: Value) {
        let folder = format!("{shop}/2026/11/27/receipt/{id}");
        let extension = if media_type == "text/html" { "html" } else { "pdf" };
        let key = format!("{folder}/document.{extension}");
        let mut record = json!({
            "v": 1, "communication": id, "shop": shop, "flow": "order-confirmation", "document": "receipt",
            "message_class": "transactional", "subject": "gid://shopify/Order/1", "revision": "initial",
            "reported_on": "gid://shopify/Order/1", "name": "#1001",
            "trigger": {"topic": "orders/paid", "webhook_id": "w-1"}, "composed_at": "2026-11-27T08:01:00Z",
            "locale": "en",
            "template": {"communication": "0f3a", "data_source": "d", "version": 3, "basis": "traced"},
            "driver_data": {"schema": "receipt/1", "format": "json", "sha256": "00", "data": {"order": "#1001"}},
            "outputs": [{
                "object": key, "version_id": "v1", "media_type": media_type, "bytes": bytes.len(), "sha256": sha256_hex(&bytes),
                "pages": 1
            }],
            "channel": "email", "recipient": {"name": "Zoe Doe", "email": "zoe@example.com"},
            "retention": {"mode": "COMPLIANCE", "until": "2036-12-31T00:00:00Z"},
            "software": {"name": "order-confirmation", "version": "0.1.0"}, "test": false,
        });
        record.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        let json = Bytes::from(record.to_string());
        let text = |text: &str| json!({"S": text});
        let item = self.items.get_mut(id).unwrap();
        item["archive_key"] = text(&key);
        item["archive_version"] = text("v1");
        item["sha256"] = text(&sha256_hex(&bytes));
        item["record_version"] = text("v1");
        item["record_sha256"] = text(&sha256_hex(&json));
        item["template"] = text("0f3a");
        self.objects.insert(format!("archive/{key}"), bytes);
        self.objects.insert(format!("archive/{folder}/record.json"), json);
    }

    /// A communication about order 1, begun on the morning of 27 November.
    pub fn note(&mut self, id: &str, shop: &str, state: &str, more: Value) {
        let text = |text: &str| json!({"S": text});
        let mut item = json!({
            "pk": text(id), "shop": text(shop), "flow": text("order-confirmation"), "document": text("receipt"),
            "subject": text("gid://shopify/Order/1"), "revision": text("initial"),
            "reported_on": text("gid://shopify/Order/1"), "resource_key": text(&format!("{shop}#Order/1")),
            "state": text(state), "attempts": {"N": "1"}, "sends": {"N": "1"}, "channel": text("email"),
            "created_epoch_ms": {"N": "1795766400000"}, "updated_epoch_ms": {"N": "1795766460000"},
            "write_back": text("reported"),
        });
        if matches!(state, "failed" | "suppressed" | "unknown" | "bounced") {
            item["undelivered_ms"] = json!({"N": "1795766460000"});
        }
        item.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        self.items.insert(id.to_owned(), item);
    }
}

/// What erasable documents are encrypted with.
pub fn secret() -> CommitmentSecret {
    CommitmentSecret::from_bytes(&[7; 32]).unwrap()
}

fn row(key: &str, bytes: &Bytes, versions: bool) -> String {
    let (key, version, day) = match key.strip_suffix("@v0") {
        Some(key) if versions => (key, "v0", 1),
        Some(_) => return String::new(),
        None => (key, "v1", 2),
    };
    let name = if versions { "Version" } else { "Contents" };
    format!(
        "<{name}><Key>{key}</Key><VersionId>{version}</VersionId><Size>{}</Size>\
         <LastModified>2026-11-0{day}T00:00:00.000Z</LastModified></{name}>",
        bytes.len()
    )
}

/// The id of a message.
pub fn id_of(number: usize) -> String {
    format!("{number:08}-0000-0000-0000-000000000000")
}

fn name_of(body: &Value) -> String {
    body["QueueUrl"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

fn handles(body: &Value) -> impl Iterator<Item = usize> {
    let entries = body["Entries"].as_array().unwrap();
    entries.iter().map(|entry| entry["ReceiptHandle"].as_str().unwrap().parse().unwrap())
}

fn all_done(body: &Value) -> Value {
    let entries = body["Entries"].as_array().unwrap();
    json!({"Successful": entries.iter().map(|it| json!({"Id": it["Id"], "MessageId": "m", "MD5OfMessageBody": md5_is_not_checked()})).collect::<Vec<_>>(), "Failed": []})
}

fn md5_is_not_checked() -> &'static str {
    "0"
}

fn fine(body: &Value) -> Response {
    ([("content-type", "application/x-amz-json-1.0")], Body::from(body.to_string())).into_response()
}

fn refusal(kind: &str) -> Response {
    (StatusCode::BAD_REQUEST, json!({"__type": kind, "message": "refused"}).to_string()).into_response()
}
