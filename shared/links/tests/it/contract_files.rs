//! The published form of a link.

use crate::Sample;
use links::{Link, Opened, Opening, Revocation, Token, Unsubscription};
use serde_json::{Value, json};
use std::path::Path;

/// A link that everything has happened to.
fn everything() -> Link {
    let sample = Sample::new();
    let token = Token::derive(&crate::key(), &sample.communication, 1);
    let at = crate::now().as_millisecond();
    Link {
        v: 1,
        token_sha256: token.hash(),
        communication: sample.communication,
        serial: 1,
        shop: sample.shop,
        document: comms::Document::Receipt,
        locale: "fr-CA".to_owned(),
        name: Some("#1001".to_owned()),
        sender: sample.sender,
        outputs: sample.outputs,
        created_epoch_ms: at,
        valid_until_epoch_ms: at + 90 * 86_400_000,
        revoked: Some(Revocation {
            at_epoch_ms: at + 86_400_000,
            actor: "ops@northwind.example".to_owned(),
            reason: "sent to a wrong address".to_owned(),
        }),
        page_opens: 1,
        document_opens: 1,
        last_opened_epoch_ms: Some(at + 7_200_000),
        openings: vec![
            Opening { at_epoch_ms: at + 3_600_000, what: Opened::Page },
            Opening { at_epoch_ms: at + 7_200_000, what: Opened::File("document.pdf".to_owned()) },
        ],
        expires_epoch_s: at / 1000 + 490 * 86_400,
    }
}

#[test]
fn the_format_is_published_and_its_sample_conforms() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let schema = serde_json::to_value(schemars::schema_for!(Link)).unwrap();
    let sample = serde_json::to_value(everything()).unwrap();
    contract::conforms(&schema, &sample);
    contract::published(&folder.join("schemas/link.v1.json"), &schema);
    contract::published(&folder.join("samples/link.v1.json"), &sample);
    assert_eq!(serde_json::from_value::<Link>(sample).unwrap(), everything());
}

#[test]
fn the_format_of_a_link_to_unsubscribe_is_published_and_its_sample_conforms() {
    let sample = Sample::new();
    let at = crate::now().as_millisecond();
    let item = Unsubscription {
        v: 1,
        token_sha256: Token::derive_unsubscribe(&crate::key(), &sample.communication).hash(),
        communication: sample.communication,
        shop: sample.shop,
        customer: comms::Gid::new("Customer", 501),
        customer_key: "0123456789abcdef0123456789abcdef".to_owned(),
        locale: "fr-CA".to_owned(),
        sender: sample.sender,
        created_epoch_ms: at,
        used_epoch_ms: Some(at + 3_600_000),
        expires_epoch_s: at / 1000 + 400 * 86_400,
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let schema = serde_json::to_value(schemars::schema_for!(Unsubscription)).unwrap();
    let sample = serde_json::to_value(&item).unwrap();
    contract::conforms(&schema, &sample);
    contract::published(&folder.join("schemas/unsubscribe.v1.json"), &schema);
    contract::published(&folder.join("samples/unsubscribe.v1.json"), &sample);
    assert_eq!(serde_json::from_value::<Unsubscription>(sample).unwrap(), item);
}

/// What opens a document is in no item.
#[test]
fn no_item_has_the_token() {
    let sample = Sample::new();
    let token = Token::derive(&crate::key(), &sample.communication, 1).expose();
    assert!(!serde_json::to_string(&everything()).unwrap().contains(&token));
}

/// Four write units at most, with all openings and eight documents.
#[test]
fn the_largest_item_is_bounded() {
    let mut link = everything();
    let wide = |text: &mut String| *text = "x".repeat(120);
    wide(&mut link.sender.name);
    link.openings = (0..50)
        .map(|index| Opening {
            at_epoch_ms: 1_800_000_000_000 + index,
            what: Opened::File("document-12345678.html".to_owned()),
        })
        .collect();
    link.outputs = std::iter::repeat_n(link.outputs[0].clone(), links::MAX_OUTPUTS).collect();
    let json = serde_json::to_string(&link).unwrap();
    assert!(json.len() <= 6 * 1024, "{}", json.len());
    link.outputs.truncate(1);
    assert!(serde_json::to_string(&link).unwrap().len() <= 4 * 1024);
}

#[test]
fn an_opening_is_a_time_and_what_was_opened() {
    let read = |text: &str| serde_json::from_value::<Opening>(Value::from(text));
    assert_eq!(read("12 page").unwrap().what, Opened::Page);
    assert_eq!(json!(read("12 document.pdf").unwrap()), "12 document.pdf");
    for wrong in ["", "12", "page", "x page"] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}
