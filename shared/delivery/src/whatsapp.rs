//! WhatsApp template messages through OpenText Core Messaging.
//!
//! The request is that of OpenText's public samples and nothing more: a template that was approved, its language, and
//! texts for the places in its body. Neither a reference of the client's nor pictures, buttons or free text are
//! documented for it, so none are sent.

use crate::{DeliveryError, SendCall, messaging, sms::dialled, wording};
use bytes::Bytes;
use serde::Serialize;
use shop_config::in_locale;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Message<'a> {
    destinations: [Destination<'a>; 1],
    whatsapp_template_message: TemplateMessage<'a>,
}

#[derive(Serialize)]
struct Destination<'a> {
    whatsapp: &'a str,
}

#[derive(Serialize)]
struct TemplateMessage<'a> {
    template_message: ChannelTemplates<'a>,
}

#[derive(Serialize)]
struct ChannelTemplates<'a> {
    channel_template: ChannelTemplate<'a>,
}

#[derive(Serialize)]
struct ChannelTemplate<'a> {
    #[serde(rename = "WHATSAPP")]
    whatsapp: Template<'a>,
}

#[derive(Serialize)]
struct Template<'a> {
    template_id: &'a str,
    language_code: &'a str,
    parameters: BTreeMap<&'a str, String>,
}

/// What Core Messaging is asked to send.
pub(crate) fn message(call: &SendCall<'_>) -> Result<Bytes, DeliveryError> {
    let settings = call.config.delivery.whatsapp.as_ref().ok_or(DeliveryError::Settings("there are none"))?;
    let number = call.recipient.mobile_number().ok_or(DeliveryError::NoNumber)?;
    let (templates, locale) = (&call.settings.whatsapp, &call.recipient.locale);
    let template = in_locale(templates, locale, &call.config.default_locale).ok_or(DeliveryError::NoText)?;
    let parameters = template
        .parameters
        .iter()
        .map(|(place, text)| (place.as_str(), wording::filled(call, text)))
        .collect();
    let message = Message {
        destinations: [Destination { whatsapp: &dialled(&number, settings.number_prefix) }],
        whatsapp_template_message: TemplateMessage {
            template_message: ChannelTemplates {
                channel_template: ChannelTemplate {
                    whatsapp: Template {
                        template_id: &template.template_id,
                        language_code: &template.language_code,
                        parameters,
                    },
                },
            },
        },
    };
    messaging::json(&message, 1024)
}
