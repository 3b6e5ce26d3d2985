//! The driver data: what a template designer maps in Exstream. Public contracts: `schemas/promotional-offer.v1.json`,
//! `schemas/loyalty-statement.v1.json`, `schemas/replenishment-reminder.v1.json`.
//!
//! Dates of the day are `2026-11-22`, moments ISO 8601 with the offset of the shop's time zone. Points are whole
//! numbers as text. What is not known is absent.

use crate::{
    points::{self, Account, Kind, Period, Tier, Why},
    replenish::Due,
};
use comms::{InvalidMoney, Money};
use driver::{AddressData, CustomerData, Envelope, TextLine, day, iso};
use jiff::{Span, Timestamp, civil::Date, tz::TimeZone};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use shop_config::{Offer, Purchases, ShopConfig, text_in};
use shopify::marketing::{LineProduct, Prospect, Purchase};
use std::collections::HashSet;

/// Titles of what was bought lately: enough for a sentence.
const TITLES: usize = 5;

/// Who it is for.
#[derive(Clone, Serialize, JsonSchema)]
pub struct Addressee {
    /// The customer.
    customer: CustomerData,
    /// The customer's default postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<AddressData>,
}

#[derive(Clone, Serialize, JsonSchema)]
pub struct OfferData {
    /// The name in the shop's configuration.
    #[schemars(example = &"winter")]
    name: String,
    /// The headline, in the document's language.
    #[schemars(example = "Winter is here: free shipping")]
    title: String,
    /// The text below the headline.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "Until Sunday, on every order.")]
    text: Option<String>,
    /// The discount code that redeems it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"WINTER")]
    code: Option<String>,
    /// The page of the offer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "https://northwind.example/winter")]
    url: Option<String>,
    /// The last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", example = "2026-12-06")]
    valid_until: Option<Date>,
}

/// An offer to a customer.
#[derive(Clone, Serialize, JsonSchema)]
pub struct Promotion {
    #[serde(flatten)]
    pub envelope: Envelope,
    #[serde(flatten)]
    pub addressee: Addressee,
    /// What is offered.
    pub offer: OfferData,
    /// Titles of what the customer bought lately, newest first: what was paid and delivered, if the shop does not say
    /// otherwise.
    pub recently_bought: Vec<TextLine>,
}

/// A customer's points.
#[derive(Clone, Serialize, JsonSchema)]
pub struct Statement {
    #[serde(flatten)]
    pub envelope: Envelope,
    #[serde(flatten)]
    pub addressee: Addressee,
    /// The days the statement covers.
    pub period: PeriodData,
    /// What changed the points in the period, oldest first.
    pub movements: Vec<MovementData>,
    /// Payments of the period that earn no points, and what was paid back of them, oldest first.
    pub not_counted: Vec<UncountedData>,
    /// The points.
    pub points: PointsData,
    /// The level that the balance has reached. Absent if the shop has no levels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// The campaign's offer, as long as it is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer: Option<OfferData>,
}

/// Both days are included.
#[derive(Clone, Serialize, JsonSchema)]
pub struct PeriodData {
    /// The first day.
    #[schemars(with = "String", example = "2026-10-01")]
    from: Date,
    /// The last day.
    #[schemars(with = "String", example = "2026-10-31")]
    to: Date,
}

#[derive(Clone, Serialize, JsonSchema)]
pub struct MovementData {
    /// When the money moved, or the order was cancelled.
    date: String,
    /// The day of that in the shop's time zone.
    date_on: String,
    /// The order's name, such as `#1001`.
    #[schemars(example = "#1001")]
    order: String,
    /// What happened.
    kind: Kind,
    /// In the currency in which points are earned. Negative where money was paid back.
    #[schemars(extend("x-tax" = "payment"))]
    amount: Money,
    /// Negative where it takes points.
    #[schemars(example = "59")]
    points: String,
}

#[derive(Clone, Serialize, JsonSchema)]
pub struct UncountedData {
    /// When the money moved.
    date: String,
    /// The day of that in the shop's time zone.
    date_on: String,
    /// The order's name, such as `#1001`.
    #[schemars(example = "#1001")]
    order: String,
    /// In the shop's currency of that time. Negative where money was paid back.
    #[schemars(extend("x-tax" = "payment"))]
    amount: Money,
    /// Why it moves no points.
    reason: Why,
}

/// Where the shop counts points itself, `opening` + `earned` - `taken` is `balance`.
#[derive(Clone, Serialize, JsonSchema)]
pub struct PointsData {
    /// At the beginning of the period. Absent where another app keeps the balance.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "480")]
    opening: Option<String>,
    /// Earned in the period. Absent where another app keeps the balance and the app may not see all orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "59")]
    earned: Option<String>,
    /// Taken in the period, by money paid back and cancelled orders. Absent as `earned` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "20")]
    taken: Option<String>,
    /// The points that the customer has.
    #[schemars(example = "519")]
    balance: String,
    /// The last moment for which the balance holds: the end of the period's last day, or the time of asking where
    /// another app keeps the balance.
    #[schemars(example = "2026-10-31T23:59:59+01:00")]
    balance_date: String,
    /// The day for which the balance holds, in the shop's time zone.
    #[schemars(example = "2026-10-31")]
    balance_on: String,
    /// What was paid less what was paid back in the period, of what earns points. Absent without movements.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "payment"))]
    net_spend: Option<Money>,
}

/// Things a customer bought are about to run out.
#[derive(Clone, Serialize, JsonSchema)]
pub struct Reminder {
    #[serde(flatten)]
    pub envelope: Envelope,
    #[serde(flatten)]
    pub addressee: Addressee,
    /// What runs out, the first to do so first.
    pub products: Vec<ProductData>,
    /// The campaign's offer, as long as it is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer: Option<OfferData>,
}

