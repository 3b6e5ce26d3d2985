//! The driver data of account statements: what a template designer maps in Exstream.
//! Public contract: `schemas/account-statement.v1.json`.

use crate::{
    ledger::{CorrectionReason, Entry, Kind, Named},
    period::{Period, day},
    statement::{Ageing, OpenOrder, Parts, Statement},
};
use comms::{CurrencyCode, Gid, InvalidMoney, Money};
use driver::{AddressData, CustomerData, Envelope, iso};
use jiff::{civil::Date, tz::TimeZone};
use rust_decimal::Decimal;
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
    /// How to pay, as the shop says it in this locale. Absent where nothing is owed in any currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["Please pay by bank transfer to IBAN DE00 0000 0000 0000 0000 00."]))]
    pub(crate) payment_instructions: Option<String>,
}

/// Whose account, and for when. Flattened into the document.
#[derive(Clone, Serialize, JsonSchema)]
pub(crate) struct Holder {
    /// The account.
    account: AccountData,
    /// Who the document is addressed to.
    customer: CustomerData,
    /// Where the account's holder is invoiced.
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_address: Option<AddressData>,
    /// The days that the document covers.
    period: Period,
    /// The day of the document.
    #[schemars(with = "String")]
    issued_on: Date,
}

#[derive(Clone, Serialize, JsonSchema)]
struct AccountData {
    /// A company location or a customer.
    #[schemars(extend("examples" = ["gid://shopify/CompanyLocation/311"]))]
    id: Gid,
    /// Whether it is a company's or a person's.
    kind: AccountKind,
    /// The location's or the customer's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["Rivage Nantes"]))]
    name: Option<String>,
    /// The company's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["Hôtels Rivage SAS"]))]
    company: Option<String>,
    /// The shop's own number for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["D-4711"]))]
    number: Option<String>,
    /// The terms that the account buys on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["Net 30"]))]
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
    /// The currency of every amount here.
    currency: CurrencyCode,
    /// The balance that the last statement ended with.
    #[schemars(extend("x-tax" = "payment"))]
    opening_balance: Money,
    /// What happened in the period, the earliest first, and what of the time before is on no earlier statement.
    entries: Vec<EntryData>,
    /// The entries by kind.
    totals: TotalsData,
    /// The opening balance and all entries; negative, what the shop owes the customer.
    #[schemars(extend("x-tax" = "payment"))]
    closing_balance: Money,
    /// The closing balance by age.
    ageing: AgeingData,
    /// What is to be paid or was paid too much, one item per order.
    open_items: Vec<OpenItem>,
    /// How many orders have an adjustment, because Shopify's outstanding amount cannot be explained by the
    /// other entries. For an operator to look into.
    unreconciled_orders: usize,
    /// The adjustments of these orders, all taken as positive.
    #[schemars(extend("x-tax" = "payment"))]
    unreconciled: Money,
}

#[derive(Clone, Serialize, JsonSchema)]
struct EntryData {
    /// When it happened; of a correction that no single entry explains, the period's beginning.
    date: String,
    /// The day of `date`.
    #[schemars(with = "String")]
    date_on: Date,
    /// What it is.
    kind: Kind,
    /// Absent where no order explains a correction.
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<OrderData>,
    /// How it was paid or paid back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["Bank transfer"]))]
    method: Option<String>,
    /// The last four digits of the card that paid or was paid back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["4242"]))]
    card_last_digits: Option<String>,
    /// What explains a correction, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    correction: Option<CorrectionData>,
    /// What it adds to the balance.
    #[schemars(extend("x-tax" = "payment"))]
    amount: Money,
    /// After this entry.
    #[schemars(extend("x-tax" = "payment"))]
    balance: Money,
}

/// Why a statement corrects what the last one said.
#[derive(Clone, Serialize, JsonSchema)]
struct CorrectionData {
    /// Why the time before the period is counted differently than it was.
    reason: CorrectionReason,
    /// What was recorded late.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<Kind>,
}

#[derive(Clone, Serialize, JsonSchema)]
pub(crate) struct OrderData {
    /// The order.
    #[schemars(extend("examples" = ["gid://shopify/Order/1001"]))]
    id: Gid,
    /// The name the customer knows.
    #[schemars(extend("examples" = ["#1001", "#1002"]))]
    name: String,
    /// The customer's own number for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["PO-77", "PO-78"]))]
    po_number: Option<String>,
}

