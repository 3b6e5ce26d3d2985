//! E-mail through OpenText Core Messaging.
//!
//! Request and answer are those of OpenText's public API description, but for one thing: the
//! `attachments` member of a request is inferred from the documented `body` and from the `attachments` of a
//! status answer.

use crate::{
    DeliveryError, SendCall, SendOutput, messaging,
    wording::{self, header_text},
};
use base64::{display::Base64Display, prelude::BASE64_STANDARD};
use bytes::Bytes;
use comms::Format;
use serde::{Serialize, Serializer};
use shop_config::Use;

#[derive(Serialize)]
struct Message<'a> {
    options: Options<'a>,
    destinations: [Destination<'a>; 1],
    body: [Part<'a>; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<Part<'a>>,
}

#[derive(Serialize)]
struct Options<'a> {
    message_id: &'a str,
    customer_reference: &'a str,
    email_options: EmailOptions<'a>,
}

#[derive(Serialize)]
struct EmailOptions<'a> {
    subject: &'a str,
    from_display_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    forward_reply: Option<&'a str>,
    charset: &'static str,
}

#[derive(Serialize)]
struct Destination<'a> {
    #[serde(rename = "ref")]
    reference: &'a str,
    email: &'a str,
}

#[derive(Serialize)]
struct Part<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    charset: Option<&'static str>,
    /// Written as base64 straight into the request.
    #[serde(serialize_with = "base64")]
    data: &'a [u8],
}

fn base64<S: Serializer>(data: &&[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Base64Display::new(data, &BASE64_STANDARD))
}

const UTF8: &str = "UTF-8";

/// What Core Messaging is asked to send.
pub(crate) fn message(call: &SendCall<'_>) -> Result<Bytes, DeliveryError> {
    let id = call.communication.as_str();
    let email = call.recipient.usable_email().ok_or(DeliveryError::NoAddress)?;
    let brand = call.config.brand(call.document);
    let sender = header_text(brand.sender.as_ref().unwrap_or(&brand.name));
    let subject = wording::subject(call);
    let attached: Vec<_> = call.outputs_for(Use::EmailAttachment).collect();
    let names = wording::file_names(call, &attached);
    let text;
    let body = match call.outputs_for(Use::EmailBody).next() {
        Some(output) => body_part(call, output)?,
        None if attached.is_empty() => return Err(call.no_output(Use::EmailBody)),
        None => {
            text = wording::message(call);
            Part { name: "message.txt", kind: "text", charset: Some(UTF8), data: text.as_bytes() }
        }
    };
    let attachments: Vec<_> = names
        .iter()
        .zip(&attached)
        .map(|(name, output)| Part { name, kind: "pdf", charset: None, data: &output.bytes[..] })
        .collect();
    let bytes: usize = attachments.iter().map(|part| part.data.len()).sum::<usize>() + body.data.len();
    let message = Message {
        options: Options {
            message_id: id,
            customer_reference: id,
            email_options: EmailOptions {
                subject: &subject,
                from_display_name: &sender,
                forward_reply: brand.reply_to.as_deref(),
                charset: UTF8,
            },
        },
        destinations: [Destination { reference: id, email }],
        body: [body],
        attachments,
    };
    messaging::json(&message, bytes / 3 * 4 + 2048)
}

/// An output as the message's text.
fn body_part<'a>(call: &SendCall<'_>, output: &'a SendOutput<'_>) -> Result<Part<'a>, DeliveryError> {
    let (name, kind) = match Format::of(output.media_type) {
        Some(Format::Html) => ("document.html", "html"),
        Some(Format::Text) => ("document.txt", "text"),
        _ => return Err(DeliveryError::media_type(call.channel, output.media_type)),
    };
    Ok(Part { name, kind, charset: Some(UTF8), data: &output.bytes[..] })
}
