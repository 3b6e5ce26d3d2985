//! One communication, from its claim to its outcome.
//!
//! The doubt about a send that an earlier worker began is settled before anything else is looked at, from
//! what the ledger holds: neither a change of the order nor one of the configuration may turn "perhaps sent"
//! into "not sent". Where the doubt cannot be settled, every end but `accepted` is `unknown`.

use crate::{
    admission::{self, Answer},
    again::{self, Again},
    document_flow::{Content, DocumentFlow, Gather, GatherError, Gathered, Plan},
    doubt::{self, Doubt},
    fault,
    gate::Gates,
    history::History,
    left_behind::{self, LeftBehind},
    produce, report, send,
};
use archive::{Archive, EvidenceRecord};
use comms::{Class, Classify, CommunicationId, CustomerKey, Gid, MessageClass, State, WriteBackState, chain};
use delivery::Channels;
use exstream::{Budget, Catalogue, Exstream, Memory};
use jiff::{SignedDuration, Timestamp};
use ledger::{ArchivedAs, Claim, ClaimRequest, Lease, Ledger, Outcome};
use secrecy::ExposeSecret;
use service::{Invocation, SecretError, Secrets, ShopSecrets};
use shop_config::{Channel, ConfigStore, DocumentConfig, Loaded, OnUnknown};
use shopify::AdminApi;
use std::{sync::Arc, time::Duration};
use work::{Payloads, Queue, Retry, WorkItem, WriteBackItem};

/// The clients the pipeline works with, made once a cold start.
pub struct Tools {
    pub configs: ConfigStore,
    pub secrets: Secrets,
    pub payloads: Payloads,
    pub shopify: AdminApi,
    pub exstream: Exstream,
    /// The same, for documents that Exstream sends while composing.
    pub sending_exstream: Exstream,
    pub catalogue: Catalogue,
    pub archive: Archive,
    pub ledger: Ledger,
    pub channels: Channels,
    pub memory: Memory,
    pub gates: Gates,
    pub write_back: Queue,
    pub clock: fn() -> Timestamp,
}

/// One communication while it is worked on.
pub struct Job<'a> {
    pub tools: &'a Tools,
    pub item: &'a WorkItem,
    pub payload: Option<&'a str>,
    pub plan: &'a Plan,
    pub communication: &'a CommunicationId,
    pub loaded: &'a Arc<Loaded>,
    pub settings: &'a DocumentConfig,
    pub secrets: &'a ShopSecrets,
    pub invocation: &'a Invocation,
    /// Unique to this delivery of the message.
    pub lease_holder: &'a str,
    pub receive_count: u32,
    /// Where a person asked for it.
    pub again: Option<&'a Again>,
}

/// Where a communication stands after an attempt, and what Shopify is to be told.
#[derive(Debug)]
pub struct Settled {
    pub state: State,
    pub reason: Option<String>,
    pub attempts: u32,
    /// Whether this very attempt brought it there.
    pub fresh: bool,
    pub report: Option<WriteBackItem>,
}

/// What an attempt came to. Neither, if nothing is to be made and nothing was recorded.
#[derive(Debug, Default)]
pub struct Ended {
    pub settled: Option<Settled>,
    /// What is due in this communication's place.
    pub instead: Option<Plan>,
}

impl From<Settled> for Ended {
    fn from(settled: Settled) -> Self {
        Self { settled: Some(settled), instead: None }
    }
}

/// A gathered document on its way.
pub struct Draft<'a> {
    pub content: &'a Content,
    pub channel: Option<Channel>,
    pub test: bool,
    pub customer: Option<&'a CustomerKey>,
}

/// Long after a report should have arrived; a later delivery of the same work then queues it once more.
const REPORT_OVERDUE: Duration = Duration::from_secs(15 * 60);
/// How long a message stays away at first whose communication somebody else works on. Four such waits, the
/// second four times as long and so on, outlast every lease.
const IN_PROGRESS: Duration = Duration::from_secs(10);
/// A lease outlives the invocation that took it by this much, so that clocks may differ.
const LEASE_GRACE: Duration = Duration::from_secs(5);
/// How many sends of one communication are ever begun where the shop chose to repeat a doubtful one.
const MOST_SENDS: u32 = 2;
/// Kept back from a send's time, to archive and record what came of it.
const RECORDING: Duration = Duration::from_secs(3);
/// After this long a channel may know what became of what it took.
const FIRST_CHECK: Duration = Duration::from_secs(5 * 60);
/// A send that has less time than this is left to the next delivery.
const SHORTEST_SEND: SignedDuration = SignedDuration::from_secs(5);

