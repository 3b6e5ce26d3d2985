use super::*;

const SHOP: &str = include_str!("../../tests/fixtures/shop.toml");
const SAMPLE: &str = include_str!("../../../../infra/local/config/demo-shop.toml");

fn mistakes(text: &str) -> Vec<Mistake> {
    parse_for_people(text, crate::MAX_RETENTION_DAYS).err().unwrap_or_default()
}

/// A file whose wrong lines each say in a comment what is to be found there; several are separated by `&`.
fn expected(text: &str) -> Vec<(usize, &str)> {
    let lines = (1..).zip(text.lines());
    let said = lines.filter_map(|(line, text)| Some((line, text.split_once("#! ")?.1)));
    said.flat_map(|(line, said)| said.split(" & ").map(move |it| (line, it.trim()))).collect()
}

#[track_caller]
fn finds_exactly(text: &str) {
    let found = mistakes(text);
    let expected = expected(text);
    let missed: Vec<_> = expected
        .iter()
        .filter(|(line, said)| !found.iter().any(|it| it.line == *line && it.to_string().contains(said)))
        .collect();
    let found = found.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(missed.is_empty(), "missed {missed:#?}\nin {found:#?}");
    assert_eq!(found.len(), expected.len(), "more than is expected: {found:#?}");
}

/// Every kind of mistake in one file.
#[test]
fn all_mistakes_of_a_file_are_named_with_their_lines() {
    finds_exactly(include_str!("../../tests/fixtures/mistakes.toml"));
}

#[test]
fn a_right_file_has_none() {
    assert_eq!(mistakes(SHOP), []);
    assert_eq!(mistakes(SAMPLE), []);
}

/// What is said of values must not be due to a mistake of shape.
#[test]
fn nobody_is_sent_after_what_follows_from_another_mistake() {
    for (right, wrong, said) in [
        // else: `print` needs the channel; no subject for another default locale; no section; …
        ("channels = [\"print\"]", "chanels = [\"print\"]", "did you mean `channels`?"),
        ("channels = [\"print\"]", "channels = \"print\"", "must be a list, and is text"),
        ("channels = [\"email\", \"print\"]", "channels = [\"emial\", \"print\"]", "did you mean `email`?"),
        ("default_locale = \"en\"", "default_locale = 5", "must be text, and is a whole number"),
        ("[delivery.email]", "[delivery.emial]", "did you mean `email`?"),
        ("[documents.receipt]", "[documents.reciept]", "did you mean `receipt`?"),
        ("adapter = \"orchestration\"", "adapter = \"orchestrator\"", "did you mean `orchestration`?"),
        ("subject = {", "subjcet = {", "did you mean `subject`?"),
        ("locales = [\"en\", \"fr\"]", "locales = [\"en\", 1]", "must be text"),
    ] {
        let text = SHOP.replacen(right, wrong, 1);
        assert_ne!(text, SHOP, "{right}");
        let found = mistakes(&text);
        let [one] = found.as_slice() else { panic!("{wrong}: {found:#?}") };
        assert!(one.what.contains(said), "{wrong}: {one}");
    }
}

/// What cannot be read says nothing of what would have stood there, and the rest is looked at.
#[test]
fn what_cannot_be_read_is_named_beside_the_rest() {
    let text = SHOP
        .replace("domain = \"northwind\"", "domain = northwind\"")
        .replace("chan", "chanels = 1\nchan")
        .replace("timeout_ms = 20000", "timeout_ms =");
    let found = mistakes(&text);
    let lines: Vec<usize> = found.iter().map(|it| it.line).collect();
    let line = |of: &str| 1 + text.lines().position(|it| it.starts_with(of)).unwrap();
    assert!(lines.contains(&line("domain")) && lines.contains(&line("timeout_ms =")), "{found:#?}");
    assert!(found.iter().filter(|it| it.field.ends_with("chanels")).count() == 2, "{found:#?}");
    assert!(!found.iter().any(|it| it.what.contains("missing")), "{found:#?}");
}

/// Headers hold secrets.
#[test]
fn no_value_is_quoted_that_may_be_a_secret() {
    for wrong in [
        "headers = \"s3cret\"",
        "headers = { a = [\"s3cret\"] }",
        "headers = { a = \"s3cret }",
        "path = [\"s3cret\"]",
    ] {
        let found = mistakes(&SHOP.replace("[exstream]", &format!("[exstream]\n{wrong}")));
        assert!(!found.is_empty() && !format!("{found:?}").contains("s3cret"), "{found:?}");
    }
}

/// Each line of a right file taken away, or spoilt, in turn: what is found stands near it, and there is something exactly
/// if the functions would refuse the file.
#[test]
fn there_are_mistakes_exactly_if_the_functions_refuse_the_file() {
    let lines: Vec<&str> = SHOP.lines().collect();
    for index in 0..lines.len() {
        let with = |line: &str| {
            let mut lines = lines.clone();
            lines[index] = line;
            lines.join("\n")
        };
        let (key, _) = lines[index].split_once('=').unwrap_or((lines[index], ""));
        let spoilt =
            ["", &format!("x{key} = 1"), &format!("{key} = 1"), &format!("{key} = {{}}"), "[", "= 1"];
        for line in spoilt {
            let text = with(line);
            let found = mistakes(&text);
            assert_eq!(ShopConfig::parse(&text).is_err(), !found.is_empty(), "{line}: {found:#?}");
            assert!(found.iter().all(|it| (1..=lines.len() + 1).contains(&it.line)), "{found:#?}");
        }
    }
}

#[test]
fn a_json_file_is_read_by_its_schema() {
    let schema = serde_json::json!({
        "type": "object", "required": ["a"],
        "properties": {
            "a": {"anyOf": [
                {"type": "object", "properties": {"token": {"type": "string"}}, "required": ["token"]},
                {"type": "object", "properties": {"user": {"type": "string"}, "password": {"type": "string"}},
                    "required": ["user", "password"]}
            ]},
            "b": {"type": "integer"}
        }
    });
    let found =
        |text: &str| mistakes_in_json(text, &schema).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(found("{\"a\": {\"token\": \"x\"}}"), [""; 0]);
    assert_eq!(
        found("{\n \"a\": {\"user\": \"s3cret\",\n  \"pasword\": 1},\n \"c\": 2,\n \"b\": \"s3cret\"\n}"),
        [
            "3:14: a.password: must be text, and is a whole number",
            "3:14: a.pasword: is not known; did you mean `password`?",
            "4:7: c: is not known: delete it",
            "5:7: b: must be a whole number, and is text",
        ]
    );
    assert_eq!(found("{\"a\": {\"token\": \"x\"},\n\"a\": 1}")[0], "2:6: a: stands here twice: delete one");
    assert!(found("{\"a\": \n]")[0].starts_with("2:1: expected value"), "{:?}", found("{\"a\": \n]"));
    assert_eq!(found("{}"), ["1:1: a: is missing"]);
}
