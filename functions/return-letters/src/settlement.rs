//! Whether the money of a refund has been paid back.

use shopify::returns::{Refund, Transaction, TransactionKind, TransactionStatus};

pub enum Settlement<'a> {
    /// Every payment there is has succeeded. There may be none, because there was nothing to pay.
    Paid(Vec<&'a Transaction>),
    /// Says what for.
    Waiting(&'static str),
}

/// A payment that failed is waited for until somebody has repeated it with success: as much to the same
/// payment method, or as much by hand. To say "we paid you back" while a part of it did not arrive would be
/// wrong.
pub fn of(refund: &Refund) -> Settlement<'_> {
    let mut all: Vec<_> =
        refund.transactions.iter().filter(|it| it.kind == TransactionKind::Refund).collect();
    all.sort_by_key(|it| (it.created_at, &it.id));
    if all.iter().any(|it| it.status == TransactionStatus::Open) {
        return Settlement::Waiting("a payment of the refund is pending");
    }
    let mut failed: Vec<&Transaction> = Vec::new();
    let mut paid = Vec::with_capacity(all.len());
    for transaction in all {
        if transaction.status == TransactionStatus::Failed {
            failed.push(transaction);
            continue;
        }
        paid.push(transaction);
        let as_much = |it: &Transaction| it.amount == transaction.amount;
        match &transaction.parent {
            Some(parent) => failed.retain(|it| !(as_much(it) && it.parent.as_ref() == Some(parent))),
            None => {
                if let Some(index) = failed.iter().position(|it| as_much(it)) {
                    failed.remove(index);
                }
            }
        }
    }
    match failed.is_empty() {
        true => Settlement::Paid(paid),
        false => Settlement::Waiting("a payment of the refund failed and was not repeated"),
    }
}

/// Whether none of its payments is of any amount.
pub fn is_zero(refund: &Refund) -> bool {
    let mut payments = refund.transactions.iter().filter(|it| it.kind == TransactionKind::Refund);
    payments.all(|it| it.amount.presentment.amount().is_zero())
}
