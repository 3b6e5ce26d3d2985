//! The pages. Whatever comes from a shop or a customer is escaped by the template, made one line before, and isolated
//! from the direction of the text around it. A page needs no script but where a document is too large for one answer,
//! sets no cookie and loads nothing from elsewhere.

use crate::{
    route::SCRIPT,
    text::{Language, Texts},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use comms::{Format, one_line};
use downloads::{NOWHERE, PART_BYTES, file_name};
use jiff::Timestamp;
use links::{Link, LinkedOutput, Sender};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("style.css");

/// The colour of the page's head where the shop has none.
const COLOUR: &str = "#0b5394";

/// A page with the policy that it needs and no more.
#[derive(Debug)]
pub struct Page {
    pub html: String,
    pub policy: String,
}

/// What a page says that shows no document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    Expired,
    Revoked,
    Unknown,
    Unavailable,
}

/// The page of a link. `token` is what opened it: its addresses are relative to it.
pub fn document(link: &Link, token: &str) -> Page {
    let language = Language::of(&link.locale);
    let texts = language.texts();
    let heading = link.document.title(texts.lang);
    let name = link.name.as_deref().map(one_line).filter(|name| !name.is_empty());
    let is_large = link.outputs.iter().any(|output| output.bytes > PART_BYTES);
    let until = Timestamp::from_millisecond(link.valid_until_epoch_ms).unwrap_or(Timestamp::MAX);
    let content = html! {
        h1 { (heading) }
        @if let Some(name) = &name { p.name { bdi { (name) } } }
        ul {
            @for output in &link.outputs {
                li { (files(output, &address(token, output), &saved_as(link, output), texts)) }
            }
        }
        @if is_large {
            p #status role="status" {}
            noscript { p { (texts.large) } }
        }
        p { (texts.available_until) " " (language.date(until)) "." }
        (contact(&link.sender, texts))
        p.note { (texts.private) }
    };
    let script = html! { @if is_large { script src=(SCRIPT) defer {} } };
    let title = name.map_or_else(|| heading.to_owned(), |name| format!("{heading} {name}"));
    page(texts, &title, Some(&link.sender), &content, &script)
}

/// A page without a document. Only to whoever holds a token it says whose link has ended.
pub fn notice(notice: Notice, language: Language, sender: Option<&Sender>) -> Page {
    let texts = language.texts();
    let (heading, advice) = match notice {
        Notice::Expired => (texts.expired, texts.ended),
        Notice::Revoked => (texts.revoked, texts.ended),
        Notice::Unknown => (texts.unknown, texts.check_link),
        Notice::Unavailable => (texts.unavailable, texts.try_later),
    };
    let content = html! {
        h1 { (heading) }
        p { (advice) }
        @if let Some(sender) = sender { (contact(sender, texts)) }
    };
    page(texts, heading, sender, &content, &html! {})
}

/// A page with this content and the sender's address for questions.
pub fn plain(language: Language, title: &str, sender: &Sender, content: &Markup) -> Page {
    let texts = language.texts();
    page(texts, title, Some(sender), &html! { (content) (contact(sender, texts)) }, &html! {})
}

impl Page {
    /// The same with a form that may be sent to where the page comes from.
    pub fn with_form(self) -> Self {
        Self { policy: self.policy.replace("form-action 'none'", "form-action 'self'"), ..self }
    }
}

/// What the file of an output is called where it is saved.
pub fn saved_as(link: &Link, output: &LinkedOutput) -> String {
    let title = link.document.title(Language::of(&link.locale).texts().lang);
    file_name(title, link.name.as_deref(), extension(output))
}

pub fn extension(output: &LinkedOutput) -> &str {
    output.file().rsplit('.').next().unwrap_or_default()
}

/// Without the scheme and host, so that a page serves under any domain.
fn address(token: &str, output: &LinkedOutput) -> String {
    format!("/d/{token}/{}", output.file())
}

fn files(output: &LinkedOutput, address: &str, name: &str, texts: &Texts) -> Markup {
    let kind = extension(output).to_ascii_uppercase();
    let size = size(output.bytes);
    html! {
        @if output.bytes > PART_BYTES {
            a href=(address) download=(name) data-bytes=(output.bytes) data-sha256=(output.sha256)
                data-type=(output.media_type) data-loading=(texts.loading) data-loaded=(texts.loaded)
                data-failed=(texts.not_loaded) { (texts.download) " (" bdi { (kind) ", " (size) } ")" }
        } @else if Format::of(&output.media_type) == Some(Format::Html) {
            a href=(address) { (texts.read) }
        } @else {
            a href=(address) { (texts.open) " (" bdi { (kind) ", " (size) } ")" }
            a href=(address) download=(name) { (texts.download) " (" bdi { (kind) } ")" }
        }
    }
}

