//! An order as the answer to `graphql/order_for_documents.graphql`.

mod lines;

use super::{
    AdditionalFee, Address, Attribute, Customer, FinancialStatus, FulfilmentStatus, MoneyBag, Order,
    PaymentTerms, PurchasingCompany, TaxLine, Totals, attributes, discount::entered, due_at, line::mark_tips,
    transaction,
};
use crate::{
    Malformed,
    connection::{Nodes, Page},
    decode::{decode, list, tags, text},
};
use comms::{CurrencyCode, Gid};
use jiff::Timestamp;
use lines::{Line, Shipping};
use serde::Deserialize;

/// An order with some of its lines.
#[derive(Debug)]
pub struct OrderPage {
    pub order: Order,
    /// Where the next lines begin. Without it, these were the last.
    pub next: Option<String>,
}

#[derive(Deserialize)]
struct Data {
    order: Option<Wire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: Gid,
    name: String,
    number: u64,
    #[serde(deserialize_with = "text")]
    confirmation_number: Option<String>,
    created_at: Timestamp,
    processed_at: Timestamp,
    updated_at: Timestamp,
    cancelled_at: Option<Timestamp>,
    currency_code: CurrencyCode,
    presentment_currency_code: CurrencyCode,
    display_financial_status: FinancialStatus,
    display_fulfillment_status: FulfilmentStatus,
    payment_gateway_names: Vec<String>,
    #[serde(default)]
    transactions: Option<Vec<transaction::Wire>>,
    payment_terms: Option<Terms>,
    taxes_included: bool,
    #[serde(default)]
    duties_included: bool,
    tax_exempt: bool,
    test: bool,
    #[serde(deserialize_with = "text")]
    note: Option<String>,
    #[serde(deserialize_with = "attributes")]
    custom_attributes: Vec<Attribute>,
    #[serde(deserialize_with = "text")]
    po_number: Option<String>,
    #[serde(deserialize_with = "text")]
    email: Option<String>,
    #[serde(deserialize_with = "text")]
    phone: Option<String>,
    #[serde(deserialize_with = "text")]
    customer_locale: Option<String>,
    #[serde(deserialize_with = "text")]
    status_page_url: Option<String>,
    customer: Option<Person>,
    purchasing_entity: Option<Entity>,
    billing_address: Option<Address>,
    shipping_address: Option<Address>,
    line_items: Page<Line>,
    shipping_lines: Nodes<Shipping>,
    #[serde(deserialize_with = "list")]
    discount_codes: Vec<String>,
    tax_lines: Vec<TaxLine>,
    #[serde(deserialize_with = "tags")]
    tags: Vec<String>,
    #[serde(default)]
    additional_fees: Vec<AdditionalFee>,
    subtotal_price_set: Option<MoneyBag>,
    total_discounts_set: Option<MoneyBag>,
    total_shipping_price_set: MoneyBag,
    total_tax_set: Option<MoneyBag>,
    original_total_duties_set: Option<MoneyBag>,
    original_total_additional_fees_set: Option<MoneyBag>,
    total_tip_received_set: MoneyBag,
    total_cash_rounding_adjustment: Option<Rounding>,
    total_price_set: MoneyBag,
    original_total_price_set: Option<MoneyBag>,
    current_subtotal_price_set: MoneyBag,
    current_total_discounts_set: MoneyBag,
    current_shipping_price_set: Option<MoneyBag>,
    current_total_tax_set: MoneyBag,
    current_total_duties_set: Option<MoneyBag>,
    current_total_additional_fees_set: Option<MoneyBag>,
    current_total_price_set: MoneyBag,
    total_outstanding_set: MoneyBag,
    total_received_set: Option<MoneyBag>,
    total_refunded_set: Option<MoneyBag>,
    total_capturable_set: Option<MoneyBag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rounding {
    payment_set: MoneyBag,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Terms {
    payment_terms_name: String,
    payment_schedules: Nodes<Schedule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Schedule {
    due_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Person {
    id: Gid,
    #[serde(deserialize_with = "text")]
    first_name: Option<String>,
    #[serde(deserialize_with = "text")]
    last_name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    locale: Option<String>,
    default_email_address: Option<EmailAddress>,
    default_phone_number: Option<PhoneNumber>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EmailAddress {
    email_address: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PhoneNumber {
    phone_number: String,
}

/// Empty, unless a company bought.
#[derive(Deserialize)]
struct Entity {
    company: Option<Id>,
    location: Option<Id>,
}

#[derive(Deserialize)]
struct Id {
    id: Gid,
}

impl Order {
    /// Reads the `data` of an `OrderForDocuments` answer. There is no order, if Shopify has none of this id
    /// or keeps it from the app.
    ///
    /// # Errors
    /// Names the field that is missing, has another type, or contradicts another.
    pub fn from_graphql(data: &str) -> Result<Option<OrderPage>, Malformed> {
        decode::<Data>(data)?.order.map(Wire::read).transpose()
    }
}

impl Wire {
    fn read(self) -> Result<OrderPage, Malformed> {
        let zero = MoneyBag::zero(self.currency_code, self.presentment_currency_code);
        let tip = self.total_tip_received_set;
        let refunded = self.total_refunded_set.unwrap_or(zero);
        let moved =
            || self.current_total_price_set.checked_sub(self.total_outstanding_set)?.checked_add(refunded);
        let received = self.total_received_set.map_or_else(moved, Ok);
        let received = received.map_err(|_| {
            Malformed::new("order.totalOutstandingSet", "cannot be taken off the current total")
        })?;
        let totals = Totals {
            subtotal: self.subtotal_price_set.unwrap_or(zero),
            discounts: self.total_discounts_set.unwrap_or(zero),
            shipping: self.total_shipping_price_set,
            tax: self.total_tax_set.unwrap_or(zero),
            duties: self.original_total_duties_set,
            additional_fees: self.original_total_additional_fees_set,
            total: self.total_price_set,
            first_total: self.original_total_price_set,
            current_subtotal: self.current_subtotal_price_set,
            current_discounts: self.current_total_discounts_set,
            current_shipping: self.current_shipping_price_set,
            current_tax: self.current_total_tax_set,
            current_duties: self.current_total_duties_set,
            current_additional_fees: self.current_total_additional_fees_set,
            current_total: self.current_total_price_set,
            tip: tip.into(),
            cash_rounding: self.total_cash_rounding_adjustment.map_or(zero, |it| it.payment_set),
            outstanding: self.total_outstanding_set.into(),
            received: received.into(),
            refunded: refunded.into(),
            capturable: self.total_capturable_set,
        };
        let mut lines = self.line_items.nodes.into_iter().map(Line::read).collect::<Result<Vec<_>, _>>()?;
        mark_tips(&mut lines, tip);
        let shipping_lines: Vec<_> = self.shipping_lines.nodes.into_iter().map(Shipping::read).collect();
        let used =
            lines.iter().map(|line| &line.discounts).chain(shipping_lines.iter().map(|it| &it.discounts));
        let used: Vec<_> = used.flatten().map(|it| (it.kind, it.name.clone())).collect();
        let codes = entered(self.discount_codes, used.iter().map(|(kind, name)| (*kind, name.as_deref())));
        let page = self.line_items.page_info;
        let order = Order {
            id: self
                .id
                .of_kind("Order")
                .map_err(|_| Malformed::new("order.id", "is not the id of a resource of type Order"))?,
            name: self.name,
            number: self.number,
            confirmation_number: self.confirmation_number,
            created_at: self.created_at,
            processed_at: self.processed_at,
            updated_at: self.updated_at,
            cancelled_at: self.cancelled_at,
            currency: self.currency_code,
            presentment_currency: self.presentment_currency_code,
            financial_status: self.display_financial_status,
            fulfilment_status: self.display_fulfillment_status,
            payment_gateways: self.payment_gateway_names,
            payments: self.transactions.map(|all| all.into_iter().map(transaction::Wire::read).collect()),
            payment_terms: self.payment_terms.map(Terms::read),
            taxes_included: self.taxes_included,
            duties_included: self.duties_included,
            tax_exempt: self.tax_exempt,
            test: self.test,
            note: self.note,
            note_attributes: self.custom_attributes,
            po_number: self.po_number,
            email: self.email,
            phone: self.phone,
            locale: self.customer_locale,
            status_url: self.status_page_url,
            customer: self.customer.map(Person::read),
            company: self.purchasing_entity.and_then(Entity::read),
            billing_address: self.billing_address,
            shipping_address: self.shipping_address,
            lines,
            shipping_lines,
            discount_codes: codes,
            tax_lines: self.tax_lines,
            additional_fees: self.additional_fees,
            totals,
            tags: self.tags,
        };
        Ok(OrderPage { order, next: page.end_cursor.filter(|_| page.has_next_page) })
    }
}

impl Terms {
    fn read(self) -> PaymentTerms {
        let schedules = self.payment_schedules.nodes.iter();
        PaymentTerms {
            name: self.payment_terms_name,
            due_at: due_at(schedules.map(|it| (it.due_at, it.completed_at.is_some()))),
        }
    }
}

impl Person {
    fn read(self) -> Customer {
        Customer {
            id: self.id,
            first_name: self.first_name,
            last_name: self.last_name,
            email: self.default_email_address.map(|it| it.email_address),
            phone: self.default_phone_number.map(|it| it.phone_number),
            locale: self.locale,
        }
    }
}

impl Entity {
    fn read(self) -> Option<PurchasingCompany> {
        Some(PurchasingCompany { company: self.company?.id, location: self.location?.id })
    }
}
