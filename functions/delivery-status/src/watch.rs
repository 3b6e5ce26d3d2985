//! What a channel's answer means for one communication, when it is asked next, and until when.
//!
//! Decides without I/O and without a clock. The time that counts is the one since the channel took the message, so a
//! pass that comes late, by a week even, still asks once before it leaves anything alone, and a later pass continues where
//! an earlier one stopped. A step never leads back: what was delivered stays so until it bounces.

use comms::{MessageClass, State};
use delivery::{JobOutcome, JobStatus};
use flow::next_channel::{UNCONFIRMED, is_unconfirmed};
use jiff::Timestamp;
use ledger::{ChannelOutcome, Entry};
use shop_config::ShopConfig;
use std::time::Duration;

pub const FIRST_PAUSE: Duration = minutes(5);

/// After so long without an outcome, the communication is noted as unconfirmed.
const SILENCE: Duration = days(1);

/// For so long after the last day a channel is asked that gave no answer on it.
const GRACE: Duration = days(7);

pub const OPTED_OUT: &str = "opted out of e-mail";

/// How long one communication has been watched, and how long it is to be.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    age: Duration,
    most: Duration,
    pub class: MessageClass,
}

/// What follows from an answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// What is to be recorded.
    pub outcome: Option<ChannelOutcome>,
    /// Nothing more is expected of the channel.
    pub is_last: bool,
}

impl Watch {
    pub fn new(entry: &Entry, config: &ShopConfig, now: Timestamp) -> Self {
        let class = class(entry, config);
        let settings = flow::channel_of(entry).and_then(|channel| config.delivery.messaging(channel, class));
        let most = settings.map_or(SILENCE, |settings| days(settings.watch_days));
        let age = now.as_millisecond().saturating_sub(entry.accepted_at_epoch_ms());
        Self { age: Duration::from_millis(u64::try_from(age).unwrap_or_default()), most, class }
    }

    /// `None` for an answer is that of a channel that says nothing of outcomes.
    ///
    /// # Errors
    /// That of the answer, while asking again is worthwhile.
    pub fn step<E>(self, entry: &Entry, answer: Result<Option<JobOutcome>, E>) -> Result<Step, E> {
        let over = self.age >= self.most;
        let silent = (entry.state == State::Accepted && !is_unconfirmed(entry) && self.age >= SILENCE)
            .then(|| ChannelOutcome::Unconfirmed { reason: UNCONFIRMED.to_owned() });
        let outcome = match answer {
            Ok(Some(outcome)) => outcome,
            Ok(None) => return Ok(Step { is_last: silent.is_some() || over, outcome: silent }),
            // a channel that cannot be asked is silent, too: it is not asked for ever
            Err(error) => {
                let is_last = self.age >= self.most + GRACE;
                return if silent.is_some() || is_last {
                    Ok(Step { outcome: silent, is_last })
                } else {
                    Err(error)
                };
            }
        };
        let arrived = outcome.status == JobStatus::Delivered;
        let opted_out = outcome.opted_out && arrived && self.class == MessageClass::Marketing;
        Ok(match outcome.status {
            JobStatus::Bounced { reason } => {
                Step { outcome: Some(ChannelOutcome::Bounced { reason }), is_last: true }
            }
            JobStatus::Delivered if opted_out => Step {
                outcome: Some(ChannelOutcome::OptedOut { reason: OPTED_OUT.to_owned() }),
                is_last: true,
            },
            JobStatus::Delivered => Step {
                outcome: (entry.state == State::Accepted).then_some(ChannelOutcome::Delivered),
                is_last: over,
            },
            JobStatus::Pending => Step { outcome: silent, is_last: over },
            // a young job may not be known yet, an old one is forgotten: what was known of it stays
            JobStatus::Gone => Step { outcome: silent, is_last: over || self.age >= SILENCE },
        })
    }

    /// Until the next question. Most is heard soon, and what is not is worth few questions; the last comes when the time
    /// ends.
    pub fn pause(self, entry: &Entry) -> Duration {
        let open = entry.state == State::Accepted && !is_unconfirmed(entry);
        let steps: &[(Duration, Duration)] = if open {
            &[(minutes(60), FIRST_PAUSE), (minutes(360), minutes(30)), (Duration::MAX, minutes(120))]
        } else {
            &[
                (minutes(30), minutes(30)),
                (minutes(120), minutes(120)),
                (minutes(480), minutes(480)),
                (Duration::MAX, days(1)),
            ]
        };
        let pause = steps.iter().find(|(until, _)| self.age < *until).map_or(days(1), |(_, pause)| *pause);
        match self.most.saturating_sub(self.age) {
            Duration::ZERO => pause,
            left => pause.min(left.max(FIRST_PAUSE)),
        }
    }
}

/// How carefully the shop sends the document.
pub fn class(entry: &Entry, config: &ShopConfig) -> MessageClass {
    let settings = config.documents.get(&entry.document);
    settings.map_or(entry.document.default_class(), |settings| settings.class(entry.document))
}

/// Nothing that a channel could still say would change it.
pub fn is_settled(entry: &Entry) -> bool {
    let opted_out = entry.state == State::Delivered && entry.reason.as_deref() == Some(OPTED_OUT);
    opted_out || !matches!(entry.state, State::Accepted | State::Delivered)
}

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

