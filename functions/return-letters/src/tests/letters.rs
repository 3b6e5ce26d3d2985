use super::*;
use std::{fs, path::Path};

/// The letter about a return as Shopify has it, after an event of the kind that leads to it.
async fn letter(document: Document, node: Value, order: Value) -> (Value, Content) {
    let topic = match document {
        Document::ReturnDeclined => "returns/decline",
        _ => "returns/approve",
    };
    let subject = id(&node);
    let (data, content) = driver(gathered(&Wire::new([node, order]).await, document, topic, &subject).await);
    contract::conforms(&schema(document), &data);
    (data, content)
}

/// Instructions as the look-up plans them: their revision is that of the labels.
async fn instructions(node: Value) -> Gathered {
    let config = config();
    let wire = Wire::new([node.clone(), order()]).await;
    let item = item("returns/approve", &id(&node));
    let plan = plans(&wire, &item, None, &config).await.remove(1);
    ReturnLetters.gather(wire.gather(&plan, &item, &config)).await.unwrap()
}

/// The first event of the samples that leads to the document, answered by all that Shopify has there.
async fn sample(document: Document) -> Value {
    let of_events = samples("").into_iter().flat_map(|text| value(&text)["shopify"].as_array().cloned());
    let resources = samples("shopify").into_iter().map(|text| value(&text)).chain(of_events.flatten());
    let wire = Wire::new(resources.collect::<Vec<_>>()).await;
    for text in samples("") {
        let (item, payload) = event(&text);
        let plans = plans(&wire, &item, Some(&payload), &config()).await;
        if let Some(plan) = plans.into_iter().find(|plan| plan.document == document) {
            return driver(ReturnLetters.gather(wire.gather(&plan, &item, &config())).await.unwrap()).0;
        }
    }
    panic!("no event in infra/local/samples/return-letters leads to a {document}")
}

/// The files in a folder of the samples, by their names.
fn samples(folder: &str) -> Vec<String> {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/local/samples/return-letters");
    let files = fs::read_dir(samples.join(folder)).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|it| it == "json")).collect();
    files.sort();
    files.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

#[tokio::test]
async fn the_contracts_are_published_and_the_samples_conform() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for document in ReturnLetters::DOCUMENTS.iter().map(|entry| entry.document) {
        contract::driver_data(folder, document.name(), &schema(document), &sample(document).await);
    }
}

#[tokio::test]
async fn instructions_say_how_until_when_and_with_what() {
    let (data, content) = driver(instructions(approved()).await);
    assert_eq!(text(&data, "/send_in/deadline"), "2026-12-21");
    assert!(text(&data, "/send_in/instructions").starts_with("Pack the items"), "{data}");
    assert_eq!(text(&data, "/send_in/address/0/text"), "Northwind Outfitters, Returns");
    assert_eq!(
        data["send_in"]["labels"],
        json!([{
            "kind": "pdf",
            "instructions": "Print the return label and stick it on the parcel.",
            "carrier": "An Post",
            "tracking_number": "RR042719318IE",
            "tracking_url": "https://track.example/RR042719318IE",
            "file_url": "https://cdn.northwind.example/labels/RR042719318IE.pdf",
        }])
    );
    assert_eq!(
        data["fees"],
        json!({
            "return_shipping": {"amount": "4.90", "currency": "EUR"},
            "restocking": {"amount": "18.90", "currency": "EUR"},
            "total": {"amount": "23.80", "currency": "EUR"},
        })
    );
    assert_eq!(text(&data, "/lines/0/reason"), "Size too large");
    assert_eq!(text(&data, "/lines/0/restocking_fee/percent"), "10");
    assert_eq!(text(&data, "/exchange_lines/0/value/amount"), "149.00");
    assert_eq!(data.get("decline"), None);
    assert_eq!(content.name.as_deref(), Some("#1042"));
    assert_eq!(content.recipient.email.as_deref(), Some("nora.lindqvist@example.com"));
    assert_eq!(content.reported_on, None, "the look-up named the order");
}

