//! A metafield as a shop keeps it, and the namespace that is the app's own.

use crate::gid::{number_of, type_of};
use serde::Serialize;
use serde_json::{Value, json};

/// The app whose reserved namespace `$app` stands for.
pub(crate) const APP_ID: &str = "347082227713";

/// Where a metafield is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MetafieldKey {
    pub owner: String,
    pub namespace: String,
    pub key: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metafield {
    pub id: String,
    pub namespace: String,
    pub key: String,
    pub r#type: String,
    pub value: String,
    pub compare_digest: String,
    pub created_at: String,
    pub updated_at: String,
}

impl Metafield {
    /// The metafield as a GraphQL object.
    pub fn document(&self, owner: &str) -> Value {
        let json = if self.r#type == "json" { serde_json::from_str(&self.value).ok() } else { None };
        json!({
            "__typename": "Metafield",
            "id": self.id,
            "legacyResourceId": number_of(&self.id),
            "namespace": self.namespace,
            "key": self.key,
            "type": self.r#type,
            "value": self.value,
            "jsonValue": json.unwrap_or_else(|| Value::String(self.value.clone())),
            "compareDigest": self.compare_digest,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "sizeInBytes": self.value.len(),
            "ownerType": owner_type(owner),
            "owner": {"id": owner},
        })
    }
}

fn owner_type(owner: &str) -> String {
    match type_of(owner) {
        Some("CompanyLocation") => "COMPANY_LOCATION".to_owned(),
        other => other.unwrap_or_default().to_ascii_uppercase(),
    }
}

/// `$app:communications` as `app--<id>--communications`; a missing namespace is the app's own.
pub(crate) fn resolve_namespace(namespace: Option<&str>) -> String {
    match namespace {
        None | Some("$app") => format!("app--{APP_ID}"),
        Some(text) => match text.strip_prefix("$app:") {
            Some(rest) => format!("app--{APP_ID}--{rest}"),
            None => text.to_owned(),
        },
    }
}
