//! The pages in a real browser. Skipped, and says so, where there is no Chromium or its packages are not installed
//! (`npm ci --ignore-scripts` in `tests/browser`).

use crate::world::World;
use archive::sha256_hex;
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

/// Serves the function as an HTTP API does. Answers its address.
async fn serve(world: &Arc<World>) -> String {
    let world = Arc::clone(world);
    let handle = move |request: Request| {
        let world = Arc::clone(&world);
        async move {
            let text = |headers: &HeaderMap| -> Value {
                let pairs = headers.iter();
                pairs
                    .map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap_or_default())))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            };
            let headers = text(request.headers());
            response(&world.send(request.method().as_str(), request.uri().path(), headers).await)
        }
    };
    fakes::serve(Router::new().fallback(handle)).await
}

fn response(answer: &Value) -> Response {
    let status = u16::try_from(answer["statusCode"].as_u64().unwrap()).unwrap();
    let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap());
    for (name, value) in answer["headers"].as_object().unwrap() {
        response = response.header(name, value.as_str().unwrap());
    }
    let body = answer["body"].as_str().unwrap();
    let body = match answer["isBase64Encoded"].as_bool().unwrap() {
        true => BASE64_STANDARD.decode(body).unwrap(),
        false => body.as_bytes().to_vec(),
    };
    response.body(Body::from(body)).unwrap()
}

/// The browser, if everything is there.
fn browser(folder: &Path) -> Option<PathBuf> {
    let found = std::env::var_os("PATH")
        .and_then(|path| std::env::split_paths(&path).map(|it| it.join("chromium")).find(|it| it.exists()));
    found.filter(|_| folder.join("node_modules/playwright-core").exists())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_in_a_browser() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let Some(chromium) = browser(&folder) else {
        eprintln!("skipped: no Chromium, or no packages in {}", folder.display());
        return;
    };
    let pdf = Bytes::from_static(b"%PDF-1.7 the receipt");
    let mut pages = Vec::new();
    let mut worlds = Vec::new();
    for (name, locale, lang, dir) in [
        ("page-en", "en", "en", "ltr"),
        ("page-de", "de", "de", "ltr"),
        ("page-fr", "fr-CA", "fr", "ltr"),
        ("page-ar", "ar-EG", "ar", "rtl"),
        ("page-he", "he", "he", "rtl"),
    ] {
        let world = Arc::new(World::of(pdf.clone(), locale).await);
        let url = serve(&world).await + &world.page();
        pages.push(json!({
            "name": name, "url": url, "status": 200, "lang": lang, "dir": dir, "links": 4, "sha256": sha256_hex(&pdf)
        }));
        worlds.push(world);
    }
    let revoked = Arc::new(World::of(pdf.clone(), "en").await);
    revoked.change(|store| {
        store.link["revoked"] =
            json!({"M": {"at_epoch_ms": {"N": "1"}, "actor": {"S": "a"}, "reason": {"S": "r"}}});
    });
    let base = serve(&revoked).await;
    for (name, path, status, links) in
        [("revoked", revoked.page(), 410, 1), ("unknown", "/d/x".to_owned(), 404, 0)]
    {
        let url = format!("{base}{path}");
        pages.push(
            json!({"name": name, "url": url, "status": status, "lang": "en", "dir": "ltr", "links": links}),
        );
    }
    let whole: Bytes = (0..9_000_000_usize).map(|at| (at * 31 % 251) as u8).collect::<Vec<_>>().into();
    let large = Arc::new(World::of(whole.clone(), "en").await);
    // Chromium takes this host, and this one alone without TLS, for a safe one: hashes are computed there only
    let base = serve(&large).await.replace("127.0.0.1", "localhost");
    let large_page = json!({
        "url": format!("{base}{}", large.page()), "sha256": sha256_hex(&whole), "name": "Receipt 1001.pdf"
    });
    let pictures = std::env::temp_dir().join(format!("documents-{}", std::process::id()));
    std::fs::create_dir_all(&pictures).unwrap();
    let script = folder.join("check.js");
    let what = json!({"pages": pages, "large": large_page}).to_string();
    let kept = pictures.clone();
    let run = tokio::task::spawn_blocking(move || {
        Command::new("node").arg(script).arg(chromium).arg(kept).arg(what).output()
    });
    let output = run.await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    println!("{text}pictures: {}", pictures.display());
}
