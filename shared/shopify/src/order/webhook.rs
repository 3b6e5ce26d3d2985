//! An order in the form of the REST API, which is what classic events carry.

mod lines;

use super::{
    Address, Attribute, Customer, FinancialStatus, FulfilmentStatus, MoneyBag, Order, PaymentTerms,
    PurchasingCompany, TaxLine, Totals, attributes,
    discount::{Application, entered},
    due_at,
    line::mark_tips,
    money::Amount,
    payload::{self, Sums},
};
use crate::{
    Malformed,
    decode::{decode_bytes, flag, list, tags, text},
};
use comms::{CurrencyCode, Gid};
use jiff::Timestamp;
use lines::{Group, Line, Shipping, gid};
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
    duties_included: bool,
    #[serde(default, deserialize_with = "flag")]
    tax_exempt: bool,
    #[serde(default, deserialize_with = "flag")]
    test: bool,
    #[serde(default, deserialize_with = "text")]
    note: Option<String>,
    #[serde(default, deserialize_with = "attributes")]
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
    line_item_groups: Vec<Group>,
    #[serde(default, deserialize_with = "list")]
    shipping_lines: Vec<Shipping>,
    #[serde(default, deserialize_with = "list")]
    discount_applications: Vec<Application>,
    #[serde(default, deserialize_with = "list")]
    discount_codes: Vec<Code>,
    #[serde(default, deserialize_with = "list")]
    tax_lines: Vec<TaxLine>,
    #[serde(default, deserialize_with = "list")]
    refunds: Vec<Refunded>,
    #[serde(default, deserialize_with = "tags")]
    tags: Vec<String>,
    subtotal_price_set: Option<MoneyBag>,
    total_discounts_set: Option<MoneyBag>,
    total_shipping_price_set: MoneyBag,
    total_tax_set: Option<MoneyBag>,
    original_total_duties_set: Option<MoneyBag>,
    original_total_additional_fees_set: Option<MoneyBag>,
    total_tip_received: Option<Amount>,
    total_cash_rounding_payment_adjustment_set: Option<MoneyBag>,
    total_price_set: MoneyBag,
    current_subtotal_price_set: Option<MoneyBag>,
    current_total_discounts_set: Option<MoneyBag>,
    current_shipping_price_set: Option<MoneyBag>,
    current_total_tax_set: Option<MoneyBag>,
    current_total_duties_set: Option<MoneyBag>,
    current_total_additional_fees_set: Option<MoneyBag>,
    current_total_price_set: MoneyBag,
    total_outstanding: Amount,
}

#[derive(Deserialize)]
struct Terms {
    #[serde(default, deserialize_with = "text")]
    payment_terms_name: Option<String>,
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
    id: Option<u64>,
    location_id: Option<u64>,
}

#[derive(Deserialize)]
struct Refunded {
    #[serde(default, deserialize_with = "list")]
    transactions: Vec<payload::Transaction>,
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
        let subtotal = wire.subtotal_price_set.unwrap_or(zero);
        let discounts = wire.total_discounts_set.unwrap_or(zero);
        let tax = wire.total_tax_set.unwrap_or(zero);
        let applications = &wire.discount_applications;
        let groups = &wire.line_item_groups;
        let lines = wire.line_items.into_iter().map(|line| line.read(applications, groups, zero));
        let mut lines = lines.collect::<Result<Vec<_>, _>>()?;
        let shipping_lines = wire.shipping_lines.into_iter().filter_map(|it| it.read(applications));
        let shipping_lines: Vec<_> = shipping_lines.collect();
        let sums = Sums {
            lines: &lines,
            shipping: &shipping_lines,
            added: [
                (!wire.taxes_included).then_some(tax),
                wire.original_total_duties_set.filter(|_| !wire.duties_included),
                wire.original_total_additional_fees_set,
            ],
            total: wire.total_price_set,
            current_total: wire.current_total_price_set,
        };
        let tip = sums.tip(wire.total_tip_received.map_or_else(Default::default, |it| it.0))?;
        let outstanding = sums.outstanding(wire.total_outstanding.0);
        let refunded = sums.refunded(wire.refunds.iter().flat_map(|refund| &refund.transactions))?;
        let totals = Totals {
            subtotal,
            discounts,
            shipping: wire.total_shipping_price_set,
            tax,
            duties: wire.original_total_duties_set,
            additional_fees: wire.original_total_additional_fees_set,
            total: wire.total_price_set,
            first_total: None,
            current_subtotal: wire.current_subtotal_price_set.unwrap_or(subtotal),
            current_discounts: wire.current_total_discounts_set.unwrap_or(discounts),
            current_shipping: wire.current_shipping_price_set,
            current_tax: wire.current_total_tax_set.unwrap_or(tax),
            current_duties: wire.current_total_duties_set,
            current_additional_fees: wire.current_total_additional_fees_set,
            current_total: wire.current_total_price_set,
            tip,
            cash_rounding: wire.total_cash_rounding_payment_adjustment_set.unwrap_or(zero),
            outstanding,
            received: sums.received(outstanding, refunded)?,
            refunded,
            capturable: sums.capturable(&wire.financial_status, outstanding),
        };
        if let Some(tip) = tip.both() {
            mark_tips(&mut lines, tip);
        }
        let codes = wire.discount_codes.into_iter().map(|code| code.code).collect();
        let names: Vec<_> = applications.iter().map(|it| (it.kind(), it.name())).collect();
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
            payments: None,
            payment_terms: wire.payment_terms.map(|terms| PaymentTerms {
                name: terms.payment_terms_name.unwrap_or_default(),
                due_at: due_at(
                    terms.payment_schedules.iter().map(|it| (it.due_at, it.completed_at.is_some())),
                ),
            }),
            taxes_included: wire.taxes_included,
            duties_included: wire.duties_included,
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
            company: wire.company.and_then(|company| {
                Some(PurchasingCompany {
                    company: Gid::new("Company", company.id?),
                    location: Gid::new("CompanyLocation", company.location_id?),
                })
            }),
            billing_address: wire.billing_address,
            shipping_address: wire.shipping_address,
            lines,
            shipping_lines,
            discount_codes: entered(codes, names.iter().map(|(kind, name)| (*kind, name.as_deref()))),
            tax_lines: wire.tax_lines,
            additional_fees: Vec::new(),
            totals,
            tags: wire.tags,
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