/// What Shopify has now decides, not what an event said when it was sent.
#[tokio::test]
async fn a_letter_is_written_only_for_a_return_in_the_right_state() {
    let authorization = Document::ReturnAuthorization;
    for (document, topic, status, approved_at, expected) in [
        (authorization, "returns/approve", "OPEN", true, ("ready", "")),
        (authorization, "returns/approve", "OPEN", false, ("ready", "")),
        (authorization, "returns/approve", "REQUESTED", false, ("nothing", "the return is not approved yet")),
        (authorization, "returns/approve", "CANCELED", true, ("suppressed", "the return is cancelled")),
        (authorization, "returns/approve", "CANCELED", false, ("suppressed", "the return is cancelled")),
        (authorization, "returns/approve", "CLOSED", true, ("suppressed", "the return is closed")),
        (authorization, "returns/approve", "DECLINED", false, ("nothing", "the return is declined")),
        (authorization, "returns/request", "OPEN", true, ("ready", "")),
        (authorization, "returns/request", "REQUESTED", false, ("nothing", "the return is not approved yet")),
        (authorization, "returns/request", "CANCELED", false, ("nothing", "the return was never approved")),
        (authorization, "returns/request", "CANCELED", true, ("suppressed", "the return is cancelled")),
        (Document::ReturnDeclined, "returns/decline", "DECLINED", false, ("ready", "")),
        (
            Document::ReturnDeclined,
            "returns/decline",
            "REQUESTED",
            false,
            ("nothing", "the return is not declined"),
        ),
        (
            Document::ReturnDeclined,
            "returns/decline",
            "CANCELED",
            false,
            ("suppressed", "the return is cancelled"),
        ),
    ] {
        let mut node = approved();
        node["status"] = status.into();
        if !approved_at {
            node["requestApprovedAt"] = Value::Null;
        }
        let gathered = gathered(&Wire::new([node, order()]).await, document, topic, &id(&approved())).await;
        assert_eq!(outcome(&gathered), expected, "{document} {topic} {status} {approved_at}");
        if let Gathered::Suppressed { reported_on: owner, .. } = gathered {
            assert_eq!(owner, Some(id(&order())), "the order is told although the event did not name it");
        }
    }
}

/// The event of the other label leads to the other revision; a person who asks again gets what there is.
#[tokio::test]
async fn labels_that_changed_meanwhile_are_left_to_their_own_event() {
    let wire = Wire::new([approved(), order()]).await;
    let gathered = gathered(&wire, Document::ReturnInstructions, "returns/approve", &id(&approved())).await;
    assert_eq!(outcome(&gathered), ("nothing", "the return has other labels by now"));

    let plan = first(Document::ReturnInstructions, &id(&approved()), None, &config());
    let plan = Plan { revision: Revision::named("resend-1"), ..plan };
    let mut again = item("returns/approve", &plan.subject);
    again.resend = Some(Resend {
        of: communication(&plan),
        revision: plan.revision.clone(),
        actor: "service".to_owned(),
        reason: "lost".to_owned(),
        recompose: true,
        to: None,
    });
    let gathered = ReturnLetters.gather(wire.gather(&plan, &again, &config())).await.unwrap();
    assert_eq!(outcome(&gathered), ("ready", ""));
}

/// The deadline counts days of the shop's calendar, whatever its clocks do.
#[tokio::test]
async fn the_deadline_is_a_day_of_the_shops_calendar() {
    for (approved_at, deadline) in [
        // half past midnight in Paris, the night the clocks go back
        ("2026-10-24T22:30:00Z", "2026-11-24"),
        ("2026-10-24T21:30:00Z", "2026-11-23"),
        ("2026-12-31T22:59:59Z", "2027-01-30"),
    ] {
        let mut node = approved();
        node["requestApprovedAt"] = approved_at.into();
        let (data, _) = letter(Document::ReturnAuthorization, node, order()).await;
        assert_eq!(text(&data, "/send_in/deadline"), deadline, "{approved_at}");
    }
    let mut opened = approved();
    opened["requestApprovedAt"] = Value::Null;
    let (data, _) = letter(Document::ReturnAuthorization, opened, order()).await;
    assert_eq!(text(&data, "/send_in/deadline"), "2026-12-20", "a return the shop opened by itself");
}

#[tokio::test]
async fn a_declined_letter_says_why_in_the_customers_language() {
    let (data, _) = letter(Document::ReturnDeclined, declined(), order()).await;
    assert_eq!(text(&data, "/decline/reason"), "final_sale");
    assert_eq!(
        text(&data, "/decline/reason_text"),
        "This item was sold as final sale and cannot be returned."
    );
    assert!(text(&data, "/decline/note").starts_with("Socks that have been opened"));
    assert_eq!(data.get("send_in"), None);

    let mut french = order();
    french["customerLocale"] = "fr-CA".into();
    for (reason, written) in [
        ("FINAL_SALE", "Cet article a été vendu sans possibilité de retour."),
        ("RETURN_PERIOD_ENDED", "Le délai de retour de cet article est écoulé."),
        // the shop has no text for it
        ("OTHER", ""),
        // Shopify may add reasons
        ("WORN_OUT", ""),
    ] {
        let mut node = declined();
        node["decline"] = json!({"reason": reason, "note": null});
        let (data, _) = letter(Document::ReturnDeclined, node, french.clone()).await;
        assert_eq!(text(&data, "/decline/reason"), reason.to_ascii_lowercase());
        assert_eq!(text(&data, "/decline/reason_text"), written);
        assert_eq!(data["decline"].get("note"), None);
    }
}

