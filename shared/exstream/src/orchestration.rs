//! Orchestration REST of Exstream Cloud Native and SaaS, on demand.
//!
//! Request and envelope are those of OpenText's own samples. Asked for raw output (`answer = "raw"`),
//! Exstream answers with the document itself; the answer's media type decides which of the two it is, so an
//! error in an envelope is read as an error either way.

use crate::{
    ExstreamError, Outgoing, Output, Reply,
    answer::{decode, file_name, remote_media_type, reported_failure, unparsable},
    exchange::media_type,
    request::{self, headers, outgoing},
    text::{Text, nonempty},
};
use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Deserialize;
use shop_config::{Answer, DocumentConfig, DriverFormat, Exstream};

const PATH: &str = "/orchestration/api/v1/inputs/ondemand/{domain}/{service}";

pub(crate) fn request(
    settings: &Exstream,
    document: &DocumentConfig,
    driver: Bytes,
) -> Result<Outgoing, ExstreamError> {
    let values =
        [("domain", settings.domain.as_str()), ("service", &settings.service), ("tenant", &settings.domain)];
    let url = request::url(settings.base_url.as_str(), settings.path.as_deref().unwrap_or(PATH), &values)?;
    let media_type = match document.driver_format {
        DriverFormat::Json => "application/json",
        DriverFormat::Xml => "application/xml",
    };
    let own = [
        (HeaderName::from_static("communicationid"), document.communication.as_str()),
        (HeaderName::from_static("driverdatasource"), &document.data_source),
        (CONTENT_TYPE, media_type),
    ];
    let mut headers = headers(settings, own)?;
    let optional = [
        (HeaderName::from_static("empoweruser"), document.empower_user.as_deref()),
        (ACCEPT, (document.answer == Answer::Raw).then(|| document.primary_media_type())),
    ];
    for (name, value) in optional.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        let value = HeaderValue::from_str(value)
            .map_err(|_| ExstreamError::Settings("a setting of the document cannot be sent as a header"))?;
        headers.entry(name).or_insert(value);
    }
    Ok(outgoing(url, headers, driver, settings))
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    data: Option<Vec<Item<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    #[serde(borrow)]
    content: Option<Text<'a>>,
    #[serde(borrow)]
    mime_type: Option<Text<'a>>,
    #[serde(borrow)]
    engine_output_context: Option<Context<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    #[serde(borrow)]
    queue_name: Option<Text<'a>>,
    #[serde(borrow)]
    file_name: Option<Text<'a>>,
    #[serde(borrow)]
    customer_number: Option<Text<'a>>,
}

pub(crate) fn read(
    reply: Reply,
    document: &DocumentConfig,
    driver: &[u8],
) -> Result<Vec<Output>, ExstreamError> {
    let found = reply.media_type.as_deref().unwrap_or_default();
    let expected = media_type(document.primary_media_type());
    let is_json = found == "application/json";
    if found == expected && (document.answer == Answer::Raw || !is_json) {
        let file_name = reply.disposition.as_deref().and_then(file_name);
        let (queue, customer_number) = (None, None);
        return Ok(vec![Output {
            bytes: reply.body,
            mime_type: expected,
            queue,
            file_name,
            customer_number,
        }]);
    }
    if document.answer == Answer::Raw && !is_json {
        return Err(ExstreamError::UnexpectedMediaType { expected, found: remote_media_type(Some(found)) });
    }
    envelope(&reply.body, driver)
}

fn envelope(body: &[u8], driver: &[u8]) -> Result<Vec<Output>, ExstreamError> {
    let envelope: Envelope<'_> =
        serde_json::from_slice(body).map_err(|error| unparsable(&error, body, driver))?;
    let success = envelope.status.as_ref().map(|Text(status)| status.eq_ignore_ascii_case("success"));
    match (success, envelope.data) {
        (Some(true), data) => data.unwrap_or_default().into_iter().enumerate().map(output).collect(),
        (Some(false), _) => Err(reported_failure(body, driver)),
        (None, _) => Err(match reported_failure(body, driver) {
            ExstreamError::Failed(fault) if fault == crate::Fault::default() => {
                ExstreamError::Unintelligible("an envelope without a status")
            }
            failure => failure,
        }),
    }
}

fn output((index, item): (usize, Item<'_>)) -> Result<Output, ExstreamError> {
    let context = item.engine_output_context.unwrap_or_default();
    Ok(Output {
        bytes: decode(index, item.content)?,
        mime_type: remote_media_type(item.mime_type.as_ref().map(|Text(text)| text.as_ref())),
        queue: nonempty(context.queue_name),
        file_name: nonempty(context.file_name),
        customer_number: nonempty(context.customer_number),
    })
}
