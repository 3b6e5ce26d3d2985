//! The driver data of account statements: what a template designer maps in Exstream.
//! Public contract: `schemas/account-statement.v1.json`.

use crate::{
    ledger::Kind,
    period::Period,
    statement::{Ageing, OpenOrder, Statement},
};
use comms::{CurrencyCode, Gid, InvalidMoney, Money};
use driver::{AddressData, CustomerData, Envelope, iso};
use jiff::{civil::Date, tz::TimeZone};
use schemars::JsonSchema;
use serde::Serialize;
use shopify::account::Account;

/// What an account owes, and how it came to that. Positive amounts raise what the customer owes, negative ones
/// lower it. Days are days in the shop's time zone. What is not known is absent.
#[derive(Clone, Serialize, JsonSchema)]
pub struct StatementData {
    #[serde(flatten)]
    pub(crate) envelope: Envelope,
    #[serde(flatten)]
    pub(crate) holder: Holder,
    /// One for each currency, in the order of their codes. They are never added up.
    pub(crate) statements: Vec<CurrencyData>,
    /// How to pay, as the shop says it in this locale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payment_instructions: Option<String>,
}

/// Whose account, and for when. Flattened into the document.
#[derive(Clone, Serialize, JsonSchema)]
pub(crate) struct Holder {
    account: AccountData,
    /// Who the document is addressed to.
    customer: CustomerData,
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_address: Option<AddressData>,
    period: Period,
    /// The day of the document.
    #[schemars(with = "String")]
    issued_on: Date,
}

#[derive(Clone, Serialize, JsonSchema)]
struct AccountData {
    /// A company location or a customer.
    id: Gid,
    kind: AccountKind,
    /// The location's or the customer's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    company: Option<String>,
    /// The shop's own number for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    /// Such as `Net 30`.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_terms: Option<String>,
}

#[derive(Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum AccountKind {
    CompanyLocation,
    Customer,
}

#[derive(Clone, Serialize, JsonSchema)]
pub(crate) struct CurrencyData {
    currency: CurrencyCode,
    opening_balance: Money,
    /// What happened in the period, the earliest first.
    entries: Vec<EntryData>,
    totals: TotalsData,
    /// The opening balance and all entries; negative, what the shop owes the customer.
    closing_balance: Money,
    ageing: AgeingData,
    /// What is to be paid or was paid too much, an order each.
    open_items: Vec<OpenItem>,
    /// How many orders have an adjustment, because Shopify's outstanding amount cannot be explained by the
    /// other entries. For an operator to look into.
    unreconciled_orders: usize,
    /// The adjustments of these orders, all taken as positive.
    unreconciled: Money,
}

#[derive(Clone, Serialize, JsonSchema)]
struct EntryData {
    date: String,
    kind: Kind,
    order: OrderData,
    /// How it was paid or paid back.
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    amount: Money,
    /// After this entry.
    balance: Money,
}

#[derive(Clone, Serialize, JsonSchema)]
pub(crate) struct OrderData {
    id: Gid,
    /// The name the customer knows, such as `#1001`.
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    po_number: Option<String>,
}

/// The entries of the period by kind. With the opening balance they add up to the closing balance.
#[derive(Clone, Serialize, JsonSchema)]
struct TotalsData {
    invoices: Money,
    credits: Money,
    payments: Money,
    refunds: Money,
    adjustments: Money,
}

/// The closing balance by how long it has been due at the period's end.
#[derive(Clone, Serialize, JsonSchema)]
struct AgeingData {
    not_due: Money,
    overdue: Vec<BucketData>,
    /// All that is to be paid: what is not due and what is overdue.
    open: Money,
    /// What was paid too much on other orders. Zero or negative; with `open` it is the closing balance.
    unapplied_credits: Money,
}

#[derive(Clone, Serialize, JsonSchema)]
struct BucketData {
    from_days: u32,
    /// Absent in the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    to_days: Option<u32>,
    amount: Money,
    orders: usize,
}