#[tokio::test]
async fn what_is_missing_is_absent_and_the_rest_is_still_a_letter() {
    let mut node = approved();
    node["name"] = " ".into();
    node["returnLineItems"]["nodes"] = json!([]);
    node["exchangeLineItems"]["nodes"] = json!([]);
    node["returnShippingFees"] = json!([]);
    node["reverseFulfillmentOrders"]["nodes"] = json!([]);
    let mut nobody = order();
    for field in
        ["customer", "email", "billingAddress", "shippingAddress", "customerLocale", "purchasingEntity"]
    {
        nobody[field] = Value::Null;
    }
    let (data, content) = letter(Document::ReturnAuthorization, node, nobody).await;
    assert_eq!(data["return"].get("name"), None);
    assert_eq!((&data["lines"], &data["send_in"]["labels"]), (&json!([]), &json!([])));
    assert_eq!(data.get("fees"), None);
    assert_eq!((content.customer, content.recipient.email), (None, None));
    assert_eq!(content.reported_on, Some(id(&order())));
    assert_eq!(data["locale"], "en");
}

#[tokio::test]
async fn five_hundred_lines_and_unverified_items_are_all_in_the_letter() {
    let mut node = approved();
    let unverified = json!({"__typename": "UnverifiedReturnLineItem", "quantity": 2, "customerNote": "", "returnReasonDefinition": null});
    let line = node["returnLineItems"]["nodes"][0].clone();
    let mut lines = vec![line; 500];
    lines.push(unverified);
    node["returnLineItems"]["nodes"] = lines.into();
    let (data, _) = letter(Document::ReturnAuthorization, node, order()).await;
    let lines = data["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 501);
    assert_eq!(lines[500], json!({"number": 501, "quantity": 2}));
    assert_eq!(text(&data, "/fees/restocking/amount"), "9450.00");
}

#[tokio::test]
async fn names_and_notes_in_any_script_are_passed_on_as_they_are() {
    let mut node = approved();
    node["returnLineItems"]["nodes"][0]["customerNote"] = "גדול מדי </note> {{x}}".into();
    let mut rtl = order();
    rtl["customer"]["firstName"] = "נועה".into();
    rtl["customer"]["lastName"] = "بن عمر".into();
    let (data, content) = letter(Document::ReturnAuthorization, node, rtl).await;
    assert_eq!(text(&data, "/customer/name"), "נועה بن عمر");
    assert_eq!(text(&data, "/lines/0/customer_note"), "גדול מדי </note> {{x}}");
    assert_eq!(content.recipient.name.as_deref(), Some("נועה بن عمر"));
}

#[tokio::test]
async fn a_test_order_makes_a_test_letter_and_a_missing_return_fails() {
    let mut test = order();
    test["test"] = true.into();
    assert!(letter(Document::ReturnAuthorization, approved(), test).await.1.test);

    for nodes in [vec![], vec![approved()]] {
        let wire = Wire::new(nodes).await;
        let plan = first(Document::ReturnAuthorization, &id(&approved()), None, &config());
        let mut item = item("returns/approve", &plan.subject);
        for (at, class) in
            [("2030-03-17T17:46:00Z", Class::transient()), ("2030-03-17T16:00:00Z", Class::Permanent)]
        {
            item.trigger.triggered_at = Some(at.parse().unwrap());
            let Err(error) = ReturnLetters.gather(wire.gather(&plan, &item, &config())).await else {
                panic!()
            };
            assert_eq!(error.class, class);
            assert!(error.reason.starts_with("Shopify has no such "), "{}", error.reason);
        }
    }
}

/// Debug output ends up in logs.
#[test]
fn debug_output_names_nobody() {
    let (item, payload) = event(DECLINED);
    let event = Event { item: &item, payload: Some(&payload), config: &config() };
    let Planned::Known(plans) = ReturnLetters.plan(&event).unwrap() else { panic!() };
    let text = format!("{plans:?} {item:?}");
    assert!(text.contains("gid://shopify/Return/") && !text.contains("Socks"), "{text}");
}
