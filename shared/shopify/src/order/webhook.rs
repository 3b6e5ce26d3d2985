//! An order in the form of the REST API, which is what classic events carry.

use super::{
    Address, Attribute, Customer, DiscountAllocation, Duty, FinancialStatus, FulfilmentStatus, LineItem,
    MoneyBag, Order, PaymentTerms, PurchasingCompany, ShippingLine, TaxLine, Totals, due_at,
    money::{Amount, Price},
    public, received, total_discount,
};
use crate::{
    Malformed,
    decode::{decode_bytes, flag, list, text},
};
use comms::{CurrencyCode, Gid, Money};
use jiff::Timestamp;
use serde::Deserialize;

#[derive(Deserialize)]
struct Wire {
    id: u64,
    admin_graphql_api_id: Option<Gid>,
    name: String,
    order_number: u64,
    #[serde(default, deserialize_with = "text")]
    confirmation_number: Option<String>,
    created_at: Timestamp,
    processed_at: Option<Timestamp>,
    updated_at: Timestamp,
    cancelled_at: Option<Timestamp>,
    currency: CurrencyCode,
    presentment_currency: CurrencyCode,
    financial_status: FinancialStatus,
    fulfillment_status: FulfilmentStatus,
    #[serde(default, deserialize_with = "list")]
    payment_gateway_names: Vec<String>,
    payment_terms: Option<Terms>,
    #[serde(deserialize_with = "flag")]
    taxes_included: bool,
    #[serde(default, deserialize_with = "flag")]
    tax_exempt: bool,
    #[serde(default, deserialize_with = "flag")]
    test: bool,
    #[serde(default, deserialize_with = "text")]
    note: Option<String>,
    #[serde(default, deserialize_with = "list")]
    note_attributes: Vec<Attribute>,
    #[serde(default, deserialize_with = "text")]
    po_number: Option<String>,
    #[serde(default, deserialize_with = "text")]
    email: Option<String>,
    #[serde(default, deserialize_with = "text")]
    phone: Option<String>,
    #[serde(default, deserialize_with = "text")]
    customer_locale: Option<String>,
    #[serde(default, deserialize_with = "text")]
    order_status_url: Option<String>,
    customer: Option<Person>,
    company: Option<Company>,
    billing_address: Option<Address>,
    shipping_address: Option<Address>,
    line_items: Vec<Line>,
    #[serde(default, deserialize_with = "list")]
    shipping_lines: Vec<Shipping>,
    #[serde(default, deserialize_with = "list")]
    discount_applications: Vec<Application>,
    #[serde(default, deserialize_with = "list")]
    discount_codes: Vec<Code>,
    #[serde(default, deserialize_with = "list")]
    tax_lines: Vec<TaxLine>,
    #[serde(default, deserialize_with = "text")]
    tags: Option<String>,
    subtotal_price_set: Option<MoneyBag>,
    total_discounts_set: Option<MoneyBag>,
    total_shipping_price_set: MoneyBag,
    total_tax_set: Option<MoneyBag>,
    original_total_duties_set: Option<MoneyBag>,
    total_tip_received: Option<Amount>,
    total_price_set: MoneyBag,
    current_subtotal_price_set: Option<MoneyBag>,
    current_total_discounts_set: Option<MoneyBag>,
    current_total_tax_set: Option<MoneyBag>,
    current_total_price_set: MoneyBag,
    total_outstanding: Amount,
}

#[derive(Deserialize)]
struct Terms {
    payment_terms_name: String,
    #[serde(default, deserialize_with = "list")]
    payment_schedules: Vec<Schedule>,
}

