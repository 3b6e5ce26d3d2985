use super::{
    command::{Row, samples},
    rows::longest,
    *,
};
use contract::adds_up;
use serde_json::json;
use std::{
    collections::BTreeSet,
    io::ErrorKind,
    path::Path,
    process::{Command, Stdio},
};

/// Documents that have a list that grows with what a customer ordered.
fn with_lists() -> Vec<Document> {
    let is_long = |document: &&Document| longest(&published(**document).customer(Which::Everything)) > 0;
    Document::ALL.iter().filter(is_long).copied().collect()
}

/// No list is forgotten: of all lists that samples have, those that do not grow are these.
#[test]
fn every_list_either_grows_or_is_known_to_be_short() {
    const SHORT: &[&str] = &[
        "brand/address",
        "contact",
        "order/attributes",
        "lines/properties",
        "lines/discounts",
        "lines/taxes",
        "shipping",
        "shipping/taxes",
        "discounts",
        "discount_codes",
        "taxes",
        "additional_fees",
        "payment/payments",
        "payments",
        "adjustments",
        "send_in/address",
        "send_in/labels",
        "shipment/trackings",
        "items/properties",
        "still_to_come/properties",
        "return_instructions/address",
        "statements",
        "statements/ageing/overdue",
        "purchases",
        "purchases/months",
        "money/payments",
        "money/refunds",
    ];
    fn lists(value: &Value, path: &str, found: &mut BTreeSet<String>) {
        let join = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, it)| lists(it, &join(name), found)),
            Value::Array(all) => {
                found.insert(path.to_owned());
                all.iter().for_each(|it| lists(it, path, found));
            }
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    for document in Document::ALL {
        lists(&published(*document).customer(Which::Everything), "", &mut found);
    }
    let is_known = |list: &str| SHORT.contains(&list) || rows::grows(list);
    let unknown: Vec<_> = found.iter().filter(|list| !is_known(list)).collect();
    assert!(unknown.is_empty(), "say of {unknown:?} whether they grow");
}

#[test]
fn a_sample_with_many_rows_is_a_document_and_adds_up() {
    assert!(with_lists().len() >= 16, "{:?}", with_lists());
    for document in with_lists() {
        let published = published(document);
        let schema = serde_json::from_str(published.schema).unwrap();
        for rows in [1, 7, 300] {
            let customer = with_rows(&published, rows).unwrap();
            contract::conforms(&schema, &json!({"customers": [customer]}));
            assert_eq!(adds_up(document.name(), &customer), Ok(()), "{document} of {rows} rows");
            assert!(longest(&customer) >= rows, "{document}");
        }
        let rows = serde_json::to_string(&with_rows(&published, 300).unwrap()).unwrap();
        assert!(
            rows.contains("(300)") || rows.contains("\"number\":300"),
            "{document}: rows can be told from each other"
        );
    }
}

/// A running balance ends at the closing one, and dates stay in order.
#[test]
fn a_long_statement_reads_as_one() {
    let customer = with_rows(&published(Document::AccountStatement), 300).unwrap();
    for statement in customer["statements"].as_array().unwrap() {
        let entries = statement["entries"].as_array().unwrap();
        assert_eq!(entries.last().unwrap()["balance"], statement["closing_balance"]);
        let dates: Vec<_> = entries.iter().map(|it| it["date"].as_str().unwrap()).collect();
        assert!(dates.is_sorted(), "{dates:?}");
    }
}

#[test]
fn a_document_without_lists_has_no_such_sample() {
    assert!(with_rows(&published(Document::DisputeNotice), 300).is_none());
    let files = samples(&published(Document::DisputeNotice), DriverFormat::Json, 300).unwrap();
    assert_eq!(files.len(), 2);
}

#[test]
fn rows_are_a_published_contract() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/sample-row.v1.json");
    contract::published(&path, &schemars::schema_for!(Row).to_value());
}

/// Every sample in its XML form, checked by libxml2 where that is installed: nobody here wrote it.
#[test]
fn every_sample_in_xml_is_valid_to_another_tool() {
    let folder = std::env::temp_dir().join(format!("ctl-xml-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let validate = |schema: &Path, file: &Path| {
        let mut run = Command::new("xmllint");
        run.args(["--noout", "--nonet", "--schema"]).arg(schema).arg(file);
        let output = run.stdin(Stdio::null()).output();
        output.map(|it| (it.status.success(), String::from_utf8_lossy(&it.stderr).into_owned()))
    };
    let mut checked = 0;
    for document in Document::ALL {
        let published = published(*document);
        let schema = folder.join(format!("{document}.xsd"));
        std::fs::write(&schema, published.xml_schema).unwrap();
        for sample in samples(&published, DriverFormat::Xml, 300).unwrap() {
            let file = folder.join(&sample.name);
            std::fs::write(&file, &sample.bytes).unwrap();
            match validate(&schema, &file) {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    println!("skipped: xmllint is not installed");
                    return;
                }
                checked_by => {
                    let (is_valid, said) = checked_by.unwrap();
                    assert!(is_valid, "{}: {said}", sample.name);
                }
            }
            checked += 1;
        }
        // one that is wrong is refused: the tool looks at what it is given
        let wrong = folder.join("wrong.xml");
        let text =
            String::from_utf8(in_format(DriverFormat::Xml, published.usual).unwrap().to_vec()).unwrap();
        std::fs::write(&wrong, text.replacen("<locale>", "<lokale>x</lokale><locale>", 1)).unwrap();
        assert!(!validate(&schema, &wrong).unwrap().0, "{document}: a field that nobody knows is taken");
    }
    assert_eq!(checked, Document::ALL.len() * 2 + with_lists().len());
    std::fs::remove_dir_all(&folder).unwrap();
}

/// A refusal of one concerns no other, and nothing is replaced.
#[tokio::test]
async fn samples_are_uploaded_once() {
    let any = "127.0.0.1:0".parse().unwrap();
    let exstream =
        stub_exstream::ExstreamStub::start(any, stub_exstream::ExstreamOptions::default()).await.unwrap();
    let folder = std::env::temp_dir().join(format!("ctl-upload-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (config, secret) = (folder.join("exstream.toml"), folder.join("secret.json"));
    let url = exstream.url();
    let text = format!(
        "[exstream]\nadapter = \"orchestration\"\nbase_url = \"{url}\"\ndomain = \"northwind\"\n\
         [exstream.token]\nmode = \"gateway_json\"\nurl = \"{url}/tenants/northwind/oauth2/token\"\n"
    );
    std::fs::write(&config, text).unwrap();
    std::fs::write(&secret, r#"{"client_id": "local", "client_secret": "local-secret"}"#).unwrap();
    let connection = crate::preview::Connection { config, secret: Some(secret) };
    let mut designer = upload::Designer::new(&connection).unwrap();
    for format in [DriverFormat::Json, DriverFormat::Xml] {
        for file in samples(&published(Document::Receipt), format, 30).unwrap() {
            let row = designer.upload(file).await;
            assert_eq!(row.error, None, "{}", row.name);
            assert!(row.id.is_some());
        }
    }
    let mut again = samples(&published(Document::Receipt), DriverFormat::Json, 30).unwrap();
    let row = designer.upload(again.remove(0)).await;
    assert!(row.error.as_deref().is_some_and(|error| error.contains("409")), "{row:?}");
    let mut other = samples(&published(Document::PackingSlip), DriverFormat::Json, 30).unwrap();
    assert_eq!(designer.upload(other.remove(0)).await.error, None);
    std::fs::remove_dir_all(&folder).unwrap();
}
