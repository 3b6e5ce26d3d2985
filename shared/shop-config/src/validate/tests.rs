use super::*;
use crate::Expired;

const SHOP: &str = include_str!("../../tests/fixtures/shop.toml");
const SAMPLE: &str = include_str!("../../../../infra/local/config/demo-shop.toml");

fn problems(text: &str) -> String {
    ShopConfig::parse(text).unwrap_err().to_string()
}

fn problems_within(text: &str, max_retention_days: u16) -> String {
    ShopConfig::parse_within(text, max_retention_days).unwrap_err().to_string()
}

/// The shop with a class of retention.
fn retention(name: &str, values: &str) -> String {
    format!("{SHOP}\n[retention.{name}]\n{values}\n")
}

#[test]
fn a_document_is_kept_by_its_class() {
    let marketing = "\n[documents.promotional-offer]\ncommunication = \"c\"\ndata_source = \"d\"\n";
    let text = format!(
        "{}{marketing}",
        retention("marketing", "days = 90\nlegal_basis = \"proof\"\nerasable = true")
    );
    let config = ShopConfig::parse(&text).unwrap();
    let class = |document| {
        let (name, class) = config.retention_class(document);
        (name.to_owned(), class.days, class.erasable, class.expired)
    };
    assert_eq!(class(Document::Receipt), ("statutory".to_owned(), 2557, false, Expired::Keep));
    assert_eq!(class(Document::PromotionalOffer), ("marketing".to_owned(), 90, true, Expired::Keep));
}

#[test]
fn the_contract_is_published_and_the_sample_conforms() {
    let schema = schemars::schema_for!(ShopConfig).to_value();
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/shop-config.v1.json");
    contract::published(&file, &schema);
    let sample: serde_json::Value = toml::from_str(SAMPLE).unwrap();
    contract::conforms(&schema, &sample);
    ShopConfig::parse(SAMPLE).unwrap();
    assert_eq!(contract::undescribed(&schema), Vec::<String>::new());
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    contract::published_part(&page, "keys", &contract::keys(&schema));
}

/// Whether the number at `path` is refused when it is `value`.
fn refuses(path: &str, value: u64) -> bool {
    // a class has a name
    let path = &path.replace("retention.", "retention.statutory.");
    let mut file: toml::Table = toml::from_str(SAMPLE).unwrap();
    let mut at = &mut file;
    let mut names: Vec<&str> = path.split('.').collect();
    let key = names.pop().unwrap();
    for name in names {
        let next = at.entry(name).or_insert_with(|| toml::Table::new().into());
        at = next.as_table_mut().unwrap();
    }
    if key == "customers_per_file" {
        at.insert("mode".to_owned(), "batch".into());
    }
    if path.starts_with("retention.") {
        at.insert("legal_basis".to_owned(), "law".into());
    }
    at.insert(key.to_owned(), i64::try_from(value).unwrap().into());
    match ShopConfig::parse(&toml::to_string(&file).unwrap()) {
        Ok(_) => false,
        Err(InvalidConfig::Problems(problems)) => {
            problems.iter().any(|it| path.starts_with(&it.field) || it.field.starts_with(path))
        }
        Err(syntax) => panic!("{path} = {value}: {syntax}"),
    }
}

#[test]
fn the_bounds_that_are_published_are_those_that_are_checked() {
    let bounds = contract::bounds(&schemars::schema_for!(ShopConfig).to_value());
    assert!(bounds.len() > 10, "{bounds:?}");
    for (path, least, most) in bounds {
        for (bound, beyond) in [(least, least.map(|it| it - 1)), (most, most.map(|it| it + 1))] {
            let Some((bound, beyond)) = bound.zip(beyond) else { continue };
            assert!(!refuses(&path, bound), "{path} = {bound} is refused");
            assert!(refuses(&path, beyond), "{path} = {beyond} is taken");
        }
    }
}

