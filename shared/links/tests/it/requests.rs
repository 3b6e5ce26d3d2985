//! Each request as it is sent, and every answer that DynamoDB can give to it.

use crate::{Sample, key, now};
use axum::{
    body::Body,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use comms::{Class, Classify};
use fakes::{Seen, Server};
use links::{Link, LinkError, LinkState, Links, Opened, Recorded, Revocation, Revoked, Token};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// Answers one after the other; fails a test that asks for more.
async fn dynamodb(answers: Vec<Response>) -> (Links, Server) {
    let answers = Arc::new(Mutex::new(answers.into_iter()));
    let server =
        Server::start(move |_: &Seen| answers.lock().unwrap().next().expect("no more requests")).await;
    let client = aws_sdk_dynamodb::Client::new(&fakes::aws(&server.base).await);
    (Links::new(client, "links".to_owned()), server)
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [("content-type", "application/x-amz-json-1.0")], Body::from(body.to_string())).into_response()
}

fn fine(body: &Value) -> Response {
    answer(StatusCode::OK, body)
}

fn refusal(kind: &str, more: Value) -> Response {
    let mut body =
        json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": "refused"});
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    answer(StatusCode::BAD_REQUEST, &body)
}

fn cancelled(codes: &[&str]) -> Response {
    let reasons: Vec<_> = codes.iter().map(|code| json!({"Code": code})).collect();
    refusal("TransactionCanceledException", json!({"CancellationReasons": reasons}))
}

/// JSON as DynamoDB writes it.
fn attribute(value: &Value) -> Value {
    match value {
        Value::String(text) => json!({"S": text}),
        Value::Number(number) => json!({"N": number.to_string()}),
        Value::Array(list) => json!({"L": list.iter().map(attribute).collect::<Vec<_>>()}),
        Value::Object(map) => {
            json!({"M": map.iter().map(|(name, it)| (name.clone(), attribute(it))).collect::<serde_json::Map<_, _>>()})
        }
        Value::Null | Value::Bool(_) => unreachable!("no item has one"),
    }
}

fn item(link: &Link) -> Value {
    attribute(&serde_json::to_value(link).unwrap())["M"].clone()
}

async fn published() -> Link {
    let (links, _) = dynamodb(vec![fine(&json!({}))]).await;
    links.publish(&key(), &Sample::new().publication(), now()).await.unwrap().link
}

fn current(link: &Link) -> Value {
    json!({"Item": {"pk": {"S": "communication#x"}, "serial": {"N": link.serial.to_string()},
        "token_sha256": {"S": link.token_sha256.as_str()}, "expires_epoch_s": {"N": "1"}}})
}

fn revocation() -> Revocation {
    Revocation {
        at_epoch_ms: 7,
        actor: "ops@northwind.example".to_owned(),
        reason: "wrong address".to_owned(),
    }
}

/// The bodies of all requests, without what the SDK makes up.
fn asked(server: &Server) -> Value {
    let bodies = server.seen().into_iter().map(|seen| {
        let mut body: Value = serde_json::from_slice(&seen.body).unwrap();
        body.as_object_mut().unwrap().remove("ClientRequestToken");
        json!({"operation": seen.header("x-amz-target").unwrap().rsplit('.').next().unwrap(), "body": body})
    });
    sorted(bodies.collect())
}

/// The attributes of an item are in any order.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let map: BTreeMap<_, _> = map.into_iter().map(|(name, it)| (name, sorted(it))).collect();
            map.into_iter().collect()
        }
        Value::Array(list) => list.into_iter().map(sorted).collect(),
        other => other,
    }
}

#[tokio::test]
async fn publishing_is_one_transaction_and_keeps_no_token() {
    let (links, server) = dynamodb(vec![fine(&json!({}))]).await;
    let published = links.publish(&key(), &Sample::new().publication(), now()).await.unwrap();
    assert!(!published.adopted);
    assert_eq!(published.link.token_sha256, published.token.hash());
    let asked = asked(&server);
    assert!(!asked.to_string().contains(&published.token.expose()));
    insta::assert_json_snapshot!("publish", asked);
}

