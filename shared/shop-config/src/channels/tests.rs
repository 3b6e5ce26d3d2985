use crate::{Channel, ShopConfig};

const SHOP: &str = include_str!("../../tests/fixtures/shop.toml");

const SMS: &str = "[delivery.sms]\nbase_url = \"https://messaging.example\"\ntoken = { mode = \"basic\" }\n";
const WHATSAPP: &str = "[delivery.whatsapp]\nbase_url = \"https://messaging.example\"\n\
    token = { mode = \"basic\" }\nnumber_prefix = \"+\"\n";

/// A shop with the receipt's channels and further lines of it, and with further sections.
fn shop(channels: &str, lines: &str, sections: &str) -> String {
    let (before, receipt) = SHOP.split_once("[documents.receipt]").unwrap();
    let receipt = receipt.replacen("channels = [\"print\"]", &format!("channels = {channels}\n{lines}"), 1);
    format!("{before}{sections}\n[documents.receipt]{receipt}")
}

fn problem(text: &str) -> String {
    ShopConfig::parse(text).map_or_else(|error| error.to_string(), |_| "none".to_owned())
}

const TEMPLATE: &str = "whatsapp = { en = { template_id = \"receipt\", language_code = \"en\", parameters = \
    { \"body[1]text\" = \"{order}\" } } }";

#[test]
fn a_channel_needs_its_section_and_its_text() {
    let sms = "sms = { en = \"{brand}: receipt {order}\" }";
    let web = "[delivery.web]";
    for (channels, lines, sections, expected) in [
        ("[\"sms\"]", sms, SMS, "none"),
        ("[\"sms\"]", sms, "", "documents.receipt.channels: `sms` needs the section [delivery.sms]"),
        ("[\"sms\"]", "", SMS, "documents.receipt.sms: needs a text for the default locale `en`"),
        (
            "[\"sms\"]",
            "sms = { en = \"{link}\" }",
            SMS,
            "documents.receipt.sms: `{link}` needs the section [delivery.web]",
        ),
        ("[\"sms\"]", "sms = { en = \"{link}\" }", &format!("{SMS}{web}"), "none"),
        // a text of a channel that is not used leads nowhere
        ("[\"print\"]", "sms = { en = \"{link}\" }", "", "none"),
        (
            "[\"print\"]",
            "message = { en = \"{unsubscribe}\" }",
            "",
            "documents.receipt.message: `{unsubscribe}` is for marketing",
        ),
        (
            "[\"sms\"]",
            "sms = { en = \"{pin}\" }",
            SMS,
            "documents.receipt.sms.en: {pin} stands for nothing; there are {order}, {name}, {brand}, {link}, {unsubscribe}",
        ),
        (
            "[\"print\"]",
            "file_name = { en = \"{link}.pdf\" }",
            web,
            "documents.receipt.file_name.en: {link} stands for nothing; there are {order}, {name}, {brand}",
        ),
        ("[\"whatsapp\"]", TEMPLATE, WHATSAPP, "none"),
        (
            "[\"whatsapp\"]",
            TEMPLATE,
            "",
            "documents.receipt.channels: `whatsapp` needs the section [delivery.whatsapp]",
        ),
        (
            "[\"whatsapp\"]",
            "",
            WHATSAPP,
            "documents.receipt.whatsapp: needs a template for the default locale `en`",
        ),
        (
            "[\"whatsapp\"]",
            &TEMPLATE.replace("body[1]text", "header[1]text"),
            WHATSAPP,
            "documents.receipt.whatsapp.en: `header[1]text` is not a place of a template, such as `body[1]text`",
        ),
        ("[\"web\"]", "", web, "none"),
        ("[\"web\"]", "", "", "documents.receipt.channels: `web` needs the section [delivery.web]"),
        (
            "[\"web\"]",
            "output = \"image/tiff\"",
            web,
            "documents.receipt.outputs: none is for a page: use `web`, or one that is PDF, HTML or plain text",
        ),
        (
            "[\"web\"]",
            "",
            "[delivery.web]\nvalid_days = 401",
            "delivery.web.valid_days: must be between 1 and 400 days",
        ),
        (
            "[\"sms\"]",
            sms,
            &format!("{SMS}most_segments = 11"),
            "delivery.sms.most_segments: must be between 1 and 10",
        ),
    ] {
        assert_eq!(problem(&shop(channels, lines, sections)), expected, "{channels} {lines}");
    }
    let push = problem(&shop("[\"push\"]", "", ""));
    assert!(push.contains("unknown variant `push`"), "{push}");
    let numbers = WHATSAPP.replace("number_prefix = \"+\"\n", "");
    assert!(problem(&shop("[\"whatsapp\"]", TEMPLATE, &numbers)).contains("missing field `number_prefix`"));
    let colour = SHOP.replace("[shopify]", "colour = \"blue\"\n[shopify]");
    assert_eq!(problem(&colour), "brand.colour: must be `#` and six hexadecimal digits");
}

#[test]
fn a_text_that_is_too_long_with_nothing_filled_in_is_refused() {
    let text = |length: usize| format!("sms = {{ en = \"{}{{order}}\" }}", "a".repeat(length));
    let one = format!("{SMS}most_segments = 1\n");
    assert_eq!(problem(&shop("[\"sms\"]", &text(160), &one)), "none");
    let expected = "documents.receipt.sms.en: takes 2 segments or more; delivery.sms.most_segments allows 1";
    assert_eq!(problem(&shop("[\"sms\"]", &text(161), &one)), expected);
    // an address has 58 characters or more
    let linked = format!("sms = {{ en = \"{}{{link}}\" }}", "a".repeat(103));
    assert_eq!(problem(&shop("[\"sms\"]", &linked, &format!("{one}[delivery.web]"))), expected);
}

#[test]
fn the_next_channel_is_for_what_may_be_sent_twice() {
    let next = "next_channel_on = [\"bounced\", \"refused\", \"no-outcome\"]";
    for (channels, expected) in [
        ("[\"print\", \"web\"]", "none"),
        ("[\"print\"]", "documents.receipt.next_channel_on: needs a second channel in `channels`"),
        (
            "[\"exstream\", \"print\"]",
            "documents.receipt.next_channel_on: cannot be used with the channel `exstream`, which sends while it composes",
        ),
    ] {
        assert_eq!(problem(&shop(channels, next, "[delivery.web]")), expected, "{channels}");
    }
    let offer = "[delivery.web]\n[documents.promotional-offer]\ncommunication = \"c\"\ndata_source = \"d\"\n\
        channels = [\"web\", \"email\"]\nsubject = { en = \"x\" }\n";
    let offer = format!("{SHOP}\n{offer}{next}\n");
    assert!(problem(&offer).contains("is not for marketing"), "{}", problem(&offer));
}

#[test]
fn only_what_a_channel_says_leads_to_the_page() {
    let config = ShopConfig::parse(&shop(
        "[\"sms\"]",
        "sms = { en = \"x\", fr = \"{link}\" }",
        &format!("{SMS}[delivery.web]"),
    ))
    .unwrap();
    let receipt = &config.documents[&comms::Document::Receipt];
    for channel in Channel::ALL {
        assert_eq!(receipt.links_to_page(*channel), *channel == Channel::Sms, "{channel}");
    }
}
