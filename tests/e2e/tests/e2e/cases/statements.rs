//! Statements of accounts of all kinds, of runs that come late and again.

use super::{NAME, case, five_hundred, line, run};
use comms::{CommunicationId, Document, Gid, Revision, State};
use e2e::{
    runtime::{Worker, die_at},
    samples::Samples,
    shop::Shop,
    stack::Stack,
};
use jiff::civil::Date;
use serde_json::{Value, json};

const LOCATION: &str =
    include_str!("../../../../../shared/shopify/tests/fixtures/accounts/company-location.json");
const CUSTOMER: &str = include_str!("../../../../../shared/shopify/tests/fixtures/accounts/customer.json");

const BOTH: &[&str] = &["account-statement: accepted by email", "purchase-summary: archived"];
const PRINTED: &[&str] = &["account-statement: accepted by print", "purchase-summary: archived"];

struct Account {
    name: &'static str,
    /// `{"account", "orders"}`, as the fixtures have it.
    is: Value,
    ends: &'static [&'static str],
    says: Vec<(&'static str, &'static str, Value)>,
}

fn account(
    name: &'static str,
    change: impl FnOnce(&mut Value),
    ends: &'static [&'static str],
    says: &[(&'static str, &'static str, Value)],
) -> Account {
    let mut is: Value = serde_json::from_str(LOCATION).unwrap();
    change(&mut is);
    Account { name, is, ends, says: says.to_vec() }
}

fn accounts() -> Vec<Account> {
    const STATEMENT: &str = "account-statement";
    const SUMMARY: &str = "purchase-summary";
    let contact = |it: &mut Value, change: fn(&mut Value)| {
        change(&mut it["account"]["company"]["mainContact"]["customer"]);
    };
    vec![
        account("one like many", |_| {}, BOTH, &[]),
        account(
            "no e-mail address",
            |it| contact(it, |customer| customer["defaultEmailAddress"] = Value::Null),
            PRINTED,
            &[(STATEMENT, "/customer/email", Value::Null)],
        ),
        account(
            "a deleted contact",
            |it| it["account"]["company"]["mainContact"] = Value::Null,
            PRINTED,
            &[(STATEMENT, "/customer/id", Value::Null)],
        ),
        account(
            "a name from right to left",
            |it| contact(it, |customer| customer["displayName"] = NAME.into()),
            BOTH,
            &[(STATEMENT, "/customer/name", NAME.into()), (SUMMARY, "/customer/name", NAME.into())],
        ),
        account(
            "five hundred orders",
            |it| {
                let order = paid_in_october(&it["orders"][0]);
                it["orders"] = five_hundred(&order, |copy, number| {
                    copy["name"] = format!("#{number}").into();
                });
            },
            BOTH,
            &[
                (SUMMARY, "/purchases/0/order_count", 500.into()),
                (SUMMARY, "/purchases/0/orders/499/order/name", "#500".into()),
            ],
        ),
        account("no orders", |it| it["orders"] = json!([]), &[], &[]),
        account(
            "orders after the period only",
            |it| {
                it["orders"].as_array_mut().unwrap().truncate(1);
                it["orders"][0]["processedAt"] = "2026-11-02T09:00:00Z".into();
                it["orders"][0]["transactions"] = json!([]);
            },
            &[],
            &[],
        ),
        account(
            "something open and nothing bought",
            |it| it["orders"].as_array_mut().unwrap().truncate(1),
            &["account-statement: accepted by email"],
            &[(STATEMENT, "/statements/0/opening_balance/amount", "1200.00".into())],
        ),
    ]
}

/// An order of October without payments or refunds.
fn paid_in_october(order: &Value) -> Value {
    let mut order = order.clone();
    order["processedAt"] = "2026-10-12T09:00:00Z".into();
    order["transactions"] = json!([]);
    order["totalOutstandingSet"] = order["totalPriceSet"].clone();
    order
}