#[tokio::test]
async fn a_second_attempt_finds_the_link_of_the_first() {
    let link = published().await;
    let (links, _) = dynamodb(vec![
        cancelled(&["ConditionalCheckFailed", "ConditionalCheckFailed"]),
        fine(&current(&link)),
        fine(&json!({"Item": item(&link)})),
    ])
    .await;
    let again = links.publish(&key(), &Sample::new().publication(), now()).await.unwrap();
    assert!(again.adopted);
    assert_eq!((again.token.hash(), again.link), (link.token_sha256.clone(), link));
}

#[tokio::test]
async fn a_link_that_was_replaced_is_found_by_its_issue() {
    let sample = Sample::new();
    let mut link = published().await;
    link.serial = 3;
    link.token_sha256 = Token::derive(&key(), &sample.communication, 3).hash();
    let refused = || cancelled(&["ConditionalCheckFailed", "None"]);
    let answers = || vec![refused(), fine(&current(&link)), fine(&json!({"Item": item(&link)}))];
    let (links, _) = dynamodb(answers()).await;
    assert_eq!(links.publish(&key(), &sample.publication(), now()).await.unwrap().link.serial, 3);

    // with another key nobody knows its token
    let (links, _) = dynamodb(answers()).await;
    let other = links::LinkKey::new("l".repeat(64).into()).unwrap();
    let error = links.publish(&other, &sample.publication(), now()).await.unwrap_err();
    assert!(matches!(error, LinkError::KeyChanged(_)), "{error}");
    assert_eq!(error.class(), Class::Permanent);
}

#[tokio::test]
async fn what_may_pass_is_no_refusal() {
    for answers in [
        vec![cancelled(&["TransactionConflict", "None"])],
        vec![refusal("ProvisionedThroughputExceededException", json!({}))],
        vec![refusal("TransactionInProgressException", json!({}))],
        // the items go between two requests
        vec![cancelled(&["ConditionalCheckFailed"]), fine(&json!({}))],
    ] {
        let (links, _) = dynamodb(answers).await;
        let error = links.publish(&key(), &Sample::new().publication(), now()).await.unwrap_err();
        assert_eq!(error.class(), Class::transient(), "{error}");
    }
}

#[tokio::test]
async fn replacing_revokes_what_was_in_force_in_the_same_transaction() {
    let link = published().await;
    let answers = |last| vec![fine(&current(&link)), fine(&json!({"Item": item(&link)})), last];
    let (links, server) = dynamodb(answers(fine(&json!({})))).await;
    let sample = Sample::new();
    let next = links.replace(&key(), &sample.publication(), &revocation(), now()).await.unwrap();
    assert_eq!(next.link.serial, 1);
    assert_ne!(next.token.hash(), link.token_sha256);
    insta::assert_json_snapshot!("replace", asked(&server));

    let (links, _) = dynamodb(answers(cancelled(&["ConditionalCheckFailed", "None", "None"]))).await;
    let error = links.replace(&key(), &sample.publication(), &revocation(), now()).await.unwrap_err();
    assert!(matches!(error, LinkError::Changed(_)), "{error}");
}

#[tokio::test]
async fn the_first_revocation_holds() {
    let link = published().await;
    let found = || vec![fine(&current(&link)), fine(&json!({"Item": item(&link)}))];
    let id = &link.communication;

    let (links, server) = dynamodb([found(), vec![fine(&json!({}))]].concat_responses()).await;
    let Revoked::Link(revoked) = links.revoke(id, &revocation()).await.unwrap() else { panic!("no link") };
    assert_eq!(revoked.state(now()), LinkState::Revoked);
    insta::assert_json_snapshot!("revoke", asked(&server));

    let mut earlier = link.clone();
    earlier.revoked = Some(Revocation { reason: "the first".to_owned(), ..revocation() });
    let refused = refusal("ConditionalCheckFailedException", json!({"Item": item(&earlier)}));
    let (links, _) = dynamodb([found(), vec![refused]].concat_responses()).await;
    assert_eq!(links.revoke(id, &revocation()).await.unwrap(), Revoked::Link(Box::new(earlier)));

    let (links, _) = dynamodb(vec![fine(&json!({}))]).await;
    assert_eq!(links.revoke(id, &revocation()).await.unwrap(), Revoked::Absent);
}

