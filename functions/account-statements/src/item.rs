//! An item of a statement run: one account with all its orders, for one period. Of an item of a batch job, the one
//! document whose output it names.

use crate::{
    error::{InvalidPayload, ItemError},
    period::Period,
};
use comms::{Document, Revision};
use delivery::Recipient;
use flow::{BatchOutput, Content, Event, Gather, GatherError, Plan, PlanError, Planned, PreviousIssue};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use shop_config::{ShopConfig, Statements};
use shopify::account::{Account, AccountOrder};

/// The topic of the items of a statement run.
pub const TOPIC: &str = "statement-run";

/// Why an account gets no document of a period.
pub const NO_ACTIVITY: &str = "there is nothing to say of the account";

/// What names the communications, of a payload of which nothing else is read.
#[derive(Deserialize)]
struct Head {
    period: PeriodName,
    composed: Option<Composed>,
}

#[derive(Deserialize)]
struct PeriodName {
    name: String,
}

/// One customer's output of a batch job, for this one document.
#[derive(Deserialize)]
struct Composed {
    #[serde(flatten)]
    output: BatchOutput,
    document: Document,
}

/// What a payload says beside the account.
#[derive(Deserialize)]
struct Run {
    period: Period,
    issued_on: Date,
    composed: Option<Composed>,
}

/// A payload that was read.
pub struct AccountItem {
    pub account: Account,
    pub period: Period,
    pub issued_on: Date,
    composed: Option<Composed>,
}

/// What an item leads to, of one document. Reads of the payload `{"period": {"name"}}` and, of an item of a batch
/// job, `composed`.
pub fn plan(event: &Event<'_>, document: Document) -> Result<Planned, PlanError> {
    let head: Head = serde_json::from_str(event.payload()?).map_err(|_| item(InvalidPayload::NoPeriod))?;
    check_name(&head.period.name).map_err(item)?;
    if head.composed.is_some_and(|composed| composed.document != document) {
        return Ok(Planned::none());
    }
    let plan = event.plan(document);
    let wanted = plan.wanted && event.config.statements.is_some();
    Ok(Planned::one(Plan { revision: revision(&head.period.name), wanted, ..plan }))
}

fn item(error: InvalidPayload) -> PlanError {
    PlanError::Item(error.to_string().into())
}

/// The name becomes part of an identity.
fn check_name(name: &str) -> Result<(), InvalidPayload> {
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if plain && (1..=32).contains(&name.len()) { Ok(()) } else { Err(InvalidPayload::PeriodName) }
}

/// The issue of a document for the period of this name.
pub fn revision(period: &str) -> Revision {
    Revision::of_period(period)
}

impl AccountItem {
    /// # Errors
    /// Names what cannot be read, and its order. Says nothing of the account.
    pub fn parse(payload: &str) -> Result<Self, ItemError> {
        let account = Account::from_bulk(payload)?;
        let run: Run = serde_json::from_str(payload).map_err(|_| InvalidPayload::NoDays)?;
        check_name(&run.period.name)?;
        if run.period.from > run.period.to {
            return Err(InvalidPayload::EndsBeforeItBegins.into());
        }
        Ok(Self { account, period: run.period, issued_on: run.issued_on, composed: run.composed })
    }

    /// The item that a document is gathered from.
    pub fn of(gather: &Gather<'_>) -> Result<Self, GatherError> {
        let payload = gather.payload.ok_or_else(|| {
            GatherError::permanent("the data of a statement run is gone: send the archived document again")
        })?;
        let item = Self::parse(payload).map_err(GatherError::unusable)?;
        if item.account.id != gather.plan.subject {
            return Err(GatherError::permanent("the payload is about another account than the item"));
        }
        Ok(item)
    }

    pub fn revision(&self) -> Revision {
        revision(&self.period.name)
    }

    /// The locales the account reads, the first preferred.
    pub fn locales(&self) -> Vec<Option<&str>> {
        self.account.locales.iter().map(|locale| Some(locale.as_str())).collect()
    }

    /// The orders that a document covers; `None` if the shop wants no documents for this account. What a tagged
    /// customer bought for a company is in the account of the company's location, not in theirs.
    pub fn orders(&self, settings: &Statements) -> Option<impl Iterator<Item = &AccountOrder>> {
        let is_location = self.account.is_company_location();
        let orders = self.account.orders.iter();
        is_wanted(&self.account, settings)
            .then(|| orders.filter(move |order| is_location || order.bought_for.is_none()))
    }

    /// The document, for the pipeline.
    pub fn content(
        self,
        gather: &Gather<'_>,
        data: &impl Serialize,
        locale: String,
        previous: PreviousIssue,
    ) -> Result<Content, GatherError> {
        let contact = self.account.contact;
        let recipient = Recipient {
            name: contact.name.or(self.account.name),
            email: contact.email,
            phones: Vec::new(),
            locale,
        };
        let address = self.account.address.as_ref();
        let postal_address = address.map(|it| flow::postal_address(it, recipient.name.clone()));
        let composed = self.composed.filter(|it| it.document == gather.plan.document);
        Ok(Content {
            name: Some(self.period.name),
            postal_address,
            customer: contact.customer,
            composed: composed.map(|it| it.output),
            previous,
            ..Content::new(gather, data, recipient)?
        })
    }
}

/// A search may find more customers than have the tag.
fn is_wanted(account: &Account, settings: &Statements) -> bool {
    if account.is_company_location() {
        settings.company_locations
    } else {
        settings.customer_tag.as_ref().is_some_and(|tag| account.has_tag(tag))
    }
}

/// The shop's settings for statements.
pub fn settings(config: &ShopConfig) -> Result<&Statements, ItemError> {
    config.statements.as_ref().ok_or(ItemError::NoSettings)
}
