//! A flow function's handler: the batch loop around the pipeline, one log line per communication, the reports.

use crate::{
    clients::Clients,
    context::Attempt,
    document_flow::{DocumentFlow, plans},
    gather_error::GatherError,
    next_channel,
    outcome::{AttemptOutcome, Settled},
    pipeline,
    plan::{LookUp, Plan},
    resend::ResendRequest,
};
use comms::{CommunicationId, State, chain};
use serde::Serialize;
use service::{Invocation, Metric, Metrics, Place, Service, Serving, SpanName, StartError, function_name};
use shop_config::Loaded;
use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::time;
use work::{
    BatchResponse, Failed, Inbox, InvalidItem, Limits, MalformedBatch, Queue, Record, Retry, SqsEvent,
    WorkItem, each,
};

/// How often one delivery of a message follows a change that happens while it makes a document.
const MOST_CHANGES: usize = 3;

/// Everything a flow function holds between invocations.
pub struct FlowHandler<F> {
    flow: F,
    clients: Clients,
    inbox: Inbox,
    concurrency: usize,
    function: String,
    /// Numbers the deliveries this process has handled, so that each has a name of its own.
    deliveries: AtomicU64,
}

/// Starts the function of a flow and serves its batches until Lambda ends the process.
pub fn serve<F: DocumentFlow + 'static>(flow: F) -> Serving {
    Box::pin(async {
        let service = Service::start().await?;
        let handler = FlowHandler::new(&service, flow)?;
        service::run(async |event, invocation| handler.handle(event, invocation).await).await
    })
}

impl<F: DocumentFlow> FlowHandler<F> {
    /// Reads the environment and makes the clients. Sends nothing.
    pub fn new(service: &Service, flow: F) -> Result<Self, StartError> {
        let clients = Clients::new(service)?;
        let (inbox, concurrency) = (service.inbox()?, service.concurrency()?);
        Ok(Self {
            flow,
            clients,
            inbox,
            concurrency,
            function: function_name(),
            deliveries: AtomicU64::new(0),
        })
    }

    /// Handles one batch. Messages that are to come back are in the response; the others are finished.
    pub async fn handle(
        &self,
        event: SqsEvent,
        invocation: Invocation,
    ) -> Result<BatchResponse, MalformedBatch> {
        event.check()?;
        let left = invocation.time_left((self.clients.clock)());
        let limits = Limits { concurrency: self.concurrency, deadline: time::Instant::now() + left };
        let mut results =
            each(&event.records, limits, async |record| self.record(record, &invocation).await).await;
        queue_all(&self.clients.write_back, &mut results, |settled| settled.report.as_ref()).await;
        queue_all(&self.inbox.queue, &mut results, |settled| settled.next_channel.as_ref()).await;
        let (counts, results): (Vec<_>, Vec<_>) = results
            .into_iter()
            .map(|result| match result {
                Ok(handled) => (handled.counts(), handled.retry.map_or(Ok(()), Err)),
                Err(retry) => (vec![], Err(retry)),
            })
            .unzip();
        let settled = self.inbox.settle(&event.records, results, (self.clients.clock)()).await;
        self.account(&event.records, &counts, &settled);
        self.clients.traces.send(limits.deadline).await;
        Ok(BatchResponse::of(&event.records, &settled))
    }

    async fn record(&self, record: &Record, invocation: &Invocation) -> Result<Handled, Retry> {
        let item = WorkItem::from_json(&record.body).map_err(unreadable)?;
        if item.flow != F::FLOW {
            return Err(Retry::new(format!(
                "the item is for the flow {}, this function serves {}",
                item.flow,
                F::FLOW
            )));
        }
        let now = (self.clients.clock)();
        self.clients.breakers.enter(&self.clients.ledger, &item.shop, item.flow, now).await?;
        let traces = &self.clients.traces;
        let place = traces.place(item.trace, &item.shop, &item.trigger.webhook_id);
        traces.waited(place, record.sent(), now);
        let loaded = self.clients.configs.get(&item.shop, now).await?;
        let payload = self.clients.payloads.load(&item).await?;
        let resend = match (&item.resend, &item.next_channel) {
            (Some(resend), _) => {
                Some(ResendRequest::load(&self.clients, &item, resend, &loaded.config).await?)
            }
            (None, Some(next)) => {
                match next_channel::load(&self.clients, &item, next, &loaded.config).await? {
                    Some(request) => Some(request),
                    None => return Ok(Handled::default()),
                }
            }
            (None, None) => None,
        };
        let plans = match &resend {
            Some(resend) => vec![resend.plan.clone()],
            None => self.plans(&item, payload.as_deref(), &loaded, invocation).await?,
        };
        let message = Message {
            item: &item,
            payload: payload.as_deref(),
            loaded: &loaded,
            resend: resend.as_ref(),
            invocation,
            receive_count: record.receive_count(),
            place,
        };
        let mut handled = Handled { reconciled: item.trigger.is_reconciled(), ..Handled::default() };
        for plan in &plans {
            match self.plan(&message, plan, &mut handled.settled).await {
                Ok(()) => {}
                Err(retry) => {
                    let elsewhere = retry.elsewhere;
                    handled.retry = handled.retry.or(Some(retry));
                    if elsewhere {
                        // whoever has it continues with the rest: two that take it from each other never end
                        break;
                    }
                    // otherwise the rest does not wait for this one
                }
            }
        }
        Ok(handled)
    }

