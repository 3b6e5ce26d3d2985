//! The driver data of letters about a return: what a template designer maps in Exstream. Public contracts:
//! `schemas/return-authorization.v1.json`, `schemas/return-instructions.v1.json`,
//! `schemas/return-declined.v1.json`.

use crate::common::{ExchangeData, FeesData};
use comms::{CommunicationId, Document, Gid, Money};
use driver::{AddressData, CustomerData, Envelope, OrderRef, iso};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use schemars::JsonSchema;
use serde::Serialize;
use shop_config::{ShopConfig, text_in};
use shopify::{
    Order,
    returns::{Decline, Label, Return, ReturnLine},
};

/// A return, for a letter about it. Amounts are in the currency the customer saw. Dates are ISO 8601 with the
/// offset of the shop's time zone. What is not known is absent.
#[derive(Clone, Serialize, JsonSchema)]
pub struct ReturnData {
    #[serde(flatten)]
    envelope: Envelope,
    order: OrderRef,
    customer: CustomerData,
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_address: Option<AddressData>,
    /// Where the goods went.
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_address: Option<AddressData>,
    r#return: ReturnHead,
    lines: Vec<LineData>,
    exchange_lines: Vec<ExchangeData>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fees: Option<FeesData>,
    /// How to send it in. Not in letters that decline.
    #[serde(skip_serializing_if = "Option::is_none")]
    send_in: Option<SendInData>,
    /// Why not. Only in letters that decline.
    #[serde(skip_serializing_if = "Option::is_none")]
    decline: Option<DeclineData>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct ReturnHead {
    id: Gid,
    /// The name the customer knows, such as `#1001-R1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// When the customer asked for it, or the shop opened it.
    date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    approved: Option<String>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct LineData {
    /// 1 for the first line.
    number: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<String>,
    quantity: u64,
    /// Why it is sent back.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What the customer wrote about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_note: Option<String>,
    /// What was paid for it, after discounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restocking_fee: Option<RestockingData>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct RestockingData {
    amount: Money,
    /// `10` is 10 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<String>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct SendInData {
    /// The last day on which it may be sent in, such as `2026-12-22`.
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<String>,
    /// What to do, in the document's language.
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<String>,
    /// The lines of the address it goes to. Empty, if the label says so alone.
    address: Vec<String>,
    /// Where the return can be followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// One a parcel. Empty, if the customer pays the postage or the label comes later.
    labels: Vec<LabelData>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct LabelData {
    #[serde(skip_serializing_if = "Option::is_none")]
    carrier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tracking_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tracking_url: Option<String>,
    /// Where the label can be fetched for printing.
    #[serde(skip_serializing_if = "Option::is_none")]
    file_url: Option<String>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct DeclineData {
    /// Shopify's word: `final_sale`, `return_period_ended` or `other`.
    reason: String,
    /// The shop's text for this reason, in the document's language.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_text: Option<String>,
    /// What the shop wrote to this customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl ReturnData {
    /// # Errors
    /// Names what does not add up.
    pub fn new(
        found: &Return,
        order: &Order,
        document: Document,
        communication: &CommunicationId,
        locale: &str,
        config: &ShopConfig,
    ) -> Result<Self, String> {
        let zone = &config.time_zone;
        let declined = document == Document::ReturnDeclined;
        let send_in = match declined {
            true => None,
            false => Some(SendInData::new(found, locale, config)?),
        };
        let decline = found.decline.as_ref().filter(|_| declined);
        let problem = |error| format!("the return's amounts: {error}");
        Ok(Self {
            envelope: Envelope::new(document, communication, locale, config),
            order: OrderRef::new(order, zone),
            customer: CustomerData::new(order),
            billing_address: order.billing_address.as_ref().map(AddressData::new),
            shipping_address: order.shipping_address.as_ref().map(AddressData::new),
            r#return: ReturnHead {
                id: found.id.clone(),
                name: found.name.clone(),
                date: iso(found.created_at, zone),
                approved: found.approved_at.map(|at| iso(at, zone)),
            },
            lines: found.lines.iter().enumerate().map(|(index, it)| LineData::new(index + 1, it)).collect(),
            exchange_lines: ExchangeData::all(found, order.taxes_included).map_err(problem)?,
            fees: FeesData::new(found).map_err(problem)?,
            send_in,
            decline: decline.map(|it| DeclineData::new(it, locale, config)),
        })
    }

    pub fn schema(&self) -> &str {
        &self.envelope.schema
    }

    /// The published JSON Schema of a document's driver data.
    pub fn json_schema(document: Document) -> serde_json::Value {
        driver::json_schema::<Self>(document)
    }
}

impl LineData {
    fn new(number: usize, line: &ReturnLine) -> Self {
        Self {
            number,
            title: line.title.clone(),
            variant: line.variant.clone(),
            sku: line.sku.clone(),
            quantity: line.quantity,
            reason: line.reason.clone(),
            customer_note: line.customer_note.clone(),
            value: line.value.map(|it| it.presentment),
            restocking_fee: line.restocking_fee.as_ref().map(|fee| RestockingData {
                amount: fee.amount.presentment,
                percent: fee.percent.map(|it| it.normalize().to_string()),
            }),
        }
    }
}

impl SendInData {
    fn new(found: &Return, locale: &str, config: &ShopConfig) -> Result<Self, String> {
        let returns = &config.returns;
        let approved = found.approved_at.unwrap_or(found.created_at);
        let deadline = returns.deadline_days.map(|days| deadline(approved, days, &config.time_zone));
        Ok(Self {
            deadline: deadline.transpose()?,
            instructions: text_in(&returns.instructions, locale, &config.default_locale).map(str::to_owned),
            address: returns.address.clone(),
            url: returns.url.clone(),
            labels: found.labels.iter().map(LabelData::new).collect(),
        })
    }
}

/// The day of the approval, by the shop's clock, does not count.
fn deadline(approved: Timestamp, days: u16, zone: &TimeZone) -> Result<String, String> {
    let day = approved.to_zoned(zone.clone()).date();
    let last = day.checked_add(i32::from(days).days());
    last.map(|day| day.to_string()).map_err(|_| "the deadline is no date".to_owned())
}

impl LabelData {
    fn new(label: &Label) -> Self {
        Self {
            carrier: label.carrier.clone(),
            tracking_number: label.tracking_number.clone(),
            tracking_url: label.tracking_url.clone(),
            file_url: label.file_url.clone(),
        }
    }
}

impl DeclineData {
    fn new(decline: &Decline, locale: &str, config: &ShopConfig) -> Self {
        let texts = config.returns.decline_reasons.get(&decline.reason);
        let text = texts.and_then(|texts| text_in(texts, locale, &config.default_locale));
        Self {
            reason: decline.reason.clone(),
            reason_text: text.map(str::to_owned),
            note: decline.note.clone(),
        }
    }
}
