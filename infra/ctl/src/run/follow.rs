//! Following a run: looking again and again, and knowing when it has ended.
//!
//! A run has ended when it says so and its documents are: the flow's queue is empty, none of the documents is open, and either
//! there is a document for each item or the queue has stayed empty for a minute, because SQS only estimates. Documents that
//! are still open then, and messages that became dead letters, keep the exit code from being 0. What cannot be asked is asked
//! again, for some minutes, before following ends; the run itself never depends on it.

use super::{
    Run,
    count::Documents,
    look::{Queues, RunState},
    row::{Row, Stage},
};
use crate::{
    failure::Failure,
    stack::Stack,
    table::{NOT_DELIVERED, NOT_SETTLED, UNKNOWN},
};
use comms::{State, chain};
use jiff::Timestamp;
use std::{collections::VecDeque, fmt, pin::pin, process::ExitCode, time::Duration};
use tokio::time::Instant;

/// What a shell shows of a program that was interrupted.
const INTERRUPTED: u8 = 130;

/// How far a run is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// It has queued everything.
    Queued,
    /// Its last document has ended.
    Made,
}

/// How often it is looked at, and how long something has to last to be believed.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    pub look: Duration,
    /// For SQS to count what was sent before.
    pub quiet: Duration,
    /// For a service or the connection to it to come back.
    pub patience: Duration,
    /// The rate is that of so long.
    pub window: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { look: seconds(2), quiet: seconds(60), patience: seconds(300), window: seconds(60) }
    }
}

/// How following ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    Queued,
    Done {
        is_unknown: bool,
        open: usize,
        undelivered: bool,
        dead_letters: u64,
    },
    Failed(String),
    Stopped(String),
    TimedOut(Duration),
    Interrupted,
    /// Nothing could be asked for too long.
    Unreachable(String),
}

impl End {
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Queued => ExitCode::SUCCESS,
            Self::Done { is_unknown: true, .. } => ExitCode::from(UNKNOWN),
            Self::Done { open: 1.., .. } | Self::TimedOut(_) => ExitCode::from(NOT_SETTLED),
            Self::Done { undelivered: true, .. } | Self::Done { dead_letters: 1.., .. } => {
                ExitCode::from(NOT_DELIVERED)
            }
            Self::Done { .. } => ExitCode::SUCCESS,
            Self::Failed(_) | Self::Stopped(_) | Self::Unreachable(_) => ExitCode::FAILURE,
            Self::Interrupted => ExitCode::from(INTERRUPTED),
        }
    }

    fn stage(&self) -> Stage {
        match self {
            Self::Queued => Stage::Composing,
            Self::Done { .. } => Stage::Done,
            Self::Failed(_) => Stage::Failed,
            Self::Stopped(_) => Stage::Stopped,
            Self::TimedOut(_) | Self::Interrupted | Self::Unreachable(_) => Stage::Left,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CONTINUES: &str = "it continues by itself; the same command follows it again";
        match self {
            Self::Queued => f.write_str("done: everything is queued"),
            Self::Done { open: 0, dead_letters: 0, .. } => f.write_str("done: nothing of it is left"),
            Self::Done { open, dead_letters, .. } => write!(
                f,
                "done: nothing waits, {open} documents are still open, {dead_letters} messages became dead letters: see `ctl dlq`"
            ),
            Self::Failed(reason) => write!(f, "failed: {reason}; the same command continues it"),
            Self::Stopped(reason) => write!(f, "stopped: {reason}"),
            Self::TimedOut(wait) => write!(f, "not finished within {} s; {CONTINUES}", wait.as_secs()),
            Self::Interrupted => write!(f, "interrupted; {CONTINUES}"),
            Self::Unreachable(reason) => write!(f, "not followed any longer: {reason}; {CONTINUES}"),
        }
    }
}

