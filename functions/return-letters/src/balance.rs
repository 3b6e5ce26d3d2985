//! How a refund's amount comes about, to the cent.
//!
//! Shopify says what was given back, what a return costs, and what was paid; not how these belong together. What a
//! [`Share`] of the return's costs explains is shown as that; what nothing explains is shown as unexplained. The parts of
//! a [`Balance`] always add up to its total.

use crate::{
    common::{negative, sum, with_tax},
    settlement::Attempts,
    share::{Costs, Share},
};
use comms::{CurrencyCode, InvalidMoney, Money};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use shopify::returns::{Adjustment, AdjustmentReason, Refund, Return, Transaction};

/// What adds up to the amount paid back: what is in the customer's favour is positive, what was deducted negative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Balance {
    /// All lines, with tax.
    #[schemars(extend("x-tax" = "included"))]
    pub items: Money,
    /// Shipping that is given back, with tax.
    #[schemars(extend("x-tax" = "included"))]
    pub shipping: Money,
    /// Customs duties that are given back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "included"))]
    pub duties: Option<Money>,
    /// What the shop added or kept back by hand, with tax.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "included"))]
    pub adjustments: Option<Money>,
    /// What was kept for the fees of the return: those of this refund's own lines, and the postage once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "included"), example = &serde_json::json!({"amount": "-4.90", "currency": "EUR"}))]
    pub fees: Option<Money>,
    /// What was kept for items in exchange, with tax.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "included"), example = &serde_json::json!({"amount": "-149.00", "currency": "EUR"}))]
    pub exchange: Option<Money>,
    /// What earlier refunds of the return did not cover, of its fees and the exchange, and this one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "included"), example = &serde_json::json!({"amount": "-10.00", "currency": "EUR"}))]
    pub brought_forward: Option<Money>,
    /// What the exchange and the fees cost beyond what is given back. The customer pays it, or has paid it: what is
    /// still open is in `outstanding`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "payment"))]
    pub to_be_paid: Option<Money>,
    /// What was set against the price of the order, which had not been paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "payment"), example = &serde_json::json!({"amount": "-50.00", "currency": "EUR"}))]
    pub set_off: Option<Money>,
    /// What cash was rounded by at the till.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "payment"), example = &serde_json::json!({"amount": "-0.02", "currency": "EUR"}))]
    pub rounding: Option<Money>,
    /// What was paid back more, or less, than all of this, for a reason that Shopify does not give.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "payment"))]
    pub unexplained: Option<Money>,
    /// What was paid back.
    #[schemars(extend("x-tax" = "payment"))]
    pub total: Money,
    /// The total in the shop's currency, where it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "payment"))]
    pub total_in_shop_currency: Option<Money>,
    /// The tax in the lines and the shipping.
    #[schemars(extend("x-tax" = "tax"))]
    pub tax: Money,
}

/// What is known of the order beside the refund.
#[derive(Clone, Copy)]
pub struct Terms {
    pub taxes_included: bool,
    pub presentment: CurrencyCode,
    pub shop: CurrencyCode,
    /// Nothing was ever paid for the order.
    pub unpaid: bool,
}

/// A refund's own amounts, before what its return costs.
struct Given {
    items: Money,
    shipping: Money,
    duties: Money,
    adjustments: Vec<Adjusted>,
    rounding: Money,
    /// What was paid back, or is to be.
    paid: Money,
    paid_in_shop_currency: Money,
    /// Shopify's amounts of the payments are without what cash was rounded by.
    before_rounding: bool,
    tax: Money,
}

/// A refund, taken apart.
pub struct Explained {
    pub balance: Balance,
    pub adjustments: Vec<Adjusted>,
    /// What of its return's costs it bears.
    pub share: Option<Share>,
    /// Whether each payment's amount lacks what its cash was rounded by.
    pub before_rounding: bool,
}

impl Explained {
    /// `earlier` are the refunds of the same return that were made before it, in their order.
    ///
    /// # Errors
    /// For amounts of different currencies.
    pub fn new(
        refund: &Refund,
        part_of: Option<&Return>,
        earlier: &[Refund],
        terms: Terms,
    ) -> Result<Self, InvalidMoney> {
        let given = Given::new(refund, terms)?;
        let Some(part_of) = part_of else { return given.explained(None, terms) };
        let mut costs = Costs::new(part_of, terms.taxes_included, terms.presentment)?;
        for earlier in earlier {
            let given = Given::new(earlier, terms)?;
            costs.share(earlier, given.sum()?, given.paid)?;
        }
        let share = costs.share(refund, given.sum()?, given.paid)?;
        given.explained(Some(share), terms)
    }
}

