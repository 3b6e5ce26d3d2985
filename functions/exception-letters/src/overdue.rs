//! Instalments that are due and not paid.
//!
//! Shopify says that an instalment is due on the day it is, so a letter written at once says "due", and one
//! that is written later, after a night in the queue or by reconciliation, says for how many days the payment
//! is overdue: days of the calendar, in the shop's zone. One letter an instalment. If the due date was moved
//! meanwhile, nothing is written until Shopify says "due" again.

use crate::{
    about_order,
    letter::{Letter, Letterhead, PayData},
    payment::{owed, still_owed},
    without_order,
};
use comms::{Document, Gid, Money};
use driver::{day, iso};
use flow::{Content, Event, Gather, PlanError, Planned, Stop, Verdict};
use jiff::{Timestamp, tz::TimeZone};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use shopify::{Order, payment::PaymentSchedule};

pub const TOPICS: &[&str] = &["payment_schedules/due"];

const DOCUMENT: Document = Document::PaymentOverdueLetter;

/// One for each instalment. Nothing of the payload is read.
pub fn plan(event: &Event<'_>) -> Result<Planned, PlanError> {
    Ok(Planned::one(event.plan(DOCUMENT)))
}

/// The published JSON Schema of the driver data.
pub fn schema() -> serde_json::Value {
    driver::json_schema::<Letter<OverdueMatter>>(DOCUMENT)
}

/// What a letter about a payment that is due says.
#[derive(Clone, Serialize, JsonSchema)]
pub struct OverdueMatter {
    /// The payment that is due.
    due: DueData,
    /// Still to be paid for the whole order: neither paid nor authorized.
    #[schemars(extend("x-tax" = "payment"))]
    outstanding: Money,
    /// How to pay.
    pay: PayData,
}

#[derive(Clone, Serialize, JsonSchema)]
struct DueData {
    /// The instalment.
    schedule: Gid,
    /// Whether it is due on the letter's day or was before.
    state: DueState,
    /// When it is or was due.
    date: String,
    /// The day on which it is or was due.
    date_on: String,
    /// 0 on the day itself.
    days_overdue: i32,
    /// Of this instalment, what has not been paid.
    #[schemars(extend("x-tax" = "payment"))]
    amount: Money,
    /// When the invoice was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"2026-10-23T09:00:00+02:00")]
    issued: Option<String>,
    /// The day on which the invoice was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_on: Option<String>,
    /// The payment terms' name, such as `Net 30`.
    #[schemars(example = &"Net 30")]
    terms: String,
    /// Which one it is, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    instalment: Option<InstalmentData>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum DueState {
    /// On the letter's day.
    Due,
    /// Before the letter's day.
    Overdue,
}

#[derive(Clone, Copy, Serialize, JsonSchema)]
struct InstalmentData {
    /// 1 for the first.
    number: usize,
    /// How many there are.
    of: usize,
}

pub async fn gather(gather: &Gather<'_>) -> Result<Content, Stop> {
    let asked = gather.shopify.payment_schedule(gather.call(), &gather.plan.subject).await;
    let schedule = gather.found("payment schedule", asked).await?;
    let Some(id) = &schedule.order else { return Err(without_order(gather).await) };
    judge(&schedule, gather.now, &gather.config.time_zone).or_stop(gather, Some(id))?;
    let order = gather.order(id).await?;
    still_owed(&order).or_stop(gather, Some(id))?;
    let locale = gather.locale(&order.locales())?;
    let matter = OverdueMatter::new(&Letterhead::of(gather, &locale), &schedule, &order);
    Ok(about_order(gather, &order, locale, matter)?)
}

fn judge(schedule: &PaymentSchedule, now: Timestamp, zone: &TimeZone) -> Verdict {
    if schedule.completed_at.is_some() || schedule.balance.amount() <= Decimal::ZERO {
        return Verdict::Suppress("paid since");
    }
    match schedule.due_at {
        Some(due) if days_between(due, now, zone) >= 0 => Verdict::Write,
        _ => Verdict::NotDue("Shopify shows a later due date, or none"),
    }
}

/// Days of the calendar from one to the other; negative if the other comes first.
fn days_between(from: Timestamp, to: Timestamp, zone: &TimeZone) -> i32 {
    let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
    day(from).until(day(to)).map_or(0, |span| span.get_days())
}

impl OverdueMatter {
    pub fn new(head: &Letterhead<'_>, schedule: &PaymentSchedule, order: &Order) -> Self {
        let due = schedule.due_at.unwrap_or(head.now);
        let days_overdue = days_between(due, head.now, head.zone());
        Self {
            due: DueData {
                schedule: schedule.id.clone(),
                state: if days_overdue > 0 { DueState::Overdue } else { DueState::Due },
                date: iso(due, head.zone()),
                date_on: day(due, head.zone()),
                days_overdue,
                amount: schedule.balance,
                issued: schedule.issued_at.map(|at| iso(at, head.zone())),
                issued_on: schedule.issued_at.map(|at| day(at, head.zone())),
                terms: schedule.terms.clone(),
                instalment: schedule.instalment.map(|it| InstalmentData { number: it.number, of: it.of }),
            },
            outstanding: owed(order),
            pay: PayData::new(head, schedule.pay_url.as_deref()),
        }
    }
}
