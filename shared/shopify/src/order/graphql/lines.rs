//! The lines of an order in an answer: goods and shipping.

use crate::{
    Malformed,
    decode::text,
    order::{
        Attribute, Bundle, DiscountAllocation, Duty, LineItem, MoneyBag, ShippingLine, TaxLine, attributes,
        discount::{Application, total},
    },
};
use comms::Gid;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line {
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
    #[serde(deserialize_with = "attributes")]
    custom_attributes: Vec<Attribute>,
    image: Option<Picture>,
    product: Option<Product>,
    line_item_group: Option<Group>,
}

#[derive(Deserialize)]
struct Picture {
    #[serde(default, deserialize_with = "text")]
    url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Product {
    #[serde(default, deserialize_with = "text")]
    online_store_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    id: Gid,
    title: String,
    quantity: u64,
    #[serde(default, deserialize_with = "text")]
    variant_sku: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Allocation {
    allocated_amount_set: MoneyBag,
    discount_application: Application,
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
pub(super) struct Shipping {
    title: String,
    #[serde(deserialize_with = "text")]
    code: Option<String>,
    original_price_set: MoneyBag,
    discounted_price_set: MoneyBag,
    current_discounted_price_set: Option<MoneyBag>,
    #[serde(default)]
    discount_allocations: Vec<Allocation>,
    tax_lines: Vec<TaxLine>,
}

impl Line {
    pub(super) fn read(self) -> Result<LineItem, Malformed> {
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
            tip: false,
            bundle: self.line_item_group.map(Group::read),
            image_url: self.image.and_then(|image| image.url),
            product_url: self.product.and_then(|product| product.online_store_url),
            unit_price: self.original_unit_price_set,
            total_discount: total(&discounts, self.total_discount_set)?,
            discounts,
            tax_lines: self.tax_lines,
            duties: self.duties.into_iter().map(LineDuty::read).collect(),
            properties: self.custom_attributes,
        })
    }
}

impl Group {
    fn read(self) -> Bundle {
        Bundle { id: self.id, title: self.title, quantity: self.quantity, sku: self.variant_sku }
    }
}

impl Allocation {
    fn read(self) -> DiscountAllocation {
        Application::allocated(Some(&self.discount_application), self.allocated_amount_set)
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
    pub(super) fn read(self) -> ShippingLine {
        ShippingLine {
            title: self.title,
            code: self.code,
            price: self.original_price_set,
            discounted_price: self.discounted_price_set,
            current_price: self.current_discounted_price_set.unwrap_or(self.discounted_price_set),
            discounts: self.discount_allocations.into_iter().map(Allocation::read).collect(),
            tax_lines: self.tax_lines,
        }
    }
}
