use super::*;
use InvalidUrl::{Forbidden, Fragment, Malformed, Scheme, Spelling, UserInformation};
use proptest::prelude::*;

#[test]
fn services_and_this_machine_are_reached() {
    for text in [
        "https://exstream.example",
        "https://Exstream.Example:8443/base/",
        "https://x/returns?order=1",
        "https://10.1.2.3/exstream",
        "https://[2001:db8::1]:443/",
        "https://xn--bcher-kva.example",
        "https://metadata.example",
        "https://127.0.0.1:4601",
        "http://127.0.0.1:4602/shops/a.myshopify.com",
        "http://127.0.0.1",
        "http://localhost/x",
        "http://[::1]:4601/x",
    ] {
        let url: HttpsUrl = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(url.as_str(), text);
    }
}

#[test]
fn attacks_are_refused() {
    for (text, error) in [
        ("http://127.0.0.1:80@evil.example", UserInformation),
        ("https://user:password@exstream.example", UserInformation),
        ("https://@exstream.example", UserInformation),
        ("https://exstream.example@evil.example/", UserInformation),
        ("http://evil.example", Scheme),
        ("http://127.0.0.1.evil.example", Scheme),
        ("http://localhost.evil.example", Scheme),
        ("http://10.0.0.1/", Scheme),
        ("ftp://127.0.0.1", Scheme),
        ("file:///etc/passwd", Scheme),
        ("javascript:alert(1)", Scheme),
        ("//exstream.example", Scheme),
        ("exstream.example", Scheme),
        ("https://exstream.example/#@evil.example", Fragment),
        ("https://exstream.example#", Fragment),
        ("https://exstream.example\\@evil.example", Malformed),
        ("https:\\\\evil.example", Malformed),
        ("https://exstream.example/\r\nHost: evil.example", Malformed),
        ("https://exs\ttream.example", Malformed),
        (" https://exstream.example", Malformed),
        ("https://b\u{fc}cher.example", Malformed),
        ("https://", Malformed),
        ("https://exstream.example:99999", Malformed),
        ("https://169.254.169.254/latest/meta-data", Forbidden),
        ("https://169.254.170.2/v2/credentials", Forbidden),
        ("https://2852039166/", Forbidden),
        ("https://0xa9fea9fe/", Forbidden),
        ("https://0xa9.0xfe.0xa9.0xfe/", Forbidden),
        ("https://0251.0376.0251.0376/", Forbidden),
        ("https://169.254.43518/", Forbidden),
        ("https://%31%36%39.254.169.254/", Forbidden),
        ("https://[::ffff:169.254.169.254]/", Forbidden),
        ("https://[::ffff:a9fe:a9fe]/", Forbidden),
        ("https://[::a9fe:a9fe]/", Forbidden),
        ("https://[64:ff9b::a9fe:a9fe]/", Forbidden),
        ("https://[2002:a9fe:a9fe::]/", Forbidden),
        ("http://[::ffff:127.0.0.1]/", Forbidden),
        ("https://[fe80::1]/", Forbidden),
        ("https://[febf::1]/", Forbidden),
        ("https://[fd00:ec2::254]/", Forbidden),
        ("https://[fd20:ce::254]/", Forbidden),
        ("https://[ff02::1]/", Forbidden),
        ("https://[::]/", Forbidden),
        ("http://0.0.0.0:4601/", Forbidden),
        ("http://0/", Forbidden),
        ("https://255.255.255.255/", Forbidden),
        ("https://224.0.0.1/", Forbidden),
        ("https://100.100.100.200/", Forbidden),
        ("https://metadata.google.internal/", Forbidden),
        ("https://METADATA.google.internal./", Forbidden),
        ("http://evil.localhost/", Forbidden),
        ("http://127.0.0.2/", Forbidden),
        ("http://2130706433/", Spelling),
        ("http://0x7f.1/", Spelling),
        ("http://127.1/", Spelling),
        ("http://localhost./", Spelling),
        ("http://%6cocalhost/", Spelling),
        ("https://exstream.example./", Spelling),
        ("http://[0:0:0:0:0:0:0:1]/", Spelling),
        ("https://exstream.example:/", Spelling),
    ] {
        assert_eq!(text.parse::<HttpsUrl>(), Err(error), "{text}");
    }
    let long = format!("https://exstream.example/{}", "a".repeat(MAX_BYTES));
    assert_eq!(long.parse::<HttpsUrl>(), Err(Malformed));
}

#[test]
fn a_path_is_appended_and_the_debug_output_has_none() {
    let url: HttpsUrl = "https://exstream.example/base/?signature=1".parse().unwrap();
    assert!(url.has_query() && !url.is_loopback());
    assert_eq!(format!("{url:?}"), "https://exstream.example…");
    let url: HttpsUrl = "http://localhost:1/base/".parse().unwrap();
    assert_eq!((url.with_path("/x").as_str(), url.is_loopback()), ("http://localhost:1/base/x", true));
}

#[test]
fn what_others_have_fetched_is_public_and_what_customers_follow_is_a_page() {
    let file = |text: &str| HttpsUrl::from_outside(text).map(String::from);
    let label = "https://cdn.example/label.pdf?Signature=1";
    assert_eq!(file(&format!("{label}#page=1")).as_deref(), Some(label));
    for text in [
        "http://127.0.0.1:9001/2018-06-01/runtime",
        "https://localhost/",
        "https://printer/",
        "https://exstream.corp.internal/",
        "https://10.0.0.1/",
        "https://172.31.0.1/",
        "https://192.168.1.1/",
        "https://100.64.0.1/",
        "https://[fd12::1]/",
        "https://169.254.169.254/",
        "",
    ] {
        assert_eq!(file(text), None, "{text}");
    }
    for (text, fine) in [
        ("https://track.example/#/parcel/1", true),
        ("HTTP://track.example?n=1", true),
        ("javascript:alert(1)", false),
        ("data:text/html,x", false),
        ("https://shop.example@evil.example/", false),
        ("https://track.example/\u{202e}\n", false),
        ("track.example", false),
    ] {
        assert_eq!(is_web_link(text), fine, "{text}");
    }
}

proptest! {
    /// Whatever is accepted leads where it says: the parser's host stands in the text, right after the scheme.
    #[test]
    fn what_is_accepted_leads_where_it_says(text in "https?://[a-z0-9.:@/\\\\\\[\\]%#?-]{1,40}") {
        if let Ok(url) = text.parse::<HttpsUrl>() {
            let rest = text.split_once("://").unwrap().1;
            prop_assert!(rest.to_ascii_lowercase().starts_with(url.host()));
            prop_assert!(text.starts_with("https://") || url.is_loopback());
        }
    }
}