    /// The communication of a plan, and whatever is due in its place.
    async fn plan(
        &self,
        message: &Message<'_>,
        plan: &Plan,
        settled: &mut Vec<Settled>,
    ) -> Result<(), Retry> {
        let mut plan = Cow::Borrowed(plan);
        for _ in 0..MOST_CHANGES {
            let outcome = self.communication(message, &plan).await?;
            settled.extend(outcome.settled);
            match outcome.replacement {
                Some(replacement) => plan = Cow::Owned(replacement),
                None => return Ok(()),
            }
        }
        Err(Retry::waiting(format!("what {} tells of keeps changing while it is made", plan.document)))
    }

    async fn communication(&self, message: &Message<'_>, plan: &Plan) -> Result<AttemptOutcome, Retry> {
        let Message { item, payload, loaded, resend, invocation, receive_count, place } = *message;
        let communication = CommunicationId::derive(&item.shop, plan.document, &plan.subject, &plan.revision);
        let wanted = plan.is_wanted(item, &loaded.config, item.trigger.triggered_at);
        if !wanted && !self.was_begun(&communication).await? {
            tracing::info!(shop = %item.shop, flow = %item.flow, document = %plan.document, %communication, "switched off");
            return Ok(AttemptOutcome::default());
        }
        // a document that was begun and is not even configured any more: no settings, no way on
        let settings = loaded.config.documents.get(&plan.document).ok_or_else(|| {
            Retry::new(format!(
                "{} was begun and is no longer in the configuration: put it back",
                plan.document
            ))
        })?;
        let now = (self.clients.clock)();
        let secrets = self.clients.secrets.shop(&item.shop, now).await?;
        let span = self.clients.traces.begin(place, SpanName::Communication, now);
        let number = self.deliveries.fetch_add(1, Ordering::Relaxed);
        let attempt = Attempt {
            clients: &self.clients,
            item,
            payload,
            plan,
            communication: &communication,
            loaded,
            settings,
            secrets: &secrets,
            invocation,
            lease_holder: &format!("{}/{number}", invocation.request_id),
            receive_count,
            resend,
            place: span.map(|span| span.inside()),
        };
        let begun = Instant::now();
        let result = pipeline::run(&attempt, &self.flow).await;
        log(&attempt, &result, begun);
        self.clients.traces.end(span, (self.clients.clock)(), result.is_err(), || {
            vec![
                ("shop", item.shop.as_str().to_owned()),
                ("flow", item.flow.name().to_owned()),
                ("document", plan.document.name().to_owned()),
                ("communication", communication.to_string()),
            ]
        });
        result
    }

    async fn plans(
        &self,
        item: &WorkItem,
        payload: Option<&str>,
        loaded: &Loaded,
        invocation: &Invocation,
    ) -> Result<Vec<Plan>, Retry> {
        let now = (self.clients.clock)();
        let secrets = self.clients.secrets.shop(&item.shop, now).await?;
        let look_up = LookUp {
            item,
            payload,
            config: &loaded.config,
            secrets: &secrets,
            shopify: &self.clients.shopify,
            now,
            time_left: invocation.time_left(now),
        };
        let planned = plans(&self.flow, look_up).await;
        let mut plans = planned.map_err(|GatherError { class, reason }| Retry::because(class, reason))?;
        if let Some(request) = &item.request {
            plans.retain(|plan| plan.document == request.document);
        }
        Ok(plans)
    }

    /// Whether an earlier delivery left something to settle.
    async fn was_begun(&self, communication: &CommunicationId) -> Result<bool, Retry> {
        let entry = self.clients.ledger.get(communication).await?;
        Ok(entry.is_some())
    }

    fn account(&self, records: &[Record], counts: &[Vec<Metric>], settled: &[Result<(), Failed>]) {
        let mut metrics = Metrics::default();
        for ((record, counts), result) in records.iter().zip(counts).zip(settled) {
            for &name in counts {
                metrics.count(name, 1);
            }
            match result {
                Ok(()) if counts.is_empty() => metrics.count(Metric::Skipped, 1),
                Ok(()) => {}
                Err(failed) => metrics.failed(record, None, failed, (self.clients.clock)()),
            }
        }
        metrics.count(Metric::BecameIll, self.clients.breakers.opened());
        metrics.emit(&self.function, (self.clients.clock)());
    }
}

/// What became of a message: of its communications those that have ended, and why it has to come back.
#[derive(Default)]
struct Handled {
    settled: Vec<Settled>,
    retry: Option<Retry>,
    /// It was queued by reconciliation.
    reconciled: bool,
}

