//! Subscriptions that could not be billed. The letter goes to the customer of the contract, who carries the
//! report: a failed attempt has no order. An attempt made again, whether by the customer or by the app's own
//! rules, is judged as one to pay for an order is.

use crate::{
    Cause,
    letter::{Letter, Letterhead, MethodData},
    payment::{ChangeCardData, FailedPaymentData, ItemData, PaymentFailureMatter, SubscriptionData, settled},
};
use delivery::Recipient;
use driver::{day, iso};
use flow::{Content, Gather, Gathered, Stop, Verdict};
use jiff::{Timestamp, ToSpan};
use shop_config::{ShopConfig, text_in};
use shopify::payment::{BillingAttempt, Payment};

pub async fn gather(gather: &Gather<'_>) -> Result<Content, Stop> {
    let asked = gather.shopify.billing_attempt(gather.call(), &gather.plan.subject).await;
    let attempt = gather.found("billing attempt", asked).await?;
    let Some(subscriber) = &attempt.subscriber else {
        let (reason, reported_on) = ("the customer is deleted".into(), attempt.origin_order);
        return Err(Stop::Ended(Gathered::Suppressed { reason, reported_on }));
    };
    let customer = &subscriber.customer.id;
    judge(&attempt, gather.config, gather.now, gather.is_asked_for()).or_stop(gather, Some(customer))?;
    let locale = gather.locale(&[subscriber.customer.locale.as_deref()])?;
    let head = Letterhead::of(gather, &locale);
    let letter = Letter::to_subscriber(&head, subscriber, matter(&head, &attempt));
    let recipient = Recipient {
        name: subscriber.customer.name().or_else(|| subscriber.address.as_ref()?.name()),
        email: subscriber.customer.email.clone(),
        phones: flow::phones(None, Some(&subscriber.customer), subscriber.address.as_ref()),
        locale: locale.clone(),
    };
    Ok(Content {
        name: attempt.lines.first().map(|line| line.title.clone()),
        postal_address: subscriber
            .address
            .as_ref()
            .map(|address| flow::postal_address(address, subscriber.customer.name())),
        customer: Some(customer.clone()),
        reported_on: Some(customer.clone()),
        test: attempt.payment.as_ref().is_some_and(|payment| payment.test),
        ..Content::new(gather, &letter, recipient)?
    })
}

/// Whether to write about an attempt.
fn judge(attempt: &BillingAttempt, config: &ShopConfig, now: Timestamp, asked_for: bool) -> Verdict {
    let paid = "invoice_already_paid";
    if attempt.state == "success" || attempt.error_code.as_deref() == Some(paid) {
        return Verdict::Suppress("paid since");
    }
    if attempt.state != "failed" {
        return Verdict::NotDue("the billing is not decided yet");
    }
    if attempt.out_of_stock {
        return Verdict::Suppress("it failed for lack of stock, not of money");
    }
    if matches!(attempt.contract_status.as_str(), "cancelled" | "expired") {
        return Verdict::Suppress("the subscription has ended");
    }
    if attempt.later().any(|later| later.state == "success") {
        return Verdict::Suppress("paid since");
    }
    if asked_for {
        return Verdict::Write;
    }
    if attempt.later().next().is_some() {
        return Verdict::Suppress("the billing was tried again since");
    }
    settled(attempt.at, config, now)
}

fn matter(head: &Letterhead<'_>, attempt: &BillingAttempt) -> PaymentFailureMatter {
    let payment = attempt.payment.as_ref();
    // the provider's code where the attempt itself has none
    let code = attempt.error_code.clone().or_else(|| payment?.error_code.clone());
    let failed = FailedPaymentData {
        id: attempt.id.clone(),
        kind: "billing".to_owned(),
        date: iso(attempt.at, head.zone()),
        date_on: day(attempt.at, head.zone()),
        amount: payment.map(|payment| payment.amount.presentment),
        method: payment.map(|Payment { method, .. }| method).and_then(MethodData::new),
        cause: Cause::of(code.as_deref()),
    };
    let items = attempt.lines.iter().map(|line| ItemData {
        title: line.title.clone(),
        variant: line.variant.clone(),
        quantity: line.quantity,
    });
    let settings = &head.config.exceptions;
    // Shopify knows no rule for it: it is the app's
    let next_try = settings.subscription_retry_days.and_then(|days| {
        let at = attempt.at.to_zoned(head.zone().clone()).checked_add(i64::from(days).days()).ok()?;
        Some(at.timestamp()).filter(|at| *at > head.now)
    });
    let subscription = SubscriptionData {
        contract: attempt.contract.clone(),
        status: attempt.contract_status.clone(),
        next_try: next_try.map(|at| iso(at, head.zone())),
        next_try_on: next_try.map(|at| day(at, head.zone())),
        next_billing: attempt.next_billing_at.map(|at| iso(at, head.zone())),
        next_billing_on: attempt.next_billing_at.map(|at| day(at, head.zone())),
        items: items.collect(),
        change_card: ChangeCardData {
            url: settings.card_update_url.as_ref().map(ToString::to_string),
            instructions: text_in(&settings.card_update_instructions, head.locale, head.locale)
                .map(str::to_owned),
        },
    };
    PaymentFailureMatter::of_subscription(failed, subscription)
}
