//! Who a document is for, and where they live.

use comms::Gid;
use schemars::JsonSchema;
use serde::Serialize;
use shopify::{Address, Order};

#[derive(Clone, Serialize, JsonSchema)]
pub struct CustomerData {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Gid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The company location a business customer bought for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company_location: Option<Gid>,
}

impl CustomerData {
    pub fn new(order: &Order) -> Self {
        Self {
            id: order.customer.as_ref().map(|customer| customer.id.clone()),
            name: order.customer_name(),
            email: email(order),
            phone: order.phone.clone(),
            company_location: order.company.as_ref().map(|company| company.location.clone()),
        }
    }
}

#[derive(Clone, Serialize, JsonSchema)]
pub struct AddressData {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// Street and number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line1: Option<String>,
    /// What else finds the door: flat, floor, building.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// ISO 3166-1, two letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

impl AddressData {
    pub fn new(address: &Address) -> Self {
        Self {
            name: address.name(),
            company: address.company.clone(),
            line1: address.address1.clone(),
            line2: address.address2.clone(),
            postal_code: address.zip.clone(),
            city: address.city.clone(),
            region: address.province.clone(),
            country: address.country.clone(),
            country_code: address.country_code.clone(),
            phone: address.phone.clone(),
        }
    }
}

/// The order's own address for mail, else the customer's.
pub fn email(order: &Order) -> Option<String> {
    order.email.clone().or_else(|| order.customer.as_ref()?.email.clone())
}

/// Who a document about an order is addressed to.
pub fn recipient_name(order: &Order) -> Option<String> {
    let of = |address: &Option<Address>| address.as_ref().and_then(Address::name);
    order.customer_name().or_else(|| of(&order.billing_address)).or_else(|| of(&order.shipping_address))
}