/// Gives the accounts and their orders ids of their own, and makes a bulk result of them.
fn bulk(accounts: &mut [Account]) -> String {
    let mut lines = Vec::new();
    for (index, account) in (0u64..).zip(accounts) {
        let id = format!("gid://shopify/CompanyLocation/{}", 9_300_000_000_000 + index);
        account.is["account"]["id"] = id.as_str().into();
        lines.push(account.is["account"].to_string());
        for (place, order) in (0u64..).zip(account.is["orders"].as_array_mut().unwrap()) {
            let number = 9_400_000_000_000 + index * 1000 + place;
            order["id"] = format!("gid://shopify/Order/{number}").into();
            order["__parentId"] = id.as_str().into();
            lines.push(order.to_string());
        }
    }
    lines.join("\n") + "\n"
}

#[tokio::test]
async fn accounts_of_all_kinds_have_what_is_theirs() {
    let stack = Stack::open().await;
    let shop = Shop::open_demo(&stack, str::to_owned).await;
    let mut accounts = accounts();
    let jsonl = bulk(&mut accounts);
    for account in &accounts {
        shop.resource(&json!({"id": account.is["account"]["id"], "name": "Lyon"})).await;
    }
    shop.control(shop.shopify, "PUT", "bulk", Some(&json!({"jsonl": jsonl}))).await;
    let item = json!({"v": 1, "shop": shop.domain, "run": "account-statements", "period": "2026-10"});
    stack.send_batch("QueueUrlStatementRun", &[item.to_string(), item.to_string()]).await;
    let mut entries = Vec::new();
    for account in &accounts {
        let id: Gid = account.is["account"]["id"].as_str().unwrap().parse().unwrap();
        let mut own = Vec::new();
        for document in account.ends.iter().map(|end| end.split_once(':').unwrap().0) {
            let revision = Revision::named("period-2026-10");
            let id = CommunicationId::derive(&shop.domain, document.parse().unwrap(), &id, &revision);
            own.push(shop.settled(&stack, &id).await);
        }
        let lines: Vec<_> = own.iter().map(line).collect();
        assert_eq!(lines, account.ends, "{}", account.name);
        for (document, pointer, value) in &account.says {
            let entry = own.iter().find(|entry| entry.document.name() == *document).unwrap();
            let (_, record) = stack.record(entry).await;
            let said = record["driver_data"]["data"].pointer(pointer).unwrap_or(&Value::Null);
            assert_eq!(said, value, "{}: {document} at {pointer}", account.name);
        }
        entries.extend(own);
    }
    let settled = stack.entries(&shop.domain).await.into_iter().filter(|entry| !entry.state.is_open());
    assert_eq!(settled.count(), entries.len(), "and nothing else");
    let by = |channel: &str| {
        entries.iter().filter(|it| it.reference.is_some() && it.channel.as_deref() == Some(channel)).count()
    };
    assert_eq!((shop.emails().await.len(), stack.spooled(&shop.domain).await), (by("email"), by("print")));
    assert_eq!(
        shop.outputs().await.len(),
        entries.len(),
        "each was composed once, though the run was asked for twice"
    );
}

const LYON: &str = "gid://shopify/CompanyLocation/9200000000000000311";
const ANN: &str = "gid://shopify/Customer/9200000000000000122";

/// What statement-run queues of an account for a month.
fn item(shop: &Shop, account: &str, month: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut payload: Value = serde_json::from_str(account).unwrap();
    let first: Date = format!("{month}-01").parse().unwrap();
    payload["period"] = json!({"name": month, "from": first, "to": first.last_of_month()});
    payload["issued_on"] = "2026-11-02".into();
    let subject = payload["account"]["id"].clone();
    change(&mut payload);
    json!({
        "v": 1, "shop": shop.domain, "flow": "account-statements", "subject": subject,
        "trigger": {"topic": "statement-run", "webhook_id": format!("account-statements-{month}")},
        "payload": payload,
    })
}

fn october(shop: &Shop) -> Value {
    item(shop, LOCATION, "2026-10", |_| {})
}

fn september(shop: &Shop) -> Value {
    item(shop, LOCATION, "2026-09", |_| {})
}

/// The same month, of a later bulk result.
fn october_with_fewer_orders(shop: &Shop) -> Value {
    item(shop, LOCATION, "2026-10", |it| {
        it["orders"].as_array_mut().unwrap().truncate(1);
    })
}

