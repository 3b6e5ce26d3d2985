//! Traces by OpenTelemetry: one from the event to the report to Shopify, sent by OTLP over HTTP as JSON. Off unless
//! `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is set; then `OTEL_TRACES_SAMPLER_ARG` says which part of all events is recorded.
//!
//! Off, nothing is allocated, and items carry nothing. On, the trace of an event follows from its shop and webhook id, so
//! every function decides alike whether it is recorded, and an event that is delivered again continues its trace. Spans
//! are sent at the end of an invocation, after its work is settled. A collector that is slow or down costs an invocation
//! [`LONGEST_SEND`] at most and then nothing for [`REST`]: spans are dropped, work is never failed by them. What a process
//! has not sent when it dies is lost. Attributes name shops, flows, documents and communications, and nobody.

mod otlp;

use crate::{StartError, optional, start::http_client, trust::Trust};
use comms::{ShopDomain, chain};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::{
    hash::{BuildHasher, RandomState},
    num::{NonZeroU64, NonZeroU128},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;
use work::TraceContext;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";

/// The longest that sending spans delays the end of an invocation.
pub const LONGEST_SEND: Duration = Duration::from_millis(500);
/// After a send that failed, so long nothing is sent.
const REST: Duration = Duration::from_secs(30);
/// Of one invocation. What is more is dropped.
const MOST_SPANS: usize = 1000;

/// What a span is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanName {
    Intake,
    QueueWait,
    Communication,
    Claim,
    Gather,
    Compose,
    Archive,
    Send,
    Complete,
    WriteBack,
}

impl SpanName {
    const fn name(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::QueueWait => "queue wait",
            Self::Communication => "communication",
            Self::Claim => "claim",
            Self::Gather => "gather",
            Self::Compose => "compose",
            Self::Archive => "archive",
            Self::Send => "send",
            Self::Complete => "complete",
            Self::WriteBack => "write-back",
        }
    }
}

/// Where spans are recorded.
pub struct Traces(Option<Box<Recorder>>);

struct Recorder {
    http: reqwest::Client,
    endpoint: String,
    function: String,
    /// Of the traces' ids, those whose upper half is at most this are recorded.
    sampled: u64,
    /// Ids of spans: random by process, different by number.
    random: RandomState,
    number: AtomicU64,
    ended: Mutex<Vec<Span>>,
    dropped: AtomicU64,
    rests_until: Mutex<Option<Instant>>,
}

/// Where a span belongs: in a trace, below another span if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    trace: NonZeroU128,
    parent: Option<NonZeroU64>,
}

/// A span that has begun.
#[derive(Debug, Clone, Copy)]
pub struct Begun {
    place: Place,
    id: NonZeroU64,
    name: SpanName,
    at: Timestamp,
}