#[derive(Deserialize)]
struct Schedule {
    due_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Person {
    id: u64,
    admin_graphql_api_id: Option<Gid>,
    #[serde(default, deserialize_with = "text")]
    first_name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    last_name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    email: Option<String>,
    #[serde(default, deserialize_with = "text")]
    phone: Option<String>,
}

#[derive(Deserialize)]
struct Company {
    id: u64,
    location_id: u64,
}

#[derive(Deserialize)]
struct Line {
    id: u64,
    admin_graphql_api_id: Option<Gid>,
    title: String,
    #[serde(default, deserialize_with = "text")]
    variant_title: Option<String>,
    #[serde(default, deserialize_with = "text")]
    sku: Option<String>,
    #[serde(default, deserialize_with = "text")]
    vendor: Option<String>,
    quantity: u64,
    current_quantity: u64,
    requires_shipping: bool,
    gift_card: bool,
    price_set: MoneyBag,
    total_discount_set: MoneyBag,
    #[serde(default, deserialize_with = "list")]
    discount_allocations: Vec<Allocation>,
    #[serde(default, deserialize_with = "list")]
    tax_lines: Vec<TaxLine>,
    #[serde(default, deserialize_with = "list")]
    duties: Vec<LineDuty>,
    #[serde(default, deserialize_with = "list")]
    properties: Vec<Attribute>,
}

#[derive(Deserialize)]
struct Allocation {
    amount_set: MoneyBag,
    discount_application_index: usize,
}

#[derive(Deserialize)]
struct Application {
    #[serde(default, deserialize_with = "text")]
    code: Option<String>,
    #[serde(default, deserialize_with = "text")]
    title: Option<String>,
}

#[derive(Deserialize)]
struct LineDuty {
    #[serde(default, deserialize_with = "text")]
    harmonized_system_code: Option<String>,
    #[serde(default, deserialize_with = "text")]
    country_code_of_origin: Option<String>,
    shop_money: Price,
    presentment_money: Price,
}

#[derive(Deserialize)]
struct Shipping {
    title: String,
    #[serde(default, deserialize_with = "text")]
    code: Option<String>,
    price_set: MoneyBag,
    discounted_price_set: MoneyBag,
    #[serde(default, deserialize_with = "list")]
    tax_lines: Vec<TaxLine>,
    #[serde(default, deserialize_with = "flag")]
    is_removed: bool,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

impl Order {
    /// Reads the payload of `orders/create`, `orders/paid`, `orders/updated` or `orders/cancelled`.
    ///
    /// # Errors
    /// Names the field that is missing, has another type, or contradicts another.
    pub fn from_webhook(payload: &[u8]) -> Result<Self, Malformed> {
        let wire: Wire = decode_bytes(payload)?;
        let zero = MoneyBag::zero(wire.currency, wire.presentment_currency);
        let shop_money = |amount: Amount| Money::new(amount.0, wire.currency);
        let outstanding = shop_money(wire.total_outstanding);
        let subtotal = wire.subtotal_price_set.unwrap_or(zero);
        let discounts = wire.total_discounts_set.unwrap_or(zero);
        let tax = wire.total_tax_set.unwrap_or(zero);
        let totals = Totals {
            subtotal,
            discounts,
            shipping: wire.total_shipping_price_set,
            tax,
            duties: wire.original_total_duties_set,
            tip: wire.total_tip_received.map_or(zero.shop, shop_money),
            total: wire.total_price_set,
            current_subtotal: wire.current_subtotal_price_set.unwrap_or(subtotal),
            current_discounts: wire.current_total_discounts_set.unwrap_or(discounts),
            current_tax: wire.current_total_tax_set.unwrap_or(tax),
            current_total: wire.current_total_price_set,
            outstanding,
            received: received(wire.current_total_price_set.shop, outstanding)?,
        };
        let applications = &wire.discount_applications;
        let lines =
            wire.line_items.into_iter().map(|line| line.read(applications)).collect::<Result<_, _>>()?;
        let mut tags: Vec<_> =
            wire.tags.iter().flat_map(|tags| tags.split(',')).map(|tag| tag.trim().to_owned()).collect();
        tags.retain(|tag| !tag.is_empty());
        tags.sort();
        Ok(Self {
            id: gid(wire.admin_graphql_api_id, "Order", wire.id)?,
            name: wire.name,
            number: wire.order_number,
            confirmation_number: wire.confirmation_number,
            created_at: wire.created_at,
            processed_at: wire.processed_at.unwrap_or(wire.created_at),
            updated_at: wire.updated_at,
            cancelled_at: wire.cancelled_at,
            currency: wire.currency,
            presentment_currency: wire.presentment_currency,
            financial_status: wire.financial_status,
            fulfilment_status: wire.fulfillment_status,
            payment_gateways: wire.payment_gateway_names,
            payment_terms: wire.payment_terms.map(|terms| PaymentTerms {
                name: terms.payment_terms_name,
                due_at: due_at(
                    terms.payment_schedules.iter().map(|it| (it.due_at, it.completed_at.is_some())),
                ),
            }),
            taxes_included: wire.taxes_included,
            tax_exempt: wire.tax_exempt,
            test: wire.test,
            note: wire.note,
            note_attributes: wire.note_attributes,
            po_number: wire.po_number,
            email: wire.email,
            phone: wire.phone,
            locale: wire.customer_locale,
            status_url: wire.order_status_url,
            customer: wire.customer.map(Person::read).transpose()?,
            company: wire.company.map(|company| PurchasingCompany {
                company: Gid::new("Company", company.id),
                location: Gid::new("CompanyLocation", company.location_id),
            }),
            billing_address: wire.billing_address,
            shipping_address: wire.shipping_address,
            lines,
            shipping_lines: wire.shipping_lines.into_iter().filter_map(Shipping::read).collect(),
            discount_codes: wire.discount_codes.into_iter().map(|code| code.code).collect(),
            tax_lines: wire.tax_lines,
            totals,
            tags,
        })
    }
}

impl Person {
    fn read(self) -> Result<Customer, Malformed> {
        Ok(Customer {
            id: gid(self.admin_graphql_api_id, "Customer", self.id)?,
            first_name: self.first_name,
            last_name: self.last_name,
            email: self.email,
            phone: self.phone,
            locale: None,
        })
    }
}

impl Line {
    fn read(self, applications: &[Application]) -> Result<LineItem, Malformed> {
        let discounts: Vec<_> = self
            .discount_allocations
            .into_iter()
            .map(|allocation| DiscountAllocation {
                name: applications
                    .get(allocation.discount_application_index)
                    .and_then(|it| it.code.clone().or_else(|| it.title.clone())),
                amount: allocation.amount_set,
            })
            .collect();
        Ok(LineItem {
            id: gid(self.admin_graphql_api_id, "LineItem", self.id)?,
            title: self.title,
            variant: self.variant_title,
            sku: self.sku,
            vendor: self.vendor,
            quantity: self.quantity,
            current_quantity: self.current_quantity,
            requires_shipping: self.requires_shipping,
            gift_card: self.gift_card,
            unit_price: self.price_set,
            total_discount: total_discount(&discounts, self.total_discount_set)?,
            discounts,
            tax_lines: self.tax_lines,
            duties: self.duties.into_iter().map(LineDuty::read).collect(),
            properties: public(self.properties),
        })
    }
}

impl LineDuty {
    fn read(self) -> Duty {
        Duty {
            harmonized_system_code: self.harmonized_system_code,
            country_code_of_origin: self.country_code_of_origin,
            price: MoneyBag { shop: self.shop_money.into(), presentment: self.presentment_money.into() },
        }
    }
}

impl Shipping {
    fn read(self) -> Option<ShippingLine> {
        (!self.is_removed).then_some(ShippingLine {
            title: self.title,
            code: self.code,
            price: self.price_set,
            discounted_price: self.discounted_price_set,
            tax_lines: self.tax_lines,
        })
    }
}

/// The global id is the identity; the number only stands in for it, because a JSON writer on the way may
/// have rounded it.
fn gid(gid: Option<Gid>, kind: &'static str, number: u64) -> Result<Gid, Malformed> {
    match gid {
        Some(gid) => gid.of_kind(kind).map_err(|_| {
            Malformed::new("admin_graphql_api_id", format!("is not the id of a resource of type {kind}"))
        }),
        None => Ok(Gid::new(kind, number)),
    }
}
