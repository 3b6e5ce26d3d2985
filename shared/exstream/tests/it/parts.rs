//! The parts of a template: what is asked, what counts, what is kept, and what a pin on them demands.

use crate::support::{ID, Server, at, catalogue, config, document, json, template};
use comms::{Class, Classify};
use exstream::{Basis, Credentials, ExstreamError, Template, TokenSource};
use serde_json::{Value, json as value};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// A design service whose template, of version 4, has these parts.
async fn serving(parts: Arc<Mutex<Vec<Value>>>, page: usize) -> Server {
    Server::start(move |seen| {
        if !seen.target.contains("/links/") {
            let listed = value!({"status": "success", "data": [{"id": ID, "version": 4}]});
            return json(200, listed.to_string());
        }
        let parts = parts.lock().unwrap();
        let offset: usize = seen.target.rsplit_once("&offset=").map_or(0, |(_, n)| n.parse().unwrap());
        let data: Vec<_> = parts.iter().skip(offset).take(page).collect();
        let page = value!({"pageSize": page, "totalElements": parts.len()});
        json(200, value!({"status": "success", "data": data, "page": page}).to_string())
    })
    .await
}

fn parts(list: &[Value]) -> Arc<Mutex<Vec<Value>>> {
    Arc::new(Mutex::new(list.to_vec()))
}

fn part(id: &str, version: u32) -> Value {
    value!({"id": id, "version": version, "type": "paragraph", "name": format!("Text {id}")})
}

#[tokio::test]
async fn every_part_is_named_with_its_version() {
    let server = serving(parts(&[part("B", 2), part("a", 7), part("c", 1)]), 2).await;
    let found = template(&catalogue(), &config(&server.base, "", ""), 0).await.unwrap();
    assert_eq!((found.version, found.basis), (Some(4), Basis::Assumed));
    let parts = found.parts.unwrap();
    let ids: Vec<_> = parts.list.iter().map(|part| (part.id.as_str(), part.version)).collect();
    assert_eq!((ids, parts.count), (vec![("a", 7), ("b", 2), ("c", 1), (ID, 4)], 4));
    let asked: Vec<_> = server.seen().into_iter().filter(|it| it.target.contains("/links/")).collect();
    assert_eq!(
        asked.iter().map(|seen| seen.target.as_str()).collect::<Vec<_>>(),
        [
            format!(
                "GET /design/api/v1/links/acme%20dev%2F1/resources?linkSubjectId={ID}&linkDepth=10&filter.states=APPROVED"
            ),
            format!(
                "GET /design/api/v1/links/acme%20dev%2F1/resources?linkSubjectId={ID}&linkDepth=10&filter.states=APPROVED&offset=2"
            ),
        ]
    );
}

/// Text changes when its dates say so, not when the list is asked for.
#[tokio::test]
async fn what_is_kept_ends_with_an_effective_date() {
    let list = [
        value!({"id": "p", "version": 1, "effectiveEnd": 120_000}),
        value!({"id": "p", "version": 2, "effectiveStart": 120_000}),
    ];
    let server = serving(parts(&list), 100).await;
    let (catalogue, config) = (catalogue(), config(&server.base, "", ""));
    for (second, version, asked) in [(0, 1, 1), (119, 1, 1), (120, 2, 2), (719, 2, 2), (720, 2, 3)] {
        let found = template(&catalogue, &config, second).await.unwrap().parts.unwrap();
        let part = found.list.iter().find(|part| part.id == "p").unwrap();
        assert_eq!((part.version, server.count("/links/")), (version, asked), "at {second} s");
    }
}

#[tokio::test]
async fn a_pin_on_other_parts_names_both_hashes() {
    let list = parts(&[part("a", 7)]);
    let server = serving(Arc::clone(&list), 100).await;
    let catalogue = catalogue();
    let first = template(&catalogue, &config(&server.base, "", ""), 0).await.unwrap().parts.unwrap();
    let pin = format!("parts_pin = \"{}\"", first.sha256);
    let pinned = config(&server.base, "", &pin);
    assert_eq!(template(&catalogue, &pinned, 0).await.unwrap().parts, Some(Arc::clone(&first)));

    // the text changes, and the version of the template stays
    list.lock().unwrap()[0] = part("a", 8);
    assert!(template(&catalogue, &pinned, 599).await.is_ok(), "what agrees is kept");
    let error = template(&catalogue, &pinned, 600).await.unwrap_err();
    let ExstreamError::PartsMismatch { pinned: named, found, .. } = &error else { panic!("{error}") };
    assert_eq!(named, &first.sha256);
    assert_ne!(found, named);
    let text = error.to_string();
    assert!(text.contains(named) && text.contains(found) && text.contains("set parts_pin"), "{text}");
    assert_eq!((error.class(), error.may_have_acted()), (Class::transient(), false));

    // approved since, within the time that a list is kept
    let approved = config(&server.base, "", &format!("parts_pin = \"{found}\""));
    assert!(template(&catalogue, &approved, 610).await.is_ok());
    list.lock().unwrap()[0] = part("a", 7);
    assert!(template(&catalogue, &pinned, 620).await.is_ok());
}