#[derive(Clone, Serialize, JsonSchema)]
struct OpenItem {
    order: OrderData,
    /// When the order was placed.
    date: String,
    /// Absent where Shopify does not tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    due_date: Option<Date>,
    /// At the period's end; 0 if it is not due.
    days_overdue: u32,
    amount: Money,
}

impl Holder {
    pub fn new(account: &Account, period: &Period, issued_on: Date) -> Self {
        let location = account.is_company_location();
        let contact = &account.contact;
        Self {
            account: AccountData {
                id: account.id.clone(),
                kind: if location { AccountKind::CompanyLocation } else { AccountKind::Customer },
                name: account.name.clone(),
                company: account.company.as_ref().map(|company| company.name.clone()),
                number: account.external_id.clone(),
                payment_terms: account.payment_terms.clone(),
            },
            customer: CustomerData {
                id: contact.customer.clone(),
                name: contact.name.clone(),
                email: contact.email.clone(),
                phone: None,
                company_location: location.then(|| account.id.clone()),
            },
            billing_address: account.address.as_ref().map(AddressData::new),
            period: period.clone(),
            issued_on,
        }
    }
}

impl StatementData {
    pub(crate) fn is_unreconciled(&self) -> bool {
        self.statements.iter().any(|it| it.unreconciled_orders > 0)
    }
}

impl CurrencyData {
    pub fn new(
        statement: &Statement<'_>,
        ageing_days: &[u16],
        zone: &TimeZone,
    ) -> Result<Self, InvalidMoney> {
        let sum = |kind| statement.sum(kind).map(|(sum, _)| sum);
        let entries = statement.lines.iter().map(|(entry, balance)| EntryData {
            date: iso(entry.at, zone),
            kind: entry.kind,
            order: OrderData::new(entry.order),
            method: entry.method.map(str::to_owned),
            amount: entry.amount,
            balance: *balance,
        });
        Ok(Self {
            currency: statement.currency,
            opening_balance: statement.opening,
            entries: entries.collect(),
            totals: TotalsData {
                invoices: sum(Kind::Invoice)?,
                credits: sum(Kind::Credit)?,
                payments: sum(Kind::Payment)?,
                refunds: sum(Kind::Refund)?,
                adjustments: sum(Kind::Adjustment)?,
            },
            closing_balance: statement.closing,
            ageing: AgeingData::new(statement.ageing(ageing_days)?)?,
            open_items: statement.open.iter().map(|open| OpenItem::new(open, zone)).collect(),
            unreconciled_orders: statement.adjusted_orders,
            unreconciled: statement.adjusted,
        })
    }
}

impl AgeingData {
    fn new(ageing: Ageing) -> Result<Self, InvalidMoney> {
        let overdue = ageing.overdue.iter().map(|bucket| bucket.amount);
        Ok(Self {
            not_due: ageing.not_due,
            open: overdue.into_iter().try_fold(ageing.not_due, Money::checked_add)?,
            overdue: ageing
                .overdue
                .iter()
                .map(|bucket| BucketData {
                    from_days: bucket.from,
                    to_days: bucket.to,
                    amount: bucket.amount,
                    orders: bucket.orders,
                })
                .collect(),
            unapplied_credits: ageing.unapplied,
        })
    }
}

impl OpenItem {
    fn new(open: &OpenOrder<'_>, zone: &TimeZone) -> Self {
        Self {
            order: OrderData::new(open.order),
            date: iso(open.order.processed_at, zone),
            due_date: open.due,
            days_overdue: open.days_overdue,
            amount: open.amount,
        }
    }
}

impl OrderData {
    pub fn new(order: &shopify::account::AccountOrder) -> Self {
        Self { id: order.id.clone(), name: order.name.clone(), po_number: order.po_number.clone() }
    }
}
