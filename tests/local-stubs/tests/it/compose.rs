//! On-demand composition: envelope, raw bytes, the pages, and what is refused.

use crate::support::{COMMUNICATION, SHOP, Stub, driver, exstream};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use letter_render::{missing_fonts, read_text};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use stub_exstream::{Communication, ExstreamOptions, Output};

async fn pdf(stub: &Stub, driver: &Value) -> Vec<u8> {
    let response = stub.on_demand(driver, Some("application/pdf")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/pdf");
    response.bytes().await.unwrap().to_vec()
}

#[tokio::test]
async fn the_letter_says_what_the_driver_data_says() {
    let stub = exstream(ExstreamOptions::default()).await;
    let bytes = pdf(&stub, &driver(1)).await;
    assert!(bytes.starts_with(b"%PDF-") && bytes.trim_ascii_end().ends_with(b"%%EOF"));
    let pages = read_text(&bytes);
    assert_eq!(pages.len(), 1);
    for expected in [
        "Maison Éclat",
        "Confirmation de commande #1001",
        "22 novembre 2026",
        "12 rue de l’Église",
        "75011 Paris",
        "Quai des Brumes",
        "Théière n° 1",
        "TEA-1",
        "10,00\u{a0}€",
        "18,50\u{a0}€",
        if missing_fonts().is_empty() { "Engraving: Für Łucja" } else { "Engraving: Für Lucja" },
        "Livraison – Colissimo",
        "TVA 20\u{a0}%",
        "1\u{a0}234,50\u{a0}€",
        "Payé",
        "Sonner (2 fois) \\ merci",
        "Page 1 sur 1",
    ] {
        assert!(pages[0].lines().any(|line| line.contains(expected)), "{expected:?} is not in {}", pages[0]);
    }
    // nothing is outstanding, so nothing is said about it
    assert!(!pages[0].contains("Reste à payer"));
}

#[tokio::test]
async fn a_long_order_continues_over_pages_and_loses_no_line() {
    let stub = exstream(ExstreamOptions::default()).await;
    let pages = read_text(&pdf(&stub, &driver(120)).await);
    assert!(pages.len() > 5, "{}", pages.len());
    let all = pages.join("\n");
    for number in 1..=120 {
        assert_eq!(all.matches(&format!("TEA-{number}\n")).count(), 1, "line {number}");
    }
    for (index, page) in pages.iter().enumerate() {
        assert!(page.contains(&format!("Page {} sur {}", index + 1, pages.len())));
        assert!(page.contains("Prix unitaire") || index + 1 == pages.len());
    }
    // totals stand together
    assert!(pages.last().unwrap().contains("Sous-total") && pages.last().unwrap().contains("Total"));
}

#[tokio::test]
async fn any_other_data_is_listed_and_hostile_text_stays_text() {
    let stub = exstream(ExstreamOptions::default()).await;
    let hostile = ") Tj ET (x\\";
    let other = json!({"document": "account-statement", "entries": [{"amount": "10.00", "text": hostile}], "word": "x".repeat(5000)});
    let all = read_text(&pdf(&stub, &other).await).join("\n");
    assert!(all.contains("Account statement") && all.contains("10.00"));
    assert!(all.lines().any(|line| line == hostile), "{all}");
    // the word, the hostile text and the head of its column
    assert_eq!(all.matches('x').count(), 5000 + 1 + "Text".matches('x').count());
}

fn statement(lines: usize) -> Value {
    let money = |amount: String| json!({"amount": amount, "currency": "EUR"});
    let entry = |number: usize| {
        json!({
            "date": format!("2026-10-{:02}", 1 + number % 31), "kind": if number.is_multiple_of(3) { "payment" } else { "invoice" },
            "reference": format!("INV-{number:05}"), "order": {"id": "gid://shopify/Order/1", "name": format!("#{number}")},
            "due_date": "2026-11-30", "amount": money(format!("{number}234.50")), "balance": money(format!("{number}999.99")),
        })
    };
    json!({
        "schema": "account-statement/1", "document": "account-statement", "communication": "c-9", "locale": "fr",
        "brand": {"name": "Maison Éclat"}, "shop": SHOP,
        "account": {"name": "Société Générale du Nord", "company": "Nord SA", "external_id": "D-42"},
        "customer": {"name": "דוד שלום", "email": "dvd@example.com"},
        "address": {"company": "Nord SA", "lines": ["1 rue du Port"], "postal_code": "59000", "city": "Lille", "country": "France"},
        "period": {"from": "2026-10-01", "to": "2026-10-31"},
        "entries": (1..=lines).map(entry).collect::<Vec<_>>(),
        "totals": {"opening_balance": money("10.00".to_owned()), "closing_balance": money("20.00".to_owned())},
        "payment_instructions": "Virement sous trente jours. ".repeat(12),
    })
}

#[tokio::test]
async fn a_statement_of_two_hundred_lines_stays_inside_its_pages() {
    let stub = exstream(ExstreamOptions::default()).await;
    let bytes = pdf(&stub, &statement(200)).await;
    let pages = read_text(&bytes);
    assert!((5..10).contains(&pages.len()), "{}", pages.len());
    let all = pages.join("\n");
    for number in 1..=200 {
        assert_eq!(all.matches(&format!("INV-{number:05}\n")).count(), 1, "line {number}");
    }
    for (index, page) in pages.iter().enumerate() {
        assert!(page.contains(&format!("Page {} sur {}", index + 1, pages.len())));
        // every page that has lines has the head of the table
        assert!(!page.contains("INV-") || page.contains("Reference"), "page {index}");
    }
    for text in [
        "Relevé de compte",
        "Nord SA",
        "59000 Lille",
        "Solde de clôture",
        "20,00\u{a0}€",
        "\noctobre 2026\n",
        if missing_fonts().is_empty() { "Bonjour דוד שלום," } else { "Bonjour dvd shlvm," },
    ] {
        assert!(all.contains(text), "{text}");
    }
    assert!(!all.contains("gid://"));
    for (x, y) in positions(&bytes) {
        assert!((40.0..=560.0).contains(&x) && (20.0..=830.0).contains(&y), "{x} {y}");
    }
}

/// Where every text of a PDF begins.
fn positions(pdf: &[u8]) -> Vec<(f32, f32)> {
    let text = String::from_utf8_lossy(pdf);
    text.lines()
        .filter_map(|line| line.strip_suffix(" Td"))
        .map(|at| at.split_once(' ').unwrap())
        .map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap()))
        .collect()
}

