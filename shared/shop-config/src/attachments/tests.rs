use super::*;
use comms::Document;

const SHOP: &str = include_str!("../../tests/fixtures/shop.toml");

/// The shop whose order confirmation, sent by e-mail and print, has these lines besides.
fn with(lines: &str) -> String {
    SHOP.replace("[documents.order-confirmation]", &format!("[documents.order-confirmation]\n{lines}"))
}

fn attachment(rest: &str) -> String {
    with(&format!("attachments = [{{ data = \"labels.file_url\", {rest} }}]"))
}

fn settings(text: &str) -> DocumentConfig {
    ShopConfig::parse(text).unwrap().documents.remove(&Document::OrderConfirmation).unwrap()
}

/// The same shop, whose Exstream is not on this machine.
fn elsewhere(text: String) -> String {
    text.replace("base_url = \"http://127.0.0.1", "base_url = \"https://exstream.example")
}

#[test]
fn only_named_public_hosts_are_asked() {
    let settings = settings(&attachment(r#"hosts = ["cdn.carrier.example", "*.labels.example"]"#));
    let [attachment] = &settings.attachments[..] else { panic!() };
    for (address, is_asked) in [
        ("https://cdn.carrier.example/a.pdf?signature=1#page=2", true),
        ("https://eu.labels.example/a.pdf", true),
        ("https://a.b.labels.example/a.pdf", true),
        ("https://labels.example/a.pdf", false),
        ("https://evil-labels.example/a.pdf", false),
        ("https://cdn.carrier.example.evil.example/a.pdf", false),
        ("https://cdn.carrier.example@evil.example/a.pdf", false),
        ("http://cdn.carrier.example/a.pdf", false),
        ("https://169.254.169.254/latest/meta-data/", false),
        ("http://127.0.0.1/a.pdf", false),
        ("file:///etc/passwd", false),
        ("", false),
    ] {
        assert_eq!(attachment.address(address).is_some(), is_asked, "{address}");
    }
}

#[test]
fn files_are_attached_to_what_email_sends_or_may_send_later() {
    let attaches = |lines: &str, channel| settings(&with(lines)).attaches_for(channel);
    assert!(attaches("", Channel::Email));
    assert!(!attaches("", Channel::Print), "e-mail comes before it");
    let print_first = with("next_channel_on = [\"bounced\"]")
        .replace("channels = [\"email\", \"print\"]", "channels = [\"print\", \"email\"]");
    assert!(settings(&print_first).attaches_for(Channel::Print), "e-mail comes after it");
    assert!(!attaches("", Channel::Exstream), "Exstream sends what it composed");
}

#[test]
fn each_mistake_is_named() {
    const HOSTS: &str = r#"hosts = ["cdn.carrier.example"]"#;
    for (text, problem) in [
        (attachment("hosts = []"), "attachments[1].hosts: must name 1 to 16 hosts"),
        (attachment(r#"hosts = ["*"]"#), "`*` must be a public host"),
        (attachment(r#"hosts = ["*.com"]"#), "`*.com` must be a public host"),
        (attachment(r#"hosts = ["10.0.0.1"]"#), "`10.0.0.1` must be a public host"),
        (attachment(r#"hosts = ["8.8.8.8"]"#), "`8.8.8.8` must be a public host"),
        (elsewhere(attachment(r#"hosts = ["127.0.0.1"]"#)), "`127.0.0.1` must be a public host"),
        (attachment(r#"hosts = ["localhost"]"#), "`localhost` must be a public host"),
        (attachment(r#"hosts = ["https://cdn.carrier.example"]"#), "must be a public host"),
        (attachment(r#"hosts = ["CDN.carrier.example"]"#), "must be a public host"),
        (attachment(r#"hosts = ["cdn.carrier.example:8443"]"#), "must be a public host"),
        (
            attachment(&format!("{HOSTS}, file_name = {{ en = \"Label.png\" }}")),
            "attachments[1].file_name: `Label.png` must end with .pdf",
        ),
        (
            attachment(HOSTS).replace("labels.file_url", "customers[0].url"),
            "attachments[1].data: must be names of the driver data",
        ),
        (
            with(&format!(
                "attachments = [{}]",
                [format!("{{ data = \"a\", {HOSTS} }}"), format!("{{ data = \"a\", {HOSTS} }}")].join(", ")
            )),
            "attachments[2].data: stands in an earlier entry",
        ),
        (
            with(&format!(
                "attachments = [{}]",
                ["a", "b", "c", "d", "e", "f", "g", "h"]
                    .map(|name| format!("{{ data = \"{name}\", {HOSTS} }}"))
                    .join(", ")
            )),
            "attachments: has too many entries",
        ),
        (
            attachment(HOSTS).replace("channels = [\"email\", \"print\"]", "channels = [\"print\"]"),
            "attachments: need `email` or `web` among `channels`",
        ),
    ] {
        let problems = ShopConfig::parse(&text).unwrap_err().to_string();
        assert!(problems.contains(problem), "{problem} is not in: {problems}");
    }
}
