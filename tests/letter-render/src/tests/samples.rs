//! Driver data of every document, and documents that are hard to lay out.

use serde_json::{Value, json};
use std::{fs, path::Path};

/// Driver data of each document, as its flow publishes it.
pub fn samples() -> Vec<(String, Value)> {
    let functions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions");
    let mut samples = Vec::new();
    for function in fs::read_dir(functions).unwrap() {
        let Ok(files) = fs::read_dir(function.unwrap().path().join("samples")) else { continue };
        for file in files.map(|file| file.unwrap().path()) {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            if let Some(name) = name.strip_suffix(".v1.json") {
                let driver: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
                if let Some(customer) = driver.pointer("/customers/0") {
                    samples.push((name.to_owned(), customer.clone()));
                }
            }
        }
    }
    samples.sort_by(|a, b| a.0.cmp(&b.0));
    samples
}

/// A statement of 200 entries and an order of 200 lines, names in other scripts, texts without a space.
pub fn hard_cases() -> Vec<(String, Value)> {
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