impl Job<'_> {
    pub async fn run<F: DocumentFlow>(&self, flow: &F) -> Result<Ended, Retry> {
        let now = self.now();
        let claim = self
            .tools
            .ledger
            .claim(ClaimRequest {
                communication: self.communication,
                shop: &self.item.shop,
                flow: self.item.flow,
                document: self.plan.document,
                subject: &self.plan.subject,
                revision: &self.plan.revision,
                reported_on: &self.plan.reported_on,
                lease_holder: self.lease_holder,
                now,
                lease_until: self.invocation.deadline.max(now).saturating_add(LEASE_GRACE).unwrap_or(now),
            })
            .await
            .map_err(|error| Retry::of(&error))?;
        match claim {
            Claim::Started(lease) => {
                fault::point("claim");
                self.work(flow, &lease).await
            }
            Claim::AlreadyDone(entry) => {
                let updated = Timestamp::from_millisecond(entry.updated_epoch_ms).unwrap_or(now);
                let age = now.duration_since(updated).unsigned_abs();
                let owed = entry.write_back == WriteBackState::Pending
                    && (self.receive_count > 1 || age > REPORT_OVERDUE);
                let report = owed.then(|| report::item(&entry, &self.loaded.config));
                let (state, attempts) = (entry.state, entry.attempts);
                Ok(Settled { state, reason: entry.reason, attempts, fresh: false, report }.into())
            }
            Claim::InProgress { until } => {
                let lease = Duration::try_from(until.duration_since(now)).unwrap_or_default();
                // whoever works on it is done long before that, unless they have died
                let after = lease.min(IN_PROGRESS.saturating_mul(self.receive_count.pow(2)));
                Err(Retry::elsewhere(after))
            }
        }
    }

    async fn work<F: DocumentFlow>(&self, flow: &F, lease: &Lease) -> Result<Ended, Retry> {
        let test = self.item.trigger.test || self.loaded.config.is_dry_run(self.plan.document);
        let end = End { test, archived: lease.entry.archived.as_ref(), ..End::default() };
        let doubt = match doubt::settle(self, lease).await {
            Ok(doubt) => doubt,
            Err(halt) => {
                return self.halt(lease, halt, End { doubt: Doubt::Open, ..end }).await.map(Ended::from);
            }
        };
        if let Doubt::Sent { reference } = &doubt {
            let end = End { reference: Some(reference), ..end };
            return self.end(lease, State::Accepted, end).await.map(Ended::from);
        }
        let end = End { doubt, ..end };
        if !self.plan.wanted {
            return self.suppress(lease, "switched off while it was being made", end).await.map(Ended::from);
        }
        let gathered = match self.copy_of() {
            Some(record) => Ok(Gathered::Ready(Box::new(again::content(record)))),
            None => self.gather(flow).await,
        };
        let content = match gathered {
            Ok(Gathered::Ready(content)) => content,
            Ok(Gathered::Suppressed { reason, reported_on }) => {
                return self
                    .suppress(lease, &reason, End { reported_on: reported_on.as_ref(), ..end })
                    .await
                    .map(Ended::from);
            }
            Ok(Gathered::NotDue(reason)) => {
                let settled = self.forget(lease, &reason, end).await?;
                return Ok(Ended { settled, instead: None });
            }
            Ok(Gathered::Replaced(plan)) => return self.replace(lease, *plan, end).await,
            Err(halt) => return self.halt(lease, halt, end).await.map(Ended::from),
        };
        fault::point("gather");
        let end = End { reported_on: content.reported_on.as_ref(), ..end };
        self.go_on(lease, &content, test, end).await.map(Ended::from)
    }

    /// Another communication is due in place of this one.
    async fn replace(&self, lease: &Lease, instead: Plan, end: End<'_>) -> Result<Ended, Retry> {
        let settled = self.forget(lease, "overtaken by a later change", end).await?;
        Ok(Ended { settled, instead: Some(instead) })
    }

    async fn go_on(
        &self,
        lease: &Lease,
        content: &Content,
        test: bool,
        end: End<'_>,
    ) -> Result<Settled, Retry> {
        let customer = match self.customer_key(content).await {
            Ok(key) => key,
            Err(error) => return self.halt(lease, Halt::of(&error), end).await,
        };
        let test = test || content.test;
        let channel = if test { None } else { self.channel(lease, content) };
        let end = End { customer: customer.as_ref(), channel: channel.map(Channel::name), test, ..end };
        if channel.is_none() && lease.entry.state == State::Sending {
            return self.suppress(lease, "delivery was switched off before it was sent", end).await;
        }
        if channel.is_none() && !test && !self.settings.channels.is_empty() {
            return self.suppress(lease, "no channel can reach the recipient", end).await;
        }
        // what Exstream has sent already needs no leave
        if channel.is_some() && end.doubt != Doubt::SentByExstream {
            match admission::ask(self, content, customer.as_ref()).await {
                Ok(Answer::Admitted) => {}
                Ok(Answer::Suppressed(reason)) => return self.suppress(lease, &reason, end).await,
                Ok(Answer::Later(until)) => {
                    let after = Duration::try_from(until.duration_since(self.now())).ok();
                    let retry =
                        self.give_back(lease, false, Class::transient(), "quiet hours".to_owned()).await;
                    return Err(Retry { after, ..retry });
                }
                Err(error) => return self.halt(lease, Halt::of(&error), end).await,
            }
        }
        let draft = Draft { content, channel, test, customer: customer.as_ref() };
        self.make(lease, &draft, end).await
    }

    async fn make(&self, lease: &Lease, draft: &Draft<'_>, end: End<'_>) -> Result<Settled, Retry> {
        let archived = match produce::document(self, lease, draft).await {
            Ok(archived) => archived,
            Err(halt) => return self.halt(lease, halt, end).await,
        };
        let end = End { archived: Some(&archived.as_recorded), ..end };
        let Some(channel) = draft.channel else { return self.end(lease, State::Archived, end).await };
        match send::send(self, lease, draft, channel, &archived).await {
            Ok(reference) => {
                self.end(lease, State::Accepted, End { reference: Some(&reference), ..end }).await
            }
            Err(halt) => self.halt(lease, halt, end).await,
        }
    }

    async fn gather<F: DocumentFlow>(&self, flow: &F) -> Result<Gathered, Halt> {
        let gather = Gather {
            plan: self.plan,
            item: self.item,
            payload: self.payload,
            communication: self.communication,
            config: &self.loaded.config,
            secrets: self.secrets,
            shopify: &self.tools.shopify,
            locale: None,
            now: self.now(),
            time_left: self.time_left(),
        };
        let history = History::new(&self.tools.ledger, &self.tools.archive);
        flow.gather_after(gather, history).await.map_err(|GatherError { class, reason }| match class {
            Class::Permanent => Halt::Failed(reason),
            class => Halt::Retry { class, reason, unsent: false },
        })
    }

    /// The channel of a send that was begun stays the channel; otherwise the first that can reach anybody.
    fn channel(&self, lease: &Lease, content: &Content) -> Option<Channel> {
        if self.settings.channels.is_empty() {
            return None;
        }
        let begun = (lease.entry.state == State::Sending).then_some(lease.entry.channel.as_deref()).flatten();
        begun
            .and_then(|name| name.parse::<Channel>().ok())
            .or_else(|| delivery::choose(&self.settings.channels, &content.recipient))
    }

    async fn customer_key(&self, content: &Content) -> Result<Option<CustomerKey>, SecretError> {
        let Some(customer) = &content.customer else { return Ok(content.known_customer.clone()) };
        let key = self.tools.secrets.customer_key(self.now()).await?;
        Ok(Some(CustomerKey::derive(key.expose_secret().as_bytes(), &self.item.shop, customer)))
    }

    /// Nothing is recorded of it, unless it may have been sent or an earlier attempt has archived a document:
    /// neither is nothing.
    async fn forget(&self, lease: &Lease, reason: &str, end: End<'_>) -> Result<Option<Settled>, Retry> {
        if end.doubt != Doubt::None {
            return self.suppress(lease, reason, end).await.map(Some);
        }
        match self.left_behind(lease).await? {
            LeftBehind::Nothing => {}
            LeftBehind::Document => return self.suppress(lease, reason, end).await.map(Some),
            LeftBehind::Proven(archived) => {
                let end = End { archived: Some(&archived), ..end };
                return self.suppress(lease, reason, end).await.map(Some);
            }
        }
        self.tools.ledger.forget(lease).await.map_err(|error| Retry::of(&error))?;
        let (shop, flow, document) = (&self.item.shop, self.item.flow, self.plan.document);
        tracing::info!(%shop, %flow, %document, communication = %self.communication, state = "nothing", reason);
        Ok(None)
    }

    async fn left_behind(&self, lease: &Lease) -> Result<LeftBehind, Retry> {
        match left_behind::look(self, lease).await {
            Ok(found) => Ok(found),
            Err(error) => Err(self.give_back(lease, false, error.class(), chain(&error)).await),
        }
    }

    async fn suppress(&self, lease: &Lease, reason: &str, end: End<'_>) -> Result<Settled, Retry> {
        self.end(lease, State::Suppressed, End { reason: Some(reason), ..end }).await
    }

    async fn halt(&self, lease: &Lease, halt: Halt, end: End<'_>) -> Result<Settled, Retry> {
        match halt {
            Halt::Failed(reason) => {
                self.end(lease, State::Failed, End { reason: Some(&reason), ..end }).await
            }
            // one more copy, if the shop wants it so; the mark stays, so nothing else can happen in between
            Halt::Unknown(reason) if self.may_resend(lease.entry.sends + 1) => {
                Err(self.give_back(lease, false, Class::transient(), reason).await)
            }
            Halt::Unknown(reason) => {
                self.end(lease, State::Unknown, End { reason: Some(&reason), ..end }).await
            }
            Halt::Retry { class, reason, unsent } => {
                // that this send did not happen says nothing of one before it
                let unsent = unsent && end.doubt == Doubt::None;
                Err(self.give_back(lease, unsent, class, reason).await)
            }
        }
    }

    async fn end(&self, lease: &Lease, state: State, end: End<'_>) -> Result<Settled, Retry> {
        // what may have been sent is never recorded as not sent
        let state = match state {
            State::Failed | State::Suppressed if end.doubt != Doubt::None => State::Unknown,
            state => state,
        };
        let left_behind = match end.archived {
            None => self.left_behind(lease).await?.proven(),
            Some(_) => None,
        };
        let end = End { archived: end.archived.or(left_behind.as_ref()), ..end };
        let now = self.now();
        let write_back =
            report::owed(&self.loaded.config, end.reported_on.unwrap_or(&self.plan.reported_on), end.test);
        let outcome = Outcome {
            archived: end.archived,
            channel: end.channel,
            reference: end.reference,
            reason: end.reason,
            customer: end.customer,
            write_back: Some(write_back),
            reported_on: end.reported_on,
            check_at: self.check_at(state, &end, lease, now),
        };
        if let Err(error) = self.tools.ledger.complete(lease, state, &outcome, now).await {
            if let Some(reference) = end.reference {
                // the one thing nobody could find again
                tracing::error!(communication = %self.communication, reference, error = %chain(&error), "accepted, not recorded");
            }
            return Err(Retry::of(&error));
        }
        fault::point("complete");
        let report = (write_back == WriteBackState::Pending).then(|| {
            let mut entry = lease.entry.clone();
            entry.state = state;
            entry.updated_epoch_ms = now.as_millisecond();
            entry.archived = end.archived.cloned().or(entry.archived);
            entry.channel = end.channel.map(str::to_owned).or(entry.channel);
            entry.reason = end.reason.map(str::to_owned);
            if let Some(resource) = end.reported_on {
                entry.reported_on = resource.clone();
            }
            report::item(&entry, &self.loaded.config)
        });
        let reason = end.reason.map(str::to_owned);
        Ok(Settled { state, reason, attempts: lease.entry.attempts, fresh: true, report })
    }

    /// When the channel is to be asked what became of it, if it is one that can say.
    fn check_at(&self, state: State, end: &End<'_>, lease: &Lease, now: Timestamp) -> Option<Timestamp> {
        let channel =
            end.channel.or(lease.entry.channel.as_deref()).and_then(|name| name.parse::<Channel>().ok());
        (state == State::Accepted && channel == Some(Channel::Email))
            .then(|| now.checked_add(FIRST_CHECK).unwrap_or(now))
    }

    /// Lets go of the lease, so that the retry need not wait for it to lapse.
    async fn give_back(&self, lease: &Lease, unsent: bool, class: Class, reason: String) -> Retry {
        // if this fails, too, the lease lapses by itself
        if let Err(error) = self.tools.ledger.release(lease, unsent, self.now()).await {
            tracing::debug!(error = %error, "lease not released");
        }
        Retry::because(class, reason)
    }

    /// The record of the issue whose bytes are to go out again.
    pub fn copy_of(&self) -> Option<&EvidenceRecord> {
        self.again.and_then(|again| again.copy_of.as_ref())
    }

    pub fn now(&self) -> Timestamp {
        (self.tools.clock)()
    }

    pub fn time_left(&self) -> Duration {
        self.invocation.time_left(self.now())
    }

    /// The time a call that sends may take, as of now. It ends well before the lease does, so that what another
    /// worker finds after this one's death is all that this one has done. SendStatus before the mark, so that none is
    /// set in vain, and again after it, as recording the mark may have taken all of the time.
    ///
    /// # Errors
    /// When it is too short to begin: a send that is cut off is a send nobody knows of.
    pub fn time_to_send(&self) -> Result<Budget, Halt> {
        let last = self.invocation.answer_by();
        let last = last.saturating_sub(RECORDING).unwrap_or(last);
        if last.duration_since(self.now()) >= SHORTEST_SEND {
            return Ok(Budget::until(last, self.tools.clock));
        }
        let reason = "too little of the invocation is left for a send".to_owned();
        // whether or not it is marked, this send does not happen
        Err(Halt::Retry { class: Class::transient(), reason, unsent: true })
    }

    /// Marks that a send begins and answers the time for it.
    ///
    /// # Errors
    /// When it must not begin. It does not, even if a mark was recorded whose answer was lost.
    pub async fn begin_send(
        &self,
        lease: &Lease,
        channel: Channel,
        archived: Option<&ArchivedAs>,
    ) -> Result<Budget, Halt> {
        self.time_to_send()?;
        let marked = self.tools.ledger.mark_sending(lease, channel.name(), archived, self.now()).await;
        marked.map_err(|error| Halt::unsent(&error))?;
        fault::point("mark-sending");
        self.time_to_send()
    }

    /// Whether, after so many doubtful sends, another copy does less harm than none in this shop's opinion.
    pub fn may_resend(&self, sends: u32) -> bool {
        sends < MOST_SENDS
            && self.settings.on_unknown == OnUnknown::Resend
            && self.settings.class(self.plan.document) == MessageClass::Transactional
    }
}

