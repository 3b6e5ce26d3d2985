//! What an app sets up in a shop: webhook subscriptions and metafield definitions.
//!
//! A subscription or definition that is there already is refused, as are addresses and types that Shopify does not know.
//! The wordings of `Address for this topic has already been taken` and of a definition's `TAKEN` are Shopify's; the
//! others are guesses.

use crate::{
    json::Json,
    metafield::{APP_ID, resolve_namespace},
    shop::Shop,
};
use serde_json::{Value, json};

const PARTNER: &str = "::event-source/aws.partner/shopify.com/";

/// The definitions that a query's arguments name.
pub(crate) fn definitions(shop: &Shop, arguments: &Value) -> Vec<Json> {
    let namespace = arguments["namespace"].as_str().map(|name| resolve_namespace(Some(name)));
    let is_wanted = |json: &Json| {
        json.value()["ownerType"] == arguments["ownerType"]
            && namespace.as_deref().is_none_or(|name| json.text("namespace") == Some(name))
            && arguments["key"].as_str().is_none_or(|key| json.text("key") == Some(key))
    };
    shop.of_type("MetafieldDefinition").into_iter().filter(is_wanted).collect()
}

/// Answers the payload of `webhookSubscriptionCreate`.
pub(crate) fn subscribe(shop: &mut Shop, arguments: &Value) -> Value {
    let refuse = |message: &str| {
        let error = json!({"field": ["webhookSubscription", "callbackUrl"], "message": message});
        json!({"webhookSubscription": null, "userErrors": [error]})
    };
    let input = &arguments["webhookSubscription"];
    let Some(uri) = input["uri"].as_str().filter(|uri| !uri.is_empty()) else {
        return refuse("Address can't be blank");
    };
    let is_source = uri.starts_with("arn:aws:events:")
        && uri.split_once(PARTNER).is_some_and(|(_, name)| {
            name.split_once('/').is_some_and(|(app, name)| app.parse::<u64>().is_ok() && !name.is_empty())
        });
    if !is_source && !uri.starts_with("https://") {
        return refuse("Address is not a valid URL, event source or topic");
    }
    let topic = &arguments["topic"];
    let known = shop.of_type("WebhookSubscription");
    if known.iter().any(|it| it.value()["topic"] == *topic && it.text("uri") == Some(uri)) {
        return refuse("Address for this topic has already been taken");
    }
    let document = json!({
        "id": format!("gid://shopify/WebhookSubscription/{}", known.len() + 1),
        "topic": topic,
        "uri": uri,
        "format": input["format"].as_str().unwrap_or("JSON"),
        "apiVersion": {"handle": "2026-10", "displayName": "2026-10", "supported": true},
    });
    let id = shop.register(document, Value::Null);
    let made = id.and_then(|id| shop.document(&id).map(|json| json.value().clone()));
    json!({"webhookSubscription": made, "userErrors": []})
}

/// Answers the payload of `metafieldDefinitionCreate`.
pub(crate) fn define(shop: &mut Shop, arguments: &Value) -> Value {
    let refuse = |field: &str, code: &str, message: String| {
        let error = json!({"field": ["definition", field], "message": message, "code": code});
        json!({"createdDefinition": null, "userErrors": [error]})
    };
    let input = &arguments["definition"];
    let namespace = resolve_namespace(input["namespace"].as_str());
    let key = input["key"].as_str().unwrap_or_default();
    if namespace.chars().count() < 3 || key.chars().count() < 2 {
        return refuse("key", "TOO_SHORT", "Namespace or key is too short".to_owned());
    }
    if input["type"] != "json" {
        return refuse("type", "INCLUSION", "Type name is not a valid type".to_owned());
    }
    let is_own = namespace.starts_with(&format!("app--{APP_ID}"));
    if !input["access"].is_null() && !is_own {
        let message = "Access cannot be set for a namespace that is not the app's own".to_owned();
        return refuse("access", "ADMIN_ACCESS_INPUT_NOT_ALLOWED", message);
    }
    let query = json!({"ownerType": input["ownerType"], "namespace": namespace, "key": key});
    if !definitions(shop, &query).is_empty() {
        let message = format!("Key is in use for metafields on the '{namespace}' namespace.");
        return refuse("key", "TAKEN", message);
    }
    let number = shop.of_type("MetafieldDefinition").len() + 1;
    let document = json!({
        "id": format!("gid://shopify/MetafieldDefinition/{number}"),
        "name": input["name"],
        "description": input["description"],
        "namespace": namespace,
        "key": key,
        "ownerType": input["ownerType"],
        "type": {"name": "json", "category": "JSON"},
        "access": {"admin": input["access"]["admin"].as_str().unwrap_or("PUBLIC_READ_WRITE")},
    });
    let id = shop.register(document, Value::Null);
    let made = id.and_then(|id| shop.document(&id).map(|json| json.value().clone()));
    json!({"createdDefinition": made, "userErrors": []})
}
