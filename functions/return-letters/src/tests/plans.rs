use super::*;

fn without_instructions() -> ShopConfig {
    let mut config = config();
    config.documents.remove(&Document::ReturnInstructions);
    config
}

fn planned(topic: &str, subject: &Gid, payload: Option<Value>, config: &ShopConfig) -> Vec<Plan> {
    let payload = payload.map(|it| it.to_string());
    let item = item(topic, subject);
    match ReturnLetters.plan(&Event { item: &item, payload: payload.as_deref(), config }).unwrap() {
        Planned::Known(plans) => plans,
        Planned::AskShopify => panic!("the event of {topic} says everything"),
    }
}

#[test]
fn each_topic_leads_to_its_document() {
    let (r#return, refund) = (Gid::new("Return", 1), Gid::new("Refund", 2));
    for (topic, subject, document, sample) in [
        ("returns/request", &r#return, Document::ReturnAuthorization, APPROVED),
        ("returns/approve", &r#return, Document::ReturnAuthorization, APPROVED),
        ("returns/decline", &r#return, Document::ReturnDeclined, DECLINED),
        ("refunds/create", &refund, Document::RefundConfirmation, REFUNDED),
    ] {
        // a whole payload: what other documents read of it is there
        let mut payload = value(sample)["detail"]["payload"].take();
        (payload["order_id"], payload["order"]) = (json!(3), Value::Null);
        let plans = planned(topic, subject, Some(payload), &without_instructions());
        let expected = Plan {
            document,
            subject: subject.clone(),
            revision: Revision::Initial,
            reported_on: Gid::new("Order", 3),
            wanted: true,
        };
        assert_eq!(plans, [expected], "{topic}");
    }
    let attached = ("reverse_deliveries/attach_deliverable", Gid::new("ReverseDelivery", 1));
    assert_eq!(planned(attached.0, &attached.1, None, &without_instructions()), []);
}

/// Some events name the order by its global id, some by its number, some not at all.
#[test]
fn the_order_is_taken_from_wherever_it_is_named() {
    let subject = Gid::new("Return", 1);
    let order = |payload: Option<Value>| {
        planned("returns/decline", &subject, payload, &config()).remove(0).reported_on.to_string()
    };
    let named = json!({"order": {"admin_graphql_api_id": "gid://shopify/Order/820982911946154642"}});
    assert_eq!(order(Some(named)), "gid://shopify/Order/820982911946154642");
    assert_eq!(order(Some(json!({"order_id": 9007199254740993u64}))), "gid://shopify/Order/9007199254740993");
    assert_eq!(order(Some(json!({"order": null, "status": "declined"}))), subject.as_str());
    assert_eq!(order(None), subject.as_str());
}

/// Work that cannot be understood is an error, so that it ends in the dead letters and not in silence.
#[test]
fn what_cannot_be_understood_is_an_error() {
    let error = |topic, subject: Gid, payload: &str| {
        let (item, config) = (item(topic, &subject), config());
        let event = Event { item: &item, payload: Some(payload), config: &config };
        ReturnLetters.plan(&event).unwrap_err().to_string()
    };
    assert!(error("returns/lost", Gid::new("Return", 1), "{}").contains("returns/lost"));
    assert!(error("refunds/create", Gid::new("Return", 1), "{}").contains("gid://shopify/Refund/<number>"));
    assert!(error("returns/decline", Gid::new("Order", 1), "{}").contains("gid://shopify/Return/<number>"));
    let unreadable = error("returns/decline", Gid::new("Return", 1), r#"{"order_id":"Ann"}"#);
    assert_eq!(unreadable, "`order_id` has an unexpected type or value");
}

#[test]
fn a_document_that_is_off_is_not_wanted() {
    let off = CONFIG.replace("[documents.return-declined]", "[documents.return-declined]\nenabled = false");
    let config = ShopConfig::parse(&off).unwrap();
    assert!(!planned("returns/decline", &Gid::new("Return", 1), None, &config)[0].wanted);
}

#[test]
fn a_reason_shopify_does_not_have_is_found_in_the_configuration() {
    let text = CONFIG.replace("decline_reasons.final_sale", "decline_reasons.final-sale");
    let error = ShopConfig::parse(&text).unwrap_err().to_string();
    assert!(error.contains("returns.decline_reasons.final-sale: is none of those there are"), "{error}");
}

#[tokio::test]
async fn an_approval_leads_to_both_letters_and_its_label_to_the_same_instructions() {
    let wire = Wire::new([approved(), order()]).await;
    let (item_, payload) = event(APPROVED);
    let plans_ = plans(&wire, &item_, Some(&payload), &config()).await;
    let documents: Vec<_> = plans_.iter().map(|plan| plan.document).collect();
    assert_eq!(documents, [Document::ReturnAuthorization, Document::ReturnInstructions]);
    assert_eq!(plans_[0].revision, Revision::Initial);
    assert!(plans_[1].revision.as_str().starts_with("label-"), "{:?}", plans_[1]);
    assert!(plans_.iter().all(|plan| plan.reported_on == id(&order()) && plan.wanted));

    let attached = item("reverse_deliveries/attach_deliverable", &Gid::new("ReverseDelivery", 5127370001));
    let payload = json!({"return": {"admin_graphql_api_id": approved()["id"]}}).to_string();
    let again = plans(&wire, &attached, Some(&payload), &config()).await;
    assert_eq!(again, plans_[1..], "the label's own event names the same communication");

    // a shop that approves by itself sends only the request
    let requested = plans(&wire, &item("returns/request", &id(&approved())), None, &config()).await;
    assert_eq!(requested, plans_);
}

#[tokio::test]
async fn a_label_added_later_is_another_issue_unless_it_was_waited_for() {
    let mut bare = approved();
    bare["reverseFulfillmentOrders"]["nodes"] = json!([]);
    let wire = Wire::new([bare]).await;
    let approve = item("returns/approve", &id(&approved()));
    let early = plans(&wire, &approve, None, &config()).await;
    assert_eq!(early[1].revision, Revision::Initial);

    let mut waiting = config();
    waiting.returns.wait_for_label = true;
    let documents: Vec<_> =
        plans(&wire, &approve, None, &waiting).await.iter().map(|plan| plan.document).collect();
    assert_eq!(documents, [Document::ReturnAuthorization]);

    let wire = Wire::new([approved()]).await;
    let late = plans(&wire, &approve, None, &config()).await;
    assert_ne!(communication(&late[1]), communication(&early[1]));
    assert_eq!(communication(&late[0]), communication(&early[0]), "the authorization is one and the same");
    assert_eq!(plans(&wire, &approve, None, &waiting).await, late);
}

#[tokio::test]
async fn labels_of_no_use_lead_to_nothing() {
    let payload = json!({"return": {"admin_graphql_api_id": approved()["id"]}}).to_string();
    let attached = item("reverse_deliveries/attach_deliverable", &Gid::new("ReverseDelivery", 1));
    let with = async |change: fn(&mut Value)| {
        let mut node = approved();
        change(&mut node);
        plans(&Wire::new([node]).await, &attached, Some(&payload), &config()).await
    };
    assert_eq!(with(|node| node["status"] = "CLOSED".into()).await, []);
    assert_eq!(
        with(|node| node["reverseFulfillmentOrders"]["nodes"][0]["status"] = "CANCELED".into()).await,
        []
    );
    let deliverable = |node: &mut Value| {
        node["reverseFulfillmentOrders"]["nodes"][0]["reverseDeliveries"]["nodes"][0]["deliverable"] =
            json!({});
    };
    assert_eq!(with(deliverable).await, []);
    let nameless = ReturnLetters.look_up(Wire::new([]).await.look_up(&attached, Some("{}"), &config())).await;
    assert_eq!(nameless.unwrap_err().reason, "the payload names no return");
}

#[tokio::test]
async fn a_request_that_waits_for_an_answer_leads_to_nothing() {
    let mut requested = approved();
    requested["status"] = "REQUESTED".into();
    let wire = Wire::new([requested]).await;
    assert_eq!(plans(&wire, &item("returns/request", &id(&approved())), None, &config()).await, []);
}

/// Whatever comes first, and however often, the money's event and the refund's name one communication.
#[tokio::test]
async fn a_transaction_finds_its_refund() {
    let mut other = refund();
    other["id"] = "gid://shopify/Refund/1".into();
    other["transactions"]["nodes"][0]["id"] = "gid://shopify/OrderTransaction/1".into();
    let wire = Wire::new([other, refund()]).await;
    let (transaction, payload) = event(PAID_BACK);
    let (created, created_payload) = event(REFUNDED);
    let by_money = plans(&wire, &transaction, Some(&payload), &config()).await;
    assert_eq!(by_money, plans(&wire, &created, Some(&created_payload), &config()).await);
    assert_eq!(by_money.len(), 1);
    assert_eq!(plans(&wire, &transaction, None, &config()).await, by_money, "the payload is not needed");
}

/// What Shopify does not show yet is waited for. An hour later there is no such thing: documents that the event names
/// are planned, and say so when they are made.
#[tokio::test]
async fn an_answer_that_lags_is_not_the_truth() {
    let wire = Wire::new([refund()]).await;
    let attached = json!({"return": {"admin_graphql_api_id": "gid://shopify/Return/99"}}).to_string();
    let named: &[Document] = &[Document::ReturnAuthorization, Document::ReturnInstructions];
    for (topic, subject, payload, what, later) in [
        ("order_transactions/create", Gid::new("OrderTransaction", 99), "{}", "transaction", None),
        ("returns/approve", Gid::new("Return", 99), "{}", "return", Some(named)),
        (
            "reverse_deliveries/attach_deliverable",
            Gid::new("ReverseDelivery", 1),
            attached.as_str(),
            "return",
            Some(&[][..]),
        ),
    ] {
        let mut item = item(topic, &subject);
        item.trigger.triggered_at = Some("1970-01-01T00:00:00Z".parse().unwrap());
        let soon = ReturnLetters.look_up(wire.look_up(&item, Some(payload), &config())).await.unwrap_err();
        let reason = format!("Shopify has no such {what} yet");
        assert_eq!((soon.class, soon.reason), (Class::transient(), reason), "{topic}");

        item.trigger.triggered_at = Some("1969-12-31T22:59:00Z".parse().unwrap());
        let found = ReturnLetters.look_up(wire.look_up(&item, Some(payload), &config())).await;
        match (found, later) {
            (Ok(plans), Some(documents)) => {
                assert_eq!(plans.iter().map(|plan| plan.document).collect::<Vec<_>>(), documents, "{topic}");
            }
            (Err(error), None) => {
                let reason = format!("Shopify has no such {what}");
                assert_eq!((error.class, error.reason), (Class::Permanent, reason), "{topic}");
            }
            (found, _) => panic!("{topic}: {:?}", found.map(|plans| plans.len())),
        }
    }
}

/// A transaction that no refund has waits for it, and is nobody's matter an hour later.
#[tokio::test]
async fn a_transaction_without_a_refund_waits_for_it() {
    let mut lone = refund();
    lone["id"] = "gid://shopify/OrderTransaction/7".into();
    let wire = Wire::new([lone.clone()]).await;
    let mut item = item("order_transactions/create", &Gid::new("OrderTransaction", 7));
    item.trigger.triggered_at = Some("1970-01-01T00:00:00Z".parse().unwrap());
    let error = ReturnLetters.look_up(wire.look_up(&item, None, &config())).await.unwrap_err();
    assert_eq!(
        (error.class, error.reason.as_str()),
        (Class::transient(), "the transaction belongs to no refund yet")
    );
    item.trigger.triggered_at = Some("1969-12-31T22:59:00Z".parse().unwrap());
    assert_eq!(plans(&wire, &item, None, &config()).await, []);
}

/// One address, another id behind its question mark: another label. One that changes at every read: the same.
#[tokio::test]
async fn a_replaced_label_is_another_issue_and_one_signed_anew_is_not() {
    let labelled = |file: &str| {
        let mut node = approved();
        let deliverable =
            &mut node["reverseFulfillmentOrders"]["nodes"][0]["reverseDeliveries"]["nodes"][0]["deliverable"];
        deliverable["label"]["publicFileUrl"] = file.into();
        deliverable["tracking"] = Value::Null;
        node
    };
    let approve = item("returns/approve", &id(&approved()));
    let issue = async |file: &str| {
        let wire = Wire::new([labelled(file)]).await;
        plans(&wire, &approve, None, &config()).await.remove(1).revision
    };
    let address = "https://cdn.northwind.example/labels/rma.pdf";
    let first = issue(&format!("{address}?id=41")).await;
    assert_eq!(issue(&format!("{address}?id=41")).await, first);
    assert_ne!(issue(&format!("{address}?id=42")).await, first);
    let signed = |signature: &str| format!("{address}?id=41&Expires={signature}&Signature={signature}");
    assert_eq!(issue(&signed("1")).await, first);
    assert_eq!(issue(&signed("2")).await, first);
    let path = issue(address).await;
    // {read} is another number at every answer
    assert_eq!(issue(&format!("{address}?token={{read}}")).await, path);
    assert_ne!(path, first);
}
