//! Account statements and purchase summaries.
//!
//! | topic | document | subject | revision |
//! | --- | --- | --- | --- |
//! | `statement-run` | account-statement, purchase-summary | company location or customer | `period-<name>` |
//!
//! A statement run sends one item an account with all its orders in the payload, so nothing is asked of
//! Shopify here; with a batch job, one item per account and document. The documents of an item depend on its
//! payload, the shop's configuration and what the account's last statement said. A batch job knows nothing of the
//! last statement, and what it composed is used where that makes no difference; where it does, the statement is
//! composed by itself. An account of which there is nothing to say leaves no trace in the ledger.
//!
//! An account whose orders cannot all be read, or have no balance that anybody could tell, gets no statement: its
//! item ends in the dead letters, and says which order.
//!
//! What a tagged customer bought for a company is in the account of the company's location, not in theirs.

// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "an overflow is a failed test"))]

pub mod carry;
mod data;
mod error;
mod last;
pub mod ledger;
mod period;
pub mod statement;
mod summary;

pub use data::StatementData;
pub use error::{InvalidPayload, ItemError};
pub use period::Period;
pub use summary::SummaryData;

use bytes::Bytes;
use carry::Said;
use comms::{CommunicationId, Document, Flow, Revision};
use data::{CurrencyData, Holder};
use delivery::Recipient;
use driver::Envelope;
use flow::{
    Content, DocumentFlow, Event, Gather, GatherError, Gathered, Plan, PlanError, Planned, PreviousIssue,
};
use period::{Head, Run};
use serde::Serialize;
use shop_config::{ShopConfig, Statements, text_in};
use shopify::account::{Account, AccountOrder};

/// The topic of the items of a statement run.
pub const TOPIC: &str = "statement-run";

const DOCUMENTS: [Document; 2] = [Document::AccountStatement, Document::PurchaseSummary];

#[derive(Debug, Clone, Copy)]
pub struct AccountStatements;

/// One document's part of a driver file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Driver {
    /// JSON, the same that the flow function sends.
    pub bytes: Bytes,
    pub communication: CommunicationId,
}

/// Whether an item with this payload can be worked on.
///
/// # Errors
/// Names what cannot be read, and its order. Says nothing of the account.
pub fn check(payload: &str) -> Result<(), ItemError> {
    Account::from_bulk(payload)?;
    Ok(())
}

/// The driver data of one document of an item, for a batch job: of a statement, as if it were the account's first.
/// None, if there is nothing to say.
///
/// # Errors
/// What is wrong with the payload, or keeps the document from being made. Says nothing of the account.
pub fn driver(payload: &str, document: Document, config: &ShopConfig) -> Result<Option<Driver>, ItemError> {
    let revision = revision(Head::parse(payload)?.name());
    let account = Account::from_bulk(payload)?;
    let communication = CommunicationId::derive(&config.shop, document, &account.id, &revision);
    let locale = config.locale_to_send(document, &wanted(&account))?;
    let making = Making { payload, account: &account, document, communication: &communication, config };
    let Some(data) = making.data(locale, None)? else { return Ok(None) };
    let bytes = serde_json::to_vec(&data)?;
    Ok(Some(Driver { bytes: bytes.into(), communication }))
}

impl DocumentFlow for AccountStatements {
    const FLOW: Flow = Flow::AccountStatements;

    /// Reads of the payload `{"period": {"name"}}` and, of an item of a batch job, `composed`.
    fn plan(&self, event: &Event<'_>) -> Result<Planned, PlanError> {
        let Event { item, config, .. } = *event;
        if item.trigger.topic != TOPIC {
            return Err(PlanError::Topic { topic: item.trigger.topic.clone() });
        }
        let head =
            Head::parse(event.payload()?).map_err(|error| PlanError::Item(error.to_string().into()))?;
        let composed = head.composed.as_ref().map(|composed| composed.document);
        let documents = DOCUMENTS.into_iter().filter(|it| composed.is_none_or(|composed| composed == *it));
        let plans = documents.map(|document| Plan {
            document,
            subject: item.subject.clone(),
            revision: revision(head.name()),
            reported_on: item.subject.clone(),
            wanted: config.statements.is_some() && config.document(document).is_some(),
        });
        Ok(Planned::Known(plans.collect()))
    }

    /// Without history, as if the account had no earlier statement.
    async fn gather(&self, gather: Gather<'_>) -> Result<Gathered, GatherError> {
        let account = account(&gather)?;
        let Some(history) = gather.history else {
            return make(&gather, &account, None, PreviousIssue::AskLedger);
        };
        let payload = gather.payload.unwrap_or_default();
        let period = Run::parse(payload).map_err(GatherError::unusable)?.period;
        if gather.plan.document != Document::AccountStatement {
            let issue = last::of_the_month_before(&gather, history, &period).await?;
            return make(&gather, &account, None, PreviousIssue::Known(issue));
        }
        let last = last::statement(&gather, history, &period).await?;
        make(&gather, &account, last.said.as_ref(), PreviousIssue::Known(last.issue))
    }
}

