//! A further issue of a communication that a person asked for: a communication of its own, whose revision
//! names the request and whose record says who asked and why.
//!
//! By default the archived bytes are issued again, from the first issue's record alone: neither Shopify nor
//! Exstream is asked, so what goes out is what went out. Composing again is the correction, from what Shopify
//! has now. What was only rehearsed has no bytes that may go out.

use crate::{
    document_flow::{Content, Plan},
    job::{Halt, Job, Tools},
    produce,
};
use archive::{Composed, Details, EvidenceRecord, is_test};
use bytes::Bytes;
use delivery::Recipient;
use shop_config::Channel;
use std::time::Duration;
use work::{Resend, Retry, WorkItem};

/// What is to be issued again, and as what.
pub struct Again {
    pub plan: Plan,
    pub resend: Resend,
    /// The first issue's record, where its bytes are to go out again.
    pub copy_of: Option<EvidenceRecord>,
}

impl Again {
    pub async fn load(tools: &Tools, item: &WorkItem, resend: &Resend) -> Result<Self, Retry> {
        // no wait makes it possible: such a request goes to the dead letters without one
        let refuse = |why: &str| Retry {
            after: Some(Duration::ZERO),
            ..Retry::new(format!("{} cannot be issued again: {why}", resend.of))
        };
        let entry = tools.ledger.get(&resend.of).await.map_err(|error| Retry::of(&error))?;
        let entry = entry.filter(|entry| entry.shop == item.shop && entry.flow == item.flow);
        let entry =
            entry.ok_or_else(|| refuse("the ledger has no such communication of this shop and flow"))?;
        let copy_of = match (&entry.archived, resend.recompose) {
            (_, true) => None,
            (Some(archived), false) if is_test(&archived.archive_key) => {
                return Err(refuse("it is of a test order or a dry run; ask for it to be composed again"));
            }
            (Some(archived), false) => {
                let record = tools.archive.record_of(&archived.archive_key, &archived.record_version).await;
                Some(record.map_err(|error| Retry::of(&error))?.0)
            }
            (None, false) => {
                return Err(refuse("nothing of it is archived; ask for it to be composed again"));
            }
        };
        let plan = Plan {
            document: entry.document,
            subject: entry.subject,
            revision: resend.revision.clone(),
            reported_on: entry.reported_on,
            wanted: true,
        };
        Ok(Self { plan, resend: resend.clone(), copy_of })
    }
}

/// The document as its record describes it.
pub fn content(record: &EvidenceRecord) -> Content {
    let recipient = record.recipient.as_ref();
    let driver = record.driver_data.data.as_ref().map(|data| Bytes::copy_from_slice(data.get().as_bytes()));
    Content {
        driver: driver.unwrap_or_default(),
        known_customer: record.customer.as_ref().and_then(|key| key.parse().ok()),
        name: record.name.clone(),
        test: record.test,
        ..Content::empty(
            record.driver_data.schema.clone(),
            Recipient {
                name: recipient.and_then(|it| it.name.clone()),
                email: recipient.and_then(|it| it.email.clone()),
                locale: record.locale.clone(),
            },
        )
    }
}

/// The first issue's bytes, as this communication's document.
pub async fn composed(
    job: &Job<'_>,
    record: &EvidenceRecord,
    channel: Option<Channel>,
    retention_days: u16,
) -> Result<Composed, Halt> {
    if channel == Some(Channel::Exstream) {
        return Err(Halt::Failed(
            "Exstream sends while it composes, so it cannot send archived bytes; ask for it to be composed again"
                .to_owned(),
        ));
    }
    let bytes = produce::archived_bytes(job, &record.output).await?;
    Ok(Composed {
        bytes,
        media_type: record.output.media_type.clone(),
        details: Details {
            composed_at: record.composed_at,
            driver_sha256: record.driver_data.sha256.clone(),
            driver_format: record.driver_data.format.clone(),
            schema: record.driver_data.schema.clone(),
            template: record.template.clone(),
            locale: record.locale.clone(),
            channel: channel.map(|channel| channel.name().to_owned()),
            configuration: record.configuration.clone(),
            retention_days,
            pages: record.output.pages,
            pdf: record.output.pdf.clone(),
            queue: record.output.queue.clone(),
            file_name: record.output.file_name.clone(),
            customer_number: record.output.customer_number.clone(),
        },
    })
}
