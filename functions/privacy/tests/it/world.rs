//! AWS as the function sees it, strictly: three tables, two buckets, a queue and the store of secrets. A request that is not
//! known here fails the test. From a moment on that a test chooses, nothing that changes something is taken any more.

use archive::{
    About, Archive, Composed, ComposedOutput, Details, DriverData, EvidenceRecord, KeptUnder, Location,
    LockMode, Recipient, Software, Template, TemplateBasis, Trigger,
};
use aws_sdk_s3::{Client, config::Builder};
use axum::{body::Body, http::Response};
use commitments::{CommitmentSecrets, Owner};
use comms::{CommunicationId, CustomerKey, Document, Gid, MessageClass, Revision, ShopDomain};
use fakes::{
    SecretItems, Seen, Server,
    dynamodb::{Item, apply, holds},
};
use jiff::Timestamp;
use ledger::Ledger;
use links::{LinkKey, Links, UnsubscribeOffer};
use privacy::{Event, Privacy, PrivacyError, Tools};
use serde_json::{Value, json};
use service::{Invocation, Secrets};
use shop_config::ConfigStore;
use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};
use work::{Backoff, Checkpoints, Inbox, PrivacyItem, PrivacyTopic, Queue};

pub const SHOP: &str = "acme.myshopify.com";
/// Nothing but the person is called so.
pub const NAME: &str = "Zephyrine Quixworth";
pub const EMAIL: &str = "zephyrine@quixworth.example";
pub const ADDRESS: &str = "77 Umbragate Crescent";
const KEY: &str = "a key that is long enough for everything here";

/// So many items an index lists at once.
const PAGE: usize = 2;

/// The bytes of an object and the headers that are kept.
type Object = (Vec<u8>, Vec<(String, String)>);

#[derive(Default)]
pub struct Aws {
    pub secrets: SecretItems,
    pub items: BTreeMap<String, Item>,
    /// By bucket and key.
    pub objects: BTreeMap<String, Object>,
    pub messages: Vec<String>,
    /// Keys of objects under a legal hold.
    pub holds: BTreeSet<String>,
    /// No configuration can be read.
    pub configs_fail: bool,
    /// So many changes are taken, and then no more.
    most: Option<usize>,
    changes: usize,
    puts: usize,
}

fn response(status: u16, body: impl Into<Body>) -> Response<Body> {
    Response::builder().status(status).body(body.into()).unwrap()
}

fn failed(code: &str, status: u16) -> Response<Body> {
    response(status, format!("<Error><Code>{code}</Code><Message>m</Message></Error>"))
}

impl Aws {
    /// Takes so many changes from now on.
    pub fn dies_after(&mut self, most: usize) {
        (self.changes, self.most) = (0, Some(most));
    }

    pub fn lives(&mut self) {
        self.most = None;
    }

    fn dies(&mut self) -> bool {
        self.changes += 1;
        self.most.is_some_and(|most| self.changes > most)
    }

