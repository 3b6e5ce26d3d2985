//! Orders that were cancelled: why, what they were, and what becomes of the money.
//!
//! A refund often follows the cancellation by moments. While it is open what becomes of the money, the letter waits
//! (`cancellation_delay_minutes`); after that it says that this is not decided, and a refund that comes later leads to
//! a further issue ([`correction`]). The refund itself is confirmed by a document of its own, whatever the letter
//! said. The note of the staff about the cancellation is the staff's and is not read; nor is anything said that would
//! accuse a customer.

mod before;
mod correction;
mod money;

pub use correction::is_correction;
pub(crate) use correction::look_up;

use crate::{
    about_order,
    letter::{Letter, Letterhead},
    plan::gives_back,
};
use before::Before;
use comms::{CommunicationId, Document, InvalidMoney};
use driver::{day, iso};
use flow::{Content, Event, Gather, GatherError, PlanError, Planned, Stop, Verdict};
use jiff::{SignedDuration, Timestamp, ToSpan};
use money::MoneyData;
use schemars::JsonSchema;
use serde::Serialize;
use shop_config::ShopConfig;
use shopify::{Order, payment::Cancellation};

pub const TOPICS: &[&str] = &["orders/cancelled", "refunds/create", "order_transactions/create"];

const DOCUMENT: Document = Document::CancellationLetter;

/// One for the cancelled order, and a further one for a refund that comes later, of which only Shopify knows whether
/// its order is cancelled. Reads `kind` of a transaction, to leave out those that take money.
pub fn plan(event: &Event<'_>) -> Result<Planned, PlanError> {
    Ok(match event.topic() {
        "orders/cancelled" => Planned::one(event.plan(DOCUMENT)),
        "order_transactions/create" if gives_back(event) == Some(false) => Planned::none(),
        _ => Planned::AskShopify,
    })
}

/// The published JSON Schema of the driver data.
pub fn schema() -> serde_json::Value {
    driver::json_schema::<Letter<CancellationMatter>>(DOCUMENT)
}

/// The letter that a further issue replaces, and when it was written.
type Replaced<'a> = (&'a CommunicationId, Timestamp);

/// What belongs to a cancellation may be on record shortly before it.
const WITH_IT: SignedDuration = SignedDuration::from_secs(60);

/// What a letter about a cancelled order says.
#[derive(Clone, Serialize, JsonSchema)]
pub struct CancellationMatter {
    /// That and why the order was cancelled.
    cancellation: CancellationData,
    /// The order just before its cancellation, without what had been taken out of it.
    #[serde(flatten)]
    before: Before,
    /// What was paid, and what becomes of it.
    money: MoneyData,
}

#[derive(Clone, Serialize, JsonSchema)]
struct CancellationData {
    /// When the order was cancelled.
    date: String,
    /// The day on which the order was cancelled.
    date_on: String,
    /// Why: `customer` (who wanted it), `inventory` (too little stock), `declined` (the payment was), `staff` (a
    /// mistake of the shop's) or `other`.
    #[schemars(example = &"inventory")]
    reason: String,
    /// The letter that this one replaces: it was written before the money went back.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<ReplacedData>,
}

#[derive(Clone, Serialize, JsonSchema)]
struct ReplacedData {
    /// The identity of the letter that is replaced.
    #[schemars(example = &"c4809f9b199959867b344883a5f958d0")]
    communication: CommunicationId,
    /// When that letter was written.
    date: String,
    /// The day on which that letter was written.
    date_on: String,
}

pub async fn gather(gather: &Gather<'_>) -> Result<Content, Stop> {
    if let Some(history) = gather.history.filter(|_| is_correction(gather.plan)) {
        return correction::gather(gather, history).await;
    }
    let cancellation = fetch(gather).await?;
    judge(&cancellation, gather.config, gather.now, gather.is_asked_for())
        .or_stop(gather, Some(&cancellation.order))?;
    Ok(letter(gather, &cancellation, None).await?)
}

async fn fetch(gather: &Gather<'_>) -> Result<Cancellation, GatherError> {
    let asked = gather.shopify.cancellation(gather.call(), &gather.plan.subject).await;
    gather.found("order", asked).await
}

async fn letter(
    gather: &Gather<'_>,
    cancellation: &Cancellation,
    replaces: Option<Replaced<'_>>,
) -> Result<Content, GatherError> {
    let order = gather.order(&cancellation.order).await?;
    let locale = gather.locale(&order.locales())?;
    let head = Letterhead::of(gather, &locale);
    let matter = CancellationMatter::new(&head, cancellation, &order, replaces)
        .map_err(|error| GatherError::unusable(format!("the cancelled order's amounts: {error}")))?;
    about_order(gather, &order, locale, matter)
}

/// Whether to write of a cancellation.
fn judge(cancellation: &Cancellation, config: &ShopConfig, now: Timestamp, asked_for: bool) -> Verdict {
    let Some(at) = cancellation.cancelled_at else {
        return Verdict::NotDue("Shopify does not show the order as cancelled");
    };
    if asked_for || !money::is_open(cancellation) {
        return Verdict::Write;
    }
    match after_delay(at, config) {
        until if until > now => Verdict::WaitUntil(until, "the money may be on its way back"),
        _ => Verdict::Write,
    }
}

/// From when on money that nobody pays back counts as undecided.
fn after_delay(at: Timestamp, config: &ShopConfig) -> Timestamp {
    let minutes = i64::from(config.exceptions.cancellation_delay_minutes);
    at.checked_add(minutes.minutes()).unwrap_or(at)
}

/// When what belongs to the cancellation can have begun.
fn begun(cancellation: &Cancellation) -> Option<Timestamp> {
    Some(cancellation.cancelled_at?.saturating_sub(WITH_IT).unwrap_or(Timestamp::MIN))
}

impl CancellationMatter {
    /// # Errors
    /// When amounts are too large to add up, or are in different currencies.
    pub(crate) fn new(
        head: &Letterhead<'_>,
        cancellation: &Cancellation,
        order: &Order,
        replaces: Option<Replaced<'_>>,
    ) -> Result<Self, InvalidMoney> {
        let at = cancellation.cancelled_at.unwrap_or(head.now);
        Ok(Self {
            cancellation: CancellationData {
                date: iso(at, head.zone()),
                date_on: day(at, head.zone()),
                reason: reason(cancellation.reason.as_deref()).to_owned(),
                replaces: replaces.map(|(communication, at)| ReplacedData {
                    communication: communication.clone(),
                    date: iso(at, head.zone()),
                    date_on: day(at, head.zone()),
                }),
            },
            before: Before::new(cancellation, order)?,
            money: MoneyData::new(head, cancellation, order)?,
        })
    }
}

/// Why, as a customer may be told. A suspicion is no reason to write down, nor is a word that is not known here.
fn reason(reason: Option<&str>) -> &str {
    match reason {
        Some(known @ ("customer" | "inventory" | "declined" | "staff")) => known,
        _ => "other",
    }
}