/// A run that is followed, and what was seen of it.
pub struct Following<'a> {
    stack: &'a Stack,
    run: &'a Run,
    until: Until,
    wait: Duration,
    pace: Pace,
    /// What was there before the run was asked for.
    before: (Option<RunState>, Queues),
    state: Option<RunState>,
    documents: Documents,
    row: Row,
    /// Items that were worked off by then.
    worked_off: VecDeque<(Instant, u64)>,
    /// Since when nobody works on the run, and since when nothing waits.
    idle_since: Option<Instant>,
    empty_since: Option<Instant>,
    counted: Option<(Instant, Duration)>,
}

impl<'a> Following<'a> {
    /// What is there before the run is asked for.
    pub async fn from(
        stack: &'a Stack,
        run: &'a Run,
        until: Until,
        wait: Duration,
        pace: Pace,
    ) -> Result<Self, Failure> {
        let state = RunState::read(stack, run).await?;
        let queues = Queues::read(stack, run).await?;
        Ok(Self {
            stack,
            run,
            until,
            wait,
            pace,
            before: (state.clone(), queues),
            state,
            documents: Documents::default(),
            row: run.row(Stage::Queued),
            worked_off: VecDeque::new(),
            idle_since: None,
            empty_since: None,
            counted: None,
        })
    }

    /// Follows it until its end, the end of the time, or `stop`. `tell` gets what was seen, and at last how it ended.
    pub async fn follow(mut self, stop: impl Future<Output = ()>, mut tell: impl FnMut(&Row, bool)) -> End {
        let mut stop = pin!(stop);
        let begun = Instant::now();
        let mut fails_since = None;
        let end = loop {
            let looked = tokio::select! {
                () = &mut stop => break End::Interrupted,
                looked = self.look() => looked,
            };
            match looked {
                Ok(Some(end)) => break end,
                Ok(None) => fails_since = None,
                Err(error) => {
                    let since = *fails_since.get_or_insert_with(Instant::now);
                    let reason = chain(error.as_ref());
                    if since.elapsed() >= self.pace.patience {
                        break End::Unreachable(reason);
                    }
                    self.row.reason = Some(format!("cannot be asked just now: {reason}"));
                }
            }
            tell(&self.row, false);
            if begun.elapsed() >= self.wait {
                break End::TimedOut(self.wait);
            }
            tokio::select! {
                () = &mut stop => break End::Interrupted,
                () = tokio::time::sleep(self.pace.look) => {}
            }
        };
        self.row.stage = end.stage();
        self.row.reason = match &end {
            End::Queued | End::Done { .. } => None,
            end => Some(end.to_string()),
        };
        (self.row.per_minute, self.row.seconds_left) = (None, None);
        tell(&self.row, true);
        end
    }

    /// Looks once. Answers how it ended, if it has.
    async fn look(&mut self) -> Result<Option<End>, Failure> {
        let now = Instant::now();
        let state = RunState::read(self.stack, self.run).await?;
        let queues = Queues::read(self.stack, self.run).await?;
        let (before, queues_before) = &self.before;
        let is_lost = self.state.is_some() && state.is_none();
        let has_moved = state != self.state;
        // an earlier attempt has failed, and this one has not begun
        let is_stale = state == *before && matches!(state.as_ref().and_then(RunState::end), Some(Err(_)));
        let ended = state.as_ref().and_then(RunState::end).filter(|_| !is_stale);
        let dead_of_run = queues.dead_of_run.saturating_sub(queues_before.dead_of_run);
        self.row = Row {
            queued: state.as_ref().map_or(0, RunState::queued),
            left: queues.of_flow,
            documents: std::mem::take(&mut self.row.documents),
            dead_letters: queues.dead_of_flow.saturating_sub(queues_before.dead_of_flow),
            reason: match is_lost {
                true => Some("its state is gone: the run begins again with its next message".to_owned()),
                false => queues.held.clone().or_else(|| state.as_ref().and_then(RunState::parts)),
            },
            ..self.run.row(match (&state, &ended) {
                (_, Some(_)) => Stage::Composing,
                (Some(_), None) if !is_stale => Stage::Queueing,
                _ => Stage::Queued,
            })
        };
        self.state = state;
        match ended {
            Some(Err(reason)) => return Ok(Some(End::Failed(reason))),
            Some(Ok(())) if self.until == Until::Queued => return Ok(Some(End::Queued)),
            Some(Ok(())) => {}
            None => {
                let is_idle = queues.of_run == 0 && !has_moved && queues.held.is_none();
                let idle = lasts(&mut self.idle_since, is_idle, now);
                if idle >= self.pace.quiet {
                    return Ok(Some(End::Stopped(stopped(self.run, dead_of_run))));
                }
            }
        }
        if self.until == Until::Made {
            return self.look_at_documents(now, ended_well(&self.state) && !is_stale).await;
        }
        Ok(None)
    }

