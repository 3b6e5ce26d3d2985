//! The driver data of refund confirmations: what a template designer maps in Exstream. Public contract:
//! `schemas/refund-confirmation.v1.json`.

use crate::{
    balance::{Balance, Terms, adjusted},
    common::{ExchangeData, FeesData, with_tax},
};
use comms::{CommunicationId, Document, Gid, InvalidMoney, Money};
use driver::{AddressData, CustomerData, Envelope, OrderRef, iso};
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use shop_config::ShopConfig;
use shopify::{
    Method, Order,
    returns::{Adjustment, Refund, RefundLine, RefundShipping, Return, Transaction},
};

/// What a confirmation is about.
pub struct About<'a> {
    pub refund: &'a Refund,
    /// The return the refund is a part of.
    pub part_of: Option<&'a Return>,
    /// Those that have succeeded, which is all.
    pub payments: &'a [&'a Transaction],
    pub order: &'a Order,
}

/// A refund that has been paid. Amounts are in the currency the customer saw, unless they name another. Dates
/// are ISO 8601 with the offset of the shop's time zone. What is not known is absent.
#[derive(Clone, Serialize, JsonSchema)]
pub struct RefundData {
    #[serde(flatten)]
    envelope: Envelope,
    order: OrderRef,
    customer: CustomerData,
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_address: Option<AddressData>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_address: Option<AddressData>,
    refund: RefundHead,
    lines: Vec<LineData>,
    shipping: Vec<ShippingData>,
    adjustments: Vec<AdjustmentData>,
    /// What the return cost. Whether it was taken from this refund is in the totals.
    #[serde(skip_serializing_if = "Option::is_none")]
    fees: Option<FeesData>,
    exchange_lines: Vec<ExchangeData>,
    /// The parts, which add up to the total.
    totals: Balance,
    /// How the total was paid back. Empty, if nothing was to be paid.
    payments: Vec<PaymentData>,
    /// What is still to be paid for the order, in the shop's currency, where it is anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    outstanding: Option<Money>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct RefundHead {
    id: Gid,
    date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#return: Option<ReturnRef>,
    /// Whether the amounts of lines and shipping include tax.
    taxes_included: bool,
}

#[derive(Clone, Serialize, JsonSchema)]
struct ReturnRef {
    id: Gid,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct LineData {
    /// 1 for the first line.
    number: usize,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<String>,
    quantity: u64,
    amount: Money,
    tax: Money,
    /// With tax.
    total: Money,
}

#[derive(Clone, Serialize, JsonSchema)]
struct ShippingData {
    title: String,
    amount: Money,
    tax: Money,
    /// With tax.
    total: Money,
}

#[derive(Clone, Serialize, JsonSchema)]
struct AdjustmentData {
    /// Shopify's word, such as `restock`, `damage` or `customer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// With tax. What the customer gets is positive.
    amount: Money,
}

#[derive(Clone, Serialize, JsonSchema)]
struct PaymentData {
    method: MethodKind,
    /// Shopify's name of the payment provider, such as `shopify_payments`.
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<String>,
    /// What people call the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway_name: Option<String>,
    /// Such as `visa` or `ideal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    method_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_company: Option<String>,
    /// Of the card or account, at most four.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_digits: Option<String>,
    amount: Money,
    date: String,
}

#[derive(Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum MethodKind {
    Card,
    GiftCard,
    StoreCredit,
    Cash,
    /// By hand, such as a bank transfer.
    Manual,
    Other,
}