fn size(bytes: u64) -> String {
    let tenths = |unit: u64| bytes.saturating_mul(10).div_ceil(unit);
    match bytes {
        0..1_000_000 => format!("{} KB", bytes.div_ceil(1000)),
        _ => format!("{}.{} MB", tenths(1_000_000) / 10, tenths(1_000_000) % 10),
    }
}

fn contact(sender: &Sender, texts: &Texts) -> Markup {
    let email = sender.email.as_deref().map(one_line).filter(|it| is_address(it));
    let phone = sender.phone.as_deref().map(one_line).filter(|it| !it.is_empty());
    let url = sender.url.as_deref().filter(|it| it.starts_with("https://"));
    html! {
        @if email.is_some() || phone.is_some() || url.is_some() {
            dl {
                dt { (texts.questions) }
                @if let Some(email) = email { dd { a href={ "mailto:" (email) } { bdi { (email) } } } }
                @if let Some(phone) = phone { dd { a href={ "tel:" (dialled(&phone)) } { bdi dir="ltr" { (phone) } } } }
                @if let Some(url) = url { dd { a href=(url) rel="noreferrer" { bdi { (shown(url)) } } } }
            }
        }
    }
}

/// Whether an address can stand in `mailto:` as it is: no parameters, no second recipient.
fn is_address(text: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '@');
    text.chars().all(is_plain) && text.matches('@').count() == 1
}

fn dialled(phone: &str) -> String {
    phone.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect()
}

fn shown(url: &str) -> &str {
    url.trim_start_matches("https://").trim_end_matches('/')
}

fn page(texts: &Texts, title: &str, sender: Option<&Sender>, content: &Markup, script: &Markup) -> Page {
    let colour = sender.and_then(|sender| sender.colour.as_deref()).filter(|it| is_colour(it));
    let style = format!(":root{{--brand:{}}}\n{STYLE}", colour.unwrap_or(COLOUR));
    let name = sender.map(|sender| one_line(&sender.name)).filter(|name| !name.is_empty());
    let html = html! {
        (DOCTYPE)
        html lang=(texts.lang) dir=(texts.dir) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex, nofollow";
                meta name="referrer" content="no-referrer";
                meta name="format-detection" content="telephone=no";
                title { (title) }
                style { (PreEscaped(&style)) }
            }
            body {
                header { p { @if let Some(name) = &name { (texts.from) " " bdi { (name) } } } }
                main { (content) }
                (script)
            }
        }
    };
    Page { html: html.into_string(), policy: policy(&style, !script.0.is_empty()) }
}

/// Six hexadecimal digits: whatever else a configuration says would be style of its own.
fn is_colour(text: &str) -> bool {
    text.len() == 7 && text.starts_with('#') && text[1..].bytes().all(|b| b.is_ascii_hexdigit())
}

