//! Template versions: what is asked, what is kept, and what a pin demands.

use crate::support::{ID, Seen, Server, at, catalogue, config, document, json, template};
use comms::{Class, Classify};
use exstream::{Basis, Credentials, ExstreamError, Template, TemplateCall};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

fn listing(resources: &[(String, usize)], total: Option<usize>) -> String {
    let resources: Vec<_> = resources
        .iter()
        .map(|(id, version)| serde_json::json!({"id": id, "version": version, "state": "APPROVED", "name": "x"}))
        .collect();
    let mut listing = serde_json::json!({"status": "success", "data": resources});
    if let Some(total) = total {
        listing["page"] = serde_json::json!({"pageSize": 100, "totalElements": total});
    }
    listing.to_string()
}

fn known(version: usize) -> Vec<(String, usize)> {
    vec![("other".to_owned(), 9), (ID.to_uppercase(), version)]
}

fn unavailable() -> Template {
    Template { communication: ID.to_owned(), version: None, basis: Basis::Unavailable, parts: None }
}

/// A design service that is closed but for the list of templates.
async fn listing_only(answer: impl Fn(&Seen) -> String + Send + Sync + 'static) -> Server {
    Server::start(
        move |seen| {
            if seen.target.contains("/links/") { json(403, "{}") } else { json(200, answer(seen)) }
        },
    )
    .await
}

fn asked(server: &Server) -> usize {
    server.count("/resources/")
}

#[tokio::test]
async fn finds_the_latest_approved_version_and_keeps_it_ten_minutes() {
    let server = listing_only(|_| listing(&known(4), None)).await;
    let config = config(&server.base, "", "template_pin = 4");
    let catalogue = catalogue();
    let found = template(&catalogue, &config, 0).await.unwrap();
    assert_eq!(
        serde_json::to_value(&found).unwrap(),
        serde_json::json!({"communication": ID, "version": 4, "basis": "assumed"})
    );
    template(&catalogue, &config, 599).await.unwrap();
    insta::assert_snapshot!(server.seen()[0].text());
    assert_eq!(asked(&server), 1);
    template(&catalogue, &config, 600).await.unwrap();
    assert_eq!(asked(&server), 2);
}

#[tokio::test]
async fn reads_every_page_and_no_more_than_fifty() {
    for (total, stated, requests, basis) in [
        (250, false, 3, Basis::Assumed),
        (250, true, 5, Basis::Assumed),
        (1_000_000, true, 50, Basis::Unavailable),
    ] {
        let server = listing_only(move |seen| {
            let offset: usize = seen.target.rsplit_once("offset=").unwrap().1.parse().unwrap();
            // a server that states its total may have smaller pages than asked for
            let size = if stated { 50 } else { 100 };
            let page: Vec<_> = (offset..total.min(offset + size))
                .map(|n| (if n == total - 1 { ID.to_owned() } else { n.to_string() }, 2))
                .collect();
            listing(&page, stated.then_some(total))
        })
        .await;
        let found = template(&catalogue(), &config(&server.base, "", ""), 0).await.unwrap();
        assert_eq!((found.basis, asked(&server)), (basis, requests));
    }
}

#[tokio::test]
async fn a_failed_look_up_costs_nothing_and_is_remembered_a_minute() {
    for body in [(404, "{}"), (200, "<html>"), (200, r#"{"status":"error","data":[]}"#)] {
        let server = Server::start(move |_| json(body.0, body.1)).await;
        let config = config(&server.base, "", "");
        let catalogue = catalogue();
        for second in [0, 59, 60] {
            assert_eq!(template(&catalogue, &config, second).await.unwrap(), unavailable());
        }
        assert_eq!(server.seen().len(), 2);
    }
}

/// Also when it took all the time there was.
#[tokio::test]
async fn a_look_up_that_hangs_is_remembered_too() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = config(&format!("http://{}", listener.local_addr().unwrap()), "", "");
    let catalogue = catalogue();
    let call = |timeout| TemplateCall {
        shop: &config.shop,
        settings: &config.exstream,
        document: document(&config),
        credentials: &Credentials::None,
        now: at(0),
        timeout,
    };
    let begun = std::time::Instant::now();
    assert_eq!(catalogue.template(call(Duration::from_millis(300))).await.unwrap(), unavailable());
    assert_eq!(catalogue.template(call(Duration::from_secs(60))).await.unwrap(), unavailable());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn without_a_catalogue_nothing_is_asked() {
    let config = config("http://127.0.0.1:1", "catalogue = false", "");
    assert_eq!(template(&catalogue(), &config, 0).await.unwrap(), unavailable());
}

#[tokio::test]
async fn a_pin_that_does_not_hold_names_both_versions() {
    let server = Server::start(|_| json(200, listing(&known(5), None))).await;
    let error = template(&catalogue(), &config(&server.base, "", "template_pin = 4"), 0).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("template {ID} must be version 4; the latest approved version is 5")
    );
    assert_eq!((error.class(), error.may_have_acted()), (Class::transient(), false));

    let server = Server::start(|_| json(200, listing(&[], None))).await;
    let error = template(&catalogue(), &config(&server.base, "", "template_pin = 4"), 0).await.unwrap_err();
    assert!(matches!(error, ExstreamError::PinMismatch { pinned: 4, found: None, .. }), "{error}");
}

#[tokio::test]
async fn a_pin_that_cannot_be_checked_waits() {
    let server = Server::start(|_| json(500, "")).await;
    let error = template(&catalogue(), &config(&server.base, "", "template_pin = 4"), 0).await.unwrap_err();
    assert!(matches!(error, ExstreamError::PinUnchecked { pinned: 4, .. }), "{error}");
    assert_eq!(error.class(), Class::transient());
}

#[tokio::test]
async fn a_kept_listing_does_not_refuse_a_version_approved_since() {
    let approved = Arc::new(AtomicUsize::new(4));
    let version = Arc::clone(&approved);
    let server = listing_only(move |_| listing(&known(version.load(Ordering::SeqCst)), None)).await;
    let catalogue = catalogue();
    template(&catalogue, &config(&server.base, "", "template_pin = 4"), 0).await.unwrap();
    approved.store(5, Ordering::SeqCst);
    let found = template(&catalogue, &config(&server.base, "", "template_pin = 5"), 30).await.unwrap();
    assert_eq!((found.version, asked(&server)), (Some(5), 2));
}
