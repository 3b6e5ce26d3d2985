use crate::wire::{Reply, Wire, cost, tags_added, throttled};
use comms::{Class, Classify, Gid};
use serde_json::json;
use shopify::AdminError;
use std::time::Duration;

async fn add_tags(wire: &Wire, time_left: Duration) -> Result<(), AdminError> {
    let call = wire.call_at(jiff::Timestamp::UNIX_EPOCH, time_left);
    wire.api.add_tags(call, &Gid::new("Order", 1), &["t".into()]).await
}

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_short_wait_is_waited_for() {
    let wire = Wire::new([throttled(10, 0), tags_added()]).await;
    add_tags(&wire, LONG).await.unwrap();
    assert_eq!(wire.asked().len(), 2);
}

#[tokio::test]
async fn a_short_wait_that_passes_the_deadline_is_left_to_the_queue() {
    let wire = Wire::new([throttled(60, 0), tags_added()]).await;
    let error = add_tags(&wire, Duration::from_millis(400)).await.unwrap_err();
    assert!(matches!(error.class(), Class::Transient { retry_after: Some(_) }), "{error}");
    assert_eq!(wire.asked().len(), 1);
}

#[tokio::test]
async fn a_long_wait_is_what_shopifys_own_numbers_say() {
    // 1000 points wanted, 100 there, 100 a second
    let wire = Wire::new([throttled(1000, 100), tags_added()]).await;
    let error = add_tags(&wire, LONG).await.unwrap_err();
    let Class::Transient { retry_after: Some(wait) } = error.class() else { panic!("{error}") };
    assert_eq!(wait.as_secs(), 9);
    assert_eq!(wire.asked().len(), 1);

    // whoever comes next and wants the same is spared the refusal
    let error = add_tags(&wire, LONG).await.unwrap_err();
    assert!(
        matches!(error, AdminError::Throttled { retry_after: Some(wait) } if wait > Duration::from_secs(8))
    );
    assert_eq!(wire.asked().len(), 0, "a shop known to have nothing left is not asked");
}

#[tokio::test]
async fn an_empty_bucket_is_not_run_into() {
    let spent = Reply::json(&json!({"data": {"tagsAdd": {"userErrors": []}}, "extensions": cost(1000, 5)}));
    let wire = Wire::new([spent, tags_added()]).await;
    add_tags(&wire, LONG).await.unwrap();
    let error = add_tags(&wire, LONG).await.unwrap_err();
    assert!(
        matches!(error, AdminError::Throttled { retry_after: Some(wait) } if wait > Duration::from_secs(9))
    );
    assert_eq!(wire.asked().len(), 1);
}

#[tokio::test]
async fn status_429_names_its_time_in_a_header() {
    let wire = Wire::new([Reply { headers: vec![("retry-after", "7.0")], ..Reply::status(429) }]).await;
    let error = add_tags(&wire, LONG).await.unwrap_err();
    assert_eq!(error.class(), Class::Transient { retry_after: Some(Duration::from_secs(7)) });

    let wire = Wire::new([Reply::status(429)]).await;
    assert_eq!(add_tags(&wire, LONG).await.unwrap_err().class(), Class::transient());
}

#[tokio::test]
async fn shops_do_not_wait_for_each_other() {
    let mut wire = Wire::new([throttled(1000, 100), tags_added()]).await;
    add_tags(&wire, LONG).await.unwrap_err();
    wire.shop = "other.myshopify.com".parse().unwrap();
    add_tags(&wire, LONG).await.unwrap();
}

#[tokio::test]
async fn pauses_end() {
    let wire = Wire::new((0..20).map(|_| throttled(10, 9))).await;
    let error = add_tags(&wire, LONG).await.unwrap_err();
    assert!(matches!(error, AdminError::Throttled { .. }));
    assert!(wire.asked().len() <= 6);
}
