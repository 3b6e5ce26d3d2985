//! An order, whichever way it came.
//!
//! Owns the one model that documents about an order are made from. An event brings an order in the form of the
//! REST API, a query in the form of the GraphQL API; the two differ in names, nesting, the case of states
//! and what is text and what is a number, and none of that is visible here: both ways give an equal
//! [`Order`] for the same order. What only one of them knows is left out.

mod discount;
mod graphql;
mod line;
mod money;
mod payload;
mod statuses;
mod transaction;
mod webhook;

pub use discount::{DiscountAllocation, DiscountKind};
pub use graphql::OrderPage;
pub use line::{Bundle, Duty, LineItem};
pub(crate) use money::Price;
pub use money::{MoneyBag, ShopAmount};
pub use statuses::{FinancialStatus, FulfilmentStatus};
pub use transaction::{OrderTransaction, TransactionKind, TransactionStatus};

use crate::decode::{Loose, plain_text, text};
use comms::{CurrencyCode, Gid};
use jiff::Timestamp;
use money::Number;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

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
    /// What moved, or was to move, money. `None`: an event does not tell.
    pub payments: Option<Vec<OrderTransaction>>,
    pub payment_terms: Option<PaymentTerms>,
    pub taxes_included: bool,
    /// Whether prices include duties.
    pub duties_included: bool,
    pub tax_exempt: bool,
    /// A test order: no money moved.
    pub test: bool,
    pub note: Option<String>,
    /// Without private and blank ones.
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
    /// Codes the customer entered, without the names of other discounts, which Shopify puts among them.
    pub discount_codes: Vec<String>,
    pub tax_lines: Vec<TaxLine>,
    /// Fees with their names. An event tells their sum alone.
    pub additional_fees: Vec<AdditionalFee>,
    pub totals: Totals,
    /// Sorted.
    pub tags: Vec<String>,
}

/// The order's sums. Those named `current` are of what is still ordered, after returns, refunds and edits; the
/// others of all that was ever ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct Totals {
    /// All lines after discounts. With tax, if taxes are included.
    pub subtotal: MoneyBag,
    /// All discounts, those on shipping among them.
    pub discounts: MoneyBag,
    /// All shipping lines, before discounts.
    pub shipping: MoneyBag,
    pub tax: MoneyBag,
    /// As calculated when the order was placed. Absent where duties do not apply.
    pub duties: Option<MoneyBag>,
    /// Absent where there are none.
    pub additional_fees: Option<MoneyBag>,
    /// What was ordered.
    pub total: MoneyBag,
    /// What was ordered before anything was edited. An event does not tell.
    pub first_total: Option<MoneyBag>,
    pub current_subtotal: MoneyBag,
    pub current_discounts: MoneyBag,
    /// After discounts. Absent where an event does not tell.
    pub current_shipping: Option<MoneyBag>,
    pub current_tax: MoneyBag,
    pub current_duties: Option<MoneyBag>,
    pub current_additional_fees: Option<MoneyBag>,
    pub current_total: MoneyBag,
    pub tip: ShopAmount,
    /// What payments in cash were rounded by: what was handed over is what was received and this.
    pub cash_rounding: MoneyBag,
    /// Not yet moved: authorized or still to be paid; negative, to be paid back.
    pub outstanding: ShopAmount,
    /// All that came in, whether or not it went back.
    pub received: ShopAmount,
    /// All that went back.
    pub refunded: ShopAmount,
    /// Authorized and not yet taken. Absent where an event does not tell.
    pub capturable: Option<MoneyBag>,
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

/// A fee that is neither shipping, tax nor duty, such as for recycling.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(rename_all = "camelCase")]
pub struct AdditionalFee {
    pub name: String,
    /// Without its tax.
    pub price: MoneyBag,
    pub tax_lines: Vec<TaxLine>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct ShippingLine {
    pub title: String,
    pub code: Option<String>,
    /// Before discounts.
    pub price: MoneyBag,
    pub discounted_price: MoneyBag,
    /// After discounts and refunds.
    pub current_price: MoneyBag,
    pub discounts: Vec<DiscountAllocation>,
    pub tax_lines: Vec<TaxLine>,
}

/// What somebody chose or wrote. Neither private, which its name would say with a `_`, nor blank.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct Attribute {
    pub name: String,
    /// Where it was no text, what was written, on one line.
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

discreet! {
    Order: id, updated_at;
    Customer: id;
    LineItem: id, quantity;
    Address: country_code;
    Attribute:;
}

/// Attributes, whether they are written as a list or as an object; none of anything else.
fn attributes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Attribute>, D::Error> {
    #[derive(Deserialize)]
    struct Wire {
        #[serde(default, alias = "key", deserialize_with = "text")]
        name: Option<String>,
        #[serde(default)]
        value: Option<Box<RawValue>>,
    }
    let named = |json: Box<RawValue>| {
        let wire: Wire = serde_json::from_str(json.get()).ok()?;
        Some((wire.name?, wire.value.map(|value| plain_text(&value)).unwrap_or_default()))
    };
    let all: Vec<(String, String)> = match Loose::deserialize(deserializer)? {
        Loose::Fields(fields) => fields.into_iter().map(|(name, value)| (name, plain_text(&value))).collect(),
        Loose::Elements(elements) => elements.into_iter().filter_map(named).collect(),
        Loose::Text(_) | Loose::Other => Vec::new(),
    };
    let shown = all.into_iter().filter(|(name, value)| {
        !name.trim_start().starts_with('_') && !name.trim().is_empty() && !value.trim().is_empty()
    });
    Ok(shown.map(|(name, value)| Attribute { name, value }).collect())
}

/// When to pay, from the instalments' due dates and whether each is paid.
fn due_at(schedules: impl Iterator<Item = (Option<Timestamp>, bool)> + Clone) -> Option<Timestamp> {
    let unpaid = schedules.clone().filter(|(_, paid)| !paid).filter_map(|(due, _)| due).min();
    unpaid.or_else(|| schedules.filter_map(|(due, _)| due).max())
}

#[cfg(test)]
mod tests;
