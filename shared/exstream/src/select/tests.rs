use super::*;
use comms::{Class, Classify};
use serde_json::json;

fn entry(uses: &str, media_type: &str, queue: Option<&str>, required: bool) -> OutputConfig {
    let entry = json!({"use": uses, "media_type": media_type, "queue": queue, "required": required});
    serde_json::from_value(entry).unwrap()
}

fn output(queue: &str, mime_type: &str, bytes: &'static [u8]) -> Output {
    let queue = Some(queue.to_owned());
    Output { bytes: bytes.into(), mime_type: mime_type.to_owned(), queue, ..Output::default() }
}

fn wanted() -> Vec<OutputConfig> {
    vec![
        entry("email-body", "text/html", None, true),
        entry("email-attachment", "application/pdf", Some("LETTER"), true),
        entry("print", "application/pdf", Some("LABEL"), false),
        entry("sms-text", "text/plain", Some("SMS"), true),
    ]
}

fn made() -> Vec<Output> {
    vec![
        output("LABEL", "application/pdf", b"%PDF-label"),
        output("SMS", "text/plain", b"Hello"),
        output("MAIL", "image/png", b"\x89PNG\r\n\x1a\n"),
        output("LETTER", "application/pdf", b"%PDF-letter"),
        output("MAIL", "text/html", b"<img src=logo.png>"),
        output("REPORT", "application/json", b"{}"),
    ]
}

fn selected(found: Vec<Output>) -> Result<Vec<(Vec<Use>, String)>, ExstreamError> {
    let composed = select(found, &wanted(), 1000)?;
    let text = |it: &Output| String::from_utf8_lossy(&it.bytes).into_owned();
    Ok(composed.outputs.iter().map(|it| (it.uses.clone(), text(&it.output))).collect())
}

#[test]
fn each_entry_gets_its_output_in_the_order_of_the_configuration() {
    let mut found = made();
    found[2].file_name = Some("logo.png".to_owned());
    let outputs = selected(found.clone()).unwrap();
    let page = "<img src=\"data:image/png;base64,iVBORw0KGgo=\">".to_owned();
    assert_eq!(
        outputs,
        [
            (vec![Use::EmailBody], page),
            (vec![Use::EmailAttachment], "%PDF-letter".to_owned()),
            (vec![Use::Print], "%PDF-label".to_owned()),
            (vec![Use::SmsText], "Hello".to_owned()),
        ]
    );
    found.remove(0);
    assert_eq!(selected(found).unwrap().len(), 3, "the label is optional");
    let sent = as_made(&made(), &wanted()).unwrap();
    assert_eq!(&sent.outputs[0].output.bytes[..], b"<img src=logo.png>", "what was sent stays as it is");
}

#[test]
fn what_is_missing_or_there_twice_is_named() {
    type Change = fn(&mut Vec<Output>);
    let cases: [(Change, &str); 6] = [
        (
            |found| found.retain(|it| it.mime_type != "text/plain"),
            "the composition has no output text/plain of queue SMS for sms-text; it has application/pdf of queue LABEL, image/png of queue MAIL, application/pdf of queue LETTER, text/html of queue MAIL, application/json of queue REPORT",
        ),
        (|found| found[1].queue = Some("sms".to_owned()), "no output text/plain of queue SMS for sms-text"),
        (|found| found[1].mime_type = "text/html".to_owned(), "returned 2 outputs of text/html:"),
        (
            |found| found.push(output("LETTER", "application/pdf", b"%PDF-")),
            "returned 2 outputs of application/pdf of queue LETTER:",
        ),
        (|found| found[3].bytes = "<html>".into(), "does not look like application/pdf of queue LETTER"),
        (|_| {}, "the page that Exstream made is not whole: `img src` refers to a file (.png)"),
    ];
    for (change, problem) in cases {
        let mut found = made();
        change(&mut found);
        let error = selected(found).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(problem), "{text}");
        // what an operator or a designer can fix waits for that
        let expected = if text.contains("look like") { Class::Permanent } else { Class::transient() };
        assert_eq!(error.class(), expected, "{text}");
    }
}

#[test]
fn one_output_of_several_is_the_only_one_of_its_type() {
    let only = [entry("archive", "application/json", None, true)];
    let composed = select(made(), &only, 1000).unwrap();
    assert_eq!(composed.outputs.len(), 1);
    let pdf = [entry("print", "application/pdf", None, true)];
    assert!(matches!(select(made(), &pdf, 1000), Err(ExstreamError::SeveralOutputs { count: 2, .. })));
    let tiff = [entry("print", "image/tiff", None, true)];
    assert!(matches!(select(made(), &tiff, 1000), Err(ExstreamError::UnexpectedMediaType { .. })));
    assert!(matches!(select(Vec::new(), &tiff, 1000), Err(ExstreamError::NoOutput)));
}
