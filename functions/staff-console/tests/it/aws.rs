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
    /// The dead letters that were asked to be moved.
    pub moved: Vec<String>,
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

impl Aws {
    pub fn answer(&mut self, seen: &Seen) -> Response {
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
                let queue = body["QueueUrl"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
                let message = serde_json::from_str(body["MessageBody"].as_str().unwrap()).unwrap();
                self.sent.push((queue, message));
                fine(&json!({"MessageId": "m", "MD5OfMessageBody": md5_is_not_checked()}))
            }
            "GetQueueAttributes" => {
                let url = body["QueueUrl"].as_str().unwrap();
                let name = url.rsplit('/').next().unwrap();
                let count = if name.starts_with("write-back") { "3" } else { "0" };
                let arn = format!("arn:aws:sqs:eu-west-1:1:{name}");
                fine(&json!({"Attributes": {"ApproximateNumberOfMessages": count, "QueueArn": arn}}))
            }
            "StartMessageMoveTask" => {
                let source = body["SourceArn"].as_str().unwrap();
                // without one, SQS moves only what it has put there itself
                assert_eq!(body["DestinationArn"].as_str(), source.strip_suffix("-dlq"));
                self.moved.push(source.to_owned());
                fine(&json!({"TaskHandle": "t"}))
            }
            other => panic!("the console does not ask for {other}"),
        }
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

fn md5_is_not_checked() -> &'static str {
    "0"
}

fn fine(body: &Value) -> Response {
    ([("content-type", "application/x-amz-json-1.0")], Body::from(body.to_string())).into_response()
}

fn refusal(kind: &str) -> Response {
    (StatusCode::BAD_REQUEST, json!({"__type": kind, "message": "refused"}).to_string()).into_response()
}
