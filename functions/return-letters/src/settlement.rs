//! Whether the money of a refund has been paid back.

use shopify::returns::{Refund, Transaction, TransactionKind, TransactionStatus};

pub enum Settlement<'a> {
    /// Every payment there is has succeeded. There may be none, because there was nothing to pay.
    Paid(Vec<&'a Transaction>),
    /// The reason.
    Waiting(&'static str),
}

/// The payments of a refund, each in the order in which it was tried.
#[derive(Default)]
pub struct Attempts<'a> {
    paid: Vec<&'a Transaction>,
    open: Vec<&'a Transaction>,
    /// Failed and not repeated with success: as much to the same payment method, or as much by hand.
    failed: Vec<&'a Transaction>,
}

impl<'a> Attempts<'a> {
    pub fn of(refund: &'a Refund) -> Self {
        let mut all: Vec<_> =
            refund.transactions.iter().filter(|it| it.kind == TransactionKind::Refund).collect();
        all.sort_by_key(|it| (it.created_at, &it.id));
        let mut attempts = Self::default();
        for transaction in all {
            match transaction.status {
                TransactionStatus::Failed => attempts.failed.push(transaction),
                TransactionStatus::Open => attempts.open.push(transaction),
                TransactionStatus::Success => {
                    attempts.paid.push(transaction);
                    attempts.repeated(transaction);
                }
            }
        }
        attempts
    }

    fn repeated(&mut self, transaction: &Transaction) {
        let as_much = |it: &Transaction| it.amount == transaction.amount;
        match &transaction.parent {
            Some(parent) => self.failed.retain(|it| !(as_much(it) && it.parent.as_ref() == Some(parent))),
            None => {
                if let Some(index) = self.failed.iter().position(|it| as_much(it)) {
                    self.failed.remove(index);
                }
            }
        }
    }

    /// Every payment the refund is to make: the same before and after a payment succeeds, fails or is repeated.
    pub fn meant(&self) -> Vec<&'a Transaction> {
        [&self.paid, &self.open, &self.failed].into_iter().flatten().copied().collect()
    }

    /// The confirmation waits for a failed payment until somebody repeats it with success: "we paid you back" would be
    /// wrong while a part has not arrived.
    pub fn settlement(self) -> Settlement<'a> {
        match (self.open.is_empty(), self.failed.is_empty()) {
            (false, _) => Settlement::Waiting("a payment of the refund is pending"),
            (_, false) => Settlement::Waiting("a payment of the refund failed and was not repeated"),
            _ => Settlement::Paid(self.paid),
        }
    }
}

/// Whether none of its payments is of any amount.
pub fn is_zero(refund: &Refund) -> bool {
    let mut payments = refund.transactions.iter().filter(|it| it.kind == TransactionKind::Refund);
    payments.all(|it| it.amount.presentment.amount().is_zero())
}
