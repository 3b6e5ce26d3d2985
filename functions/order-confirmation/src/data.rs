//! The driver data of order confirmations and receipts: what a template designer maps in Exstream.
//! Public contracts: `schemas/order-confirmation.v1.json`, `schemas/receipt.v1.json`.

mod current;

use comms::{CommunicationId, CurrencyCode, Document, Gid, InvalidMoney, Money};
use driver::{AddressData, AttributeData, CustomerData, Envelope, TaxData, attributes, iso, taxes};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;
use shop_config::ShopConfig;
use shopify::{LineItem, MoneyBag, Order, ShippingLine};
use std::fmt;

/// An order, for a document about it. Amounts are in the currency the customer saw, unless they name another.
/// Dates are ISO 8601 with the offset of the shop's time zone. What is not known is absent.
#[derive(Clone, Serialize, JsonSchema)]
pub struct OrderData {
    #[serde(flatten)]
    envelope: Envelope,
    order: OrderHead,
    customer: CustomerData,
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_address: Option<AddressData>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_address: Option<AddressData>,
    lines: Vec<LineData>,
    shipping: Vec<ShippingData>,
    discount_codes: Vec<String>,
    taxes: Vec<TaxData>,
    totals: TotalsData,
    /// Receipts only.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<Payment>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct OrderHead {
    id: Gid,
    /// The name the customer knows, such as `#1001`.
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmation_number: Option<String>,
    /// When the order was placed.
    date: String,
    /// The currency the customer saw.
    currency: CurrencyCode,
    shop_currency: CurrencyCode,
    /// Lower case, such as `paid` or `partially_paid`.
    payment_status: String,
    payment_methods: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_terms: Option<PaymentTermsData>,
    /// Whether prices include tax.
    taxes_included: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    po_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    attributes: Vec<AttributeData>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_url: Option<String>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct PaymentTermsData {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_date: Option<String>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor: Option<String>,
    quantity: u64,
    unit_price: Money,
    /// Everything taken off this line.
    discount: Money,
    /// Unit price times quantity, less the discount.
    total: Money,
    gift_card: bool,
    taxes: Vec<TaxData>,
    properties: Vec<AttributeData>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct ShippingData {
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// After discounts.
    amount: Money,
    taxes: Vec<TaxData>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct TotalsData {
    subtotal: Money,
    discounts: Money,
    shipping: Money,
    tax: Money,
    #[serde(skip_serializing_if = "Option::is_none")]
    duties: Option<Money>,
    /// In the shop's currency: Shopify knows no other for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    tip: Option<Money>,
    total: Money,
    /// The total in the shop's currency, where it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_in_shop_currency: Option<Money>,
    /// Still to be paid, in the shop's currency.
    outstanding: Money,
}

/// Names the document and nothing of what it says, which is personal.
impl fmt::Debug for OrderData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrderData")
            .field("communication", &self.envelope.communication)
            .field("shop", &self.envelope.shop)
            .field("order", &self.order.id)
            .finish_non_exhaustive()
    }
}

/// What a receipt says beyond the order.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Payment {
    /// What has been received, in the shop's currency.
    paid: Money,
    /// When Shopify last changed the order: for the event "paid", when it became paid.
    date: String,
}

impl OrderData {
    /// `edited` is for a confirmation after an edit: it shows what is still ordered instead of what was.
    ///
    /// # Errors
    /// When the amounts of a line are in different currencies or too large to add up.
    pub fn new(
        order: &Order,
        document: Document,
        communication: &CommunicationId,
        locale: &str,
        config: &ShopConfig,
        edited: bool,
    ) -> Result<Self, String> {
        let zone = &config.time_zone;
        let current;
        let order = if edited {
            current = current::as_it_is_now(order).map_err(|error| error.to_string())?;
            &current
        } else {
            order
        };
        let lines = order.lines.iter().enumerate().map(|(index, line)| {
            LineData::new(index + 1, line).map_err(|error| format!("line_items[{index}]: {error}"))
        });
        Ok(Self {
            envelope: Envelope::new(document, communication, locale, config),
            order: OrderHead::new(order, zone),
            customer: CustomerData::new(order),
            billing_address: order.billing_address.as_ref().map(AddressData::new),
            shipping_address: order.shipping_address.as_ref().map(AddressData::new),
            lines: lines.collect::<Result<_, _>>()?,
            shipping: order.shipping_lines.iter().map(ShippingData::new).collect(),
            discount_codes: order.discount_codes.clone(),
            taxes: taxes(&order.tax_lines),
            totals: TotalsData::new(order),
            payment: (document == Document::Receipt)
                .then(|| Payment { paid: order.totals.received.shop, date: iso(order.updated_at, zone) }),
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

impl OrderHead {
    fn new(order: &Order, zone: &TimeZone) -> Self {
        Self {
            id: order.id.clone(),
            name: order.name.clone(),
            confirmation_number: order.confirmation_number.clone(),
            date: iso(order.processed_at, zone),
            currency: order.presentment_currency,
            shop_currency: order.currency,
            payment_status: order.financial_status.name().to_owned(),
            payment_methods: order.payment_gateways.clone(),
            payment_terms: order.payment_terms.as_ref().map(|terms| PaymentTermsData {
                name: terms.name.clone(),
                due_date: terms.due_at.map(|due| iso(due, zone)),
            }),
            taxes_included: order.taxes_included,
            po_number: order.po_number.clone(),
            note: order.note.clone(),
            attributes: attributes(&order.note_attributes),
            status_url: order.status_url.clone(),
        }
    }
}

impl LineData {
    fn new(number: usize, line: &LineItem) -> Result<Self, InvalidMoney> {
        let (unit_price, discount) = (seen(line.unit_price), seen(line.total_discount));
        Ok(Self {
            number,
            title: line.title.clone(),
            variant: line.variant.clone(),
            sku: line.sku.clone(),
            vendor: line.vendor.clone(),
            quantity: line.quantity,
            unit_price,
            discount,
            total: unit_price.checked_times(line.quantity)?.checked_sub(discount)?,
            gift_card: line.gift_card,
            taxes: taxes(&line.tax_lines),
            properties: attributes(&line.properties),
        })
    }
}

impl ShippingData {
    fn new(line: &ShippingLine) -> Self {
        Self {
            title: line.title.clone(),
            code: line.code.clone(),
            amount: seen(line.discounted_price),
            taxes: taxes(&line.tax_lines),
        }
    }
}

impl TotalsData {
    fn new(order: &Order) -> Self {
        let totals = &order.totals;
        let mixed = order.currency != order.presentment_currency;
        Self {
            subtotal: seen(totals.subtotal),
            discounts: seen(totals.discounts),
            shipping: seen(totals.shipping),
            tax: seen(totals.tax),
            duties: totals.duties.map(seen),
            tip: (!totals.tip.shop.amount().is_zero()).then_some(totals.tip.shop),
            total: seen(totals.total),
            total_in_shop_currency: mixed.then_some(totals.total.shop),
            outstanding: totals.outstanding.shop,
        }
    }
}

/// The amount in the currency the customer saw.
fn seen(amount: MoneyBag) -> Money {
    amount.presentment
}
