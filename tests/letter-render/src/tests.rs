//! The pages of every document's sample: everything on the paper, nothing over anything else.
//!
//! With `PAGES_DIR` set the documents are also written there, to look at.

mod samples;

use crate::{
    languages::Words,
    lines::wide,
    make, missing_fonts, pdf, read_text,
    style::{PAGE, RIGHT},
    text::Face,
};
use samples::{hard_cases, samples};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    time::{Duration, Instant},
};

fn keep(name: &str, extension: &str, document: &[u8]) {
    if let Some(folder) = std::env::var_os("PAGES_DIR") {
        fs::write(Path::new(&folder).join(format!("{name}.{extension}")), document).unwrap();
    }
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
    let (mut bold, mut size, mut place) = (false, 0.0, (0.0, 0.0));
    let mut found = Vec::new();
    // of a line with embedded fonts: what it says, and where its first piece is
    let mut spoken: Option<(String, Option<(f32, f32)>)> = None;
    let mut add = |text: String, bold: bool, size: f32, place: (f32, f32)| {
        let face = if bold { Face::Bold } else { Face::Regular };
        // a boldened line is measured as the built-in font would be
        let right = place.0 + wide(&text, face, size);
        found.push(Piece { left: place.0, right, base: place.1, size, text });
    };
    for line in stream.lines() {
        let number = |index: usize| line.split(' ').nth(index).and_then(|n| n.parse::<f32>().ok()).unwrap();
        let read = |line: &str| read_text(format!("stream\n{line}\nendstream").as_bytes()).concat();
        if line.trim_start().starts_with("/Says ") {
            spoken = Some((read(line), None));
        } else if line.ends_with(" Tr") {
            bold = line == "2 Tr";
        } else if line.ends_with(" Tf") {
            bold = line.starts_with("/F2") || bold && line.starts_with("/N");
            size = number(1);
        } else if line.ends_with(" Td") {
            place = (number(0), number(1));
            if let Some((_, first)) = &mut spoken {
                first.get_or_insert(place);
            }
        } else if line == "EMC" {
            let (text, first) = spoken.take().unwrap();
            add(text, bold, size, first.unwrap());
        } else if line.ends_with(" Tj") && spoken.is_none() {
            add(read(line), bold, size, place);
        }
    }
    found
}

/// The content streams of a document without padding. Text outside ASCII is written in hexadecimal.
fn streams(document: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(document).into_owned();
    text.split("stream\n").filter(|part| part.contains(" Tj\n")).map(str::to_owned).collect()
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
    if let Some(schema) = driver["schema"].as_str() {
        assert!(!text.contains(schema), "{name}: {text}");
    }
    let raw = text.split_whitespace().find(|word| word.contains('_') && !word.contains(['/', '@', '.']));
    assert!(raw.is_none(), "{name}: the key {raw:?} in {text}");
    for hidden in ["gid://", "{\"", "null", "Dear,", "?,"] {
        assert!(!text.contains(hidden), "{name}: {hidden:?} in {text}");
    }
    assert_eq!(pages.len(), read_text(&document).len());
}

const LOCALES: [&str; 4] = ["en", "fr", "de", "ar"];

/// Whether the fonts are installed, as they must be where all tests run.
fn fonts_are_installed() -> bool {
    let missing = missing_fonts();
    assert!(
        missing.is_empty() || std::env::var_os("CI").is_none(),
        "`make install` was not run: {missing:?}"
    );
    missing.is_empty()
}

#[test]
fn every_sample_is_readable_in_every_language() {
    let samples = samples();
    assert!(samples.len() >= 19, "{}", samples.len());
    for (name, driver) in &samples {
        for locale in LOCALES {
            let mut driver = driver.clone();
            driver["locale"] = json!(locale);
            check(&format!("{name}.{locale}"), &driver);
        }
    }
}

/// Every key of an object inside `value`, `_on` and the like included.
fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => object.iter().for_each(|(key, value)| {
            found.insert(key.clone());
            keys(value, found);
        }),
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        _ => {}
    }
}

/// What no page shows, or shows without its name.
const UNLABELLED: [&str; 17] = [
    "schema",
    "document",
    "communication",
    "locale",
    "brand",
    "shop",
    "id",
    "currency",
    "shop_currency",
    "country_code",
    "external_id",
    "rate_percent",
    "from_days",
    "to_days",
    "company_location",
    "card_company",
    "card_last_digits",
];

