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
use ledger::{Found, MAX_FOUND};
use schemars::JsonSchema;
use secrecy::ExposeSecret;
use serde::Serialize;
use std::{process::ExitCode, str::FromStr};

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
    #[command(flatten)]
    only: Only,
}

/// Which of what is found is wanted.
#[derive(clap::Args)]
pub struct Only {
    /// Only this document.
    #[arg(long)]
    document: Option<Document>,
    /// Only in this state.
    #[arg(long)]
    state: Option<State>,
    /// Only from this day on, in UTC; or from a moment, such as `2026-11-27T08:00:00Z`.
    #[arg(long)]
    from: Option<When>,
    /// Only until this day, which is included; or until a moment, which is not.
    #[arg(long)]
    until: Option<When>,
}

/// A day or a moment, as a person gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Day(Date),
    Moment(Timestamp),
}

impl FromStr for When {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // a moment has a day in it, so it is read first
        let moment = text.parse().map(Self::Moment);
        moment
            .or_else(|_| text.parse().map(Self::Day))
            .map_err(|_| "expected a day such as 2026-11-27, or a moment such as 2026-11-27T08:00:00Z")
    }
}

impl When {
    fn start(self) -> Result<Timestamp, Failure> {
        match self {
            Self::Day(day) => Ok(day.to_zoned(TimeZone::UTC)?.timestamp()),
            Self::Moment(at) => Ok(at),
        }
    }

    fn end(self) -> Result<Timestamp, Failure> {
        match self {
            Self::Day(day) => Self::Day(day.tomorrow()?).start(),
            Self::Moment(at) => Ok(at),
        }
    }
}

impl Only {
    fn question(&self, shop: ShopDomain, by: By, now: Timestamp) -> Result<Question, Failure> {
        let is_listed =
            |state| matches!(state, State::Failed | State::Suppressed | State::Unknown | State::Bounced);
        if let (By::Time, Some(state)) = (&by, self.state)
            && !is_listed(state)
        {
            return Err(format!(
                "without a name, an order, a customer or an address only what was not delivered is listed, and `{state}` is not of it"
            )
            .into());
        }
        let from = match (self.from, &by) {
            (Some(when), _) => when.start()?,
            (None, By::Time) => now.checked_sub(SignedDuration::from_hours(24 * DAYS))?,
            (None, _) => Timestamp::UNIX_EPOCH,
        };
        let until = self.until.map_or(Ok(Timestamp::MAX), When::end)?;
        if from >= until {
            return Err("--from is not before --until".into());
        }
        Ok(Question { shop, by, document: self.document, state: self.state, time: from..until })
    }
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
        self.only.question(shop, by, now)
    }
}

/// Prints what there is.
pub async fn find(stack: &Stack, shop: ShopDomain, search: Search, json: bool) -> Result<ExitCode, Failure> {
    let now = Timestamp::now();
    let question = search.question(shop, now)?;
    let found = look(stack, &question, now).await?;
    let rows: Vec<_> = found.entries.iter().map(Row::from).collect();
    table::print(&rows, json)?;
    if rows.len() >= MAX_FOUND.into() {
        note!(
            "ctl: the latest {} are shown; there may be more: narrow it with --from and --until",
            rows.len()
        );
    }
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
#[derive(Debug, Serialize, JsonSchema)]
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
pub async fn explain(stack: &Stack, about: About, only: &Only, json: bool) -> Result<ExitCode, Failure> {
    let now = Timestamp::now();
    let (entries, shop) = match about {
        About::Communication(id) => {
            let entry = stack.entry(&id).await?;
            (vec![entry], None)
        }
        About::Of(shop, text) => {
            let question = only.question(shop.clone(), By::of(&text), now)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        search: Search,
    }

    fn ask(arguments: &str) -> Result<Question, String> {
        let arguments = ["find"].into_iter().chain(arguments.split_whitespace());
        let search = Command::try_parse_from(arguments).map_err(|error| error.to_string())?.search;
        let now = "2026-11-28T12:00:00Z".parse().unwrap();
        search.question("a.myshopify.com".parse().unwrap(), now).map_err(|error| error.to_string())
    }

    #[test]
    fn each_thing_that_a_person_knows_is_looked_for() {
        for (arguments, by) in [
            ("--name #1001", By::Name("#1001".to_owned())),
            ("--order 7", By::Resource(Gid::new("Order", 7))),
            ("--customer gid://shopify/Customer/7", By::Customer(Gid::new("Customer", 7))),
            ("--email a@example.com", By::Email("a@example.com".to_owned())),
            ("", By::Time),
        ] {
            assert_eq!(ask(arguments).unwrap().by, by, "{arguments}");
        }
        let question =
            ask("--name #1 --document receipt --state delivered --from 2026-11-01 --until 2026-11-02")
                .unwrap();
        assert_eq!((question.document, question.state), (Some(Document::Receipt), Some(State::Delivered)));
        let time = |from: &str, until: &str| from.parse().unwrap()..until.parse().unwrap();
        assert_eq!(question.time, time("2026-11-01T00:00:00Z", "2026-11-03T00:00:00Z"));
        let question = ask("--from 2026-11-27T08:00:00+01:00 --until 2026-11-27T09:30:00Z").unwrap();
        assert_eq!(question.time, time("2026-11-27T07:00:00Z", "2026-11-27T09:30:00Z"));
        assert_eq!(ask("").unwrap().time.start, "2026-11-21T12:00:00Z".parse().unwrap());
    }

    /// An empty list would say that there is none.
    #[test]
    fn what_no_index_lists_is_refused_and_not_answered_with_nothing() {
        assert!(ask("--state delivered").unwrap_err().contains("only what was not delivered"));
        assert!(ask("--state bounced").is_ok());
        assert!(ask("--from 2026-11-28 --until 2026-11-01").unwrap_err().contains("not before"));
        assert!(ask("--from yesterday").unwrap_err().contains("expected a day"));
        assert!(ask("--customer gid://shopify/Order/1").is_err());
        assert!(ask("--name a --email b@example.com").is_err(), "one of them");
    }

    #[test]
    fn rows_are_a_published_contract() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/answer-row.v1.json");
        contract::published(&path, &schemars::schema_for!(Answer<'static>).to_value());
    }
}
