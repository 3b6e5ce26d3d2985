//! From the payload of a statement run to the driver data, without a network.

mod arithmetic;
mod carry;
mod documents;
mod edges;
mod properties;

use crate::{Period, ledger::Kind, statement::Statement, statement::statements};
use comms::{Gid, Money};
use jiff::{Timestamp, tz::TimeZone};
use rust_decimal::Decimal;
use shopify::account::{AccountOrder, Refund, Terms, Transaction, TransactionKind, TransactionStatus};

/// An order that nobody has paid for yet.
fn order(number: u64, placed: &str, total: &str, currency: &str) -> AccountOrder {
    let money = |amount: &str| Money::parse(amount, currency).unwrap();
    AccountOrder {
        id: Gid::new("Order", number),
        name: format!("#{number}"),
        processed_at: at(placed),
        cancelled_at: None,
        test: false,
        po_number: None,
        currency: currency.parse().unwrap(),
        taxes_included: false,
        units: 1,
        subtotal: money(total),
        tax: money("0"),
        discounts: money("0"),
        total: money(total),
        current_total: money(total),
        refund_discrepancy: money("0"),
        outstanding: money(total),
        capturable: money("0"),
        bought_for: None,
        terms: None,
        transactions: Vec::new(),
        refunds: Vec::new(),
    }
}

/// What can happen to an order, with what Shopify then says about it.
trait Happens {
    fn change(self, amount: fn(&mut AccountOrder) -> &mut Money, by: &str) -> Self;
    fn transaction(self, kind: TransactionKind, status: TransactionStatus, when: &str, amount: &str) -> Self;
    fn paid(self, when: &str, amount: &str) -> Self;
    /// Goods of this worth were returned and this much money paid back.
    fn returned(self, when: &str, worth: &str, money: &str) -> Self;
    fn cancelled(self, when: &str) -> Self;
    fn on_terms(self, days: Option<u32>, overdue: bool) -> Self;
}

impl Happens for AccountOrder {
    fn change(mut self, amount: fn(&mut AccountOrder) -> &mut Money, by: &str) -> Self {
        let by = Money::parse(by, &self.currency.to_string()).unwrap();
        let amount = amount(&mut self);
        *amount = amount.checked_add(by).unwrap();
        self
    }

    fn transaction(
        mut self,
        kind: TransactionKind,
        status: TransactionStatus,
        when: &str,
        amount: &str,
    ) -> Self {
        let id = Gid::new("OrderTransaction", self.transactions.len() as u64);
        let amount = Money::parse(amount, &self.currency.to_string()).unwrap();
        let (gateway, gateway_name) = (Some("bank_deposit".to_owned()), Some("Bank transfer".to_owned()));
        let at = at(when);
        let card_last_digits = None;
        self.transactions.push(Transaction {
            id,
            kind,
            status,
            at,
            gateway,
            gateway_name,
            card_last_digits,
            amount,
        });
        self
    }

    fn paid(self, when: &str, amount: &str) -> Self {
        self.transaction(TransactionKind::Payment, TransactionStatus::Success, when, amount)
            .change(|order| &mut order.outstanding, &format!("-{amount}"))
    }

    fn returned(mut self, when: &str, worth: &str, money: &str) -> Self {
        let id = Gid::new("Refund", self.refunds.len() as u64);
        let amount = Money::parse(money, &self.currency.to_string()).unwrap();
        self.refunds.push(Refund { id, at: at(when), amount });
        let mut order = self
            .change(|order| &mut order.current_total, &format!("-{worth}"))
            .change(|order| &mut order.outstanding, &format!("-{worth}"))
            .change(|order| &mut order.outstanding, money);
        if !amount.amount().is_zero() {
            order = order.transaction(TransactionKind::Refund, TransactionStatus::Success, when, money);
        }
        order
    }

    fn cancelled(mut self, when: &str) -> Self {
        self.cancelled_at = Some(at(when));
        self
    }

    fn on_terms(mut self, due_in_days: Option<u32>, overdue: bool) -> Self {
        self.terms = Some(Terms { name: Some("Net".to_owned()), due_in_days, overdue });
        self
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn period(from: &str, to: &str) -> Period {
    Period { name: "p".to_owned(), from: from.parse().unwrap(), to: to.parse().unwrap() }
}

fn october() -> Period {
    period("2026-10-01", "2026-10-31")
}

/// October of these orders in Paris, which are all in one currency.
fn in_october(orders: &[AccountOrder]) -> Option<Statement<'_>> {
    let mut all = statements(orders, None, &october(), &zone("Europe/Paris")).unwrap();
    assert!(all.len() < 2);
    for statement in &all {
        adds_up(statement);
    }
    all.pop()
}

fn lines(statement: &Statement<'_>) -> Vec<(Kind, String, String)> {
    let lines = statement.lines.iter();
    lines.map(|(entry, _)| (entry.kind, entry.on.to_string(), entry.amount.amount_text())).collect()
}

fn total(amounts: impl IntoIterator<Item = Money>) -> Decimal {
    amounts.into_iter().map(Money::amount).sum()
}

/// What holds of every statement, whatever happened.
fn adds_up(statement: &Statement<'_>) {
    let kinds =
        [Kind::Invoice, Kind::Credit, Kind::Payment, Kind::Refund, Kind::Adjustment, Kind::Correction];
    let closing = statement.closing.amount();
    let entries = total(statement.lines.iter().map(|(entry, _)| entry.amount));
    assert_eq!(statement.opening.amount() + entries, closing, "the balance is the sum of its lines");
    let by_kind = total(kinds.map(|kind| statement.sum(kind).unwrap().0));
    assert_eq!(by_kind, entries, "totals by kind are all of the lines");
    if let Some((_, last)) = statement.lines.last() {
        assert_eq!(last.amount(), closing, "the running balance ends at the closing balance");
    }
    assert_eq!(total(statement.open.iter().map(|open| open.amount)), closing, "open items are the balance");
    let ageing = statement.ageing(&[30, 60, 90]).unwrap();
    let parts =
        total(ageing.overdue.iter().map(|bucket| bucket.amount).chain([ageing.not_due, ageing.unapplied]));
    assert_eq!(parts, closing, "the ageing is the balance");
    let amounts = statement.lines.iter().map(|(entry, _)| entry.amount.currency());
    assert!(amounts.chain([ageing.not_due.currency()]).all(|it| it == statement.currency));
}
