use super::{Case, ExceptionLetters, cancellation, dispute, overdue, payment, subscription};
use crate::{letter::Letter, payment::PaymentFailureMatter};
use comms::Document;
use std::path::Path;

fn sample(document: Document) -> Case {
    match document {
        Document::PaymentFailureLetter => payment::case(),
        Document::CancellationLetter => cancellation::case(),
        Document::DisputeNotice => dispute::open(),
        Document::DisputeResolution => dispute::won(),
        Document::PaymentOverdueLetter => overdue::case(),
        other => panic!("{other} has no sample"),
    }
}

#[tokio::test]
async fn the_contracts_are_published_and_the_samples_conform() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for document in ExceptionLetters::DOCUMENTS.iter().map(|entry| entry.document) {
        let sample = sample(document).letter().await.data();
        let schema = ExceptionLetters::schema(document).unwrap();
        contract::driver_data(root, document.name(), &schema, &sample);
        assert_eq!(contract::adds_up(document.name(), &sample), Ok(()));
    }
}

/// A letter without a translation must not go out in a language the customer cannot read.
#[tokio::test]
async fn a_missing_translation_is_an_error_and_the_customers_own_language_a_way_out() {
    let german = payment::case().order(|order| {
        order["customerLocale"] = "de".into();
        order["customer"]["locale"] = "fr-CA".into();
    });
    let (data, content) = german.letter().await.ready();
    assert_eq!((data["locale"].as_str(), content.recipient.locale.as_str()), (Some("fr"), "fr"));
    let german = german.order(|order| order["customer"]["locale"] = "de".into());
    let error = german.letter().await.error();
    assert_eq!(error.class, comms::Class::Permanent);
    assert!(error.reason.contains("no translation for the locale de"), "{}", error.reason);
    let nowhere = subscription::case()
        .edit("BillingAttempt", |it| it["subscriptionContract"]["customer"]["locale"] = "ja".into());
    assert!(nowhere.letter().await.error().reason.contains("ja"));
}

#[tokio::test]
async fn debug_output_names_nobody() {
    let (data, _) = payment::case().letter().await.ready();
    assert_eq!(data["customer"]["name"], "Inès Laurent");
    let config = shop_config::ShopConfig::parse(super::CONFIG).unwrap();
    let case = payment::case();
    let attempt =
        shopify::payment::PaymentAttempt::from_graphql(&case.answers["OrderTransaction"].to_string())
            .unwrap()
            .unwrap();
    let order = shopify::Order::from_graphql(&case.answers["OrderForDocuments"].to_string());
    let order = order.unwrap().unwrap().order;
    let head = crate::letter::Letterhead {
        document: Document::PaymentFailureLetter,
        communication: &"c4809f9b199959867b344883a5f958d0".parse().unwrap(),
        locale: "fr",
        config: &config,
        now: case.now,
    };
    let matter = PaymentFailureMatter::of_order(&head, &attempt, &order);
    let text = format!("{:?}", Letter::about_order(&head, &order, matter));
    assert!(text.contains("payment-failure-letter/1"), "{text}");
    for personal in ["Laurent", "@", "4444", "94.90"] {
        assert!(!text.contains(personal), "{text}");
    }
}
