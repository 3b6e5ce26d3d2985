//! The driver data of refund confirmations: what a template designer maps in Exstream. Public contract:
//! `schemas/refund-confirmation.v1.json`.

use crate::{
    balance::{Adjusted, Balance, Explained, Terms, paid},
    common::{ArticleData, ExchangeData, negative, with_tax},
    share::Share,
};
use comms::{CommunicationId, Document, Gid, InvalidMoney, Money};
use driver::{AddressData, CustomerData, Envelope, OrderRef, PaymentData, day, iso};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use shop_config::{ShopConfig, text_in};
use shopify::{
    Order,
    returns::{AdjustmentReason, Refund, RefundLine, RefundShipping, Return, Transaction},
};

/// What a confirmation is about.
pub struct About<'a> {
    pub refund: &'a Refund,
    /// The return the refund is a part of.
    pub part_of: Option<&'a Return>,
    /// The refunds of that return that were made before, in their order.
    pub earlier: &'a [Refund],
    /// Those that have succeeded, which is all.
    pub payments: &'a [&'a Transaction],
    pub order: &'a Order,
}

/// A refund that has been paid. Amounts are in the currency the customer saw, unless they name another; those of
/// lines and shipping are with tax. What is deducted is negative. Dates are ISO 8601 with the offset of the shop's
/// time zone. What is not known is absent.
#[derive(Clone, Serialize, JsonSchema)]
pub struct RefundData {
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
    /// The refund itself.
    refund: RefundHead,
    /// What was given back. Empty, if only shipping or an amount was.
    lines: Vec<LineData>,
    /// Shipping that was given back.
    shipping: Vec<ShippingData>,
    /// What the shop added or kept back by hand.
    adjustments: Vec<AdjustmentData>,
    /// What was deducted from this very refund for fees of its return. Over all refunds of a return, each fee
    /// appears once.
    #[serde(skip_serializing_if = "Option::is_none")]
    fees: Option<DeductedFees>,
    /// What the customer gets in exchange for the return, whichever of its refunds bears it.
    exchange_lines: Vec<ExchangeData>,
    /// The parts, which add up to the total.
    totals: Balance,
    /// How the total was paid back. Empty, if nothing was to be paid.
    payments: Vec<PaymentData>,
    /// What is still to be paid for the order, where it is anything. In the shop's currency where Shopify tells no other.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "payment"))]
    outstanding: Option<Money>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct RefundHead {
    /// Shopify's id.
    id: Gid,
    /// When it was made.
    date: String,
    /// The day on which it was made.
    #[schemars(example = "2026-11-22")]
    date_on: String,
    /// The return that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    r#return: Option<ReturnRef>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct ReturnRef {
    /// Shopify's id.
    id: Gid,
    /// The name the customer knows, such as `#1001-R1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "#1042-R1")]
    name: Option<String>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct LineData {
    /// 1 for the first line.
    number: usize,
    /// The product's name.
    #[schemars(example = "Wool coat")]
    title: String,
    #[serde(flatten)]
    article: ArticleData,
    /// How many are given back.
    quantity: u64,
    /// The tax in the total.
    #[schemars(extend("x-tax" = "tax"))]
    tax: Money,
    /// What is given back for them, with tax.
    #[schemars(extend("x-tax" = "included"))]
    total: Money,
    /// The restocking fee that was deducted for them, with tax.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "included"), example = &serde_json::json!({"amount": "-18.90", "currency": "EUR"}))]
    restocking_fee: Option<Money>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct ShippingData {
    /// What the customer chose, such as `Express`.
    #[schemars(example = &"Express")]
    title: String,
    /// The tax in the total.
    #[schemars(extend("x-tax" = "tax"))]
    tax: Money,
    /// What is given back, with tax.
    #[schemars(extend("x-tax" = "included"))]
    total: Money,
}

#[derive(Clone, Serialize, JsonSchema)]
struct AdjustmentData {
    /// Why.
    reason: ReasonKind,
    /// The shop's text for this reason, in the document's language.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "Returned without its box")]
    reason_text: Option<String>,
    /// What the customer gets is positive, what was kept negative.
    #[schemars(extend("x-tax" = "included"))]
    amount: Money,
}

/// Why an adjustment was made.
#[derive(Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum ReasonKind {
    /// For taking the goods back into stock.
    Restock,
    /// For damage.
    Damage,
    /// For a reason on the customer's side.
    Customer,
    /// The rest of an order that was returned as a whole.
    Balance,
    /// For another reason.
    Other,
}

impl ReasonKind {
    /// The name under which a shop's configuration has its text, one of `ADJUSTMENT_REASONS`.
    const fn name(self) -> &'static str {
        match self {
            Self::Restock => "restock",
            Self::Damage => "damage",
            Self::Customer => "customer",
            Self::Balance => "balance",
            Self::Other => "other",
        }
    }
}

/// Deducted for fees, with tax.
#[derive(Clone, Serialize, JsonSchema)]
struct DeductedFees {
    /// The postage of the return.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "included"), example = &serde_json::json!({"amount": "-4.90", "currency": "EUR"}))]
    return_shipping: Option<Money>,
    /// The restocking fees.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "included"), example = &serde_json::json!({"amount": "-18.90", "currency": "EUR"}))]
    restocking: Option<Money>,
    /// Both.
    #[schemars(extend("x-tax" = "included"), example = &serde_json::json!({"amount": "-23.80", "currency": "EUR"}))]
    total: Money,
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
        let About { refund, part_of, earlier, payments, order } = about;
        let zone = &config.time_zone;
        let included = order.taxes_included;
        let terms = Terms {
            taxes_included: included,
            presentment: order.presentment_currency,
            shop: order.currency,
            unpaid: order.totals.received.shop.amount() <= Decimal::ZERO,
        };
        let Explained { balance, adjustments, share, before_rounding } =
            Explained::new(refund, part_of, earlier, terms)?;
        let restocking = |index: usize| share.as_ref().and_then(|share| share.restocking.get(index)).copied();
        let lines = refund.lines.iter().enumerate();
        let paid_back = payments.iter().map(|it| {
            let at = it.processed_at.unwrap_or(it.created_at);
            Ok(PaymentData::new(&it.method, paid(it, before_rounding)?, at, zone))
        });
        let outstanding = order.totals.outstanding;
        let outstanding = outstanding.presentment.unwrap_or(outstanding.shop);
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
                date_on: day(refund.processed_at, zone),
                r#return: part_of.map(|it| ReturnRef { id: it.id.clone(), name: it.name.clone() }),
            },
            lines: lines
                .map(|(index, line)| LineData::new(index + 1, line, order, restocking(index)))
                .collect::<Result<_, _>>()?,
            shipping: refund
                .shipping
                .iter()
                .map(|line| ShippingData::new(line, included))
                .collect::<Result<_, _>>()?,
            adjustments: adjustments.iter().map(|it| AdjustmentData::new(it, locale, config)).collect(),
            fees: share.as_ref().map(DeductedFees::new).transpose()?.flatten(),
            exchange_lines: exchange.unwrap_or_default(),
            totals: balance,
            payments: paid_back.collect::<Result<_, _>>()?,
            outstanding: (outstanding.amount() > Decimal::ZERO).then_some(outstanding),
        })
    }
}

