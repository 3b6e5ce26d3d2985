//! What every stage has at hand: the clients, the communication at work, the clock and the time left.
//!
//! Knows no stage. One [`Attempt`] belongs to one delivery of a message and ends with it.

use crate::{breaker::Dependency, clients::Clients, content::Content, plan::Plan, resend::ResendRequest};
use archive::{EvidenceRecord, Location, Retention, Stored};
use bytes::Bytes;
use comms::{Classify, CommunicationId, CustomerKey, MessageClass};
use jiff::Timestamp;
use ledger::{ArchivedAs, Entry, Lease};
use service::{Begun, Invocation, Place, ShopSecrets, SpanName};
use shop_config::{Channel, DocumentConfig, Loaded, OnUnknown};
use std::{sync::Arc, time::Duration};
use work::WorkItem;

/// How many sends of one communication are ever begun where the shop chose to repeat a doubtful one.
const MOST_SENDS: u32 = 2;

/// One communication while one delivery of its message is worked on.
pub struct Attempt<'a> {
    pub clients: &'a Clients,
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
    /// Where a person asked for another issue.
    pub resend: Option<&'a ResendRequest>,
    /// Where its spans belong, if they are recorded.
    pub place: Option<Place>,
}

impl Attempt<'_> {
    pub fn now(&self) -> Timestamp {
        (self.clients.clock)()
    }

    /// The time left until the work has to be done.
    pub fn time_left(&self) -> Duration {
        self.invocation.time_left(self.now())
    }

    /// Begins a span of this attempt, if it is recorded.
    pub fn begin(&self, name: SpanName) -> Option<Begun> {
        // the clock is read for nothing else
        self.place.and_then(|place| self.clients.traces.begin(Some(place), name, self.now()))
    }

    /// Ends it.
    pub fn end<T, E>(&self, span: Option<Begun>, result: &Result<T, E>) {
        if span.is_some() {
            self.clients.traces.end(span, self.now(), result.is_err(), Vec::new);
        }
    }

    /// What a service answered tells of its health.
    pub async fn learn<T>(&self, service: Dependency, answer: &Result<T, impl Classify>) {
        let class = answer.as_ref().err().map(Classify::class);
        let Clients { breakers, ledger, .. } = self.clients;
        breakers.learn(ledger, &self.item.shop, service, class, self.now()).await;
    }

    /// Where the communication's document is archived: below `test/` if it is a test.
    pub fn location(&self, lease: &Lease, test: bool) -> Location {
        let (shop, document) = (&self.item.shop, self.plan.document);
        Location::new(shop, dated(&lease.entry), document, self.communication, test)
    }

    /// The record of the issue whose bytes are to go out again.
    pub fn copy_of(&self) -> Option<&EvidenceRecord> {
        self.resend.and_then(|resend| resend.copy_of.as_ref())
    }

    /// Whether, after so many doubtful sends, another copy does less harm than none in this shop's opinion.
    pub fn may_resend(&self, sends: u32) -> bool {
        sends < MOST_SENDS
            && self.settings.on_unknown == OnUnknown::Resend
            && self.settings.class(self.plan.document) == MessageClass::Transactional
    }
}

/// A gathered document on its way.
pub struct Draft<'a> {
    pub content: &'a Content,
    /// `None` if it is archived and not sent.
    pub channel: Option<Channel>,
    pub test: bool,
    pub customer: Option<&'a CustomerKey>,
}

/// A document that is in the archive with its record.
pub struct Archived {
    pub stored: Stored,
    pub as_recorded: ArchivedAs,
    /// How long they are locked, if this attempt has put the record.
    pub retention: Option<Retention>,
    /// The record, if an earlier attempt has put it.
    pub adopted: Option<EvidenceRecord>,
    /// The archived bytes of all outputs in their order, where this attempt still has them.
    pub bytes: Option<Vec<Bytes>>,
}

/// The channel by which a send was begun, as far as this release knows it.
pub fn channel_of(entry: &Entry) -> Option<Channel> {
    entry.channel.as_deref().and_then(|name| name.parse().ok())
}

/// The archive and the spool date a communication by its first claim.
pub fn dated(entry: &Entry) -> Timestamp {
    Timestamp::from_millisecond(entry.created_epoch_ms).unwrap_or(Timestamp::UNIX_EPOCH)
}
