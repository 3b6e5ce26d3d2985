//! The lines of an order in an event: goods and shipping.

use crate::{
    Malformed,
    decode::{flag, list, text},
    order::{
        Attribute, Bundle, DiscountAllocation, Duty, LineItem, MoneyBag, ShippingLine, TaxLine, attributes,
        discount::{Application, total},
        money::Price,
    },
};
use comms::Gid;
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Group {
    id: u64,
    title: String,
    quantity: u64,
    #[serde(default, deserialize_with = "text")]
    variant_sku: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Line {
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
pub(super) struct Shipping {
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

impl Line {
    pub(super) fn read(
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
    fn read(self, applications: &[Application]) -> DiscountAllocation {
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
    pub(super) fn read(self, applications: &[Application]) -> Option<ShippingLine> {
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
pub(super) fn gid(gid: Option<Gid>, kind: &'static str, number: u64) -> Result<Gid, Malformed> {
    match gid {
        Some(gid) => gid.of_kind(kind).map_err(|_| {
            Malformed::new("admin_graphql_api_id", format!("is not the id of a resource of type {kind}"))
        }),
        None => Ok(Gid::new(kind, number)),
    }
}
