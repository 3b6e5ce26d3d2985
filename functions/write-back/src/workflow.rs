//! Starting workflows of Shopify Flow: what a merchant does about an outcome, without a developer.
//!
//! A trigger is sent for an outcome of a document that is reported on an order, if the shop wants it, after Shopify has the
//! report. Shopify does not recognise a repetition, so there is at most one attempt per outcome: the ledger's record of
//! the report comes first, and whoever finds it there sends nothing. It is taken back only where Shopify certainly did
//! nothing. So a crash in between, or a lost answer, loses the trigger and never doubles it; the metafield has the outcome
//! in any case. An outcome that another has followed starts nothing any more.
//!
//! What goes out is a public contract (`schemas/flow-trigger.v1.json`) and names nobody.

use comms::{Class, Classify, CommunicationId, Document, WriteBackState, chain};
use ledger::Ledger;
use schemars::JsonSchema;
use serde::Serialize;
use shop_config::{FlowTrigger, WriteBack};
use shopify::{AdminApi, Call};
use work::{Retry, WriteBackItem};

/// A reason is one of the ledger's, which are shorter.
const MAX_REASON_CHARS: usize = 250;

/// What a workflow gets. Every field of a trigger has to be there.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "FlowTrigger")]
pub struct Payload<'a> {
    /// The number of the order that the document is reported on. Shopify gives the workflow the order.
    pub order_id: u64,
    /// Which document, such as `receipt`.
    pub document: Document,
    /// Its identity, by which the console finds it.
    pub communication: &'a CommunicationId,
    /// By which channel it was sent, or `none`.
    pub channel: &'a str,
    /// Why it came back or failed. Not of what was delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl<'a> Payload<'a> {
    /// Nothing for what belongs to no order.
    fn of(item: &'a WriteBackItem, trigger: FlowTrigger) -> Option<Self> {
        if item.reported_on.kind() != "Order" {
            return None;
        }
        let reason = item.reason.as_deref().map(comms::one_line).filter(|reason| !reason.is_empty());
        let reason = reason.unwrap_or_else(|| "no reason is known".to_owned());
        Some(Self {
            order_id: item.reported_on.number().parse().ok()?,
            document: item.document,
            communication: &item.communication,
            channel: item.channel.as_deref().unwrap_or("none"),
            reason: match trigger {
                FlowTrigger::Delivered => None,
                FlowTrigger::Bounced | FlowTrigger::Failed => {
                    Some(reason.chars().take(MAX_REASON_CHARS).collect())
                }
            },
        })
    }
}

/// A trigger that is to be sent.
pub struct Due<'a> {
    trigger: FlowTrigger,
    payload: Payload<'a>,
}

impl<'a> Due<'a> {
    /// What the shop wants to be told of a report.
    pub fn of(item: &'a WriteBackItem, wanted: &WriteBack) -> Option<Self> {
        let trigger = FlowTrigger::of(item.state).filter(|it| wanted.flow_triggers.contains(it))?;
        Some(Self { trigger, payload: Payload::of(item, trigger)? })
    }

    /// Records the report, and sends the trigger if that is news.
    ///
    /// # Errors
    /// When the message is to be delivered again: the ledger does not answer, or Shopify did nothing and may do it later.
    pub async fn send(
        &self,
        shopify: &AdminApi,
        call: Call<'_>,
        ledger: &Ledger,
        item: &WriteBackItem,
    ) -> Result<WriteBackState, Retry> {
        let (shop, communication) = (call.shop, &item.communication);
        if !ledger.record_first_report(communication, item.state).await? {
            return Ok(WriteBackState::Reported);
        }
        let handle = self.trigger.handle();
        let Err(error) = shopify.start_workflows(call, handle, &self.payload).await else {
            return Ok(WriteBackState::Reported);
        };
        if !error.is_refusal() {
            tracing::warn!(%shop, %communication, handle, reason = chain(&error), "workflows perhaps not started");
            return Ok(WriteBackState::Reported);
        }
        if error.class() == Class::Permanent {
            let reason = format!("workflows not started: {error}");
            ledger.take_back_report(communication, item.state, Some(&reason)).await?;
            return Ok(WriteBackState::Failed);
        }
        ledger.take_back_report(communication, item.state, None).await?;
        Err(Retry::of(&error))
    }
}

#[cfg(test)]
mod tests;
