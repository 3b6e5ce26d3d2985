//! The driver data: what a template designer maps in Exstream. Public contracts: `schemas/promotional-offer.v1.json`,
//! `schemas/loyalty-statement.v1.json`, `schemas/replenishment-reminder.v1.json`.
//!
//! Dates of the day are `2026-11-22`, moments ISO 8601 with the offset of the shop's time zone. Points are decimal
//! numbers as text. What is not known is absent.

use crate::{
    points::{self, Account, Kind, Period, Tier},
    replenish::Due,
};
use comms::{InvalidMoney, Money};
use driver::{AddressData, CustomerData, Envelope, iso};
use jiff::{Span, Timestamp, civil::Date, tz::TimeZone};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use shop_config::{Offer, ShopConfig, text_in};
use shopify::marketing::{Prospect, Purchase};
use std::collections::HashSet;

/// Titles of what was bought lately: enough for a sentence.
const TITLES: usize = 5;

/// Who it is for.
#[derive(Clone, Serialize, JsonSchema)]
pub struct Addressee {
    customer: CustomerData,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<AddressData>,
}

#[derive(Clone, Serialize, JsonSchema)]
pub struct OfferData {
    /// The name in the shop's configuration.
    name: String,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The discount code that redeems it.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// The last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    valid_until: Option<Date>,
}

/// An offer to a customer.
#[derive(Clone, Serialize, JsonSchema)]
pub struct Promotion {
    #[serde(flatten)]
    pub envelope: Envelope,
    #[serde(flatten)]
    pub addressee: Addressee,
    pub offer: OfferData,
    /// What the customer bought lately, newest first.
    pub recently_bought: Vec<String>,
}

/// A customer's points.
#[derive(Clone, Serialize, JsonSchema)]
pub struct Statement {
    #[serde(flatten)]
    pub envelope: Envelope,
    #[serde(flatten)]
    pub addressee: Addressee,
    pub period: PeriodData,
    /// What changed the points in the period, oldest first.
    pub movements: Vec<MovementData>,
    pub points: PointsData,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer: Option<OfferData>,
}

/// Both days are included.
#[derive(Clone, Serialize, JsonSchema)]
pub struct PeriodData {
    #[schemars(with = "String")]
    from: Date,
    #[schemars(with = "String")]
    to: Date,
}

#[derive(Clone, Serialize, JsonSchema)]
pub struct MovementData {
    date: String,
    /// The order's name, such as `#1001`.
    order: String,
    kind: Kind,
    /// Negative where money was paid back.
    amount: Money,
    points: String,
}

/// Where the shop counts points itself, `opening` + `earned` - `taken` is `balance`.
#[derive(Clone, Serialize, JsonSchema)]
pub struct PointsData {
    /// At the beginning of the period. Absent where another app keeps the balance.
    #[serde(skip_serializing_if = "Option::is_none")]
    opening: Option<String>,
    earned: String,
    /// By money paid back and cancelled orders.
    taken: String,
    balance: String,
    /// When the balance was what it says.
    balance_date: String,
    /// What was paid less what was paid back in the period. Absent without movements.
    #[serde(skip_serializing_if = "Option::is_none")]
    net_spend: Option<Money>,
}

/// Something a customer bought is about to run out.
#[derive(Clone, Serialize, JsonSchema)]
pub struct Reminder {
    #[serde(flatten)]
    pub envelope: Envelope,
    #[serde(flatten)]
    pub addressee: Addressee,
    pub item: ItemData,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer: Option<OfferData>,
}

#[derive(Clone, Serialize, JsonSchema)]
pub struct ItemData {
    sku: String,
    title: String,
    quantity: u64,
    /// The name of the order it came with.
    order: String,
    #[schemars(with = "String")]
    bought: Date,
    /// The day it is expected to have run out.
    #[schemars(with = "String")]
    empty: Date,
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
            url: offer.url.clone(),
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
pub fn recently_bought(purchases: &[Purchase]) -> Vec<String> {
    let mut seen = HashSet::new();
    let kept = purchases.iter().filter(|purchase| purchase.cancelled_at.is_none());
    let lines = kept.flat_map(|purchase| &purchase.lines).filter(|line| line.quantity > 0);
    let titles = lines.map(|line| line.title.as_str()).filter(|title| seen.insert(*title));
    titles.take(TITLES).map(str::to_owned).collect()
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
            order: entry.order.clone(),
            kind: entry.kind,
            amount: entry.amount,
            points: points::text(entry.points),
        })
        .collect()
}

impl PointsData {
    /// `kept` is the balance that another app keeps.
    pub fn new(
        account: &Account,
        kept: Option<Decimal>,
        at: Timestamp,
        zone: &TimeZone,
    ) -> Result<Self, InvalidMoney> {
        let mut amounts = account.entries.iter().map(|entry| entry.amount);
        let first = amounts.next();
        let net_spend = first.map(|first| amounts.try_fold(first, Money::checked_add)).transpose()?;
        Ok(Self {
            opening: kept.is_none().then(|| points::text(account.opening)),
            earned: points::text(account.earned),
            taken: points::text(account.taken),
            balance: points::text(kept.unwrap_or(account.closing)),
            balance_date: iso(at, zone),
            net_spend,
        })
    }
}

impl ItemData {
    pub fn new(due: &Due) -> Self {
        Self {
            sku: due.sku.clone(),
            title: due.title.clone(),
            quantity: due.quantity,
            order: due.order_name.clone(),
            bought: due.bought,
            empty: due.empty,
        }
    }
}
