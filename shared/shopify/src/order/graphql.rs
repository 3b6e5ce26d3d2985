//! An order as the answer to `graphql/order_for_documents.graphql`.

use super::{
    Address, Attribute, Customer, DiscountAllocation, Duty, FinancialStatus, FulfilmentStatus, LineItem,
    MoneyBag, Order, PaymentTerms, PurchasingCompany, ShippingLine, TaxLine, Totals, due_at, money::Price,
    public, received, total_discount,
};
use crate::{
    Malformed,
    decode::{decode, list, text},
};
use comms::{CurrencyCode, Gid, Money};
use jiff::Timestamp;
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
    payment_terms: Option<Terms>,
    taxes_included: bool,
    tax_exempt: bool,
    test: bool,
    #[serde(deserialize_with = "text")]
    note: Option<String>,
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
    line_items: Lines,
    shipping_lines: Nodes<Shipping>,
    #[serde(deserialize_with = "list")]
    discount_codes: Vec<String>,
    tax_lines: Vec<TaxLine>,
    tags: Vec<String>,
    subtotal_price_set: Option<MoneyBag>,
    total_discounts_set: Option<MoneyBag>,
    total_shipping_price_set: MoneyBag,
    total_tax_set: Option<MoneyBag>,
    original_total_duties_set: Option<MoneyBag>,
    total_tip_received_set: ShopPrice,
    total_price_set: MoneyBag,
    current_subtotal_price_set: MoneyBag,
    current_total_discounts_set: MoneyBag,
    current_total_tax_set: MoneyBag,
    current_total_price_set: MoneyBag,
    total_outstanding_set: ShopPrice,
}

#[derive(Deserialize)]
struct Nodes<T> {
    nodes: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lines {
    page_info: PageInfo,
    nodes: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    id: Gid,
    title: String,
    #[serde(deserialize_with = "text")]
    variant_title: Option<String>,
    #[serde(deserialize_with = "text")]
    sku: Option<String>,
    #[serde(deserialize_with = "text")]
    vendor: Option<String>,
    quantity: u64,
    current_quantity: u64,
    requires_shipping: bool,
    is_gift_card: bool,
    original_unit_price_set: MoneyBag,
    total_discount_set: MoneyBag,
    discount_allocations: Vec<Allocation>,
    tax_lines: Vec<TaxLine>,
    duties: Vec<LineDuty>,
    custom_attributes: Vec<Attribute>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Allocation {
    allocated_amount_set: MoneyBag,
    discount_application: Application,
}

#[derive(Deserialize)]
struct Application {
    #[serde(default, deserialize_with = "text")]
    code: Option<String>,
    #[serde(default, deserialize_with = "text")]
    title: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LineDuty {
    #[serde(deserialize_with = "text")]
    harmonized_system_code: Option<String>,
    #[serde(deserialize_with = "text")]
    country_code_of_origin: Option<String>,
    price: MoneyBag,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shipping {
    title: String,
    #[serde(deserialize_with = "text")]
    code: Option<String>,
    original_price_set: MoneyBag,
    discounted_price_set: MoneyBag,
    tax_lines: Vec<TaxLine>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShopPrice {
    shop_money: Price,
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
        let outstanding: Money = self.total_outstanding_set.shop_money.into();
        let totals = Totals {
            subtotal: self.subtotal_price_set.unwrap_or(zero),
            discounts: self.total_discounts_set.unwrap_or(zero),
            shipping: self.total_shipping_price_set,
            tax: self.total_tax_set.unwrap_or(zero),
            duties: self.original_total_duties_set,
            tip: self.total_tip_received_set.shop_money.into(),
            total: self.total_price_set,
            current_subtotal: self.current_subtotal_price_set,
            current_discounts: self.current_total_discounts_set,
            current_tax: self.current_total_tax_set,
            current_total: self.current_total_price_set,
            outstanding,
            received: received(self.current_total_price_set.shop, outstanding)?,
        };
        let mut tags = self.tags;
        tags.sort();
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
            payment_terms: self.payment_terms.map(Terms::read),
            taxes_included: self.taxes_included,
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
            lines: self.line_items.nodes.into_iter().map(Line::read).collect::<Result<_, _>>()?,
            shipping_lines: self.shipping_lines.nodes.into_iter().map(Shipping::read).collect(),
            discount_codes: self.discount_codes,
            tax_lines: self.tax_lines,
            totals,
            tags,
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

impl Line {
    fn read(self) -> Result<LineItem, Malformed> {
        let discounts: Vec<_> = self.discount_allocations.into_iter().map(Allocation::read).collect();
        Ok(LineItem {
            id: self.id,
            title: self.title,
            variant: self.variant_title,
            sku: self.sku,
            vendor: self.vendor,
            quantity: self.quantity,
            current_quantity: self.current_quantity,
            requires_shipping: self.requires_shipping,
            gift_card: self.is_gift_card,
            unit_price: self.original_unit_price_set,
            total_discount: total_discount(&discounts, self.total_discount_set)?,
            discounts,
            tax_lines: self.tax_lines,
            duties: self.duties.into_iter().map(LineDuty::read).collect(),
            properties: public(self.custom_attributes),
        })
    }
}

impl Allocation {
    fn read(self) -> DiscountAllocation {
        let Application { code, title } = self.discount_application;
        DiscountAllocation { name: code.or(title), amount: self.allocated_amount_set }
    }
}

impl LineDuty {
    fn read(self) -> Duty {
        Duty {
            harmonized_system_code: self.harmonized_system_code,
            country_code_of_origin: self.country_code_of_origin,
            price: self.price,
        }
    }
}

impl Shipping {
    fn read(self) -> ShippingLine {
        ShippingLine {
            title: self.title,
            code: self.code,
            price: self.original_price_set,
            discounted_price: self.discounted_price_set,
            tax_lines: self.tax_lines,
        }
    }
}