#[tokio::test]
async fn where_parts_are_closed_only_a_pin_on_them_waits() {
    for links in [(403, "{}"), (200, "<html>"), (200, r#"{"status":"success","data":[{"id":"x"}]}"#)] {
        let server = Server::start(move |seen| {
            if seen.target.contains("/links/") {
                return json(links.0, links.1);
            }
            json(200, value!({"status": "success", "data": [{"id": ID, "version": 4}]}).to_string())
        })
        .await;
        let open = catalogue();
        for second in [0, 59] {
            let found = template(&open, &config(&server.base, "", "template_pin = 4"), second).await.unwrap();
            assert_eq!((found.version, found.parts), (Some(4), None));
        }
        assert_eq!(server.count("/links/"), 1, "a failure is remembered");
        let pin = format!("parts_pin = \"{}\"", "0".repeat(64));
        let error = template(&open, &config(&server.base, "", &pin), 0).await.unwrap_err();
        assert!(matches!(error, ExstreamError::PartsUnchecked { .. }), "{error}");
        assert_eq!((error.class(), error.may_have_acted()), (Class::transient(), false));
    }
}

/// A list without an end costs no more than fifty requests, and gives no hash.
#[tokio::test]
async fn a_list_without_an_end_is_given_up() {
    let server = Server::start(|seen| {
        if !seen.target.contains("/links/") {
            return json(200, value!({"status": "success", "data": [{"id": ID, "version": 4}]}).to_string());
        }
        let page = value!({"totalElements": 1_000_000});
        json(200, value!({"status": "success", "data": [part("a", 1)], "page": page}).to_string())
    })
    .await;
    let found = template(&catalogue(), &config(&server.base, "", ""), 0).await.unwrap();
    assert_eq!((found.parts, server.count("/links/")), (None, 50));
}

/// A batch job says what it used, where the domain traces its jobs.
#[tokio::test]
async fn a_job_tells_the_parts_that_it_used() {
    use exstream::{Batch, BatchCall};
    use stub_exstream::{ExstreamOptions, ExstreamSettings, ExstreamStub};
    for job_tracing in [true, false] {
        let settings = ExstreamSettings { authenticate: false, job_tracing, ..ExstreamSettings::default() };
        let mut known = value!({"id": ID, "name": "Letter", "version": 4});
        known["parts"] = value!([
            {"id": "a", "version": 1, "type": "paragraph", "name": "A"},
            {"id": "a", "version": 2, "type": "paragraph", "name": "A", "effectiveStart": 1},
            {"id": "a", "version": 3, "type": "paragraph", "name": "A", "effectiveStart": 4_102_444_800_000_i64},
        ]);
        let communications = vec![serde_json::from_value(known).unwrap()];
        let options = ExstreamOptions { settings, communications, ..ExstreamOptions::default() };
        let stub = ExstreamStub::start("127.0.0.1:0".parse().unwrap(), options).await.unwrap();
        let config = config(&stub.url(), "", "");
        let http = reqwest::Client::new();
        let batch = Batch::new(http.clone(), Arc::new(TokenSource::new(http)));
        let call = BatchCall {
            shop: &config.shop,
            settings: &config.exstream,
            document: document(&config),
            credentials: &Credentials::None,
            now: at(0),
            timeout: Duration::from_secs(5),
        };
        let job = batch.submit(call, &[r#"{"communication":"x"}"#.into()]).await.unwrap();
        let traced = batch.traced(call, &job).await;
        if !job_tracing {
            assert!(matches!(traced, Err(ExstreamError::Unauthorized { status: 403, .. })), "{traced:?}");
            continue;
        }
        let Template { version, basis, parts, .. } = traced.unwrap();
        let parts = parts.unwrap();
        let ids: Vec<_> = parts.list.iter().map(|part| (part.id.as_str(), part.version)).collect();
        assert_eq!((version, basis, ids), (Some(4), Basis::Traced, vec![("a", 2), (ID, 4)]));
    }
}

/// The stand-in of the design service takes what is asked.
#[tokio::test]
async fn the_stub_names_its_parts() {
    use stub_exstream::{ExstreamOptions, ExstreamSettings, ExstreamStub};
    let settings = ExstreamSettings { authenticate: false, ..ExstreamSettings::default() };
    let communications =
        vec![serde_json::from_value(value!({"id": ID, "name": "Letter", "version": 4})).unwrap()];
    let options = ExstreamOptions { settings, communications, ..ExstreamOptions::default() };
    let stub = ExstreamStub::start("127.0.0.1:0".parse().unwrap(), options).await.unwrap();
    let config = config(&stub.url(), "", "");
    let found = template(&catalogue(), &config, 1_800_000_000).await.unwrap();
    let kinds: Vec<_> =
        found.parts.as_ref().unwrap().list.iter().filter_map(|part| part.kind.as_deref()).collect();
    for kind in ["exstrapplication", "document", "design", "paragraph"] {
        assert!(kinds.contains(&kind), "{kind} is not in {kinds:?}");
    }
}
