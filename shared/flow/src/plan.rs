//! From an event to the communications it leads to: what is planned, and what keeps an item from being understood.

use crate::{
    absent::{absent, call},
    gather_error::GatherError,
};
use comms::{Class, Classify, Document, Gid, InvalidGid, Revision};
use jiff::Timestamp;
use service::ShopSecrets;
use shop_config::ShopConfig;
use shopify::{AdminApi, Call, Malformed};
use std::{borrow::Cow, time::Duration};
use work::WorkItem;

/// One communication to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Which document.
    pub document: Document,
    /// What it is about. With document and revision, it names the communication.
    pub subject: Gid,
    /// Which of its issues.
    pub revision: Revision,
    /// The order, customer or company location that is told about it. The subject itself where the event does
    /// not name it; then the one [`Content::reported_on`](crate::Content::reported_on) names.
    pub reported_on: Gid,
    /// Whether the shop has switched it on. What was begun before it was switched off is still settled.
    pub wanted: bool,
}

impl Plan {
    /// Whether the shop wants it made of what happened at this moment, if that is known: by an event, or on request.
    pub fn is_wanted(&self, item: &WorkItem, config: &ShopConfig, happened: Option<Timestamp>) -> bool {
        self.wanted
            && config.is_since(self.document, happened)
            && (item.is_wish() || !config.waits_for_request(self.document))
    }
}

/// What an event leads to: of one document, or of all documents of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// These communications, whether or not the shop wants them. None, if the payload shows that none can be due.
    Known(Vec<Plan>),
    /// The event does not say. The flow's `look_up` then answers for all documents of the item.
    AskShopify,
}

impl Planned {
    /// The event leads to this communication.
    pub fn one(plan: Plan) -> Self {
        Self::Known(vec![plan])
    }

    /// The event does not lead to this document.
    pub const fn none() -> Self {
        Self::Known(Vec::new())
    }
}

/// What plans are made from. Nothing is asked of anybody: planning runs before anything is claimed.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    /// The work item: topic, subject, time.
    pub item: &'a WorkItem,
    /// The event's payload, if it had one.
    pub payload: Option<&'a str>,
    /// The shop's configuration.
    pub config: &'a ShopConfig,
}

impl<'a> Event<'a> {
    /// The event's topic.
    pub fn topic(&self) -> &'a str {
        &self.item.trigger.topic
    }

    /// The payload of an event that cannot do without.
    ///
    /// # Errors
    /// When it came without.
    pub fn payload(&self) -> Result<&'a str, PlanError> {
        self.payload.ok_or_else(|| PlanError::NoPayload { topic: self.topic().to_owned() })
    }

    /// The first issue of a document about the event's subject, on which it is also reported.
    pub fn plan(&self, document: Document) -> Plan {
        Plan {
            document,
            subject: self.item.subject.clone(),
            revision: Revision::Initial,
            reported_on: self.item.subject.clone(),
            wanted: self.config.document(document).is_some(),
        }
    }
}

/// Why an item leads to nothing that could be planned. Nothing is claimed or recorded: the message is delivered again and
/// ends in the dead letters, from where a later release can take it up again.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// No document of the flow follows from events of this topic.
    #[error("the topic {topic} leads to no document of this flow")]
    Topic {
        /// The event's.
        topic: String,
    },
    /// What follows stands in the payload.
    #[error("the event {topic} came without its payload")]
    NoPayload {
        /// The event's.
        topic: String,
    },
    /// The payload says it in another way than the topic's payloads do.
    #[error(transparent)]
    Payload(#[from] Malformed),
    /// The event is about something else than the topic's events are.
    #[error(transparent)]
    Subject(#[from] InvalidGid),
    /// The item, which this system made itself, lacks or contradicts something.
    #[error("{0}")]
    Item(Cow<'static, str>),
}

impl Classify for PlanError {
    fn class(&self) -> Class {
        match self {
            Self::Topic { .. }
            | Self::NoPayload { .. }
            | Self::Payload(_)
            | Self::Subject(_)
            | Self::Item(_) => Class::Permanent,
        }
    }
}

/// An item of which only Shopify knows what follows.
#[derive(Clone, Copy)]
pub struct LookUp<'a> {
    /// The work item.
    pub item: &'a WorkItem,
    /// The event's payload, if it had one.
    pub payload: Option<&'a str>,
    /// The shop's configuration.
    pub config: &'a ShopConfig,
    /// The shop's secrets.
    pub secrets: &'a ShopSecrets,
    /// Whom to ask.
    pub shopify: &'a AdminApi,
    /// When it is asked.
    pub now: Timestamp,
    /// For all questions together.
    pub time_left: Duration,
}

impl<'a> LookUp<'a> {
    /// What the event says by itself.
    pub fn event(&self) -> Event<'a> {
        Event { item: self.item, payload: self.payload, config: self.config }
    }

    /// How to ask this item's shop for data.
    pub fn call(&self) -> Call<'a> {
        call(self.item, self.config, self.secrets, self.now, self.time_left)
    }

    /// What it means that Shopify has no `what`, such as `order`, although the item names one.
    pub async fn absent(&self, what: &str) -> GatherError {
        absent(self.shopify, self.call(), self.item, what).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn is_wanted(settings: &str, item: Value, wanted: bool) -> bool {
        let demo = include_str!("../../../infra/local/config/demo-shop.toml");
        let section = "[documents.receipt]\n";
        let config =
            ShopConfig::parse(&demo.replacen(section, &format!("{section}{settings}\n"), 1)).unwrap();
        let order = Gid::new("Order", 1);
        let mut all = json!({
            "v": 1, "shop": config.shop, "flow": "order-confirmation", "subject": order,
            "trigger": {"topic": "orders/paid", "webhook_id": "w"},
        });
        all.as_object_mut().unwrap().extend(item.as_object().unwrap().clone());
        let item = WorkItem::from_json(&all.to_string()).unwrap();
        let (document, subject, reported_on) = (Document::Receipt, order.clone(), order);
        let plan = Plan { document, subject, revision: Revision::Initial, reported_on, wanted };
        plan.is_wanted(&item, &config, "2026-11-22T09:00:00Z".parse().ok())
    }

    #[test]
    fn what_is_sent_on_request_waits_for_one() {
        let request = json!({"request": {"document": "receipt", "actor": "Shopify Flow", "reason": "VIP"}});
        let id = "c4809f9b199959867b344883a5f958d0";
        let resend = json!({"resend": {"of": id, "revision": "resend-1", "actor": "a", "reason": "r"}});
        let next = json!({"next_channel": {"of": id, "after": "bounced"}});
        for wish in [&request, &resend, &next] {
            assert!(is_wanted("on_request = true", wish.clone(), true), "{wish}");
            assert!(is_wanted("", wish.clone(), true), "{wish}");
            assert!(!is_wanted("", wish.clone(), false), "switched off: {wish}");
        }
        assert!(is_wanted("", json!({}), true));
        assert!(!is_wanted("on_request = true", json!({}), true), "an event");
        assert!(!is_wanted("since = \"2027-01-01T00:00:00Z\"", json!({}), true));
    }
}
