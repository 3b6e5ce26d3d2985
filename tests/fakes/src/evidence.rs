//! AWS as sealing sees it: the archive of one day, the log beside it, the table of secrets and the key that signs.
//!
//! The archive's communications are made up when they are listed or read, so that there can be a million. What became of
//! single ones is said by [`Edit`]. As strict as AWS where sealing depends on it; a request that it does not know fails the
//! test.

use crate::{operation, serve};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
};
use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What happened to a communication after it was archived, or how it was archived wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// It was put again: two versions.
    RecordOverwritten,
    /// A delete marker hides it.
    RecordDeleted,
    /// No version is left.
    RecordGone,
    DocumentOverwritten,
    /// No version is left.
    DocumentGone,
    /// It is longer than the record says.
    DocumentLonger,
    RecordOfAnother,
    RecordIsNoJson,
    /// S3 answers that it is busy.
    RecordUnreadable,
    /// It is not there yet.
    NotArchivedYet,
}

/// What there is, and what was asked.
#[derive(Debug, Default)]
pub struct Evidence {
    /// `<shop>/<yyyy>/<mm>/<dd>/`
    pub day: String,
    /// How many communications were archived on that day; they are numbered from 0.
    pub communications: u64,
    /// How many customers they belong to.
    pub customers: u64,
    pub edits: BTreeMap<u64, Edit>,
    /// The facts of communications, in their order.
    pub facts: BTreeMap<u64, Vec<String>>,
    /// Entries of who read what, and what was destroyed, by their keys.
    pub others: BTreeMap<String, String>,
    /// All versions of what is in the log.
    pub log: BTreeMap<String, Vec<Bytes>>,
    /// Requests by their operations.
    pub requests: BTreeMap<&'static str, u64>,
    /// From so many puts on, nothing is answered any more.
    pub dies_after: Option<u64>,
    secrets: HashMap<String, Value>,
}

/// A server that answers for all of it.
#[derive(Clone)]
pub struct EvidenceAws {
    pub url: String,
    evidence: Arc<Mutex<Evidence>>,
}

const SEED: [u8; 32] = [7; 32];
const DOCUMENT: &[u8] = b"%PDF-1.7 a document";
const DOCUMENT_SHA256: &str = "5fcb6b8f7a2b5e3f0f2f3a7be5d13f9df9d5c3a7c9d5f5d3c4f2b8a0e6f7d1c2";
/// As many keys as S3 lists at once.
const PAGE: usize = 1000;

impl EvidenceAws {
    /// Of the `day` with this prefix.
    pub async fn start(day: &str, communications: u64, customers: u64) -> Self {
        let day = day.to_owned();
        let evidence = Evidence { day, communications, customers, ..Evidence::default() };
        let evidence = Arc::new(Mutex::new(evidence));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&evidence));
        Self { url: serve(router).await, evidence }
    }

    pub fn evidence(&self) -> MutexGuard<'_, Evidence> {
        self.evidence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key that signs, as RFC 8032 encodes it.
    pub fn public_key() -> [u8; 32] {
        pair().public_key().as_ref().try_into().expect("a key has 32 bytes")
    }
}

fn pair() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&SEED).expect("a seed has 32 bytes")
}

type Shared = State<Arc<Mutex<Evidence>>>;

async fn answer(State(evidence): Shared, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("the request has a body");
    let mut evidence = evidence.lock().unwrap_or_else(PoisonError::into_inner);
    if head.headers.contains_key("x-amz-target") {
        let request: Value = serde_json::from_slice(&body).expect("the request is JSON");
        return match operation(&head.headers) {
            "BatchGetItem" => evidence.read_secrets(&request),
            "TransactWriteItems" => evidence.make_secrets(&request),
            "GetPublicKey" => json(json!({"PublicKey": BASE64_STANDARD.encode(spki())})),
            "Sign" => evidence.sign(&request),
            other => panic!("sealing needs no {other}"),
        };
    }
    let path = head.uri.path().strip_prefix("/archive/").or_else(|| head.uri.path().strip_prefix("/archive"));
    let key = path.expect("there is one bucket").to_owned();
    let query = query(head.uri.query().unwrap_or_default());
    match head.method {
        Method::GET if query.contains_key("versions") => evidence.list_versions(&query),
        Method::GET if query.contains_key("list-type") => evidence.list_log(&query),
        Method::GET if key.starts_with("log/") => evidence.get_log(&key),
        Method::GET if evidence.others.contains_key(&key) => evidence.others[&key].clone().into_response(),
        Method::GET => evidence.get_record(&key, query.get("versionId").map(String::as_str)),
        Method::PUT => evidence.put_log(&key, &head.headers, &body),
        other => panic!("sealing needs no {other}"),
    }
}

