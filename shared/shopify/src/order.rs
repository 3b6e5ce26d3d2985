//! An order, whichever way it came.
//!
//! Owns the one model a document about an order is made from. An event brings an order in the form of the
//! REST API, a query in the form of the GraphQL API; the two differ in names, nesting, the case of states
//! and what is text and what is a number, and none of that is visible here: both ways give an equal
//! [`Order`] for the same order. What only one of them knows is left out.

mod graphql;
mod money;
mod statuses;
mod webhook;

pub use graphql::OrderPage;
pub use money::MoneyBag;
pub use statuses::{FinancialStatus, FulfilmentStatus};

use crate::{
    Malformed,
    decode::{scalar, text},
};
use comms::{CurrencyCode, Gid, Money};
use jiff::Timestamp;
use money::Number;
use rust_decimal::Decimal;
use serde::Deserialize;
use std::fmt;

/// What a customer bought, owes and has paid. Amounts are as of the payload; see [`Totals`].
#[derive(Clone, PartialEq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct Order {
    pub id: Gid,
    /// The name the customer knows, such as `#1001`.
    pub name: String,
    /// The number in the name, which is not unique.
    pub number: u64,
    pub confirmation_number: Option<String>,
    pub created_at: Timestamp,
    /// When the order counts as placed. An imported order was created later than that.
    pub processed_at: Timestamp,
    pub updated_at: Timestamp,
    pub cancelled_at: Option<Timestamp>,
    /// The shop's currency.
    pub currency: CurrencyCode,
    /// The currency the customer saw and paid in.
    pub presentment_currency: CurrencyCode,
    pub financial_status: FinancialStatus,
    pub fulfilment_status: FulfilmentStatus,
    pub payment_gateways: Vec<String>,
    pub payment_terms: Option<PaymentTerms>,
    pub taxes_included: bool,
    pub tax_exempt: bool,
    /// A test order: no money moved.
    pub test: bool,
    pub note: Option<String>,
    pub note_attributes: Vec<Attribute>,
    /// The purchase order number a business customer gave.
    pub po_number: Option<String>,
    /// Where mail about this order goes. Can differ from the customer's own address.
    pub email: Option<String>,
    pub phone: Option<String>,
    /// The language the customer ordered in, such as `fr-CA`.
    pub locale: Option<String>,
    pub status_url: Option<String>,
    pub customer: Option<Customer>,
    pub company: Option<PurchasingCompany>,
    pub billing_address: Option<Address>,
    pub shipping_address: Option<Address>,
    pub lines: Vec<LineItem>,
    /// Without those that were removed again.
    pub shipping_lines: Vec<ShippingLine>,
    pub discount_codes: Vec<String>,
    pub tax_lines: Vec<TaxLine>,
    pub totals: Totals,
    /// Sorted.
    pub tags: Vec<String>,
}

/// The order's sums. Those in one currency only are in the shop's: events know no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct Totals {
    /// All lines after discounts, before returns. With tax, if taxes are included.
    pub subtotal: MoneyBag,
    /// All discounts, before returns.
    pub discounts: MoneyBag,
    /// All shipping lines, before discounts and returns.
    pub shipping: MoneyBag,
    /// All tax, before returns.
    pub tax: MoneyBag,
    /// All duties as calculated when the order was placed. Absent where duties do not apply.
    pub duties: Option<MoneyBag>,
    pub tip: Money,
    /// What was ordered, before returns.
    pub total: MoneyBag,
    /// The subtotal of what is still ordered, after returns, refunds and edits.
    pub current_subtotal: MoneyBag,
    /// The discounts on what is still ordered.
    pub current_discounts: MoneyBag,
    /// The tax on what is still ordered.
    pub current_tax: MoneyBag,
    /// What is still ordered, after returns, refunds and edits.
    pub current_total: MoneyBag,
    /// What is still to be paid; negative, what is to be paid back.
    pub outstanding: Money,
    /// What has been paid and not paid back: the current total less what is outstanding.
    pub received: Money,
}

#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct PaymentTerms {
    /// Such as `Net 30`.
    pub name: String,
    /// When the first unpaid instalment is due; of terms that are all paid, when the last was.
    pub due_at: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct Customer {
    pub id: Gid,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    /// The language of the customer's account, such as `fr-CA`. An event about an order does not tell it.
    pub locale: Option<String>,
}

/// The business an order was placed for, and the location of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct PurchasingCompany {
    pub company: Gid,
    pub location: Gid,
}

#[derive(Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct Address {
    #[serde(default, alias = "firstName", deserialize_with = "text")]
    pub first_name: Option<String>,
    #[serde(default, alias = "lastName", deserialize_with = "text")]
    pub last_name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub company: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub address1: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub address2: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub city: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub zip: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub province: Option<String>,
    #[serde(default, alias = "provinceCode", deserialize_with = "text")]
    pub province_code: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub country: Option<String>,
    /// ISO 3166-1, two letters.
    #[serde(default, alias = "countryCodeV2", deserialize_with = "text")]
    pub country_code: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub phone: Option<String>,
}