pub type Attributes = Vec<(&'static str, String)>;

struct Span {
    begun: Begun,
    ended: Timestamp,
    failed: bool,
    attributes: Attributes,
}

impl Place {
    /// What an item carries that follows from the span it is in.
    pub fn context(self) -> Option<TraceContext> {
        self.parent.map(|span| TraceContext { trace: self.trace, span })
    }
}

impl Begun {
    /// Where spans below this one belong.
    pub const fn inside(&self) -> Place {
        Place { trace: self.place.trace, parent: Some(self.id) }
    }

    /// What an item carries that follows from it.
    pub const fn context(&self) -> TraceContext {
        TraceContext { trace: self.place.trace, span: self.id }
    }
}

impl Traces {
    /// Nothing is recorded.
    pub const fn off() -> Self {
        Self(None)
    }

    /// As the environment says.
    pub(crate) fn new(trust: &Trust) -> Result<Self, StartError> {
        let Some(endpoint) = optional(ENDPOINT) else { return Ok(Self::off()) };
        let invalid = |name: &str, value: &str, what: &str| StartError::Invalid {
            name: name.to_owned(),
            value: value.to_owned(),
            what: what.to_owned(),
        };
        let url = reqwest::Url::parse(&endpoint).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or_else(|| invalid(ENDPOINT, &endpoint, "it is no address of HTTP"))?;
        let part = optional(SAMPLER_ARG).unwrap_or_else(|| "1".to_owned());
        let sampled = part.parse().ok().filter(|part: &f64| (0.0..=1.0).contains(part));
        let sampled = sampled.ok_or_else(|| invalid(SAMPLER_ARG, &part, "it is no number from 0 to 1"))?;
        let mut http = http_client(trust)?.connect_timeout(LONGEST_SEND / 2);
        // a collector that runs beside the function is not behind its proxy
        if matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
            http = http.no_proxy();
        }
        let function = crate::function_name();
        Ok(Self::to(http.build()?, url.into(), function, sampled))
    }

    /// Recorded by `function`, and sent there; `part` of all events.
    pub fn to(http: reqwest::Client, endpoint: String, function: String, part: f64) -> Self {
        Self(Some(Box::new(Recorder {
            http,
            endpoint,
            function,
            sampled: (part * u64::MAX as f64) as u64,
            random: RandomState::new(),
            number: AtomicU64::default(),
            ended: Mutex::default(),
            dropped: AtomicU64::default(),
            rests_until: Mutex::default(),
        })))
    }

    /// Where the spans of an item belong: where it says, or, if it says nothing, in the trace of its event, if that is one that is
    /// recorded.
    pub fn place(&self, carried: Option<TraceContext>, shop: &ShopDomain, webhook_id: &str) -> Option<Place> {
        let recorder = self.0.as_ref()?;
        if carried.is_some() {
            return self.carried(carried);
        }
        let hash =
            Sha256::new().chain_update(shop.as_str()).chain_update([0]).chain_update(webhook_id).finalize();
        let trace = u128::from_be_bytes(*hash.first_chunk()?);
        let is_sampled = recorder.sampled > 0 && (trace >> 64) as u64 <= recorder.sampled;
        NonZeroU128::new(trace).filter(|_| is_sampled).map(|trace| Place { trace, parent: None })
    }

    /// Where the spans of an item belong that says so.
    pub fn carried(&self, carried: Option<TraceContext>) -> Option<Place> {
        let TraceContext { trace, span } = carried.filter(|_| self.0.is_some())?;
        Some(Place { trace, parent: Some(span) })
    }

    /// Begins a span, if there is a trace that it belongs to.
    pub fn begin(&self, place: Option<Place>, name: SpanName, at: Timestamp) -> Option<Begun> {
        let recorder = self.0.as_ref()?;
        let place = place?;
        let number = recorder.number.fetch_add(1, Ordering::Relaxed);
        let id = NonZeroU64::new(recorder.random.hash_one(number)).unwrap_or(NonZeroU64::MIN);
        Some(Begun { place, id, name, at })
    }

    /// Ends a span. The attributes are asked for only if it is recorded.
    pub fn end(
        &self,
        begun: Option<Begun>,
        at: Timestamp,
        failed: bool,
        attributes: impl FnOnce() -> Attributes,
    ) {
        let (Some(recorder), Some(begun)) = (&self.0, begun) else { return };
        let mut ended = recorder.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.len() < MOST_SPANS {
            let ended_at = at.max(begun.at);
            ended.push(Span { begun, ended: ended_at, failed, attributes: attributes() });
        } else {
            recorder.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The time that an item spent in its queue.
    pub fn waited(&self, place: Option<Place>, sent: Option<Timestamp>, now: Timestamp) {
        if let Some(sent) = sent {
            self.end(self.begin(place, SpanName::QueueWait, sent), now, false, Vec::new);
        }
    }

    /// Sends what has ended, and not later than `deadline`.
    pub async fn send(&self, deadline: Instant) {
        if let Some(recorder) = &self.0 {
            recorder.send(deadline).await;
        }
    }
}

impl Recorder {
    async fn send(&self, deadline: Instant) {
        let spans = std::mem::take(&mut *self.ended.lock().unwrap_or_else(PoisonError::into_inner));
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        let now = Instant::now();
        let rests = *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        // what an invocation has no time left for says nothing of the collector
        if spans.is_empty() || now >= deadline || rests.is_some_and(|until| now < until) {
            return;
        }
        if dropped > 0 {
            tracing::warn!(dropped, "an invocation had more spans than are kept");
        }
        let body = otlp::request(&self.function, &spans);
        let until = deadline.min(now + LONGEST_SEND);
        let request = self.http.post(&self.endpoint).header("content-type", "application/json").body(body);
        let sent = tokio::time::timeout_at(until, otlp::answer(request)).await;
        let why = match sent {
            Ok(Ok(0)) => return,
            // they were not as the collector wants them, and would not be another time
            Ok(Ok(rejected)) => return tracing::warn!(rejected, "the collector has rejected spans"),
            Ok(Err(error)) => chain(&error),
            Err(_) => "it did not answer in time".to_owned(),
        };
        *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + REST);
        tracing::warn!(
            spans = spans.len(),
            error = why,
            "spans are dropped: the collector does not take them"
        );
    }
}

#[cfg(test)]
mod tests;
