//! The console in a real browser: the log-in, every page with axe, the keyboard, and the five tasks of support, by
//! `tests/browser/console.js`.

use crate::world::{DELIVERED, FAILED, HOSTILE, UNKNOWN, World, pdf};
use archive::sha256_hex;
use fakes::{Asked, check_in_browser, serve_function};
use serde_json::json;
use std::sync::Arc;

/// Serves the function as an HTTP API does. Answers its address.
async fn serve(world: &Arc<World>) -> String {
    let world = Arc::clone(world);
    let answer = move |asked: Asked| {
        let world = Arc::clone(&world);
        async move { world.send(&asked.method, &asked.path, asked.headers, Some(&asked.body)).await }
    };
    serve_function(answer).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_console_in_a_browser() {
    let world = Arc::new(World::new().await);
    // Chromium takes this host, and this one alone without TLS, for a safe one: cookies are kept there only
    let base = serve(&world).await.replace("127.0.0.1", "localhost");
    let page = |name: &str, path: &str| json!({"name": name, "path": path});
    let shop = "shop=northwind-demo.myshopify.com";
    let what = json!({
        "base": base, "order": "gid://shopify/Order/1", "delivered": DELIVERED, "failed": FAILED, "hostile": HOSTILE, "sha256": sha256_hex(&pdf()),
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
            page("dashboard", &format!("/dashboard?days=7&{shop}")),
            page("dashboard-hours", &format!("/dashboard?days=1&{shop}")),
            page("dead-letters", "/dead-letters"),
            page("dead-letters-of", "/dead-letters/write-back"),
            page("dead-letters-one", "/dead-letters/write-back?message=00000001-0000-0000-0000-000000000000"),
            page("dead-letters-schedules", "/dead-letters/schedules"),
            page("shops", "/shops"),
            page("shop", "/shops/northwind-demo.myshopify.com"),
        ],
    });
    println!("{}", check_in_browser("console", &what).await);
}