/// The item's account.
fn account(gather: &Gather<'_>) -> Result<Account, GatherError> {
    let payload = gather.payload.ok_or_else(|| {
        GatherError::permanent("the data of a statement run is gone: send the archived document again")
    })?;
    let account = Account::from_bulk(payload).map_err(GatherError::unusable)?;
    if account.id != gather.plan.subject {
        return Err(GatherError::permanent("the payload is about another account than the item"));
    }
    Ok(account)
}

fn make(
    gather: &Gather<'_>,
    account: &Account,
    said: Option<&Said>,
    previous: PreviousIssue,
) -> Result<Gathered, GatherError> {
    let payload = gather.payload.unwrap_or_default();
    let document = gather.plan.document;
    let locale = gather.locale(&wanted(account))?;
    let making =
        Making { payload, account, document, communication: gather.communication, config: gather.config };
    let Some(data) = making.data(&locale, said).map_err(GatherError::unusable)? else {
        return Ok(Gathered::NotDue("there is nothing to say of the account".into()));
    };
    if let Data::Statement(statement) = &data
        && statement.is_unreconciled()
    {
        tracing::warn!(shop = %gather.item.shop, communication = %gather.communication, "a statement has adjustments: Shopify's outstanding amounts are not what its orders say");
    }
    let head = Head::parse(payload).map_err(GatherError::unusable)?;
    let recipient = Recipient {
        name: account.contact.name.clone().or_else(|| account.name.clone()),
        email: account.contact.email.clone(),
        locale,
    };
    Ok(Gathered::Ready(Box::new(Content {
        name: Some(head.name().to_owned()),
        customer: account.contact.customer.clone(),
        composed: head.composed.filter(|it| it.document == document).map(|it| it.output),
        previous,
        test: gather.item.trigger.test,
        ..Content::new(gather, &data, recipient)?
    })))
}

fn revision(period: &str) -> Revision {
    Revision::named(format!("period-{period}"))
}

fn wanted(account: &Account) -> Vec<Option<&str>> {
    account.locales.iter().map(|locale| Some(locale.as_str())).collect()
}

/// One document while it is made.
struct Making<'a> {
    payload: &'a str,
    account: &'a Account,
    document: Document,
    communication: &'a CommunicationId,
    config: &'a ShopConfig,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Data {
    Statement(StatementData),
    Summary(SummaryData),
}

impl Making<'_> {
    /// None, if the account gets none of these documents or there is nothing to say.
    fn data(&self, locale: &str, said: Option<&Said>) -> Result<Option<Data>, ItemError> {
        let Self { account, document, config, .. } = *self;
        let settings = config.statements.as_ref().ok_or(ItemError::NoSettings)?;
        let run = Run::parse(self.payload)?;
        if !is_for(account, settings) {
            return Ok(None);
        }
        let own = |order: &&AccountOrder| account.is_company_location() || order.bought_for.is_none();
        let orders = account.orders.iter().filter(own);
        let zone = &config.time_zone;
        let envelope = || Envelope::new(document, self.communication, locale, config);
        let holder = || Holder::new(account, &run.period, run.issued_on);
        match document {
            Document::AccountStatement => {
                let statements = statement::statements(orders, said, &run.period, zone)?;
                let statements =
                    statements.iter().map(|it| CurrencyData::new(it, &settings.ageing_days, zone));
                let statements: Vec<_> = statements.collect::<Result<_, _>>()?;
                let instructions = text_in(&settings.payment_instructions, locale, &config.default_locale)
                    .filter(|_| StatementData::is_owed(&statements));
                Ok((!statements.is_empty()).then(|| {
                    Data::Statement(StatementData {
                        envelope: envelope(),
                        holder: holder(),
                        statements,
                        payment_instructions: instructions.map(str::to_owned),
                    })
                }))
            }
            Document::PurchaseSummary => {
                let purchases = summary::purchases(orders, &run.period, zone)?;
                Ok((!purchases.is_empty()).then(|| {
                    Data::Summary(SummaryData { envelope: envelope(), holder: holder(), purchases })
                }))
            }
            other => Err(ItemError::ForeignDocument(other)),
        }
    }
}

/// Whether the shop wants documents for this account. A search may find more customers than have the tag.
fn is_for(account: &Account, settings: &Statements) -> bool {
    if account.is_company_location() {
        settings.company_locations
    } else {
        settings.customer_tag.as_ref().is_some_and(|tag| account.has_tag(tag))
    }
}

/// Starts the function and serves its invocations until Lambda ends the process.
pub fn serve() -> service::Serving {
    flow::serve(AccountStatements)
}

#[cfg(test)]
mod tests;
