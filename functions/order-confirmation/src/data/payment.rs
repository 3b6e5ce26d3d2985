//! What was paid, with what, and what became of it.

use super::totals::Owed;
use comms::{Document, InvalidMoney, Money};
use driver::{PaymentData, day, iso};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;
use shopify::{Method, Order, OrderTransaction, TransactionKind, TransactionStatus};

/// What came in, went back and is reserved: total = paid - refunded + outstanding + authorized - credit.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Payment {
    /// All that has been received, whether or not some of it went back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "payment"))]
    paid: Option<Money>,
    /// The same in the shop's currency, where it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "payment"))]
    paid_in_shop_currency: Option<Money>,
    /// What went back to the customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "payment"))]
    refunded: Option<Money>,
    /// Reserved on the customer's card and taken later: nothing for the customer to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "payment"))]
    authorized: Option<Money>,
    /// Paid and no longer owed; the shop has not paid it back yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-tax" = "payment"))]
    credit: Option<Money>,
    /// What was paid with. A way of paying has no amount where Shopify does not tell how much it took.
    payments: Vec<PaymentData>,
    /// Receipts only: when the order became paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    /// The day of it in the shop's time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    date_on: Option<String>,
}

impl Payment {
    pub(super) fn new(
        order: &Order,
        owed: &Owed,
        document: Document,
        zone: &TimeZone,
    ) -> Result<Self, InvalidMoney> {
        let totals = &order.totals;
        let something = |amount: Money| (!amount.amount().is_zero()).then_some(amount);
        let rounding = totals.cash_rounding;
        let mixed = order.currency != order.presentment_currency;
        let paid = totals.received.presentment.map(|it| it.checked_add(rounding.presentment)).transpose()?;
        let known = order.payments.as_deref().filter(|all| all.iter().any(OrderTransaction::is_payment));
        let at = known.and_then(|all| all.iter().filter(|it| it.is_payment()).map(|it| it.at).max());
        let at = (document == Document::Receipt).then_some(at.unwrap_or(order.updated_at));
        Ok(Self {
            paid_in_shop_currency: mixed.then_some(totals.received.shop.checked_add(rounding.shop)?),
            refunded: totals.refunded.presentment.and_then(something),
            authorized: owed.authorized,
            credit: owed.credit,
            payments: match known {
                Some(all) => listed(all, zone)?,
                None => proven(order, paid),
            },
            paid,
            date: at.map(|at| iso(at, zone)),
            date_on: at.map(|at| day(at, zone)),
        })
    }
}

/// The payments that took money, each with what it was rounded by; of cash, less the change given.
fn listed(all: &[OrderTransaction], zone: &TimeZone) -> Result<Vec<PaymentData>, InvalidMoney> {
    let mut paid: Vec<(&OrderTransaction, Money)> = Vec::new();
    for it in all.iter().filter(|it| it.is_payment()) {
        let rounding = it.rounding.map(|it| it.presentment);
        let amount = it.amount.presentment;
        paid.push((it, rounding.map_or(Ok(amount), |rounding| amount.checked_add(rounding))?));
    }
    let change = |it: &&OrderTransaction| {
        it.kind == TransactionKind::Change && it.status == TransactionStatus::Success
    };
    for change in all.iter().filter(change) {
        let cash = paid.iter_mut().find(|(it, _)| {
            change
                .parent
                .as_ref()
                .map_or(it.method.gateway == change.method.gateway, |parent| *parent == it.id)
        });
        if let Some((_, amount)) = cash {
            *amount = amount.checked_sub(change.amount.presentment)?;
        }
    }
    Ok(paid.into_iter().map(|(it, amount)| PaymentData::new(&it.method, amount, it.at, zone)).collect())
}

/// What the order alone proves: one way of paying took all that came in; of several, which they are.
fn proven(order: &Order, paid: Option<Money>) -> Vec<PaymentData> {
    let one = order.payment_gateways.len() == 1;
    let paid = paid.filter(|paid| one && !paid.amount().is_zero());
    let gateways = order.payment_gateways.iter();
    gateways.map(|it| PaymentData { amount: paid, ..PaymentData::of(&Method::of_gateway(it)) }).collect()
}
