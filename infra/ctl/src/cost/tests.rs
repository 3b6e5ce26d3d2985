use super::*;
use clap::Parser;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    question: Question,
}

fn ask(arguments: &str) -> Question {
    Command::parse_from(["cost"].into_iter().chain(arguments.split_whitespace())).question
}

fn kept() -> Requests {
    serde_json::from_str(include_str!("../../../../tests/bench/requests.json")).unwrap()
}

fn table() -> Prices {
    toml::from_str(include_str!("../../prices.toml")).unwrap()
}

fn total(question: &Question, requests: &Requests) -> Decimal {
    let prices = table();
    lines(&usage(question, requests).unwrap(), &prices).unwrap().iter().map(|(.., cost)| *cost).sum()
}

/// A function that asks for a claim, a completion, two puts and a tenth of a report.
fn counted(communications: f64) -> Counted {
    let requests = [
        ("DynamoDB:UpdateItem", 2.0),
        ("S3:PutObject", 2.0),
        ("SQS:SendMessageBatch", 0.1),
        ("Exstream:compose", 1.0),
    ];
    Counted {
        batch: 10,
        communications,
        requests: requests.map(|(name, count)| (name.to_owned(), count)).into(),
        item_bytes: 1000.0,
        log_bytes: 250.0,
        metric_bytes: 20.0,
        batch_ms: 300.0,
        single_ms: 280.0,
    }
}

fn plain() -> Requests {
    let intake = Counted { batch: 1, requests: [("SQS:SendMessage".to_owned(), 1.0)].into(), ..counted(0.0) };
    let write_back = Counted { requests: [("DynamoDB:UpdateItem".to_owned(), 1.0)].into(), ..counted(0.0) };
    let of = |scenario: &str, counted: Counted| BTreeMap::from([(scenario.to_owned(), counted)]);
    Requests {
        measured: "2026-11-23".to_owned(),
        functions: [
            ("intake", of("order", intake)),
            ("write-back", of("ten orders", write_back)),
            ("order-confirmation", of("archive-only", counted(1.0))),
            ("account-statements", of("archive-only", counted(2.0))),
        ]
        .map(|(function, scenarios)| (function.to_owned(), scenarios))
        .into(),
    }
}

#[test]
fn every_request_is_in_the_month() {
    let question = ask("--communications 1000 --channel archive-only --memory-mb 1024");
    let month = usage(&question, &plain()).unwrap();
    let nothing = usage(&ask("--channel archive-only --memory-mb 1024"), &plain()).unwrap();
    let more = |name: &str| month[name] - nothing.get(name).copied().unwrap_or_default();
    assert_eq!(more("events"), 1000.0);
    assert_eq!(more("lambda-requests"), 3000.0, "intake, flow, write-back");
    assert!((more("lambda-arm64") - 3.0 * 280.0).abs() < 1e-6);
    assert_eq!(more("dynamodb-writes"), 4000.0, "claim, complete, index, report");
    assert_eq!(more("s3-puts"), 2000.0);
    // to the flow, its report, and two of Lambda's for each of the two queues
    assert_eq!(more("sqs-requests"), 6000.0);
    assert!((more("s3-storage") - 1000.0 * 104.0 / 1e6 * 12.0).abs() < 1e-9);
}

#[test]
fn batches_share_their_requests() {
    let of = |batch: u8| {
        let question = ask(&format!("--communications 1000 --channel archive-only --batch {batch}"));
        usage(&question, &plain()).unwrap()
    };
    let (one, ten) = (of(1), of(10));
    assert_eq!(one["lambda-requests"] - ten["lambda-requests"], 1800.0);
    assert_eq!(one["sqs-requests"] - ten["sqs-requests"], 900.0 + 1800.0 + 1800.0);
    assert_eq!(one["dynamodb-writes"], ten["dynamodb-writes"]);
}

#[test]
fn a_request_more_is_seen_in_money() {
    let question = ask("--communications 1000000 --channel archive-only");
    let mut requests = plain();
    let before = total(&question, &requests);
    let flow =
        requests.functions.get_mut("order-confirmation").and_then(|it| it.get_mut("archive-only")).unwrap();
    flow.requests.insert("DynamoDB:GetItem".to_owned(), 1.0);
    assert_eq!(
        total(&question, &requests) - before,
        Decimal::new(13, 2),
        "a million reads: 0.125, to the cent"
    );
    let flow =
        requests.functions.get_mut("order-confirmation").and_then(|it| it.get_mut("archive-only")).unwrap();
    *flow.requests.entry("DynamoDB:UpdateItem".to_owned()).or_default() += 1.0;
    assert!(total(&question, &requests) - before > Decimal::new(70, 2), "and a million writes");
}

#[test]
fn a_statement_is_as_many_documents_as_it_has() {
    let month =
        usage(&ask("--statements 100 --channel archive-only --months 1 --document-kb 96"), &plain()).unwrap();
    assert!((month["s3-storage"] - 200.0 * 100.0 / 1e6).abs() < 1e-9);
    assert!(!month.contains_key("s3-gets") && month["events"] == 0.0);
}

#[test]
fn what_was_counted_and_what_is_priced_fit() {
    let requests = kept();
    for (flow, scenarios) in
        requests.functions.iter().filter(|(_, scenarios)| scenarios.contains_key("archive-only"))
    {
        for channel in scenarios.keys() {
            // what is measured with order confirmations alone is no channel of statements
            let statements =
                if requests.functions["account-statements"].contains_key(channel) { 1000 } else { 0 };
            let question = ask(&format!(
                "--communications 1000 --statements {statements} --flow {flow} --channel {channel}"
            ));
            assert!(total(&question, &requests) > Decimal::ZERO, "{flow} {channel}");
        }
    }
}

#[test]
fn a_missing_price_or_count_is_named() {
    let mut prices = table();
    prices.prices.remove("events");
    let usage = usage(&ask("--channel archive-only"), &plain()).unwrap();
    let error = lines(&usage, &prices).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("`events`"), "{error}");
    let error = super::usage(&ask("--flow nothing"), &plain()).unwrap_err();
    assert!(error.to_string().contains("nothing (e-mail)"), "{error}");
}