fn of_customer(shop: &Shop) -> Value {
    item(shop, CUSTOMER, "2026-10", |_| {})
}

fn lyon(it: &mut Samples) {
    it.add("lyon", json!({"id": LYON, "name": "Rivage Nantes"}));
}

fn ann(it: &mut Samples) {
    it.add("ann", json!({"id": ANN, "displayName": "Ann Otieno"}));
}

#[tokio::test]
async fn statements_late_repeated_and_odd() {
    let cases = vec![
        case("a month and the one before it")
            .shopify(lyon)
            .item(october)
            .item(september)
            .ends(&[
                "account-statement: accepted by email",
                "account-statement: accepted by email",
                "purchase-summary: archived",
                "purchase-summary: archived",
            ])
            .says("account-statement", "/period/name", "2026-09")
            .says("account-statement", "/period/name", "2026-10"),
        case("the same month with other figures")
            .shopify(lyon)
            .in_this_order_only()
            .item(october)
            .item(october_with_fewer_orders)
            .ends(BOTH)
            .says("account-statement", "/statements/0/totals/payments/amount", "-170.00"),
        case("without orders")
            .shopify(lyon)
            .item(|shop| item(shop, LOCATION, "2026-10", |it| it["orders"] = json!([]))),
        case("another's account")
            .shopify(lyon)
            .item(|shop| item(shop, LOCATION, "2026-10", |it| it["account"]["id"] = ANN.into()))
            .ends(&[
                "account-statement: failed, the payload is about another account than the item",
                "purchase-summary: failed, the payload is about another account than the item",
            ]),
        case("a customer with the tag").shopify(ann).item(of_customer).ends(BOTH).says(
            "account-statement",
            "/customer/name",
            "Ann Otieno",
        ),
        case("a customer whose tag was taken away")
            .shopify(ann)
            .item(|shop| item(shop, CUSTOMER, "2026-10", |it| it["account"]["tags"] = json!([]))),
        case("a customer deleted since the bulk result").item(of_customer).ends(&[
            "account-statement: accepted by email, and nobody to tell",
            "purchase-summary: archived, and nobody to tell",
        ]),
    ];
    run("account-statements", cases).await;
}

/// Two deliveries of one item that leads to nothing, always handed out together: neither may keep the other
/// from its end.
#[tokio::test]
async fn two_deliveries_that_always_come_together_end() {
    let stack = Stack::open().await;
    let shop = Shop::open_demo(&stack, str::to_owned).await;
    let item = item(&shop, CUSTOMER, "2026-10", |it| it["account"]["tags"] = json!([]));
    let mut worker = Worker::start("account-statements", &stack.environment()).await;
    let mut left = vec![item.clone(), item];
    for receive_count in 1..=10 {
        let failed = worker.deliver_once(&left, receive_count).await;
        left.truncate(failed.len());
        if left.is_empty() {
            return;
        }
    }
    panic!("{} of them would be in the dead letters", left.len());
}

const SEPTEMBER: &str =
    include_str!("../../../cases/statement-removed-in-september-paid-back-in-october/september.json");
const OCTOBER: &str =
    include_str!("../../../cases/statement-removed-in-september-paid-back-in-october/october.json");

/// An item of a case, for this shop.
fn item_of(case: &str, shop: &Shop) -> Value {
    serde_json::from_str(&case.replace("northwind-demo.myshopify.com", shop.domain.as_str())).unwrap()
}

/// What the account's statement of a month says.
async fn said(stack: &Stack, shop: &Shop, month: &str) -> Value {
    let account: Gid = LYON.parse().unwrap();
    let revision = Revision::named(format!("period-{month}"));
    let document = Document::AccountStatement;
    let id = CommunicationId::derive(&shop.domain, document, &account, &revision);
    let entry = shop.settled(stack, &id).await;
    let (_, mut record) = stack.record(&entry).await;
    record["driver_data"]["data"]["statements"][0].take()
}

async fn with_lyon(stack: &Stack, change: impl FnOnce(&str) -> String) -> Shop {
    let shop = Shop::open_demo(stack, change).await;
    shop.resource(&json!({"id": LYON, "name": "Rivage Nantes"})).await;
    shop
}

