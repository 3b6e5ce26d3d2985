//! What each request is answered with.

use crate::world::World;
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};

fn pdf() -> Bytes {
    Bytes::from_static(b"%PDF-1.7 the receipt\xff\x00\x80")
}

fn decoded(answer: &Value) -> Bytes {
    assert_eq!(answer["isBase64Encoded"], true);
    BASE64_STANDARD.decode(answer["body"].as_str().unwrap()).unwrap().into()
}

#[tokio::test]
async fn a_page_is_recorded_and_shown() {
    let world = World::new(pdf()).await;
    let answer = world.get(&world.page()).await;
    assert_eq!(answer["statusCode"], 200);
    let html = answer["body"].as_str().unwrap();
    // in the language of the document, whatever the browser prefers
    assert!(
        html.starts_with("<!DOCTYPE html><html lang=\"de\" dir=\"ltr\">") && html.contains("Beleg"),
        "{html}"
    );
    assert!(html.contains(&world.pdf()) && html.contains("document.html"));
    assert_eq!((world.count("GetItem"), world.count("UpdateItem")), (1, 1));
}

#[tokio::test]
async fn the_document_is_the_archived_one_byte_for_byte() {
    let world = World::new(pdf()).await;
    let answer = world.get(&world.pdf()).await;
    assert_eq!(answer["statusCode"], 200);
    assert_eq!(decoded(&answer), pdf());
    let headers = &answer["headers"];
    assert_eq!(headers["content-type"], "application/pdf");
    assert_eq!(
        headers["content-disposition"],
        "inline; filename=\"document.pdf\"; filename*=UTF-8''Beleg%201001.pdf"
    );
    assert_eq!(world.count("UpdateItem"), 1);
    assert_eq!(world.reads().len(), 1);
}

#[tokio::test]
async fn html_gets_no_script_and_nothing_from_elsewhere() {
    let world = World::new(pdf()).await;
    let answer = world.get(&format!("{}/document.html", world.page())).await;
    assert!(decoded(&answer).starts_with(b"<!doctype html>"));
    let policy = answer["headers"]["content-security-policy"].as_str().unwrap();
    assert!(policy.starts_with("default-src 'none';") && policy.contains("sandbox"), "{policy}");
    assert!(!policy.contains("script") && !policy.contains("allow-same-origin") && !policy.contains("http"));
}

/// Whoever guesses learns nothing: of a token that is none, of one that nobody has, and of any other path, the answer
/// is the same to the byte, and neither S3 nor a write is asked for.
#[tokio::test]
async fn whatever_is_unknown_is_one_answer() {
    let world = World::new(pdf()).await;
    let expected = world.get("/d/").await;
    assert_eq!(expected["statusCode"], 404);
    let mut guess = world.token.clone().into_bytes();
    guess[0] = if guess[0] == b'a' { b'b' } else { b'a' };
    let guess = String::from_utf8(guess).unwrap();
    for path in [
        "",
        "/",
        "/d",
        "/robots.txt",
        "/favicon.ico",
        "/assets/style.css",
        "/d/x",
        &format!("/d/{guess}"),
        &format!("/d/{guess}/document.pdf"),
        &format!("/d/{}", "A".repeat(43)),
        &format!("/d/{}x", world.token),
        &format!("/d/{}", "x".repeat(10_000)),
        &format!("/d/{}/record.json", world.token),
        &format!("/d/{}/../record.json", world.token),
        &format!("/d/{}/", world.token),
    ] {
        assert_eq!(world.get(path).await, expected, "{path}");
    }
    assert_eq!((world.count("UpdateItem"), world.reads().len()), (0, 0));
}

/// A thousand guesses at the table's own hash, at neighbours of the token, at other spellings.
#[tokio::test]
async fn guessing_finds_nothing() {
    let world = World::new(pdf()).await;
    let hash = world.store.lock().unwrap().link["token_sha256"]["S"].as_str().unwrap().to_owned();
    let mut guesses = vec![hash[..43].to_owned(), hash, "link#".to_owned() + &world.token];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for at in 0..16 {
        for letter in alphabet {
            let mut guess = world.token.clone().into_bytes();
            guess[at] = *letter;
            guesses.push(String::from_utf8(guess).unwrap());
        }
    }
    let mut shown = 0;
    for guess in guesses.iter().filter(|guess| **guess != world.token) {
        shown += usize::from(world.get(&format!("/d/{guess}")).await["statusCode"] != 404);
    }
    assert_eq!((shown, world.count("UpdateItem")), (0, 0));
    assert_eq!(world.get(&world.page()).await["statusCode"], 200);
}