    fn answer(&mut self, seen: &Seen) -> Response<Body> {
        if let Some(target) = seen.header("x-amz-target") {
            let request: Value = serde_json::from_slice(&seen.body).unwrap();
            let operation = target.rsplit('.').next().unwrap();
            if !["GetItem", "Query", "Scan", "GetSecretValue"].contains(&operation) && self.dies() {
                return response(500, "{}");
            }
            let (status, body) = match (operation, request["TableName"].as_str()) {
                ("GetSecretValue", _) => (200, json!({"SecretString": KEY})),
                ("SendMessage", _) => {
                    self.messages.push(request["MessageBody"].as_str().unwrap().to_owned());
                    (200, json!({"MessageId": "m", "MD5OfMessageBody": ""}))
                }
                ("ChangeMessageVisibilityBatch", _) => (200, json!({"Successful": [], "Failed": []})),
                (_, Some("commitments")) => self.secrets.answer(operation, &request),
                (_, Some("table" | "links")) => self.item(operation, &request),
                _ => panic!("`{operation}` is not known here"),
            };
            return response(status, body.to_string());
        }
        let (method, target) = seen.target.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let key = path.trim_start_matches('/').replace("%23", "#");
        if ["PUT", "DELETE"].contains(&method) && self.dies() {
            return failed("InternalError", 500);
        }
        if self.configs_fail && method == "GET" && key.starts_with("operations/config/") {
            return failed("InternalError", 500);
        }
        match method {
            "GET" if query.contains("list-type=2") => self.list(key.trim_end_matches('/'), query),
            "GET" if query.contains("legal-hold") && !self.objects.contains_key(&key) => {
                failed("AccessDenied", 403)
            }
            "GET" if query.contains("legal-hold") => match self.holds.contains(&key) {
                true => response(200, "<LegalHold><Status>ON</Status></LegalHold>"),
                false => failed("NoSuchObjectLockConfiguration", 404),
            },
            "GET" if query.split('&').any(|it| it == "versions" || it == "versions=") => {
                self.versions(key.trim_end_matches('/'), query)
            }
            "GET" | "HEAD" => match self.objects.get(&key) {
                // as to all who may list below prefixes only
                None => failed("AccessDenied", 403),
                Some((body, headers)) => {
                    let response = headers.iter().fold(Response::builder(), |it, (n, v)| it.header(n, v));
                    let response = match self.holds.contains(&key) {
                        true => response.header("x-amz-object-lock-legal-hold", "ON"),
                        false => response,
                    };
                    response.body(if method == "HEAD" { Body::empty() } else { body.clone().into() }).unwrap()
                }
            },
            "PUT" => self.put(key, seen),
            "DELETE" if query.contains("versionId=") && self.is_protected(&key) => {
                failed("AccessDenied", 403)
            }
            "DELETE" => {
                self.objects.remove(&key);
                response(204, "")
            }
            _ => panic!("`{}` is not known here", seen.target),
        }
    }

    /// As S3 refuses to delete a version: held, or locked.
    fn is_protected(&self, key: &str) -> bool {
        let until = self.objects.get(key).and_then(|(_, headers)| {
            let (_, until) =
                headers.iter().find(|(name, _)| name == "x-amz-object-lock-retain-until-date")?;
            until.parse::<Timestamp>().ok()
        });
        self.holds.contains(key) || until.is_some_and(|until| until > clock())
    }

    /// Each object has one version here.
    fn versions(&self, bucket: &str, query: &str) -> Response<Body> {
        let prefix = query.split('&').find_map(|it| it.strip_prefix("prefix=")).unwrap_or_default();
        let prefix = format!("{bucket}/{}", prefix.replace("%2F", "/"));
        let found = self.objects.range(prefix.clone()..).take_while(|(key, _)| key.starts_with(&prefix));
        let versions = found.map(|(key, (_, headers))| {
            let (_, version) = headers.iter().find(|(name, _)| name == "x-amz-version-id").unwrap();
            let key = &key[bucket.len() + 1..];
            format!("<Version><Key>{key}</Key><VersionId>{version}</VersionId></Version>")
        });
        response(200, format!("<ListVersionsResult>{}</ListVersionsResult>", versions.collect::<String>()))
    }

