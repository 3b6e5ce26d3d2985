//! An order in the form of the REST API, which is what classic events carry.

use super::{
    Address, Attribute, Bundle, Customer, Duty, FinancialStatus, FulfilmentStatus, LineItem, MoneyBag, Order,
    PaymentTerms, PurchasingCompany, ShippingLine, TaxLine, Totals, attributes,
    discount::{Application, entered, total},
    due_at,
    line::mark_tips,
    money::{Amount, Price},
    payload::{self, Sums},
};
use crate::{
    Malformed,
    decode::{decode_bytes, flag, list, tags, text},
};
use comms::{CurrencyCode, Gid};
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
struct Group {
    id: u64,
    title: String,
    quantity: u64,
    #[serde(default, deserialize_with = "text")]
    variant_sku: Option<String>,
}

#[derive(Deserialize)]
struct Refunded {
    #[serde(default, deserialize_with = "list")]
    transactions: Vec<payload::Transaction>,
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
    current_quantity: Option<u64>,
    #[serde(default, deserialize_with = "flag")]
    requires_shipping: bool,
    #[serde(default, deserialize_with = "flag")]
    gift_card: bool,
    price_set: MoneyBag,
    total_discount_set: Option<MoneyBag>,
    #[serde(default, deserialize_with = "list")]
    discount_allocations: Vec<Allocation>,
    #[serde(default, deserialize_with = "list")]
    tax_lines: Vec<TaxLine>,
    #[serde(default, deserialize_with = "list")]
    duties: Vec<LineDuty>,
    #[serde(default, deserialize_with = "attributes")]
    properties: Vec<Attribute>,
    sales_line_item_group_id: Option<u64>,
    #[serde(default, deserialize_with = "text")]
    tip_payment_gateway: Option<String>,
    #[serde(default, deserialize_with = "text")]
    tip_payment_method: Option<String>,
}

#[derive(Deserialize)]
struct Allocation {
    amount_set: MoneyBag,
    discount_application_index: Option<usize>,
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
    discounted_price_set: Option<MoneyBag>,
    current_discounted_price_set: Option<MoneyBag>,
    #[serde(default, deserialize_with = "list")]
    discount_allocations: Vec<Allocation>,
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

impl Line {
    fn read(
        self,
        applications: &[Application],
        groups: &[Group],
        zero: MoneyBag,
    ) -> Result<LineItem, Malformed> {
        let discounts: Vec<_> =
            self.discount_allocations.into_iter().map(|it| it.read(applications)).collect();
        let group = self.sales_line_item_group_id;
        Ok(LineItem {
            id: gid(self.admin_graphql_api_id, "LineItem", self.id)?,
            title: self.title,
            variant: self.variant_title,
            sku: self.sku,
            vendor: self.vendor,
            quantity: self.quantity,
            current_quantity: self.current_quantity.unwrap_or(self.quantity),
            requires_shipping: self.requires_shipping,
            gift_card: self.gift_card,
            tip: self.tip_payment_gateway.or(self.tip_payment_method).is_some(),
            bundle: groups.iter().find(|it| Some(it.id) == group).map(Group::read),
            image_url: None,
            product_url: None,
            unit_price: self.price_set,
            total_discount: total(&discounts, self.total_discount_set.unwrap_or(zero))?,
            discounts,
            tax_lines: self.tax_lines,
            duties: self.duties.into_iter().map(LineDuty::read).collect(),
            properties: self.properties,
        })
    }
}

impl Allocation {
    fn read(self, applications: &[Application]) -> super::DiscountAllocation {
        let index = self.discount_application_index;
        Application::allocated(index.and_then(|index| applications.get(index)), self.amount_set)
    }
}

impl Group {
    fn read(&self) -> Bundle {
        Bundle {
            id: Gid::new("LineItemGroup", self.id),
            title: self.title.clone(),
            quantity: self.quantity,
            sku: self.variant_sku.clone(),
        }
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
    fn read(self, applications: &[Application]) -> Option<ShippingLine> {
        let discounted = self.discounted_price_set.unwrap_or(self.price_set);
        (!self.is_removed).then(|| ShippingLine {
            title: self.title,
            code: self.code,
            price: self.price_set,
            discounted_price: discounted,
            current_price: self.current_discounted_price_set.unwrap_or(discounted),
            discounts: self.discount_allocations.into_iter().map(|it| it.read(applications)).collect(),
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