impl LineData {
    fn new(
        number: usize,
        line: &RefundLine,
        order: &Order,
        restocking: Option<Money>,
    ) -> Result<Self, InvalidMoney> {
        let bought = order.lines.iter().find(|it| it.id == line.item);
        Ok(Self {
            number,
            title: line.title.clone(),
            article: ArticleData::new(line.variant.as_ref(), line.sku.as_ref(), bought),
            quantity: line.quantity,
            tax: line.tax.presentment,
            total: with_tax(line.subtotal, line.tax, order.taxes_included)?,
            restocking_fee: restocking.map(deducted).transpose()?.flatten(),
        })
    }
}

impl ShippingData {
    fn new(line: &RefundShipping, taxes_included: bool) -> Result<Self, InvalidMoney> {
        Ok(Self {
            title: line.title.clone(),
            tax: line.tax.presentment,
            total: with_tax(line.subtotal, line.tax, taxes_included)?,
        })
    }
}

impl AdjustmentData {
    fn new(adjustment: &Adjusted, locale: &str, config: &ShopConfig) -> Self {
        let reason = match adjustment.reason {
            AdjustmentReason::Restock => ReasonKind::Restock,
            AdjustmentReason::Damage => ReasonKind::Damage,
            AdjustmentReason::Customer => ReasonKind::Customer,
            AdjustmentReason::Balance => ReasonKind::Balance,
            AdjustmentReason::Pending | AdjustmentReason::Other => ReasonKind::Other,
        };
        let texts = config.returns.adjustment_reasons.get(reason.name());
        let text = texts.and_then(|texts| text_in(texts, locale, &config.default_locale));
        Self { reason, reason_text: text.map(str::to_owned), amount: adjustment.amount }
    }
}

impl DeductedFees {
    /// `None` if nothing was deducted for fees.
    fn new(share: &Share) -> Result<Option<Self>, InvalidMoney> {
        let Some(total) = deducted(share.fees()?)? else { return Ok(None) };
        Ok(Some(Self {
            return_shipping: deducted(share.postage)?,
            restocking: deducted(share.all_restocking()?)?,
            total,
        }))
    }
}

/// `None` if the amount is zero.
fn deducted(amount: Money) -> Result<Option<Money>, InvalidMoney> {
    (!amount.amount().is_zero()).then(|| negative(amount)).transpose()
}