#[tokio::test]
async fn the_html_of_a_report_reads_in_the_direction_of_its_text() {
    let stub = exstream(ExstreamOptions::default()).await;
    let response = stub.on_demand(&statement(2), Some("text/html")).await;
    let html = response.text().await.unwrap();
    assert!(html.contains("דוד שלום") && html.contains("dir=auto") && html.contains("INV-00002"), "{html}");
}

#[tokio::test]
async fn xml_gives_the_same_page_as_json() {
    let stub = exstream(ExstreamOptions::default()).await;
    stub.set("settings", json!({"stable_output": true})).await;
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><driver><document>receipt</document><shop>{SHOP}</shop><locale>en</locale>\
         <order><name>#7</name><date>2026-01-02T00:00:00Z</date></order><lines><line><title>A &amp; B</title><quantity>1</quantity>\
         <total><amount>3.00</amount><currency>USD</currency></total></line></lines></driver>"
    );
    let same = json!({"document": "receipt", "shop": SHOP, "locale": "en", "order": {"name": "#7", "date": "2026-01-02T00:00:00Z"},
        "lines": [{"title": "A & B", "quantity": 1, "total": {"amount": "3.00", "currency": "USD"}}]});
    let url = stub.url("/orchestration/api/v1/inputs/ondemand/dev/generate");
    let request =
        stub.http.post(url).bearer_auth(stub.token().await).header("communicationId", COMMUNICATION);
    let request = request.header("driverDataSource", "orders").header("Accept", "application/pdf");
    let response = request.header("content-type", "text/xml; charset=utf-8").body(xml).send().await.unwrap();
    assert_eq!(response.bytes().await.unwrap().to_vec(), pdf(&stub, &same).await);
}

#[tokio::test]
async fn the_envelope_holds_every_output_and_outputs_are_remembered() {
    let output = |queue: &str, mime: &str| Output {
        queue: queue.to_owned(),
        mime: mime.to_owned(),
        pictures: Vec::new(),
    };
    let communication = Communication {
        id: COMMUNICATION.to_owned(),
        name: "confirmation".to_owned(),
        version: 4,
        data_source: Some("orders".to_owned()),
        outputs: vec![output("Print", "application/pdf"), output("Mail", "text/html")],
        parts: None,
    };
    let stub =
        exstream(ExstreamOptions { communications: vec![communication], ..ExstreamOptions::default() }).await;
    let answer: Value = stub.on_demand(&driver(1), None).await.json().await.unwrap();
    assert_eq!(answer["status"], "success");
    let data = answer["data"].as_array().unwrap();
    let queues: Vec<_> =
        data.iter().map(|d| d["engineOutputContext"]["queueName"].as_str().unwrap()).collect();
    assert_eq!(queues, ["Print", "Mail"]);
    assert_eq!(data[1]["mimeType"], "text/html");
    let html = BASE64_STANDARD.decode(data[1]["content"].as_str().unwrap()).unwrap();
    assert!(String::from_utf8(html).unwrap().contains("Théière n° 1"));
    let bytes = BASE64_STANDARD.decode(data[0]["content"].as_str().unwrap()).unwrap();
    let records = stub.look("outputs").await["outputs"]["c-1"].take();
    assert_eq!(records[0]["sha256"], hex::encode(Sha256::digest(&bytes)));
    assert_eq!((&records[0]["bytes"], &records[1]["mime"]), (&json!(bytes.len()), &json!("text/html")));
    // an unknown communication and a type without a queue are refused
    let refused = stub.on_demand(&driver(1), Some("image/png")).await;
    assert_eq!(refused.status(), 406);
    stub.set("communications", json!([{"id": "another", "name": "n"}])).await;
    assert_eq!(stub.on_demand(&driver(1), None).await.status(), 404);
}