    async fn look_at_documents(&mut self, now: Instant, is_queued: bool) -> Result<Option<End>, Failure> {
        self.rate(now, is_queued);
        let empty = lasts(&mut self.empty_since, self.row.left == 0, now);
        let may_have_ended = is_queued && self.row.left == 0;
        // a listing takes its time: at most a tenth of all of it, but for the one that may be the last
        let is_due = self.counted.is_none_or(|(at, took)| at.elapsed() >= (took * 9).max(self.pace.look * 5));
        if is_due || may_have_ended {
            let at = Timestamp::now();
            let begun = self.state.as_ref().and_then(RunState::begun_at).unwrap_or(at);
            self.documents.look(self.stack, self.run, begun, at).await?;
            self.row.documents = self.documents.by_state();
            self.counted = Some((Instant::now(), now.elapsed()));
        }
        let documents = &self.documents;
        let is_complete =
            documents.open() == 0 && documents.ended() as u64 >= self.row.queued && self.row.queued > 0;
        // whatever other shops have in the queue of the flow, all that this run can have made is there
        let most = self.row.queued.saturating_mul(self.run.documents.len() as u64);
        let has_all = is_queued && documents.open() == 0 && documents.ended() as u64 >= most;
        if !has_all && (!may_have_ended || !(is_complete || empty >= self.pace.quiet)) {
            return Ok(None);
        }
        self.row.left = 0;
        Ok(Some(End::Done {
            is_unknown: documents.has(State::Unknown),
            open: documents.open() + documents.unreadable,
            undelivered: documents.has(State::Failed) || documents.has(State::Bounced),
            dead_letters: self.row.dead_letters,
        }))
    }

    /// What was worked off of late, and how long the rest takes at this rate.
    fn rate(&mut self, now: Instant, is_queued: bool) {
        let done = self.row.queued.saturating_sub(self.row.left);
        self.worked_off.push_back((now, done));
        while self.worked_off.front().is_some_and(|(at, _)| now - *at > self.pace.window) {
            self.worked_off.pop_front();
        }
        let Some((at, before)) = self.worked_off.front().copied() else { return };
        let millis = u64::try_from((now - at).as_millis()).unwrap_or(u64::MAX);
        let done = done.saturating_sub(before);
        if millis == 0 || done == 0 {
            return;
        }
        self.row.per_minute = Some(done.saturating_mul(60_000) / millis);
        if is_queued {
            self.row.seconds_left = Some((self.row.left.saturating_mul(millis) / done).div_ceil(1000));
        }
    }
}

fn ended_well(state: &Option<RunState>) -> bool {
    matches!(state.as_ref().and_then(RunState::end), Some(Ok(())))
}

/// For how long something holds.
fn lasts(since: &mut Option<Instant>, holds: bool, now: Instant) -> Duration {
    if !holds {
        *since = None;
        return Duration::ZERO;
    }
    now - *since.get_or_insert(now)
}

fn stopped(run: &Run, dead_letters: u64) -> String {
    let queue = run.queue();
    match dead_letters {
        0 => format!("nobody works on it, and no message of {queue} is left; the same command continues it"),
        _ => format!(
            "its message became a dead letter of {queue}: `ctl dlq show {queue}` says why; the same command continues it"
        ),
    }
}