/// The worker that makes September dies; October comes before anybody takes September up again.
#[tokio::test]
async fn a_statement_waits_for_the_one_before_it() {
    let stack = Stack::open().await;
    let shop = with_lyon(&stack, str::to_owned).await;
    let (september, october) = (item_of(SEPTEMBER, &shop), item_of(OCTOBER, &shop));
    die_at("gather", "account-statements", stack.environment(), &september).await;
    let mut worker = Worker::start("account-statements", &stack.environment()).await;
    let failed = worker.deliver_once(std::slice::from_ref(&october), 1).await;
    assert_eq!(failed, [0], "October comes back");
    worker.deliver(&september, 2).await;
    worker.deliver(&october, 2).await;
    let (september, october) = (said(&stack, &shop, "2026-09").await, said(&stack, &shop, "2026-10").await);
    assert_eq!(september["closing_balance"]["amount"], "-30.00");
    assert_eq!(october["opening_balance"], september["closing_balance"]);
    assert_eq!(october["entries"].as_array().unwrap().len(), 1);
}

/// September cannot be composed and is recorded as failed: October lists what September would have said.
#[tokio::test]
async fn a_statement_that_failed_is_made_up_for() {
    let stack = Stack::open().await;
    let shop = with_lyon(&stack, str::to_owned).await;
    let mut worker = Worker::start("account-statements", &stack.environment()).await;
    let mut august = item_of(SEPTEMBER, &shop);
    august["trigger"]["webhook_id"] = "account-statements-2026-08".into();
    august["payload"]["period"] = json!({"name": "2026-08", "from": "2026-08-01", "to": "2026-08-31"});
    let order = &mut august["payload"]["orders"][0];
    order["processedAt"] = "2026-08-02T10:00:00Z".into();
    (order["transactions"], order["refunds"]) = (json!([]), json!([]));
    order["currentTotalPriceSet"] = order["totalPriceSet"].clone();
    order["totalOutstandingSet"] = order["totalPriceSet"].clone();
    worker.deliver(&august, 1).await;
    shop.exstream_faults(json!([{"match": "ondemand", "kind": "status", "status": 400}])).await;
    let september = item_of(SEPTEMBER, &shop);
    worker.deliver(&september, 1).await;
    shop.exstream_faults(json!([])).await;
    let failed = shop.about(&stack, LYON).await.into_iter().filter(|it| it.state == State::Failed);
    assert!(failed.count() > 0, "September is recorded as failed");
    let mut october = item_of(OCTOBER, &shop);
    october["payload"]["orders"][0]["processedAt"] = "2026-08-02T10:00:00Z".into();
    worker.deliver(&october, 1).await;
    let (august, october) = (said(&stack, &shop, "2026-08").await, said(&stack, &shop, "2026-10").await);
    assert_eq!(august["closing_balance"]["amount"], "100.00");
    assert_eq!(october["opening_balance"], august["closing_balance"]);
    let kinds: Vec<_> =
        october["entries"].as_array().unwrap().iter().map(|it| &it["correction"]["kind"]).collect();
    assert_eq!(kinds, [&json!("payment"), &Value::Null, &Value::Null], "{october}");
    assert_eq!(october["closing_balance"]["amount"], "0.00");
}

/// What a batch job composed knows nothing of the last statement: with a correction, the statement is its own.
#[tokio::test]
async fn a_correction_is_composed_outside_the_batch_job() {
    let stack = Stack::open().await;
    let shop = with_lyon(&stack, str::to_owned).await;
    let mut worker = Worker::start("account-statements", &stack.environment()).await;
    worker.deliver(&item_of(SEPTEMBER, &shop), 1).await;
    let mut october = item_of(OCTOBER, &shop);
    october["payload"]["composed"] =
        json!({"document": "account-statement", "output_key": "work/gone", "driver_sha256": "0"});
    worker.deliver(&october, 1).await;
    let october = said(&stack, &shop, "2026-10").await;
    assert_eq!(october["opening_balance"]["amount"], "-30.00");
}