#[tokio::test]
async fn html_breaks_per_customer_and_pdf_does_not() {
    let stub = exstream(ExstreamOptions::default()).await;
    let outputs = json!([{"queue": "P", "mime": "application/pdf"}, {"queue": "H", "mime": "text/html"}]);
    stub.set("communications", json!([{"id": COMMUNICATION, "name": "n", "outputs": outputs}])).await;
    let answer: Value =
        stub.on_demand(&json!({"customers": [driver(1), driver(2)]}), None).await.json().await.unwrap();
    let seen: Vec<_> = answer["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| {
            (
                d["mimeType"].as_str().unwrap().to_owned(),
                d["engineOutputContext"]["customerNumber"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let expected = [("application/pdf", "1"), ("text/html", "1"), ("text/html", "2")];
    assert_eq!(seen, expected.map(|(mime, number)| (mime.to_owned(), number.to_owned())));
    let bytes = BASE64_STANDARD.decode(answer["data"][0]["content"].as_str().unwrap()).unwrap();
    assert_eq!(read_text(&bytes).len(), 2);
}

#[tokio::test]
async fn no_two_compositions_are_the_same_bytes_unless_asked() {
    let stub = exstream(ExstreamOptions::default()).await;
    assert_ne!(pdf(&stub, &driver(1)).await, pdf(&stub, &driver(1)).await);
    stub.set("settings", json!({"stable_output": true})).await;
    assert_eq!(pdf(&stub, &driver(1)).await, pdf(&stub, &driver(1)).await);
    stub.set("settings", json!({"pdf_padding_bytes": 7_000_000})).await;
    let large = pdf(&stub, &driver(1)).await;
    assert!(large.len() > 7_000_000);
    assert_eq!(read_text(&large).len(), 1);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_in_the_right_shape() {
    let stub = exstream(ExstreamOptions::default()).await;
    let token = stub.token().await;
    let send = |headers: Vec<(&'static str, &'static str)>, body: &'static str| {
        let url = stub.url("/orchestration/api/v1/inputs/ondemand/dev/generate");
        let mut request = stub.http.post(url).bearer_auth(&token).body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        async move {
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.json::<Value>().await.unwrap())
        }
    };
    let (id, source, json) = (
        ("communicationId", COMMUNICATION),
        ("driverDataSource", "orders"),
        ("content-type", "application/json"),
    );
    let service = |answer: (u16, Value)| {
        assert!(answer.1["timestamp"].is_string() && answer.1["path"].is_string(), "{answer:?}");
        assert_eq!(answer.1["status"], answer.0);
        (answer.0, answer.1["errorCode"].as_str().unwrap().to_owned())
    };
    assert_eq!(service(send(vec![source, json], "{}").await), (400, "MISSING_HEADER".to_owned()));
    assert_eq!(service(send(vec![id, json], "{}").await), (400, "MISSING_HEADER".to_owned()));
    let unknown = ("communicationId", "not-a-uuid");
    assert_eq!(service(send(vec![unknown, source, json], "{}").await), (404, "NOT_FOUND".to_owned()));
    let text = ("content-type", "text/plain");
    assert_eq!(service(send(vec![id, source, text], "{}").await), (415, "UNSUPPORTED_MEDIA_TYPE".to_owned()));
    let engine = |answer: (u16, Value)| {
        assert_eq!((answer.0, &answer.1["status"]), (400, &json!("error")));
        assert_eq!(answer.1["data"][0]["statusCode"], "400");
        answer.1["data"][0]["errorMessage"].as_str().unwrap().to_owned()
    };
    assert!(engine(send(vec![id, source, json], "{\"a\":").await).contains("not valid JSON"));
    assert!(engine(send(vec![id, source, json], "{\"a b\":1}").await).contains("`a b`"));
}

#[tokio::test]
async fn the_service_gateway_takes_a_ticket_and_wraps_base64() {
    let stub = exstream(ExstreamOptions::default()).await;
    let credentials = json!({"userName": "local", "password": "local-secret"});
    let url = stub.url("/otdstenant/t1/otdsws/rest/authentication/credentials");
    let ticket: Value = stub.http.post(url).json(&credentials).send().await.unwrap().json().await.unwrap();
    let body = json!({"contentType": "text/xml", "data": BASE64_STANDARD.encode("<d><a>1</a></d>")});
    let url = stub.url("/t1/sgw/v1/communications?name=letters&version=1");
    let request = stub.http.post(url).header("OTDSTicket", ticket["ticket"].as_str().unwrap()).json(&body);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    let result = &answer["data"]["result"][0]["content"];
    assert_eq!(result["contentType"], "application/pdf");
    let bytes = BASE64_STANDARD.decode(result["data"].as_str().unwrap()).unwrap();
    assert!(bytes.starts_with(b"%PDF-"));
}
