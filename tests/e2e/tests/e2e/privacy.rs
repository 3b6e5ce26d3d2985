//! Shopify's privacy topics, from the signed request to what is left of a person: the deployed functions, the real tables and
//! buckets.

use crate::{
    people::{Folder, ctl, ctl_fails},
    sealing,
    web::links,
};
use archive::{Archive, LockMode, ObjectVersion};
use base64::{Engine, prelude::BASE64_STANDARD};
use comms::{Document, State};
use e2e::{eventually, order_number, samples::Samples, shop::Shop, stack::Stack};
use hmac::{Hmac, Mac};
use ledger::Entry;
use reqwest::header::HOST;
use serde_json::{Value, json};
use sha2::Sha256;

/// The app's, as an operator puts it.
const APP_SECRET: &str = "shpss_local_0123456789abcdef";
/// Nobody else in the samples is called so.
const NAME: &str = "Zephyrine";
const EMAIL: &str = "zephyrine@quixworth.example";

/// A customer with an offer, which can be erased, and an order confirmation, which cannot.
struct Person {
    stack: Stack,
    shop: Shop,
    customer: u64,
    order: u64,
    offer: Entry,
    confirmation: Entry,
}

impl Person {
    async fn new() -> Self {
        let stack = Stack::open().await;
        let shop = Shop::open_demo(&stack, str::to_owned).await;
        let mut samples = Samples::of("targeted-offers");
        let sample = &mut samples["customer-noor"];
        sample["firstName"] = NAME.into();
        sample["displayName"] = format!("{NAME} Haddad").into();
        sample["defaultAddress"]["firstName"] = NAME.into();
        sample["defaultEmailAddress"]["emailAddress"] = EMAIL.into();
        for resource in samples.all() {
            shop.resource(resource).await;
        }
        let joined = shop.sample("targeted-offers/customer-joined-segment.json");
        let gid = joined["detail"]["payload"]["customer_id"].as_str().unwrap().to_owned();
        let customer: u64 = gid.rsplit('/').next().unwrap().parse().unwrap();
        let order = order_number();
        let confirmation = shop
            .confirmed(&stack, order, |payload| {
                payload["customer"]["id"] = customer.into();
                payload["customer"]["admin_graphql_api_id"] = gid.as_str().into();
                payload["customer"]["first_name"] = NAME.into();
                payload["email"] = EMAIL.into();
            })
            .await;
        stack.put(&joined).await;
        let offer = eventually("the offer is sent", || async {
            let of_customer = shop.about(&stack, &gid).await;
            of_customer.into_iter().find(|entry| entry.state == State::Accepted)
        })
        .await;
        assert_eq!(offer.customer, confirmation.customer, "both are of one customer");
        let (_, record) = stack.record(&offer).await;
        assert!(record.to_string().contains(NAME), "else the canary search finds nothing anyway");
        let put = stack.secrets.create_secret().name(format!("{}/app-secrets", stack.output("SecretPrefix")));
        // another test was faster
        _ = put.secret_string(APP_SECRET).send().await;
        Self { stack, shop, customer, order, offer, confirmation }
    }

    fn body(&self, orders: &str) -> Value {
        json!({
            "shop_id": 1, "shop_domain": self.shop.domain,
            "customer": {"id": self.customer, "email": EMAIL, "phone": null}, orders: [self.order],
        })
    }

    /// As Shopify posts it; answers the status and the request's id.
    async fn post(&self, topic: &str, body: &Value, secret: &str) -> (u16, String) {
        let body = body.to_string();
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(&body);
        let signature = mac.finalize().into_bytes();
        let address = self.stack.output("DocumentsUrl").trim_start_matches("http://");
        let request = reqwest::Client::new()
            .post(format!("{}/privacy", self.stack.output("AwsEndpointUrl")))
            .header(HOST, address.split(':').next().unwrap())
            .header("x-shopify-topic", topic)
            .header("x-shopify-shop-domain", self.shop.domain.as_str())
            .header("x-shopify-hmac-sha256", BASE64_STANDARD.encode(signature))
            .header("content-type", "application/json");
        let status = request.body(body).send().await.unwrap().status();
        let id: String = signature.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        (status.as_u16(), id)
    }

