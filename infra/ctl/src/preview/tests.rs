//! Documents from their samples, composed by the stand-in for Exstream. There is no other service.

use super::{
    Connection, sample,
    sample::{Composer, From},
    saved::Saver,
};
use crate::samples::Which;
use comms::Document;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};
use stub_exstream::{ExstreamOptions, ExstreamStub};
use stub_http::Running;

const COMMUNICATION: &str = "6f1f3ad0-7a55-4a07-9d0e-0c9b5b1f6a02";
const SECRET: &str = r#"{"exstream": {"client_id": "local", "client_secret": "local-secret"}}"#;
const LOOK: Duration = Duration::from_millis(10);

struct World {
    exstream: Running,
    folder: PathBuf,
}

impl World {
    async fn new(name: &str) -> Self {
        let any = "127.0.0.1:0".parse().unwrap();
        let exstream = ExstreamStub::start(any, ExstreamOptions::default()).await.unwrap();
        let folder = std::env::temp_dir().join(format!("ctl-preview-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("secret.json"), SECRET).unwrap();
        let world = Self { exstream, folder };
        world.configure(Document::ALL);
        world
    }

    /// No shop, no brand, no channel: only how Exstream is reached, and its templates.
    fn configure(&self, documents: &[Document]) {
        let url = self.exstream.url();
        let tables = documents.iter().map(|it| {
            format!("[documents.{it}]\ncommunication = \"{COMMUNICATION}\"\ndata_source = \"local\"\n")
        });
        let text = format!(
            "[exstream]\nadapter = \"orchestration\"\nbase_url = \"{url}\"\ndomain = \"northwind\"\n\
             [exstream.token]\nmode = \"gateway_json\"\nurl = \"{url}/tenants/northwind/oauth2/token\"\n{}",
            tables.collect::<String>()
        );
        std::fs::write(self.folder.join("exstream.toml"), text).unwrap();
    }

    fn connection(&self) -> Connection {
        Connection {
            config: self.folder.join("exstream.toml"),
            secret: Some(self.folder.join("secret.json")),
        }
    }

    fn saver(&self) -> Saver {
        Saver { folder: self.folder.clone(), validate: false, json: false }
    }

    async fn preview(&self, document: Document, from: From) -> Result<ExitCode, String> {
        let done = sample::run(document, &from, &self.connection(), &self.saver(), false).await;
        done.map_err(|error| comms::chain(error.as_ref()))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn is_pdf(file: &Path) -> bool {
    std::fs::read(file).is_ok_and(|bytes| bytes.starts_with(b"%PDF-"))
}

/// Statements and campaigns too.
#[tokio::test]
async fn every_document_is_composed_from_its_samples() {
    let world = World::new("all").await;
    for document in Document::ALL {
        for which in [Which::Usual, Which::Everything] {
            let done = world.preview(*document, From::Published(which)).await;
            assert_eq!(done, Ok(ExitCode::SUCCESS), "{document} {which:?}");
            let file = world.file(&format!("preview-{document}-sample.pdf"));
            assert!(is_pdf(&file), "{document}");
            std::fs::remove_file(file).unwrap();
        }
    }
}

#[tokio::test]
async fn a_sample_with_many_rows_has_several_pages() {
    let world = World::new("rows").await;
    assert_eq!(world.preview(Document::Receipt, From::Rows(300)).await, Ok(ExitCode::SUCCESS));
    let bytes = std::fs::read(world.file("preview-receipt-sample.pdf")).unwrap();
    let pages = archive::examine(&bytes).unwrap().unwrap().pages;
    assert!(pages > 5, "{pages} pages");
    let error = world.preview(Document::DisputeNotice, From::Rows(300)).await.unwrap_err();
    assert!(error.contains("no list"), "{error}");
}

#[tokio::test]
async fn mistakes_in_the_data_are_named_before_exstream_is_asked() {
    let world = World::new("data").await;
    let file = world.file("data.json");
    let usual = crate::samples::published(Document::Receipt).usual;
    let wrong = usual.replacen("\"locale\": \"fr\"", "\"locale\": 7,\n\"lokale\": 1", 1);
    let line = wrong.lines().position(|line| line.contains("\"locale\": 7")).unwrap() + 1;
    std::fs::write(&file, wrong).unwrap();
    let error = world.preview(Document::Receipt, From::File(file.clone())).await.unwrap_err();
    let lines: Vec<_> = error.lines().collect();
    assert_eq!(lines.len(), 3, "{error}");
    for (line, path) in [(line, "/locale"), (line + 1, "/lokale")] {
        let place = format!("{}:{line}:", file.display());
        assert!(lines[1..].iter().any(|it| it.starts_with(&place) && it.contains(path)), "{error}");
    }
    assert!(!world.file("preview-receipt-sample.pdf").exists());
    std::fs::write(&file, usual).unwrap();
    assert_eq!(world.preview(Document::Receipt, From::File(file)).await, Ok(ExitCode::SUCCESS));
}

#[tokio::test]
async fn what_is_missing_is_named_and_no_secret_is_told() {
    let world = World::new("missing").await;
    world.configure(&[Document::Receipt]);
    let error = world.preview(Document::PackingSlip, From::Published(Which::Usual)).await.unwrap_err();
    assert!(error.contains("[documents.packing-slip]"), "{error}");
    std::fs::write(world.file("secret.json"), SECRET.replace("\"client_id\"", "\"client\"")).unwrap();
    let error = world.preview(Document::Receipt, From::Published(Which::Usual)).await.unwrap_err();
    assert!(error.contains("client_id") && !error.contains("local-secret"), "{error}");
    std::fs::write(world.file("secret.json"), SECRET.replace("local-secret", "wrong-secret")).unwrap();
    let done = world.preview(Document::Receipt, From::Published(Which::Usual)).await;
    assert_eq!(done, Ok(ExitCode::FAILURE), "Exstream refuses the credentials");
    let connection = Connection { config: world.file("none.toml"), secret: None };
    assert!(connection.read().unwrap_err().to_string().contains("none.toml"));
}

/// Each change is composed, a wrong one is told, and nothing but a person ends it.
#[tokio::test]
async fn a_watched_file_is_composed_again_and_again() {
    let world = World::new("watch").await;
    let file = world.file("data.json");
    let usual = crate::samples::published(Document::Receipt).usual;
    let composer =
        Composer::new(Document::Receipt, world.connection().read().unwrap(), reqwest::Client::new()).unwrap();
    let (saver, stop) = (world.saver(), tokio::sync::Notify::new());
    let made = world.file("preview-receipt-sample.json");
    let has = async |text: &str| {
        for _ in 0..1000 {
            if std::fs::read_to_string(&made).is_ok_and(|found| found.contains(text)) {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!("{text} was not composed");
    };
    let person = async {
        // it may not be there yet
        tokio::time::sleep(LOOK * 3).await;
        std::fs::write(&file, usual).unwrap();
        has("Trail runner").await;
        // half of it, and then a mistake
        std::fs::write(&file, &usual[..1000]).unwrap();
        tokio::time::sleep(LOOK * 5).await;
        std::fs::write(&file, usual.replace("\"locale\": \"fr\"", "\"locale\": 7")).unwrap();
        tokio::time::sleep(LOOK * 5).await;
        std::fs::write(&file, usual.replace("Trail runner", "Road runner")).unwrap();
        has("Road runner").await;
        stop.notify_one();
    };
    let watching = composer.watch(&file, &saver, LOOK, stop.notified());
    let (code, ()) = tokio::join!(watching, person);
    assert_eq!(code.unwrap(), ExitCode::SUCCESS);
}
