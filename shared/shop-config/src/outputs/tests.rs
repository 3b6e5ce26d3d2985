use super::*;

const SHOP: &str = include_str!("../../tests/fixtures/shop.toml");

/// The shop whose order confirmation, sent by e-mail and print, has these lines besides.
fn with(lines: &str) -> String {
    SHOP.replace("[documents.order-confirmation]", &format!("[documents.order-confirmation]\n{lines}"))
}

fn problems(text: &str) -> String {
    ShopConfig::parse(text).unwrap_err().to_string()
}

fn settings(text: &str) -> DocumentConfig {
    ShopConfig::parse(text).unwrap().documents.remove(&Document::OrderConfirmation).unwrap()
}

const BODY: &str = r#"{ use = "email-body", media_type = "text/html" }"#;
const PRINT: &str = r#"{ use = "print", media_type = "application/pdf", queue = "PRINT" }"#;

#[test]
fn the_short_form_is_one_output_that_every_channel_takes() {
    for (lines, media_type) in [("", "application/pdf"), ("output = \"text/html\"", "text/html")] {
        let settings = settings(&with(lines));
        let outputs = settings.outputs();
        let [only] = &outputs[..] else { panic!("{outputs:?}") };
        assert_eq!((only.media_type.as_str(), only.required, only.uses.list()), (media_type, true, &[][..]));
        assert!(Use::Print.is_among(only.uses.list(), media_type));
        assert_eq!(Use::EmailBody.is_among(only.uses.list(), media_type), media_type == "text/html");
        assert_eq!(Use::EmailAttachment.is_among(only.uses.list(), media_type), media_type != "text/html");
    }
}

#[test]
fn several_outputs_are_for_their_uses_alone() {
    let settings = settings(&with(&format!(
        r#"outputs = [{BODY}, {PRINT},
        {{ use = ["email-attachment", "web"], media_type = "application/pdf", queue = "ATTACH", required = false, file_name = {{ en = "Order {{order}}.pdf" }} }},
        {{ use = "archive", media_type = "application/json" }}]"#
    )));
    assert_eq!(settings.primary_media_type(), "text/html");
    let outputs = settings.outputs();
    let uses: Vec<_> = outputs.iter().map(|it| it.uses.list()).collect();
    assert_eq!(
        uses,
        [&[Use::EmailBody][..], &[Use::Print], &[Use::EmailAttachment, Use::Web], &[Use::Archive]]
    );
    assert!(!Use::Web.is_among(uses[0], "text/html"), "its format would do, its use does not");
    assert_eq!(settings.file_names("application/pdf", Some("ATTACH"), None)["en"], "Order {order}.pdf");
    assert!(settings.file_names("application/pdf", Some("PRINT"), None).is_empty());
}

#[test]
fn each_mistake_is_named() {
    let of = |outputs: &str| with(&format!("outputs = [{outputs}]"));
    let sgw = |text: String| text.replace("adapter = \"orchestration\"", "adapter = \"sgw\"");
    for (text, problem) in [
        (
            with(&format!("output = \"text/html\"\noutputs = [{BODY}, {PRINT}]")),
            "output: cannot stand beside",
        ),
        (
            with(&format!("file_name = {{ en = \"a.html\" }}\noutputs = [{BODY}, {PRINT}]")),
            "file_name: cannot stand beside",
        ),
        (with(&format!("answer = \"raw\"\noutputs = [{BODY}, {PRINT}]")), "answer: `raw` is for one output"),
        (of(&[PRINT; 9].join(", ")), "outputs: has more than 8 entries"),
        (
            of(&format!("{}, {PRINT}", BODY.replace(" }", ", required = false }"))),
            "outputs[1].required: must be true",
        ),
        (
            of(&format!("{BODY}, {PRINT}, {}", PRINT.replace(", queue = \"PRINT\"", ""))),
            "outputs: entries 2 and 3 are both application/pdf: each needs a `queue` of its own",
        ),
        (with(&format!("answer = \"raw\"\noutputs = [{PRINT}]")), "answer: `raw` names no queues"),
        (of(&format!("{BODY}, {PRINT}, {PRINT}")), "outputs: entries 2 and 3 are both"),
        (
            of(&format!("{BODY}, {PRINT}, {}", BODY.replace("html", "plain"))),
            "outputs: more than one is for `email-body`",
        ),
        (
            of(&format!("{}, {PRINT}", BODY.replace("text/html", "application/pdf"))),
            "outputs[1].use: `email-body` must be text/html or text/plain",
        ),
        (of(&PRINT.replace("application/pdf", "text/plain")), "outputs[1].use: `print` must be PDF, HTML"),
        (of(&BODY.replace("email-body", "sms-text")), "outputs[1].use: `sms-text` must be text/plain"),
        (
            of(&format!("{BODY}, {PRINT}")).replace("[\"email\", \"print\"]", "[\"email\"]"),
            "outputs[2].use: `print` needs `print` among `channels`",
        ),
        (of(BODY), "outputs: none is for the channel `print`: use `print`"),
        (of(PRINT), "outputs: none is for the channel `email`: use `email-body` or `email-attachment`"),
        (
            of(&format!("{BODY}, {}", PRINT.replace("\"print\"", "[]"))),
            "outputs[2].use: must say what the output is for",
        ),
        (
            of(&format!("{BODY}, {}", PRINT.replace("\"print\"", "[\"print\", \"print\"]"))),
            "outputs[2].use: names `print` twice",
        ),
        (
            of(&format!("{BODY}, {}", PRINT.replace("\"print\"", "[\"print\", \"archive\"]"))),
            "outputs[2].use: `archive` is for an output that nobody else takes",
        ),
        (
            of(&format!("{BODY}, {}", PRINT.replace("\"PRINT\"", "\" \""))),
            "outputs[2].queue: must be one line of 1 to 128 bytes",
        ),
        (sgw(of(&format!("{BODY}, {PRINT}"))), "outputs[2].queue: cannot be told"),
        (
            of(&format!("{BODY}, {PRINT}, {}", r#"{ use = "archive", media_type = "*/*; q=1" }"#)),
            "outputs[3].media_type: must be a media type",
        ),
        (
            of(&format!("{BODY}, {}", PRINT.replace(" }", ", file_name = { en = \"a.pdf\" } }"))),
            "outputs[2].file_name: is for the use `email-attachment`",
        ),
        (
            with(
                "require = \"pdf/a\"\noutputs = [{ use = [\"email-body\", \"print\"], media_type = \"text/html\" }]",
            ),
            "require: needs the output application/pdf",
        ),
    ] {
        let found = problems(&text);
        assert!(found.contains(&format!("documents.order-confirmation.{problem}")), "{problem}: {found}");
    }
    let unknown = problems(&of(&BODY.replace("email-body", "fax")));
    assert!(unknown.contains("expected one of email-body"), "{unknown}");
}
