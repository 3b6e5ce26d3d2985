use super::*;
use serde_json::json;

// as Shopify's documentation shows them
const DATA_REQUEST: &str = r#"{"shop_id":954889,"shop_domain":"acme.myshopify.com","orders_requested":[299938,280263,220458],"customer":{"id":191167,"email":"john@example.com","phone":"555-625-1199"},"data_request":{"id":9999}}"#;
const REDACT: &str = r#"{"shop_id":954889,"shop_domain":"acme.myshopify.com","customer":{"id":191167,"email":"john@example.com","phone":"555-625-1199"},"orders_to_redact":[299938,280263,220458]}"#;
const SHOP: &str = r#"{"shop_id":954889,"shop_domain":"acme.myshopify.com"}"#;
const OLD: &str = "shpss_0123456789abcdef";
const CURRENT: &str = "shpss_fedcba9876543210";

fn sign(secret: &str, body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(body.as_bytes());
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

fn secrets() -> Vec<SecretString> {
    vec![CURRENT.to_owned().into(), OLD.to_owned().into()]
}

/// Computed with `openssl dgst -sha256 -hmac shpss_0123456789abcdef -binary | base64`.
#[test]
fn the_signature_is_the_documented_one() {
    assert_eq!(sign(OLD, SHOP), "CMfSSZVTXH2WsFc9uuF53Z6RPLfQZ3/AoBuL6Z3+IFA=");
}

#[test]
fn either_secret_signs_while_they_are_changed_and_no_other_does() {
    for secret in [CURRENT, OLD] {
        let id = signed(&secrets(), SHOP.as_bytes(), &sign(secret, SHOP)).unwrap();
        assert_eq!(id.len(), 32);
        assert_eq!(signed(&secrets(), SHOP.as_bytes(), &sign(secret, SHOP)), Some(id), "the same request");
    }
    let short = BASE64_STANDARD.encode(&BASE64_STANDARD.decode(sign(OLD, SHOP)).unwrap()[..16]);
    let hex = hex::encode(BASE64_STANDARD.decode(sign(OLD, SHOP)).unwrap());
    for signature in
        [sign("another secret of theirs", SHOP), sign(OLD, REDACT), String::new(), short, hex, "!".into()]
    {
        assert_eq!(signed(&secrets(), SHOP.as_bytes(), &signature), None, "{signature}");
    }
}

#[test]
fn every_changed_bit_of_the_body_is_refused() {
    let signature = sign(OLD, REDACT);
    for at in 0..REDACT.len() {
        let mut changed = REDACT.as_bytes().to_vec();
        changed[at] ^= 1;
        assert_eq!(signed(&secrets(), &changed, &signature), None, "byte {at}");
    }
}

fn read(body: &str, topic: &str) -> Option<PrivacyItem> {
    item(body.as_bytes(), Some(topic), "0".repeat(32), "2026-11-22T09:00:00Z".parse().unwrap())
}

/// No header is signed.
#[test]
fn a_body_is_taken_for_what_it_is_or_not_at_all() {
    let topics = PrivacyTopic::ALL.iter().map(|topic| topic.name());
    for topic in topics.chain(["orders/create", ""]) {
        for (body, of) in
            [(DATA_REQUEST, "customers/data_request"), (REDACT, "customers/redact"), (SHOP, "shop/redact")]
        {
            let found = read(body, topic).map(|item| item.topic.name());
            assert_eq!(found, (topic == of).then_some(of), "{topic}: {body}");
        }
        // what else the app's secret signs
        let other = json!({"id": 1, "domain": "acme.myshopify.com", "customer": {"id": 1}}).to_string();
        assert_eq!(read(&other, topic), None);
        assert_eq!(read("[]", topic), None);
    }
    assert_eq!(item(SHOP.as_bytes(), None, String::new(), Timestamp::UNIX_EPOCH), None);
}

#[test]
fn the_customer_and_the_orders_are_read() {
    let item = read(REDACT, "customers/redact").unwrap();
    assert_eq!(item.customer, Some(Gid::new("Customer", 191_167)));
    assert_eq!(item.orders, [299_938, 280_263, 220_458].map(|id| Gid::new("Order", id)));
    assert_eq!(
        (item.email.as_deref(), item.phone.as_deref()),
        (Some("john@example.com"), Some("555-625-1199"))
    );
    // a guest's data, or a customer who gave neither
    let bare = r#"{"shop_domain":"acme.myshopify.com","customer":{"id":1},"orders_to_redact":[]}"#;
    assert!(read(bare, "customers/redact").unwrap().email.is_none());
    assert!(read(&bare.replace("acme.myshopify.com", "acme.example"), "customers/redact").is_none());
}