#[derive(Clone, PartialEq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct LineItem {
    pub id: Gid,
    pub title: String,
    /// The variant's title, such as `Large / Blue`.
    pub variant: Option<String>,
    pub sku: Option<String>,
    pub vendor: Option<String>,
    /// As ordered.
    pub quantity: u64,
    /// Less what was removed or returned.
    pub current_quantity: u64,
    pub requires_shipping: bool,
    pub gift_card: bool,
    /// Before discounts.
    pub unit_price: MoneyBag,
    /// Everything taken off all units of this line, its share of the order's discounts included.
    pub total_discount: MoneyBag,
    pub discounts: Vec<DiscountAllocation>,
    pub tax_lines: Vec<TaxLine>,
    pub duties: Vec<Duty>,
    /// What the customer chose or wrote, without the private ones, whose names start with `_`.
    pub properties: Vec<Attribute>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct DiscountAllocation {
    /// The code the customer entered, or the discount's title.
    pub name: Option<String>,
    pub amount: MoneyBag,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct TaxLine {
    pub title: String,
    /// `0.2` is 20 %.
    #[serde(default, deserialize_with = "rate")]
    pub rate: Option<Decimal>,
    #[serde(rename = "price_set", alias = "priceSet")]
    pub price: MoneyBag,
}

#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct Duty {
    pub harmonized_system_code: Option<String>,
    pub country_code_of_origin: Option<String>,
    pub price: MoneyBag,
}

#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct ShippingLine {
    pub title: String,
    pub code: Option<String>,
    /// Before discounts.
    pub price: MoneyBag,
    pub discounted_price: MoneyBag,
    pub tax_lines: Vec<TaxLine>,
}

#[derive(Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct Attribute {
    #[serde(alias = "key")]
    pub name: String,
    #[serde(deserialize_with = "scalar")]
    pub value: String,
}

impl Order {
    /// The languages the customer reads: that of the order before that of the account.
    pub fn locales(&self) -> [Option<&str>; 2] {
        [self.locale.as_deref(), self.customer.as_ref().and_then(|customer| customer.locale.as_deref())]
    }

    /// The name of the person who ordered.
    pub fn customer_name(&self) -> Option<String> {
        self.customer.as_ref().and_then(Customer::name)
    }
}

impl Customer {
    pub fn name(&self) -> Option<String> {
        full_name(self.first_name.as_deref(), self.last_name.as_deref())
    }
}

impl Address {
    pub fn name(&self) -> Option<String> {
        full_name(self.first_name.as_deref(), self.last_name.as_deref())
    }
}

fn full_name(first: Option<&str>, last: Option<&str>) -> Option<String> {
    match (first, last) {
        (Some(first), Some(last)) => Some(format!("{first} {last}")),
        (one, other) => one.or(other).map(str::to_owned),
    }
}

fn rate<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
    Ok(Option::<Number>::deserialize(deserializer)?.map(|number| number.0))
}

/// Debug output ends up in logs: these print what they are about and nothing about whom.
macro_rules! discreet {
    ($($type:ident: $($field:ident),*;)+) => { $(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($type))$(.field(stringify!($field), &self.$field))*.finish_non_exhaustive()
            }
        }
    )+ };
}
discreet! {
    Order: id, updated_at;
    Customer: id;
    LineItem: id, quantity;
    Address: country_code;
    Attribute:;
}

/// What may be shown of a line's properties.
fn public(properties: Vec<Attribute>) -> Vec<Attribute> {
    properties.into_iter().filter(|property| !property.name.starts_with('_')).collect()
}

/// All that was taken off a line. The field Shopify calls the line's total discount counts different
/// discounts in its two APIs; the allocations are the same in both, so they decide where there are any.
fn total_discount(allocations: &[DiscountAllocation], stated: MoneyBag) -> Result<MoneyBag, Malformed> {
    let mut allocations = allocations.iter().map(|allocation| allocation.amount);
    let Some(first) = allocations.next() else { return Ok(stated) };
    allocations
        .try_fold(first, MoneyBag::checked_add)
        .map_err(|_| Malformed::new("discount_allocations", "has amounts that cannot be added up"))
}

/// What has been paid and not paid back. Neither API has this in a field that the other has, too.
fn received(current_total: Money, outstanding: Money) -> Result<Money, Malformed> {
    let received = current_total.checked_sub(outstanding);
    received.map_err(|_| Malformed::new("total_outstanding", "is not in the currency of the current total"))
}

/// When to pay, from the instalments' due dates and whether each is paid.
fn due_at(schedules: impl Iterator<Item = (Option<Timestamp>, bool)> + Clone) -> Option<Timestamp> {
    let unpaid = schedules.clone().filter(|(_, paid)| !paid).filter_map(|(due, _)| due).min();
    unpaid.or_else(|| schedules.filter_map(|(due, _)| due).max())
}

#[cfg(test)]
mod tests;
