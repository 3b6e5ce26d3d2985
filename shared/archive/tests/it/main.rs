//! Several outputs against a small S3: each attempt's puts in any order of crashes, and what is found afterwards.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod bucket;
mod facts;
mod holds;

use archive::{
    About, Archive, ArchiveError, Composed, ComposedOutput, Details, Location, LockMode, Output, Stored,
    Template, TemplateBasis,
};
use aws_sdk_s3::{Client, config::Builder};
use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use commitments::{CommitmentSecret, CommitmentSecrets};
use comms::Document;
use fakes::{SecretItems, Seen, Server};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

mod erasable;

/// Key to body and headers; the version is the number of the put.
type Objects = Arc<Mutex<BTreeMap<String, (Vec<u8>, Vec<(String, String)>)>>>;

fn answer(objects: &Objects, seen: &Seen) -> Response<Body> {
    let mut objects = objects.lock().unwrap();
    let (method, target) = seen.target.split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let plain =
        |status: StatusCode, body: String| Response::builder().status(status).body(body.into()).unwrap();
    match method {
        "GET" if query.contains("list-type=2") => {
            let key = |key: &String| {
                format!("<Contents><Key>{}</Key></Contents>", key.trim_start_matches("/archive/"))
            };
            let list: String = objects.keys().map(key).collect();
            plain(StatusCode::OK, format!("<ListBucketResult>{list}</ListBucketResult>"))
        }
        "PUT" if objects.contains_key(path) => {
            assert_eq!(seen.header("if-none-match"), Some("*"));
            let error = "<Error><Code>PreconditionFailed</Code><Message>m</Message></Error>";
            plain(StatusCode::PRECONDITION_FAILED, error.to_owned())
        }
        "PUT" => {
            let kept = ["content-type", "x-amz-checksum-sha256", "x-amz-meta-details", "x-amz-meta-output"];
            let kept =
                kept.into_iter().chain(["x-amz-meta-sha256", "x-amz-meta-further", "x-amz-meta-sealed"]);
            let mut headers: Vec<_> =
                kept.filter_map(|name| Some((name.to_owned(), seen.header(name)?.to_owned()))).collect();
            headers.push(("x-amz-version-id".to_owned(), format!("v{}", objects.len())));
            objects.insert(path.to_owned(), (seen.body.to_vec(), headers.clone()));
            let version = headers.pop().unwrap().1;
            Response::builder().header("x-amz-version-id", version).body(Body::empty()).unwrap()
        }
        _ => match objects.get(path) {
            None => plain(StatusCode::NOT_FOUND, "<Error><Code>NoSuchKey</Code></Error>".to_owned()),
            Some((body, headers)) => {
                let response =
                    headers.iter().fold(Response::builder(), |it, (name, value)| it.header(name, value));
                let body = if method == "HEAD" { Vec::new() } else { body.clone() };
                response.body(body.into()).unwrap()
            }
        },
    }
}

struct World {
    archive: Archive,
    objects: Objects,
    location: Location,
    _server: Server,
    secrets: Arc<Mutex<SecretItems>>,
    /// What is encrypted with, in place of nothing.
    secret: Option<CommitmentSecret>,
}

impl World {
    async fn new() -> Self {
        let objects = Objects::default();
        let shared = Arc::clone(&objects);
        let secrets = Arc::new(Mutex::new(SecretItems::default()));
        let table = Arc::clone(&secrets);
        let server = Server::start(move |seen| match seen.header("x-amz-target") {
            Some(target) => {
                let operation = target.rsplit('.').next().unwrap();
                let request = serde_json::from_slice(&seen.body).unwrap();
                let (status, body) = table.lock().unwrap().answer(operation, &request);
                Response::builder().status(status).body(body.to_string().into()).unwrap()
            }
            None => answer(&shared, seen),
        })
        .await;
        let aws = fakes::aws(&server.base).await;
        let commitments = CommitmentSecrets::new(aws_sdk_dynamodb::Client::new(&aws), "secrets".to_owned());
        let s3 = Builder::from(&aws).force_path_style(true).build();
        let archive = Archive::new(Client::from_conf(s3), "archive".to_owned(), LockMode::Compliance)
            .with_secrets(commitments);
        let id = "c4809f9b199959867b344883a5f958d0".parse().unwrap();
        let shop = "acme.myshopify.com".parse().unwrap();
        let at = "2026-01-03T01:30:00Z".parse().unwrap();
        let location = Location::new(&shop, at, Document::Receipt, &id, false);
        Self { archive, objects, location, _server: server, secrets, secret: None }
    }

