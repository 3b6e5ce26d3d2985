//! What a document needs for the channels that it goes out by.

use crate::{
    Channel, DocumentConfig, Placeholders, ShopConfig, Use, WhatsAppTemplate, check::Check,
    placeholders::has_unsubscribe,
};
use comms::{Document, MessageClass, Segments};

/// As many as mail programs show of a subject, and a few more.
const MAX_SUBJECT_CHARS: usize = 200;
const MAX_MESSAGE_CHARS: usize = 4000;
/// Ten segments of GSM's alphabet.
const MAX_SMS_CHARS: usize = 1530;
/// What WhatsApp takes of a template's body.
const MAX_PARAMETER_CHARS: usize = 1024;
const MAX_TEMPLATE_CHARS: usize = 512;

/// The shortest address that a page can have: a token of 43 characters below a host.
const SHORTEST_LINK: &str = "https://a.co/d/0123456789012345678901234567890123456789012";

impl Check {
    pub(crate) fn channels(&mut self, config: &ShopConfig, document: Document, settings: &DocumentConfig) {
        let field = |name: &str| format!("documents.{document}.{name}");
        self.texts(&field("subject"), &settings.subject, MAX_SUBJECT_CHARS);
        self.messages(&field("message"), &settings.message, MAX_MESSAGE_CHARS);
        self.messages(&field("sms"), &settings.sms, MAX_SMS_CHARS);
        for (locale, template) in &settings.whatsapp {
            self.template(&field(&format!("whatsapp.{locale}")), template);
        }
        for channel in &settings.channels {
            match channel {
                Channel::Exstream | Channel::Print => {}
                Channel::Email => self.email(config, document, settings),
                Channel::Sms => self.sms(config, document, settings),
                Channel::WhatsApp => self.whatsapp(config, document, settings),
                Channel::Web if config.delivery.web.is_none() => {
                    self.fail(field("channels"), "`web` needs the section [delivery.web]");
                }
                Channel::Web => {}
            }
        }
        self.page(config, document, settings);
        if settings.class(document) != MessageClass::Marketing {
            for (name, texts) in [("message", &settings.message), ("sms", &settings.sms)] {
                if texts.values().any(|text| has_unsubscribe(text)) {
                    self.fail(field(name), "`{unsubscribe}` is for marketing");
                }
            }
        }
        self.next_channel(document, settings);
    }

    fn email(&mut self, config: &ShopConfig, document: Document, settings: &DocumentConfig) {
        let field = |name: &str| format!("documents.{document}.{name}");
        if config.delivery.email.is_none() {
            self.fail(field("channels"), "`email` needs the section [delivery.email]");
        }
        if !settings.subject.contains_key(&config.default_locale) {
            self.fail(
                field("subject"),
                format!("needs a subject for the default locale `{}`", config.default_locale),
            );
        }
    }

    /// The segments are known only when the message is filled in; what is too long even with nothing filled in is
    /// refused here.
    fn sms(&mut self, config: &ShopConfig, document: Document, settings: &DocumentConfig) {
        let field = |name: &str| format!("documents.{document}.{name}");
        if !settings.sms.contains_key(&config.default_locale) && !has(settings, Use::SmsText) {
            let what = format!("needs a text for the default locale `{}`", config.default_locale);
            self.fail(field("sms"), what);
        }
        let Some(sms) = &config.delivery.sms else {
            return self.fail(field("channels"), "`sms` needs the section [delivery.sms]");
        };
        let least = Placeholders {
            name: "",
            brand: &config.brand(document).name,
            link: SHORTEST_LINK,
            unsubscribe: SHORTEST_LINK,
        };
        for (locale, text) in &settings.sms {
            let segments = Segments::of(&least.fill(text)).count;
            if segments > usize::from(sms.most_segments) {
                let most = sms.most_segments;
                let what =
                    format!("takes {segments} segments or more; delivery.sms.most_segments allows {most}");
                self.fail(field(&format!("sms.{locale}")), what);
            }
        }
    }