#[test]
fn every_problem_names_its_field() {
    let text = SHOP
        .replace("version = 1", "version = 2")
        .replace("default_locale = \"en\"", "default_locale = \"de\"")
        .replace("http://127.0.0.1:4601\"\ndomain", "http://127.0.0.1:4601?x\"\ndomain")
        .replace("data_source = \"Receipt\"", "data_source = \"\"");
    let problems = problems(&text);
    for field in [
        "version: 2",
        "default_locale: `de`",
        "exstream.base_url: must not have a query",
        "documents.receipt.data_source",
        "documents.order-confirmation.subject: needs a subject for the default locale `de`",
    ] {
        assert!(problems.contains(field), "{field} not in {problems}");
    }
}

#[test]
fn each_rule_refuses_what_breaks_it() {
    let receipt = |line: &str| SHOP.replace("[documents.receipt]", &format!("[documents.receipt]\n{line}"));
    let exstream = |line: &str| SHOP.replace("[exstream]", &format!("[exstream]\n{line}"));
    let email = |line: &str| SHOP.replace("[delivery.email]", &format!("[delivery.email]\n{line}"));
    let long = "ü".repeat(65);
    let tags = |tag: &str| SHOP.replace("receipt-printed", tag);
    for (text, problem) in [
        (
            receipt("template_pin = 1").replace("[exstream]", "[exstream]\ncatalogue = false"),
            "documents.receipt.template_pin: cannot",
        ),
        (
            receipt(&format!("parts_pin = \"{}\"", "0".repeat(64)))
                .replace("[exstream]", "[exstream]\ncatalogue = false"),
            "documents.receipt.parts_pin: cannot",
        ),
        (receipt("parts_pin = \"12\""), "documents.receipt.parts_pin: must be a SHA-256"),
        (
            receipt(&format!("parts_pin = \"{}\"", "A".repeat(64))),
            "documents.receipt.parts_pin: must be a SHA-256",
        ),
        (
            receipt("require = \"pdf/a\"\noutput = \"text/html\""),
            "documents.receipt.require: needs the output application/pdf",
        ),
        (
            receipt("require = [\"pdf/a\", \"pdf/ua\"]")
                .replace("channels = [\"print\"]", "channels = [\"exstream\"]"),
            "documents.receipt.require: cannot be kept with the channel `exstream`",
        ),
        (email("watch_days = 0"), "delivery.email.watch_days: must be between 1 and 60 days"),
        (email("watch_days = 61"), "delivery.email.watch_days: must be between"),
        (email("marketing_watch_days = 0"), "delivery.email.marketing_watch_days: must be between"),
        (email("marketing_watch_days = 61"), "delivery.email.marketing_watch_days: must be between"),
        (exstream("max_output_bytes = 0"), "exstream.max_output_bytes: must be between 1 and 33554432"),
        (exstream("max_output_bytes = 33554433"), "exstream.max_output_bytes: must be between"),
        (
            receipt("output = \"text/plain\""),
            "documents.receipt.output: must be PDF, HTML, AFP, PCL, PostScript or TIFF for the channel `print`",
        ),
        (
            receipt("message_class = \"marketing\""),
            "documents.receipt.message_class: `marketing` is for the flow targeted-offers",
        ),
        (receipt("after_edits = true"), "documents.receipt.after_edits: is for order-confirmation only"),
        (
            retention("books", "days = 4019\nlegal_basis = \"law\""),
            "retention.books.days: must not be more than 4018, which this deployment allows",
        ),
        (retention("books", "days = 0\nlegal_basis = \"law\""), "retention.books.days: must be at least 1"),
        (
            retention("books", "days = 1\nlegal_basis = \" \""),
            "retention.books.legal_basis: must have 1 to 128",
        ),
        (retention("Books", "days = 1\nlegal_basis = \"x\""), "retention.Books: has 1 to 32 characters"),
        (receipt("retention = \"books\""), "documents.receipt.retention: `books` is not one of `retention`"),
        (receipt("pictures = true"), "documents.receipt.pictures: is for order-confirmation only"),
        (tags(""), "documents.receipt.tags: a tag has 1 to 40 characters and no comma"),
        (tags("a,b"), "documents.receipt.tags: a tag"),
        (tags(&"x".repeat(41)), "documents.receipt.tags: a tag"),
        (
            SHOP.replace("\"Receipt\"", &format!("\"{long}\"")),
            "documents.receipt.data_source: must not be longer than 128 bytes",
        ),
        (
            SHOP.replace("6f1f3ad0-7a55-4a07-9d0e-0c9b5b1f6a02", &long),
            "documents.receipt.communication: must not be longer than 128 bytes",
        ),
        (receipt("brand = \"none\""), "documents.receipt.brand: `none` is not one of `brands`"),
        (
            receipt("file_name = { en = \"Receipt {order}\" }"),
            "documents.receipt.file_name: `Receipt {order}` must end with .pdf",
        ),
        (
            receipt("message = { en = \"Hello {customer}\" }"),
            "documents.receipt.message.en: {customer} stands for nothing; there are {order}, {name}, {brand}",
        ),
        (receipt("message = { fr = \" \" }"), "documents.receipt.message.fr: must have 1 to 4000 characters"),
    ] {
        let found = problems(&text);
        assert!(found.starts_with(problem) && !found.contains("; documents"), "{found}");
    }
    for fine in [
        receipt("output = \"text/html\"\nmessage_class = \"regulated\""),
        receipt("output = \"text/plain\"").replace("[\"print\"]", "[\"exstream\"]"),
        receipt("output = \"image/tiff\""),
        receipt("output = \"application/afp\"\nfile_name = { de = \"Beleg {order}.afp\" }"),
        receipt("message = { en = \"Hello\\n\\n{order} {brand}\" }"),
        tags(&"é".repeat(40)),
        retention("books", "days = 4018\nlegal_basis = \"law\"")
            .replace("[documents.receipt]", "[documents.receipt]\nretention = \"books\""),
        receipt("retention = \"marketing\""),
        exstream("max_output_bytes = 33554432"),
    ] {
        ShopConfig::parse(&fine).unwrap();
    }
}

