//! Core Messaging's outbound SMS and WhatsApp, as far as they are known.
//!
//! As with e-mail, every accepted request is one more message. A member that no sample of OpenText's shows is refused, so
//! that nobody relies on one.

use crate::{
    answers,
    email_record::{Outcome, OutcomeRule},
    stub::ExstreamStub,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};
use stub_http::{Answer, Request};

/// Ten segments of GSM's alphabet.
const MAX_TEXT_CHARS: usize = 1530;

/// By which channel a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TextChannel {
    Sms,
    WhatsApp,
}

/// An accepted message.
#[derive(Debug, Clone, Serialize)]
pub struct TextRecord {
    pub channel: TextChannel,
    pub job_id: String,
    pub customer_reference: Option<String>,
    pub billing_code: Option<String>,
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// The number as it was given.
    pub number: String,
    pub text: Option<String>,
    pub template: Option<Template>,
    pub accepted_at: jiff::Timestamp,
    #[serde(skip)]
    pub(crate) outcome: Option<OutcomeRule>,
    #[serde(skip)]
    pub(crate) since: Instant,
}

/// Why a message is not accepted.
#[derive(Debug, thiserror::Error)]
enum TextRefusal {
    #[error("the body is not a message: {0}")]
    Unreadable(serde_json::Error),
    #[error("one destination is expected")]
    Destinations,
    #[error("a destination is not a telephone number")]
    Number,
    #[error("sms_text must have 1 to {MAX_TEXT_CHARS} characters")]
    Text,
    #[error("template_id and language_code are required")]
    Template,
    #[error("`{0}` is not a parameter of a template")]
    Parameter(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sms {
    #[serde(default)]
    options: Options,
    destinations: Vec<SmsDestination>,
    sms_text: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    billing_code: Option<String>,
    customer_reference: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SmsDestination {
    #[serde(rename = "ref")]
    reference: Option<String>,
    sms: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WhatsApp {
    destinations: Vec<WhatsAppDestination>,
    whatsapp_template_message: TemplateMessage,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WhatsAppDestination {
    whatsapp: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateMessage {
    template_message: ChannelTemplates,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelTemplates {
    channel_template: ChannelTemplate,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelTemplate {
    #[serde(rename = "WHATSAPP")]
    whatsapp: Template,
}

/// A template and the texts in its places.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    pub template_id: String,
    pub language_code: String,
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

impl ExstreamStub {
    pub(crate) async fn send_text(&self, channel: TextChannel, request: &Request) -> Answer {
        let latency = self.settings().latency_ms;
        if latency > 0 {
            tokio::time::sleep(Duration::from_millis(latency)).await;
        }
        let accepted = match channel {
            TextChannel::Sms => self.accept_sms(request),
            TextChannel::WhatsApp => self.accept_whatsapp(request),
        };
        match accepted {
            Ok(record) => {
                let answer = Answer::json(200, &json!({ "job_id": record.job_id }));
                self.texts.lock().unwrap_or_else(PoisonError::into_inner).push(record);
                answer
            }
            Err(refused) => answers::messaging_error(400, "invalid_request", &refused.to_string()),
        }
    }

    fn accept_sms(&self, request: &Request) -> Result<TextRecord, TextRefusal> {
        let message: Sms = serde_json::from_slice(&request.body).map_err(TextRefusal::Unreadable)?;
        let [destination] =
            <[SmsDestination; 1]>::try_from(message.destinations).map_err(|_| TextRefusal::Destinations)?;
        let length = message.sms_text.chars().count();
        if message.sms_text.trim().is_empty() || length > MAX_TEXT_CHARS {
            return Err(TextRefusal::Text);
        }
        Ok(TextRecord {
            customer_reference: message.options.customer_reference,
            billing_code: message.options.billing_code,
            reference: destination.reference,
            text: Some(message.sms_text),
            ..self.text(TextChannel::Sms, destination.sms)?
        })
    }

    fn accept_whatsapp(&self, request: &Request) -> Result<TextRecord, TextRefusal> {
        let message: WhatsApp = serde_json::from_slice(&request.body).map_err(TextRefusal::Unreadable)?;
        let [destination] = <[WhatsAppDestination; 1]>::try_from(message.destinations)
            .map_err(|_| TextRefusal::Destinations)?;
        let template = message.whatsapp_template_message.template_message.channel_template.whatsapp;
        if template.template_id.trim().is_empty() || template.language_code.trim().is_empty() {
            return Err(TextRefusal::Template);
        }
        if let Some(place) = template.parameters.keys().find(|place| !is_place(place)) {
            return Err(TextRefusal::Parameter(place.clone()));
        }
        Ok(TextRecord { template: Some(template), ..self.text(TextChannel::WhatsApp, destination.whatsapp)? })
    }

    fn text(&self, channel: TextChannel, number: String) -> Result<TextRecord, TextRefusal> {
        if !is_number(&number) {
            return Err(TextRefusal::Number);
        }
        Ok(TextRecord {
            channel,
            job_id: format!("xsi-{}", 1_000_000 + self.serial.fetch_add(1, Ordering::Relaxed)),
            customer_reference: None,
            billing_code: None,
            reference: None,
            number,
            text: None,
            template: None,
            accepted_at: jiff::Timestamp::now(),
            outcome: self.take_outcome(),
            since: Instant::now(),
        })
    }

    pub(crate) fn text_status(&self, channel: TextChannel, request: &Request) -> Answer {
        let Some(job_id) = request.parameter("job_id") else {
            return answers::messaging_error(400, "invalid_request", "job_id is missing");
        };
        let gone = || answers::messaging_error(404, "not_found", "the job does not exist");
        let texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(text) = texts.iter().find(|text| text.job_id == job_id && text.channel == channel) else {
            return gone();
        };
        let rule = self.outcome_of_text(text);
        if rule.outcome == Outcome::Gone {
            return gone();
        }
        let delay = rule.delay_ms.unwrap_or(self.settings().delivery_ms);
        let attempted =
            rule.outcome != Outcome::Silent && text.since.elapsed() >= Duration::from_millis(delay);
        let state = if attempted { json!(["Complete", "Posted"]) } else { json!(["Active"]) };
        Answer::json(
            200,
            &json!({
                "job_id": text.job_id,
                "job_state": state,
                "entry_time": text.accepted_at.to_string(),
                "deliveries": [delivery(text, &rule, attempted)],
            }),
        )
    }

    pub(crate) fn report_texts(&self) -> Answer {
        let texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        Answer::json(200, &json!({ "texts": *texts }))
    }
}

/// A text message is returned by nobody: it arrives or it does not.
fn delivery(text: &TextRecord, rule: &OutcomeRule, attempted: bool) -> Value {
    let fails = matches!(rule.outcome, Outcome::Bounced | Outcome::Returned);
    let (state, gamma_code) = if fails { ("Failed", 1103) } else { ("Sent", 0) };
    let attempt =
        json!({"state": state, "gamma_code": gamma_code, "first_attempt": text.accepted_at.to_string()});
    let mut delivery = json!({
        "delivery_attempts": if attempted { json!([attempt]) } else { json!([]) },
        "events": {},
    });
    match text.channel {
        TextChannel::Sms => {
            delivery["sms"] = json!(text.number);
            delivery["ref_base64"] = json!(text.reference.as_ref().map(|it| BASE64_STANDARD.encode(it)));
        }
        TextChannel::WhatsApp => delivery["whatsapp"] = json!(text.number),
    }
    delivery
}

/// Digits with a country's code, after `+`, `00` or nothing.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').or_else(|| text.strip_prefix("00")).unwrap_or(text);
    (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
}

fn is_place(name: &str) -> bool {
    let number = name.strip_prefix("body[").and_then(|rest| rest.strip_suffix("]text"));
    number.is_some_and(|it| it.parse::<u8>().is_ok_and(|it| it > 0))
}