    fn whatsapp(&mut self, config: &ShopConfig, document: Document, settings: &DocumentConfig) {
        let field = |name: &str| format!("documents.{document}.{name}");
        if !settings.whatsapp.contains_key(&config.default_locale) {
            let what = format!("needs a template for the default locale `{}`", config.default_locale);
            self.fail(field("whatsapp"), what);
        }
        if config.delivery.whatsapp.is_none() {
            self.fail(field("channels"), "`whatsapp` needs the section [delivery.whatsapp]");
        }
        if settings.class(document) == MessageClass::Marketing {
            self.fail(field("channels"), "`whatsapp` is not for marketing: Shopify records no consent to it");
        }
    }

    fn template(&mut self, field: &str, template: &WhatsAppTemplate) {
        for (name, text) in
            [("template_id", &template.template_id), ("language_code", &template.language_code)]
        {
            if text.trim().is_empty() || text.chars().count() > MAX_TEMPLATE_CHARS {
                self.fail(
                    format!("{field}.{name}"),
                    format!("must have 1 to {MAX_TEMPLATE_CHARS} characters"),
                );
            }
        }
        for (place, text) in &template.parameters {
            if !is_place(place) {
                self.fail(field, format!("`{place}` is not a place of a template, such as `body[1]text`"));
            }
            self.message(&format!("{field}.{place}"), text, MAX_PARAMETER_CHARS);
        }
    }

    /// What is needed for the page that the document itself, or a text that leads to it, is shown by.
    fn page(&mut self, config: &ShopConfig, document: Document, settings: &DocumentConfig) {
        let field = |name: &str| format!("documents.{document}.{name}");
        let linking = settings.channels.iter().find(|channel| settings.links_to_page(**channel));
        if let Some(channel) = linking
            && config.delivery.web.is_none()
        {
            self.fail(field(channel.text_field()), "`{link}` needs the section [delivery.web]");
        }
        let has_page = linking.is_some() || settings.channels.contains(&Channel::Web);
        if has_page && !has(settings, Use::Web) {
            self.fail(
                field("outputs"),
                "none is for a page: use `web`, or one that is PDF, HTML or plain text",
            );
        }
    }

    fn next_channel(&mut self, document: Document, settings: &DocumentConfig) {
        if settings.next_channel_on.is_empty() {
            return;
        }
        let field = format!("documents.{document}.next_channel_on");
        if settings.channels.len() < 2 {
            self.fail(&field, "needs a second channel in `channels`");
        }
        if settings.channels.contains(&Channel::Exstream) {
            self.fail(&field, "cannot be used with the channel `exstream`, which sends while it composes");
        }
        if settings.class(document) == MessageClass::Marketing {
            self.fail(&field, "is not for marketing: who did not get an offer is not pursued");
        }
    }
}

impl Channel {
    /// The setting of a document that holds what the channel says.
    const fn text_field(self) -> &'static str {
        match self {
            Self::Email => "message",
            Self::Sms => "sms",
            Self::WhatsApp => "whatsapp",
            Self::Exstream | Self::Print | Self::Web => "outputs",
        }
    }
}

/// Whether the composition yields something for this.
fn has(settings: &DocumentConfig, wanted: Use) -> bool {
    settings.outputs().iter().any(|output| wanted.is_among(output.uses.list(), &output.media_type))
}

/// `body[1]text` and so on: the only places that OpenText shows.
fn is_place(name: &str) -> bool {
    let number = name.strip_prefix("body[").and_then(|rest| rest.strip_suffix("]text"));
    number.is_some_and(|number| {
        (1..=2).contains(&number.len())
            && number.bytes().all(|b| b.is_ascii_digit())
            && !number.starts_with('0')
    })
}

#[cfg(test)]
mod tests;