impl RefundData {
    /// # Errors
    /// When amounts that belong together are in different currencies.
    pub fn new(
        about: About<'_>,
        communication: &CommunicationId,
        locale: &str,
        config: &ShopConfig,
    ) -> Result<Self, InvalidMoney> {
        let About { refund, part_of, payments, order } = about;
        let zone = &config.time_zone;
        let included = order.taxes_included;
        let terms =
            Terms { taxes_included: included, presentment: order.presentment_currency, shop: order.currency };
        let lines = refund.lines.iter().enumerate();
        let outstanding = order.totals.outstanding.shop;
        let exchange = part_of.map(|it| ExchangeData::all(it, included)).transpose()?;
        Ok(Self {
            envelope: Envelope::new(Document::RefundConfirmation, communication, locale, config),
            order: OrderRef::new(order, zone),
            customer: CustomerData::new(order),
            billing_address: order.billing_address.as_ref().map(AddressData::new),
            shipping_address: order.shipping_address.as_ref().map(AddressData::new),
            refund: RefundHead {
                id: refund.id.clone(),
                date: iso(refund.processed_at, zone),
                r#return: part_of.map(|it| ReturnRef { id: it.id.clone(), name: it.name.clone() }),
                taxes_included: included,
            },
            lines: lines
                .map(|(index, line)| LineData::new(index + 1, line, included))
                .collect::<Result<_, _>>()?,
            shipping: refund
                .shipping
                .iter()
                .map(|line| ShippingData::new(line, included))
                .collect::<Result<_, _>>()?,
            adjustments: refund.adjustments.iter().map(AdjustmentData::new).collect::<Result<_, _>>()?,
            fees: part_of.map(FeesData::new).transpose()?.flatten(),
            exchange_lines: exchange.unwrap_or_default(),
            totals: Balance::new(refund, part_of, payments, &terms)?,
            payments: payments.iter().map(|it| PaymentData::new(it, zone)).collect(),
            outstanding: (outstanding.amount() > Decimal::ZERO).then_some(outstanding),
        })
    }

    pub fn schema(&self) -> &str {
        &self.envelope.schema
    }

    /// The published JSON Schema of the driver data.
    pub fn json_schema() -> serde_json::Value {
        driver::json_schema::<Self>(Document::RefundConfirmation)
    }
}

impl LineData {
    fn new(number: usize, line: &RefundLine, taxes_included: bool) -> Result<Self, InvalidMoney> {
        Ok(Self {
            number,
            title: line.title.clone(),
            variant: line.variant.clone(),
            sku: line.sku.clone(),
            quantity: line.quantity,
            amount: line.subtotal.presentment,
            tax: line.tax.presentment,
            total: with_tax(line.subtotal, line.tax, taxes_included)?,
        })
    }
}

impl ShippingData {
    fn new(line: &RefundShipping, taxes_included: bool) -> Result<Self, InvalidMoney> {
        Ok(Self {
            title: line.title.clone(),
            amount: line.subtotal.presentment,
            tax: line.tax.presentment,
            total: with_tax(line.subtotal, line.tax, taxes_included)?,
        })
    }
}

impl AdjustmentData {
    fn new(adjustment: &Adjustment) -> Result<Self, InvalidMoney> {
        let amount = adjusted(adjustment.amount.presentment, adjustment.tax.presentment)?;
        Ok(Self { reason: adjustment.reason.clone(), amount })
    }
}

impl PaymentData {
    fn new(payment: &Transaction, zone: &TimeZone) -> Self {
        let method = &payment.method;
        Self {
            method: MethodKind::of(method),
            gateway: method.gateway.clone(),
            gateway_name: method.gateway_name.clone(),
            method_name: method.name.clone(),
            card_company: method.card_company.clone(),
            last_digits: method.last_digits.clone(),
            amount: payment.amount.presentment,
            date: iso(payment.processed_at.unwrap_or(payment.created_at), zone),
        }
    }
}

impl MethodKind {
    fn of(method: &Method) -> Self {
        match method.gateway.as_deref() {
            Some("gift_card") => Self::GiftCard,
            Some("shopify_store_credit" | "store_credit") => Self::StoreCredit,
            Some("cash") => Self::Cash,
            Some("manual") => Self::Manual,
            _ if method.card_company.is_some() => Self::Card,
            _ => Self::Other,
        }
    }
}
