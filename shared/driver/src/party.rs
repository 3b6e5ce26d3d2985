//! Who a document is for, and where they live.

use comms::Gid;
use schemars::JsonSchema;
use serde::Serialize;
use shopify::{Address, Order};

#[derive(Clone, Serialize, JsonSchema)]
pub struct CustomerData {
    /// The customer in Shopify.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["gid://shopify/Customer/501"]))]
    pub id: Option<Gid>,
    /// How to address them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["Élodie Rivière"]))]
    pub name: Option<String>,
    /// The e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["elodie@example.com"]))]
    pub email: Option<String>,
    /// The telephone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["+33 6 00 00 00 00"]))]
    pub phone: Option<String>,
    /// The company location a business customer bought for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["gid://shopify/CompanyLocation/311"]))]
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
    /// Who lives there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["Élodie Rivière"]))]
    pub name: Option<String>,
    /// The company.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["Hôtels Rivage SAS"]))]
    pub company: Option<String>,
    /// Street and number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["3 quai de la Fosse"]))]
    pub line1: Option<String>,
    /// What else finds the door: flat, floor, building.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["Bâtiment B"]))]
    pub line2: Option<String>,
    /// The postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["44000"]))]
    pub postal_code: Option<String>,
    /// The city.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["Nantes"]))]
    pub city: Option<String>,
    /// The state, province or region.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["Loire-Atlantique"]))]
    pub region: Option<String>,
    /// The country's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["France"]))]
    pub country: Option<String>,
    /// ISO 3166-1, two letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["FR"]))]
    pub country_code: Option<String>,
    /// The telephone number there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["+33 2 00 00 00 00"]))]
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