    fn put(&mut self, key: String, seen: &Seen) -> Response<Body> {
        let there = self.objects.get(&key);
        let tag = there.and_then(|(_, headers)| headers.iter().find(|(name, _)| name == "etag"));
        let refused = match (seen.header("if-none-match"), seen.header("if-match")) {
            (Some(_), _) => there.is_some(),
            (_, Some(read)) => tag.is_none_or(|(_, tag)| tag != read),
            _ => false,
        };
        if refused {
            return failed("PreconditionFailed", 412);
        }
        let locked = key.starts_with("archive/");
        assert_eq!(seen.header("x-amz-object-lock-retain-until-date").is_some(), locked, "{key}");
        self.puts += 1;
        let is_kept = |name: &str| {
            ["x-amz-meta-", "x-amz-object-lock-"].iter().any(|it| name.starts_with(it))
                || ["content-type", "x-amz-checksum-sha256"].contains(&name)
        };
        let mut headers: Vec<_> = seen
            .headers
            .iter()
            .filter(|(name, _)| is_kept(name))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect();
        headers.push(("x-amz-version-id".to_owned(), format!("v{}", self.puts)));
        headers.push(("etag".to_owned(), format!("\"{}\"", self.puts)));
        let answer = headers.iter().skip_while(|(name, _)| name != "x-amz-version-id");
        let answer =
            answer.fold(Response::builder(), |it, (n, v)| it.header(n, v)).body(Body::empty()).unwrap();
        self.objects.insert(key, (seen.body.to_vec(), headers));
        answer
    }

    fn list(&self, bucket: &str, query: &str) -> Response<Body> {
        let value = |name: &str| {
            let found = query.split('&').find_map(|it| it.strip_prefix(name)?.strip_prefix('='));
            found.unwrap_or_default().replace("%2F", "/")
        };
        let prefix = format!("{bucket}/{}", value("prefix"));
        let may = |pattern: &str| pattern == value("prefix") || value("prefix").starts_with(pattern);
        let is_allowed = match bucket {
            "archive" => may(&format!("{SHOP}/")) || may("disposal/") || may("erasure/"),
            _ => ["config/", "privacy/", "spool/"].into_iter().any(may),
        };
        assert!(is_allowed, "its role may not list {bucket} below {:?}", value("prefix"));
        let after = format!("{bucket}/{}", value("start-after"));
        let most = value("max-keys").parse().unwrap_or(1000);
        let keys = self.objects.range(prefix.clone().max(after.clone())..).map(|(key, _)| key);
        let keys = keys.take_while(|key| key.starts_with(&prefix)).filter(|key| **key > after).take(most);
        let contents =
            keys.map(|key| format!("<Contents><Key>{}</Key></Contents>", &key[bucket.len() + 1..]));
        response(200, format!("<ListBucketResult>{}</ListBucketResult>", contents.collect::<String>()))
    }

    fn item(&mut self, operation: &str, request: &Value) -> (u16, Value) {
        if operation == "Query" {
            let attribute = match request["IndexName"].as_str() {
                Some("by-resource") => "resource_key",
                Some("by-customer") => "customer",
                other => panic!("the index {other:?} is not known here"),
            };
            let key = &request["ExpressionAttributeValues"][":key"];
            let after = request["ExclusiveStartKey"]["pk"]["S"].as_str().unwrap_or_default();
            let listed = self.items.iter().filter(|(_, item)| item.get(attribute) == Some(key));
            let found: Vec<_> = listed.filter(|(pk, _)| pk.as_str() > after).map(|(_, item)| item).collect();
            let mut answer = json!({"Items": found.iter().take(PAGE).collect::<Vec<_>>()});
            if found.len() > PAGE {
                answer["LastEvaluatedKey"] = json!({"pk": found[PAGE - 1]["pk"]});
            }
            return (200, answer);
        }
        let key = if operation == "PutItem" { &request["Item"] } else { &request["Key"] };
        let pk = key["pk"]["S"].as_str().unwrap();
        let item = self.items.get(pk);
        if let Some(condition) = request["ConditionExpression"].as_str()
            && !holds(condition, item, request).unwrap()
        {
            let kind = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
            return (400, json!({"__type": kind, "message": "m"}));
        }
        match operation {
            "GetItem" => (200, item.map_or(json!({}), |item| json!({"Item": item}))),
            "DeleteItem" => {
                self.items.remove(pk);
                (200, json!({}))
            }
            "PutItem" => {
                self.items.insert(pk.to_owned(), request["Item"].as_object().unwrap().clone());
                (200, json!({}))
            }
            "UpdateItem" => {
                let mut item =
                    item.cloned().unwrap_or_else(|| Item::from_iter([("pk".to_owned(), json!({"S": pk}))]));
                apply(&mut item, request["UpdateExpression"].as_str().unwrap(), request).unwrap();
                self.items.insert(pk.to_owned(), item);
                (200, json!({}))
            }
            other => panic!("`{other}` is not known here"),
        }
    }

