//! A bucket with versions, retention and legal holds, as S3 documents them, which a test can make unreachable after any
//! number of requests. What it does not know it refuses.

use archive::{
    Archive, Composed, ComposedOutput, Details, EvidenceRecord, KeptUnder, Location, LockMode, Retention,
    Template, TemplateBasis,
};
use aws_sdk_s3::{Client, config::Builder};
use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use comms::{Document, Gid, Revision, ShopDomain};
use fakes::{Seen, Server};
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Arc, Mutex},
};

pub const SHOP: &str = "acme.myshopify.com";

#[derive(Clone)]
pub struct Version {
    pub id: String,
    pub body: Vec<u8>,
    pub until: Option<Timestamp>,
    pub is_held: bool,
    pub headers: Vec<(String, String)>,
}

#[derive(Default)]
pub struct State {
    /// The versions of each key, the oldest first.
    pub objects: BTreeMap<String, Vec<Version>>,
    /// After so many more requests, nothing is answered any more.
    pub requests_left: Option<usize>,
    pub now: Timestamp,
    puts: usize,
}

#[derive(Clone, Default)]
pub struct Bucket(Arc<Mutex<State>>);

fn plain(status: u16, body: impl Into<Body>) -> Response<Body> {
    Response::builder().status(StatusCode::from_u16(status).unwrap()).body(body.into()).unwrap()
}

fn refusal(status: u16, code: &str) -> Response<Body> {
    plain(status, format!("<Error><Code>{code}</Code><Message>m</Message></Error>"))
}

fn parameter(query: &str, name: &str) -> Option<String> {
    let value = query.split('&').find_map(|it| it.strip_prefix(&format!("{name}=")))?;
    Some(value.replace("%2F", "/"))
}

impl State {
    fn answer(&mut self, seen: &Seen) -> Response<Body> {
        match &mut self.requests_left {
            Some(0) => return refusal(500, "InternalError"),
            Some(left) => *left -= 1,
            None => {}
        }
        let (method, target) = seen.target.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let key = path.trim_start_matches("/archive").trim_start_matches('/').to_owned();
        let version = parameter(query, "versionId");
        let is = |name: &str| query.split('&').any(|it| it.split('=').next() == Some(name));
        match method {
            "GET" if is("versions") => self.versions(&parameter(query, "prefix").unwrap_or_default()),
            "GET" if is("list-type") => self.list(&parameter(query, "prefix").unwrap_or_default()),
            "PUT" if is("legal-hold") => {
                self.hold(&key, version.as_deref(), &String::from_utf8_lossy(&seen.body))
            }
            "PUT" => self.put(key, seen),
            "DELETE" => self.delete(&key, version.as_deref()),
            "GET" | "HEAD" => self.read(&key, version.as_deref(), method == "HEAD"),
            _ => panic!("{} is not known here", seen.target),
        }
    }

    fn put(&mut self, key: String, seen: &Seen) -> Response<Body> {
        assert_eq!(seen.header("if-none-match"), Some("*"), "{key} may be overwritten");
        if self.objects.contains_key(&key) {
            return refusal(412, "PreconditionFailed");
        }
        let until = seen.header("x-amz-object-lock-retain-until-date").map(|it| it.parse().unwrap());
        assert!(
            until.is_some_and(|until: Timestamp| until > self.now),
            "{key}: a lock cannot end in the past"
        );
        self.puts += 1;
        let id = format!("v{}", self.puts);
        let kept = |name: &&str| name.starts_with("x-amz-meta-") || *name == "x-amz-checksum-sha256";
        let headers = seen.headers.iter().filter(|(name, _)| kept(&name.as_ref()));
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let is_held = seen.header("x-amz-object-lock-legal-hold") == Some("ON");
        let version = Version { id: id.clone(), body: seen.body.to_vec(), until, is_held, headers };
        self.objects.insert(key, vec![version]);
        Response::builder().header("x-amz-version-id", id).body(Body::empty()).unwrap()
    }

    fn find(&mut self, key: &str, version: Option<&str>) -> Option<&mut Version> {
        let versions = self.objects.get_mut(key)?;
        versions.iter_mut().rfind(|it| version.is_none_or(|version| it.id == version))
    }

    fn read(&mut self, key: &str, version: Option<&str>, is_head: bool) -> Response<Body> {
        let Some(found) = self.find(key, version) else {
            return if is_head { plain(404, "") } else { refusal(404, "NoSuchKey") };
        };
        let mut response = Response::builder()
            .header("x-amz-version-id", &found.id)
            .header("content-type", "application/json")
            .header("x-amz-object-lock-legal-hold", if found.is_held { "ON" } else { "OFF" });
        if let Some(until) = found.until {
            response = response.header("x-amz-object-lock-retain-until-date", until.to_string());
        }
        for (name, value) in &found.headers {
            response = response.header(name, value);
        }
        response.body(if is_head { Body::empty() } else { found.body.clone().into() }).unwrap()
    }

    fn hold(&mut self, key: &str, version: Option<&str>, body: &str) -> Response<Body> {
        let on = body.contains("<Status>ON</Status>");
        assert!(on || body.contains("<Status>OFF</Status>"), "{body}");
        let Some(found) = self.find(key, Some(version.unwrap())) else {
            return refusal(404, "NoSuchKey");
        };
        found.is_held = on;
        plain(200, "")
    }

