//! What is told of a run on its way: a line that changes in its place on a terminal, plain lines elsewhere, or JSON.

use super::Run;
use crate::out::{self, Paint};
use comms::{State, names};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    io::IsTerminal,
    time::{Duration, Instant},
};

/// Lines of the same stage are not closer together, where they stay.
const APART: Duration = Duration::from_secs(5);

names! {
    /// Where a run is.
    Stage, "stage", {
        /// Its message is in the queue.
        Queued = "queued",
        /// The run queues one item per account or member.
        Queueing = "queueing",
        /// The run has queued everything; documents are being made.
        Composing = "composing",
        /// Nothing of it is left to do.
        Done = "done",
        /// The run has failed. What it had queued is made.
        Failed = "failed",
        /// Nobody works on the run any more, and it has not ended.
        Stopped = "stopped",
        /// It continues, and is not followed any longer.
        Left = "left",
    }
}

/// A run on its way, as `ctl run --json` prints it whenever something has changed. Fields are only added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Run")]
pub struct Row {
    /// When it was looked at.
    pub at: String,
    pub shop: String,
    pub run: String,
    pub period: String,
    pub stage: Stage,
    /// Items that the run has queued: one per member, account, or account and document of a batch.
    pub queued: u64,
    /// Messages in the queue of the documents' flow, as SQS estimates them. Others than this run's are among them.
    pub left: u64,
    /// Documents of this run by their state, as far as they are archived or were not delivered.
    pub documents: BTreeMap<State, u64>,
    /// Messages of the flow that became dead letters since it is followed, of whatever event or run.
    pub dead_letters: u64,
    /// Items worked off per minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_minute: Option<u64>,
    /// At this rate, once the run has queued everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<u64>,
    /// Why it waits, failed, or is not followed any longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Run {
    /// A row that says nothing but its stage.
    pub(super) fn row(&self, stage: Stage) -> Row {
        Row {
            at: Timestamp::now().round(jiff::Unit::Second).unwrap_or_default().to_string(),
            shop: self.shop.to_string(),
            run: self.name.clone(),
            period: self.period.clone(),
            stage,
            queued: 0,
            left: 0,
            documents: BTreeMap::new(),
            dead_letters: 0,
            per_minute: None,
            seconds_left: None,
            reason: None,
        }
    }
}

impl Row {
    fn paint(&self) -> Paint {
        let is_lost =
            [State::Failed, State::Bounced, State::Unknown].iter().any(|it| self.documents.contains_key(it));
        match self.stage {
            Stage::Failed | Stage::Stopped => Paint::Bad,
            Stage::Done if !is_lost && self.dead_letters == 0 => Paint::Good,
            Stage::Queued | Stage::Queueing | Stage::Composing | Stage::Done | Stage::Left => Paint::Doubt,
        }
    }

    /// For a person, in one line.
    pub(super) fn line(&self) -> String {
        let mut words = vec![format!("{}: {} queued, {} left", self.stage, self.queued, self.left)];
        words.extend(self.documents.iter().map(|(state, count)| format!("{count} {state}")));
        if self.dead_letters > 0 {
            words.push(format!("{} dead letters", self.dead_letters));
        }
        words.extend(self.per_minute.map(|rate| format!("{rate} per minute")));
        words.extend(self.seconds_left.map(|left| format!("about {} left", duration(left))));
        words.extend(self.reason.as_ref().map(|reason| comms::one_line(reason)));
        words.join(", ")
    }
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..100 => format!("{seconds} s"),
        100..6000 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// How rows are shown.
enum How {
    Json,
    /// One line that is written over.
    InPlace,
    Lines,
}

/// Shows rows, each once.
pub struct Teller {
    how: How,
    shown: Option<(Instant, Row)>,
}

impl Teller {
    pub fn new(json: bool) -> Self {
        let how = match json {
            true => How::Json,
            false if std::io::stdout().is_terminal() => How::InPlace,
            false => How::Lines,
        };
        Self { how, shown: None }
    }

    /// Shows a row that says something else than the one before. The last one is shown in any case.
    pub fn tell(&mut self, row: &Row, is_last: bool) {
        if !is_last && !self.is_due(row) {
            return;
        }
        match self.how {
            How::Json => out::json(&serde_json::to_string(row).unwrap_or_default()),
            How::InPlace => out::in_place(&row.line(), 0..row.stage.name().len(), row.paint(), is_last),
            How::Lines => out::painted(&row.line(), 0..row.stage.name().len(), row.paint()),
        }
        self.shown = Some((Instant::now(), row.clone()));
    }

    fn is_due(&self, row: &Row) -> bool {
        let Some((at, shown)) = &self.shown else { return true };
        let is_same = Row { at: shown.at.clone(), ..row.clone() } == *shown;
        match self.how {
            _ if is_same => false,
            How::InPlace => true,
            How::Json | How::Lines => row.stage != shown.stage || at.elapsed() >= APART,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_a_published_contract() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/run-row.v1.json");
        contract::published(&path, &schemars::schema_for!(Row).to_value());
    }

    #[test]
    fn a_line_says_what_is_known() {
        let row = Row {
            at: String::new(),
            shop: "a.myshopify.com".to_owned(),
            run: "winter".to_owned(),
            period: "2026-11-28".to_owned(),
            stage: Stage::Composing,
            queued: 1000,
            left: 400,
            documents: BTreeMap::from([(State::Failed, 1), (State::Accepted, 590)]),
            dead_letters: 2,
            per_minute: Some(120),
            seconds_left: Some(200),
            reason: Some("it is\npaused".to_owned()),
        };
        assert_eq!(
            row.line(),
            "composing: 1000 queued, 400 left, 590 accepted, 1 failed, 2 dead letters, 120 per minute, about 4 min left, it is paused"
        );
        assert_eq!((duration(99), duration(7260)), ("99 s".to_owned(), "2 h 1 min".to_owned()));
    }

    /// A log is not filled with the same, and nothing that ends is left out.
    #[test]
    fn lines_that_stay_are_far_between() {
        let mut teller = Teller { how: How::Lines, shown: None };
        let row = |stage, queued| Row {
            at: String::new(),
            shop: String::new(),
            run: String::new(),
            period: String::new(),
            stage,
            queued,
            left: 0,
            documents: BTreeMap::new(),
            dead_letters: 0,
            per_minute: None,
            seconds_left: None,
            reason: None,
        };
        assert!(teller.is_due(&row(Stage::Queueing, 1)));
        teller.tell(&row(Stage::Queueing, 1), false);
        assert!(!teller.is_due(&row(Stage::Queueing, 2)), "too soon");
        assert!(teller.is_due(&row(Stage::Composing, 2)));
        teller.how = How::InPlace;
        assert!(teller.is_due(&row(Stage::Queueing, 2)));
        assert!(
            !teller.is_due(&Row { at: "later".to_owned(), ..row(Stage::Queueing, 1) }),
            "nothing has changed"
        );
    }
}
