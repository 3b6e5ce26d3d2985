//! Letters about returns and refunds.

use super::{NAME, case, five_hundred, named_from_right_to_left, run, without_customer, without_email};
use e2e::samples::Samples;
use serde_json::{Value, json};

const APPROVED: &[&str] =
    &["return-authorization: accepted by email", "return-instructions: accepted by email"];
const REFUNDED: &[&str] = &["refund-confirmation: accepted by email"];

/// The request of a shop that approves by itself.
fn as_request(detail: &mut Value) {
    detail["metadata"]["X-Shopify-Topic"] = "returns/request".into();
}

fn as_attached_label(detail: &mut Value) {
    detail["metadata"]["X-Shopify-Topic"] = "reverse_deliveries/attach_deliverable".into();
    let r#return = detail["payload"]["admin_graphql_api_id"].take();
    detail["payload"] = json!({
        "id": 5127370001u64, "admin_graphql_api_id": "gid://shopify/ReverseDelivery/5127370001",
        "return": {"admin_graphql_api_id": r#return},
    });
}

fn label(it: &mut Samples) -> &mut Value {
    let deliveries = &mut it["return-approved"]["reverseFulfillmentOrders"]["nodes"][0]["reverseDeliveries"];
    &mut deliveries["nodes"][0]["deliverable"]
}

fn another_label(it: &mut Samples) {
    label(it)["tracking"]["number"] = "RR042719319IE".into();
}

fn label_without_number(it: &mut Samples) {
    label(it)["tracking"]["number"] = Value::Null;
    label(it)["tracking"]["url"] = Value::Null;
}

fn not_paid_yet(it: &mut Samples) {
    it["refund"]["transactions"]["nodes"][0]["status"] = "PENDING".into();
}

fn not_on_record_yet(it: &mut Samples) {
    it["refund"]["processedAt"] = jiff::Timestamp::now().to_string().into();
    it["refund"]["transactions"] = json!([]);
}

/// Neither lines nor money, and no return.
fn nothing_refunded(it: &mut Samples) {
    it["refund"]["return"] = Value::Null;
    it["refund"]["refundLineItems"] = json!([]);
    it["refund"]["transactions"] = json!([]);
}

fn five_hundred_lines(it: &mut Samples) {
    let returned = it["return-approved"]["returnLineItems"]["nodes"][1].clone();
    it["return-approved"]["returnLineItems"] = five_hundred(&returned, |copy, number| {
        copy["id"] = format!("gid://shopify/ReturnLineItem/{number}").into();
        copy["customerNote"] = format!("note {number}").into();
    });
    let refunded = it["refund"]["refundLineItems"]["nodes"][1].clone();
    it["refund"]["refundLineItems"] = five_hundred(&refunded, |copy, number| {
        copy["id"] = format!("gid://shopify/RefundLineItem/{number}").into();
    });
}

#[tokio::test]
async fn returns_late_repeated_and_odd() {
    let cases = vec![
        case("requested and approved")
            .event_with("returns-approve", as_request)
            .event("returns-approve")
            .event_with("returns-approve", as_attached_label)
            .ends(APPROVED),
        case("already cancelled")
            .shopify(|it| it["return-approved"]["status"] = "CANCELED".into())
            .event("returns-approve")
            .ends(&[
                "return-authorization: suppressed, the return is cancelled",
                "return-instructions: suppressed, the return is cancelled",
            ]),
        case("already closed")
            .shopify(|it| it["return-approved"]["status"] = "CLOSED".into())
            .event("returns-approve")
            .ends(&[
                "return-authorization: suppressed, the return is closed",
                "return-instructions: suppressed, the return is closed",
            ]),
        case("declined and approved after all")
            .shopify(|it| it["return-declined"]["status"] = "OPEN".into())
            .event("returns-decline"),
        case("approved and declined after all")
            .shopify(|it| it["return-approved"]["status"] = "DECLINED".into())
            .event("returns-approve"),
        case("another label after the instructions went out")
            .event("returns-approve")
            .shopify(another_label)
            .event_with("returns-approve", as_attached_label)
            .event("returns-approve")
            .ends(&[
                "return-authorization: accepted by email",
                "return-instructions: accepted by email",
                "return-instructions: accepted by email",
            ])
            .says("return-instructions", "/send_in/labels/0/tracking_number", "RR042719318IE")
            .says("return-instructions", "/send_in/labels/0/tracking_number", "RR042719319IE"),
        case("a label without a tracking number")
            .shopify(label_without_number)
            .event("returns-approve")
            .ends(APPROVED)
            .says("return-instructions", "/send_in/labels/0/tracking_number", Value::Null)
            .says("return-instructions", "/send_in/labels/0/carrier", "An Post"),
        case("no label")
            .shopify(|it| it["return-approved"]["reverseFulfillmentOrders"] = json!([]))
            .event("returns-approve")
            .ends(APPROVED)
            .says("return-instructions", "/send_in/labels", json!([])),
        case("no e-mail address")
            .shopify(|it| without_email(&mut it["order"]))
            .event("returns-approve")
            .ends(&["return-authorization: accepted by print", "return-instructions: accepted by print"]),
        case("a deleted customer")
            .shopify(|it| without_customer(&mut it["order"]))
            .event("returns-decline")
            .ends(&["return-declined: accepted by email"])
            .says("return-declined", "/customer/id", Value::Null),
        case("a name from right to left")
            .shopify(|it| named_from_right_to_left(&mut it["order"]))
            .event("returns-decline")
            .ends(&["return-declined: accepted by email"])
            .says("return-declined", "/customer/name", NAME),
        case("a return of five hundred lines")
            .shopify(five_hundred_lines)
            .event("returns-approve")
            .ends(APPROVED)
            .says("return-authorization", "/lines/499/customer_note", "note 500"),
        case("a return of nothing")
            .shopify(|it| it["return-approved"]["returnLineItems"] = json!([]))
            .event("returns-approve")
            .ends(APPROVED)
            .says("return-authorization", "/lines", json!([])),
        case("a deleted return").shopify(|it| it.remove("return-approved")).event("returns-approve").ends(&[
            "return-authorization: failed, Shopify has no such return",
            "return-instructions: failed, Shopify has no such return",
        ]),
    ];
    run("return-letters", cases).await;
}

#[tokio::test]
async fn refunds_late_repeated_and_odd() {
    let cases = vec![
        case("the refund and its money")
            .event("refunds-create")
            .event("order-transactions-create")
            .ends(REFUNDED)
            .says("refund-confirmation", "/payments/0/amount/amount", "165.20"),
        case("money that is on its way first")
            .shopify(not_paid_yet)
            .event("refunds-create")
            .shopify(|it| it["refund"]["transactions"]["nodes"][0]["status"] = "SUCCESS".into())
            .event("order-transactions-create")
            .ends(REFUNDED),
        case("money that is on its way").shopify(not_paid_yet).event("refunds-create"),
        case("money that is on record a moment later")
            .shopify(not_on_record_yet)
            .event("refunds-create")
            .shopify(|it| {
                let transactions = Samples::of("return-letters")["refund"]["transactions"].clone();
                it["refund"]["transactions"] = transactions;
            })
            .event("order-transactions-create")
            .ends(REFUNDED),
        case("nothing refunded")
            .shopify(nothing_refunded)
            .event("refunds-create")
            .ends(&["refund-confirmation: suppressed, nothing was refunded"]),
        case("a refund without lines")
            .shopify(|it| it["refund"]["refundLineItems"] = json!([]))
            .event("refunds-create")
            .ends(REFUNDED)
            .says("refund-confirmation", "/lines", json!([])),
        case("a refund of five hundred lines")
            .shopify(five_hundred_lines)
            .event("refunds-create")
            .ends(REFUNDED)
            .says("refund-confirmation", "/lines/499/number", 500),
        case("no e-mail address")
            .shopify(|it| without_email(&mut it["order"]))
            .event("order-transactions-create")
            .ends(&["refund-confirmation: accepted by print"]),
        case("a deleted customer with a name from right to left")
            .shopify(|it| {
                named_from_right_to_left(&mut it["order"]);
                without_customer(&mut it["order"]);
            })
            .event("refunds-create")
            .ends(REFUNDED)
            .says("refund-confirmation", "/billing_address/name", NAME),
        case("a deleted refund")
            .shopify(|it| it.remove("refund"))
            .event("refunds-create")
            .event("order-transactions-create")
            .ends(&["refund-confirmation: failed, Shopify has no such refund"]),
        case("a deleted order, and its refund with it")
            .shopify(|it| {
                it.remove("order");
                it.remove("refund");
            })
            .event("refunds-create")
            .ends(&["refund-confirmation: failed, Shopify has no such refund, and nobody to tell"]),
    ];
    run("return-letters", cases).await;
}