    fn delete(&mut self, key: &str, version: Option<&str>) -> Response<Body> {
        let (version, now) = (version.unwrap(), self.now);
        let Some(found) = self.find(key, Some(version)) else { return plain(204, "") };
        if found.is_held || found.until.is_some_and(|until| until >= now) {
            return refusal(403, "AccessDenied");
        }
        let versions = self.objects.get_mut(key).unwrap();
        versions.retain(|it| it.id != version);
        if versions.is_empty() {
            self.objects.remove(key);
        }
        plain(204, "")
    }

    fn list(&self, prefix: &str) -> Response<Body> {
        let keys = self.objects.keys().filter(|key| key.starts_with(prefix));
        let list: String = keys.map(|key| format!("<Contents><Key>{key}</Key></Contents>")).collect();
        plain(200, format!("<ListBucketResult>{list}</ListBucketResult>"))
    }

    fn versions(&self, prefix: &str) -> Response<Body> {
        let mut list = String::new();
        for (key, versions) in self.objects.iter().filter(|(key, _)| key.starts_with(prefix)) {
            for Version { id, .. } in versions.iter().rev() {
                write!(list, "<Version><Key>{key}</Key><VersionId>{id}</VersionId></Version>").unwrap();
            }
        }
        plain(200, format!("<ListVersionsResult><IsTruncated>false</IsTruncated>{list}</ListVersionsResult>"))
    }
}

impl Bucket {
    pub fn with<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.0.lock().unwrap())
    }

    /// From now on so many requests are answered.
    pub fn answers(&self, requests: Option<usize>) {
        self.with(|state| state.requests_left = requests);
    }

    pub fn keys(&self) -> Vec<String> {
        self.with(|state| state.objects.keys().cloned().collect())
    }
}

pub struct World {
    pub archive: Archive,
    pub s3: Client,
    pub bucket: Bucket,
    pub shop: ShopDomain,
    _server: Server,
}

impl World {
    pub async fn new(now: Timestamp) -> Self {
        let bucket = Bucket::default();
        bucket.with(|state| state.now = now);
        let shared = bucket.clone();
        let server = Server::start(move |seen| shared.with(|state| state.answer(seen))).await;
        let s3 =
            Client::from_conf(Builder::from(&fakes::aws(&server.base).await).force_path_style(true).build());
        let archive = Archive::new(s3.clone(), "archive".to_owned(), LockMode::Compliance);
        Self { archive, s3, bucket, shop: SHOP.parse().unwrap(), _server: server }
    }

    pub fn now(&self) -> Timestamp {
        self.bucket.with(|state| state.now)
    }

    pub fn set_now(&self, now: Timestamp) {
        self.bucket.with(|state| state.now = now);
    }

    /// Archives the document of an order with its record, kept for so many days by `class`.
    pub async fn document(&self, order: u64, class: &str, days: u16) -> archive::RecordRef {
        let subject = Gid::new("Order", order);
        let (document, revision) = (Document::Receipt, Revision::Initial);
        let communication = comms::CommunicationId::derive(&self.shop, document, &subject, &revision);
        let now = self.now();
        let location = Location::new(&self.shop, now, document, &communication, false);
        let retention = self.archive.retention(now, days);
        let composed = composed(now, days);
        let stored =
            self.archive.put_document(&location, &composed, Vec::new(), &retention, None).await.unwrap();
        let record = record(&self.shop, &communication, &subject, class, &stored, &retention);
        let (version, sha256) = self.archive.put_record(&location, &record, &retention, None).await.unwrap();
        archive::RecordRef::beside(&stored.primary.object, &communication, &version, &sha256)
    }
}

fn template() -> Template {
    Template {
        communication: "c".to_owned(),
        data_source: "d".to_owned(),
        version: Some(1),
        basis: TemplateBasis::Assumed,
        parts: None,
    }
}

fn composed(composed_at: Timestamp, retention_days: u16) -> Composed {
    Composed {
        primary: ComposedOutput {
            bytes: "%PDF-".into(),
            media_type: "application/pdf".to_owned(),
            about: archive::About::default(),
        },
        further: Vec::new(),
        details: Details {
            composed_at,
            driver_sha256: "0".repeat(64),
            driver_format: "json".to_owned(),
            schema: "receipt/1".to_owned(),
            template: template(),
            locale: "en".to_owned(),
            channel: Some("email".to_owned()),
            configuration: None,
            retention_days,
        },
    }
}

fn record(
    shop: &ShopDomain,
    communication: &comms::CommunicationId,
    subject: &Gid,
    class: &str,
    stored: &archive::Stored,
    retention: &Retention,
) -> EvidenceRecord {
    let json = serde_json::json!({
        "v": 1, "communication": communication, "shop": shop, "flow": "order-confirmation", "document": "receipt",
        "message_class": "transactional", "subject": subject, "revision": "initial", "reported_on": subject,
        "trigger": {"topic": "orders/paid", "webhook_id": "w"}, "composed_at": stored.details.composed_at,
        "locale": "en", "template": template(), "outputs": stored.outputs().collect::<Vec<_>>(),
        "driver_data": {"schema": "receipt/1", "format": "json", "sha256": "0".repeat(64)},
        "channel": "email", "recipient": {"email": "zoe@example.com"}, "retention": retention,
        "kept_under": KeptUnder { class: class.to_owned(), legal_basis: "law".to_owned(), erasable: false },
        "software": {"name": "shopify-exstream", "version": "0.1.0"}, "test": false,
    });
    // through text, as a raw value is read from text only
    serde_json::from_str(&json.to_string()).unwrap()
}