#[derive(Clone, Serialize, JsonSchema)]
pub struct ProductData {
    /// The variant's stock keeping unit.
    #[schemars(example = "CARE-WAX-100")]
    sku: String,
    /// As it was called in the order.
    #[schemars(example = "Beeswax for leather, 100 ml")]
    title: String,
    /// How many were bought.
    quantity: u64,
    /// The name of the order it came with.
    #[schemars(example = "#1001")]
    order: String,
    /// The day it was bought.
    #[schemars(with = "String", example = "2026-10-12")]
    bought_on: Date,
    /// The day it is expected to have run out.
    #[schemars(with = "String", example = "2026-11-26")]
    empty_on: Date,
    /// The product's page in the online store. Absent for what is not published there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "https://northwind.example/products/beeswax")]
    product_url: Option<String>,
    /// The address of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "https://cdn.shopify.com/s/files/beeswax.jpg")]
    image_url: Option<String>,
    /// What one costs today in the customer's country, as the online store shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "as_priced"))]
    price: Option<Money>,
}

impl Addressee {
    pub fn new(prospect: &Prospect) -> Self {
        let customer = &prospect.customer;
        Self {
            customer: CustomerData {
                id: Some(customer.id.clone()),
                name: customer.name(),
                email: customer.email.clone(),
                phone: customer.phone.clone(),
                company_location: None,
            },
            address: prospect.address.as_ref().map(AddressData::new),
        }
    }
}

impl OfferData {
    /// An offer made on a day.
    pub fn new(name: &str, offer: &Offer, locale: &str, config: &ShopConfig, made: Date) -> Self {
        let text = |texts| text_in(texts, locale, &config.default_locale).map(str::to_owned);
        let until = |days: u16| made.checked_add(Span::new().days(i64::from(days))).ok();
        Self {
            name: name.to_owned(),
            title: text(&offer.title).unwrap_or_default(),
            text: text(&offer.text),
            code: offer.code.clone(),
            url: offer.url.as_ref().map(ToString::to_string),
            valid_until: offer.valid_days.and_then(until),
        }
    }

    pub fn title(&self) -> &str {
        &self.title
    }

    pub fn has_expired(&self, today: Date) -> bool {
        self.valid_until.is_some_and(|until| until < today)
    }
}

/// The titles of what was bought last and kept, each once.
pub fn recently_bought(purchases: &[Purchase], counts: Purchases) -> Vec<TextLine> {
    let mut seen = HashSet::new();
    let kept = purchases.iter().filter(|it| it.cancelled_at.is_none() && (it.paid || !counts.paid));
    let lines = kept.flat_map(|purchase| &purchase.lines);
    let lines = lines.filter(|line| line.quantity > 0 && (line.delivered > 0 || !counts.delivered));
    let titles = lines.map(|line| line.title.as_str()).filter(|title| seen.insert(*title));
    titles.take(TITLES).map(|title| TextLine { text: title.to_owned() }).collect()
}

impl PeriodData {
    pub fn new(period: Period) -> Self {
        Self { from: period.from, to: period.to }
    }
}

pub fn movements(account: &Account, zone: &TimeZone) -> Vec<MovementData> {
    let entries = account.entries.iter();
    entries
        .map(|entry| MovementData {
            date: iso(entry.at, zone),
            date_on: day(entry.at, zone),
            order: entry.order.clone(),
            kind: entry.kind,
            amount: entry.amount,
            points: points::text(entry.points),
        })
        .collect()
}

pub fn not_counted(account: &Account, zone: &TimeZone) -> Vec<UncountedData> {
    let entries = account.uncounted.iter();
    entries
        .map(|entry| UncountedData {
            date: iso(entry.at, zone),
            date_on: day(entry.at, zone),
            order: entry.order.clone(),
            amount: entry.amount,
            reason: entry.why,
        })
        .collect()
}

/// Where the balance comes from.
#[derive(Clone, Copy)]
pub enum Balance {
    /// All payments so far, to the end of the period.
    Counted { until: Timestamp },
    /// Another app, asked at a time; the period's payments are known or not.
    Kept { points: Decimal, at: Timestamp, payments: bool },
}

impl Balance {
    pub fn points(self, account: &Account) -> Decimal {
        match self {
            Self::Counted { .. } => account.closing,
            Self::Kept { points, .. } => points,
        }
    }
}

impl PointsData {
    pub fn new(account: &Account, balance: Balance, zone: &TimeZone) -> Result<Self, InvalidMoney> {
        let mut amounts = account.entries.iter().map(|entry| entry.amount);
        let first = amounts.next();
        let net_spend = first.map(|first| amounts.try_fold(first, Money::checked_add)).transpose()?;
        let (counted, moved, at) = match balance {
            Balance::Counted { until } => (true, true, until),
            Balance::Kept { at, payments, .. } => (false, payments, at),
        };
        Ok(Self {
            opening: counted.then(|| points::text(account.opening)),
            earned: moved.then(|| points::text(account.earned)),
            taken: moved.then(|| points::text(account.taken)),
            balance: points::text(balance.points(account)),
            balance_date: iso(at, zone),
            balance_on: day(at, zone),
            net_spend,
        })
    }
}

impl ProductData {
    pub fn new(due: &Due, product: Option<LineProduct>, price: Option<Money>) -> Self {
        let LineProduct { url, image_url, .. } = product.unwrap_or_default();
        Self {
            sku: due.sku.clone(),
            title: due.title.clone(),
            quantity: due.quantity,
            order: due.order_name.clone(),
            bought_on: due.bought,
            empty_on: due.empty,
            product_url: url,
            image_url,
            price,
        }
    }
}
