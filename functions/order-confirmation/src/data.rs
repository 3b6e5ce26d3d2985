//! The driver data of order confirmations and receipts: what a template designer maps in Exstream.
//! Public contracts: `schemas/order-confirmation.v1.json`, `schemas/receipt.v1.json`.

mod payment;
mod state;
mod totals;

pub use payment::Payment;
pub use state::State;

use comms::{CommunicationId, CurrencyCode, Document, Gid, InvalidMoney, Money};
use driver::{
    AddressData, AttributeData, CustomerData, DiscountedData, Envelope, ItemData, TaxData, attributes, day,
    iso, taxes,
};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;
use shop_config::ShopConfig;
use shopify::{AdditionalFee, LineItem, Order, ShippingLine};
use std::fmt;
use totals::{Owed, TotalsData};

/// An order, for a document about it. Amounts are in the currency the customer saw, unless they name another.
/// Dates are ISO 8601 with the offset of the shop's time zone. What is not known is absent.
#[derive(Clone, Serialize, JsonSchema)]
pub struct OrderData {
    #[serde(flatten)]
    envelope: Envelope,
    /// The order.
    order: OrderHead,
    /// Who ordered.
    customer: CustomerData,
    /// Where the bill goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_address: Option<AddressData>,
    /// Where the goods go.
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_address: Option<AddressData>,
    /// What was bought. A tip is in the totals.
    lines: Vec<LineData>,
    /// How it is shipped.
    shipping: Vec<ShippingData>,
    /// The discounts by name, those on lines and those on shipping.
    discounts: Vec<DiscountRow>,
    /// The codes the customer entered.
    discount_codes: Vec<CodeData>,
    /// The order's taxes, which sum to its tax.
    taxes: Vec<TaxData>,
    /// Fees that are neither shipping, tax nor duty. Empty where Shopify tells their sum alone.
    additional_fees: Vec<FeeData>,
    /// The sums.
    totals: TotalsData,
    /// What was paid. Absent where the document shows another moment of the order than its payments.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<Payment>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct OrderHead {
    /// Shopify's id of the order.
    id: Gid,
    /// The name the customer knows, such as `#1001`.
    #[schemars(extend("examples" = ["#1001"]))]
    name: String,
    /// The number shown to the customer after the checkout.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["XPAV284CT"]))]
    confirmation_number: Option<String>,
    /// When the order was placed.
    date: String,
    /// The day of it in the shop's time zone.
    date_on: String,
    /// The currency the customer saw.
    currency: CurrencyCode,
    /// The shop's currency.
    shop_currency: CurrencyCode,
    /// Lower case, such as `paid`, `authorized` or `partially_paid`.
    #[schemars(extend("examples" = ["paid"]))]
    payment_status: String,
    /// When to pay, where the order is on terms.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_terms: Option<PaymentTermsData>,
    /// Whether prices include tax.
    taxes_included: bool,
    /// Whether prices include duties.
    duties_included: bool,
    /// The purchase order number a business customer gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["PO 77/4"]))]
    po_number: Option<String>,
    /// What the customer wrote with the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["Please ring twice."]))]
    note: Option<String>,
    /// What the customer chose or wrote in the cart, without what is private to the shop's apps.
    attributes: Vec<AttributeData>,
    /// The order's page, where the customer sees where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_url: Option<String>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct PaymentTermsData {
    /// What the terms are called.
    #[schemars(extend("examples" = ["Net 30"]))]
    name: String,
    /// When the first unpaid instalment is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["2026-12-22T10:00:00+01:00"]))]
    due_date: Option<String>,
    /// The day of it in the shop's time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_on: Option<String>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct LineData {
    /// 1 for the first line.
    number: usize,
    #[serde(flatten)]
    item: ItemData,
    /// How many.
    quantity: u64,
    /// Before discounts.
    #[schemars(extend("x-tax" = "as_priced"))]
    unit_price: Money,
    /// Everything taken off this line.
    #[schemars(extend("x-tax" = "as_priced"))]
    discount: Money,
    /// The same by discount.
    discounts: Vec<DiscountedData>,
    /// Unit price times quantity, less the discount.
    #[schemars(extend("x-tax" = "as_priced"))]
    total: Money,
    /// Whether it is a gift card.
    gift_card: bool,
    /// The line's taxes.
    taxes: Vec<TaxData>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct ShippingData {
    /// What the way of shipping is called.
    #[schemars(extend("examples" = ["Standard"]))]
    title: String,
    /// The shop's own word for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["STANDARD"]))]
    code: Option<String>,
    /// Before discounts.
    #[schemars(extend("x-tax" = "as_priced"))]
    price: Money,
    /// Everything taken off.
    #[schemars(extend("x-tax" = "as_priced"))]
    discount: Money,
    /// The price less the discount.
    #[schemars(extend("x-tax" = "as_priced"))]
    amount: Money,
    /// The taxes on it.
    taxes: Vec<TaxData>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct DiscountRow {
    /// What it was taken off.
    applies_to: AppliesTo,
    #[serde(flatten)]
    discount: DiscountedData,
}

/// What a discount was taken off: lines or shipping.
#[derive(Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum AppliesTo {
    Lines,
    Shipping,
}

#[derive(Clone, Serialize, JsonSchema)]
struct CodeData {
    /// The code.
    #[schemars(extend("examples" = ["WELCOME10"]))]
    code: String,
}

#[derive(Clone, Serialize, JsonSchema)]
struct FeeData {
    /// What the fee is for.
    #[schemars(extend("examples" = ["Recycling"]))]
    name: String,
    /// How much it is.
    #[schemars(extend("x-tax" = "as_priced"))]
    amount: Money,
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

impl OrderData {
    /// An order in one of its states.
    ///
    /// # Errors
    /// When amounts that belong together are in different currencies or too large to add up.
    pub fn new(
        order: &Order,
        state: State,
        document: Document,
        communication: &CommunicationId,
        locale: &str,
        config: &ShopConfig,
    ) -> Result<Self, InvalidMoney> {
        let zone = &config.time_zone;
        let money = state::money_is_of(order, state);
        let order = &state::shown(order, state)?;
        let owed = Owed::of(order)?;
        let mut totals = TotalsData::new(order, money)?;
        if money {
            totals.owe(order, &owed);
        }
        let tax = order.totals.tax.presentment;
        let explained = state::sum(&order.tax_lines, tax)? == tax;
        let lines = order.lines.iter().filter(|line| !line.tip).enumerate();
        let shipping = order.shipping_lines.iter();
        Ok(Self {
            envelope: Envelope::new(document, communication, locale, config),
            order: OrderHead::new(order, zone),
            customer: CustomerData::new(order),
            billing_address: order.billing_address.as_ref().map(AddressData::new),
            shipping_address: order.shipping_address.as_ref().map(AddressData::new),
            lines: lines.map(|(index, line)| LineData::new(index + 1, line)).collect::<Result<_, _>>()?,
            shipping: shipping.map(ShippingData::new).collect::<Result<_, _>>()?,
            discounts: DiscountRow::all(order)?,
            discount_codes: order.discount_codes.iter().map(|it| CodeData { code: it.clone() }).collect(),
            taxes: if explained { taxes(&order.tax_lines)? } else { Vec::new() },
            additional_fees: order.additional_fees.iter().map(FeeData::new).collect(),
            totals,
            payment: money.then(|| Payment::new(order, &owed, document, zone)).transpose()?,
        })
    }
}

impl OrderHead {
    fn new(order: &Order, zone: &TimeZone) -> Self {
        Self {
            id: order.id.clone(),
            name: order.name.clone(),
            confirmation_number: order.confirmation_number.clone(),
            date: iso(order.processed_at, zone),
            date_on: day(order.processed_at, zone),
            currency: order.presentment_currency,
            shop_currency: order.currency,
            payment_status: order.financial_status.name().to_owned(),
            payment_terms: order.payment_terms.as_ref().map(|terms| PaymentTermsData {
                name: terms.name.clone(),
                due_date: terms.due_at.map(|due| iso(due, zone)),
                due_on: terms.due_at.map(|due| day(due, zone)),
            }),
            taxes_included: order.taxes_included,
            duties_included: order.duties_included,
            po_number: order.po_number.clone(),
            note: order.note.clone(),
            attributes: attributes(&order.note_attributes),
            status_url: order.status_url.clone(),
        }
    }
}

impl LineData {
    fn new(number: usize, line: &LineItem) -> Result<Self, InvalidMoney> {
        let (unit_price, discount) = (line.unit_price.presentment, line.total_discount.presentment);
        Ok(Self {
            number,
            item: ItemData::new(line),
            quantity: line.quantity,
            unit_price,
            discount,
            discounts: DiscountedData::all(line.discounts.iter())?,
            total: unit_price.checked_times(line.quantity)?.checked_sub(discount)?,
            gift_card: line.gift_card,
            taxes: taxes(&line.tax_lines)?,
        })
    }
}

impl ShippingData {
    fn new(line: &ShippingLine) -> Result<Self, InvalidMoney> {
        Ok(Self {
            title: line.title.clone(),
            code: line.code.clone(),
            price: line.price.presentment,
            discount: totals::shipping_discount(line)?,
            amount: line.discounted_price.presentment,
            taxes: taxes(&line.tax_lines)?,
        })
    }
}

impl DiscountRow {
    fn all(order: &Order) -> Result<Vec<Self>, InvalidMoney> {
        let (lines, shipping) = state::discounts(order);
        let rows = |applies_to, all: &[_]| {
            let all = DiscountedData::all(all.iter())?.into_iter();
            Ok::<_, InvalidMoney>(all.map(move |discount| Self { applies_to, discount }))
        };
        Ok(rows(AppliesTo::Lines, &lines)?.chain(rows(AppliesTo::Shipping, &shipping)?).collect())
    }
}

impl FeeData {
    fn new(fee: &AdditionalFee) -> Self {
        Self { name: fee.name.clone(), amount: fee.price.presentment }
    }
}