    /// What came of a request, once it is noted.
    async fn outcome(&self, request: &str, outcome: &str) -> Value {
        let key = format!("privacy/requests/{}/{request}.json", self.shop.domain);
        eventually(&format!("{request} is {outcome}"), || async {
            let noted: Value = serde_json::from_slice(&self.operations(&key).await?).unwrap();
            (noted["outcome"] == outcome).then_some(noted)
        })
        .await
    }

    async fn operations(&self, key: &str) -> Option<Vec<u8>> {
        let get = self.stack.s3.get_object().bucket(self.stack.output("OperationsBucket")).key(key);
        Some(get.send().await.ok()?.body.collect().await.unwrap().to_vec())
    }

    async fn is_erased(&self, entry: &Entry) -> bool {
        let archived = entry.archived.as_ref().unwrap();
        let read = self.stack.archive().record_of(&archived.archive_key, &archived.record_version).await;
        matches!(read, Err(archive::ArchiveError::Erased { .. }))
    }

    /// Every version of every object of this shop in both buckets that has these words, but for the configuration.
    async fn objects_with(&self, words: &str) -> Vec<String> {
        let mut found = Vec::new();
        for bucket in ["ArchiveBucket", "OperationsBucket"] {
            let bucket = self.stack.output(bucket);
            // any bucket is listed like the archive
            let list = Archive::new(self.stack.s3.clone(), bucket.to_owned(), LockMode::Governance);
            for ObjectVersion { key, version_id } in list.versions("").await.unwrap() {
                if !key.contains(self.shop.domain.as_str()) || key.starts_with("config/") {
                    continue;
                }
                let get = self.stack.s3.get_object().bucket(bucket).key(&key).version_id(version_id);
                // deleted since it was listed
                let Ok(object) = get.send().await else { continue };
                let metadata = format!("{:?}", object.metadata());
                let bytes = object.body.collect().await.unwrap().to_vec();
                let has = |bytes: &[u8]| bytes.windows(words.len()).any(|it| it == words.as_bytes());
                if has(&bytes) || has(metadata.as_bytes()) || has(key.as_bytes()) {
                    found.push(key);
                }
            }
        }
        found
    }

    /// Every item of this shop in the tables that has these words.
    async fn items_with(&self, words: &str) -> Vec<String> {
        let mut found = Vec::new();
        for table in ["TableName", "LinksTable", "CommitmentsTable"] {
            let scan = self.stack.dynamodb.scan().table_name(self.stack.output(table));
            let mut items = scan.into_paginator().items().send();
            while let Some(item) = items.next().await {
                let text = format!("{:?}", item.unwrap());
                if text.contains(self.shop.domain.as_str()) && text.contains(words) {
                    found.push(text);
                }
            }
        }
        found
    }
}

#[tokio::test]
async fn what_shopify_did_not_sign_is_refused() {
    let it = Person::new().await;
    let body = it.body("orders_to_redact");
    assert_eq!(it.post("customers/redact", &body, "shpss_of_somebody_else").await.0, 401);
    let other = it.body("orders_requested");
    assert_eq!(it.post("customers/redact", &other, APP_SECRET).await.0, 400, "signed as something else");
    assert!(!it.is_erased(&it.offer).await);
}