/// Why work on a communication stops before its end.
pub enum Halt {
    Failed(String),
    /// It may have been sent, and nobody can tell.
    Unknown(String),
    /// `unsent`: a send was marked and did not happen.
    Retry {
        class: Class,
        reason: String,
        unsent: bool,
    },
}

impl Halt {
    /// For a call without effects that matter: what is not permanent is tried again.
    pub fn of<E: Classify + std::error::Error>(error: &E) -> Self {
        match error.class() {
            Class::Permanent => Self::Failed(chain(error)),
            class => Self::Retry { class, reason: chain(error), unsent: false },
        }
    }

    /// For what comes before a send, which then does not happen.
    pub fn unsent<E: Classify + std::error::Error>(error: &E) -> Self {
        match Self::of(error) {
            Self::Retry { class, reason, .. } => Self::Retry { class, reason, unsent: true },
            halt => halt,
        }
    }

    /// For a call that sends.
    pub fn of_send<E: Classify + std::error::Error>(error: &E) -> Self {
        match error.class() {
            Class::Permanent => Self::Failed(chain(error)),
            Class::Unknown => Self::Unknown(chain(error)),
            class @ Class::Transient { .. } => Self::Retry { class, reason: chain(error), unsent: true },
        }
    }
}

/// What is recorded at the end.
#[derive(Default, Clone)]
struct End<'a> {
    archived: Option<&'a ArchivedAs>,
    channel: Option<&'a str>,
    reference: Option<&'a str>,
    reason: Option<&'a str>,
    customer: Option<&'a CustomerKey>,
    /// The order, customer or company location it belongs to, where the plan did not name it.
    reported_on: Option<&'a Gid>,
    test: bool,
    doubt: Doubt,
}
