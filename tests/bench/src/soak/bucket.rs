//! The buckets: objects with versions and checksums, of which none is put over another that is not meant to be.

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use base64::prelude::{BASE64_STANDARD, Engine};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, time::Instant};

/// By `/bucket/key`.
#[derive(Debug, Default)]
pub struct Buckets {
    pub objects: BTreeMap<String, Object>,
    versions: u64,
    /// Keys that were put although there was something.
    pub overwritten: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct Object {
    pub bytes: Bytes,
    /// In hexadecimal.
    pub sha256: String,
    pub version: String,
    pub at: Instant,
    /// What comes back with it: its type, how it is locked, and what whoever put it has noted.
    headers: HeaderMap,
}

impl Buckets {
    pub fn put(&mut self, key: &str, headers: &HeaderMap, bytes: Bytes) -> Response {
        let digest = Sha256::digest(&bytes);
        let announced = headers.get("x-amz-checksum-sha256").and_then(|value| value.to_str().ok());
        if announced.is_some_and(|announced| announced != BASE64_STANDARD.encode(digest)) {
            return error(StatusCode::BAD_REQUEST, "BadDigest");
        }
        if self.objects.contains_key(key) {
            if headers.get(header::IF_NONE_MATCH).is_some() {
                return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
            }
            self.overwritten.push(key.to_owned());
        }
        self.versions += 1;
        let version = format!("v{:010}", self.versions);
        let noted = headers.iter().filter(|(name, _)| {
            let name = name.as_str();
            let is_noted = |prefix| name.starts_with(prefix);
            name == "content-type"
                || name == "x-amz-checksum-sha256"
                || ["x-amz-meta-", "x-amz-object-lock-"].into_iter().any(is_noted)
        });
        let mut headers: HeaderMap = noted.map(|(name, value)| (name.clone(), value.clone())).collect();
        for (name, value) in [("x-amz-version-id", version.clone()), ("etag", format!("\"{version}\""))] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        let answer = headers.clone();
        let sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.objects.insert(key.to_owned(), Object { bytes, sha256, version, at: Instant::now(), headers });
        (answer, ()).into_response()
    }

    /// Everything but puts.
    pub fn read(&self, method: &Method, uri: &Uri) -> Response {
        if let Some(prefix) = parameter(uri, "prefix") {
            let prefix = format!("{}/{}", uri.path().trim_end_matches('/'), prefix.replace("%2F", "/"));
            let versions =
                uri.query().is_some_and(|query| query.split(['&', '=']).any(|it| it == "versions"));
            return if versions { self.list_versions(&prefix) } else { self.list(&prefix) };
        }
        let version = parameter(uri, "versionId");
        let found = self.objects.get(uri.path());
        let Some(object) = found.filter(|object| version.is_none_or(|version| version == object.version))
        else {
            return error(StatusCode::NOT_FOUND, "NoSuchKey");
        };
        match *method {
            Method::GET => (object.headers.clone(), object.bytes.clone()).into_response(),
            _ => {
                let length = [(header::CONTENT_LENGTH, object.bytes.len())];
                (object.headers.clone(), length.map(|(name, length)| (name, length.to_string())), ())
                    .into_response()
            }
        }
    }

    /// The objects below a prefix, by their keys without the bucket's name.
    fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Object)> {
        let bucket =
            prefix.get(1..).and_then(|prefix| prefix.split_once('/')).map_or(0, |(it, _)| it.len() + 2);
        let keys =
            self.objects.range(prefix.to_owned()..).take_while(move |(key, _)| key.starts_with(prefix));
        keys.map(move |(key, object)| (&key[bucket..], object))
    }

    /// Nothing is deleted here, so each object has the one version.
    fn list_versions(&self, prefix: &str) -> Response {
        let version = |(key, object): (&str, &Object)| {
            format!("<Version><Key>{key}</Key><VersionId>{}</VersionId></Version>", object.version)
        };
        let versions: String = self.below(prefix).map(version).collect();
        xml(StatusCode::OK, format!("<ListVersionsResult>{versions}</ListVersionsResult>"))
    }

    fn list(&self, prefix: &str) -> Response {
        let entries: Vec<_> = self
            .below(prefix)
            .map(|(key, object)| {
                format!("<Contents><Key>{key}</Key><Size>{}</Size></Contents>", object.bytes.len())
            })
            .collect();
        let (count, entries) = (entries.len(), entries.concat());
        xml(
            StatusCode::OK,
            format!(
                "<ListBucketResult><KeyCount>{count}</KeyCount><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>"
            ),
        )
    }
}

fn parameter<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let mut pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

pub fn error(status: StatusCode, code: &str) -> Response {
    xml(status, format!("<Error><Code>{code}</Code></Error>"))
}

fn xml(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/xml")], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(buckets: &mut Buckets, headers: &[(&'static str, &str)]) -> StatusCode {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
        buckets.put("/archive/a/document.pdf", &headers.collect(), Bytes::from_static(b"pdf")).status()
    }

    #[test]
    fn nothing_is_put_over_another_that_is_not_meant_to_be() {
        let mut buckets = Buckets::default();
        let once = ("if-none-match", "*");
        let wrong = ("x-amz-checksum-sha256", "AAAA");
        assert_eq!(put(&mut buckets, &[once, wrong]), 400);
        assert_eq!(put(&mut buckets, &[once]), 200);
        assert_eq!(put(&mut buckets, &[once]), 412);
        assert!(buckets.overwritten.is_empty());
        assert_eq!(put(&mut buckets, &[]), 200);
        assert_eq!(buckets.overwritten, ["/archive/a/document.pdf"]);
    }

    #[test]
    fn a_version_is_read_or_nothing() {
        let mut buckets = Buckets::default();
        put(&mut buckets, &[]);
        let read = |uri: &'static str| buckets.read(&Method::GET, &Uri::from_static(uri)).status();
        assert_eq!(read("/archive/a/document.pdf?versionId=v0000000001"), 200);
        assert_eq!(read("/archive/a/document.pdf?versionId=v0000000002"), 404);
        assert_eq!(read("/archive/b"), 404);
    }

    #[tokio::test]
    async fn a_list_has_the_keys_of_the_prefix() {
        let mut buckets = Buckets::default();
        put(&mut buckets, &[]);
        let uri = Uri::from_static("/archive?list-type=2&prefix=a%2F&max-keys=8");
        let answer = buckets.read(&Method::GET, &uri).into_body();
        let text = axum::body::to_bytes(answer, 10_000).await.unwrap();
        assert!(String::from_utf8_lossy(&text).contains("<Contents><Key>a/document.pdf</Key>"));
        let uri = Uri::from_static("/archive?versions&prefix=a%2Fdocument.pdf&max-keys=8");
        let text = axum::body::to_bytes(buckets.read(&Method::GET, &uri).into_body(), 10_000).await.unwrap();
        assert!(String::from_utf8_lossy(&text).contains("<Version><Key>a/document.pdf</Key>"));
    }
}
