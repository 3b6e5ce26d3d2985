//! Service gateway of the 16.x communications server.
//!
//! Known from one documented exchange, whose `status` is blank: a blank or absent status is taken as "not
//! stated", and then the outputs decide. JSON driver data is sent as `application/json`, by analogy; the
//! documented example is XML.

use crate::{
    ExstreamError, Outgoing, Output, Reply,
    answer::{decode, file_name, remote_media_type, reported_failure, unparsable},
    request::{self, headers, outgoing},
    text::Text,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::Value;
use shop_config::{DocumentConfig, DriverFormat, Exstream};

const PATH: &str = "/{tenant}/sgw/v1/communications?name={service}&version=1";

pub(crate) fn request(
    settings: &Exstream,
    document: &DocumentConfig,
    driver: &[u8],
) -> Result<Outgoing, ExstreamError> {
    let values = [
        ("tenant", settings.domain.as_str()),
        ("service", &document.communication),
        ("domain", &settings.domain),
    ];
    let url = request::url(settings.base_url.as_str(), settings.path.as_deref().unwrap_or(PATH), &values)?;
    let media_type = match document.driver_format {
        DriverFormat::Json => "application/json",
        DriverFormat::Xml => "text/xml",
    };
    // written by hand, into one buffer: base64 and the media types need no escaping
    let mut body = String::with_capacity(driver.len() / 3 * 4 + 64);
    body.push_str(r#"{"contentType":""#);
    body.push_str(media_type);
    body.push_str(r#"","data":""#);
    BASE64_STANDARD.encode_string(driver, &mut body);
    body.push_str(r#""}"#);
    Ok(outgoing(url, headers(settings, [(CONTENT_TYPE, "application/json")])?, Bytes::from(body), settings))
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(default)]
    status: Value,
    #[serde(borrow)]
    data: Option<Data<'a>>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    result: Option<Vec<Item<'a>>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, rename = "Content-Disposition", default)]
    disposition: Vec<Text<'a>>,
    #[serde(borrow)]
    content: Option<Content<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content<'a> {
    #[serde(borrow)]
    data: Option<Text<'a>>,
    #[serde(borrow)]
    content_type: Option<Text<'a>>,
}

pub(crate) fn read(reply: &Reply, driver: &[u8]) -> Result<Vec<Output>, ExstreamError> {
    let answer: Answer<'_> =
        serde_json::from_slice(&reply.body).map_err(|error| unparsable(&error, &reply.body, driver))?;
    if !says_success(&answer.status) {
        return Err(reported_failure(&reply.body, driver));
    }
    let results = answer.data.and_then(|data| data.result).unwrap_or_default();
    results.into_iter().enumerate().map(output).collect()
}

fn says_success(status: &Value) -> bool {
    match status {
        Value::Null => true,
        Value::String(text) => ["", "success", "ok", "200"].iter().any(|it| text.eq_ignore_ascii_case(it)),
        Value::Number(number) => number.as_u64() == Some(200),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

fn output((index, item): (usize, Item<'_>)) -> Result<Output, ExstreamError> {
    let content = item.content.ok_or(ExstreamError::NoContent { index })?;
    Ok(Output {
        bytes: decode(index, content.data)?,
        mime_type: remote_media_type(content.content_type.as_ref().map(|Text(text)| text.as_ref())),
        queue: None,
        file_name: item.disposition.iter().find_map(|Text(text)| file_name(text)),
        customer_number: None,
    })
}
