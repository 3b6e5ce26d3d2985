//! The file that a shop's secret is stored from: all of its mistakes at once, each with its line, and nothing of its values.

use crate::{config::Unread, failure::Failure};
use secrecy::SecretString;
use service::ShopSecrets;
use shop_config::mistakes_in_json;
use std::path::Path;

/// The form of a shop's secret.
const SCHEMA: &str = include_str!("../../schemas/shop-secret.v1.json");

/// The text, if it is the secret of a shop.
pub fn read(file: &Path) -> Result<SecretString, Failure> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| Unread::File { file: name.clone(), error })?;
    let mistakes = mistakes_in_json(&text, &serde_json::from_str(SCHEMA)?);
    if !mistakes.is_empty() {
        return Err(Unread::Mistakes { file: name, mistakes }.into());
    }
    // what is wrong with it would quote it
    serde_json::from_str::<ShopSecrets>(&text)
        .map_err(|_| format!("{name} is not the JSON of docs/configuration.md#secrets"))?;
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn mistakes(text: &str) -> Vec<String> {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        mistakes_in_json(text, &schema).iter().map(ToString::to_string).collect()
    }

    /// The published schema takes what the functions read, and refuses what they cannot read.
    #[test]
    fn the_schema_is_what_the_functions_read() {
        let (client, user) =
            (json!({"client_id": "a", "client_secret": "b"}), json!({"username": "a", "password": "b"}));
        let token = json!({"access_token": "a"});
        let offline = json!({"client_id": "a", "client_secret": "b", "token": "offline"});
        for right in [
            json!({"shopify": token, "exstream": client, "email": client}),
            json!({"shopify": client, "exstream": user, "email": user, "sms": client, "whatsapp": user}),
            json!({"shopify": offline}),
            json!({"exstream": {"client_certificate": "c"}}),
            json!({"exstream": {"username": "a", "password": "b", "client_certificate": "c"}}),
            json!({}),
        ] {
            let text = right.to_string();
            assert!(serde_json::from_str::<ShopSecrets>(&text).is_ok(), "{text}");
            assert_eq!(mistakes(&text), [""; 0], "{text}");
        }
        for wrong in [
            json!({"shopify": {}}),
            json!({"exstream": {"client_id": "a"}}),
            json!({"email": "a"}),
            json!({"email": {"username": "a", "password": 1}}),
        ] {
            let text = wrong.to_string();
            assert!(serde_json::from_str::<ShopSecrets>(&text).is_err(), "{text}");
            assert!(!mistakes(&text).is_empty(), "{text}");
        }
    }

    #[test]
    fn every_mistake_has_its_line_and_no_value_is_said() {
        let text = "{\n  \"shopify\": {\"acces_token\": \"s3cret-1\"},\n  \"exstream\": {\"client_id\": \"s3cret-2\"},\n  \
            \"emial\": {\"username\": \"s3cret-3\", \"password\": 7}\n}";
        let found = mistakes(text);
        assert_eq!(
            found,
            [
                "2:30: shopify.acces_token: is not known; did you mean `access_token`?",
                "3:15: exstream.client_secret: is missing: The client's secret",
                "4:12: emial: is not known; did you mean `email`?",
                "4:49: email.password: must be text, and is a whole number",
            ]
        );
        assert!(!found.concat().contains("s3cret"));
    }
}
