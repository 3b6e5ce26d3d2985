use super::*;
use fakes::{Collector, CollectorMood};
use serde_json::Value;
use std::time::Instant as Clock;

fn shop() -> ShopDomain {
    "acme.myshopify.com".parse().unwrap()
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + millis).unwrap()
}

fn traces(collector: &Collector) -> Traces {
    Traces::to(reqwest::Client::new(), collector.endpoint.clone(), "intake".to_owned(), 1.0)
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

/// One span that has ended.
fn record(traces: &Traces) {
    let place = traces.place(None, &shop(), "w");
    traces.end(traces.begin(place, SpanName::Intake, at(0)), at(1), false, Vec::new);
}

/// Nothing is hashed, numbered, kept or asked for: a recorder is a pointer, and there is none.
#[tokio::test]
async fn off_costs_nothing() {
    let traces = Traces::off();
    assert_eq!(size_of_val(&traces), size_of::<usize>());
    let carried = TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let place = traces.place(carried, &shop(), "webhook");
    traces.waited(place, Some(at(0)), at(1));
    let span = traces.begin(place, SpanName::Intake, at(0));
    traces.end(span, at(1), false, || panic!("attributes are not asked for"));
    traces.send(Instant::now()).await;
    assert_eq!((place, span.map(|span| span.context())), (None, None));
}

#[tokio::test]
async fn spans_of_one_event_are_one_trace_whoever_records_them() {
    let collector = Collector::start().await;
    let (intake, flow) = (traces(&collector), traces(&collector));
    let span = intake.begin(intake.place(None, &shop(), "w"), SpanName::Intake, at(0)).unwrap();
    intake.end(Some(span), at(5), false, || vec![("shop", shop().to_string())]);
    // as it is read from an item
    let carried = TraceContext::parse(&span.context().to_string());
    let place = flow.place(carried, &shop(), "w");
    flow.waited(place, Some(at(5)), at(100));
    let communication = flow.begin(place, SpanName::Communication, at(100)).unwrap();
    let inside = Some(communication.inside());
    flow.end(flow.begin(inside, SpanName::Compose, at(200)), at(500), true, Vec::new);
    flow.end(Some(communication), at(900), true, Vec::new);
    intake.send(soon()).await;
    flow.send(soon()).await;
    let spans = collector.spans();
    let said = |span: &Value, name: &str| span[name].as_str().unwrap_or_default().to_owned();
    let names: Vec<_> = spans.iter().map(|span| said(span, "name")).collect();
    assert_eq!(names, ["intake", "queue wait", "compose", "communication"]);
    assert!(spans.iter().all(|span| span["traceId"] == spans[0]["traceId"]), "one trace");
    assert_eq!(spans[0].get("parentSpanId"), None, "it is the root");
    for (child, parent) in [(1, 0), (3, 0), (2, 3)] {
        assert_eq!(spans[child]["parentSpanId"], spans[parent]["spanId"]);
    }
    assert_eq!((&spans[2]["status"]["code"], spans[0].get("status")), (&2.into(), None));
    assert_eq!(said(&spans[1], "startTimeUnixNano"), "1800000000005000000");
    assert_eq!(spans[0]["attributes"][0]["value"]["stringValue"], "acme.myshopify.com");
    // an event that is delivered again continues its trace
    assert_eq!(intake.place(None, &shop(), "w"), flow.place(None, &shop(), "w"));
    assert_ne!(intake.place(None, &shop(), "w"), intake.place(None, &shop(), "x"));
}

#[test]
fn a_part_of_the_events_is_sampled_and_everybody_chooses_the_same() {
    let of = |part| Traces::to(reqwest::Client::new(), String::new(), String::new(), part);
    let sampled = |traces: &Traces, n: u32| traces.place(None, &shop(), &format!("w{n}")).is_some();
    let count = |part| {
        let traces = of(part);
        (0..2000).filter(|n| sampled(&traces, *n)).count()
    };
    let zero = of(0.0);
    assert_eq!((count(0.0), count(1.0)), (0, 2000));
    assert!((150..250).contains(&count(0.1)), "{}", count(0.1));
    let (one, other) = (of(0.1), of(0.1));
    assert!((0..2000).all(|n| sampled(&one, n) == sampled(&other, n)));
    let carried = TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    assert!(zero.place(carried, &shop(), "w").is_some(), "whoever began it has decided");
}

#[tokio::test]
async fn a_collector_that_is_silent_or_down_costs_one_bounded_wait_in_a_while() {
    for mood in [CollectorMood::Silent, CollectorMood::Down] {
        let collector = Collector::start().await;
        let traces = traces(&collector);
        collector.be(mood);
        record(&traces);
        let begun = Clock::now();
        traces.send(soon()).await;
        assert!(begun.elapsed() < LONGEST_SEND * 3, "{mood:?}: {:?}", begun.elapsed());
        // until it has rested, nothing is tried, and nothing piles up
        collector.be(CollectorMood::Well);
        record(&traces);
        traces.send(soon()).await;
        assert_eq!((collector.requests(), collector.spans().len()), (1, 0), "{mood:?}");
    }
    // nobody listens
    let gone = Traces::to(reqwest::Client::new(), "http://127.0.0.1:1/v1/traces".into(), "f".into(), 1.0);
    record(&gone);
    let begun = Clock::now();
    gone.send(soon()).await;
    assert!(begun.elapsed() < LONGEST_SEND * 3);
}

#[tokio::test]
async fn sending_ends_with_the_invocations_time() {
    let collector = Collector::start().await;
    let traces = traces(&collector);
    collector.be(CollectorMood::Silent);
    record(&traces);
    let begun = Clock::now();
    traces.send(Instant::now() + Duration::from_millis(50)).await;
    assert!(begun.elapsed() < Duration::from_millis(400), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn no_time_left_is_no_fault_of_the_collectors_and_a_rejected_span_neither() {
    let collector = Collector::start().await;
    let traces = traces(&collector);
    record(&traces);
    traces.send(Instant::now()).await;
    assert_eq!(collector.requests(), 0);
    collector.be(CollectorMood::Partial);
    for requests in [1, 2] {
        record(&traces);
        traces.send(soon()).await;
        assert_eq!(collector.requests(), requests);
    }
}

#[tokio::test]
async fn what_an_invocation_records_is_bounded() {
    let collector = Collector::start().await;
    let traces = traces(&collector);
    for _ in 0..MOST_SPANS + 10 {
        record(&traces);
    }
    let kept = || traces.0.as_ref().unwrap().ended.lock().unwrap().len();
    assert_eq!(kept(), MOST_SPANS);
    traces.send(soon()).await;
    record(&traces);
    assert_eq!(kept(), 1, "the next invocation begins anew");
}

/// The stand-in refuses what real collectors would ignore or misread.
#[test]
fn the_collector_is_strict() {
    use axum::http::{HeaderMap, Method, Uri};
    let traces = Traces::to(reqwest::Client::new(), String::new(), "f".to_owned(), 1.0);
    record(&traces);
    let body = otlp::request("f", &traces.0.as_ref().unwrap().ended.lock().unwrap());
    let headers =
        HeaderMap::from_iter([("content-type".parse().unwrap(), "application/json".parse().unwrap())]);
    let uri: Uri = "/v1/traces".parse().unwrap();
    let read = |body: &str| fakes::spans(&Method::POST, &uri, &headers, body.as_bytes());
    assert_eq!(read(&body).unwrap().len(), 1);
    for (from, to) in [
        ("\"kind\":5", "\"kind\":\"SPAN_KIND_CONSUMER\""),
        ("\"traceId\"", "\"trace_id\""),
        ("\"startTimeUnixNano\":\"", "\"startTimeUnixNano\":\"x"),
        ("\"spanId\":\"", "\"spanId\":\"00"),
        ("service.name\"", "service.nome\""),
        ("\"name\":\"intake\"", "\"name\":\"\""),
        ("\"stringValue\"", "\"string_value\""),
    ] {
        let changed = body.replace(from, to);
        assert_ne!(changed, body, "{from}");
        assert!(read(&changed).is_err(), "{to}");
    }
    let get = fakes::spans(&Method::GET, &uri, &headers, body.as_bytes());
    assert!(get.is_err());
}