#[test]
fn every_field_that_is_shown_has_a_label_in_every_language() {
    let mut found = BTreeSet::new();
    samples().iter().for_each(|(_, driver)| keys(driver, &mut found));
    found.retain(|key| !UNLABELLED.contains(&key.as_str()));
    let missing: Vec<_> = found.iter().filter(|key| !Words::of("en").has_label(key)).collect();
    assert!(missing.is_empty(), "no label in labels.rs: {missing:?}");
    for (document, _) in samples() {
        let document = document.trim_end_matches(".everything");
        assert!(Words::of("ar").opening(document).is_some(), "{document} has no opening sentence");
    }
}

#[test]
fn long_and_strange_documents_are_readable() {
    hard_cases().iter().for_each(|(name, driver)| check(name, driver));
}

#[test]
fn every_script_is_shown_as_it_is() {
    let names = [
        "山田 太郎",
        "王小明 陳大文",
        "김민수",
        "محمد عبد الرحمن",
        "שלום בן־דוד",
        "สมชาย ใจดี",
        "प्रिया शर्मा",
        "Юлия Ωμέγα",
        "Łukasz Őry",
        "Ana 🎁 ❤️ 👍🏽",
    ];
    if !fonts_are_installed() {
        return;
    }
    for name in names {
        for locale in LOCALES {
            let driver = json!({"document": "shipping-notice", "locale": locale, "customer": {"name": name}, "items": [{"title": name, "quantity": 1}]});
            let document = pdf::write(std::slice::from_ref(&driver), None, 0);
            let text = read_text(&document).join("\n");
            let said = name.replace('\u{fe0f}', "");
            assert!(text.replace('\u{fe0f}', "").matches(&said).count() >= 2, "{name} in {locale}: {text}");
            assert!(!text.contains('?'), "{text}");
            let html = String::from_utf8(make("text/html", &[driver], None, 0).remove(0)).unwrap();
            assert!(html.contains(name), "{html}");
            assert_eq!(html.contains("dir=rtl"), locale == "ar");
        }
    }
}

#[test]
fn pages_of_a_language_written_from_the_right_are_mirrored() {
    if !fonts_are_installed() {
        return;
    }
    let amount = json!({"amount": "1234.50", "currency": "EUR"});
    let driver = |locale: &str| json!({"document": "receipt", "locale": locale, "brand": {"name": "Acme"}, "order": {"name": "#1"}, "totals": {"total": amount}});
    let place = |locale: &str, text: &str| {
        let document = pdf::write(&[driver(locale)], None, 0);
        let pieces: Vec<Piece> = streams(&document).iter().flat_map(|page| pieces(page)).collect();
        pieces.into_iter().find(|piece| piece.text.contains(text)).unwrap_or_else(|| panic!("{text}"))
    };
    let middle = PAGE.0 / 2.0;
    assert!(place("en", "Total").left > middle && place("ar", "المجموع").right < middle);
    assert!(place("en", "€1,234.50").left > place("en", "Total").left);
    assert!(place("ar", "1,234.50").left < place("ar", "المجموع").left);
    assert!(place("en", "Dear customer,").left < 100.0 && place("ar", "مرحبًا،").right > PAGE.0 - 100.0);
}

/// The steps grow with the length of a text: none of these takes as long as its square would.
#[test]
fn long_texts_take_linear_time_and_a_bounded_number_of_pages() {
    let nested = (0..100).fold(json!("deep"), |inner, _| json!({"inner": [inner]}));
    let wide: serde_json::Map<String, Value> = (0..5_000).map(|n| (format!("key{n}"), json!(n))).collect();
    let cases = [
        ("no blanks", json!("x".repeat(1_000_000))),
        ("blanks", json!(" ".repeat(1_000_000))),
        ("blanks and a letter", json!(format!("{}x", " ".repeat(1_000_000)))),
        ("lines", json!("short\n".repeat(100_000))),
        ("hyphens", json!("a-".repeat(500_000))),
        ("ideographs", json!("漢".repeat(330_000))),
        ("one Arabic word", json!("م".repeat(500_000))),
        ("accented word", json!("Ł".repeat(500_000))),
        ("both directions", json!("אa".repeat(300_000))),
        ("marks", json!("a\u{301}".repeat(300_000))),
        ("isolates", json!("\u{2067}a".repeat(200_000))),
        ("deep", nested),
        ("many keys", json!([wide])),
        ("rows", json!((0..5_000).map(|n| json!({"title": "Mug", "quantity": n})).collect::<Vec<_>>())),
    ];
    for (name, value) in cases {
        let driver = json!({"document": "receipt", "order": {"name": "#1", "note": value}, "lines": [{"title": value, "quantity": 1}], "other": value, "list": [{"a": value, "b": 1}]});
        let kinds = [
            ("receipt", "application/pdf"),
            ("dispute-notice", "application/pdf"),
            ("dispute-notice", "text/html"),
        ];
        for (document, mime) in kinds {
            let mut driver = driver.clone();
            driver["document"] = json!(document);
            let begun = Instant::now();
            let made = make(mime, &[driver], None, 0).remove(0);
            // a debug build on a busy machine; a quadratic step takes minutes
            let taken = begun.elapsed();
            if std::env::var_os("PAGES_DIR").is_some() {
                eprintln!("{name} as {mime} of {document}: {taken:?}, {} bytes", made.len());
            }
            assert!(taken < Duration::from_secs(10), "{name} as {mime} took {taken:?}");
            assert!(mime == "text/html" || read_text(&made).len() <= 300, "{name}");
        }
    }
}

