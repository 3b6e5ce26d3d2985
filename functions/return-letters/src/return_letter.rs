//! The driver data of letters about a return: what a template designer maps in Exstream. Public contracts:
//! `schemas/return-authorization.v1.json`, `schemas/return-instructions.v1.json`,
//! `schemas/return-declined.v1.json`.

use crate::{
    common::{ArticleData, ExchangeData, FeesData},
    label::LabelKind,
};
use comms::{CommunicationId, Document, Gid, InvalidMoney, Money};
use driver::{AddressData, CustomerData, Envelope, OrderRef, TextLine, day, iso, text_lines};
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
    /// The order.
    order: OrderRef,
    /// Who bought.
    customer: CustomerData,
    /// Whom the order was billed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_address: Option<AddressData>,
    /// Where the goods went.
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_address: Option<AddressData>,
    /// The return itself.
    r#return: ReturnHead,
    /// What is sent back.
    lines: Vec<LineData>,
    /// What the customer gets in exchange.
    exchange_lines: Vec<ExchangeData>,
    /// What the return costs.
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
    /// Shopify's id.
    id: Gid,
    /// The name the customer knows, such as `#1001-R1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "#1042-R1")]
    name: Option<String>,
    /// When the customer asked for it, or the shop opened it.
    date: String,
    /// The day on which the customer asked for it, or the shop opened it.
    #[schemars(example = "2026-11-20")]
    date_on: String,
    /// When it was approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    approved: Option<String>,
    /// The day on which it was approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "2026-11-21")]
    approved_on: Option<String>,
    /// Whether the values of the lines include tax.
    taxes_included: bool,
}

#[derive(Clone, Serialize, JsonSchema)]
struct LineData {
    /// 1 for the first line.
    number: usize,
    /// The product's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "Wool coat")]
    title: Option<String>,
    #[serde(flatten)]
    article: ArticleData,
    /// How many.
    quantity: u64,
    /// Why it is sent back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "Size too large")]
    reason: Option<String>,
    /// What the customer wrote about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_note: Option<String>,
    /// What was paid for it, after discounts. With tax, if `taxes_included` of the return says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "as_priced"))]
    value: Option<Money>,
    /// What the shop charges for taking it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    restocking_fee: Option<RestockingData>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct RestockingData {
    /// The fee, with tax.
    #[schemars(extend("x-tax" = "included"))]
    amount: Money,
    /// `10` is 10 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"10")]
    percent: Option<String>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct SendInData {
    /// The last day on which it may be sent in, such as `2026-12-22`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "2026-12-22")]
    deadline: Option<String>,
    /// What to do, in the document's language.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(
        example = "Pack the items with their labels and hand the parcel in at any counter of the carrier."
    )]
    instructions: Option<String>,
    /// The lines of the address it goes to. Empty, if the label says so alone.
    address: Vec<TextLine>,
    /// Where the return can be followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "https://northwind.example/returns")]
    url: Option<String>,
    /// One per parcel. Empty, if the customer pays the postage or the label comes later.
    labels: Vec<LabelData>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct LabelData {
    /// What it is, and so what is to be done with it.
    kind: LabelKind,
    /// What to do with a label of this kind, in the document's language.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "Print the label and stick it on the parcel.")]
    instructions: Option<String>,
    /// Who carries the parcel.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "An Post")]
    carrier: Option<String>,
    /// The parcel's number with the carrier.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"RR042719318IE")]
    tracking_number: Option<String>,
    /// Where the parcel can be followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "https://track.example/RR042719318IE")]
    tracking_url: Option<String>,
    /// Where the label can be fetched, for printing or showing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "https://cdn.northwind.example/labels/RR042719318IE.pdf")]
    file_url: Option<String>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct DeclineData {
    /// Shopify's word, for rules of the template and not for the customer: `final_sale`, `return_period_ended`, `other`
    /// or what Shopify has added since.
    #[schemars(example = &"final_sale")]
    reason: String,
    /// The shop's text for this reason, for the customer, in the document's language.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "This item was sold as final sale and cannot be returned.")]
    reason_text: Option<String>,
    /// What the shop wrote to this customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// Why what Shopify says of a return cannot be made into a letter.
#[derive(Debug, thiserror::Error)]
pub enum ReturnDataError {
    #[error("the return's amounts: {0}")]
    Amounts(#[from] InvalidMoney),
    #[error("the deadline is no date")]
    Deadline,
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
    ) -> Result<Self, ReturnDataError> {
        let zone = &config.time_zone;
        let declined = document == Document::ReturnDeclined;
        let send_in = match declined {
            true => None,
            false => Some(SendInData::new(found, locale, config)?),
        };
        let decline = found.decline.as_ref().filter(|_| declined);
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
                date_on: day(found.created_at, zone),
                approved: found.approved_at.map(|at| iso(at, zone)),
                approved_on: found.approved_at.map(|at| day(at, zone)),
                taxes_included: order.taxes_included,
            },
            lines: found
                .lines
                .iter()
                .enumerate()
                .map(|(index, it)| LineData::new(index + 1, it, order))
                .collect(),
            exchange_lines: ExchangeData::all(found, order.taxes_included)?,
            fees: FeesData::new(found)?,
            send_in,
            decline: decline.map(|it| DeclineData::new(it, locale, config)),
        })
    }
}

impl LineData {
    fn new(number: usize, line: &ReturnLine, order: &Order) -> Self {
        let bought = order.lines.iter().find(|it| Some(&it.id) == line.item.as_ref());
        Self {
            number,
            title: line.title.clone(),
            article: ArticleData::new(line.variant.as_ref(), line.sku.as_ref(), bought),
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
    fn new(found: &Return, locale: &str, config: &ShopConfig) -> Result<Self, ReturnDataError> {
        let returns = &config.returns;
        let approved = found.approved_at.unwrap_or(found.created_at);
        let deadline = returns.deadline_days.map(|days| deadline(approved, days, &config.time_zone));
        Ok(Self {
            deadline: deadline.transpose()?,
            instructions: text_in(&returns.instructions, locale, &config.default_locale).map(str::to_owned),
            address: text_lines(&returns.address),
            url: returns.url.as_ref().map(ToString::to_string),
            labels: found.labels.iter().map(|label| LabelData::new(label, locale, config)).collect(),
        })
    }
}

/// The day of the approval, by the shop's clock, does not count.
fn deadline(approved: Timestamp, days: u16, zone: &TimeZone) -> Result<String, ReturnDataError> {
    let day = approved.to_zoned(zone.clone()).date();
    let last = day.checked_add(i32::from(days).days());
    last.map(|day| day.to_string()).map_err(|_| ReturnDataError::Deadline)
}

impl LabelData {
    fn new(label: &Label, locale: &str, config: &ShopConfig) -> Self {
        let kind = LabelKind::of(label);
        let texts = config.returns.label_instructions.get(kind.name());
        let text = texts.and_then(|texts| text_in(texts, locale, &config.default_locale));
        Self {
            kind,
            instructions: text.map(str::to_owned),
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
