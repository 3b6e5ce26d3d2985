//! Whether Shopify signed a request: HMAC-SHA256 over the body, to the byte, with the app's secret, in base64.
//!
//! The signature covers no header. So whatever decides anything, such as the shop, has to be read from the body.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// The header that has it, in lower case.
pub const SIGNATURE_HEADER: &str = "x-shopify-hmac-sha256";

/// A signature that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature(Vec<u8>);

impl Signature {
    /// The signature in `header`, if one of the secrets made it for `body`. Each comparison takes the same time, wherever
    /// the signatures differ. A secret that is empty made none.
    pub fn verified<'a>(
        secrets: impl IntoIterator<Item = &'a SecretString>,
        body: &[u8],
        header: &str,
    ) -> Option<Self> {
        let signature = BASE64_STANDARD.decode(header).ok()?;
        let made_it = |secret: &SecretString| {
            let key = Some(secret.expose_secret()).filter(|key| !key.is_empty())?;
            let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok()?;
            mac.chain_update(body).verify_slice(&signature).ok()
        };
        secrets.into_iter().find_map(made_it)?;
        Some(Self(signature))
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // as Shopify's documentation shows them
    const REDACT: &str = r#"{"shop_id":954889,"shop_domain":"acme.myshopify.com","customer":{"id":191167,"email":"john@example.com","phone":"555-625-1199"},"orders_to_redact":[299938,280263,220458]}"#;
    const SHOP: &str = r#"{"shop_id":954889,"shop_domain":"acme.myshopify.com"}"#;
    const OLD: &str = "shpss_0123456789abcdef";
    const CURRENT: &str = "shpss_fedcba9876543210";

    fn sign(secret: &str, body: &str) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        BASE64_STANDARD.encode(mac.chain_update(body.as_bytes()).finalize().into_bytes())
    }

    fn verified(body: &[u8], signature: &str) -> Option<Signature> {
        let secrets: [SecretString; 2] = [CURRENT.to_owned().into(), OLD.to_owned().into()];
        Signature::verified(&secrets, body, signature)
    }

    /// Computed with `openssl dgst -sha256 -hmac shpss_0123456789abcdef -binary | base64`.
    #[test]
    fn the_signature_is_the_documented_one() {
        assert_eq!(sign(OLD, SHOP), "CMfSSZVTXH2WsFc9uuF53Z6RPLfQZ3/AoBuL6Z3+IFA=");
    }

    #[test]
    fn either_secret_signs_while_they_are_changed_and_no_other_does() {
        for secret in [CURRENT, OLD] {
            let signature = verified(SHOP.as_bytes(), &sign(secret, SHOP)).unwrap();
            assert_eq!(signature.bytes().len(), 32);
            assert_eq!(verified(SHOP.as_bytes(), &sign(secret, SHOP)), Some(signature), "the same request");
        }
        let short = BASE64_STANDARD.encode(&BASE64_STANDARD.decode(sign(OLD, SHOP)).unwrap()[..16]);
        let digits = BASE64_STANDARD.decode(sign(OLD, SHOP)).unwrap();
        let hex = digits.iter().map(|byte| format!("{byte:02x}")).collect();
        for signature in
            [sign("another secret of theirs", SHOP), sign(OLD, REDACT), String::new(), short, hex, "!".into()]
        {
            assert_eq!(verified(SHOP.as_bytes(), &signature), None, "{signature}");
        }
    }

    #[test]
    fn every_changed_bit_of_the_body_is_refused() {
        let signature = sign(OLD, REDACT);
        for at in 0..REDACT.len() {
            let mut changed = REDACT.as_bytes().to_vec();
            changed[at] ^= 1;
            assert_eq!(verified(&changed, &signature), None, "byte {at}");
        }
    }

    #[test]
    fn an_empty_secret_signs_nothing() {
        let none: [SecretString; 1] = [String::new().into()];
        assert_eq!(
            Signature::verified(&none, SHOP.as_bytes(), &sign("", SHOP)),
            None,
            "anybody could have made it"
        );
    }
}
