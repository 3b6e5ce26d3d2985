//! Why a communication was sent or not, and what a person can do: in sentences, from what the ledger knows.

use crate::{Refusal, resend::may_go_out};
use archive::is_test;
use comms::{State, WriteBackState, one_line};
use jiff::{Timestamp, Unit};
use ledger::Entry;
use shop_config::ShopConfig;

/// Why the archived bytes of an entry cannot go out again, if they cannot.
pub fn why_not_again(entry: &Entry) -> Option<Refusal> {
    may_go_out(entry, false).err()
}

/// Why it stands where it stands, the answer first. Each is one line, as far as it comes from outside.
pub fn why(entry: &Entry, now: Timestamp) -> Vec<String> {
    let channel = entry.channel.as_deref().map_or_else(|| "The channel".to_owned(), capital);
    let reason = entry.reason.as_deref().map(one_line).filter(|reason| !reason.is_empty());
    let because = |what: &str| match &reason {
        Some(reason) => format!("{what}: {reason}."),
        None => format!("{what}."),
    };
    let updated = minute(entry.updated_epoch_ms);
    let mut sentences = match entry.state {
        State::Claimed | State::Sending => open(entry, now),
        State::Archived if is_rehearsal(entry) => vec![format!(
            "It was archived on {updated} and not sent, because it is of a test order or a dry run."
        )],
        State::Archived => {
            vec![format!("It was archived on {updated} and not sent: the document has no channel.")]
        }
        State::Accepted => {
            let taken = minute(entry.accepted_at_epoch_ms());
            let taken = format!("{channel} took it on {taken}; what became of it is not known yet");
            vec![because(&taken)]
        }
        State::Delivered => vec![because(&format!("{channel} delivered it by {updated}"))],
        State::Bounced => vec![
            because(&format!("{channel} took it, and reported on {updated} that it did not arrive")),
            "Send it again, to a corrected address if the address was wrong.".to_owned(),
        ],
        State::Failed => vec![
            because(&format!("It was not sent: it failed on {updated}")),
            "It is not tried again by itself.".to_owned(),
        ],
        State::Suppressed => vec![
            because(&format!("It was not sent, and that was decided on {updated}")),
            "That is final: no later event makes it.".to_owned(),
        ],
        State::Unknown => vec![
            because(&format!("Nobody knows whether it was sent: on {updated} the answer was lost")),
            "It is not sent again by itself, because it may have arrived. Find out, and settle it."
                .to_owned(),
        ],
    };
    match entry.write_back {
        WriteBackState::Failed => {
            let why = entry.write_back_reason.as_deref().map(one_line).unwrap_or_default();
            sentences.push(format!("Shopify did not take the report of it: {why}."));
        }
        WriteBackState::Pending => sentences.push("Shopify has not been told yet.".to_owned()),
        WriteBackState::None | WriteBackState::Reported => {}
    }
    sentences
}

fn open(entry: &Entry, now: Timestamp) -> Vec<String> {
    let since = minute(entry.created_epoch_ms);
    let attempts = match entry.attempts {
        1 => "once".to_owned(),
        many => format!("{many} times"),
    };
    let mut sentences = match (entry.state, entry.unsent) {
        (State::Sending, false) => vec!["A send was begun and has no outcome yet.".to_owned()],
        (State::Sending, true) => vec!["A send was begun and certainly did not happen.".to_owned()],
        _ => vec!["It has not been sent yet.".to_owned()],
    };
    sentences.push(if entry.lease_until_epoch_ms > now.as_millisecond() {
        format!("It is being worked on. It was begun {attempts} since {since}.")
    } else {
        format!(
            "Nobody works on it at this moment. It was begun {attempts} since {since} and continues when its message \
             comes again; if it does not, the message is among the dead letters of {}.",
            entry.flow
        )
    });
    sentences
}