    /// The first `puts` of an attempt; all of them give a document.
    async fn attempt(&self, composed: &Composed, puts: usize) -> Option<Stored> {
        let retention = self.archive.retention(composed.details.composed_at, 1);
        let mut further = Vec::new();
        let secret = self.secret.as_ref();
        for output in composed.further.iter().take(puts) {
            let put = self.archive.put_further(&self.location, output, &retention, secret).await;
            further.push(put.unwrap());
        }
        match puts > composed.further.len() {
            true => {
                let put =
                    self.archive.put_document(&self.location, composed, further, &retention, secret).await;
                Some(put.unwrap())
            }
            false => None,
        }
    }

    async fn found(&self) -> Option<Stored> {
        self.archive.find(&self.location).await.unwrap().document
    }
}

fn output(media_type: &str, bytes: String, uses: &str) -> ComposedOutput {
    let about = About {
        uses: vec![uses.to_owned()],
        queue: Some(format!("{uses} {}", "q".repeat(120))),
        file_name: Some("Doe.pdf".to_owned()),
        ..About::default()
    };
    ComposedOutput { bytes: bytes.into(), media_type: media_type.to_owned(), about }
}

/// Eight outputs of one run. The text is the same in every run, and stands there twice.
fn composed(run: &str) -> Composed {
    let mut further: Vec<_> =
        (1..=5).map(|number| output("application/pdf", format!("%PDF-{number} {run}"), "print")).collect();
    further.extend(["web", "archive"].map(|uses| output("text/plain", "Hello".to_owned(), uses)));
    let template = Template {
        communication: "c".to_owned(),
        data_source: "d".to_owned(),
        version: Some(1),
        basis: TemplateBasis::Assumed,
        parts: None,
    };
    Composed {
        primary: output("text/html", format!("<p>{run}"), "email-body"),
        further,
        details: Details {
            composed_at: "2026-01-03T01:30:00Z".parse().unwrap(),
            driver_sha256: "0".repeat(64),
            driver_format: "json".to_owned(),
            schema: "receipt/1".to_owned(),
            template,
            locale: "en".to_owned(),
            channel: Some("email".to_owned()),
            configuration: Some("v".repeat(32)),
            retention_days: 1,
        },
    }
}

fn hashes(stored: &Stored) -> Vec<String> {
    stored.outputs().map(|output| output.sha256.clone()).collect()
}

fn made(composed: &Composed) -> Vec<String> {
    let outputs = std::iter::once(&composed.primary).chain(&composed.further);
    outputs.map(|output| archive::sha256_hex(&output.bytes)).collect()
}

#[tokio::test]
async fn until_the_last_put_there_is_no_document_and_then_one_set() {
    let (first, second) = (composed("first"), composed("second"));
    for puts in 0..=8 {
        let world = World::new().await;
        let done = world.attempt(&first, puts).await;
        assert_eq!(done.is_some(), puts == 8);
        assert_eq!(world.found().await.map(|it| hashes(&it)), done.as_ref().map(hashes), "{puts}");
        let again = world.attempt(&second, 8).await.unwrap();
        let expected = if puts == 8 { &first } else { &second };
        assert_eq!(again.adopted, puts == 8);
        assert_eq!(hashes(&again), made(expected), "{puts}: the outputs of one run");
        let found = world.found().await.unwrap();
        assert_eq!(hashes(&found), made(expected), "{puts}");
        let uses = |stored: &Stored| -> Vec<_> {
            stored.outputs().map(|it| (it.uses.clone(), it.queue.clone(), it.version_id.clone())).collect()
        };
        assert_eq!(uses(&found), uses(&again), "{puts}: what is adopted is what was put");
    }
}

/// Whose hash its name does not say, is nobody's output.
#[tokio::test]
async fn a_further_output_that_was_exchanged_is_not_adopted() {
    let world = World::new().await;
    let stored = world.attempt(&composed("first"), 8).await.unwrap();
    let Output { object, .. } = &stored.further[2];
    {
        let mut objects = world.objects.lock().unwrap();
        let (_, headers) = objects.get_mut(&format!("/archive/{object}")).unwrap();
        let checksum = headers.iter_mut().find(|(name, _)| name == "x-amz-checksum-sha256").unwrap();
        checksum.1 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned();
    }
    let error = world.archive.find(&world.location).await.unwrap_err();
    assert!(matches!(&error, ArchiveError::Conflict { key } if key == object), "{error}");
}

/// What an attempt put that died before its last put is there, and no document's.
#[tokio::test]
async fn only_what_the_document_names_belongs_to_it() {
    let world = World::new().await;
    world.attempt(&composed("first"), 7).await;
    let stored = world.attempt(&composed("second"), 8).await.unwrap();
    assert_eq!(world.objects.lock().unwrap().len(), 5 + 8, "the texts are the same in both");
    assert_eq!(world.found().await.unwrap().further.len(), 7);
    assert!(stored.outputs().all(|output| output.object.contains("/document")));
}
