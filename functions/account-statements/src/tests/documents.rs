//! The documents of a whole item, from its payload.

use crate::{AccountStatements, TOPIC, check, driver};
use comms::{CommunicationId, Document, Gid, Revision};
use flow::{DocumentFlow, Event, Plan, Planned};
use serde_json::{Value, json};
use shop_config::ShopConfig;
use std::{path::Path, time::Instant};
use work::WorkItem;

const CONFIG: &str = include_str!("../../../../infra/local/config/demo-shop.toml");
const LOCATION: &str =
    include_str!("../../../../shared/shopify/tests/fixtures/accounts/company-location.json");
const CUSTOMER: &str = include_str!("../../../../shared/shopify/tests/fixtures/accounts/customer.json");

fn config() -> ShopConfig {
    ShopConfig::parse(CONFIG).unwrap()
}

/// The payload of a run over October 2026.
fn payload(account: &str) -> Value {
    let mut payload: Value = serde_json::from_str(account).unwrap();
    payload["period"] = json!({"name": "2026-10", "from": "2026-10-01", "to": "2026-10-31"});
    payload["issued_on"] = "2026-11-01".into();
    payload
}

fn data(payload: &Value, document: Document) -> Option<Value> {
    let driver = driver(&payload.to_string(), document, &config()).unwrap()?;
    Some(serde_json::from_slice(&driver.bytes).unwrap())
}

fn statement(payload: &Value) -> Value {
    data(payload, Document::AccountStatement).unwrap()
}

fn schema(document: Document) -> Value {
    AccountStatements::schema(document).unwrap()
}

#[test]
fn the_contracts_are_published_and_the_samples_conform() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for document in AccountStatements::DOCUMENTS.iter().map(|entry| entry.document) {
        let sample = data(&payload(LOCATION), document).unwrap();
        contract::driver_data(root, document.name(), &schema(document), &sample);
        assert_eq!(contract::adds_up(document.name(), &sample), Ok(()));
    }
}

/// A statement as a person reads it.
#[test]
fn a_statement_of_two_currencies() {
    let data = statement(&payload(LOCATION));
    let text = |value: &Value| value["amount"].as_str().unwrap().to_owned();
    let mut lines = Vec::new();
    for part in data["statements"].as_array().unwrap() {
        lines.push(format!(
            "{} opening {}",
            part["currency"].as_str().unwrap(),
            text(&part["opening_balance"])
        ));
        for entry in part["entries"].as_array().unwrap() {
            let (date, kind) = (entry["date"].as_str().unwrap(), entry["kind"].as_str().unwrap());
            let order = entry["order"]["name"].as_str().unwrap();
            lines.push(format!(
                "{date} {kind} {order} {} {}",
                text(&entry["amount"]),
                text(&entry["balance"])
            ));
        }
        let ageing = &part["ageing"];
        let overdue = ageing["overdue"].as_array().unwrap().iter().map(|it| text(&it["amount"]));
        let overdue: Vec<_> = overdue.collect();
        lines.push(format!("closing {}", text(&part["closing_balance"])));
        lines.push(format!(
            "not due {}, overdue {}, credits {}",
            text(&ageing["not_due"]),
            overdue.join(" "),
            text(&ageing["unapplied_credits"])
        ));
    }
    insta::assert_snapshot!(lines.join("\n"));
    assert_eq!((&data["locale"], &data["account"]["number"]), (&json!("fr"), &json!("D-4711")));
    assert!(data["payment_instructions"].as_str().unwrap().starts_with("Merci"));
    assert_eq!(data["billing_address"]["city"], "Nantes");
    assert_eq!(data["statements"][0]["unreconciled_orders"], 0);
}

/// How to pay is said to those who owe.
#[test]
fn a_statement_that_owes_nothing_says_not_how_to_pay() {
    let mut payload = payload(LOCATION);
    assert!(statement(&payload).get("payment_instructions").is_some());
    // overpaid by twenty francs, and nothing else
    payload["orders"].as_array_mut().unwrap().retain(|order| order["presentmentCurrencyCode"] == "CHF");
    let data = statement(&payload);
    assert_eq!(data["statements"][0]["closing_balance"]["amount"], "-20.00");
    assert_eq!(data.get("payment_instructions"), None);
}

