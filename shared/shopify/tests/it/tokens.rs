use crate::wire::{Reply, Wire, grant, tags_added};
use comms::{Class, Classify, Gid};
use jiff::Timestamp;
use shopify::{AdminError, Credentials};
use std::time::Duration;

async fn add_tags_at(wire: &Wire, second: i64) -> Result<(), AdminError> {
    let call = wire.call_at(Timestamp::from_second(second).unwrap(), Duration::from_secs(20));
    wire.api.add_tags(call, &Gid::new("Order", 1), &["t".into()]).await
}

fn paths(wire: &Wire) -> Vec<String> {
    wire.asked()
        .iter()
        .map(|asked| {
            format!("{} {}", asked.path.rsplit('/').next().unwrap(), asked.token.as_deref().unwrap_or("-"))
        })
        .collect()
}

#[tokio::test]
async fn a_token_is_exchanged_once_and_renewed_before_it_expires() {
    let wire = Wire::with_grants([grant("one"), grant("two")], (0..4).map(|_| tags_added())).await;
    let (a, b) = tokio::join!(add_tags_at(&wire, 0), add_tags_at(&wire, 0));
    a.and(b).unwrap();
    add_tags_at(&wire, 77_000).await.unwrap();
    let asked = wire.asked();
    assert_eq!(asked[0].body, "grant_type=client_credentials&client_id=app&client_secret=shpss_secret");
    let tokens: Vec<_> = asked.iter().map(|asked| asked.token.as_deref()).collect();
    assert_eq!(tokens, [None, Some("one"), Some("one"), Some("one")], "one exchange for all of them");
    add_tags_at(&wire, 78_000).await.unwrap();
    assert_eq!(paths(&wire), ["access_token -", "graphql.json two"], "two hours before the end");
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let wire = Wire::with_grants([grant("one"), grant("two")], [Reply::status(401), tags_added()]).await;
    add_tags_at(&wire, 0).await.unwrap();
    assert_eq!(paths(&wire), ["access_token -", "graphql.json one", "access_token -", "graphql.json two"]);

    let wire =
        Wire::with_grants([grant("one"), grant("two")], [Reply::status(401), Reply::status(401)]).await;
    let error = add_tags_at(&wire, 0).await.unwrap_err();
    assert!(matches!(error, AdminError::Unauthorized { status: 401 }));
    assert_eq!(paths(&wire).len(), 4);
}

#[tokio::test]
async fn many_refused_at_once_cost_one_exchange() {
    let refusals = (0..3).map(|_| Reply { delay: Duration::from_millis(50), ..Reply::status(401) });
    let wire =
        Wire::with_grants([grant("one"), grant("two")], refusals.chain((0..3).map(|_| tags_added()))).await;
    let (a, b, c) = tokio::join!(add_tags_at(&wire, 0), add_tags_at(&wire, 0), add_tags_at(&wire, 0));
    a.and(b).and(c).unwrap();
    assert_eq!(paths(&wire).iter().filter(|path| path.starts_with("access_token")).count(), 2);
}

#[tokio::test]
async fn a_token_of_a_custom_app_is_not_renewed() {
    let wire = Wire::new([Reply::status(401)]).await;
    let error = add_tags_at(&wire, 0).await.unwrap_err();
    // waits for an operator and is not recorded as failed
    assert_eq!(error.class(), Class::transient());
    assert_eq!(paths(&wire), ["graphql.json shpat_fixed"]);
}

#[tokio::test]
async fn a_refusal_says_why_and_is_not_remembered() {
    let refusal = Reply {
        status: 400,
        ..Reply::text(r#"{"error":"app_not_installed","error_description":"shpss_secret"}"#)
    };
    let wire = Wire::with_grants([refusal, grant("one")], [tags_added()]).await;
    let error = add_tags_at(&wire, 0).await.unwrap_err();
    assert_eq!(error.to_string(), "Shopify gives no access token: status 400, app_not_installed");
    add_tags_at(&wire, 0).await.unwrap();
}

#[tokio::test]
async fn secrets_stay_out_of_errors_and_debug_output() {
    let wire = Wire::with_grants([grant("line\nbreak")], []).await;
    let error = add_tags_at(&wire, 0).await.unwrap_err();
    assert!(matches!(error, AdminError::Credentials), "a token that is no header");
    let text = format!("{error} {error:?} {:?}", wire.credentials);
    for secret in ["break", "shpss", "app\""] {
        assert!(!text.contains(secret), "{text}");
    }
    let mut wire = Wire::new([]).await;
    wire.credentials = Credentials::None;
    assert!(matches!(add_tags_at(&wire, 0).await, Err(AdminError::Credentials)));
}
