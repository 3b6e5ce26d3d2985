//! Batch jobs, their outputs, and the design look-ups.

use crate::support::{COMMUNICATION, Stub, driver, exstream};
use letter_render::read_text;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use stub_exstream::ExstreamOptions;
use stub_http::{Fault, FaultKind};

async fn call(stub: &Stub, token: &str, method: Method, path: &str) -> reqwest::Response {
    stub.http.request(method, stub.url(path)).bearer_auth(token).send().await.unwrap()
}

async fn get(stub: &Stub, token: &str, path: &str) -> Value {
    call(stub, token, Method::GET, path).await.json().await.unwrap()
}

const RUNTIME: &str = "/orchestration/api/v1/runtime/dev";

/// The address of the step that has a job's outputs.
async fn step(stub: &Stub, token: &str, job: &str) -> String {
    let steps = get(
        stub,
        token,
        &format!("{RUNTIME}/flow-steps?filter=flowInstanceId:fi-{job};stepTypes:communication"),
    )
    .await;
    assert_eq!(steps["page"]["totalElements"], 1, "{steps}");
    format!("{RUNTIME}/flow-steps/{}", steps["data"][0]["id"].as_str().unwrap())
}

async fn submit(stub: &Stub, token: &str, body: String) -> String {
    let url = stub.url("/orchestration/api/v1/inputs/batch/dev/generate");
    let request = stub.http.post(url).bearer_auth(token).header("communicationId", COMMUNICATION);
    let request = request.header("driverDataSource", "orders").header("content-type", "application/json");
    let answer: Value = request.body(body).send().await.unwrap().json().await.unwrap();
    let job = answer["data"][0]["jobId"].as_str().unwrap().to_owned();
    assert_eq!(answer["data"][0]["id"], format!("fi-{job}"));
    assert!(answer["data"][0]["startDate"].is_i64());
    job
}

