//! What an item is about: the typed part of its payload.

use comms::{Document, Flow, Gid, Revision};
use flow::{Event, Gather, GatherError, Plan, PlanError, Planned};
use jiff::civil::Date;
use serde::Deserialize;
use shop_config::ShopConfig;
use work::WorkItem;

pub const JOINED_SEGMENT: &str = "customer.joined_segment";
/// The topic of the items that offer-run makes.
pub const CAMPAIGN: &str = "campaign";

/// Why a customer gets a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    Joined(Gid),
    Campaign(Firing),
}

/// A campaign on one of its dates.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Firing {
    pub campaign: String,
    pub document: Document,
    pub period: Date,
    /// The date of the previous firing, if offer-run knows of one.
    pub since: Option<Date>,
}

impl Firing {
    /// Whether the campaign still is what it was when it fired.
    pub fn is_configured(&self, config: &ShopConfig) -> bool {
        let campaign = config.marketing.campaigns.get(&self.campaign);
        campaign.is_some_and(|campaign| campaign.document == self.document)
    }
}

impl Cause {
    /// Reads `segment_id` of `customer.joined_segment`; `campaign`, `document`, `period` and `since` of `campaign`.
    ///
    /// # Errors
    /// When the topic is none of this flow's, or the payload lacks what this type holds.
    pub fn read(item: &WorkItem, payload: Option<&str>) -> Result<Self, PlanError> {
        #[derive(Deserialize)]
        struct Joined {
            segment_id: Gid,
        }
        let topic = item.trigger.topic.as_str();
        let payload = payload.ok_or_else(|| PlanError::NoPayload { topic: topic.to_owned() });
        // the parser's message would quote the payload
        let unreadable =
            |_| PlanError::Item(format!("the payload of {topic} lacks what the event is about").into());
        if item.subject.kind() != "Customer" {
            return Err(PlanError::Item(format!("the event {topic} is about no customer").into()));
        }
        match topic {
            JOINED_SEGMENT => {
                let joined: Joined = serde_json::from_str(payload?).map_err(unreadable)?;
                Ok(Self::Joined(joined.segment_id.of_kind("Segment")?))
            }
            CAMPAIGN => {
                let firing: Firing = serde_json::from_str(payload?).map_err(unreadable)?;
                if firing.document.flow() != Flow::TargetedOffers {
                    let reason = format!("{} is a document of another flow", firing.document);
                    return Err(PlanError::Item(reason.into()));
                }
                Ok(Self::Campaign(firing))
            }
            topic => Err(PlanError::Topic { topic: topic.to_owned() }),
        }
    }
}

/// What a firing leads to, of a document: one communication per campaign and date.
pub fn campaign_plan(event: &Event<'_>, firing: &Firing, document: Document) -> Planned {
    if firing.document != document {
        return Planned::none();
    }
    let plan = event.plan(document);
    let revision = Revision::named(format!("{}-{}", firing.campaign, firing.period));
    let wanted = plan.wanted && firing.is_configured(event.config);
    Planned::one(Plan { revision, wanted, ..plan })
}

/// The firing that a document follows from which only campaigns lead to.
pub fn campaign(gather: &Gather<'_>) -> Result<(Cause, Firing), GatherError> {
    let cause = Cause::read(gather.item, gather.payload).map_err(GatherError::unusable)?;
    match &cause {
        Cause::Campaign(firing) => {
            let firing = firing.clone();
            Ok((cause, firing))
        }
        Cause::Joined(_) => {
            let document = gather.plan.document;
            Err(GatherError::permanent(format!("{document} does not follow from this event")))
        }
    }
}