/// The entries of the period by kind. With the opening balance they add up to the closing balance.
#[derive(Clone, Serialize, JsonSchema)]
struct TotalsData {
    /// What was ordered.
    #[schemars(extend("x-tax" = "payment"))]
    invoices: Money,
    /// What was returned, removed, cancelled or forgiven.
    #[schemars(extend("x-tax" = "payment"))]
    credits: Money,
    /// What was paid.
    #[schemars(extend("x-tax" = "payment"))]
    payments: Money,
    /// What was paid back.
    #[schemars(extend("x-tax" = "payment"))]
    refunds: Money,
    /// What Shopify's own sums say beyond these.
    #[schemars(extend("x-tax" = "payment"))]
    adjustments: Money,
    /// What changed of the time before, after the last statement was made.
    #[schemars(extend("x-tax" = "payment"))]
    corrections: Money,
}

/// The closing balance by how long it has been due at the period's end.
#[derive(Clone, Serialize, JsonSchema)]
struct AgeingData {
    /// What is to be paid later.
    #[schemars(extend("x-tax" = "payment"))]
    not_due: Money,
    /// What is overdue, by how long.
    overdue: Vec<BucketData>,
    /// All that is to be paid: what is not due and what is overdue.
    #[schemars(extend("x-tax" = "payment"))]
    open: Money,
    /// What was paid too much on other orders. Zero or negative; with `open` it is the closing balance.
    #[schemars(extend("x-tax" = "payment"))]
    unapplied_credits: Money,
}

#[derive(Clone, Serialize, JsonSchema)]
struct BucketData {
    /// The fewest days overdue.
    from_days: u32,
    /// The most days overdue. Absent in the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    to_days: Option<u32>,
    /// What is overdue for so long.
    #[schemars(extend("x-tax" = "payment"))]
    amount: Money,
    /// On how many orders.
    orders: usize,
}

/// One order. Its parts sum to its amount.
#[derive(Clone, Serialize, JsonSchema)]
struct OpenItem {
    /// The order.
    order: OrderData,
    /// When the order was placed.
    date: String,
    /// The day of `date`.
    #[schemars(with = "String")]
    date_on: Date,
    /// The day by which it is to be paid. Absent where Shopify does not tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("examples" = ["2026-11-22"]))]
    due_date: Option<Date>,
    /// At the period's end; 0 if it is not due.
    days_overdue: u32,
    /// What was ordered.
    #[schemars(extend("x-tax" = "payment"))]
    invoiced: Money,
    /// What was returned, removed, cancelled or forgiven. Zero or negative.
    #[schemars(extend("x-tax" = "payment"))]
    credited: Money,
    /// What was paid, less what was paid back: negative, if something is left of it.
    #[schemars(extend("x-tax" = "payment"))]
    paid: Money,
    /// What Shopify's own sums say beyond these. Absent where they say nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "payment"))]
    adjusted: Option<Money>,
    /// What is to be paid; negative, what was paid too much.
    #[schemars(extend("x-tax" = "payment"))]
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
                company: account.company.as_ref().and_then(|company| company.name.clone()),
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
    /// Whether anything is to be paid in any currency.
    pub(crate) fn is_owed(statements: &[CurrencyData]) -> bool {
        statements.iter().any(|it| it.closing_balance.amount() > Decimal::ZERO)
    }

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
        let entries = statement.lines.iter().map(|(entry, balance)| EntryData::new(entry, *balance, zone));
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
                corrections: sum(Kind::Correction)?,
            },
            closing_balance: statement.closing,
            ageing: AgeingData::new(statement.ageing(ageing_days)?)?,
            open_items: statement.open.iter().map(|open| OpenItem::new(open, zone)).collect(),
            unreconciled_orders: statement.adjusted_orders,
            unreconciled: statement.adjusted,
        })
    }
}

impl EntryData {
    fn new(entry: &Entry<'_>, balance: Money, zone: &TimeZone) -> Self {
        let correction = entry.correction.map(|it| CorrectionData { reason: it.reason, kind: it.of });
        Self {
            date: iso(entry.at, zone),
            date_on: entry.on,
            kind: entry.kind,
            order: entry.order.map(OrderData::from),
            method: entry.paid.and_then(|it| it.gateway_name.clone().or_else(|| it.gateway.clone())),
            card_last_digits: entry.paid.and_then(|it| it.card_last_digits.clone()),
            correction,
            amount: entry.amount,
            balance,
        }
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
        let Parts { invoiced, credited, paid, adjusted } = open.parts;
        Self {
            order: OrderData::from(Named::from(open.order)),
            date: iso(open.order.processed_at, zone),
            date_on: day(open.order.processed_at, zone),
            due_date: open.due,
            days_overdue: open.days_overdue,
            invoiced,
            credited,
            paid,
            adjusted: (!adjusted.amount().is_zero()).then_some(adjusted),
            amount: open.amount,
        }
    }
}

impl From<Named<'_>> for OrderData {
    fn from(order: Named<'_>) -> Self {
        let po_number = order.po_number.map(str::to_owned);
        Self { id: order.id.clone(), name: order.name.to_owned(), po_number }
    }
}