impl Handled {
    /// The names to count it under: one for each communication, and another for each whose event was missed.
    fn counts(&self) -> Vec<Metric> {
        let mut counts: Vec<_> = self.settled.iter().map(metric).collect();
        if self.reconciled {
            // known only now: what was queued may have had nothing to tell yet, or its event may have come since
            let made =
                counts.iter().filter(|name| matches!(**name, Metric::Archived | Metric::Accepted)).count();
            counts.extend(std::iter::repeat_n(Metric::Recovered, made));
        }
        counts
    }
}

/// A message that was understood.
struct Message<'a> {
    item: &'a WorkItem,
    payload: Option<&'a str>,
    loaded: &'a Arc<Loaded>,
    resend: Option<&'a ResendRequest>,
    invocation: &'a Invocation,
    receive_count: u32,
    /// Where its spans belong, if they are recorded.
    place: Option<Place>,
}

/// Queues what `pick` finds of each communication, ten per request: what Shopify is to be told, and requests for the next
/// channel. What cannot be queued brings its message back.
async fn queue_all<T: Serialize>(
    queue: &Queue,
    results: &mut [Result<Handled, Retry>],
    pick: impl Fn(&Settled) -> Option<&T>,
) {
    let mut found = Vec::new();
    for (index, result) in results.iter().enumerate() {
        for item in result.iter().flat_map(|handled| &handled.settled).filter_map(&pick) {
            match work::Message::of(item) {
                Ok(message) => found.push((index, message)),
                Err(error) => tracing::error!(error = %error, "an item cannot be written as JSON"),
            }
        }
    }
    let (indices, messages): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    for (index, sent) in indices.into_iter().zip(queue.send_all(&messages).await) {
        if let (Err(error), Some(Ok(handled))) = (sent, results.get_mut(index)) {
            handled.retry = Some(Retry::of(&error));
        }
    }
}

/// No wait makes such a message readable: it goes to the dead letters without one.
fn unreadable(error: InvalidItem) -> Retry {
    let after = match error {
        // a newer function may be on its way
        InvalidItem::Version(_) => None,
        InvalidItem::NotAnItem(_) | InvalidItem::Fields(_) => Some(Duration::ZERO),
    };
    Retry { after, ..Retry::new(chain(&error)) }
}

fn metric(settled: &Settled) -> Metric {
    // what a person must hear of counts again: the worker that recorded it may have died before it could say so
    if !settled.fresh && !matches!(settled.state, State::Unknown | State::Failed) {
        return Metric::Duplicate;
    }
    match settled.state {
        State::Archived => Metric::Archived,
        State::Accepted | State::Delivered | State::Bounced => Metric::Accepted,
        State::Failed => Metric::Failed,
        State::Suppressed => Metric::Suppressed,
        State::Unknown => Metric::Unknown,
        State::Claimed | State::Sending => Metric::Open,
    }
}

/// One line per communication. What a message that comes back was about is in its reason's line.
fn log(attempt: &Attempt<'_>, result: &Result<AttemptOutcome, Retry>, begun: Instant) {
    let duration_ms = begun.elapsed().as_millis() as u64;
    let (shop, flow, document) = (&attempt.item.shop, attempt.item.flow, attempt.plan.document);
    let communication = attempt.communication;
    match result.as_ref().map(|outcome| &outcome.settled) {
        Ok(None) => {}
        Ok(Some(Settled { state, reason: Some(reason), attempts, fresh, .. })) => {
            tracing::warn!(%shop, %flow, %document, %communication, %state, attempts, fresh, reason, duration_ms);
        }
        Ok(Some(Settled { state, reason: None, attempts, fresh, .. })) => {
            tracing::info!(%shop, %flow, %document, %communication, %state, attempts, fresh, duration_ms);
        }
        Err(retry) => {
            tracing::warn!(%shop, %flow, %document, %communication, state = "open", reason = retry.reason, duration_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(state: State, fresh: bool) -> Settled {
        Settled { state, reason: None, attempts: 1, fresh, report: None, next_channel: None }
    }

    #[test]
    fn what_reconciliation_brought_is_recovered_once_it_is_made() {
        let made = || vec![settled(State::Accepted, true), settled(State::Archived, true)];
        let counts = |reconciled, settled| Handled { settled, reconciled, retry: None }.counts();
        assert_eq!(
            counts(true, made()),
            [Metric::Accepted, Metric::Archived, Metric::Recovered, Metric::Recovered]
        );
        assert_eq!(counts(false, made()), [Metric::Accepted, Metric::Archived], "its event brought it");
        assert_eq!(counts(true, vec![]), [], "nothing was due yet");
        assert_eq!(
            counts(true, vec![settled(State::Accepted, false)]),
            [Metric::Duplicate],
            "its event came after all"
        );
        assert_eq!(
            counts(true, vec![settled(State::Suppressed, true)]),
            [Metric::Suppressed],
            "nothing was lost"
        );
    }
}
