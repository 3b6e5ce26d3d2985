//! The order's sums, whose parts sum to the total.

use super::state;
use comms::{InvalidMoney, Money};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use shopify::{Order, ShippingLine};

/// Subtotal, shipping, tip, duties, additional fees, cash rounding, adjustment, and tax where prices do not
/// include it, sum to the total.
#[derive(Clone, Serialize, JsonSchema)]
pub(super) struct TotalsData {
    /// All lines after their discounts.
    #[schemars(extend("x-tax" = "as_priced"))]
    subtotal: Money,
    /// What discounts took off the lines. It is taken off the subtotal already.
    #[schemars(extend("x-tax" = "as_priced"))]
    discounts: Money,
    /// All shipping after its discounts.
    #[schemars(extend("x-tax" = "as_priced"))]
    shipping: Money,
    /// What discounts took off shipping. It is taken off the shipping already.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "as_priced"))]
    shipping_discounts: Option<Money>,
    /// All tax. Where prices include tax, it is a part of them and not added.
    #[schemars(extend("x-tax" = "tax"))]
    tax: Money,
    /// Import duties. Absent where there are none, and where prices include them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "as_priced"))]
    duties: Option<Money>,
    /// Fees that are neither shipping, tax nor duty.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "as_priced"))]
    additional_fees: Option<Money>,
    /// What the customer gave on top.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "payment"))]
    tip: Option<Money>,
    /// What a payment in cash was rounded up by; negative, down by.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "payment"))]
    cash_rounding: Option<Money>,
    /// What Shopify's total has beyond the other parts, such as an amount paid back without an article; negative,
    /// what it lacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "payment"))]
    adjustment: Option<Money>,
    /// What the order costs, with tax.
    #[schemars(extend("x-tax" = "included"))]
    pub total: Money,
    /// The total in the shop's currency, where it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "included"))]
    total_in_shop_currency: Option<Money>,
    /// Still to be paid, without what is authorized. Absent where the document shows another moment of the order
    /// than its payments.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "payment"))]
    pub outstanding: Option<Money>,
    /// The same in the shop's currency, where it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "payment"))]
    outstanding_in_shop_currency: Option<Money>,
}

impl TotalsData {
    /// Of an order in the state that is shown.
    pub fn new(order: &Order, rounded: bool) -> Result<Self, InvalidMoney> {
        let totals = &order.totals;
        let zero = Money::zero(order.presentment_currency);
        let something = |amount: Money| (!amount.amount().is_zero()).then_some(amount);
        let subtotal = state::goods(order)?;
        let articles = order.lines.iter().filter(|line| !line.tip);
        let discounts = sum(zero, articles.map(|line| line.total_discount.presentment))?;
        let shipping = sum(zero, order.shipping_lines.iter().map(|line| line.discounted_price.presentment))?;
        let shipping_discounts = order.shipping_lines.iter().map(shipping_discount);
        let shipping_discounts = sum(zero, shipping_discounts.collect::<Result<Vec<_>, _>>()?)?;
        let duties = totals.duties.filter(|_| !order.duties_included).map(|it| it.presentment);
        let tax = totals.tax.presentment;
        let rounding = if rounded { totals.cash_rounding.presentment } else { zero };
        let fees = totals.additional_fees.map(|it| it.presentment);
        let tip = totals.tip.presentment.unwrap_or(zero);
        let added = Some(tax).filter(|_| !order.taxes_included);
        let parts = [Some(subtotal), Some(shipping), added, duties, fees, Some(tip)];
        let parts = sum(zero, parts.into_iter().flatten())?;
        let adjustment = totals.total.presentment.checked_sub(parts)?;
        let mixed = order.currency != order.presentment_currency;
        Ok(Self {
            subtotal,
            discounts,
            shipping,
            shipping_discounts: something(shipping_discounts),
            tax,
            duties: duties.and_then(something),
            additional_fees: fees.and_then(something),
            tip: something(tip),
            cash_rounding: something(rounding),
            adjustment: something(adjustment),
            total: totals.total.presentment.checked_add(rounding)?,
            total_in_shop_currency: mixed.then_some(totals.total.shop),
            outstanding: None,
            outstanding_in_shop_currency: None,
        })
    }

    /// What the customer still has to do something about.
    pub fn owe(&mut self, order: &Order, owed: &Owed) {
        self.outstanding = owed.to_pay;
        let mixed = order.currency != order.presentment_currency;
        self.outstanding_in_shop_currency = owed.to_pay_in_shop_currency.filter(|_| mixed);
    }
}

fn sum(zero: Money, amounts: impl IntoIterator<Item = Money>) -> Result<Money, InvalidMoney> {
    amounts.into_iter().try_fold(zero, Money::checked_add)
}

/// What discounts took off one shipping line.
pub(super) fn shipping_discount(line: &ShippingLine) -> Result<Money, InvalidMoney> {
    line.price.presentment.checked_sub(line.discounted_price.presentment)
}

/// What has not moved yet, told apart.
pub(super) struct Owed {
    /// The customer's to pay.
    pub to_pay: Option<Money>,
    pub to_pay_in_shop_currency: Option<Money>,
    /// Reserved on the customer's card: nothing to do.
    pub authorized: Option<Money>,
    /// The shop's to pay back.
    pub credit: Option<Money>,
}

impl Owed {
    pub fn of(order: &Order) -> Result<Self, InvalidMoney> {
        let totals = &order.totals;
        let nothing = |currency| Money::zero(currency);
        let more = |amount: Money| (amount.amount() > Decimal::ZERO).then_some(amount);
        let reserved = totals.capturable;
        let to_pay = |outstanding: Money, reserved: Option<Money>| {
            let reserved = reserved.unwrap_or(nothing(outstanding.currency()));
            outstanding.checked_sub(reserved).map(|it| more(it).unwrap_or(nothing(it.currency())))
        };
        let seen = totals.outstanding.presentment;
        Ok(Self {
            to_pay: seen.map(|it| to_pay(it, reserved.map(|it| it.presentment))).transpose()?,
            to_pay_in_shop_currency: Some(to_pay(totals.outstanding.shop, reserved.map(|it| it.shop))?),
            authorized: seen.zip(reserved).and_then(|(outstanding, reserved)| {
                let reserved = reserved.presentment;
                let most = if reserved.amount() < outstanding.amount() { reserved } else { outstanding };
                more(most)
            }),
            credit: seen.and_then(|it| more(Money::new(-it.amount(), it.currency()))),
        })
    }
}