#[tokio::test]
async fn an_ended_link_says_so_to_who_holds_it_and_shows_nothing() {
    for (change, expected) in [("valid_until_epoch_ms", "abgelaufen"), ("revoked", "zurückgezogen")] {
        let world = World::new(pdf()).await;
        world.change(|store| {
            store.link[change] = match change {
                "revoked" => json!({"M": {"at_epoch_ms": {"N": "1"}, "actor": {"S": "clerk@shop"}, "reason": {"S": "secret reason"}}}),
                _ => json!({"N": crate::world::now().as_millisecond().to_string()}),
            }
        });
        for path in [world.page(), world.pdf()] {
            let answer = world.get(&path).await;
            let html = answer["body"].as_str().unwrap();
            assert_eq!(answer["statusCode"], 410);
            assert!(html.contains(expected) && html.contains("service@northwind.example"), "{html}");
            // nothing of what was sent, of who took it back, or why
            for word in ["Beleg", "1001", "clerk", "secret"] {
                assert!(!html.contains(word), "{word}");
            }
        }
        assert_eq!((world.count("UpdateItem"), world.reads().len()), (0, 0));
    }
}

/// The order of the two is settled by the table: after a revocation has been answered nothing is shown.
#[tokio::test]
async fn a_link_that_is_revoked_between_look_up_and_opening_shows_nothing() {
    let world = World::new(pdf()).await;
    world.change(|store| store.revoked_meanwhile = true);
    for path in [world.page(), world.pdf()] {
        let answer = world.get(&path).await;
        assert_eq!(answer["statusCode"], 410);
        assert_eq!(answer["isBase64Encoded"], false);
        world.change(|store| drop(store.link.as_object_mut().unwrap().remove("revoked")));
    }
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_shown() {
    let world = World::new(pdf()).await;
    world.change(|store| store.table_fails = true);
    let answer = world.get(&world.page()).await;
    assert_eq!(
        (answer["statusCode"].clone(), answer["headers"]["retry-after"].clone()),
        (json!(503), json!("120"))
    );
    assert!(!answer["body"].as_str().unwrap().contains("Beleg"));
}

#[tokio::test]
async fn other_bytes_than_the_recorded_ones_are_never_shown() {
    let world = World::new(pdf()).await;
    world.change(|store| store.objects[0].1 = Bytes::from_static(b"%PDF of another customer"));
    let answer = world.get(&world.pdf()).await;
    assert_eq!((answer["statusCode"].clone(), answer["isBase64Encoded"].clone()), (json!(503), json!(false)));
    assert_eq!(world.count("UpdateItem"), 0);
    // erased: there is nothing more to wait for
    world.change(|store| store.objects.clear());
    assert_eq!(world.get(&world.pdf()).await["statusCode"], 410);
}

#[tokio::test]
async fn looking_without_opening_is_not_recorded() {
    let world = World::new(pdf()).await;
    for path in [world.page(), world.pdf()] {
        let answer = world.send("HEAD", &path, json!({})).await;
        assert_eq!((answer["statusCode"].clone(), answer["body"].clone()), (json!(200), json!("")));
    }
    assert_eq!((world.count("UpdateItem"), world.reads().len()), (0, 0));
}

#[tokio::test]
async fn only_reading_is_answered() {
    let world = World::new(pdf()).await;
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "get", ""] {
        for path in [world.page(), world.pdf(), "/".to_owned()] {
            let answer = world.send(method, &path, json!({})).await;
            assert_eq!(answer["statusCode"], 405, "{method}");
            assert_eq!(answer["headers"]["allow"], "GET, HEAD");
        }
    }
    assert_eq!(world.count("GetItem"), 0);
}

#[tokio::test]
async fn every_answer_has_strict_headers() {
    let world = World::new(pdf()).await;
    let html = format!("{}/document.html", world.page());
    let mut answers = Vec::new();
    for path in [world.page(), world.pdf(), html, "/".to_owned(), "/assets/parts.js".to_owned()] {
        answers.push(world.get(&path).await);
        answers.push(world.send("POST", &path, json!({})).await);
        answers.push(world.send("HEAD", &path, json!({})).await);
    }
    world.change(|store| store.table_fails = true);
    answers.push(world.get(&world.page()).await);
    for answer in &answers {
        let headers = &answer["headers"];
        for (name, expected) in [
            ("cache-control", "no-store, private"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("referrer-policy", "no-referrer"),
            ("strict-transport-security", "max-age=63072000; includeSubDomains"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("x-robots-tag", "noindex, nofollow, noarchive, nosnippet"),
        ] {
            assert_eq!(headers[name], expected, "{name}: {answer}");
        }
        let policy = headers["content-security-policy"].as_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe-eval") && !policy.contains('*'));
        assert_eq!(headers["set-cookie"], Value::Null);
        assert!(headers["content-type"].as_str().is_some());
    }
}