/// The states a job passes until it stops changing.
async fn states(stub: &Stub, token: &str, job: &str) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    loop {
        let answer = get(stub, token, &format!("/orchestration/api/v1/runtime/dev/jobs/{job}")).await;
        let state = answer["data"]["status"].as_str().unwrap().to_owned();
        if seen.last() != Some(&state) {
            seen.push(state.clone());
        }
        if matches!(state.as_str(), "complete" | "error" | "canceled") {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_job_advances_and_then_gives_its_files() {
    let stub = exstream(ExstreamOptions::default()).await;
    stub.set("settings", json!({"job_step_ms": 60})).await;
    let token = stub.token().await;
    let job = submit(&stub, &token, json!({"customers": [driver(1), driver(2)]}).to_string()).await;
    let runtime = "/orchestration/api/v1/runtime/dev";
    let step = step(&stub, &token, &job).await;
    let early = format!("{step}/delivery-file/output-files");
    assert_eq!(call(&stub, &token, Method::GET, &early).await.status(), 409);
    assert_eq!(states(&stub, &token, &job).await, ["waiting", "started", "complete"]);
    let files = get(&stub, &token, &format!("{step}/delivery-file/output-files")).await;
    assert_eq!((&files["data"][0], &files["page"]["totalElements"]), (&json!("PDF_1.pdf"), &json!(1)));
    let zip = call(&stub, &token, Method::GET, &format!("{step}/customer-artifacts/2")).await;
    let zip = zip.bytes().await.unwrap();
    assert!(zip.starts_with(b"PK\x03\x04") && zip.windows(4).any(|w| w == b"PK\x05\x06"));
    for missing in
        ["customer-artifacts/3", "delivery-file/customer-artifacts/1", "delivery-file/artifact/PDF_1.pdf"]
    {
        let missing = call(&stub, &token, Method::GET, &format!("{step}/{missing}")).await;
        assert_eq!(missing.status(), 404);
    }
    let job = format!("{runtime}/jobs/{job}");
    assert_eq!(call(&stub, &token, Method::DELETE, &job).await.status(), 200);
    assert_eq!(call(&stub, &token, Method::GET, &job).await.status(), 404);
}

#[tokio::test]
async fn what_is_not_documented_is_refused_or_does_not_filter() {
    let stub = exstream(ExstreamOptions::default()).await;
    let token = stub.token().await;
    for _ in 0..2 {
        submit(&stub, &token, json!({"customers": [driver(1)]}).to_string()).await;
    }
    for (query, count) in [
        ("", 6),
        ("?filter=flowInstanceId:fi-1;stepTypes:communication", 1),
        ("?filter=flowInstanceId:fi-1", 3),
        ("?filter=jobId:1", 6),
        ("?filter.flowInstanceId=fi-1", 6),
        ("?offset=4", 2),
        ("?count=2", 2),
    ] {
        let steps = get(&stub, &token, &format!("{RUNTIME}/flow-steps{query}")).await;
        assert_eq!(steps["data"].as_array().unwrap().len(), count, "{query}: {steps}");
    }
    for path in ["flow-steps?jobId=1", "flow-steps?filter.jobId=1", "jobs/1?x=1"] {
        let refused = call(&stub, &token, Method::GET, &format!("{RUNTIME}/{path}")).await;
        assert_eq!(refused.status(), 400, "{path}");
    }
    let steps = get(&stub, &token, &format!("{RUNTIME}/flow-steps")).await;
    assert_eq!((&steps["data"][0]["jobId"], &steps["data"][0]["type"]), (&Value::Null, &Value::Null));
    let url = stub.url("/orchestration/api/v1/inputs/batch/dev/generate");
    let request = stub.http.post(url).bearer_auth(&token).header("communicationId", COMMUNICATION);
    let request = request.header("driverDataSource", "orders").header("externalId", "x");
    let request = request.header("content-type", "application/json").body("{}");
    assert_eq!(request.send().await.unwrap().status(), 400);
    // the data map of this communication has a list at its root
    assert_eq!(stub.on_demand(&driver(1), None).await.status(), 400);
    assert_eq!(stub.on_demand(&json!({"customers": [driver(1)]}), None).await.status(), 200);
}

#[tokio::test]
async fn a_job_can_fail_and_can_be_stopped() {
    let stub = exstream(ExstreamOptions::default()).await;
    stub.set("settings", json!({"job_step_ms": 1})).await;
    let token = stub.token().await;
    let job = submit(&stub, &token, "{\"a\":".to_owned()).await;
    assert_eq!(states(&stub, &token, &job).await.last().unwrap(), "error");
    let answer = get(&stub, &token, &format!("/orchestration/api/v1/runtime/dev/jobs/{job}")).await;
    assert!(answer["data"]["msg"].as_str().unwrap().contains("not valid JSON"));
    stub.set("settings", json!({"job_step_ms": 60_000})).await;
    let job = submit(&stub, &token, json!({"customers": [driver(1)]}).to_string()).await;
    let stop = format!("/orchestration/api/v1/runtime/dev/jobs/{job}/stop");
    assert_eq!(call(&stub, &token, Method::POST, &stop).await.status(), 200);
    assert_eq!(states(&stub, &token, &job).await, ["canceled"]);
    assert_eq!(call(&stub, &token, Method::POST, &stop).await.status(), 409);
}

#[tokio::test]
async fn templates_can_be_looked_up_and_traced() {
    let stub = exstream(ExstreamOptions::default()).await;
    let known = json!([{"id": COMMUNICATION, "name": "Confirmation", "version": 7, "data_source": "orders"}]);
    stub.set("communications", known).await;
    let token = stub.token().await;
    let query =
        "filter.types=exstrapplication&filter.states=APPROVED&filter.latestVersion=true&count=1&offset=0";
    let list = get(&stub, &token, &format!("/design/api/v1/resources/dev?{query}")).await;
    assert_eq!((&list["data"][0]["name"], &list["data"][0]["version"]), (&json!("Confirmation"), &json!(7)));
    let manifest =
        get(&stub, &token, &format!("/design/api/v1/manifests/dev/communication-set/{COMMUNICATION}")).await;
    assert_eq!(
        (&manifest["dsnlist"][0]["prodDsn"], &manifest["queueList"][0]["driver"]),
        (&json!("orders"), &json!("PDF"))
    );
    let job = submit(&stub, &token, json!({"customers": [driver(1)]}).to_string()).await;
    let path = format!("{RUNTIME}/flow-instances/fi-{job}/collection-resources");
    let used = get(&stub, &token, &path).await;
    let url = stub.url("/design/api/v1/collection-resources/collection-details");
    let request = stub.http.post(url).bearer_auth(&token).json(&used["data"]);
    let details: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(details["data"][0]["version"], 7);
    assert_eq!(details["data"].as_array().unwrap().len(), 4, "{details}");
    stub.set("settings", json!({"job_tracing": false})).await;
    assert_eq!(call(&stub, &token, Method::GET, &path).await.status(), 403);
}

#[tokio::test]
async fn the_parts_of_a_template_are_listed_and_nothing_else_is_answered() {
    let stub = exstream(ExstreamOptions::default()).await;
    let part =
        |id: &str, version: u32| json!({"id": id, "version": version, "type": "paragraph", "name": id});
    let known = json!([{"id": COMMUNICATION, "name": "Confirmation", "parts": [part("a", 2), part("b", 1)]}]);
    stub.set("communications", known).await;
    let token = stub.token().await;
    let links = "/design/api/v1/links/dev/resources";
    let own = format!("{links}?linkSubjectId={COMMUNICATION}&linkDepth=10&filter.states=APPROVED");
    let found = get(&stub, &token, &own).await;
    assert_eq!((&found["data"][0]["id"], &found["data"][0]["version"]), (&json!("a"), &json!(2)));
    assert_eq!(found["page"]["totalElements"], 2);
    let rest = get(&stub, &token, &format!("{own}&offset=1")).await;
    assert_eq!((&rest["data"][0]["id"], rest["data"].as_array().unwrap().len()), (&json!("b"), 1));
    for (path, status) in [
        (links.to_owned(), 400),
        (format!("{links}?linkSubjectId={COMMUNICATION}&depth=10"), 400),
        (format!("{links}?linkSubjectId={COMMUNICATION}&linkDepth=all"), 400),
        (format!("{links}?linkSubjectId=00000000-0000-0000-0000-000000000000"), 404),
        ("/design/api/v1/links/dev".to_owned(), 404),
        (format!("/design/api/v1/manifests/dev/communication-set/{COMMUNICATION}?x=1"), 400),
    ] {
        assert_eq!(call(&stub, &token, Method::GET, &path).await.status(), status, "{path}");
    }
    assert_eq!(call(&stub, &token, Method::POST, &own).await.status(), 404);
}

/// What was once believed of batch jobs: each of these forms is refused, or gives nothing that could be taken for an
/// output.
#[tokio::test]
async fn forms_that_are_not_documented_give_no_output() {
    let stub = exstream(ExstreamOptions::default()).await;
    stub.set("settings", json!({"job_step_ms": 1})).await;
    let token = stub.token().await;
    let job = submit(&stub, &token, json!({"customers": [driver(1)]}).to_string()).await;
    assert_eq!(states(&stub, &token, &job).await.last().unwrap(), "complete");
    let step = step(&stub, &token, &job).await;
    let own = format!("{step}/customer-artifacts/1");
    assert_eq!(call(&stub, &token, Method::GET, &own).await.status(), 200);
    for (path, status) in [
        (format!("{RUNTIME}/flow-steps?jobId={job}"), 400),
        (format!("{RUNTIME}/flow-steps?filter.jobId={job}"), 400),
        (format!("{RUNTIME}/flow-steps?filter.type=communication"), 400),
        (format!("{RUNTIME}/jobs/{job}/flow-steps"), 404),
        (format!("{step}/delivery-file/customer-artifacts/1"), 404),
        (format!("{step}/delivery-file/outputs/1"), 404),
        (format!("{step}/customer-artifacts/0"), 404),
        (format!("{step}/customer-artifacts/2"), 404),
        (format!("{own}?format=pdf"), 400),
    ] {
        assert_eq!(call(&stub, &token, Method::GET, &path).await.status(), status, "{path}");
    }
    // a key that a filter does not know does not filter, and no step says whose job it is of
    let all =
        get(&stub, &token, &format!("{RUNTIME}/flow-steps?filter=jobId:{job};type:communication")).await;
    assert_eq!(all["page"]["totalElements"], 3);
    assert_eq!((&all["data"][1]["jobId"], &all["data"][1]["type"]), (&Value::Null, &Value::Null));
    // bare data does not match the paths of a map whose root is a list: a job without customers, and no error
    let bare = submit(&stub, &token, driver(1).to_string()).await;
    assert_eq!(states(&stub, &token, &bare).await.last().unwrap(), "complete");
    let step = self::step(&stub, &token, &bare).await;
    let none = call(&stub, &token, Method::GET, &format!("{step}/customer-artifacts/1")).await;
    assert_eq!(none.status(), 404);
}

/// The names and contents of a zip archive's files.
fn unzip(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut rest = archive;
    while rest.starts_with(b"PK\x03\x04") {
        let short = |at: usize| usize::from(u16::from_le_bytes([rest[at], rest[at + 1]]));
        let (packed, name, extra) = (short(18) + (short(20) << 16), short(26), short(28));
        let from = 30 + name + extra;
        let mut bytes = Vec::new();
        let mut reader = flate2::read::DeflateDecoder::new(&rest[from..from + packed]);
        std::io::Read::read_to_end(&mut reader, &mut bytes).unwrap();
        files.push((String::from_utf8(rest[30..30 + name].to_vec()).unwrap(), bytes));
        rest = &rest[from + packed..];
    }
    files
}

#[tokio::test]
async fn each_customer_of_a_file_has_documents_of_its_own_in_order() {
    let stub = exstream(ExstreamOptions::default()).await;
    stub.set("settings", json!({"job_step_ms": 1})).await;
    let outputs =
        json!([{"queue": "PDF", "mime": "application/pdf"}, {"queue": "Mail", "mime": "text/html"}]);
    stub.set(
        "communications",
        json!([{"id": COMMUNICATION, "name": "n", "data_source": "orders", "outputs": outputs}]),
    )
    .await;
    let token = stub.token().await;
    let customers: Vec<Value> = (1..=30)
        .map(|number| {
            let mut one = driver(1);
            one["communication"] = json!(format!("c-{number}"));
            one["order"]["name"] = json!(format!("#{number:04}"));
            one
        })
        .collect();
    let job = submit(&stub, &token, json!({"customers": customers}).to_string()).await;
    states(&stub, &token, &job).await;
    let step = step(&stub, &token, &job).await;
    for number in [1, 17, 30] {
        let path = format!("{step}/customer-artifacts/{number}");
        let archive = call(&stub, &token, Method::GET, &path).await.bytes().await.unwrap();
        let files = unzip(&archive);
        let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, [format!("PDF_{number}.pdf"), format!("Mail_{number}.html")]);
        let pages = read_text(&files[0].1);
        assert!(pages.len() == 1 && pages[0].contains(&format!("#{number:04}")), "{number}: {pages:?}");
        assert!(String::from_utf8_lossy(&files[1].1).contains(&format!("#{number:04}")));
        // asked for again it is the same file, and the record has its hash
        assert_eq!(call(&stub, &token, Method::GET, &path).await.bytes().await.unwrap(), archive);
        let records = stub.look(&format!("outputs?communication=c-{number}")).await;
        let hash = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&files[0].1));
        assert_eq!(records["outputs"][format!("c-{number}")][0]["sha256"], hash, "{records}");
    }
    let files = get(&stub, &token, &format!("{step}/delivery-file/output-files?count=1")).await;
    // the PDF queue holds everybody, the HTML queue breaks per customer
    assert_eq!((&files["data"], &files["page"]["totalElements"]), (&json!(["PDF_1.pdf"]), &json!(31)));
}

