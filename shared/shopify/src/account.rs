//! Trade accounts: a company location or a customer, with every order they ever placed.
//!
//! Owns the two bulk queries that fetch all accounts of a shop, and the types their lines are read into.
//! Amounts are those the customer saw, in the currency of each order: it is what they owe. A bulk query can go
//! two connections deep, and no list in it may hold one; what Shopify only tells below that is not known here:
//! the lines of orders and refunds, the instalments of payment terms, the dates of edits. Orders older than 60
//! days need the scope `read_all_orders`; without it Shopify leaves them out, says nothing, and balances are wrong.

mod wire;

use crate::{Address, AdminApi, AdminError, Call};
use comms::{CurrencyCode, Gid, Money};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use std::fmt;

const ALL_ORDERS: &str = "read_all_orders";

const LOCATIONS: &str = include_str!("../graphql/bulk_statement_locations.graphql");
const CUSTOMERS: &str = include_str!("../graphql/bulk_statement_customers.graphql");
/// What stands in the customers' query where the shop's tag belongs.
const TAG: &str = "tag:'statements'";

/// The bulk query for all company locations.
pub const fn locations_query() -> &'static str {
    LOCATIONS
}

/// The bulk query for all customers with `tag`. What the search does with a tag is not to be relied on, and a
/// bulk operation tells of no ignored search term: look at [`Account::has_tag`] as well.
pub fn customers_query(tag: &str) -> String {
    let mut term = String::with_capacity(tag.len());
    for c in tag.chars().filter(|c| !c.is_control()) {
        match c {
            // escaped for the search, and that escape for the string it stands in
            '\\' => term.push_str(r"\\\\"),
            '\'' => term.push_str(r"\\'"),
            '"' => term.push_str(r#"\""#),
            c => term.push(c),
        }
    }
    CUSTOMERS.replacen(TAG, &format!("tag:'{term}'"), 1)
}

impl AdminApi {
    /// Whether the app sees orders of any age.
    pub async fn sees_all_orders(&self, call: Call<'_>) -> Result<bool, AdminError> {
        Ok(self.granted_scopes(call).await?.iter().any(|scope| scope == ALL_ORDERS))
    }
}

/// Who owes, and all they ever ordered.
#[derive(Clone, PartialEq)]
pub struct Account {
    /// The id of a company location or a customer.
    pub id: Gid,
    /// The location's or the customer's name.
    pub name: Option<String>,
    /// Company locations only.
    pub company: Option<Company>,
    /// The shop's own number for a company location.
    pub external_id: Option<String>,
    pub contact: Contact,
    /// The languages to write in, the preferred one first.
    pub locales: Vec<String>,
    /// A location's billing address, else the one it is shipped to; a customer's default one.
    pub address: Option<Address>,
    /// The terms a company location buys on, such as `Net 30`.
    pub payment_terms: Option<String>,
    /// Customers only.
    pub tags: Vec<String>,
    /// In the order of the bulk result.
    pub orders: Vec<AccountOrder>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct Company {
    pub id: Gid,
    pub name: Option<String>,
}

/// Who gets mail about an account: the customer, or the main contact of the location's company.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Contact {
    pub customer: Option<Gid>,
    pub name: Option<String>,
    pub email: Option<String>,
}

/// An order as far as an account is concerned. All amounts are in one currency.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountOrder {
    pub id: Gid,
    /// The name the customer knows, such as `#1001`.
    pub name: String,
    pub processed_at: Timestamp,
    pub cancelled_at: Option<Timestamp>,
    /// A test order: no money moved.
    pub test: bool,
    pub po_number: Option<String>,
    /// The currency the customer saw.
    pub currency: CurrencyCode,
    pub taxes_included: bool,
    /// How many units were ordered.
    pub units: u64,
    /// All lines after discounts, before returns. With tax, if taxes are included.
    pub subtotal: Money,
    pub tax: Money,
    pub discounts: Money,
    /// All that was ever ordered, edits included, before returns.
    pub total: Money,
    /// What is still ordered, after returns and removals.
    pub current_total: Money,
    /// By how much refunds were smaller than what was returned; negative, by how much larger.
    pub refund_discrepancy: Money,
    /// What Shopify says is still to be paid; negative, what is to be paid back.
    pub outstanding: Money,
    /// What is authorized and not yet captured.
    pub capturable: Money,
    /// The company location it was bought for, in a customer's account.
    pub bought_for: Option<Gid>,
    pub terms: Option<Terms>,
    pub transactions: Vec<Transaction>,
    pub refunds: Vec<Refund>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Such as `Net 30`.
    pub name: Option<String>,
    /// Absent for terms with a fixed date, or due on fulfilment: those dates are too deep for a bulk query.
    pub due_in_days: Option<u32>,
    /// Whether anything of it is overdue at the time of the query.
    pub overdue: bool,
}

#[derive(Clone, PartialEq, Eq)]
pub struct Transaction {
    pub id: Gid,
    pub kind: TransactionKind,
    pub status: TransactionStatus,
    pub at: Timestamp,
    /// Such as `bank_deposit` or `shopify_store_credit`.
    pub gateway: Option<String>,
    /// The gateway's name for people.
    pub gateway_name: Option<String>,
    /// The last four digits of the card.
    pub card_last_digits: Option<String>,
    /// Never negative: the kind says which way it went.
    pub amount: Money,
}

/// What a transaction does with money, as far as a balance is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionKind {
    /// `SALE` and `CAPTURE`.
    Payment,
    /// `REFUND`, and `CHANGE` given back at the till.
    Refund,
    /// Authorizations, voids, suggestions: no money moves.
    Other,
    /// One that Shopify has added since: it may have moved money.
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionStatus {
    Success,
    /// It may still succeed.
    Open,
    Failed,
}

/// Something taken back or off the order, with or without money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    pub id: Gid,
    pub at: Timestamp,
    /// The money that went back, or is on its way.
    pub amount: Money,
}

/// Names the order and nothing of what it says, which is personal.
impl fmt::Debug for AccountOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountOrder").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Names the account and nothing of what it says, which is personal.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A kind Shopify has added since might move money: whether it did, the order's sums say.
impl<'de> Deserialize<'de> for TransactionKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "SALE" | "CAPTURE" => Ok(Self::Payment),
            "REFUND" | "CHANGE" => Ok(Self::Refund),
            "AUTHORIZATION" | "EMV_AUTHORIZATION" | "SUGGESTED_REFUND" | "VOID" => Ok(Self::Other),
            _ => Ok(Self::Unknown),
        }
    }
}

impl<'de> Deserialize<'de> for TransactionStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match String::deserialize(deserializer)?.as_str() {
            "SUCCESS" => Self::Success,
            "ERROR" | "FAILURE" => Self::Failed,
            _ => Self::Open,
        })
    }
}

impl Account {
    pub fn is_company_location(&self) -> bool {
        self.id.kind() == "CompanyLocation"
    }

    /// Whether the customer has a tag. In Shopify, tags that differ in case only are one.
    pub fn has_tag(&self, tag: &str) -> bool {
        let tag = tag.trim().to_lowercase();
        self.tags.iter().any(|it| it.trim().to_lowercase() == tag)
    }
}

#[cfg(test)]
mod tests;