#[test]
fn a_deposit_shows_what_is_left_of_the_order() {
    let mut payload = payload(LOCATION);
    let mut order = payload["orders"][0].take();
    let euros = |amount: &str| json!({"presentmentMoney": {"amount": amount, "currencyCode": "EUR"}});
    order["transactions"] = json!([{
        "id": "gid://shopify/OrderTransaction/1", "kind": "SALE", "status": "SUCCESS",
        "processedAt": "2026-10-05T08:00:00Z", "createdAt": "2026-10-05T08:00:00Z",
        "gateway": "shopify_payments", "formattedGateway": "Shopify Payments",
        "paymentDetails": {"number": "•••• •••• •••• 4242"}, "amountSet": euros("360.0"),
    }]);
    order["totalOutstandingSet"] = euros("840.0");
    payload["orders"] = json!([order]);
    let data = statement(&payload);
    let part = &data["statements"][0];
    let amounts = |it: &Value, names: [&str; 4]| names.map(|name| it[name]["amount"].clone());
    let open = amounts(&part["open_items"][0], ["invoiced", "credited", "paid", "amount"]);
    assert_eq!(open, ["1200.00", "0.00", "-360.00", "840.00"].map(|it| json!(it)));
    let entry = &part["entries"][0];
    let paid = [&entry["method"], &entry["card_last_digits"], &entry["date_on"]];
    assert_eq!(paid, [&json!("Shopify Payments"), &json!("4242"), &json!("2026-10-05")]);
}

#[test]
fn what_a_customer_bought_for_a_company_is_not_theirs() {
    let data = statement(&payload(CUSTOMER));
    let part = &data["statements"][0];
    assert_eq!(data["statements"].as_array().unwrap().len(), 1);
    assert_eq!(part["closing_balance"], json!({"amount": "42.50", "currency": "GBP"}));
    assert_eq!(part["entries"].as_array().unwrap().len(), 1);
    assert_eq!((&data["locale"], &data["account"]["kind"]), (&json!("en"), &json!("customer")));
}

/// A search may find more than it was asked for, and a bulk operation does not say so.
#[test]
fn a_customer_without_the_tag_gets_nothing() {
    let mut payload = payload(CUSTOMER);
    payload["account"]["tags"] = json!(["VIP"]);
    assert_eq!(data(&payload, Document::AccountStatement), None);
    assert_eq!(data(&payload, Document::PurchaseSummary), None);
    let off = CONFIG.replace("customer_tag = \"statements\"", "");
    let off = ShopConfig::parse(&off).unwrap();
    assert_eq!(driver(&self::payload(CUSTOMER).to_string(), Document::AccountStatement, &off).unwrap(), None);
}

#[test]
fn an_account_with_nothing_to_say_gets_nothing() {
    let mut payload = payload(LOCATION);
    payload["orders"] = json!([]);
    assert_eq!(data(&payload, Document::AccountStatement), None);
    assert_eq!(data(&payload, Document::PurchaseSummary), None);
    // settled long ago: no statement, and nothing was bought
    payload = self::payload(LOCATION);
    let mut settled = payload["orders"][2].take();
    settled["processedAt"] = "2026-03-01T00:00:00Z".into();
    for list in ["transactions", "refunds"] {
        for it in settled[list].as_array_mut().unwrap() {
            it["processedAt"] = "2026-03-02T00:00:00Z".into();
        }
    }
    payload["orders"] = json!([settled]);
    assert_eq!(data(&payload, Document::AccountStatement), None);
    assert_eq!(data(&payload, Document::PurchaseSummary), None);
}

#[test]
fn an_account_that_owes_nothing_new_still_gets_its_balance() {
    let mut payload = payload(LOCATION);
    let mut old = payload["orders"][3].take();
    old["processedAt"] = "2026-03-01T00:00:00Z".into();
    payload["orders"] = json!([old]);
    let data = statement(&payload);
    let part = &data["statements"][0];
    assert_eq!((&part["opening_balance"], &part["entries"]), (&part["closing_balance"], &json!([])));
    assert_eq!(self::data(&payload, Document::PurchaseSummary), None);
}

#[test]
fn a_summary_adds_up_and_shows_twelve_months() {
    let data = data(&payload(LOCATION), Document::PurchaseSummary).unwrap();
    let euros = &data["purchases"][1];
    assert_eq!(
        (&euros["currency"], &euros["order_count"]),
        (&json!("EUR"), &json!(2)),
        "not the cancelled one"
    );
    let cents = |value: &Value| value["amount"].as_str().unwrap().replace('.', "").parse::<i64>().unwrap();
    let orders: i64 = euros["orders"].as_array().unwrap().iter().map(|order| cents(&order["total"])).sum();
    assert_eq!(orders, cents(&euros["totals"]["total"]));
    assert_eq!(contract::adds_up("purchase-summary", &data), Ok(()));
    assert_eq!(euros["taxes_included"], false);
    let parts = ["subtotal", "tax", "shipping_and_other"].map(|part| cents(&euros["totals"][part]));
    assert_eq!(parts.iter().sum::<i64>(), orders);
    let months = euros["months"].as_array().unwrap();
    assert_eq!(
        (months.len(), &months[0]["month"], &months[11]["month"]),
        (12, &json!("2025-11"), &json!("2026-10"))
    );
    assert_eq!((cents(&months[9]["total"]), cents(&months[11]["total"])), (120_000, orders));
}