    /// Where these words are: in a bucket, a table or a queue, openly or in base64.
    pub fn find(&self, words: &str) -> Vec<String> {
        use base64::{Engine, prelude::BASE64_STANDARD};
        let has = |text: &[u8]| text.windows(words.len()).any(|it| it == words.as_bytes());
        let mut found = Vec::new();
        for (key, (body, headers)) in &self.objects {
            let meta = headers.iter().any(|(_, value)| {
                has(value.as_bytes()) || BASE64_STANDARD.decode(value).is_ok_and(|bytes| has(&bytes))
            });
            if has(key.as_bytes()) || has(body) || meta {
                found.push(key.clone());
            }
        }
        for (pk, item) in &self.items {
            if has(json!(item).to_string().as_bytes()) || has(pk.as_bytes()) {
                found.push(pk.clone());
            }
        }
        let secrets = self.secrets.items.keys().filter(|pk| has(pk.as_bytes()));
        found.extend(secrets.cloned());
        found
            .extend(self.messages.iter().filter(|text| has(text.as_bytes())).map(|_| "a message".to_owned()));
        found
    }
}

pub struct World {
    pub aws: Arc<Mutex<Aws>>,
    pub privacy: Privacy,
    pub archive: Archive,
    pub ledger: Ledger,
    pub links: Links,
    server: Server,
}

pub fn now() -> Timestamp {
    "2026-11-22T09:00:00Z".parse().unwrap()
}

/// For how many days all documents are kept.
pub const RETENTION_DAYS: u16 = 90;

thread_local! {
    static DAYS_LATER: Cell<i64> = const { Cell::new(0) };
}

/// The function's clock: so many days after [`now`] as the test says.
fn clock() -> Timestamp {
    now() + jiff::SignedDuration::from_hours(24 * DAYS_LATER.get())
}

/// From now on in this test it is so many days after [`now`].
pub fn later(days: i64) {
    DAYS_LATER.set(days);
}

pub fn shop() -> ShopDomain {
    SHOP.parse().unwrap()
}

pub fn customer() -> Gid {
    Gid::new("Customer", 501)
}

pub fn customer_key() -> CustomerKey {
    CustomerKey::derive(KEY.as_bytes(), &shop(), &customer())
}

pub fn request(topic: PrivacyTopic) -> PrivacyItem {
    PrivacyItem {
        v: PrivacyItem::VERSION,
        shop: shop(),
        topic,
        request: "0f".repeat(16),
        at: now(),
        customer: (topic != PrivacyTopic::ShopRedact).then(customer),
        email: Some(EMAIL.to_owned()),
        phone: None,
        orders: vec![Gid::new("Order", 1)],
        again: false,
    }
}

async fn s3(base: &str) -> Client {
    Client::from_conf(Builder::from(&fakes::aws(base).await).force_path_style(true).build())
}

