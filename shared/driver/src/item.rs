//! What an article is, on every document that lists articles.

use crate::{AttributeData, attributes};
use schemars::JsonSchema;
use serde::Serialize;
use shopify::{Bundle, LineItem};

/// An article, as it was when it was ordered. Flattened into the lines of documents.
#[derive(Clone, Serialize, JsonSchema)]
pub struct ItemData {
    /// The product's name.
    #[schemars(example = &"Trail runner")]
    pub title: String,
    /// The variant's name, such as `Large / Blue`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"42 / Blue")]
    pub variant: Option<String>,
    /// The number the shop keeps it under.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"RUN-42")]
    pub sku: Option<String>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"Northwind")]
    pub vendor: Option<String>,
    /// A picture of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"https://cdn.shopify.com/s/files/1/0001/trail-runner.jpg")]
    pub image_url: Option<String>,
    /// Its page in the online store.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"https://northwind.example/products/trail-runner")]
    pub product_url: Option<String>,
    /// The bundle it was bought in. Lines of one bundle have the same id here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<BundleData>,
    /// What the customer chose or wrote for it.
    pub properties: Vec<AttributeData>,
}

/// What several lines were bought as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BundleData {
    /// Tells two bundles of one name apart.
    #[schemars(example = &"gid://shopify/LineItemGroup/77001")]
    pub id: String,
    /// The bundle's name.
    #[schemars(example = &"Hair care set")]
    pub title: String,
    /// How many bundles were bought.
    pub quantity: u64,
    /// The number the shop keeps the bundle under.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"SET-HAIR")]
    pub sku: Option<String>,
}

impl ItemData {
    pub fn new(line: &LineItem) -> Self {
        Self {
            title: line.title.clone(),
            variant: line.variant.clone(),
            sku: line.sku.clone(),
            vendor: line.vendor.clone(),
            image_url: line.image_url.clone(),
            product_url: line.product_url.clone(),
            bundle: line.bundle.as_ref().map(BundleData::new),
            properties: attributes(&line.properties),
        }
    }
}

impl BundleData {
    pub fn new(bundle: &Bundle) -> Self {
        Self {
            id: bundle.id.to_string(),
            title: bundle.title.clone(),
            quantity: bundle.quantity,
            sku: bundle.sku.clone(),
        }
    }
}