/// Prices with tax and prices without are never added up.
#[test]
fn a_summary_of_orders_with_and_without_tax_in_their_prices() {
    let mut payload = payload(LOCATION);
    let plain = data(&payload, Document::PurchaseSummary).unwrap();
    let one = &plain["purchases"][1]["orders"][0]["order"]["id"];
    let order = payload["orders"].as_array_mut().unwrap().iter_mut().find(|it| it["id"] == *one).unwrap();
    order["taxesIncluded"] = true.into();
    let data = data(&payload, Document::PurchaseSummary).unwrap();
    let euros = data["purchases"].as_array().unwrap().iter().find(|it| it["currency"] == "EUR").unwrap();
    assert_eq!((euros.get("taxes_included"), euros["totals"].get("subtotal")), (None, None));
    assert_eq!(contract::adds_up("purchase-summary", &data), Ok(()));
}

/// One order that cannot be read is named, and no statement is made without it.
#[test]
fn an_order_that_cannot_be_read_is_named() {
    let mut payload = payload(LOCATION);
    payload["orders"][1]["totalOutstandingSet"] = Value::Null;
    let id = payload["orders"][1]["id"].as_str().unwrap().to_owned();
    let error = check(&payload.to_string()).unwrap_err().to_string();
    assert!(error.contains("totalOutstandingSet") && error.ends_with(&format!("({id})")), "{error}");
    let error = driver(&payload.to_string(), Document::AccountStatement, &config()).unwrap_err().to_string();
    assert!(error.contains(&id), "{error}");
    check(&self::payload(LOCATION).to_string()).unwrap();
}

#[test]
fn names_in_any_script_and_nobody_at_all() {
    let mut payload = payload(CUSTOMER);
    payload["account"]["displayName"] = "\u{202b}مريم الحسيني\u{202c} שרה".into();
    payload["account"]["defaultAddress"]["city"] = "رام الله".into();
    let data = statement(&payload);
    assert_eq!(data["customer"]["name"], payload["account"]["displayName"]);
    payload["account"]["displayName"] = Value::Null;
    payload["account"]["defaultEmailAddress"] = Value::Null;
    payload["account"]["defaultAddress"] = Value::Null;
    let data = statement(&payload);
    assert_eq!((data["customer"].get("name"), data.get("billing_address")), (None, None));
    contract::conforms(&schema(Document::AccountStatement), &data);
}

#[test]
fn the_same_item_makes_the_same_bytes_and_the_planned_communication() {
    let payload = payload(LOCATION);
    let make = || driver(&payload.to_string(), Document::AccountStatement, &config()).unwrap().unwrap();
    assert_eq!(make(), make());
    let plan = &plans(&payload).unwrap()[0];
    let planned = CommunicationId::derive(&config().shop, plan.document, &plan.subject, &plan.revision);
    assert_eq!(make().communication, planned);
}

#[test]
fn a_regulated_statement_needs_the_accounts_language() {
    let text = CONFIG.replace(
        "[documents.account-statement]",
        "[documents.account-statement]\nmessage_class = \"regulated\"",
    );
    let config = ShopConfig::parse(&text).unwrap();
    let mut payload = payload(LOCATION);
    payload["account"]["locale"] = "de".into();
    payload["account"]["company"]["mainContact"]["locale"] = "de".into();
    let made = driver(&payload.to_string(), Document::AccountStatement, &config);
    assert!(made.unwrap_err().to_string().contains("no translation"));
}

fn item(topic: &str, payload: &Value) -> WorkItem {
    let item = json!({
        "v": 1, "shop": "northwind-demo.myshopify.com", "flow": "account-statements",
        "trigger": {"topic": topic, "webhook_id": "w"}, "payload": payload,
        "subject": payload["account"]["id"].as_str().unwrap_or("gid://shopify/CompanyLocation/1"),
    });
    WorkItem::from_json(&item.to_string()).unwrap()
}