impl World {
    pub async fn new() -> Self {
        let aws = Arc::new(Mutex::new(Aws::default()));
        let shared = Arc::clone(&aws);
        let server = Server::start(move |seen| shared.lock().unwrap().answer(seen)).await;
        let sdk = fakes::aws(&server.base).await;
        let dynamodb = aws_sdk_dynamodb::Client::new(&sdk);
        let s3 = s3(&server.base).await;
        let commitments = || CommitmentSecrets::new(dynamodb.clone(), "commitments".to_owned());
        let archive = || {
            Archive::new(s3.clone(), "archive".to_owned(), LockMode::Governance).with_secrets(commitments())
        };
        let operations = || "operations".to_owned();
        let ledger = || Ledger::new(dynamodb.clone(), "table".to_owned());
        let links = || Links::new(dynamodb.clone(), "links".to_owned());
        let tools = Tools {
            configs: ConfigStore::new(s3.clone(), operations(), Duration::ZERO),
            secrets: Secrets::new(
                aws_sdk_secretsmanager::Client::new(&sdk),
                "p".to_owned(),
                Duration::from_secs(60),
            ),
            ledger: ledger(),
            links: links(),
            archive: archive(),
            commitments: commitments(),
            checkpoints: Checkpoints::new(s3.clone(), operations()),
            s3: s3.clone(),
            operations_bucket: operations(),
            archive_bucket: "archive".to_owned(),
            max_retention_days: 3650,
            inbox: Inbox {
                queue: Queue::new(aws_sdk_sqs::Client::new(&sdk), format!("{}/queue", server.base)),
                dead_letters: Queue::new(
                    aws_sdk_sqs::Client::new(&sdk),
                    format!("{}/queue-dlq", server.base),
                ),
                backoff: Backoff::default(),
            },
            clock,
        };
        let (archive, ledger, links) = (archive(), ledger(), links());
        Self { aws, privacy: Privacy::with(tools), archive, ledger, links, server }
    }

    pub fn aws<T>(&self, change: impl FnOnce(&mut Aws) -> T) -> T {
        let _ = &self.server;
        change(&mut self.aws.lock().unwrap())
    }

    /// One document of the person's, archived, in the ledger, published and spooled.
    pub async fn document(&self, document: Document, subject: Gid, erasable: bool) -> CommunicationId {
        let id = CommunicationId::derive(&shop(), document, &subject, &Revision::Initial);
        let location = Location::new(&shop(), now(), document, &id, false);
        let owner = Owner::erasable(Some(customer_key().as_str()), &id);
        let secret = match erasable {
            true => Some(self.archive.secret_for(&shop(), &owner).await.unwrap()),
            false => None,
        };
        let composed = composed();
        let retention = self.archive.retention(now(), RETENTION_DAYS);
        let stored = self.archive.put_document(&location, &composed, Vec::new(), &retention, secret.as_ref());
        let stored = stored.await.unwrap();
        let record = record(&id, document, &subject, &stored, retention.clone());
        let (record_version, record_sha256) =
            self.archive.put_record(&location, &record, &retention, secret.as_ref()).await.unwrap();
        let item = json!({
            "pk": {"S": id.as_str()}, "shop": {"S": SHOP}, "flow": {"S": document.flow().name()},
            "document": {"S": document.name()}, "subject": {"S": subject.as_str()}, "revision": {"S": "initial"},
            "reported_on": {"S": subject.as_str()}, "state": {"S": "accepted"}, "attempts": {"N": "1"},
            "created_epoch_ms": {"N": now().as_millisecond().to_string()},
            "updated_epoch_ms": {"N": now().as_millisecond().to_string()},
            "archive_key": {"S": stored.primary.object}, "archive_version": {"S": stored.primary.version_id},
            "sha256": {"S": stored.primary.object_sha256()}, "record_version": {"S": record_version},
            "record_sha256": {"S": record_sha256}, "template": {"S": "c"}, "channel": {"S": "print"},
            "customer": {"S": customer_key().as_str()}, "write_back": {"S": "reported"},
            "resource_key": {"S": format!("{SHOP}#{}/{}", subject.kind(), subject.number())},
        });
        let offer = UnsubscribeOffer {
            communication: &id,
            shop: &shop(),
            customer: &customer(),
            customer_key: &customer_key(),
            locale: "en",
            sender: &serde_json::from_value(json!({"name": "Acme"})).unwrap(),
        };
        self.links
            .offer_unsubscribe(&LinkKey::new(KEY.to_owned().into()).unwrap(), &offer, now())
            .await
            .unwrap();
        self.aws(|aws| {
            aws.items.insert(id.to_string(), item.as_object().unwrap().clone());
            let spooled = format!("operations/spool/{SHOP}/2026/11/22/{document}/{id}.pdf");
            aws.objects.insert(spooled, (format!("{NAME}, {ADDRESS}").into_bytes(), Vec::new()));
        });
        id
    }

