//! The value of the status metafield: what an order, customer or company location has been sent.
//!
//! Owns the public format, `schemas/status-metafield.v2.json`, and the rules of its change. Reports arrive in any
//! order and more than once, and others may write in between; merging is therefore a join: it does not
//! matter in which order or how often reports are merged, and a state never goes back. What one report knows and another
//! does not, such as where it was sent, is kept. The list keeps the newest [`KEEP`]; texts are cut, so that the value
//! stays far below the 128 KB Shopify takes. A value of version 1 is read, and written as version 2 with the next report.

use comms::{CommunicationId, Document, Gid, State, one_line};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use std::{
    cmp::{self, Reverse},
    collections::BTreeMap,
};
use work::{Decision, WriteBackItem};

/// How many communications the list holds.
pub const KEEP: usize = 20;

/// Of a reason, in characters. Twenty reports with texts of the greatest length, four bytes per character, are under
/// 96 KB.
const TEXT: usize = 200;

/// Of a name, an address or an id, in characters.
const NAME: usize = 100;

const VERSION: u32 = 2;

/// Its fields are among those of this version.
const VERSION_BEFORE: u32 = 1;

/// One communication, as far as a merchant may read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    pub id: CommunicationId,
    pub document: Document,
    pub state: State,
    /// What it is about, where that is not the resource that carries the list: a return, a dispute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Gid>,
    /// The period a statement is for, such as `2026-10`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "name")]
    pub period: Option<String>,
    /// The communication this is a further issue of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue_of: Option<CommunicationId>,
    /// When the state was reached, or what is known of it last changed.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// When the channel took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub sent: Option<Timestamp>,
    /// When it reached the recipient, as the channel says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub delivered: Option<Timestamp>,
    /// When it failed or came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub failed: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "name")]
    pub channel: Option<String>,
    /// Where it was sent, masked: `z…@example.com`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "name")]
    pub address: Option<String>,
    /// The beginning of the published link's hash. Names the link to an operator and opens nothing.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "name")]
    pub link: Option<String>,
    /// Why it failed, was suppressed, or is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text")]
    pub reason: Option<String>,
    /// What a person decided about it, the last time: to send this further issue, or what became of an unknown send.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "decision")]
    pub decision: Option<Decision>,
    /// The Exstream communication, and its version where that is known: `<id>@12`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "name")]
    pub template: Option<String>,
}

impl From<&WriteBackItem> for Report {
    fn from(item: &WriteBackItem) -> Self {
        let name = |text: &Option<String>| text.as_deref().map(|text| cut(text, NAME));
        Self {
            id: item.communication.clone(),
            document: item.document,
            state: item.state,
            subject: item.subject.clone(),
            period: name(&item.period),
            issue_of: item.issue_of.clone(),
            at: item.at,
            sent: item.sent,
            delivered: item.delivered,
            failed: item.failed,
            channel: name(&item.channel),
            address: name(&item.address),
            link: name(&item.link),
            reason: item.reason.as_deref().map(|text| cut(text, TEXT)),
            decision: item.decision.clone().map(cut_decision),
            template: item.template.as_deref().map(|template| match item.template_version {
                Some(version) => format!("{}@{version}", cut(template, NAME - 11)),
                None => cut(template, NAME),
            }),
        }
    }
}

impl Report {
    /// A total order of what belongs to a state, so that of two reports about one communication every merge keeps the
    /// same: the one further along, then the later one, and then any, as long as it is always that one.
    fn weight(&self) -> impl Ord {
        let Self { id, document, state, subject, at, channel, reason, template, .. } = self;
        (
            state.rank(),
            *at,
            state.name(),
            document.name(),
            channel.clone(),
            reason.clone(),
            template.clone(),
            subject.clone(),
            id.clone(),
        )
    }

    /// Takes in what another report about the same communication knows.
    fn join(&mut self, mut other: Self) {
        if other.weight() > self.weight() {
            std::mem::swap(self, &mut other);
        }
        // what belongs to no state: each by itself, so that the order of reports makes no difference
        self.period = cmp::max(self.period.take(), other.period);
        self.issue_of = cmp::max(self.issue_of.take(), other.issue_of);
        self.address = cmp::max(self.address.take(), other.address);
        self.link = cmp::max(self.link.take(), other.link);
        self.decision = cmp::max(self.decision.take(), other.decision);
        self.sent = earliest(self.sent, other.sent);
        self.delivered = earliest(self.delivered, other.delivered);
        self.failed = earliest(self.failed, other.failed);
    }
}

fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

/// A report as it is listed.
#[derive(Serialize, JsonSchema)]
struct Listed<'a> {
    #[serde(flatten)]
    report: &'a Report,
    /// What the document is called, by language: `en`, `de`, `fr`, `ar`, `he`.
    label: BTreeMap<&'static str, &'static str>,
}

impl<'a> Listed<'a> {
    fn new(report: &'a Report) -> Self {
        let label = Document::LANGUAGES.map(|language| (language, report.document.title(language)));
        Self { report, label: label.into() }
    }
}

/// What an order, customer or company location has been sent: the JSON of its status metafield.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "StatusMetafield")]
struct Value<'a> {
    /// The version of this format: 2.
    v: u32,
    /// The newest twenty, newest first.
    #[schemars(length(max = 20))]
    communications: Vec<Listed<'a>>,
}

/// The list, without duplicates.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    communications: BTreeMap<CommunicationId, Report>,
}

/// A value read from Shopify.
#[derive(Debug, PartialEq, Eq)]
pub struct Existing {
    pub status: Status,
    /// What was there could not be understood, or not in full, and is given up with the next write.
    pub damaged: bool,
    /// It is of the version before, and readers of this one want it written again.
    pub outdated: bool,
}

impl Status {
    /// Reads a metafield's value. Whatever it is, a status comes out of it: that somebody wrote something
    /// else there must not keep the merchant from being told.
    pub fn read(value: &str) -> Existing {
        #[derive(Deserialize)]
        struct Found<'a> {
            v: u32,
            #[serde(borrow)]
            communications: Vec<&'a RawValue>,
        }
        match serde_json::from_str::<Found<'_>>(value) {
            Ok(found) if matches!(found.v, VERSION | VERSION_BEFORE) => {
                let reports: Vec<_> = found
                    .communications
                    .iter()
                    .map(|raw| serde_json::from_str::<Report>(raw.get()))
                    .collect();
                let damaged = reports.iter().any(Result::is_err);
                let mut status = Self::default();
                reports.into_iter().flatten().for_each(|report| status.add(report));
                Existing { status, damaged, outdated: found.v != VERSION }
            }
            _ => Existing { status: Self::default(), damaged: true, outdated: false },
        }
    }

    /// Takes in a report. Of what belongs to a state, the weightier one about the same communication is kept.
    pub fn add(&mut self, report: Report) {
        match self.communications.get_mut(&report.id) {
            Some(known) => known.join(report),
            None => drop(self.communications.insert(report.id.clone(), report)),
        }
    }

    pub fn merge(&mut self, other: Self) {
        other.communications.into_values().for_each(|report| self.add(report));
    }

    /// The newest [`KEEP`], newest first.
    pub fn newest(&self) -> Vec<&Report> {
        let mut reports: Vec<_> = self.communications.values().collect();
        reports.sort_by_key(|report| (Reverse(report.at), &report.id));
        reports.truncate(KEEP);
        reports
    }

    /// The metafield's value.
    pub fn value(&self) -> Result<String, serde_json::Error> {
        let communications = self.newest().into_iter().map(Listed::new).collect();
        serde_json::to_string(&Value { v: VERSION, communications })
    }
}

/// One line that hides nothing, cut. What was cut so is not cut again.
fn cut(text: &str, most: usize) -> String {
    one_line(&one_line(text).chars().take(most).collect::<String>())
}

fn cut_decision(decision: Decision) -> Decision {
    Decision { actor: cut(&decision.actor, NAME), reason: cut(&decision.reason, TEXT), ..decision }
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.as_deref().map(|text| cut(text, TEXT)))
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.as_deref().map(|text| cut(text, NAME)))
}

fn decision<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decision>, D::Error> {
    Ok(Option::<Decision>::deserialize(deserializer)?.map(cut_decision))
}

#[cfg(test)]
mod tests;