/// A typing mistake under COMPLIANCE could never be taken back.
#[test]
fn nothing_is_kept_for_longer_than_the_deployment_allows() {
    let kept = |days: u16| retention("statutory", &format!("days = {days}\nlegal_basis = \"law\""));
    assert!(
        problems_within(SHOP, 2556).starts_with("retention.statutory: is missing, and its usual 2557 days")
    );
    for (days, most, fine) in [(36_500, 36_500, true), (3653, 3653, true), (3654, 3653, false), (2, 1, false)]
    {
        assert_eq!(ShopConfig::parse_within(&kept(days), most).is_ok(), fine, "{days} of {most}");
    }
}

#[test]
fn a_misspelt_name_is_an_error_that_names_the_line() {
    let text = SHOP.replace("channels = [\"print\"]", "chanels = [\"print\"]");
    let error = ShopConfig::parse(&text).unwrap_err();
    let line = 1 + text.lines().position(|line| line.starts_with("chanels")).unwrap();
    let shown = error.to_string();
    assert!(
        shown.starts_with(&format!("line {line}: ")) && shown.contains("unknown field `chanels`"),
        "{shown}"
    );
}

/// Headers hold secrets, and errors are logged.
#[test]
fn a_syntax_error_quotes_no_value() {
    for headers in
        ["headers = \"s3cr\\\"et\"", "headers = { a = \"s3cret }", "headers = { a = \"s3cret\", }}"]
    {
        let text = SHOP.replace("[exstream]", &format!("[exstream]\n{headers}"));
        let error = ShopConfig::parse(&text).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.starts_with("line ") && !shown.contains("s3cr") && !shown.contains("et\""), "{shown}");
    }
}

