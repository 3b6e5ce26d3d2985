//! Documents that do not fit into one answer of a Lambda function.

use crate::world::World;
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};

const PART: usize = 4 * 1024 * 1024;

fn large() -> Bytes {
    (0..2 * PART + 1000).map(|at| (at * 31 % 251) as u8).collect::<Vec<_>>().into()
}

fn range(first: usize) -> Value {
    json!({"range": format!("bytes={first}-")})
}

#[tokio::test]
async fn the_parts_make_the_archived_document_and_are_one_opening() {
    let (world, whole) = (World::new(large()).await, large());
    let page = world.get(&world.page()).await;
    assert!(page["body"].as_str().unwrap().contains("/assets/parts.js"));
    let mut got = Vec::new();
    while got.len() < whole.len() {
        let answer = world.send("GET", &world.pdf(), range(got.len())).await;
        assert_eq!(answer["statusCode"], 206);
        // within what Lambda takes
        assert!(answer.to_string().len() < 6 * 1024 * 1024 - 4096);
        let part = BASE64_STANDARD.decode(answer["body"].as_str().unwrap()).unwrap();
        let expected = format!("bytes {}-{}/{}", got.len(), got.len() + part.len() - 1, whole.len());
        assert_eq!(answer["headers"]["content-range"], expected);
        got.extend(part);
    }
    assert!(got == whole);
    let opened = world.store.lock().unwrap().link["document_opens"].clone();
    assert_eq!(opened, json!({"N": "1"}));
}

#[tokio::test]
async fn the_whole_leads_back_to_the_page() {
    let world = World::new(large()).await;
    let answer = world.get(&world.pdf()).await;
    assert_eq!(
        (answer["statusCode"].clone(), answer["headers"]["location"].clone()),
        (json!(303), json!(world.page()))
    );
    assert_eq!((world.count("UpdateItem"), world.reads().len()), (0, 0));
}

/// A reader who begins in the middle leaves a trace, too.
#[tokio::test]
async fn a_part_of_what_nobody_opened_is_an_opening() {
    let world = World::new(large()).await;
    assert_eq!(world.send("GET", &world.pdf(), range(1)).await["statusCode"], 206);
    assert_eq!(world.count("UpdateItem"), 1);
}

#[tokio::test]
async fn small_documents_have_parts_too() {
    let world = World::new(Bytes::from_static(b"0123456789")).await;
    let send = async |value: &str| world.send("GET", &world.pdf(), json!({"Range": value})).await;
    let answer = send("bytes=2-4").await;
    assert_eq!((answer["statusCode"].clone(), answer["body"].clone()), (json!(206), json!("MjM0")));
    let answer = send("bytes=10-").await;
    assert_eq!(
        (answer["statusCode"].clone(), answer["headers"]["content-range"].clone()),
        (json!(416), json!("bytes */10"))
    );
    assert_eq!(send("bytes=0-1,4-5").await["statusCode"], 200);
    let conditional = json!({"range": "bytes=2-4", "if-range": "\"x\""});
    assert_eq!(world.send("GET", &world.pdf(), conditional).await["statusCode"], 200);
}