#[tokio::test]
async fn a_customer_gets_what_is_held_and_is_forgotten() {
    let it = Person::new().await;
    let mut body = it.body("orders_requested");
    body["data_request"] = json!({"id": 1});
    let (status, request) = it.post("customers/data_request", &body, APP_SECRET).await;
    assert_eq!(status, 200);
    let noted = it.outcome(&request, "exported").await;
    let export = it.operations(noted["export"].as_str().unwrap()).await.unwrap();
    assert!(export.starts_with(b"PK"), "a ZIP file");
    for entry in [&it.offer, &it.confirmation] {
        let id = entry.communication.as_str().as_bytes();
        assert!(export.windows(id.len()).any(|part| part == id), "{} is in the export", entry.document);
    }

    let folder = Folder::new();
    let shop = it.shop.domain.as_str();
    let listed = ctl(&it.stack, &folder, &["privacy", "list", shop]).await;
    assert!(listed.contains(&request) && listed.contains("exported"), "{listed}");
    ctl(&it.stack, &folder, &["privacy", "fetch", shop, &request]).await;
    assert_eq!(std::fs::read(folder.path().join(format!("{request}.zip"))).unwrap(), export);
    let entries = it.stack.archive().keys(&format!("access/{shop}/")).await.unwrap();
    for entry in [&it.offer, &it.confirmation] {
        assert!(entries.iter().any(|key| key.contains(entry.communication.as_str())), "{entries:?}");
    }

    // sealed before the erasure, with another document beside it
    let others = it.shop.confirmed(&it.stack, order_number(), |_| {}).await;
    sealing::seal(&it.stack, &it.shop).await;
    let pseudonym = it.offer.customer.clone().unwrap();
    let (status, request) = it.post("customers/redact", &it.body("orders_to_redact"), APP_SECRET).await;
    assert_eq!(status, 200);
    let noted = it.outcome(&request, "erased").await;
    assert_eq!(noted["refused"][0]["communication"], it.confirmation.communication.as_str());
    assert!(noted["refused"][0]["legal_basis"].as_str().is_some_and(|basis| !basis.is_empty()));
    assert!(it.is_erased(&it.offer).await && !it.is_erased(&it.confirmation).await);

    // the canary search: what has to be kept is all that still says who it was
    let kept = it.confirmation.archived.as_ref().unwrap().archive_key.rsplit_once('/').unwrap().0.to_owned();
    let export = format!("exports/{}/", it.shop.domain);
    for words in [NAME, EMAIL] {
        let mut found = it.objects_with(words).await;
        found.retain(|key| !key.starts_with(&kept) && !key.starts_with(&export));
        assert_eq!(found, [""; 0], "{words}");
        assert_eq!(it.items_with(words).await, [""; 0], "{words}");
        // what the functions log, metrics among it
        let log = std::fs::read(it.stack.output("FunctionLog")).unwrap();
        assert!(!log.windows(words.len()).any(|part| part == words.as_bytes()), "{words} is in the log");
    }
    // only the suppression list and the ledger's entry of what is kept know the keyed hash
    for item in it.items_with(&pseudonym).await {
        let is_allowed = item.contains("recipient#") || item.contains("#customer#");
        assert!(is_allowed || item.contains(it.confirmation.communication.as_str()), "{item}");
    }
    let links = links(&it.stack).of(&it.offer.communication).await.unwrap();
    assert!(links.is_none());
    let dead = it.stack.receive(it.stack.output("DeadLetterUrlPrivacy"), it.shop.domain.as_str()).await;
    assert_eq!(dead, [""; 0]);

    // the log still proves another document, and nobody can prove the erased one
    let (file, _) = sealing::prove(&it.stack, &folder, &others).await;
    sealing::verify(&file, None).unwrap();
    let id = it.offer.communication.as_str();
    let refused = ctl_fails(&it.stack, &folder, &["proof", id]).await;
    assert!(refused.contains("erased") || refused.contains("destroyed"), "{refused}");
    sealing::seal(&it.stack, &it.shop).await;
}

#[tokio::test]
async fn a_hold_blocks_the_erasure_until_it_is_released() {
    let it = Person::new().await;
    let folder = Folder::new();
    let id = it.offer.communication.as_str();
    let why = ["--matter", "case 9", "--actor", "legal@northwind.example", "--reason", "a claim"];
    ctl(&it.stack, &folder, &[&["hold", id][..], &why].concat()).await;
    let body = it.body("orders_to_redact");
    let (_, request) = it.post("customers/redact", &body, APP_SECRET).await;
    it.outcome(&request, "held").await;
    assert!(!it.is_erased(&it.offer).await);
    ctl(&it.stack, &folder, &[&["release", id][..], &why].concat()).await;
    // the same request again: what the pass of the next day does
    it.post("customers/redact", &body, APP_SECRET).await;
    it.outcome(&request, "erased").await;
    assert!(it.is_erased(&it.offer).await);
}

#[tokio::test]
async fn a_shop_is_forgotten() {
    let it = Person::new().await;
    let body = json!({"shop_id": 1, "shop_domain": it.shop.domain});
    let (status, request) = it.post("shop/redact", &body, APP_SECRET).await;
    assert_eq!(status, 200);
    let noted = it.outcome(&request, "erased").await;
    assert!(noted["erased"].as_u64().unwrap() >= 1, "{noted}");
    assert!(it.is_erased(&it.offer).await && !it.is_erased(&it.confirmation).await);
    assert_eq!(it.offer.document, Document::PromotionalOffer);
}
