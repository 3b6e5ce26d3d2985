//! The pages in a real browser, by `tests/browser/documents.js`.

use crate::world::World;
use archive::sha256_hex;
use bytes::Bytes;
use fakes::{Asked, check_in_browser, serve_function};
use serde_json::json;
use std::sync::Arc;

/// Serves the function as an HTTP API does. Answers its address.
async fn serve(world: &Arc<World>) -> String {
    let world = Arc::clone(world);
    let answer = move |asked: Asked| {
        let world = Arc::clone(&world);
        async move {
            let path = asked.path.split('?').next().unwrap_or_default();
            world.send(&asked.method, path, asked.headers).await
        }
    };
    serve_function(answer).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_in_a_browser() {
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
    let what = json!({"pages": pages, "large": large_page});
    println!("{}", check_in_browser("documents", &what).await);
}