fn query(text: &str) -> HashMap<String, String> {
    let pairs = text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(name, value)| (name.to_owned(), value.replace("%2F", "/"))).collect()
}

fn json(value: Value) -> Response {
    ([("content-type", "application/x-amz-json-1.0")], value.to_string()).into_response()
}

fn xml(text: String) -> Response {
    ([("content-type", "application/xml")], text).into_response()
}

fn refuse(status: StatusCode, code: &str) -> Response {
    (status, [("content-type", "application/xml")], format!("<Error><Code>{code}</Code></Error>"))
        .into_response()
}

fn spki() -> Vec<u8> {
    let prefix = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    [prefix.as_slice(), &EvidenceAws::public_key()].concat()
}

/// The versions of one key, the newest first: version and length, or a delete marker.
type Versions = Vec<(&'static str, Option<usize>)>;

impl Evidence {
    fn count(&mut self, operation: &'static str) {
        *self.requests.entry(operation).or_default() += 1;
    }

    fn folder(&self, number: u64) -> String {
        format!("{}order-confirmation/{number:032x}/", self.day)
    }

    /// What is listed of a communication, by file name.
    fn objects(&self, number: u64) -> Vec<(String, Versions)> {
        let edit = self.edits.get(&number);
        let record = self.record(number).len();
        let document = match edit {
            Some(Edit::DocumentGone) => vec![],
            Some(Edit::DocumentOverwritten) => vec![("v2", Some(5)), ("v1", Some(DOCUMENT.len()))],
            Some(Edit::DocumentLonger) => vec![("v1", Some(DOCUMENT.len() + 1))],
            _ => vec![("v1", Some(DOCUMENT.len()))],
        };
        let record = match edit {
            Some(Edit::RecordGone | Edit::NotArchivedYet) => vec![],
            Some(Edit::RecordDeleted) => vec![("v2", None), ("v1", Some(record))],
            Some(Edit::RecordOverwritten) => vec![("v2", Some(record)), ("v1", Some(record))],
            _ => vec![("v1", Some(record))],
        };
        let facts = self.facts.get(&number).into_iter().flatten().enumerate();
        let facts =
            facts.map(|(at, fact)| (format!("fact-{:02}.json", at + 1), vec![("v1", Some(fact.len()))]));
        let document = std::iter::once(("document.pdf".to_owned(), document));
        document.chain(facts).chain([("record.json".to_owned(), record)]).collect()
    }

    pub fn record(&self, number: u64) -> String {
        let folder = self.folder(number);
        let named = match self.edits.get(&number) {
            Some(Edit::RecordOfAnother) => number + 1,
            Some(Edit::RecordIsNoJson) => return "no record".to_owned(),
            _ => number,
        };
        let shop = self.day.split('/').next().unwrap_or_default();
        let customer = number % self.customers.max(1);
        json!({
            "v": 1, "communication": format!("{named:032x}"), "shop": shop, "flow": "order-confirmation",
            "document": "order-confirmation", "message_class": "transactional",
            "subject": format!("gid://shopify/Order/{number}"), "revision": "initial",
            "reported_on": format!("gid://shopify/Order/{number}"), "customer": format!("{customer:064x}"),
            "trigger": {"topic": "orders/create", "webhook_id": "0d5b0f5e-3f0e-4a3c-9a53-1f1f3ad07a01"},
            "composed_at": "2026-11-27T09:00:00Z", "locale": "en",
            "template": {"communication": "c", "data_source": "d", "basis": "unavailable"},
            "driver_data": {"schema": "order-confirmation/1", "format": "json", "sha256": DOCUMENT_SHA256},
            "outputs": [{
                "object": format!("{folder}document.pdf"), "version_id": "v1", "media_type": "application/pdf",
                "bytes": DOCUMENT.len(), "sha256": DOCUMENT_SHA256,
            }],
            "retention": {"mode": "COMPLIANCE", "until": "2036-11-27T09:00:00Z"},
            "software": {"name": "order-confirmation", "version": "0.1.0"}, "test": false,
        })
        .to_string()
    }

    /// The number of the communication that a key is of.
    fn number(&self, key: &str) -> Option<u64> {
        let id = key.strip_prefix(&self.day)?.strip_prefix("order-confirmation/")?.split('/').next()?;
        u64::from_str_radix(id.get(16..)?, 16).ok()
    }

    /// A page of versions, which ends only between keys.
    fn list_versions(&mut self, query: &HashMap<String, String>) -> Response {
        self.count("ListObjectVersions");
        if query["prefix"] != self.day {
            let listed = self.others.iter().filter(|(key, _)| key.starts_with(&query["prefix"]));
            let version = |(key, text): (&String, &String)| {
                format!(
                    "<Version><Key>{key}</Key><VersionId>v1</VersionId><Size>{}</Size></Version>",
                    text.len()
                )
            };
            let listed: String = listed.map(version).collect();
            return xml(format!(
                "<ListVersionsResult><IsTruncated>false</IsTruncated>{listed}</ListVersionsResult>"
            ));
        }
        let marker = query.get("key-marker").map(String::as_str).unwrap_or_default();
        let (mut listed, mut body, mut last) = (0, String::new(), None);
        'page: for number in self.number(marker).unwrap_or_default()..self.communications {
            for (name, versions) in self.objects(number) {
                let key = format!("{}{name}", self.folder(number));
                if key.as_str() <= marker {
                    continue;
                }
                if listed + versions.len() > PAGE {
                    break 'page;
                }
                listed += versions.len();
                for (id, bytes) in versions {
                    let _ = match bytes {
                        Some(bytes) => write!(
                            body,
                            "<Version><Key>{key}</Key><VersionId>{id}</VersionId><Size>{bytes}</Size></Version>"
                        ),
                        None => write!(
                            body,
                            "<DeleteMarker><Key>{key}</Key><VersionId>{id}</VersionId></DeleteMarker>"
                        ),
                    };
                }
                last = Some((number, key));
            }
        }
        let more = match last {
            Some((number, key)) if number + 1 < self.communications || !key.ends_with("record.json") => {
                format!(
                    "<IsTruncated>true</IsTruncated><NextKeyMarker>{key}</NextKeyMarker>\
                     <NextVersionIdMarker>v1</NextVersionIdMarker>"
                )
            }
            _ => "<IsTruncated>false</IsTruncated>".to_owned(),
        };
        xml(format!("<ListVersionsResult>{more}{body}</ListVersionsResult>"))
    }

    fn get_record(&mut self, key: &str, version: Option<&str>) -> Response {
        self.count("GetObjectVersion");
        let fact =
            key.rsplit_once("/fact-").and_then(|(_, name)| name.strip_suffix(".json")?.parse::<usize>().ok());
        if let (Some(at), Some(number)) = (fact, self.number(key)) {
            return self.facts[&number][at - 1].clone().into_response();
        }
        let number = self.number(key).filter(|_| key.ends_with("/record.json"));
        let number = number.unwrap_or_else(|| panic!("sealing reads records only, not {key}"));
        if self.edits.get(&number) == Some(&Edit::RecordUnreadable) {
            return refuse(StatusCode::SERVICE_UNAVAILABLE, "SlowDown");
        }
        let (_, versions) = self.objects(number).pop().expect("the record is listed last");
        let is_there = versions.iter().any(|(id, bytes)| Some(*id) == version && bytes.is_some());
        if !is_there {
            return refuse(StatusCode::NOT_FOUND, "NoSuchVersion");
        }
        self.record(number).into_response()
    }

    fn list_log(&mut self, query: &HashMap<String, String>) -> Response {
        self.count("ListObjectsV2");
        let keys = self.log.keys().chain(self.others.keys()).filter(|key| key.starts_with(&query["prefix"]));
        let contents: String = keys.map(|key| format!("<Contents><Key>{key}</Key></Contents>")).collect();
        xml(format!("<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"))
    }

    fn get_log(&mut self, key: &str) -> Response {
        self.count("GetObject");
        match self.log.get(key).and_then(|versions| versions.last()) {
            Some(bytes) => ([("etag", e_tag(bytes))], Body::from(bytes.clone())).into_response(),
            None => refuse(StatusCode::NOT_FOUND, "NoSuchKey"),
        }
    }

    fn put_log(&mut self, key: &str, headers: &HeaderMap, body: &Bytes) -> Response {
        self.count("PutObject");
        assert!(key.starts_with("log/"), "sealing writes nothing but the log, not {key}");
        let header = |name: &str| headers.get(name).map(|value| value.to_str().expect("a header is text"));
        assert!(header("x-amz-object-lock-retain-until-date").is_some(), "{key} is not locked");
        if self.dies_after.is_some_and(|puts| self.requests["PutObject"] > puts) {
            return refuse(StatusCode::FORBIDDEN, "Died");
        }
        let newest = self.log.get(key).and_then(|versions| versions.last()).map(e_tag);
        let holds = match (header("if-none-match"), header("if-match")) {
            (Some("*"), None) => newest.is_none(),
            (None, Some(expected)) => newest.as_deref() == Some(expected),
            _ => panic!("{key} is put without a condition"),
        };
        if !holds {
            return refuse(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
        }
        self.log.entry(key.to_owned()).or_default().push(body.clone());
        ([("etag", e_tag(body))], "").into_response()
    }

    fn read_secrets(&mut self, request: &Value) -> Response {
        self.count("BatchGetItem");
        let keys = request["RequestItems"]["commitments"]["Keys"].as_array().expect("it names keys");
        assert!(keys.len() <= 100, "DynamoDB reads 100 items at once");
        let item = |key: &Value| {
            let name = key["pk"]["S"].as_str()?;
            Some(json!({"pk": {"S": name}, "secret": {"B": self.secrets.get(name)?}}))
        };
        let items: Vec<Value> = keys.iter().filter_map(item).collect();
        json(json!({"Responses": {"commitments": items}, "UnprocessedKeys": {}}))
    }

    fn make_secrets(&mut self, request: &Value) -> Response {
        self.count("TransactWriteItems");
        let puts = request["TransactItems"].as_array().expect("it has items");
        assert!(puts.len() <= 100, "a transaction has 100 items");
        let name = |put: &Value| put["Put"]["Item"]["pk"]["S"].as_str().expect("a key").to_owned();
        for put in puts {
            assert_eq!(put["Put"]["TableName"], "commitments");
            assert_eq!(put["Put"]["ConditionExpression"], "attribute_not_exists(pk)");
        }
        if puts.iter().any(|put| self.secrets.contains_key(&name(put))) {
            let reasons: Vec<Value> =
                puts.iter().map(|_| json!({"Code": "ConditionalCheckFailed"})).collect();
            let body = json!({
                "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                "message": "cancelled", "CancellationReasons": reasons,
            });
            return (StatusCode::BAD_REQUEST, json(body)).into_response();
        }
        for put in puts {
            self.secrets.insert(name(put), put["Put"]["Item"]["secret"]["B"].clone());
        }
        json(json!({}))
    }

    fn sign(&mut self, request: &Value) -> Response {
        self.count("Sign");
        assert_eq!(request["SigningAlgorithm"], "ED25519_SHA_512");
        let message = BASE64_STANDARD.decode(request["Message"].as_str().expect("a message"));
        let message = message.expect("the message is base64");
        assert!(message.len() <= 4096, "KMS signs no more");
        json(json!({"Signature": BASE64_STANDARD.encode(pair().sign(&message))}))
    }
}

/// Not a hash, and not asked for across processes: only equal bytes have to have equal ones.
fn e_tag(bytes: &Bytes) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}
