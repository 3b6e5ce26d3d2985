//! The console in a real browser: the log-in, every page with axe, the keyboard, and the five tasks of support. Skipped, and
//! says so, where there is no Chromium or its packages are not installed (`npm ci --ignore-scripts` in `tests/browser`).

use crate::world::{DELIVERED, FAILED, UNKNOWN, World, pdf};
use archive::sha256_hex;
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::StatusCode,
    response::Response,
};
use base64::{Engine, prelude::BASE64_STANDARD};
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
            let (parts, body) = request.into_parts();
            let pairs = parts.headers.iter();
            let headers: serde_json::Map<_, _> = pairs
                .map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap_or_default())))
                .collect();
            let body = to_bytes(body, 100_000).await.unwrap();
            let body = String::from_utf8_lossy(&body).into_owned();
            let address = parts.uri.path_and_query().unwrap().as_str().to_owned();
            let answer = world.send(parts.method.as_str(), &address, headers.into(), Some(&body)).await;
            response(&answer)
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
async fn the_console_in_a_browser() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let Some(chromium) = browser(&folder) else {
        eprintln!("skipped: no Chromium, or no packages in {}", folder.display());
        return;
    };
    let world = Arc::new(World::new().await);
    // Chromium takes this host, and this one alone without TLS, for a safe one: cookies are kept there only
    let base = serve(&world).await.replace("127.0.0.1", "localhost");
    let page = |name: &str, path: &str| json!({"name": name, "path": path});
    let shop = "shop=northwind-demo.myshopify.com";
    let what = json!({
        "base": base, "order": "gid://shopify/Order/1", "delivered": DELIVERED, "failed": FAILED, "sha256": sha256_hex(&pdf()),
        "pages": [
            page("search", "/"),
            page("results", "/?q=gid%3A%2F%2Fshopify%2FOrder%2F1"),
            page("nothing", &format!("/?{shop}&q=%239999")),
            page("delivered", &format!("/c/{DELIVERED}")),
            page("unknown", &format!("/c/{UNKNOWN}")),
            page("failed", &format!("/c/{FAILED}")),
            page("evidence", &format!("/c/{DELIVERED}/evidence")),
            page("failures", &format!("/failures?days=30&{shop}")),
            page("runs", &format!("/runs?{shop}")),
            page("dead-letters", "/dead-letters"),
            page("shops", "/shops"),
            page("shop", "/shops/northwind-demo.myshopify.com"),
        ],
    });
    let pictures = std::env::temp_dir().join(format!("console-{}", std::process::id()));
    std::fs::create_dir_all(&pictures).unwrap();
    let script = folder.join("check.js");
    let kept = pictures.clone();
    let run = tokio::task::spawn_blocking(move || {
        Command::new("node").arg(script).arg(chromium).arg(kept).arg(what.to_string()).output()
    });
    let output = run.await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    println!("{text}pictures: {}", pictures.display());
}
