//! The pages of every document's sample: everything on the paper, nothing over anything else.
//!
//! With `PAGES_DIR` set the documents are also written there, to look at.

use super::{
    make,
    page::{PAGE, RIGHT},
    pdf, read_text,
    text::{Face, width},
};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// Driver data of each document, as its flow publishes it.
fn samples() -> Vec<(String, Value)> {
    let functions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../functions");
    let mut samples = Vec::new();
    for function in fs::read_dir(functions).unwrap() {
        let Ok(files) = fs::read_dir(function.unwrap().path().join("samples")) else { continue };
        for file in files.map(|file| file.unwrap().path()) {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            if let Some(name) = name.strip_suffix(".v1.json") {
                let driver: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
                if driver.get("document").is_some() {
                    samples.push((name.to_owned(), driver));
                }
            }
        }
    }
    samples.sort_by(|a, b| a.0.cmp(&b.0));
    samples
}

fn keep(name: &str, extension: &str, document: &[u8]) {
    if let Some(folder) = std::env::var_os("PAGES_DIR") {
        fs::write(Path::new(&folder).join(format!("{name}.{extension}")), document).unwrap();
    }
}

/// A statement of 200 entries and an order of 200 lines, names in other scripts, texts without a space.
fn hard_cases() -> Vec<(String, Value)> {
    let samples = samples();
    let sample = |name: &str| samples.iter().find(|(known, _)| known == name).unwrap().1.clone();
    let mut statement = sample("account-statement");
    let entries = statement["statements"][1]["entries"].as_array_mut().unwrap();
    *entries = entries.iter().cycle().take(200).cloned().collect();
    let mut order = sample("order-confirmation");
    let lines = order["lines"].as_array_mut().unwrap();
    *lines = lines.iter().cycle().take(200).cloned().collect();
    let mut refund = sample("refund-confirmation");
    refund["customer"]["name"] = json!("שָׁלוֹם בן־דוד");
    refund["billing_address"]["name"] = json!("مُحَمَّد عبد الرحمن");
    refund["lines"][0]["title"] = json!("Unbreakable".repeat(30));
    refund["payments"] = json!([]);
    let mut bare = sample("shipping-notice");
    bare["customer"] = json!({"name": "W".repeat(120)});
    bare["items"] = json!([]);
    bare["shipment"]["carrier"] = json!("M".repeat(400));
    vec![
        ("hard-statement".to_owned(), statement),
        ("hard-order".to_owned(), order),
        ("hard-refund".to_owned(), refund),
        ("hard-shipping-notice".to_owned(), bare),
    ]
}

#[derive(Debug)]
struct Piece {
    left: f32,
    right: f32,
    base: f32,
    size: f32,
    text: String,
}

/// What one content stream shows, with its place.
fn pieces(stream: &str) -> Vec<Piece> {
    let (mut face, mut size, mut place) = (Face::Regular, 0.0, (0.0, 0.0));
    let mut found = Vec::new();
    for line in stream.lines() {
        let number = |index: usize| line.split(' ').nth(index).and_then(|n| n.parse::<f32>().ok()).unwrap();
        if line.ends_with(" Tf") {
            face = if line.starts_with("/F2") { Face::Bold } else { Face::Regular };
            size = number(1);
        } else if line.ends_with(" Td") {
            place = (number(0), number(1));
        } else if line.ends_with(" Tj") {
            let page = format!("stream\n{line}\nendstream");
            let text = read_text(page.as_bytes()).concat();
            let wide = width(&super::text::encode(&text), face, size);
            found.push(Piece { left: place.0, right: place.0 + wide, base: place.1, size, text });
        }
    }
    found
}

/// The content streams of a document without padding. Text outside ASCII is written in hexadecimal.
fn streams(document: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(document).into_owned();
    text.split("stream\n").filter(|part| part.contains(" Tj")).map(str::to_owned).collect()
}

fn check(name: &str, driver: &Value) {
    let document = pdf::write(std::slice::from_ref(driver), None, 0);
    keep(name, "pdf", &document);
    keep(name, "html", &make("text/html", std::slice::from_ref(driver), None, 0)[0]);
    let pages = streams(&document);
    for (number, page) in (1..).zip(&pages) {
        let pieces = pieces(page);
        let running = format!("{number} ");
        assert!(pieces.iter().any(|p| p.text.contains(&running)), "{name}: page {number} has no number");
        assert!(pieces.len() > 4, "{name}: page {number} is empty: {pieces:?}");
        for (index, piece) in pieces.iter().enumerate() {
            let inside = piece.left > 40.0 && piece.right < RIGHT + 1.0;
            assert!(inside && piece.base > 20.0 && piece.base < PAGE.1 - 20.0, "{name}: outside: {piece:?}");
            for other in &pieces[index + 1..] {
                let beside = piece.right <= other.left + 0.1 || other.right <= piece.left + 0.1;
                let apart = (piece.base - other.base).abs() > piece.size.min(other.size) * 0.8;
                assert!(beside || apart, "{name}: page {number}: {piece:?} over {other:?}");
            }
        }
    }
    let text = read_text(&document).join("\n");
    for hidden in ["gid://", "{\"", "null", "/1\n"] {
        assert!(!text.contains(hidden), "{name}: {hidden:?} in {text}");
    }
    assert_eq!(pages.len(), read_text(&document).len());
}

#[test]
fn every_sample_is_readable() {
    let samples = samples();
    assert!(samples.len() >= 19, "{}", samples.len());
    samples.iter().for_each(|(name, driver)| check(name, driver));
}

#[test]
fn long_and_strange_documents_are_readable() {
    hard_cases().iter().for_each(|(name, driver)| check(name, driver));
}
