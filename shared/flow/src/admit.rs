//! Stage 4: whether a gathered document may be sent, to whom and by which channel.
//!
//! Marketing may be sent if the customer agreed, is not on the suppression list, is not asleep, and has not had enough.
//! Asked by every attempt, right before the document is made and sent.

use crate::{
    content::{Consent, Content},
    context::{Attempt, channel_of},
    doubt::Doubt,
    halt::Halt,
    outcome::OutcomeDetails,
};
use comms::{CommunicationId, CustomerKey, EmailKey, MessageClass, PostalAddress, ShopDomain, State};
use jiff::{Timestamp, tz::TimeZone};
use ledger::{Admission, Cap, Lease, Ledger, LedgerError};
use secrecy::ExposeSecret;
use service::SecretError;
use shop_config::{Channel, Marketing};
use std::borrow::Cow;

/// The answer to [`admit`].
pub enum Answer {
    /// The document is made, and sent if there is a channel.
    Admitted,
    /// It is not sent. The reason is recorded.
    Suppressed(Cow<'static, str>),
    /// Not before then.
    Later(Timestamp),
}

/// Decides whether the document is sent. Notes customer, channel and whether it is a test in `details`, as far as it
/// comes.
///
/// # Errors
/// When the ledger or the store of secrets does not answer.
pub async fn admit(
    attempt: &Attempt<'_>,
    lease: &Lease,
    content: &Content,
    details: &mut OutcomeDetails,
) -> Result<Answer, Halt> {
    details.customer = customer_key(attempt, content).await.map_err(Halt::of_call)?;
    details.name.clone_from(&content.name);
    details.email = email_key(attempt, content).await.map_err(Halt::of_call)?;
    details.test |= content.test;
    details.channel = if details.test { None } else { channel(attempt, lease, content) };
    match details.channel {
        None if lease.entry.state == State::Sending => {
            Ok(Answer::Suppressed("delivery was switched off before it was sent".into()))
        }
        None if !details.test && !attempt.settings.channels.is_empty() => {
            Ok(Answer::Suppressed("no channel can reach the recipient".into()))
        }
        None => Ok(Answer::Admitted),
        // what Exstream has sent already needs no leave
        Some(_) if details.doubt == Doubt::SentByExstream => Ok(Answer::Admitted),
        Some(_) => {
            let answer = ask(attempt, content, details.customer.as_ref()).await;
            answer.map_err(Halt::of_call)
        }
    }
}

/// The channel of a send that was begun stays the channel; otherwise the one that was asked for, or the first that can
/// reach anybody.
fn channel(attempt: &Attempt<'_>, lease: &Lease, content: &Content) -> Option<Channel> {
    if attempt.settings.channels.is_empty() {
        return None;
    }
    let begun = (lease.entry.state == State::Sending).then(|| channel_of(&lease.entry)).flatten();
    begun
        .or_else(|| attempt.resend?.channel)
        .or_else(|| delivery::choose(&reachable(attempt, content), &content.recipient))
}

/// Without print, where a letter would have nowhere to go.
fn reachable(attempt: &Attempt<'_>, content: &Content) -> Vec<Channel> {
    let has_address = content.postal_address.as_ref().is_some_and(PostalAddress::is_usable);
    let may_print = has_address || !attempt.settings.goes_by_post(attempt.plan.document);
    let channels = attempt.settings.channels.iter().copied();
    channels.filter(|channel| may_print || *channel != Channel::Print).collect()
}

async fn customer_key(attempt: &Attempt<'_>, content: &Content) -> Result<Option<CustomerKey>, SecretError> {
    let Some(customer) = &content.customer else { return Ok(content.known_customer.clone()) };
    let key = attempt.clients.secrets.customer_key(attempt.now()).await?;
    Ok(Some(CustomerKey::derive(key.expose_secret().as_bytes(), &attempt.item.shop, customer)))
}

async fn email_key(attempt: &Attempt<'_>, content: &Content) -> Result<Option<EmailKey>, SecretError> {
    let Some(address) = content.recipient.email.as_deref() else { return Ok(None) };
    let key = attempt.clients.secrets.customer_key(attempt.now()).await?;
    Ok(Some(EmailKey::derive(key.expose_secret().as_bytes(), &attempt.item.shop, address)))
}

async fn ask(
    attempt: &Attempt<'_>,
    content: &Content,
    customer: Option<&CustomerKey>,
) -> Result<Answer, LedgerError> {
    if attempt.settings.class(attempt.plan.document) != MessageClass::Marketing {
        return Ok(Answer::Admitted);
    }
    let config = &attempt.loaded.config;
    let question = Question {
        shop: &attempt.item.shop,
        communication: attempt.communication,
        consent: &content.consent,
        customer,
        marketing: &config.marketing,
        zone: &config.time_zone,
        now: attempt.now(),
    };
    question.put(&attempt.clients.ledger).await
}

/// May this go to this customer now?
struct Question<'a> {
    shop: &'a ShopDomain,
    communication: &'a CommunicationId,
    consent: &'a Consent,
    customer: Option<&'a CustomerKey>,
    marketing: &'a Marketing,
    zone: &'a TimeZone,
    now: Timestamp,
}