const fn days(days: u16) -> Duration {
    Duration::from_secs(days as u64 * 24 * 3600)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn entry(state: State, reason: Option<&str>) -> Entry {
        serde_json::from_value(serde_json::json!({
            "pk": "c4809f9b199959867b344883a5f958d0", "shop": "acme.myshopify.com", "flow": "targeted-offers",
            "document": "promotional-offer", "subject": "gid://shopify/Customer/1", "revision": "initial",
            "reported_on": "gid://shopify/Customer/1", "state": state, "attempts": 1, "created_epoch_ms": 0,
            "updated_epoch_ms": 0, "reason": reason,
        }))
        .unwrap()
    }

    fn marketing(age: Duration) -> Watch {
        Watch { age, most: days(14), class: MessageClass::Marketing }
    }

    fn bounced() -> JobStatus {
        JobStatus::Bounced { reason: "5.1.1".to_owned() }
    }

    #[test]
    fn each_answer_leads_on_and_never_back() {
        use JobStatus::{Delivered, Gone, Pending};
        let (accepted, delivered) = (entry(State::Accepted, None), entry(State::Delivered, None));
        let unconfirmed = entry(State::Accepted, Some(UNCONFIRMED));
        let (soon, day, end, beyond) = (minutes(5), days(1), days(14), days(21));
        let bounce = || Some(ChannelOutcome::Bounced { reason: "5.1.1".to_owned() });
        let silence = || Some(ChannelOutcome::Unconfirmed { reason: UNCONFIRMED.to_owned() });
        let opted_out = || Some(ChannelOutcome::OptedOut { reason: OPTED_OUT.to_owned() });
        let (no, yes) = (false, true);
        for (entry, age, status, opted, outcome, is_last) in [
            (&accepted, soon, Pending, no, None, no),
            (&accepted, soon, Gone, no, None, no),
            (&accepted, soon, Delivered, no, Some(ChannelOutcome::Delivered), no),
            (&accepted, soon, Delivered, yes, opted_out(), yes),
            (&accepted, soon, bounced(), no, bounce(), yes),
            (&accepted, soon, Pending, yes, None, no),
            (&accepted, day, Pending, no, silence(), no),
            (&accepted, day, Gone, no, silence(), yes),
            (&accepted, beyond, Delivered, no, Some(ChannelOutcome::Delivered), yes),
            (&accepted, beyond, Pending, no, silence(), yes),
            (&unconfirmed, day, Pending, no, None, no),
            (&unconfirmed, day, Delivered, no, Some(ChannelOutcome::Delivered), no),
            (&unconfirmed, day, bounced(), no, bounce(), yes),
            (&unconfirmed, end, Pending, no, None, yes),
            (&delivered, day, Pending, no, None, no),
            (&delivered, day, Delivered, no, None, no),
            (&delivered, day, Delivered, yes, opted_out(), yes),
            (&delivered, day, bounced(), yes, bounce(), yes),
            (&delivered, day, Gone, no, None, yes),
            (&delivered, minutes(40), Gone, no, None, no),
            (&delivered, end, Delivered, no, None, yes),
        ] {
            let answer = Ok(Some(JobOutcome { status: status.clone(), opted_out: opted, opened: false }));
            let step = marketing(age).step::<Infallible>(entry, answer).unwrap();
            assert_eq!(step, Step { outcome, is_last }, "{:?} {age:?} {status:?} {opted}", entry.state);
        }
    }

    #[test]
    fn an_opt_out_of_what_is_no_marketing_changes_nothing() {
        let watch = Watch { class: MessageClass::Transactional, ..marketing(days(1)) };
        let answer = Ok(Some(JobOutcome { status: JobStatus::Delivered, opted_out: true, opened: true }));
        let step = watch.step::<Infallible>(&entry(State::Delivered, None), answer).unwrap();
        assert_eq!(step, Step { outcome: None, is_last: false });
    }

    #[test]
    fn a_channel_that_gives_no_answer_is_not_asked_for_ever() {
        let (accepted, delivered) = (entry(State::Accepted, None), entry(State::Delivered, None));
        let step = |entry: &Entry, age| marketing(age).step(entry, Err("busy".to_owned()));
        assert_eq!(step(&accepted, minutes(60)), Err("busy".to_owned()));
        assert!(matches!(
            step(&accepted, days(1)),
            Ok(Step { outcome: Some(ChannelOutcome::Unconfirmed { .. }), is_last: false })
        ));
        assert_eq!(step(&delivered, days(20)), Err("busy".to_owned()), "a week's outage loses no opt-out");
        assert_eq!(step(&delivered, days(21)), Ok(Step { outcome: None, is_last: true }));
    }

    #[test]
    fn questions_get_rarer_and_end() {
        let questions = |state: State, most: u16| {
            let (mut ages, mut age) = (Vec::new(), FIRST_PAUSE);
            while age < days(most) {
                ages.push(age);
                age += Watch { age, most: days(most), class: MessageClass::Marketing }
                    .pause(&entry(state, None));
            }
            assert_eq!(age, days(most), "the last one when the time ends");
            ages
        };
        let hours: Vec<_> = questions(State::Delivered, 3)
            .iter()
            .map(|age| (age.as_secs_f64() / 360.0).round() / 10.0)
            .collect();
        assert_eq!(hours, [0.1, 0.6, 2.6, 10.6, 34.6, 58.6]);
        assert_eq!(questions(State::Delivered, 14).len(), 17);
        assert!(questions(State::Accepted, 1).len() < 40);
    }
}
