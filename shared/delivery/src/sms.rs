//! Text messages through OpenText Core Messaging.
//!
//! The request is that of OpenText's public samples. A message is charged by the segment: one that takes more than the
//! shop allows is not sent, and never cut, because what is cut off may be the link or the half of a sentence.

use crate::{DeliveryError, SendCall, messaging, wording};
use bytes::Bytes;
use comms::Segments;
use serde::Serialize;
use shop_config::{NumberPrefix, Sms, Use};

#[derive(Serialize)]
struct Message<'a> {
    options: Options<'a>,
    destinations: [Destination<'a>; 1],
    sms_text: &'a str,
}

#[derive(Serialize)]
struct Options<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_code: Option<&'a str>,
    customer_reference: &'a str,
}

#[derive(Serialize)]
struct Destination<'a> {
    #[serde(rename = "ref")]
    reference: &'a str,
    sms: &'a str,
}

/// What Core Messaging is asked to send.
pub(crate) fn message(call: &SendCall<'_>) -> Result<Bytes, DeliveryError> {
    let settings = call.config.delivery.sms.as_ref().ok_or(DeliveryError::Settings("there are none"))?;
    let number = call.recipient.mobile_number().ok_or(DeliveryError::NoNumber)?;
    let text = text(call, settings)?;
    let reference = call.communication.as_str();
    let message = Message {
        options: Options { billing_code: settings.billing_code.as_deref(), customer_reference: reference },
        destinations: [Destination { reference, sms: &dialled(&number, settings.number_prefix) }],
        sms_text: &text,
    };
    messaging::json(&message, 1024)
}

/// What was composed as the message; else the shop's text.
fn text(call: &SendCall<'_>, settings: &Sms) -> Result<String, DeliveryError> {
    let text = match call.outputs_for(Use::SmsText).next() {
        Some(output) => {
            let text = std::str::from_utf8(output.bytes).map_err(|_| DeliveryError::NoText)?;
            wording::plain(text)
        }
        None => wording::lines(call, &call.settings.sms).ok_or(DeliveryError::NoText)?,
    };
    if text.is_empty() {
        return Err(DeliveryError::NoText);
    }
    let (segments, most) = (Segments::of(&text).count, usize::from(settings.most_segments));
    if segments > most { Err(DeliveryError::TooLong { segments, most }) } else { Ok(text) }
}

/// A number of E.164 as the service is to dial it.
pub(crate) fn dialled(number: &str, prefix: NumberPrefix) -> String {
    format!("{}{}", prefix.as_str(), number.trim_start_matches('+'))
}