    /// The messages that are delivered again, after one delivery of this request.
    pub async fn deliver(&self, item: &PrivacyItem) -> usize {
        let body = serde_json::to_string(item).unwrap();
        let batch = json!({"Records": [{"messageId": "m", "receiptHandle": "r", "body": body}]});
        let answer = self.call(&batch.to_string()).await;
        answer["batchItemFailures"].as_array().unwrap().len()
    }

    /// Calls the function with an event.
    pub async fn call(&self, event: &str) -> Value {
        self.try_call(event).await.unwrap()
    }

    /// The same where it may fail.
    pub async fn try_call(&self, event: &str) -> Result<Value, PrivacyError> {
        let event: Event = serde_json::from_str(event).unwrap();
        let deadline = clock() + jiff::SignedDuration::from_secs(600);
        let invocation = Invocation { request_id: "r".to_owned(), deadline };
        Ok(serde_json::to_value(self.privacy.handle(event, &invocation).await?).unwrap())
    }
}

fn composed() -> Composed {
    let template = Template {
        communication: "c".to_owned(),
        data_source: "d".to_owned(),
        version: Some(1),
        basis: TemplateBasis::Assumed,
        parts: None,
    };
    Composed {
        primary: ComposedOutput {
            bytes: format!("%PDF {NAME}, {ADDRESS}").into(),
            media_type: "application/pdf".to_owned(),
            about: About::default(),
        },
        further: Vec::new(),
        details: Details {
            composed_at: now(),
            driver_sha256: "0".repeat(64),
            driver_format: "json".to_owned(),
            schema: "s/1".to_owned(),
            template,
            locale: "en".to_owned(),
            channel: Some("print".to_owned()),
            configuration: None,
            retention_days: RETENTION_DAYS,
        },
    }
}

fn record(
    id: &CommunicationId,
    document: Document,
    subject: &Gid,
    stored: &archive::Stored,
    retention: archive::Retention,
) -> EvidenceRecord {
    EvidenceRecord {
        v: EvidenceRecord::VERSION,
        communication: id.clone(),
        shop: shop(),
        flow: document.flow(),
        document,
        message_class: MessageClass::Marketing,
        subject: subject.clone(),
        revision: Revision::Initial,
        reported_on: subject.clone(),
        name: None,
        customer: Some(customer_key().as_str().to_owned()),
        trigger: Trigger {
            topic: "t".to_owned(),
            webhook_id: "w".to_owned(),
            event_id: None,
            triggered_at: None,
        },
        composed_at: now(),
        locale: "en".to_owned(),
        template: stored.details.template.clone(),
        driver_data: DriverData {
            schema: "s/1".to_owned(),
            format: "json".to_owned(),
            sha256: "00".to_owned(),
            data: serde_json::from_value(json!({"email": EMAIL, "name": NAME})).ok(),
        },
        outputs: stored.outputs().cloned().collect(),
        channel: Some("print".to_owned()),
        recipient: Some(Recipient {
            name: Some(NAME.to_owned()),
            email: Some(EMAIL.to_owned()),
            phone: None,
            postal_address: None,
        }),
        retention,
        kept_under: Some(KeptUnder {
            class: "statutory".to_owned(),
            legal_basis: "the tax code".to_owned(),
            erasable: false,
        }),
        consent: None,
        configuration: None,
        software: Software { name: "s".into(), version: "0".into() },
        previous: None,
        resend: None,
        requested: None,
        test: false,
        nonce: None,
    }
}
