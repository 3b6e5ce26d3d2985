//! Parts that letters about returns and refunds share.

use comms::{InvalidMoney, Money};
use schemars::JsonSchema;
use serde::Serialize;
use shopify::{
    LineItem, MoneyBag,
    returns::{ExchangeLine, Return},
};

/// What the return costs the customer, with tax.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FeesData {
    /// The postage of the return.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "included"))]
    pub return_shipping: Option<Money>,
    /// The restocking fees of all lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "included"))]
    pub restocking: Option<Money>,
    /// Both.
    #[schemars(extend("x-tax" = "included"))]
    pub total: Money,
}

impl FeesData {
    /// `None` if the return costs nothing.
    pub fn new(of: &Return) -> Result<Option<Self>, InvalidMoney> {
        let return_shipping = sum(of.shipping_fees.iter().map(|it| it.presentment))?;
        let fees = of.lines.iter().filter_map(|line| line.restocking_fee.as_ref());
        let restocking = sum(fees.map(|fee| fee.amount.presentment))?;
        let total = sum([return_shipping, restocking].into_iter().flatten())?;
        Ok(total.filter(|it| !it.amount().is_zero()).map(|total| Self { return_shipping, restocking, total }))
    }
}

// Which article a line is about, after its title. A doc comment would become the description of every line.
#[derive(Clone, Serialize, JsonSchema)]
pub struct ArticleData {
    /// The variant's name, such as a size or a colour.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "M / Grey")]
    variant: Option<String>,
    /// The shop's article number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "COAT-M-GR")]
    sku: Option<String>,
    /// A picture of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"https://cdn.shopify.com/s/files/1/0001/wool-coat.jpg")]
    image_url: Option<String>,
    /// Its page in the online store.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"https://northwind.example/products/wool-coat")]
    product_url: Option<String>,
}

impl ArticleData {
    /// `bought` is the order's line, if it still has one.
    pub fn new(variant: Option<&String>, sku: Option<&String>, bought: Option<&LineItem>) -> Self {
        Self {
            variant: variant.cloned(),
            sku: sku.cloned(),
            image_url: bought.and_then(|it| it.image_url.clone()),
            product_url: bought.and_then(|it| it.product_url.clone()),
        }
    }
}

/// What the customer gets in exchange.
#[derive(Clone, Serialize, JsonSchema)]
pub struct ExchangeData {
    /// 1 for the first line.
    number: usize,
    /// The product's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "Walking boots")]
    title: Option<String>,
    /// The variant's name, such as a size or a colour.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"40")]
    variant: Option<String>,
    /// The shop's article number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "BOOT-40")]
    sku: Option<String>,
    /// How many.
    quantity: u64,
    /// What they cost, with tax and after discounts. Absent until the item is part of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "included"))]
    value: Option<Money>,
}

impl ExchangeData {
    pub fn all(of: &Return, taxes_included: bool) -> Result<Vec<Self>, InvalidMoney> {
        let lines = of.exchange_lines.iter().enumerate();
        let data = lines.map(|(index, line)| {
            Ok(Self {
                number: index + 1,
                title: line.title.clone(),
                variant: line.variant.clone(),
                sku: line.sku.clone(),
                quantity: line.quantity,
                value: exchange_value(line, taxes_included)?,
            })
        });
        data.collect()
    }
}

/// What an exchanged item costs, with tax.
pub fn exchange_value(line: &ExchangeLine, taxes_included: bool) -> Result<Option<Money>, InvalidMoney> {
    let Some(value) = line.value else { return Ok(None) };
    let taxes = line.taxes.iter().map(|tax| tax.price.presentment);
    let taxes = (!taxes_included).then_some(taxes).into_iter().flatten();
    sum(std::iter::once(value.presentment).chain(taxes))
}

/// With tax, whether or not the amount has it already.
pub fn with_tax(amount: MoneyBag, tax: MoneyBag, taxes_included: bool) -> Result<Money, InvalidMoney> {
    match taxes_included {
        true => Ok(amount.presentment),
        false => amount.presentment.checked_add(tax.presentment),
    }
}

/// `None` if there are no amounts.
pub fn sum(amounts: impl IntoIterator<Item = Money>) -> Result<Option<Money>, InvalidMoney> {
    amounts.into_iter().try_fold(None, |sum: Option<Money>, amount| match sum {
        None => Ok(Some(amount)),
        Some(sum) => sum.checked_add(amount).map(Some),
    })
}

pub fn negative(amount: Money) -> Result<Money, InvalidMoney> {
    Money::zero(amount.currency()).checked_sub(amount)
}
