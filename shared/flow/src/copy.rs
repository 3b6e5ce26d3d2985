//! The archived bytes of an earlier issue as a communication of their own: what it says and what it is composed of,
//! from the record alone.

use crate::{content::Content, context::Attempt, document_bytes::archived_bytes, halt::Halt};
use archive::{About, Composed, ComposedOutput, Details, EvidenceRecord};
use bytes::Bytes;
use delivery::{Phone, Recipient};
use shop_config::Channel;

/// The document as its record describes it.
pub fn content(record: &EvidenceRecord) -> Content {
    let recipient = record.recipient.as_ref();
    let driver = record.driver_data.data.as_ref().map(|data| Bytes::copy_from_slice(data.get().as_bytes()));
    Content {
        driver: driver.unwrap_or_default(),
        known_customer: record.customer.as_ref().and_then(|key| key.parse().ok()),
        name: record.name.clone(),
        postal_address: recipient.and_then(|it| it.postal_address.clone()),
        test: record.test,
        ..Content::empty(
            record.driver_data.schema.clone(),
            Recipient {
                name: recipient.and_then(|it| it.name.clone()),
                email: recipient.and_then(|it| it.email.clone()),
                phones: recipient.and_then(|it| it.phone.clone()).map(e164).into_iter().collect(),
                locale: record.locale.clone(),
            },
        )
    }
}

fn e164(number: String) -> Phone {
    Phone { number, country: None }
}

/// The earlier issue's bytes, of all its outputs, as this communication's document.
///
/// # Errors
/// When the archive does not answer, or the channel cannot send archived bytes.
pub async fn composed(
    attempt: &Attempt<'_>,
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
    let bytes = archived_bytes(attempt, record.outputs.iter()).await?;
    let mut outputs = record.outputs.iter().zip(bytes).map(|(output, bytes)| ComposedOutput {
        bytes,
        media_type: output.media_type.clone(),
        about: About {
            uses: output.uses.clone(),
            pages: output.pages,
            pdf: output.pdf.clone(),
            queue: output.queue.clone(),
            fetched: output.fetched.clone(),
            file_name: output.file_name.clone(),
            customer_number: output.customer_number.clone(),
        },
    });
    let primary = outputs.next().ok_or_else(|| Halt::Failed("the record names no output".to_owned()))?;
    Ok(Composed {
        primary,
        further: outputs.collect(),
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
        },
    })
}