#[test]
fn a_receipt_says_how_it_was_paid_and_what_the_total_holds() {
    let money = |amount: &str| json!({"amount": amount, "currency": "EUR"});
    let mut driver = json!({
        "document": "receipt", "locale": "en", "brand": {"name": "Acme", "legal_name": "Acme SAS", "address": [{"text": "1 rue Haute"}], "vat_number": "FR1", "register_number": "RCS Lyon 1"},
        "order": {"name": "#1", "taxes_included": true, "payment_status": "partially_paid", "payment_terms": {"name": "Net 30", "due_on": "2026-12-22"}},
        "billing_address": {"name": "Zoë", "line1": "2 rue Basse", "line2": "Étage 3", "city": "Lyon"},
        "lines": [
            {"title": "Hat", "quantity": 1, "total": money("50.00"), "discounts": [{"name": "WELCOME", "amount": money("5.00")}]},
            {"title": "Cup", "quantity": 1, "total": money("10.00"), "bundle": {"id": "b", "title": "Tea set", "quantity": 1}},
            {"title": "Pot", "quantity": 1, "total": money("40.00"), "bundle": {"id": "b", "title": "Tea set", "quantity": 1}},
        ],
        "shipping": [{"title": "DHL", "amount": money("6.90"), "discounts": [{"name": "FREE", "amount": money("6.90")}]}],
        "taxes": [{"title": "VAT", "rate_percent": "20", "amount": money("18.37")}],
        "discounts": [{"applies_to": "lines", "name": "WELCOME", "kind": "code", "amount": money("5.00")}],
        "totals": {"subtotal": money("100.00"), "duties": money("4.00"), "fees": [{"title": "Delivery fee", "amount": money("0.27")}], "tip": money("3.00"), "cash_rounding": money("-0.02"), "total": money("110.25")},
        "payment": {"paid": money("80.00"), "outstanding": money("30.25"), "payments": [
            {"method": "card", "name": "Visa", "last_digits": "4242", "amount": money("50.00"), "date_on": "2026-11-22"},
            {"method": "gift-card", "last_digits": "ab12", "amount": money("30.00")},
        ]},
        "unknown_thing": {"first_field": "one"},
    });
    let text = |driver: &Value| read_text(&pdf::write(std::slice::from_ref(driver), None, 0)).join("\n");
    let said = text(&driver);
    let order = [
        "2 rue Basse",
        "Étage 3",
        "Due date",
        "December 22, 2026",
        "Dear customer,",
        "Discount WELCOME: -€5.00",
        "Tea set",
        "Cup",
        "Pot",
        "Subtotal",
        "€100.00",
        "after discount WELCOME",
        "-€5.00",
        "Shipping – DHL",
        "€6.90",
        "Discount FREE",
        "-€6.90",
        "Duties",
        "€4.00",
        "Delivery fee",
        "€0.27",
        "Tip",
        "€3.00",
        "Cash rounding",
        "-€0.02",
        "Total",
        "€110.25",
        "including VAT 20%",
        "€18.37",
        "Visa •••• 4242, November 22, 2026",
        "€50.00",
        "Gift card •••• ab12",
        "€30.00",
        "Paid",
        "€80.00",
        "Amount due",
        "€30.25",
        "Unknown thing",
        "First field",
        "Kind regards,",
        "Acme SAS · 1 rue Haute",
        "VAT number FR1 · RCS Lyon 1",
    ];
    let mut from = 0;
    for expected in order {
        let found = said[from..].find(expected);
        from += found.unwrap_or_else(|| panic!("{expected:?} is missing or out of order in {said}"));
    }
    assert_eq!(said.matches("Tea set").count(), 1);
    driver["order"]["taxes_included"] = json!(false);
    let added = text(&driver);
    assert!(added.find("VAT 20%").unwrap() < added.find("€110.25").unwrap() && !added.contains("including"));
    driver["order"]["payment_status"] = json!("authorized");
    driver["payment"] = json!({"authorized": money("110.25"), "outstanding": money("110.25")});
    let authorized = text(&driver);
    assert!(
        authorized.contains("Authorized, not yet charged") && !authorized.contains("Amount due"),
        "{authorized}"
    );
}
