//! A bucket in memory, as strict as S3 where the log depends on it: conditions, versions that stay, and one refusal for
//! everything it does not know. It can die at a given put, before or after the put has taken effect.

use aws_sdk_s3::Client;
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{Method, StatusCode},
    response::Response,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

#[derive(Default)]
pub struct Objects {
    /// All versions of each key, the newest last.
    pub versions: BTreeMap<String, Vec<Vec<u8>>>,
    pub puts: usize,
    /// From which put on nothing works any more, and whether that one still takes effect.
    pub dies_at: Option<(usize, bool)>,
}

#[derive(Clone, Default)]
pub struct Bucket(pub Arc<Mutex<Objects>>);

impl Bucket {
    pub async fn client(&self) -> Client {
        let url = fakes::serve(Router::new().fallback(answer).with_state(self.clone())).await;
        let config = aws_sdk_s3::config::Builder::from(&fakes::aws(&url).await).force_path_style(true);
        Client::from_conf(config.build())
    }

    pub fn die_at(&self, put: Option<(usize, bool)>) {
        let mut objects = self.0.lock().unwrap();
        objects.puts = 0;
        objects.dies_at = put;
    }

    pub fn objects(&self) -> BTreeMap<String, Vec<Vec<u8>>> {
        self.0.lock().unwrap().versions.clone()
    }
}

fn refuse(status: StatusCode, code: &str) -> Response {
    let body = format!("<Error><Code>{code}</Code></Error>");
    Response::builder()
        .status(status)
        .header("content-type", "application/xml")
        .body(Body::from(body))
        .unwrap()
}

fn e_tag(bytes: &[u8]) -> String {
    format!("\"{}\"", archive::sha256_hex(bytes))
}

async fn answer(State(bucket): State<Bucket>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let key = head.uri.path().strip_prefix("/archive/").unwrap_or_default().to_owned();
    let query = head.uri.query().unwrap_or_default().to_owned();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let header = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let mut objects = bucket.0.lock().unwrap();
    match head.method {
        Method::GET if query.contains("list-type=2") => list(&objects, &query),
        Method::GET => match objects.versions.get(&key).and_then(|versions| versions.last()) {
            Some(bytes) => {
                Response::builder().header("etag", e_tag(bytes)).body(Body::from(bytes.clone())).unwrap()
            }
            None => refuse(StatusCode::NOT_FOUND, "NoSuchKey"),
        },
        Method::PUT => {
            assert!(header("x-amz-object-lock-retain-until-date").is_some(), "{key} is not locked");
            assert_eq!(header("x-amz-object-lock-mode").as_deref(), Some("COMPLIANCE"));
            objects.puts += 1;
            let (put, dies_at) = (objects.puts, objects.dies_at);
            if dies_at.is_some_and(|(at, takes_effect)| put > at || (put == at && !takes_effect)) {
                return refuse(StatusCode::FORBIDDEN, "Died");
            }
            let newest = objects.versions.get(&key).and_then(|versions| versions.last()).map(|it| e_tag(it));
            let holds = match (header("if-none-match"), header("if-match")) {
                (Some(_), None) => newest.is_none(),
                (None, Some(expected)) => newest == Some(expected),
                _ => panic!("{key} is put without a condition"),
            };
            if !holds {
                return refuse(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
            }
            objects.versions.entry(key).or_default().push(body.to_vec());
            if dies_at.is_some_and(|(at, _)| put == at) {
                return refuse(StatusCode::FORBIDDEN, "Died");
            }
            Response::builder().header("etag", e_tag(&body)).body(Body::empty()).unwrap()
        }
        other => panic!("the log needs no {other}"),
    }
}

fn list(objects: &Objects, query: &str) -> Response {
    let prefix = query.split('&').find_map(|pair| pair.strip_prefix("prefix=")).unwrap().replace("%2F", "/");
    let keys = objects.versions.keys().filter(|key| key.starts_with(&prefix));
    let contents: String = keys.map(|key| format!("<Contents><Key>{key}</Key></Contents>")).collect();
    let body = format!("<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>");
    Response::builder().header("content-type", "application/xml").body(Body::from(body)).unwrap()
}
