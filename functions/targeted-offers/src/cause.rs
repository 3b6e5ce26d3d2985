//! What an item is about: the typed part of its payload.

use comms::{Document, Flow, Gid};
use jiff::civil::Date;
use serde::Deserialize;
use work::WorkItem;

/// Why a customer may get something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    Joined(Gid),
    Campaign(Firing),
}

/// A campaign on the date it was due.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Firing {
    pub campaign: String,
    pub document: Document,
    pub period: Date,
    /// The date of the firing before, if offer-run knows of one.
    pub since: Option<Date>,
}

impl Cause {
    /// # Errors
    /// When the topic is none of this flow's, or the payload lacks what this type holds.
    pub fn read(item: &WorkItem, payload: Option<&str>) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Joined {
            segment_id: Gid,
        }
        let topic = item.trigger.topic.as_str();
        let payload = payload.ok_or_else(|| format!("the event {topic} came without its payload"));
        // the parser's message would quote the payload
        let unreadable = |_| format!("the payload of {topic} lacks what the event is about");
        if item.subject.kind() != "Customer" {
            return Err(format!("the event {topic} is about no customer"));
        }
        match topic {
            "customer.joined_segment" => {
                let joined: Joined = serde_json::from_str(payload?).map_err(unreadable)?;
                let segment = joined.segment_id.of_kind("Segment").map_err(|error| error.to_string())?;
                Ok(Self::Joined(segment))
            }
            "campaign" => {
                let firing: Firing = serde_json::from_str(payload?).map_err(unreadable)?;
                if firing.document.flow() != Flow::TargetedOffers {
                    return Err(format!("{} is a document of another flow", firing.document));
                }
                Ok(Self::Campaign(firing))
            }
            topic => Err(format!("the topic {topic} leads to no document of this flow")),
        }
    }
}
