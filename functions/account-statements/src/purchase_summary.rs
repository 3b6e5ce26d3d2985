//! Purchase summaries: what an account bought in the period, and in the year up to it.

use crate::{
    data::Holder,
    error::ItemError,
    item::{self, AccountItem, TOPIC},
    last,
    summary::{SummaryData, purchases},
};
use comms::{CommunicationId, Document};
use driver::Envelope;
use flow::{Content, Event, Gather, GatherError, PlanError, Planned, PreviousIssue, Stop};
use shop_config::ShopConfig;

const DOCUMENT: Document = Document::PurchaseSummary;

pub const TOPICS: &[&str] = &[TOPIC];

pub fn plan(event: &Event<'_>) -> Result<Planned, PlanError> {
    item::plan(event, DOCUMENT)
}

pub fn schema() -> serde_json::Value {
    driver::json_schema::<SummaryData>(DOCUMENT)
}

pub async fn gather(gather: &Gather<'_>) -> Result<Content, Stop> {
    let item = AccountItem::of(gather)?;
    let previous = match gather.history {
        Some(history) => {
            PreviousIssue::Known(last::of_the_month_before(gather, history, &item.period).await?)
        }
        None => PreviousIssue::AskLedger,
    };
    let locale = gather.locale(&item.locales())?;
    let data = data(&item, gather.communication, &locale, gather.config);
    let Some(data) = data.map_err(GatherError::unusable)? else {
        return Err(Stop::not_due(item::NO_ACTIVITY));
    };
    Ok(item.content(gather, &data, locale, previous)?)
}

/// `None` if the account gets no summaries or bought nothing in the period.
pub fn data(
    item: &AccountItem,
    communication: &CommunicationId,
    locale: &str,
    config: &ShopConfig,
) -> Result<Option<SummaryData>, ItemError> {
    let Some(orders) = item.orders(item::settings(config)?) else { return Ok(None) };
    let purchases = purchases(orders, &item.period, &config.time_zone)?;
    Ok((!purchases.is_empty()).then(|| SummaryData {
        envelope: Envelope::new(DOCUMENT, communication, locale, config),
        holder: Holder::new(&item.account, &item.period, item.issued_on),
        purchases,
    }))
}