/// Which addresses are refused is [`HttpsUrl`]'s matter. Here: that no setting is without it.
#[test]
fn every_address_is_checked_and_named() {
    let evil = "http://127.0.0.1:80@evil.example";
    let shop = SHOP.replace(
        "[exstream]",
        "[exceptions]\n[returns]\n[marketing.offers.x]\ntitle = { en = \"X\", fr = \"X\" }\n[exstream]",
    );
    for (text, field) in [
        (shop.replace("[brand]", &format!("[brand]\nurl = \"{evil}\"")), "brand.url"),
        (shop.replace("http://127.0.0.1:4602/shops/northwind-demo.myshopify.com", evil), "shopify.base_url"),
        (shop.replacen("http://127.0.0.1:4601\"", &format!("{evil}\""), 1), "exstream.base_url"),
        (shop.replacen("http://127.0.0.1:4601/tenants/northwind/oauth2/token", evil, 1), "exstream.token"),
        (
            shop.replace(
                "[delivery.email]\nbase_url = \"http://127.0.0.1:4601",
                &format!("[delivery.email]\nbase_url = \"{evil}"),
            ),
            "delivery.email.base_url",
        ),
        (shop.replace("[returns]", &format!("[returns]\nurl = \"{evil}\"")), "returns.url"),
        (
            shop.replace("[exceptions]", &format!("[exceptions]\npayment_url = \"{evil}\"")),
            "exceptions.payment_url",
        ),
        (
            shop.replace("[exceptions]", &format!("[exceptions]\ncard_update_url = \"{evil}\"")),
            "exceptions.card_update_url",
        ),
        (
            shop.replace("[marketing.offers.x]", &format!("[marketing.offers.x]\nurl = \"{evil}\"")),
            "marketing.offers.x.url",
        ),
    ] {
        let error = ShopConfig::parse(&text).unwrap_err();
        let shown = error.to_string();
        assert!(
            shown.contains(&format!(": {field}")) && shown.contains("must not have a user name"),
            "{shown}"
        );
        assert!(!shown.contains("evil"), "{shown}");
    }
}

#[test]
fn only_what_an_order_leads_to_waits_for_a_request() {
    let with = |document: &str, settings: &str| {
        let section = format!("[documents.{document}]\n");
        assert!(SAMPLE.contains(&section));
        SAMPLE.replacen(&section, &format!("{section}{settings}\n"), 1)
    };
    for document in ["order-confirmation", "receipt", "cancellation-letter"] {
        let config = ShopConfig::parse(&with(document, "on_request = true")).unwrap();
        assert!(config.waits_for_request(document.parse().unwrap()));
    }
    assert_eq!(
        problems(&with("packing-slip", "on_request = true")),
        "documents.packing-slip.on_request: is for what an order leads to: order-confirmation, receipt, cancellation-letter"
    );
    let edits = problems(&with("order-confirmation", "on_request = true\nafter_edits = true"));
    assert!(
        edits.contains("documents.order-confirmation.after_edits: cannot be with `on_request`"),
        "{edits}"
    );
}

#[test]
fn workflows_are_started_by_outcomes_that_are_reported() {
    let with = |write_back: &str| format!("{SHOP}\n[write_back]\n{write_back}\n");
    let config = ShopConfig::parse(&with("flow_triggers = [\"delivered\", \"failed\"]")).unwrap();
    assert_eq!(config.write_back.flow_triggers, [crate::FlowTrigger::Delivered, crate::FlowTrigger::Failed]);
    let off = problems(&with("enabled = false\nflow_triggers = [\"bounced\"]"));
    assert!(off.contains("write_back.flow_triggers: need `write_back.enabled`"), "{off}");
    assert!(problems(&with("flow_triggers = [\"opened\"]")).contains("flow_triggers"), "no such trigger");
}