impl Question<'_> {
    /// What is final is asked first, and what is counted last: who waits or is refused uses no place of the cap.
    async fn put(&self, ledger: &Ledger) -> Result<Answer, LedgerError> {
        match self.consent {
            Consent::Given(_) => {}
            Consent::NotAsked => {
                return Ok(Answer::Suppressed("nothing is known of the customer's consent".into()));
            }
            Consent::Refused(why) => return Ok(Answer::Suppressed(why.clone())),
        }
        let Some(customer) = self.customer else {
            return Ok(Answer::Suppressed("it is for no customer".into()));
        };
        let quiet = self.marketing.quiet_hours.and_then(|hours| hours.until(self.now, self.zone));
        if let Some(until) = quiet {
            return Ok(Answer::Later(until));
        }
        let cap = self.marketing.frequency_cap.map(|cap| Cap { most: cap.most.into(), days: cap.days });
        let admission = ledger.admit(self.shop, customer, self.communication, cap, self.now).await?;
        Ok(match admission {
            Admission::Admitted => Answer::Admitted,
            Admission::Suppressed(reason) => {
                Answer::Suppressed(format!("the customer is on the suppression list: {reason}").into())
            }
            Admission::Capped => {
                Answer::Suppressed("the customer has had as many offers as the cap allows".into())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use comms::{Document, Gid, Revision};
    use jiff::civil::time;
    use serde_json::{Value, json};
    use shop_config::{FrequencyCap, QuietHours};
    use std::sync::{Arc, Mutex};

    /// A ledger whose only item is this one; how often it was asked and written.
    async fn ledger(item: Value) -> (Ledger, Arc<Mutex<Vec<String>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let answer = move |headers: axum::http::HeaderMap| {
            let operation = fakes::operation(&headers).to_owned();
            let body = if operation == "GetItem" { item.clone() } else { json!({}) };
            seen.lock().unwrap().push(operation);
            async move { axum::Json(body) }
        };
        let url = fakes::serve(axum::Router::new().fallback(answer)).await;
        let config = fakes::aws_with(&url, fakes::RetryConfig::standard()).await;
        (Ledger::new(aws_sdk_dynamodb::Client::new(&config), "table".to_owned()), asked)
    }

    const NIGHT: QuietHours = QuietHours { from: time(21, 0, 0, 0), to: time(8, 0, 0, 0) };
    const SUPPRESSED: &str = r#"{"Item": {"pk": {"S": "r"}, "suppressed": {"S": "complained"}}}"#;

    /// The answer in a word or a sentence, and what the ledger was asked for it.
    async fn ask(item: &str, consent: Consent, customer: bool, at: &str) -> (String, usize) {
        let shop: ShopDomain = "acme.myshopify.com".parse().unwrap();
        let subject = Gid::new("Customer", 1);
        let marketing = Marketing {
            quiet_hours: Some(NIGHT),
            frequency_cap: Some(FrequencyCap { most: 1, days: 7 }),
            ..Marketing::default()
        };
        let (ledger, asked) = ledger(serde_json::from_str(item).unwrap()).await;
        let communication =
            CommunicationId::derive(&shop, Document::PromotionalOffer, &subject, &Revision::Initial);
        let customer = customer.then(|| CustomerKey::derive(b"k", &shop, &subject));
        let zone = TimeZone::get("Europe/Paris").unwrap();
        let question = Question {
            shop: &shop,
            communication: &communication,
            consent: &consent,
            customer: customer.as_ref(),
            marketing: &marketing,
            zone: &zone,
            now: at.parse().unwrap(),
        };
        let answer = match question.put(&ledger).await.unwrap() {
            Answer::Admitted => "admitted".to_owned(),
            Answer::Later(until) => until.to_string(),
            Answer::Suppressed(why) => why.into_owned(),
        };
        let asked = asked.lock().unwrap().len();
        (answer, asked)
    }

    fn given() -> Consent {
        Consent::Given(archive::Consent {
            channel: "email".to_owned(),
            state: "SUBSCRIBED".to_owned(),
            level: None,
            given_at: None,
            source: "shopify".to_owned(),
            found_at: NOON.parse().unwrap(),
        })
    }

    const NOON: &str = "2026-11-23T11:00:00Z";

    #[tokio::test]
    async fn without_consent_nothing_is_asked_or_counted() {
        let refused = || Consent::Refused("unsubscribed".into());
        for at in [NOON, "2026-11-23T23:00:00Z"] {
            assert_eq!(ask("{}", refused(), true, at).await, ("unsubscribed".to_owned(), 0));
        }
        let unknown = ask("{}", Consent::NotAsked, true, NOON).await;
        assert_eq!(unknown, ("nothing is known of the customer's consent".to_owned(), 0));
        assert_eq!(ask("{}", given(), false, NOON).await, ("it is for no customer".to_owned(), 0));
    }

    #[tokio::test]
    async fn quiet_hours_put_off_and_use_no_place() {
        // the night in which summer time ends has an hour more
        for (at, until) in [
            ("2026-11-23T20:00:00Z", "2026-11-24T07:00:00Z"),
            ("2026-10-24T19:00:00Z", "2026-10-25T07:00:00Z"),
            ("2026-03-28T20:00:00Z", "2026-03-29T06:00:00Z"),
        ] {
            assert_eq!(ask("{}", given(), true, at).await, (until.to_owned(), 0));
        }
    }

    #[tokio::test]
    async fn the_ledger_has_the_last_word() {
        assert_eq!(ask("{}", given(), true, NOON).await, ("admitted".to_owned(), 2));
        let listed = ask(SUPPRESSED, given(), true, NOON).await;
        assert_eq!(listed, ("the customer is on the suppression list: complained".to_owned(), 1));
        let at = NOON.parse::<Timestamp>().unwrap().as_millisecond().to_string();
        let full = json!({"Item": {"version": {"N": "1"}, "sent": {"M": {"another": {"N": at}}}}});
        let capped = ask(&full.to_string(), given(), true, NOON).await;
        assert_eq!(capped, ("the customer has had as many offers as the cap allows".to_owned(), 1));
    }
}