impl Given {
    fn new(refund: &Refund, terms: Terms) -> Result<Self, InvalidMoney> {
        let zero = Money::zero(terms.presentment);
        let included = terms.taxes_included;
        let lines = refund.lines.iter().map(|it| with_tax(it.subtotal, it.tax, included));
        let shipping = refund.shipping.iter().map(|it| with_tax(it.subtotal, it.tax, included));
        let taxes = refund.lines.iter().map(|it| it.tax).chain(refund.shipping.iter().map(|it| it.tax));
        let payments = Attempts::of(refund).meant();
        let roundings = || payments.iter().filter_map(|it| it.rounding);
        let mut given = Self {
            items: sum(lines.collect::<Result<Vec<_>, _>>()?)?.unwrap_or(zero),
            shipping: sum(shipping.collect::<Result<Vec<_>, _>>()?)?.unwrap_or(zero),
            duties: sum(refund.duties.iter().map(|it| it.presentment))?.unwrap_or(zero),
            adjustments: refund.adjustments.iter().map(Adjusted::new).collect::<Result<_, _>>()?,
            rounding: sum(roundings().map(|it| it.presentment))?.unwrap_or(zero),
            paid: sum(payments.iter().map(|it| it.amount.presentment))?.unwrap_or(zero),
            paid_in_shop_currency: sum(payments.iter().map(|it| it.amount.shop))?
                .unwrap_or(Money::zero(terms.shop)),
            before_rounding: false,
            tax: sum(taxes.map(|it| it.presentment))?.unwrap_or(zero),
        };
        if given.sum()? != given.paid {
            given.adjustments.retain(|it| it.reason != AdjustmentReason::Pending);
        }
        given.read_rounding(sum(roundings().map(|it| it.shop))?)?;
        Ok(given)
    }

    /// Shopify does not say whether the amount of a payment in cash has the rounding in it: the amounts do.
    fn read_rounding(&mut self, in_shop_currency: Option<Money>) -> Result<(), InvalidMoney> {
        let unrounded = self.sum()?.checked_sub(self.rounding)?;
        if let Some(shop) = in_shop_currency.filter(|_| unrounded == self.paid) {
            self.before_rounding = true;
            self.paid = self.paid.checked_add(self.rounding)?;
            self.paid_in_shop_currency = self.paid_in_shop_currency.checked_add(shop)?;
        }
        Ok(())
    }

    fn sum(&self) -> Result<Money, InvalidMoney> {
        let parts = [self.shipping, self.duties, self.adjusted()?, self.rounding];
        parts.into_iter().try_fold(self.items, Money::checked_add)
    }

    fn adjusted(&self) -> Result<Money, InvalidMoney> {
        let zero = Money::zero(self.items.currency());
        self.adjustments.iter().try_fold(zero, |sum, it| sum.checked_add(it.amount))
    }

    fn explained(self, share: Option<Share>, terms: Terms) -> Result<Explained, InvalidMoney> {
        let mut balance = Balance {
            items: self.items,
            shipping: self.shipping,
            duties: some(self.duties),
            adjustments: some(self.adjusted()?),
            fees: None,
            exchange: None,
            brought_forward: None,
            to_be_paid: None,
            set_off: None,
            rounding: some(self.rounding),
            unexplained: None,
            total: self.paid,
            total_in_shop_currency: (terms.shop != terms.presentment).then_some(self.paid_in_shop_currency),
            tax: self.tax,
        };
        if let Some(share) = &share {
            balance.fees = some(negative(share.fees()?)?);
            balance.exchange = some(negative(share.exchange)?);
            balance.brought_forward = some(negative(share.carried)?);
            balance.to_be_paid = some(share.to_be_paid);
        }
        let rest = balance.rest()?;
        // of what was never paid nothing can be paid back
        match terms.unpaid && rest.amount() < Decimal::ZERO {
            true => balance.set_off = some(rest),
            false => balance.unexplained = some(rest),
        }
        Ok(Explained { balance, adjustments: self.adjustments, share, before_rounding: self.before_rounding })
    }
}

impl Share {
    /// Restocking and postage.
    pub fn fees(&self) -> Result<Money, InvalidMoney> {
        self.all_restocking()?.checked_add(self.postage)
    }

    /// Of all lines.
    pub fn all_restocking(&self) -> Result<Money, InvalidMoney> {
        self.restocking.iter().try_fold(self.other_restocking, |sum, fee| sum.checked_add(*fee))
    }
}

impl Balance {
    /// What the parts lack to the total.
    fn rest(&self) -> Result<Money, InvalidMoney> {
        let parts = [
            Some(self.items),
            Some(self.shipping),
            self.duties,
            self.adjustments,
            self.fees,
            self.exchange,
            self.brought_forward,
            self.to_be_paid,
            self.rounding,
        ];
        parts.into_iter().flatten().try_fold(self.total, Money::checked_sub)
    }
}

/// What a payment came to in the customer's hands.
pub fn paid(payment: &Transaction, before_rounding: bool) -> Result<Money, InvalidMoney> {
    let rounding = payment.rounding.filter(|_| before_rounding);
    rounding
        .map_or(Ok(payment.amount.presentment), |it| payment.amount.presentment.checked_add(it.presentment))
}

/// An adjustment from the customer's point of view.
pub struct Adjusted {
    pub reason: AdjustmentReason,
    /// With tax.
    pub amount: Money,
}

impl Adjusted {
    /// Shopify keeps adjustments from the order's point of view: what the customer gets is negative. One that stands
    /// for a pending payment may outlive it: it counts only where the amounts need it.
    fn new(adjustment: &Adjustment) -> Result<Self, InvalidMoney> {
        let amount = adjustment.amount.presentment.checked_add(adjustment.tax.presentment)?;
        Ok(Self { reason: adjustment.reason, amount: negative(amount)? })
    }
}

fn some(amount: Money) -> Option<Money> {
    Some(amount).filter(|it| !it.amount().is_zero())
}
