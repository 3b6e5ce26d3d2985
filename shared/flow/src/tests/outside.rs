//! What is outside: a table by DynamoDB's own rules, buckets that keep versions, a store of secrets, Exstream and Core
//! Messaging. A request that is not known here is answered by an error and makes the test fail.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::Response,
};
use fakes::{
    SecretItems, Seen, Server,
    dynamodb::{Item, apply, holds},
};
use serde_json::{Value, json};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

pub const DOCUMENT: &str = "<html><body>Thank you</body></html>";

thread_local! {
    /// So many seconds the clock of this test is ahead. Each test has a thread of its own.
    static AHEAD: Cell<i64> = const { Cell::new(0) };
    /// Where this test's outside is.
    static BASE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// The address of a file outside.
pub fn file_at(name: &str) -> String {
    BASE.with_borrow(|base| format!("{base}/files/{name}"))
}

pub fn clock() -> jiff::Timestamp {
    jiff::Timestamp::now() + jiff::SignedDuration::from_secs(AHEAD.get())
}

/// An answer of Exstream or Core Messaging.
pub type Answer = (u16, String);

/// What is kept outside, and how it answers.
pub struct Outside {
    pub items: BTreeMap<String, Item>,
    objects: BTreeMap<String, (HeaderMap, Vec<u8>)>,
    /// What erasable documents are encrypted with.
    pub secrets: SecretItems,
    pub compose: Answer,
    pub email: Answer,
    /// What carriers' files are.
    pub file: Answer,
    /// So many seconds pass while a send is marked.
    pub marking_takes: i64,
    /// The archive takes facts.
    pub takes_facts: bool,
    /// S3 answers no question about the spool.
    pub is_spool_down: bool,
    problems: Vec<String>,
}

pub fn composed() -> Answer {
    (200, DOCUMENT.to_owned())
}

pub fn taken() -> Answer {
    (202, r#"{"job_id":"job-1"}"#.to_owned())
}

impl Default for Outside {
    fn default() -> Self {
        Self {
            items: BTreeMap::new(),
            objects: BTreeMap::new(),
            secrets: SecretItems::default(),
            compose: composed(),
            email: taken(),
            file: (200, LABEL.to_owned()),
            marking_takes: 0,
            takes_facts: true,
            is_spool_down: false,
            problems: Vec::new(),
        }
    }
}

pub const LABEL: &str = "%PDF-1.7 a label";

pub type Shared = Arc<Mutex<Outside>>;

pub async fn serve(outside: &Shared) -> Server {
    let outside = Arc::clone(outside);
    let server = Server::start(move |seen| {
        let mut outside = outside.lock().unwrap();
        outside.answer(seen).unwrap_or_else(|problem| {
            outside.problems.push(problem.clone());
            response(501, problem)
        })
    })
    .await;
    BASE.set(server.base.clone());
    server
}

fn response(status: u16, body: impl Into<Body>) -> Response {
    Response::builder().status(StatusCode::from_u16(status).unwrap()).body(body.into()).unwrap()
}

fn with_type(status: u16, media_type: &str, body: String) -> Response {
    let mut response = response(status, body);
    response.headers_mut().insert("content-type", HeaderValue::from_str(media_type).unwrap());
    response
}

/// What a request asks for, in a word; of S3, only what changes something.
pub fn step(seen: &Seen) -> Option<String> {
    let (method, path) = seen.target.split_once(' ')?;
    if let Some(target) = seen.header("x-amz-target") {
        let request: Value = serde_json::from_slice(&seen.body).ok()?;
        if request["Key"]["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with("channel#")) {
            // what is known of a channel is `gate.rs`'s
            return None;
        }
        let state = request["ExpressionAttributeValues"][":state"]["S"].as_str();
        return match (target.rsplit('.').next()?, state) {
            ("UpdateItem", Some(state)) => Some(state.to_owned()),
            ("UpdateItem", None) if seen.body.windows(8).any(|it| it == b"attempts") => {
                Some("claim".to_owned())
            }
            ("UpdateItem", None) => Some("release".to_owned()),
            ("DeleteItem", _) => Some("forget".to_owned()),
            ("TransactWriteItems", _) => Some("publish".to_owned()),
            _ => None,
        };
    }
    let object = path.split('?').next()?.rsplit('/').next()?;
    match method {
        "PUT" if path.starts_with("/operations/") => {
            let kind = if object.contains("manifest") { "manifest" } else { "document" };
            Some(format!("spool {kind}"))
        }
        "PUT" => Some(format!("archive {object}")),
        "GET" if path.starts_with("/files/") => Some("fetch".to_owned()),
        "POST" if path.starts_with("/orchestration/") => Some("compose".to_owned()),
        "POST" if path.starts_with("/mra/") => Some("send".to_owned()),
        _ => None,
    }
}

impl Outside {
    /// Fails the test, if anything was asked that is not known here.
    pub fn check(&self) {
        assert_eq!(self.problems, Vec::<String>::new());
    }

    pub fn archived(&self, name: &str) -> Option<String> {
        let found = self.objects.iter().find(|(key, _)| key.starts_with("archive/") && key.ends_with(name));
        found.map(|(_, (_, bytes))| String::from_utf8(bytes.clone()).unwrap())
    }

    /// Nothing is left in the archive.
    pub fn dispose(&mut self) {
        self.objects.retain(|key, _| !key.starts_with("archive/"));
    }

    /// Whether anything that is kept in a bucket has these words in it.
    pub fn is_kept(&self, bucket: &str, words: &str) -> bool {
        let mut kept = self.objects.iter().filter(|(key, _)| key.starts_with(bucket));
        kept.any(|(_, (_, bytes))| bytes.windows(words.len()).any(|it| it == words.as_bytes()))
    }

    /// Makes what is archived something that no attempt has put there.
    pub fn spoil_archive(&mut self) {
        let archived = self.objects.iter_mut().filter(|(key, _)| key.starts_with("archive/"));
        archived.for_each(|(_, (headers, _))| headers.clear());
    }

    /// As if a worker had died before it archived a fact.
    pub fn forget_facts(&mut self) {
        self.objects.retain(|key, _| !key.contains("/fact-"));
    }

    /// As if nothing had ever been put there.
    pub fn empty_spool(&mut self) {
        self.objects.retain(|key, _| !key.starts_with("operations/spool/"));
    }

    fn answer(&mut self, seen: &Seen) -> Result<Response, String> {
        let unknown = || format!("`{}` is not known here", seen.target);
        if let Some(target) = seen.header("x-amz-target") {
            let request: Value = serde_json::from_slice(&seen.body).map_err(|error| error.to_string())?;
            let operation = target.rsplit('.').next();
            if let (Some(operation), "commitments") =
                (operation, request["TableName"].as_str().unwrap_or_default())
            {
                let (status, body) = self.secrets.answer(operation, &request);
                return Ok(response(status, body.to_string()));
            }
            return match operation {
                Some("GetSecretValue") => Ok(response(
                    200,
                    json!({"SecretString": "a key that is long enough for links"}).to_string(),
                )),
                Some("TransactWriteItems") => self.transact(&request),
                // of what belongs to an order; no test has another issue there
                Some("Query") if request["IndexName"] == "by-resource" => {
                    Ok(response(200, json!({"Items": []}).to_string()))
                }
                Some(operation) => self.table(operation, &request),
                None => Err(unknown()),
            };
        }
        let (method, target) = seen.target.split_once(' ').ok_or_else(unknown)?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        match (method, path) {
            ("POST", path) if path.starts_with("/orchestration/api/v1/inputs/ondemand/") => {
                Ok(with_type(self.compose.0, "text/html", self.compose.1.clone()))
            }
            ("POST", "/mra/v1/outbound/emails" | "/mra/v1/outbound/sms") => {
                Ok(with_type(self.email.0, "application/json", self.email.1.clone()))
            }
            ("GET", path) if path.starts_with("/files/") => Ok(response(self.file.0, self.file.1.clone())),
            ("PUT", path) => self.put(&path[1..], seen),
            ("GET", "/archive" | "/archive/") if query.contains("list-type=2") => {
                Ok(self.list("archive", query))
            }
            ("GET", "/operations" | "/operations/") if query.contains("versions") => match self.is_spool_down
            {
                true => Ok(response(503, "<Error><Code>SlowDown</Code></Error>")),
                false => Ok(self.versions("operations", query)),
            },
            ("GET" | "HEAD", path) => Ok(match self.objects.get(&path[1..]) {
                Some((headers, bytes)) => {
                    let mut response = response(200, bytes.clone());
                    response.headers_mut().extend(headers.clone());
                    response
                }
                None => response(404, "<Error><Code>NoSuchKey</Code></Error>"),
            }),
            _ => Err(unknown()),
        }
    }

    fn put(&mut self, key: &str, seen: &Seen) -> Result<Response, String> {
        if seen.header("if-none-match") != Some("*") {
            return Err(format!("{key} may be overwritten"));
        }
        if key.contains("/fact-") && !self.takes_facts {
            return Ok(response(503, "<Error><Code>SlowDown</Code></Error>"));
        }
        if self.objects.contains_key(key) {
            return Ok(response(412, "<Error><Code>PreconditionFailed</Code></Error>"));
        }
        let is_kept = |name: &str| {
            name.starts_with("x-amz-meta-")
                || name.starts_with("x-amz-object-lock-")
                || ["content-type", "x-amz-checksum-sha256"].contains(&name)
        };
        let mut headers: HeaderMap = seen
            .headers
            .iter()
            .filter(|(name, _)| is_kept(name))
            .map(|(name, value)| {
                (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
            })
            .collect();
        headers.insert("x-amz-version-id", HeaderValue::from_static("v1"));
        let mut answer = response(200, Body::empty());
        answer.headers_mut().insert("x-amz-version-id", HeaderValue::from_static("v1"));
        self.objects.insert(key.to_owned(), (headers, seen.body.to_vec()));
        Ok(answer)
    }

    fn keys(&self, bucket: &str, query: &str) -> Vec<String> {
        let prefix = query.split('&').find_map(|it| it.strip_prefix("prefix=")).unwrap_or_default();
        let prefix = format!("{bucket}/{}", prefix.replace("%2F", "/"));
        let found = self.objects.keys().filter(|key| key.starts_with(&prefix));
        found.map(|key| key[bucket.len() + 1..].to_owned()).collect()
    }

    fn list(&self, bucket: &str, query: &str) -> Response {
        let contents =
            self.keys(bucket, query).into_iter().map(|key| format!("<Contents><Key>{key}</Key></Contents>"));
        response(200, format!("<ListBucketResult>{}</ListBucketResult>", contents.collect::<String>()))
    }

    fn versions(&self, bucket: &str, query: &str) -> Response {
        let version = |key: String| format!("<Version><Key>{key}</Key><VersionId>v1</VersionId></Version>");
        let versions: String = self.keys(bucket, query).into_iter().map(version).collect();
        response(200, format!("<ListVersionsResult>{versions}</ListVersionsResult>"))
    }

    /// Links are put by transactions: all of them, or none if one is there.
    fn transact(&mut self, request: &Value) -> Result<Response, String> {
        let puts = request["TransactItems"].as_array().ok_or("a transaction without items")?;
        let items: Vec<_> = puts.iter().filter_map(|put| put["Put"]["Item"].as_object()).collect();
        if items.len() != puts.len() || !request.to_string().contains("attribute_not_exists(pk)") {
            return Err("only links that are not there are put".to_owned());
        }
        let key =
            |item: &&serde_json::Map<String, Value>| item["pk"]["S"].as_str().unwrap_or_default().to_owned();
        if items.iter().any(|item| self.items.contains_key(&key(item))) {
            let reasons: Vec<_> = items.iter().map(|_| json!({"Code": "ConditionalCheckFailed"})).collect();
            let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
            let refusal = json!({"__type": kind, "message": "no", "CancellationReasons": reasons});
            return Ok(response(400, refusal.to_string()));
        }
        for item in items {
            let item = item.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            self.items.insert(key(&&Item::clone(&item).into_iter().collect()), item);
        }
        Ok(response(200, "{}"))
    }

    /// The links that there are.
    pub fn links(&self) -> usize {
        self.items.keys().filter(|pk| pk.starts_with("link#")).count()
    }

    fn table(&mut self, operation: &str, request: &Value) -> Result<Response, String> {
        let pk = request["Key"]["pk"]["S"].as_str().ok_or_else(|| format!("{operation} without a key"))?;
        let item = self.items.get(pk);
        if operation == "GetItem" {
            let answer = item.map_or(json!({}), |item| json!({"Item": item}));
            return Ok(response(200, answer.to_string()));
        }
        if let Some(condition) = request["ConditionExpression"].as_str()
            && !holds(condition, item, request).map_err(|error| error.to_string())?
        {
            let kind = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
            let mut refusal = json!({"__type": kind, "message": "The conditional request failed"});
            if let (Some(item), Some("ALL_OLD")) =
                (item, request["ReturnValuesOnConditionCheckFailure"].as_str())
            {
                refusal["Item"] = json!(item);
            }
            return Ok(response(400, refusal.to_string()));
        }
        let mut answer = json!({});
        match operation {
            "DeleteItem" => {
                self.items.remove(pk);
            }
            "UpdateItem" => {
                let mut item =
                    item.cloned().unwrap_or_else(|| Item::from_iter([("pk".to_owned(), json!({"S": pk}))]));
                apply(&mut item, request["UpdateExpression"].as_str().unwrap_or_default(), request)
                    .map_err(|error| error.to_string())?;
                if ["ALL_NEW", "UPDATED_NEW"].contains(&request["ReturnValues"].as_str().unwrap_or_default())
                {
                    answer = json!({"Attributes": item});
                }
                if request["ExpressionAttributeValues"][":state"]["S"] == "sending" {
                    AHEAD.set(AHEAD.get() + self.marking_takes);
                }
                self.items.insert(pk.to_owned(), item);
            }
            other => return Err(format!("`{other}` is not known here")),
        }
        Ok(response(200, answer.to_string()))
    }
}