/// Allows the one style by its hash, and the one script where the page has it.
fn policy(style: &str, has_script: bool) -> String {
    let hash = BASE64_STANDARD.encode(Sha256::digest(style));
    let script = if has_script { "; script-src 'self'; connect-src 'self'" } else { "" };
    format!("default-src 'none'; style-src 'sha256-{hash}'{script}; {}", NOWHERE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const TOKEN: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaA";

    fn link(change: impl FnOnce(&mut serde_json::Value)) -> Link {
        let sample = include_str!("../../../shared/links/samples/link.v1.json");
        let mut link: serde_json::Value = serde_json::from_str(sample).unwrap();
        link["outputs"][0]["bytes"] = json!(48_213);
        change(&mut link);
        serde_json::from_value(link).unwrap()
    }

    /// A page without its style, which is a file of its own.
    fn body(page: &Page) -> String {
        let (before, rest) = page.html.split_once("<style>").unwrap();
        let (_, after) = rest.split_once("</style>").unwrap();
        format!("{before}<style></style>{after}").replace("><", ">\n<")
    }

    #[test]
    fn the_page_in_each_language() {
        for locale in ["en", "de-AT", "fr-CA", "ar-EG", "he"] {
            let link = link(|link| link["locale"] = json!(locale));
            insta::assert_snapshot!(format!("page-{locale}"), body(&document(&link, TOKEN)));
        }
    }

    #[test]
    fn the_page_of_a_large_document() {
        let page = document(&link(|link| link["outputs"][0]["bytes"] = json!(9_512_345)), TOKEN);
        insta::assert_snapshot!("page-large", body(&page));
        assert!(page.policy.contains("script-src 'self'"));
    }

    #[test]
    fn every_notice_in_each_language() {
        let mut all = String::new();
        for locale in ["en", "de", "fr", "ar", "he"] {
            for it in [Notice::Expired, Notice::Revoked, Notice::Unknown, Notice::Unavailable] {
                all.push_str(&body(&notice(it, Language::of(locale), None)));
                all.push('\n');
            }
        }
        insta::assert_snapshot!("notices", all);
    }

    const HOSTILE: [&str; 6] = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "'; DROP TABLE --",
        "{{7*7}}${7*7}<%=7*7%>",
        "</title></style></head><body onload=x>",
        "\u{202e}evil\u{2066}\u{0}\r\nX: y",
    ];

    #[test]
    fn hostile_texts_are_texts() {
        for text in HOSTILE {
            let link = link(|link| {
                link["name"] = json!(text);
                for field in ["name", "email", "phone", "url", "colour"] {
                    link["sender"][field] = json!(text);
                }
            });
            let page = document(&link, TOKEN);
            assert!(!text.contains(['<', '"']) || !page.html.contains(text), "{text}");
            for tag in ["<script", "<img", "onerror=alert(1)>", "<body onload"] {
                assert!(!page.html.contains(tag), "{tag} of {text}: {}", page.html);
            }
            assert_eq!(page.html.matches("<style>").count(), 1);
            assert!(page.html.contains("--brand:#0b5394"), "{text}");
            assert!(page.html.chars().all(|c| !c.is_control() || c == '\n'));
            assert!(!page.html.contains(['\u{202e}', '\u{2066}']));
        }
    }

    #[test]
    fn an_address_leads_where_it_says() {
        let hrefs = |field: &str, value: &str| {
            let link = link(|link| link["sender"] = json!({"name": "N", field: value}));
            let html = document(&link, TOKEN).html;
            // after those of the documents
            html.split("href=\"")
                .skip(4)
                .map(|rest| rest.split('"').next().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(hrefs("email", "a.b+c@shop.example"), ["mailto:a.b+c@shop.example"]);
        assert_eq!(hrefs("phone", "+33 (1) 00-00"), ["tel:+3310000"]);
        assert_eq!(hrefs("url", "https://shop.example/"), ["https://shop.example/"]);
        for (field, value) in [
            ("email", "a@b.example?bcc=c@d.example"),
            ("email", "a@b.example,c@d.example"),
            ("url", "javascript:alert(1)"),
            ("url", "http://shop.example"),
            ("url", " https://shop.example"),
        ] {
            assert_eq!(hrefs(field, value), [""; 0], "{value}");
        }
    }

    #[test]
    fn the_policy_allows_the_style_of_the_page_and_nothing_else() {
        let page = document(&link(|_| {}), TOKEN);
        let style = page.html.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        let hash = BASE64_STANDARD.encode(Sha256::digest(style));
        assert_eq!(
            page.policy,
            format!(
                "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            )
        );
        for inline in [" style=", " onclick", "<script", "javascript:", "http://"] {
            assert!(!page.html.contains(inline), "{inline}");
        }
        assert!(page.html.contains("--brand:#1a5f7a"));
    }

    #[test]
    fn sizes_are_round() {
        for (bytes, expected) in
            [(0, "0 KB"), (1, "1 KB"), (48_213, "49 KB"), (1_000_000, "1.0 MB"), (9_512_345, "9.6 MB")]
        {
            assert_eq!(size(bytes), expected);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_a_tag(name in any::<String>(), sender in any::<String>()) {
            let plain = document(&link(|link| { link["name"] = json!("x"); link["sender"] = json!({"name": "y"}); }), TOKEN);
            let odd = document(&link(|link| { link["name"] = json!(format!("x{name}")); link["sender"] = json!({"name": format!("y{sender}")}); }), TOKEN);
            prop_assert_eq!(odd.html.matches('<').count(), plain.html.matches('<').count());
        }
    }
}