#[tokio::test]
async fn an_opening_is_recorded_while_the_link_is_in_force() {
    let link = published().await;
    let token = &link.token_sha256;
    let open = |answers: Vec<Response>| async move {
        let (links, server) = dynamodb(answers).await;
        (links.record_opening(token, &Opened::Page, now()).await.unwrap(), server)
    };
    let refused = |link: &Link| refusal("ConditionalCheckFailedException", json!({"Item": item(link)}));

    let (recorded, server) = open(vec![fine(&json!({}))]).await;
    assert_eq!(recorded, Recorded::Yes);
    insta::assert_json_snapshot!("open", asked(&server));

    // revoked between look-up and opening
    let mut revoked = link.clone();
    revoked.revoked = Some(revocation());
    assert_eq!(open(vec![refused(&revoked)]).await.0, Recorded::Ended(LinkState::Revoked));
    let mut expired = link.clone();
    expired.valid_until_epoch_ms = now().as_millisecond();
    assert_eq!(open(vec![refused(&expired)]).await.0, Recorded::Ended(LinkState::Expired));
    let gone = refusal("ConditionalCheckFailedException", json!({}));
    assert_eq!(open(vec![gone]).await.0, Recorded::Absent);
}

#[tokio::test]
async fn an_opening_is_counted_once_although_its_answer_was_lost() {
    let mut link = published().await;
    link.openings = vec![format!("{} page", now().as_millisecond()).parse().unwrap()];
    let refused = refusal("ConditionalCheckFailedException", json!({"Item": item(&link)}));
    let (links, server) = dynamodb(vec![refused]).await;
    let recorded = links.record_opening(&link.token_sha256, &Opened::Page, now()).await.unwrap();
    assert_eq!((recorded, server.seen().len()), (Recorded::Yes, 1));
}

#[tokio::test]
async fn beyond_the_bound_openings_are_only_counted() {
    let mut link = published().await;
    link.openings = (0..50).map(|at| format!("{at} page").parse().unwrap()).collect();
    let refused = || refusal("ConditionalCheckFailedException", json!({"Item": item(&link)}));
    let what = Opened::File("document.pdf".to_owned());
    let (links, server) = dynamodb(vec![refused(), fine(&json!({}))]).await;
    assert_eq!(links.record_opening(&link.token_sha256, &what, now()).await.unwrap(), Recorded::Yes);
    insta::assert_json_snapshot!("count", asked(&server)[1]);

    // the count was made, and its answer lost
    let (links, _) = dynamodb(vec![refused(), refused()]).await;
    assert_eq!(links.record_opening(&link.token_sha256, &what, now()).await.unwrap(), Recorded::Yes);
}

#[tokio::test]
async fn what_a_page_cannot_show_is_not_published() {
    let (links, server) = dynamodb(Vec::new()).await;
    let mut sample = Sample::new();
    let refused = async |sample: &Sample, valid_days: u16| {
        let publication = links::Publication { valid_days, ..sample.publication() };
        links.publish(&key(), &publication, now()).await.unwrap_err().to_string()
    };
    assert!(refused(&sample, 0).await.contains("1 to 400 days"));
    assert!(refused(&sample, 401).await.contains("1 to 400 days"));
    let output = sample.outputs[0].clone();
    for (bytes, media_type, object, expected) in [
        (26 * 1024 * 1024, "application/pdf", "x/document.pdf", "can show"),
        (1, "application/json", "x/document.json", "`application/json`"),
        (1, "application/pdf", "x/record.json", "document.<extension>"),
        (1, "application/pdf", "x/document.p%2e", "document.<extension>"),
        (1, "application/pdf", "document", "document.<extension>"),
    ] {
        let (object, media_type) = (object.to_owned(), media_type.to_owned());
        sample.outputs = vec![links::LinkedOutput { object, media_type, bytes, ..output.clone() }];
        let error = refused(&sample, 90).await;
        assert!(error.contains(expected), "{error}");
    }
    sample.outputs = Vec::new();
    assert!(refused(&sample, 90).await.contains("not 0"));
    assert_eq!(server.seen().len(), 0);
}

/// `Response` is no `Clone`, so lists of them are joined by moving.
trait Joined {
    fn concat_responses(self) -> Vec<Response>;
}

impl<const N: usize> Joined for [Vec<Response>; N] {
    fn concat_responses(self) -> Vec<Response> {
        self.into_iter().flatten().collect()
    }
}
