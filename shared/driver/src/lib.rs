//! What the driver data of different documents has in common: the parts a template designer maps once.
//!
//! Owns the envelope every document begins with, and how people, addresses, taxes and dates are written.
//! Names are those of the published schemas; a change here is a change of every schema that has the part.

mod discount;
mod item;
mod party;
mod payment;
mod schema;

pub use discount::{DiscountKindData, DiscountedData};
pub use item::{BundleData, ItemData};
pub use party::{AddressData, CustomerData, email, recipient_name};
pub use payment::{MethodKindData, PaymentData};
pub use schema::{Field, json_schema, json_schema_without, schema_name};

use comms::{CommunicationId, CurrencyCode, Document, Gid, InvalidMoney, Money, ShopDomain};
use jiff::{Timestamp, tz::TimeZone};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use shop_config::{Brand, ShopConfig};
use shopify::{Attribute, Order, TaxLine};

/// What every document's driver data begins with. Flattened into it.
#[derive(Clone, Serialize, JsonSchema)]
pub struct Envelope {
    /// The document's name and the version of its schema, such as `receipt/1`.
    #[schemars(extend("examples" = ["receipt/1"]))]
    pub schema: String,
    /// The document's name.
    pub document: Document,
    /// The identity of this communication. A template that puts it into its output lets the output be found.
    #[schemars(extend("examples" = ["0123456789abcdef0123456789abcdef"]))]
    pub communication: CommunicationId,
    /// The locale to write in, as the shop's configuration spells it.
    #[schemars(extend("examples" = ["en"]))]
    pub locale: String,
    /// Who writes.
    pub brand: BrandData,
    /// The shop's permanent domain.
    #[schemars(extend("examples" = ["northwind-demo.myshopify.com"]))]
    pub shop: ShopDomain,
}

impl Envelope {
    /// Version 1 of the document's schema.
    pub fn new(
        document: Document,
        communication: &CommunicationId,
        locale: &str,
        config: &ShopConfig,
    ) -> Self {
        let brand = config.brand(document);
        Self {
            schema: schema_name(document),
            document,
            communication: communication.clone(),
            locale: locale.to_owned(),
            brand: BrandData::new(brand),
            shop: config.shop.clone(),
        }
    }
}

/// Who writes to the customer: the name customers know, and who that is in law.
#[derive(Clone, Serialize, JsonSchema)]
pub struct BrandData {
    /// The name the customer knows.
    #[schemars(extend("examples" = ["Northwind Outfitters"]))]
    pub name: String,
    /// The address for questions.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["service@northwind.example"]))]
    pub reply_to: Option<String>,
    /// The company's name in the commercial register.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["Northwind Outfitters SAS"]))]
    pub legal_name: Option<String>,
    /// The company's postal address, line by line.
    pub address: Vec<TextLine>,
    /// The company's VAT identification number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["FR12345678901"]))]
    pub vat_number: Option<String>,
    /// The company's number in the commercial register, with the register's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["RCS Lyon 123 456 789"]))]
    pub register_number: Option<String>,
    /// The telephone number for questions.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["+33 1 00 00 00 00"]))]
    pub phone: Option<String>,
    /// The brand's own page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["https://northwind.example"]))]
    pub url: Option<String>,
}

impl BrandData {
    fn new(brand: &Brand) -> Self {
        Self {
            name: brand.name.clone(),
            reply_to: brand.reply_to.clone(),
            legal_name: brand.legal_name.clone(),
            address: text_lines(&brand.address),
            vat_number: brand.vat_number.clone(),
            register_number: brand.register_number.clone(),
            phone: brand.phone.clone(),
            url: brand.url.as_ref().map(ToString::to_string),
        }
    }
}

/// One line of a text that has several. Exstream maps lists of objects, not lists of plain text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TextLine {
    /// The line.
    pub text: String,
}

pub fn text_lines(lines: &[String]) -> Vec<TextLine> {
    lines.iter().map(|text| TextLine { text: text.clone() }).collect()
}

/// The order a document is about, where the document is not the order's own.
#[derive(Clone, Serialize, JsonSchema)]
pub struct OrderRef {
    /// The order.
    #[schemars(extend("examples" = ["gid://shopify/Order/1001"]))]
    pub id: Gid,
    /// The name the customer knows, such as `#1001`.
    #[schemars(extend("examples" = ["#1001", "#1002"]))]
    pub name: String,
    /// When the order was placed.
    pub date: String,
    /// The day of `date`.
    pub date_on: String,
    /// The currency the customer saw.
    pub currency: CurrencyCode,
    /// The customer's own number for the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["PO-77"]))]
    pub po_number: Option<String>,
    /// The order's page. Its address has a key in it: whoever has it sees the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_url: Option<String>,
}

impl OrderRef {
    pub fn new(order: &Order, zone: &TimeZone) -> Self {
        Self {
            id: order.id.clone(),
            name: order.name.clone(),
            date: iso(order.processed_at, zone),
            date_on: day(order.processed_at, zone),
            currency: order.presentment_currency,
            po_number: order.po_number.clone(),
            status_url: order.status_url.clone(),
        }
    }
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TaxData {
    /// What the tax is called.
    #[schemars(extend("examples" = ["TVA"]))]
    pub title: String,
    /// `20` is 20 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["20"]))]
    pub rate_percent: Option<String>,
    /// The tax.
    #[schemars(extend("x-tax" = "tax"))]
    pub amount: Money,
}

/// Taxes in the currency the customer saw.
///
/// # Errors
/// When a rate is too large for a percentage.
pub fn taxes(lines: &[TaxLine]) -> Result<Vec<TaxData>, InvalidMoney> {
    let percent = |rate: Decimal| rate.checked_mul(Decimal::ONE_HUNDRED).ok_or(InvalidMoney::Overflow);
    let tax = |line: &TaxLine| {
        // a fee that Shopify keeps as a tax, such as for deliveries, has a rate of zero and is something
        let rate = line.rate.filter(|rate| !rate.is_zero() || line.price.presentment.amount().is_zero());
        let rate_percent = rate.map(percent).transpose()?.map(|percent| percent.normalize().to_string());
        Ok(TaxData { title: line.title.clone(), rate_percent, amount: line.price.presentment })
    };
    lines.iter().map(tax).collect()
}

#[derive(Clone, Serialize, JsonSchema)]
pub struct AttributeData {
    /// What it is.
    pub name: String,
    /// What was given for it.
    pub value: String,
}

pub fn attributes(attributes: &[Attribute]) -> Vec<AttributeData> {
    attributes.iter().map(|it| AttributeData { name: it.name.clone(), value: it.value.clone() }).collect()
}

/// ISO 8601 with the shop's offset at that moment.
pub fn iso(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// The calendar day in the shop's time zone, such as `2026-11-22`, for templates that map a plain date. A field
/// that holds one is named after the date-time beside it: `shipped_at` and `shipped_on`, `date` and `date_on`.
pub fn day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).date().to_string()
}
