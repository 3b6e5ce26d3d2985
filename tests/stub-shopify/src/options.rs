//! What a test or the command line chooses: the schema, credentials, and every setting.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

#[derive(Debug, Clone)]
pub struct ShopifyOptions {
    /// Introspection result (`.json.gz` or `.json`) or SDL of the Admin API.
    pub schema: PathBuf,
    pub client_id: String,
    pub client_secret: String,
    /// A fixed token, as older custom apps have, good for every shop.
    pub access_token: String,
    /// The shop of requests that name none.
    pub default_shop: String,
    pub settings: ShopifySettings,
}

impl Default for ShopifyOptions {
    fn default() -> Self {
        Self {
            schema: find_schema().unwrap_or_default(),
            client_id: "local".to_owned(),
            client_secret: "local-secret".to_owned(),
            access_token: "shpat_local".to_owned(),
            default_shop: "local.myshopify.com".to_owned(),
            settings: ShopifySettings::default(),
        }
    }
}

/// What `PUT /__stub/settings` can change.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ShopifySettings {
    pub token_lifetime_seconds: u64,
    pub bucket_size: u32,
    pub restore_rate: u32,
    /// The dearest single query that is accepted.
    pub max_query_cost: u32,
    pub latency_ms: u64,
    /// How long a bulk operation stays in each of its states.
    pub bulk_step_ms: u64,
    /// Bulk queries that run at once.
    pub bulk_concurrency: usize,
}

impl Default for ShopifySettings {
    fn default() -> Self {
        Self {
            token_lifetime_seconds: 86_399,
            bucket_size: 2000,
            restore_rate: 100,
            max_query_cost: 1000,
            latency_ms: 0,
            bulk_step_ms: 200,
            bulk_concurrency: 5,
        }
    }
}

const SCHEMA_FILE: &str = "node_modules/@shopify/dev-mcp/dist/data/admin_2026-10.json.gz";

/// The schema file: `ADMIN_SCHEMA`, or the package where the project installs it.
pub fn find_schema() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("ADMIN_SCHEMA").filter(|path| !path.is_empty()) {
        return Some(PathBuf::from(path));
    }
    let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    folders.find_map(|folder| {
        let places = ["", "infra/cdk", "infra/local"];
        places.iter().map(|place| folder.join(place).join(SCHEMA_FILE)).find(|path| path.is_file())
    })
}