fn planned(item: &WorkItem, payload: Option<&str>, config: &ShopConfig) -> Result<Planned, String> {
    AccountStatements.plan(&Event { item, payload, config }).map_err(|error| error.to_string())
}

fn plans(payload: &Value) -> Result<Vec<Plan>, String> {
    match planned(&item(TOPIC, payload), Some(&payload.to_string()), &config())? {
        Planned::Known(plans) => Ok(plans),
        Planned::AskShopify => panic!("the item says everything"),
    }
}

#[test]
fn an_item_leads_to_both_documents_and_a_batch_output_to_its_own() {
    let minimal = json!({"period": {"name": "2026-10"}});
    let made = plans(&minimal).unwrap();
    let documents: Vec<_> = made.iter().map(|plan| plan.document).collect();
    assert_eq!(documents, [Document::AccountStatement, Document::PurchaseSummary]);
    assert!(made.iter().all(|plan| plan.wanted && plan.reported_on == Gid::new("CompanyLocation", 1)));
    assert_eq!(made[0].revision, Revision::Named("period-2026-10".to_owned()));
    let mut batch = minimal;
    batch["composed"] = json!({"output_key": "k", "driver_sha256": "0", "document": "purchase-summary"});
    let made = plans(&batch).unwrap();
    assert_eq!((made.len(), made[0].document), (1, Document::PurchaseSummary));
}

#[test]
fn an_item_that_cannot_be_understood_is_an_error() {
    let plan =
        |topic, payload: Option<&str>| planned(&item(topic, &json!({})), payload, &config()).unwrap_err();
    assert!(plan("orders/create", Some("{}")).contains("orders/create"));
    assert!(plan(TOPIC, None).contains("without its payload"));
    assert!(plan(TOPIC, Some("{}")).contains("period"));
    assert!(plan(TOPIC, Some(r#"{"period":{"name":"../x"}}"#)).contains("letters"));
    let mut payload = payload(LOCATION);
    payload["period"]["to"] = "2026-09-01".into();
    let error = driver(&payload.to_string(), Document::AccountStatement, &config()).unwrap_err().to_string();
    assert!(error.contains("ends before it begins"));
}

#[test]
fn documents_that_are_off_are_not_wanted() {
    let off = CONFIG.replace("[documents.purchase-summary]", "[documents.purchase-summary]\nenabled = false");
    let config = ShopConfig::parse(&off).unwrap();
    let payload = json!({"period": {"name": "2026-10"}});
    let Ok(Planned::Known(plans)) = planned(&item(TOPIC, &payload), Some(&payload.to_string()), &config)
    else {
        panic!("the item says everything")
    };
    let wanted: Vec<_> = plans.iter().map(|plan| plan.wanted).collect();
    assert_eq!(wanted, [true, false]);
}

/// Ten times the orders must not take a hundred times as long.
#[test]
fn an_account_with_five_thousand_orders() {
    let mut payload = payload(LOCATION);
    let first = payload["orders"][0].clone();
    let orders = (0..5_000u64).map(|number| {
        let mut order = first.clone();
        order["id"] = Gid::new("Order", 1 + number).as_str().into();
        order["processedAt"] = format!("2026-{:02}-{:02}T10:00:00Z", 1 + number % 10, 1 + number % 28).into();
        order
    });
    payload["orders"] = orders.collect();
    let text = payload.to_string();
    let begun = Instant::now();
    let driver = driver(&text, Document::AccountStatement, &config()).unwrap().unwrap();
    println!("{} MB in, {} MB out, {:?}", text.len() >> 20, driver.bytes.len() >> 20, begun.elapsed());
    let data: Value = serde_json::from_slice(&driver.bytes).unwrap();
    assert_eq!(data["statements"][0]["closing_balance"]["amount"], "3500000.00");
    assert_eq!(data["statements"][0]["open_items"].as_array().unwrap().len(), 5_000);
}

/// Whatever amounts Shopify says, there is a document or a reason, and never a panic.
#[test]
fn amounts_that_cannot_be_added_are_an_error() {
    let (mut made, mut refused) = (0, 0);
    for account in [LOCATION, CUSTOMER] {
        for payload in contract::with_huge_amounts(&payload(account), 200) {
            for document in [Document::AccountStatement, Document::PurchaseSummary] {
                match driver(&payload.to_string(), document, &config()) {
                    Ok(_) => made += 1,
                    Err(_) => refused += 1,
                }
            }
        }
    }
    assert!(made > 0 && refused > 0, "{made} {refused}");
}
