use crate::wire::{Reply, Wire};
use axum::body::{Body, Bytes};
use comms::{Class, Classify, Gid};
use serde_json::json;
use shopify::{AdminError, ErrorCode};
use std::{convert::Infallible, time::Duration};

async fn fail(reply: Reply) -> AdminError {
    let wire = Wire::new([reply]).await;
    wire.api.order(wire.call(), &Gid::new("Order", 1)).await.unwrap_err()
}

async fn fail_with(errors: serde_json::Value) -> AdminError {
    fail(Reply::json(&json!({"data": null, "errors": errors}))).await
}

#[tokio::test]
async fn top_level_errors_are_told_apart_by_code() {
    let denied = fail(Reply::text(include_str!("../fixtures/admin/access-denied.json"))).await;
    assert_eq!((denied.class(), denied.is_denied()), (Class::transient(), true));
    assert!(
        denied.to_string().starts_with("OrderForDocuments: ACCESS_DENIED, This app is not approved"),
        "{denied}"
    );

    let coded = async |code: &str| fail_with(json!([{"message": "m", "extensions": {"code": code}}])).await;
    let AdminError::Graphql { errors, .. } = coded("MAX_COST_EXCEEDED").await else { panic!() };
    assert_eq!(errors[0].code, ErrorCode::MaxCostExceeded);
}

/// The codes of the Admin API's documentation, those of its GraphQL library that say the query is wrong, and one that
/// nobody knows. None is final: a shop comes back, an operator grants, a later release asks otherwise. Whether a part
/// of what was asked can be had without the rest, and whether the question took too long, is what callers decide by.
#[tokio::test]
async fn no_top_level_error_is_final() {
    for (code, may_be_of_one, timeout) in [
        (Some("SHOP_INACTIVE"), false, false),
        (Some("TIMEOUT"), true, true),
        (Some("ACCESS_DENIED"), false, false),
        (Some("MAX_COST_EXCEEDED"), true, false),
        (Some("INTERNAL_SERVER_ERROR"), true, false),
        (Some("BAD_REQUEST"), true, false),
        (Some("RESOURCE_NOT_FOUND"), true, false),
        (Some("INVALID_VARIABLE"), true, false),
        (Some("argumentLiteralsIncompatible"), true, false),
        (Some("undefinedField"), true, false),
        (Some("SOMETHING_NOBODY_KNOWS"), true, false),
        (None, true, false),
    ] {
        let extensions = code.map(|code| json!({"code": code}));
        let error = fail_with(json!([{"message": "m", "extensions": extensions}])).await;
        assert_eq!(error.class(), Class::transient(), "{code:?}");
        assert_eq!((error.may_be_of_one(), error.is_timeout()), (may_be_of_one, timeout), "{code:?}");
    }
    let throttled = fail_with(json!([{"message": "m", "extensions": {"code": "THROTTLED"}}])).await;
    assert!(matches!(throttled, AdminError::Throttled { .. }));
    assert_eq!(throttled.class(), Class::transient());
    assert_eq!(fail_with(json!("Unavailable Shop")).await.class(), Class::transient());
}

/// A gateway's page says nothing of the order that was asked for, so nobody asks for the others one by one.
#[tokio::test]
async fn a_success_that_is_no_answer_waits_and_is_nobodys_fault() {
    for text in ["<html>Maintenance</html>", "", "Not Found", "[]", "\"ok\"", "null"] {
        let error = fail(Reply::text(text)).await;
        assert!(matches!(error, AdminError::NoAnswer { .. }), "{text}: {error}");
        assert_eq!((error.class(), error.may_be_of_one()), (Class::transient(), false), "{text}");
    }
}

#[tokio::test]
async fn messages_from_outside_are_cut_and_printable() {
    let error = fail_with(
        json!([{"message": format!("a\n\u{1b}[0m{}", "é".repeat(1000)), "extensions": {"code": "X\n"}}]),
    )
    .await;
    let text = error.to_string();
    assert!(text.chars().count() < 240 && !text.chars().any(char::is_control), "{text:?}");
}

#[tokio::test]
async fn an_ignored_search_term_is_an_error() {
    let warned = json!({"data": {"order": null}, "extensions": {"search": [{"path": ["orders"], "query": "x:1", "warnings": [{"field": "x", "message": "Invalid search field"}]}]}});
    let error = fail(Reply::json(&warned)).await;
    assert!(matches!(error, AdminError::SearchIgnored { .. }) && error.class() == Class::transient());
}

#[tokio::test]
async fn success_without_data_is_none() {
    assert!(matches!(fail(Reply::text(r#"{"data":null}"#)).await, AdminError::NoData { .. }));
    let wire = Wire::new([Reply::text(r#"{"data":{"tagsAdd":null}}"#)]).await;
    let error = wire.api.add_tags(wire.call(), &Gid::new("Order", 1), &[]).await.unwrap_err();
    assert!(matches!(error, AdminError::NoData { operation: "TagsAdd" }));
    let page = fail(Reply::text("<html>Maintenance</html>")).await;
    assert_eq!(
        page.to_string(),
        "OrderForDocuments: what came back is no answer of the Admin API: `.` is not JSON"
    );
}

#[tokio::test]
async fn statuses_are_permanent_only_where_nobody_else_can_help() {
    let waits =
        [302, 303, 401, 402, 403, 404, 408, 409, 410, 423, 425, 430, 451, 500, 501, 502, 503, 504, 520, 540];
    let final_ones = [400, 405, 406, 413, 414, 415, 422];
    for (status, transient) in waits.map(|it| (it, true)).into_iter().chain(final_ones.map(|it| (it, false)))
    {
        let class =
            fail(Reply { headers: vec![("retry-after", "3")], ..Reply::status(status) }).await.class();
        let expected = if matches!(status, 401 | 403) {
            Class::transient()
        } else if transient {
            Class::Transient { retry_after: Some(Duration::from_secs(3)) }
        } else {
            Class::Permanent
        };
        assert_eq!(class, expected, "{status}");
    }
    assert_eq!(fail(Reply::status(403)).await.class(), Class::transient());
}

#[tokio::test]
async fn an_answer_without_end_costs_no_more_than_the_limit() {
    let chunk = Bytes::from(vec![b' '; 1 << 20]);
    let endless = futures::stream::repeat_with(move || Ok::<_, Infallible>(chunk.clone()));
    let error = fail(Reply { body: Body::from_stream(endless), ..Reply::text("") }).await;
    assert!(matches!(error, AdminError::TooLarge { .. }) && error.class() == Class::transient());
}

#[tokio::test]
async fn silence_ends_with_the_time_allowed() {
    let mut wire = Wire::new([Reply { delay: Duration::from_secs(60), ..Reply::text("{}") }]).await;
    wire.settings.timeout_ms = 50;
    let order = Gid::new("Order", 1);
    let error = wire.api.order(wire.call(), &order).await.unwrap_err();
    assert!(matches!(error, AdminError::TimedOut) && error.class() == Class::transient());
    wire.asked();
    let late = wire.call_at(jiff::Timestamp::UNIX_EPOCH, Duration::ZERO);
    assert!(matches!(wire.api.order(late, &order).await, Err(AdminError::OutOfTime)));
    assert_eq!(wire.asked().len(), 0);
}

#[tokio::test]
async fn nobody_there_is_transient() {
    let mut wire = Wire::new([]).await;
    wire.settings.base_url = Some("http://127.0.0.1:9".parse().unwrap());
    let error = wire.api.order(wire.call(), &Gid::new("Order", 1)).await.unwrap_err();
    assert!(matches!(error, AdminError::Transport { .. }) && error.class() == Class::transient());
}
