//! Account statements: what an account did in the period and owes at its end. A statement begins with the balance that
//! the account's last statement ended with.

use crate::{
    carry::Said,
    data::{CurrencyData, Holder, StatementData},
    error::ItemError,
    item::{self, AccountItem, TOPIC},
    last,
    statement::statements,
};
use comms::{CommunicationId, Document};
use driver::Envelope;
use flow::{Content, Event, Gather, GatherError, PlanError, Planned, PreviousIssue, Stop};
use shop_config::{ShopConfig, text_in};

const DOCUMENT: Document = Document::AccountStatement;

pub const TOPICS: &[&str] = &[TOPIC];

pub fn plan(event: &Event<'_>) -> Result<Planned, PlanError> {
    item::plan(event, DOCUMENT)
}

pub fn schema() -> serde_json::Value {
    driver::json_schema::<StatementData>(DOCUMENT)
}

/// Without history, as if the account had no earlier statement.
pub async fn gather(gather: &Gather<'_>) -> Result<Content, Stop> {
    let item = AccountItem::of(gather)?;
    let last = match gather.history {
        Some(history) => Some(last::statement(gather, history, &item.period).await?),
        None => None,
    };
    let locale = gather.locale(&item.locales())?;
    let said = last.as_ref().and_then(|last| last.said.as_ref());
    let data = data(&item, gather.communication, &locale, gather.config, said);
    let Some(data) = data.map_err(GatherError::unusable)? else {
        return Err(Stop::not_due(item::NO_ACTIVITY));
    };
    if data.is_unreconciled() {
        tracing::warn!(shop = %gather.item.shop, communication = %gather.communication, "a statement has adjustments: Shopify's outstanding amounts differ from what its orders add up to");
    }
    let previous = last.map_or(PreviousIssue::AskLedger, |last| PreviousIssue::Known(last.issue));
    Ok(item.content(gather, &data, locale, previous)?)
}

/// `None` if the account gets no statements or has no activity. `said` is what the last statement said.
pub fn data(
    item: &AccountItem,
    communication: &CommunicationId,
    locale: &str,
    config: &ShopConfig,
    said: Option<&Said>,
) -> Result<Option<StatementData>, ItemError> {
    let settings = item::settings(config)?;
    let zone = &config.time_zone;
    let Some(orders) = item.orders(settings) else { return Ok(None) };
    let by_currency = statements(orders, said, &item.period, zone)?;
    let by_currency = by_currency.iter().map(|it| CurrencyData::new(it, &settings.ageing_days, zone));
    let by_currency: Vec<_> = by_currency.collect::<Result<_, _>>()?;
    if by_currency.is_empty() {
        return Ok(None);
    }
    let instructions = text_in(&settings.payment_instructions, locale, &config.default_locale);
    let instructions = instructions.filter(|_| StatementData::is_owed(&by_currency));
    Ok(Some(StatementData {
        envelope: Envelope::new(DOCUMENT, communication, locale, config),
        holder: Holder::new(&item.account, &item.period, item.issued_on),
        statements: by_currency,
        payment_instructions: instructions.map(str::to_owned),
    }))
}
