//! What the dashboard shows, and what it says where CloudWatch or the ledger does not answer.

use crate::{
    aws::Metrics,
    world::{World, body},
};
use jiff::SignedDuration;
use std::time::Instant;

const ADDRESS: &str = "/dashboard?days=7&shop=northwind-demo.myshopify.com";

#[tokio::test]
async fn counts_are_shown_as_pictures_and_as_tables() {
    let world = World::new().await;
    let session = world.log_in("support").await;
    let answer = world.get(ADDRESS, &session).await;
    let html = body(&answer);
    assert_eq!(answer["statusCode"], 200);
    // seven of each flow
    assert!(
        html.contains("42 sent, 42 archived only, 42 not sent on purpose, 42 failed, 42 unknown"),
        "{html}"
    );
    for heading in
        ["What became of documents", "What channels said later", "How long work takes", "waited at most"]
    {
        assert!(html.contains(heading), "{heading}");
    }
    assert!(html.contains("<td>42</td><td>42</td><td>42</td><td>42</td><td>42</td>"), "{html}");
    assert!(html.contains("Why documents were not delivered") && html.contains("&lt;script&gt;"));
    assert!(!html.contains("does not answer") && !html.contains("left some values out"));
}

#[tokio::test]
async fn cloudwatch_is_asked_once_a_minute() {
    let world = World::new().await;
    let session = world.log_in("operator").await;
    for _ in 0..3 {
        world.get(ADDRESS, &session).await;
    }
    assert_eq!(world.aws.lock().unwrap().metric_questions, 1);
    world.get("/dashboard?days=1", &session).await;
    world.at(SignedDuration::from_secs(61));
    world.get(ADDRESS, &session).await;
    assert_eq!(world.aws.lock().unwrap().metric_questions, 3);
}

#[tokio::test]
async fn what_does_not_answer_is_said_and_the_rest_is_shown() {
    let world = World::new().await;
    let session = world.log_in("operator").await;
    for (minutes, metrics, says) in [
        (2, Metrics::Refuses, "CloudWatch does not answer at the moment"),
        (4, Metrics::Slow, "CloudWatch does not answer at the moment"),
        (6, Metrics::Partial, "CloudWatch left some values out"),
        (8, Metrics::Nothing, "No document was counted in this time."),
    ] {
        world.change(|aws| aws.metrics = metrics);
        let begun = Instant::now();
        // what failed is not kept: the next one who looks asks again
        world.at(SignedDuration::from_mins(minutes));
        let answer = world.get(ADDRESS, &session).await;
        assert_eq!(answer["statusCode"], 200, "{metrics:?}");
        assert!(body(&answer).contains(says), "{metrics:?}: {}", body(&answer));
        assert!(body(&answer).contains("Why documents were not delivered"), "{metrics:?}");
        assert!(begun.elapsed().as_millis() < 3500, "{metrics:?}: {:?}", begun.elapsed());
    }
    world.change(|aws| (aws.metrics, aws.table_fails) = (Metrics::Sevens, true));
    world.at(SignedDuration::from_secs(1200));
    let answer = world.get(ADDRESS, &session).await;
    assert!(body(&answer).contains("The ledger does not answer at the moment"), "{}", body(&answer));
    assert!(body(&answer).contains("42 sent"));
}
