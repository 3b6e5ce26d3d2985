use super::*;
use serde_json::{Value, json};

const LOCATION: &str = include_str!("../../tests/fixtures/accounts/company-location.json");
const CUSTOMER: &str = include_str!("../../tests/fixtures/accounts/customer.json");

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn error(payload: &Value) -> String {
    Account::from_bulk(&payload.to_string()).err().unwrap().to_string()
}

#[test]
fn a_company_location_has_its_companys_contact_and_its_own_address() {
    let account = Account::from_bulk(LOCATION).unwrap();
    assert!(account.is_company_location());
    assert_eq!(account.company.as_ref().unwrap().name.as_deref(), Some("Hôtels Rivage SAS"));
    assert_eq!(account.contact.email.as_deref(), Some("compta@rivage.example"));
    assert_eq!(account.locales, ["fr-FR", "fr"]);
    let address = account.address.as_ref().unwrap();
    assert_eq!(
        (address.company.as_deref(), address.city.as_deref()),
        (Some("Hôtels Rivage SAS"), Some("Nantes"))
    );
    assert_eq!(account.payment_terms.as_deref(), Some("Net 30"));
    let order = &account.orders[0];
    assert_eq!(
        (order.total.to_string(), order.terms.as_ref().unwrap().due_in_days),
        ("1200.00 EUR".to_owned(), Some(30))
    );
    assert_eq!(order.transactions[0].at.to_string(), "2026-10-05T08:00:00Z");
}

#[test]
fn a_customer_is_their_own_contact_and_a_companys_orders_can_be_told_apart() {
    let account = Account::from_bulk(CUSTOMER).unwrap();
    assert!(!account.is_company_location());
    assert_eq!(account.contact.customer.as_ref(), Some(&account.id));
    assert!(account.has_tag("statements") && account.has_tag("STATEMENTS ") && !account.has_tag("statement"));
    let bought_for: Vec<_> = account.orders.iter().map(|order| order.bought_for.is_some()).collect();
    assert_eq!(bought_for, [false, true]);
    let kinds: Vec<_> = account.orders[0].transactions.iter().map(|it| (it.kind, it.status)).collect();
    assert_eq!(
        kinds,
        [
            (TransactionKind::Other, TransactionStatus::Success),
            (TransactionKind::Payment, TransactionStatus::Failed),
            (TransactionKind::Payment, TransactionStatus::Open),
        ]
    );
}

#[test]
fn errors_name_the_field_and_quote_nothing() {
    let mut payload = value(LOCATION);
    payload["orders"][1]["totalPriceSet"]["presentmentMoney"]["amount"] = "Ann Other".into();
    assert_eq!(
        error(&payload),
        "`orders[1].totalPriceSet.presentmentMoney` has an unexpected type or value (gid://shopify/Order/9007199254740993002)"
    );
    let mut payload = value(LOCATION);
    payload["orders"][1]["totalOutstandingSet"]["presentmentMoney"]["currencyCode"] = "USD".into();
    assert_eq!(
        error(&payload),
        "`orders[1].totalOutstandingSet` is in another currency than the order (gid://shopify/Order/9007199254740993002)"
    );
    let mut payload = value(LOCATION);
    payload["account"]["id"] = "gid://shopify/Order/1".into();
    assert!(error(&payload).contains("neither a company location nor a customer"));
    assert_eq!(error(&json!({"orders": []})), "`.` lacks the field `account`");
}

#[test]
fn what_shopify_adds_is_no_matter_and_what_it_leaves_out_is_absent() {
    let mut payload = value(LOCATION);
    payload["period"] = json!({"name": "2026-10"});
    payload["account"]["later"] = json!([1]);
    payload["orders"][0]["later"] = json!({"x": null});
    assert!(Account::from_bulk(&payload.to_string()).is_ok());
    let account = Account::from_bulk(
        &json!({"account": {"id": "gid://shopify/Customer/1", "displayName": "", "defaultEmailAddress": null, "defaultAddress": null}, "orders": []})
            .to_string(),
    )
    .unwrap();
    assert_eq!((account.name, account.contact.email, account.orders.len()), (None, None, 0));
}

/// Lists that Shopify adds to, and fields that no balance needs, never cost an account its statement.
#[test]
fn open_lists_and_missing_details_leave_the_account_readable() {
    let mut payload = value(LOCATION);
    let order = &mut payload["orders"][0];
    order["transactions"][0]["kind"] = "TELEPORT".into();
    order["transactions"][0]["status"] = "PONDERING".into();
    order["transactions"][0]["paymentDetails"] = json!({"number": "•••• •••• •••• 4242"});
    order["paymentTerms"]["paymentTermsName"] = Value::Null;
    order["subtotalLineItemsQuantity"] = Value::Null;
    payload["account"]["company"]["name"] = Value::Null;
    let mut other = payload["orders"][1].to_string();
    for known in ["EUR", "CHF"] {
        other = other.replace(known, "MOON");
    }
    payload["orders"][1] = value(&other);
    let account = Account::from_bulk(&payload.to_string()).unwrap();
    let order = &account.orders[0];
    assert_eq!(
        (order.transactions[0].kind, order.transactions[0].status),
        (TransactionKind::Unknown, TransactionStatus::Open)
    );
    assert_eq!(order.transactions[0].card_last_digits.as_deref(), Some("4242"));
    assert_eq!(account.orders[1].currency.to_string(), "MOON");
}

/// The argument of `customers`, as a GraphQL parser reads it.
fn searched(query: &str) -> String {
    let rest = query.split_once("customers(query: ").unwrap().1;
    let line = rest.split_once('\n').unwrap().0;
    serde_json::from_str(line.strip_suffix(") {").unwrap()).unwrap()
}

#[test]
fn a_tag_cannot_leave_the_search_term() {
    assert_eq!(searched(&customers_query("net 30")), "tag:'net 30'");
    assert_eq!(searched(&customers_query("O'Neil")), r"tag:'O\'Neil'");
    assert_eq!(searched(&customers_query(r"a\")), r"tag:'a\\'");
    assert_eq!(searched(&customers_query("x' OR id:>0 OR tag:'")), r"tag:'x\' OR id:>0 OR tag:\''");
    assert_eq!(
        searched(&customers_query("a\") { edges { node { id } } } #\n")),
        "tag:'a\") { edges { node { id } } } #'"
    );
    assert!(CUSTOMERS.contains(TAG));
}

/// What Shopify refuses in a bulk query, as far as the text shows it.
#[test]
fn the_queries_keep_the_rules_of_bulk_operations() {
    for query in [locations_query().to_owned(), customers_query("statements")] {
        let connections = query.matches("edges {").count();
        assert_eq!((connections, query.matches("node {").count()), (2, 2));
        assert!(query.split("node {").skip(1).all(|node| node.trim_start().starts_with("id\n")));
        for refused in ["nodes", "first:", "after:", "pageInfo", "$"] {
            assert!(!query.contains(refused), "{refused}");
        }
    }
}
