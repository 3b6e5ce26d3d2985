//! How goods reach the customer: what decides whether there is anything to announce or to pack.

use crate::decode::text;
use serde::Deserialize;

/// As the customer chose it. Shopify keeps it with the fulfillment orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryMethod {
    pub kind: MethodType,
    /// What it was called at checkout, such as `Express` or the name of a shop to collect at.
    pub name: Option<String>,
}

/// Shopify's `DeliveryMethodType`. A type that is not known here counts as sent: it is told to the customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MethodType {
    /// By a carrier to the customer's door.
    Shipping,
    /// By a carrier to a place where the customer fetches it.
    PickupPoint,
    /// By the shop itself.
    Local,
    /// Fetched by the customer where the shop keeps it.
    PickUp,
    /// Carried out of the store.
    Retail,
    /// Nothing that is delivered.
    None,
    Other(String),
}

impl MethodType {
    fn new(name: &str) -> Self {
        match name {
            "SHIPPING" => Self::Shipping,
            "PICKUP_POINT" => Self::PickupPoint,
            "LOCAL" => Self::Local,
            "PICK_UP" => Self::PickUp,
            "RETAIL" => Self::Retail,
            "NONE" => Self::None,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Shopify's name in lower case, such as `pick_up`.
    pub fn name(&self) -> String {
        match self {
            Self::Shipping => "shipping".to_owned(),
            Self::PickupPoint => "pickup_point".to_owned(),
            Self::Local => "local".to_owned(),
            Self::PickUp => "pick_up".to_owned(),
            Self::Retail => "retail".to_owned(),
            Self::None => "none".to_owned(),
            Self::Other(name) => name.to_ascii_lowercase(),
        }
    }

    /// Whether it leaves the shop for the customer: there is something to pack and to announce.
    pub const fn is_sent(&self) -> bool {
        match self {
            Self::Shipping | Self::PickupPoint | Self::Local | Self::Other(_) => true,
            Self::PickUp | Self::Retail | Self::None => false,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireMethod {
    method_type: String,
    #[serde(deserialize_with = "text")]
    presented_name: Option<String>,
}

impl WireMethod {
    pub(super) fn read(self) -> DeliveryMethod {
        DeliveryMethod { kind: MethodType::new(&self.method_type), name: self.presented_name }
    }
}

/// What counts where goods of several methods are in one shipment: if anything of it is sent, that.
pub(super) fn of_all(all: impl IntoIterator<Item = DeliveryMethod>) -> Option<DeliveryMethod> {
    let mut all: Vec<_> = all.into_iter().collect();
    let first = all.iter().position(|method| method.kind.is_sent()).unwrap_or_default();
    (!all.is_empty()).then(|| all.swap_remove(first))
}