#[tokio::test]
async fn a_job_can_be_held_fail_be_repeated_and_lose_a_customer() {
    let stub = exstream(ExstreamOptions::default()).await;
    stub.set("settings", json!({"job_step_ms": 1})).await;
    stub.set(
        "jobs",
        json!([
            {"end": "holding"},
            {"end": "error", "message": "SEVERE: a font is missing"},
            {"missing": [2]},
        ]),
    )
    .await;
    let token = stub.token().await;
    let two = json!({"customers": [driver(1), driver(1)]}).to_string();
    let runtime = "/orchestration/api/v1/runtime/dev";
    let until = |job: String, wanted: &'static str| {
        let (stub, token) = (&stub, &token);
        async move {
            loop {
                let answer = get(stub, token, &format!("{runtime}/jobs/{job}")).await["data"].take();
                if answer["status"] == wanted {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    };
    let held = submit(&stub, &token, two.clone()).await;
    assert_eq!(until(held.clone(), "holding").await["endDate"], Value::Null);
    let released = stub.control(Method::POST, &format!("release-jobs?id={held}"), None).await;
    assert_eq!(released["released"], 1);
    until(held, "complete").await;
    let failed = submit(&stub, &token, two.clone()).await;
    assert_eq!(until(failed.clone(), "error").await["msg"], "SEVERE: a font is missing");
    let again = call(&stub, &token, Method::POST, &format!("{runtime}/jobs/{failed}/reprocessing")).await;
    assert_eq!(again.status(), 200);
    until(failed, "complete").await;
    let partial = submit(&stub, &token, two).await;
    until(partial.clone(), "complete").await;
    let step = step(&stub, &token, &partial).await;
    for (number, status) in [(1, 200), (2, 404)] {
        let path = format!("{step}/customer-artifacts/{number}");
        assert_eq!(call(&stub, &token, Method::GET, &path).await.status(), status);
    }
}

#[tokio::test]
async fn each_look_up_of_a_job_can_fail_by_itself() {
    let stub = exstream(ExstreamOptions::default()).await;
    stub.set("settings", json!({"job_step_ms": 1})).await;
    let token = stub.token().await;
    let job = submit(&stub, &token, json!({"customers": [driver(1)]}).to_string()).await;
    states(&stub, &token, &job).await;
    let step = step(&stub, &token, &job).await;
    stub.fail(Fault::new("customer_artifact", FaultKind::Status).status(503).times(1)).await;
    let files = format!("{step}/delivery-file/output-files");
    assert_eq!(call(&stub, &token, Method::GET, &files).await.status(), 200);
    let path = format!("{step}/customer-artifacts/1");
    assert_eq!(call(&stub, &token, Method::GET, &path).await.status(), 503);
    assert_eq!(call(&stub, &token, Method::GET, &path).await.status(), 200);
    stub.fail(Fault::new("batch", FaultKind::TimeoutAfterSuccess).delay_ms(1).times(1)).await;
    let url = stub.url("/orchestration/api/v1/inputs/batch/dev/generate");
    let request = stub.http.post(url).bearer_auth(&token).header("communicationId", COMMUNICATION);
    let request = request.header("driverDataSource", "orders");
    let sent = request
        .header("content-type", "application/json")
        .body(json!({"customers": [driver(1)]}).to_string())
        .send()
        .await;
    assert!(sent.is_err());
    assert_eq!(stub.look("jobs").await["jobs"].as_array().unwrap().len(), 2);
}
