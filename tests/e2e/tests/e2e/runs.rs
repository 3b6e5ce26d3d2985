//! Statement runs: from the message of a schedule to every account's documents.

use comms::{CommunicationId, Document, Gid, Revision, State};
use e2e::{evidence::stable, shop::Shop, stack::Stack};
use serde_json::{Value, json};

const ACCOUNT: &str =
    include_str!("../../../../shared/shopify/tests/fixtures/accounts/company-location.json");

/// The month of the sample's orders.
const PERIOD: &str = "2026-10";

/// A bulk result of so many accounts, and the accounts' ids.
fn bulk(accounts: u64) -> (String, Vec<String>) {
    let sample: Value = serde_json::from_str(ACCOUNT).unwrap();
    let (mut lines, mut ids) = (Vec::new(), Vec::new());
    for account in 0..accounts {
        let mut head = sample["account"].clone();
        let id = format!("gid://shopify/CompanyLocation/{}", 9_100_000_000_000 + account);
        head["id"] = id.as_str().into();
        lines.push(head.to_string());
        for (index, order) in sample["orders"].as_array().unwrap().iter().enumerate() {
            let mut order = order.clone();
            order["id"] =
                format!("gid://shopify/Order/{}", 9_200_000_000_000 + account * 100 + index as u64).into();
            order["__parentId"] = id.as_str().into();
            lines.push(order.to_string());
        }
        ids.push(id);
    }
    (lines.join("\n") + "\n", ids)
}

/// Runs the statements of the month of the sample twice over, and checks that each account has its documents.
async fn run(compose: &str, accounts: u64, exstream: Value) -> (Stack, Shop) {
    let stack = Stack::open().await;
    let shop = Shop::open_demo(&stack, |config| {
        config.replace("[statements]", &format!("[statements]\ncompose = {compose}"))
    })
    .await;
    shop.exstream_settings(exstream).await;
    let (jsonl, ids) = bulk(accounts);
    let owners: Vec<_> = ids.iter().map(|id| json!({"id": id, "name": "Lyon"})).collect();
    shop.control(shop.shopify, "PUT", "documents", Some(&json!(owners))).await;
    shop.control(shop.shopify, "PUT", "bulk", Some(&json!({"jsonl": jsonl}))).await;
    let item =
        json!({"v": 1, "shop": shop.domain, "run": "account-statements", "period": PERIOD}).to_string();
    stack.send_batch("QueueUrlStatementRun", &[item.clone(), item]).await;
    for id in &ids {
        let subject: Gid = id.parse().unwrap();
        for document in [Document::AccountStatement, Document::PurchaseSummary] {
            let revision = Revision::named(format!("period-{PERIOD}"));
            let id = CommunicationId::derive(&shop.domain, document, &subject, &revision);
            let entry = shop.settled(&stack, &id).await;
            let fine = matches!(entry.state, State::Accepted | State::Archived);
            assert!(
                fine && entry.reported_on == subject,
                "{document} of {subject}: {} {:?}",
                entry.state,
                entry.reason
            );
        }
    }
    (stack, shop)
}

#[tokio::test]
async fn every_account_gets_its_statement_once_composed_on_demand() {
    let (stack, shop) = run(r#"{ mode = "on-demand" }"#, 6, json!({})).await;
    for entry in shop.about(&stack, "gid://shopify/CompanyLocation/9100000000000").await {
        let record = stable(stack.record(&entry).await.1, &shop, &entry);
        insta::assert_json_snapshot!(format!("record-{}", entry.document), record);
    }
    assert_eq!(shop.emails().await.len(), 6, "one e-mail per account, though the run was asked for twice");
}

/// Jobs of two customers each: the outputs are split and every account gets its own.
#[tokio::test]
async fn every_account_gets_its_own_output_of_a_batch_job() {
    let (stack, shop) = run(r#"{ mode = "batch", customers_per_file = 2 }"#, 5, json!({})).await;
    assert_eq!(shop.emails().await.len(), 5);
    assert_eq!(shop.requests(shop.exstream, "ondemand").await, 0, "nothing was composed on demand");
    let mut hashes = std::collections::BTreeSet::new();
    for number in 0..5u64 {
        let owner = format!("gid://shopify/CompanyLocation/{}", 9_100_000_000_000 + number);
        for entry in shop.about(&stack, &owner).await {
            let (_, record) = stack.record(&entry).await;
            assert_eq!(record["driver_data"]["data"]["communication"], entry.communication.as_str());
            assert!(hashes.insert(entry.archived.unwrap().sha256), "two accounts have the same document");
        }
    }
    assert_eq!(hashes.len(), 10);
}

/// The engine gives every number the output of the next one: all of them belong to another account, and none is used.
#[tokio::test]
async fn nobody_gets_the_output_of_a_number_that_is_shifted_by_one() {
    let shifted = json!({"customer_shift": 1});
    let (stack, shop) = run(r#"{ mode = "batch", customers_per_file = 5 }"#, 5, shifted).await;
    assert_eq!(shop.emails().await.len(), 5);
    assert_eq!(shop.requests(shop.exstream, "ondemand").await, 10, "every document is composed by itself");
    for number in 0..5u64 {
        let owner = format!("gid://shopify/CompanyLocation/{}", 9_100_000_000_000 + number);
        for entry in shop.about(&stack, &owner).await {
            let (_, record) = stack.record(&entry).await;
            let own = entry.communication.as_str();
            assert_eq!(record["driver_data"]["data"]["communication"], own);
            let composed = shop.control(shop.exstream, "GET", "outputs", None).await;
            let of_own = composed["outputs"][own].as_array().unwrap();
            let sha256 = entry.archived.unwrap().sha256;
            assert!(of_own.iter().any(|output| output["sha256"] == sha256.as_str()), "{own}: {of_own:?}");
        }
    }
}