/// Why there is nothing about an order, a customer or a company location.
pub fn why_nothing(config: &ShopConfig) -> Vec<String> {
    let on: Vec<_> = config.documents.iter().filter(|(_, settings)| settings.enabled).collect();
    let names: Vec<_> = on.iter().map(|(document, _)| document.title("en")).collect();
    let mut sentences = vec!["The ledger knows no document about it.".to_owned()];
    sentences.push(match names.is_empty() {
        true => "No document is switched on for this shop.".to_owned(),
        false => format!(
            "Nothing has happened yet that leads to one of the documents that are switched on ({}), or its event has not \
             arrived.",
            names.join(", ")
        ),
    });
    let waiting = config.documents.iter().filter(|(_, settings)| settings.enabled && settings.on_request);
    let waiting: Vec<_> = waiting.map(|(document, _)| document.title("en")).collect();
    if !waiting.is_empty() {
        sentences.push(format!("No event leads to what is sent on request only: {}.", waiting.join(", ")));
    }
    if let Some(reconcile) = config.reconcile {
        sentences.push(format!(
            "What happened before {} was handled by the previous system.",
            minute(reconcile.since.as_millisecond())
        ));
    }
    if config.dry_run {
        sentences.push("The shop is in a dry run: nothing is delivered.".to_owned());
    }
    sentences
}

fn is_rehearsal(entry: &Entry) -> bool {
    entry.archived.as_ref().is_some_and(|archived| is_test(&archived.archive_key))
}

fn capital(name: &str) -> String {
    let name = one_line(name);
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// `2026-11-27 08:01 UTC`.
fn minute(epoch_ms: i64) -> String {
    let at = Timestamp::from_millisecond(epoch_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    at.round(Unit::Minute).unwrap_or(at).strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use comms::{CommunicationId, Document, Gid, Revision, ShopDomain};

    fn entry(state: State) -> Entry {
        let shop: ShopDomain = "acme.myshopify.com".parse().unwrap();
        let order = Gid::new("Order", 1);
        Entry {
            communication: CommunicationId::derive(&shop, Document::Receipt, &order, &Revision::Initial),
            flow: Document::Receipt.flow(),
            document: Document::Receipt,
            subject: order.clone(),
            revision: Revision::Initial,
            reported_on: order,
            shop,
            state,
            unsent: false,
            lease_holder: String::new(),
            lease_until_epoch_ms: 0,
            attempts: 1,
            sends: 0,
            created_epoch_ms: 0,
            updated_epoch_ms: 60_000,
            accepted_epoch_ms: None,
            opened_epoch_ms: None,
            check_epoch_ms: None,
            archived: None,
            channel: Some("email".to_owned()),
            reference: None,
            reason: Some("the \u{202e}reason\n<b>".to_owned()),
            customer: None,
            write_back: WriteBackState::None,
            write_back_reason: None,
        }
    }

    #[test]
    fn every_state_is_explained_in_lines_that_people_can_read() {
        let now = Timestamp::from_second(100).unwrap();
        for state in State::ALL {
            let sentences = why(&entry(*state), now);
            assert!(!sentences.is_empty());
            for sentence in &sentences {
                assert!(comms::is_one_line(sentence) && sentence.ends_with('.'), "{state}: {sentence}");
            }
        }
        let said = |state| why(&entry(state), now).remove(0);
        assert_eq!(
            said(State::Suppressed),
            "It was not sent, and that was decided on 1970-01-01 00:01 UTC: the reason <b>."
        );
        assert_eq!(
            said(State::Bounced),
            "Email took it, and reported on 1970-01-01 00:01 UTC that it did not arrive: the reason <b>."
        );
    }

    #[test]
    fn work_that_stands_still_is_told_from_work_in_progress() {
        let now = Timestamp::from_second(100).unwrap();
        let held = Entry { lease_until_epoch_ms: 200_000, ..entry(State::Claimed) };
        assert!(why(&held, now)[1].starts_with("It is being worked on."));
        assert!(why(&entry(State::Claimed), now)[1].contains("dead letters of order-confirmation"));
    }

    #[test]
    fn what_is_archived_may_go_out_again_and_a_rehearsal_may_not() {
        assert!(matches!(why_not_again(&entry(State::Failed)), Some(Refusal::NothingArchived)));
        assert!(matches!(why_not_again(&entry(State::Claimed)), Some(Refusal::Open(State::Claimed))));
    }

    #[test]
    fn nothing_is_explained_by_the_configuration() {
        let demo = include_str!("../../../infra/local/config/demo-shop.toml");
        let sentences = why_nothing(&ShopConfig::parse(demo).unwrap());
        assert!(sentences[1].contains("Order confirmation"), "{sentences:?}");
    }
}
