//! What all exception letters have in common: from whom, to whom, about which order, and whom to ask.

use comms::{CommunicationId, Document, HttpsUrl};
use driver::{AddressData, CustomerData, Envelope, OrderRef, TextLine, day, iso, text_lines};
use flow::Gather;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use schemars::JsonSchema;
use serde::Serialize;
use shop_config::{ShopConfig, text_in};
use shopify::{Method, Order, payment::Subscriber};
use std::fmt;

/// A letter. Amounts are in the currency the customer saw, unless they name another. Dates are ISO 8601 with
/// the offset of the shop's time zone, or days. What is not known is absent. Words of Shopify's are in lower
/// case; there can be ones that Shopify has added since, so a template needs a text for "any other".
#[derive(Clone, Serialize, JsonSchema)]
pub struct Letter<M> {
    #[serde(flatten)]
    envelope: Envelope,
    /// When the letter was written.
    date: String,
    /// The day on which the letter was written.
    date_on: String,
    /// To whom it is written.
    customer: CustomerData,
    /// Where the letter goes if it is printed.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<AddressData>,
    /// The order that it is about. Absent where a subscription's payment failed before there was an order.
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<OrderRef>,
    /// Whom to turn to, line by line.
    contact: Vec<TextLine>,
    #[serde(flatten)]
    matter: M,
}

/// What a letter is written with.
pub struct Letterhead<'a> {
    pub document: Document,
    pub communication: &'a CommunicationId,
    pub locale: &'a str,
    pub config: &'a ShopConfig,
    pub now: Timestamp,
}

impl<'a> Letterhead<'a> {
    pub fn of(gather: &Gather<'a>, locale: &'a str) -> Self {
        Self {
            document: gather.plan.document,
            communication: gather.communication,
            locale,
            config: gather.config,
            now: gather.now,
        }
    }

    pub fn zone(&self) -> &'a TimeZone {
        &self.config.time_zone
    }
}

impl<M> Letter<M> {
    pub fn about_order(head: &Letterhead<'_>, order: &Order, matter: M) -> Self {
        let address = order.billing_address.as_ref().or(order.shipping_address.as_ref());
        let customer = CustomerData::new(order);
        let order = Some(OrderRef::new(order, head.zone()));
        Self { order, ..Self::new(head, customer, address.map(AddressData::new), matter) }
    }

    pub fn to_subscriber(head: &Letterhead<'_>, subscriber: &Subscriber, matter: M) -> Self {
        let customer = CustomerData {
            id: Some(subscriber.customer.id.clone()),
            name: subscriber.customer.name(),
            email: subscriber.customer.email.clone(),
            phone: subscriber.customer.phone.clone(),
            company_location: None,
        };
        Self::new(head, customer, subscriber.address.as_ref().map(AddressData::new), matter)
    }

    fn new(head: &Letterhead<'_>, customer: CustomerData, address: Option<AddressData>, matter: M) -> Self {
        Self {
            envelope: Envelope::new(head.document, head.communication, head.locale, head.config),
            date: iso(head.now, head.zone()),
            date_on: day(head.now, head.zone()),
            customer,
            address,
            order: None,
            contact: text_lines(head.config.exceptions.contact(head.locale)),
            matter,
        }
    }
}

/// Names the letter and nothing of what it says, which is personal.
impl<M> fmt::Debug for Letter<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter")
            .field("schema", &self.envelope.schema)
            .field("communication", &self.envelope.communication)
            .field("shop", &self.envelope.shop)
            .finish_non_exhaustive()
    }
}

/// How the customer can pay for an order.
#[derive(Clone, Serialize, JsonSchema)]
pub struct PayData {
    /// Where to pay.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// How to pay otherwise, in the letter's language.
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<String>,
    /// The last day to pay, such as `2026-12-06`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"2026-12-06")]
    by: Option<String>,
}

impl PayData {
    /// `url` is the address Shopify has for this very payment.
    pub fn new(head: &Letterhead<'_>, url: Option<&str>) -> Self {
        let settings = &head.config.exceptions;
        let texts = &settings.payment_instructions;
        // in the letter's language or not at all
        let instructions = text_in(texts, head.locale, head.locale);
        let days = settings.payment_deadline_days;
        Self {
            url: url.or(settings.payment_url.as_ref().map(HttpsUrl::as_str)).map(str::to_owned),
            instructions: instructions.map(str::to_owned),
            by: days.and_then(|days| day_after(head.now, days, head.zone())),
        }
    }
}

/// With what was paid.
#[derive(Clone, Serialize, JsonSchema)]
pub struct MethodData {
    /// What the customer would call it, such as `Visa` or `PayPal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The card's company, such as `Visa`.
    #[serde(skip_serializing_if = "Option::is_none")]
    card_company: Option<String>,
    /// The last digits of the card or account, at most four.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"4242")]
    card_last_digits: Option<String>,
}

impl MethodData {
    /// Nothing of a method of which nothing is known.
    pub fn new(method: &Method) -> Option<Self> {
        (*method != Method::default()).then(|| Self {
            name: method.known_as().map(str::to_owned),
            card_company: method.card_company.clone(),
            card_last_digits: method.last_digits.clone(),
        })
    }
}

/// The day `days` after `at`, in the shop's zone. Nothing beyond the calendar's end.
pub fn day_after(at: Timestamp, days: u16, zone: &TimeZone) -> Option<String> {
    let day = at.to_zoned(zone.clone()).date().checked_add(i64::from(days).days()).ok()?;
    Some(day.to_string())
}
