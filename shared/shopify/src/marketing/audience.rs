//! Who a campaign goes to: the members of a segment, page by page.

use crate::{
    AdminApi, AdminError, Call, Malformed, Rows, Unread, UserError, admin::Operation, connection::PageInfo,
    decode::list,
};
use comms::Gid;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::json;

/// Members a page. Few enough that what is done for a page is done in seconds.
pub(crate) const MEMBERS: u32 = 250;

const PAGE: Operation =
    Operation { name: "SegmentMembers", text: include_str!("../../graphql/segment_members.graphql") };
const PREPARE: Operation = Operation {
    name: "SegmentMembersPrepare",
    text: include_str!("../../graphql/segment_members_prepare.graphql"),
};
const PREPARED: Operation = Operation {
    name: "SegmentMembersPrepared",
    text: include_str!("../../graphql/segment_members_prepared.graphql"),
};

/// Where the members come from.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    Segment(&'a Gid),
    /// In Shopify's segment query language. Relative dates are in the shop's time zone.
    Query(&'a str, &'a TimeZone),
    /// What [`AdminApi::prepare_audience`] answered. Its id holds more than a number.
    Prepared(&'a str),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudiencePage {
    pub customers: Vec<Gid>,
    /// Members that cannot be read; the others do not wait for them.
    pub unread: Vec<Unread>,
    /// Where the next members begin. Without it, these were the last.
    pub next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    customer_segment_members: Members,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    page_info: PageInfo,
    edges: Rows<Edge>,
}

#[derive(Deserialize)]
struct Edge {
    node: Member,
}

#[derive(Deserialize)]
struct Member {
    id: Gid,
}

#[derive(Deserialize)]
struct Created {
    #[serde(rename = "customerSegmentMembersQueryCreate")]
    payload: Option<Payload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    customer_segment_members_query: Option<Query>,
    #[serde(deserialize_with = "list")]
    user_errors: Vec<UserError>,
}

#[derive(Deserialize)]
struct Query {
    id: String,
}

impl AdminApi {
    /// A page of the members of an audience.
    pub async fn audience(
        &self,
        call: Call<'_>,
        source: Source<'_>,
        after: Option<&str>,
    ) -> Result<AudiencePage, AdminError> {
        let mut variables = json!({"first": MEMBERS, "after": after});
        match source {
            Source::Segment(segment) => variables["segment"] = segment.as_str().into(),
            Source::Query(query, zone) => {
                variables["query"] = query.into();
                variables["timezone"] = zone.iana_name().into();
            }
            Source::Prepared(id) => variables["prepared"] = id.into(),
        }
        let data = self.execute(call, PAGE, variables).await?;
        let members = data.read::<Answer>()?.customer_segment_members;
        let (mut customers, mut unread) = (Vec::new(), members.edges.unread);
        for Edge { node: Member { id } } in members.edges.read {
            match customer_of(&id) {
                Some(customer) => customers.push(customer),
                None => {
                    unread.push(Unread {
                        id: Some(id),
                        source: Malformed::new("id", "is not that of a customer"),
                    });
                }
            }
        }
        Ok(AudiencePage { customers, unread, next: members.page_info.next() })
    }

    /// Asks Shopify to look up an audience in its own time; answers the look-up's id.
    pub async fn prepare_audience(&self, call: Call<'_>, source: Source<'_>) -> Result<String, AdminError> {
        let input = match source {
            Source::Segment(segment) => json!({"segmentId": segment}),
            Source::Query(query, _) => json!({"query": query}),
            Source::Prepared(id) => return Ok(id.to_owned()),
        };
        let data = self.execute(call, PREPARE, json!({"input": input})).await?;
        let no_data = || AdminError::NoData { operation: PREPARE.name };
        let payload = data.read::<Created>()?.payload.ok_or_else(no_data)?;
        if !payload.user_errors.is_empty() {
            return Err(AdminError::UserErrors { operation: PREPARE.name, errors: payload.user_errors });
        }
        payload.customer_segment_members_query.map(|query| query.id).ok_or_else(no_data)
    }

    /// Whether a look-up is done. Nothing, if Shopify does not know it any more.
    pub async fn audience_is_prepared(&self, call: Call<'_>, id: &str) -> Result<Option<bool>, AdminError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            customer_segment_members_query: Option<Job>,
        }
        #[derive(Deserialize)]
        struct Job {
            done: bool,
        }
        let data = self.execute(call, PREPARED, json!({"id": id})).await?;
        Ok(data.read::<Answer>()?.customer_segment_members_query.map(|job| job.done))
    }
}

/// A member has the number of the customer it is.
fn customer_of(member: &Gid) -> Option<Gid> {
    Some(Gid::new("Customer", member.number().parse().ok()?))
}
