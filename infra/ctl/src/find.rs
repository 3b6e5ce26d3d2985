//! `ctl find` and `ctl why`: which communications there are of what a person knows, and why they stand where they stand.

use crate::{
    failure::Failure,
    out::{self, note, say},
    stack::Stack,
    table::{self, Row},
};
use comms::{CommunicationId, Document, Gid, ShopDomain, State, chain};
use decisions::{By, Question, why, why_nothing};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use ledger::Found;
use secrecy::ExposeSecret;
use serde::Serialize;
use std::process::ExitCode;

/// For so many days what was not delivered is listed, where no others are named.
const DAYS: i64 = 7;

/// What is looked for. Without a name, an id, a customer or an address: what was not delivered.
#[derive(clap::Args)]
pub struct Search {
    /// What a person calls it, such as `#1001`.
    #[arg(long, group = "by")]
    name: Option<String>,
    /// The order: its global id, or the number in its address in the admin (not `#1001`). Also a customer's or company
    /// location's global id, for what is reported on it.
    #[arg(long, group = "by", value_parser = crate::order_gid)]
    order: Option<Gid>,
    /// The customer's global id, for everything of theirs.
    #[arg(long, group = "by")]
    customer: Option<Gid>,
    /// The recipient's e-mail address.
    #[arg(long, group = "by")]
    email: Option<String>,
    /// Only this document.
    #[arg(long)]
    document: Option<Document>,
    /// Only in this state.
    #[arg(long)]
    state: Option<State>,
    /// Only from this day on, in UTC.
    #[arg(long)]
    from: Option<Date>,
    /// Only until this day, which is included.
    #[arg(long)]
    until: Option<Date>,
}

impl Search {
    fn question(self, shop: ShopDomain, now: Timestamp) -> Result<Question, Failure> {
        let by = match (self.name, self.order, self.customer, self.email) {
            (Some(name), ..) => By::Name(name),
            (_, Some(order), ..) => By::Resource(order),
            (_, _, Some(customer), _) => By::Customer(customer.of_kind("Customer")?),
            (_, _, _, Some(email)) => By::Email(email),
            _ => By::Time,
        };
        let start = |date: Date| date.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
        let from = match (self.from, &by) {
            (Some(date), _) => start(date)?,
            (None, By::Time) => now.checked_sub(SignedDuration::from_hours(24 * DAYS))?,
            (None, _) => Timestamp::UNIX_EPOCH,
        };
        let until = match self.until {
            Some(date) => start(date.tomorrow()?)?,
            None => Timestamp::MAX,
        };
        Ok(Question { shop, by, document: self.document, state: self.state, time: from..until })
    }
}

/// Prints what there is.
pub async fn find(stack: &Stack, shop: ShopDomain, search: Search, json: bool) -> Result<ExitCode, Failure> {
    let now = Timestamp::now();
    let question = search.question(shop, now)?;
    let found = look(stack, &question, now).await?;
    let rows: Vec<_> = found.entries.iter().map(Row::from).collect();
    table::print(&rows, json)?;
    Ok(if rows.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn look(stack: &Stack, question: &Question, now: Timestamp) -> Result<Found, Failure> {
    let key = match question.by.needs_key() {
        true => Some(stack.secrets.customer_key(now).await?),
        false => None,
    };
    let key = key.as_ref().map(|key| key.expose_secret().as_bytes());
    let found = decisions::find(&stack.ledger, key, question).await?;
    for problem in &found.problems {
        note!("ctl: {}", chain(&problem.error));
    }
    Ok(found)
}

/// What is asked about.
pub enum About {
    Communication(CommunicationId),
    /// An order, customer or company location of a shop, or what a person calls an order.
    Of(ShopDomain, String),
}

/// One answer, as `ctl why --json` prints it. Fields are only added.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    communication: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a str>,
    sentences: &'a [String],
}

/// Says why something was sent or not.
pub async fn explain(stack: &Stack, about: About, json: bool) -> Result<ExitCode, Failure> {
    let now = Timestamp::now();
    let (entries, shop) = match about {
        About::Communication(id) => {
            let entry = stack.entry(&id).await?;
            (vec![entry], None)
        }
        About::Of(shop, text) => {
            let by = By::of(&text);
            let time = Timestamp::UNIX_EPOCH..Timestamp::MAX;
            let question = Question { shop: shop.clone(), by, document: None, state: None, time };
            (look(stack, &question, now).await?.entries, Some(shop))
        }
    };
    for entry in &entries {
        let sentences = why(entry, now);
        let answer = Answer {
            communication: Some(entry.communication.as_str()),
            document: Some(entry.document.name()),
            state: Some(entry.state.name()),
            sentences: &sentences,
        };
        print(&answer, json)?;
    }
    if let (true, Some(shop)) = (entries.is_empty(), shop) {
        let sentences = why_nothing(&stack.configs().get(&shop, now).await?.config);
        print(&Answer { communication: None, document: None, state: None, sentences: &sentences }, json)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print(answer: &Answer<'_>, json: bool) -> Result<(), Failure> {
    if json {
        out::json(&serde_json::to_string(answer)?);
        return Ok(());
    }
    if let (Some(communication), Some(document), Some(state)) =
        (answer.communication, answer.document, answer.state)
    {
        say!("{document} {communication}: {state}");
    }
    for sentence in answer.sentences {
        say!("    {sentence}");
    }
    Ok(())
}
