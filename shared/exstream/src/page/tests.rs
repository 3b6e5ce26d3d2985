use super::*;
use proptest::prelude::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nlogo";

fn file(queue: &str, name: &str, mime_type: &str, bytes: &'static [u8]) -> Output {
    Output {
        bytes: bytes.into(),
        mime_type: mime_type.to_owned(),
        queue: Some(queue.to_owned()),
        file_name: Some(name.to_owned()),
        customer_number: None,
    }
}

fn page(html: &str) -> Output {
    Output { bytes: html.to_owned().into(), ..file("MAIL", "page.html", "text/html", b"") }
}

fn files() -> Vec<Output> {
    vec![
        file("MAIL", "logo.png", "image/png", PNG),
        file("OTHER", "logo.png", "image/png", b"\x89PNG\r\n\x1a\nother"),
        file("OTHER", "img/foot er.gif", "image/gif", b"GIF89a"),
        file("A", "twice.png", "image/png", PNG),
        file("B", "twice.png", "image/png", PNG),
        file("MAIL", "false.png", "image/png", b"<html>"),
        file("MAIL", "text.font", "font/woff2", b"wOF2"),
        file("MAIL", "1001.pdf", "application/pdf", b"%PDF-1.7"),
    ]
}

fn completed(html: &str) -> Result<String, PageError> {
    let done = complete(&page(html), &files(), 10_000)?;
    Ok(String::from_utf8(done.to_vec()).unwrap())
}

fn data(mime_type: &str, bytes: &[u8]) -> String {
    format!("data:{mime_type};base64,{}", BASE64_STANDARD.encode(bytes))
}

#[test]
fn every_reference_to_a_file_becomes_the_file() {
    let (logo, foot) = (data("image/png", PNG), data("image/gif", b"GIF89a"));
    let font = data("font/woff2", b"wOF2");
    for (html, expected) in [
        ("a <img src=\"logo.png\"> b", format!("a <img src=\"{logo}\"> b")),
        ("<img src=logo.png>", format!("<img src=\"{logo}\">")),
        (
            "<IMG ALT='a \"b\" &amp; c' SRC='./img/logo.png?v=1'/>",
            format!("<img alt=\"a &quot;b&quot; &amp; c\" src=\"{logo}\" />"),
        ),
        ("<img src=\"foot%20er.gif\">", format!("<img src=\"{foot}\">")),
        ("<td background=logo.png>x", format!("<td background=\"{logo}\">x")),
        (
            "<img srcset='logo.png 1x, https://x.example/a,b.png 2x'>",
            format!("<img srcset=\"{logo} 1x, https://x.example/a,b.png 2x\">"),
        ),
        (
            "<p style=\"color:red;background:url(logo.png) no-repeat\">",
            format!("<p style=\"color:red;background:url(&quot;{logo}&quot;) no-repeat\">"),
        ),
        (
            "<style>a{background:URL( 'logo.png' )}</style>x",
            format!("<style>a{{background:URL(\"{logo}\")}}</style>x"),
        ),
        (
            "<style>@font-face{src:url(text.font) format('woff2')} b{}</style>",
            format!("<style>@font-face{{src:url(\"{font}\") format('woff2')}} b{{}}</style>"),
        ),
        (
            "<svg><image xlink:href=\"logo.png\"/></svg>",
            format!("<svg><image xlink:href=\"{logo}\" /></svg>"),
        ),
        (
            "<img src=\"logo.png\"><p>é</p><img src=\"logo.png\">",
            format!("<img src=\"{logo}\"><p>é</p><img src=\"{logo}\">"),
        ),
    ] {
        assert_eq!(completed(html).unwrap(), expected, "{html}");
    }
}

#[test]
fn what_is_whole_stays_as_it_is_to_the_byte() {
    for html in [
        "",
        "<p>1 < 2 && 3</p>",
        "<img src='https://cdn.example/logo.png'  ALT=x >",
        "<IMG SRC=\"data:image/png;base64,AAAA\">",
        "<a href=logo.png style=\"color: red\">",
        "<style>/* url(none.png) */ a:before{content:'url(none.png)'} b{fill:url(#c)}</style>",
        "<style>@import url(https://x.example/a.css); @import 'https://x.example/b.css';</style>",
        "<!-- <img src=none.png> --><script>x = '<img src=none.png>'</script>",
        "<title><img src=none.png></title>",
        "<style>p{my-url(none.png)}</style>",
    ] {
        assert_eq!(completed(html).unwrap(), html);
    }
}

#[test]
fn a_reference_to_nothing_is_refused() {
    for html in [
        "<img src=none.png>",
        "<img src=''>",
        "<img src='http://x.example/a.png'>",
        "<img src='//x.example/a.png'>",
        "<img src='https:logo.png2'>",
        "<img src='https://'>",
        "<img src='cid:logo'>",
        "<img src='file:///c:/x/none.png'>",
        "<img src=1001.pdf>",
        "<img srcset='https://x.example/a.png 1x, none.png 2x'>",
        "<body background=none.png>",
        "<p style='background-image:url(&quot;none.png&quot;)'>",
        "<style>a{background:url(none.png)}</style>",
        "<style>@import 'none.css';</style>",
        "<style>a{background:url(none.png",
        // without a space, a comma is part of the address
        "<source srcset='logo.png,foot%20er.gif 2x'>",
        "<link rel=stylesheet href=none.css>",
        "<input type=image src=none.png>",
        "<video poster=none.png>",
        "<table><tr><td BACKGROUND=\"none.png\">",
    ] {
        let error = completed(html).unwrap_err();
        assert!(matches!(error, PageError::Missing { .. }), "{html}: {error}");
        assert!(!error.to_string().contains("none"), "the name may be a customer's: {error}");
    }
    assert_eq!(
        completed("<img src='x/Doe.PNG'>").unwrap_err().to_string(),
        "`img src` refers to a file (.png) that is neither in the composition nor at an https address"
    );
}

#[test]
fn a_file_is_known_by_its_name_and_looked_into() {
    assert!(matches!(completed("<img src=twice.png>"), Err(PageError::Ambiguous { .. })));
    assert!(matches!(completed("<img src=false.png>"), Err(PageError::NotAPicture { .. })));
}

/// However often a page shows a picture, it stays below what a document may have.
#[test]
fn a_page_cannot_grow_without_bound() {
    let html = "<img src=logo.png>".repeat(1000);
    assert_eq!(completed(&html), Err(PageError::TooLarge { limit: 10_000 }));
}

proptest! {
    #[test]
    fn nothing_is_too_broken_to_read(html in "(<|>|img |src=|'|\"|style|/|url\\(|\\)|logo.png|@import |\\\\|é|!--|x){0,60}") {
        let _ = completed(&html);
        let _ = completed(&format!("<style>{html}</style>"));
        let _ = completed(&format!("<p style=\"{html}\">"));
    }
}
