//! How a refund's amount comes about, to the cent.
//!
//! Shopify says what was given back, what was kept for fees or set against an exchange, and what was paid;
//! not how these belong together, and for a return with several refunds they need not. What adds up to the
//! amount paid is shown as doing so; a difference that nothing explains is shown as one. The parts of a
//! [`Balance`] always add up to its total.

use crate::common::{FeesData, exchange_value, negative, sum, with_tax};
use comms::{CurrencyCode, InvalidMoney, Money};
use schemars::JsonSchema;
use serde::Serialize;
use shopify::returns::{Refund, Return, Transaction};

/// What adds up to the amount paid back: what is in the customer's favour is positive. With tax.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Balance {
    /// All lines.
    pub items: Money,
    pub shipping: Money,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duties: Option<Money>,
    /// What the shop added or kept back by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adjustments: Option<Money>,
    /// What was kept for fees. Absent where they were not taken from this refund.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fees: Option<Money>,
    /// What was kept for items in exchange. Absent where they were not paid from this refund.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Money>,
    /// The difference between all of this and what was paid back, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Money>,
    /// What was paid back.
    pub total: Money,
    /// The total in the shop's currency, where it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_in_shop_currency: Option<Money>,
    /// The tax in the lines and the shipping.
    pub tax: Money,
}

/// What is known of the order beside the refund.
pub struct Terms {
    pub taxes_included: bool,
    pub presentment: CurrencyCode,
    pub shop: CurrencyCode,
}

impl Balance {
    pub fn new(
        refund: &Refund,
        part_of: Option<&Return>,
        payments: &[&Transaction],
        terms: &Terms,
    ) -> Result<Self, InvalidMoney> {
        let zero = Money::zero(terms.presentment);
        let included = terms.taxes_included;
        let lines = refund.lines.iter().map(|it| with_tax(it.subtotal, it.tax, included));
        let shipping = refund.shipping.iter().map(|it| with_tax(it.subtotal, it.tax, included));
        let adjustments =
            refund.adjustments.iter().map(|it| adjusted(it.amount.presentment, it.tax.presentment));
        let taxes = refund.lines.iter().map(|it| it.tax).chain(refund.shipping.iter().map(|it| it.tax));
        let in_shop_currency = sum(payments.iter().map(|it| it.amount.shop))?;
        let balance = Self {
            items: sum(lines.collect::<Result<Vec<_>, _>>()?)?.unwrap_or(zero),
            shipping: sum(shipping.collect::<Result<Vec<_>, _>>()?)?.unwrap_or(zero),
            duties: some(sum(refund.duties.iter().map(|it| it.presentment))?),
            adjustments: some(sum(adjustments.collect::<Result<Vec<_>, _>>()?)?),
            fees: None,
            exchange: None,
            difference: None,
            total: sum(payments.iter().map(|it| it.amount.presentment))?.unwrap_or(zero),
            total_in_shop_currency: in_shop_currency.filter(|_| terms.shop != terms.presentment),
            tax: sum(taxes.map(|it| it.presentment))?.unwrap_or(zero),
        };
        let (fees, exchange) = match part_of {
            Some(part_of) => (fees(part_of)?, exchange(part_of, included)?),
            None => (None, None),
        };
        balance.explained(fees, exchange)
    }

    /// With those of the deductions that make it add up; with the difference, if none do.
    fn explained(self, fees: Option<Money>, exchange: Option<Money>) -> Result<Self, InvalidMoney> {
        for (fees, exchange) in [(None, None), (fees, None), (fees, exchange), (None, exchange)] {
            let attempt = Self { fees, exchange, ..self.clone() };
            if attempt.missing()?.amount().is_zero() {
                return Ok(attempt);
            }
        }
        let difference = self.missing()?;
        Ok(Self { difference: Some(difference), ..self })
    }

    fn missing(&self) -> Result<Money, InvalidMoney> {
        let parts = [
            Some(self.items),
            Some(self.shipping),
            self.duties,
            self.adjustments,
            self.fees,
            self.exchange,
            self.difference,
        ];
        parts.into_iter().flatten().try_fold(self.total, Money::checked_sub)
    }
}

/// Shopify keeps adjustments from the order's point of view: what the customer gets is negative.
pub fn adjusted(amount: Money, tax: Money) -> Result<Money, InvalidMoney> {
    negative(amount.checked_add(tax)?)
}

fn fees(of: &Return) -> Result<Option<Money>, InvalidMoney> {
    FeesData::new(of)?.map(|fees| negative(fees.total)).transpose()
}

fn exchange(of: &Return, taxes_included: bool) -> Result<Option<Money>, InvalidMoney> {
    let values = of.exchange_lines.iter().map(|line| exchange_value(line, taxes_included));
    let values = values.collect::<Result<Vec<_>, _>>()?;
    some(sum(values.into_iter().flatten())?).map(negative).transpose()
}

fn some(amount: Option<Money>) -> Option<Money> {
    amount.filter(|it| !it.amount().is_zero())
}
