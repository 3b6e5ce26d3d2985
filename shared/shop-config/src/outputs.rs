//! The outputs of one composition: which there are, what tells them apart, and what each is for.

use crate::{Adapter, Answer, Channel, DocumentConfig, ShopConfig, check::Check};
use comms::{Document, Format, is_one_line, names};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap};

/// What a document has if its configuration says nothing of outputs.
const DEFAULT_OUTPUT: &str = "application/pdf";

/// As many as the archive lists beside the first one.
pub(crate) const MAX_OUTPUTS: usize = 8;

/// Longer queues are no names of Exstream's, and do not fit where evidence keeps them.
const MAX_QUEUE_BYTES: usize = 128;

/// A registered media type is shorter.
const MAX_MEDIA_TYPE_BYTES: usize = 80;

/// File systems take 255 bytes; what stands for a placeholder is longer than its name.
pub(crate) const MAX_FILE_NAME_CHARS: usize = 80;

names! {
    /// What an output is for.
    Use, "use", {
        /// The text of an e-mail. `text/html` or `text/plain`.
        EmailBody = "email-body",
        /// Attached to an e-mail. `application/pdf`.
        EmailAttachment = "email-attachment",
        /// The text of a short message. `text/plain`.
        SmsText = "sms-text",
        /// Spooled for a print provider. PDF, HTML, AFP, PCL, PostScript or TIFF.
        Print = "print",
        /// Published for its customer. `application/pdf`, `text/html` or `text/plain`.
        Web = "web",
        /// Only archived. Any media type.
        Archive = "archive",
    }
}

impl Use {
    /// Whether an output of this format can be used so.
    pub fn fits(self, format: Option<Format>) -> bool {
        match self {
            Self::EmailBody => matches!(format, Some(Format::Html | Format::Text)),
            Self::EmailAttachment => format == Some(Format::Pdf),
            Self::SmsText => format == Some(Format::Text),
            Self::Print => format.is_some_and(Format::is_printable),
            Self::Web => matches!(format, Some(Format::Pdf | Format::Html | Format::Text)),
            Self::Archive => true,
        }
    }

    /// Whether an output is for this. `uses` is empty for a document's only output: every channel takes that as far as
    /// its format allows.
    pub fn is_among(self, uses: &[Self], media_type: &str) -> bool {
        match uses {
            [] => self.fits(Format::of(media_type)),
            uses => uses.contains(&self),
        }
    }

    /// The media types that [`fits`](Self::fits) takes, for people.
    const fn formats(self) -> &'static str {
        match self {
            Self::EmailBody => "text/html or text/plain",
            Self::EmailAttachment => "application/pdf",
            Self::SmsText => "text/plain",
            Self::Print => "PDF, HTML, AFP, PCL, PostScript or TIFF",
            Self::Web => "application/pdf, text/html or text/plain",
            Self::Archive => "of any media type",
        }
    }

    /// The channel that takes it.
    const fn channel(self) -> Option<Channel> {
        match self {
            Self::EmailBody | Self::EmailAttachment => Some(Channel::Email),
            Self::Print => Some(Channel::Print),
            Self::SmsText => Some(Channel::Sms),
            // a page is also what messages lead to
            Self::Web | Self::Archive => None,
        }
    }
}

/// One use or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "expected one of email-body, email-attachment, sms-text, print, web, archive, or a list of them"
)]
pub enum Uses {
    One(Use),
    Several(Vec<Use>),
}

impl Uses {
    pub fn list(&self) -> &[Use] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        }
    }
}

impl Default for Uses {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

/// One output of a composition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputConfig {
    /// What it is for: one use, or a list of them.
    #[serde(rename = "use")]
    pub uses: Uses,
    /// The media type that is expected.
    pub media_type: String,
    /// The queue of the template's design that it comes from. Needed where another output has the same media type. The
    /// service gateway names no queues.
    pub queue: Option<String>,
    /// Whether a composition without it is a failure. The first one is always required.
    #[serde(default = "yes")]
    pub required: bool,
    /// The name of its file by locale, where it is attached: see `file_name` of the document.
    #[serde(default)]
    pub file_name: BTreeMap<String, String>,
}

impl OutputConfig {
    pub fn format(&self) -> Option<Format> {
        Format::of(&self.media_type)
    }
}

impl DocumentConfig {
    /// What a composition has to yield, the primary output first. Of the only one, `uses` is empty: see
    /// [`Use::is_among`].
    pub fn outputs(&self) -> Cow<'_, [OutputConfig]> {
        if !self.outputs.is_empty() {
            return Cow::Borrowed(&self.outputs);
        }
        Cow::Owned(vec![OutputConfig {
            uses: Uses::default(),
            media_type: self.primary_media_type().to_owned(),
            queue: None,
            required: true,
            file_name: self.file_name.clone(),
        }])
    }

    /// The media type of the first output.
    pub fn primary_media_type(&self) -> &str {
        match self.outputs.first() {
            Some(first) => &first.media_type,
            None => self.output.as_deref().unwrap_or(DEFAULT_OUTPUT),
        }
    }

    /// The configured names of the file of an output, by locale. `fetched` says where the driver data had the address of
    /// one that was fetched.
    pub fn file_names(
        &self,
        media_type: &str,
        queue: Option<&str>,
        fetched: Option<&str>,
    ) -> &BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        if let Some(data) = fetched {
            return self.attachments.iter().find(|it| it.data == data).map_or(&NONE, |it| &it.file_name);
        }
        let of_type = |it: &&OutputConfig| it.media_type.eq_ignore_ascii_case(media_type);
        let mut entries = self.outputs.iter().filter(of_type);
        let named = entries.clone().find(|it| it.queue.is_some() && it.queue.as_deref() == queue);
        named.or_else(|| entries.find(|it| it.queue.is_none())).map_or(&self.file_name, |it| &it.file_name)
    }
}

impl Check {
    pub(crate) fn outputs(&mut self, config: &ShopConfig, document: Document, settings: &DocumentConfig) {
        let field = |name: &str| format!("documents.{document}.{name}");
        self.file_name(&field("file_name"), settings.primary_media_type(), &settings.file_name);
        if settings.outputs.is_empty() {
            return self.only_output(&field("output"), settings);
        }
        for (given, name) in
            [(settings.output.is_some(), "output"), (!settings.file_name.is_empty(), "file_name")]
        {
            if given {
                self.fail(field(name), "cannot stand beside `outputs`, each of which has its own");
            }
        }
        if settings.outputs.len() > MAX_OUTPUTS {
            self.fail(field("outputs"), format!("has more than {MAX_OUTPUTS} entries"));
        }
        if settings.answer == Answer::Raw && settings.outputs.len() > 1 {
            self.fail(field("answer"), "`raw` is for one output: a bare document has no others beside it");
        }
        if settings.outputs.first().is_some_and(|first| !first.required) {
            self.fail(field("outputs[1].required"), "must be true: the first output is the document");
        }
        if settings.answer == Answer::Raw && settings.outputs.iter().any(|it| it.queue.is_some()) {
            self.fail(field("answer"), "`raw` names no queues");
        }
        for (number, output) in (1..).zip(&settings.outputs) {
            self.output(&field(&format!("outputs[{number}]")), config, settings, output);
        }
        self.told_apart(&field("outputs"), &settings.outputs);
        self.used(&field("outputs"), settings);
    }

    fn only_output(&mut self, field: &str, settings: &DocumentConfig) {
        let format = Format::of(settings.primary_media_type());
        if settings.channels.contains(&Channel::Email) && !format.is_some_and(Format::is_mailable) {
            self.fail(field, "must be application/pdf or text/html for the channel `email`");
        }
        if settings.channels.contains(&Channel::Print) && !format.is_some_and(Format::is_printable) {
            self.fail(field, "must be PDF, HTML, AFP, PCL, PostScript or TIFF for the channel `print`");
        }
    }

    fn output(&mut self, field: &str, config: &ShopConfig, settings: &DocumentConfig, output: &OutputConfig) {
        if !is_media_type(&output.media_type) {
            self.fail(format!("{field}.media_type"), "must be a media type, such as application/pdf");
        }
        if let Some(queue) = &output.queue {
            let field = format!("{field}.queue");
            if queue.trim().is_empty() || queue.len() > MAX_QUEUE_BYTES || !is_one_line(queue) {
                self.fail(&field, format!("must be one line of 1 to {MAX_QUEUE_BYTES} bytes"));
            }
            if config.exstream.adapter == Adapter::Sgw {
                self.fail(&field, "cannot be told: the service gateway names no queues");
            }
        }
        self.uses(&format!("{field}.use"), settings, output);
        self.file_name(&format!("{field}.file_name"), &output.media_type, &output.file_name);
        if !output.file_name.is_empty() && !output.uses.list().contains(&Use::EmailAttachment) {
            self.fail(format!("{field}.file_name"), "is for the use `email-attachment`");
        }
    }

    fn uses(&mut self, field: &str, settings: &DocumentConfig, output: &OutputConfig) {
        let uses = output.uses.list();
        if uses.is_empty() {
            self.fail(field, "must say what the output is for; `archive` if it is only to be kept");
        }
        for (index, wanted) in uses.iter().enumerate() {
            if uses.iter().take(index).any(|it| it == wanted) {
                self.fail(field, format!("names `{wanted}` twice"));
            }
            if !wanted.fits(output.format()) {
                self.fail(field, format!("`{wanted}` must be {}", wanted.formats()));
            }
            if let Some(channel) = wanted.channel()
                && !settings.channels.contains(&channel)
            {
                self.fail(field, format!("`{wanted}` needs `{channel}` among `channels`"));
            }
        }
        if uses.contains(&Use::Archive) && uses.len() > 1 {
            self.fail(field, "`archive` is for an output that nobody else takes; all are archived");
        }
    }

    /// No output of a composition may be two of the entries.
    fn told_apart(&mut self, field: &str, outputs: &[OutputConfig]) {
        for (index, output) in outputs.iter().enumerate() {
            for (earlier, other) in outputs.iter().enumerate().take(index) {
                let alike = output.media_type.eq_ignore_ascii_case(&other.media_type);
                let apart = output.queue.is_some() && other.queue.is_some() && output.queue != other.queue;
                if alike && !apart {
                    let (first, second) = (earlier + 1, index + 1);
                    let what = format!(
                        "entries {first} and {second} are both {}: each needs a `queue` of its own",
                        output.media_type
                    );
                    self.fail(field, what);
                }
            }
        }
    }

    /// Each channel has to have something to take, and takes one text, or one file to print.
    fn used(&mut self, field: &str, settings: &DocumentConfig) {
        let count = |wanted: Use| {
            settings.outputs.iter().filter(|output| output.uses.list().contains(&wanted)).count()
        };
        for (channel, uses) in [
            (Channel::Email, [Use::EmailBody, Use::EmailAttachment].as_slice()),
            (Channel::Print, &[Use::Print]),
        ] {
            if settings.channels.contains(&channel) && uses.iter().all(|it| count(*it) == 0) {
                let uses: Vec<_> = uses.iter().map(|it| format!("`{it}`")).collect();
                self.fail(field, format!("none is for the channel `{channel}`: use {}", uses.join(" or ")));
            }
        }
        for single in [Use::EmailBody, Use::SmsText, Use::Print] {
            if count(single) > 1 {
                self.fail(field, format!("more than one is for `{single}`"));
            }
        }
    }

    pub(crate) fn file_name(&mut self, field: &str, media_type: &str, names: &BTreeMap<String, String>) {
        self.texts(field, names, MAX_FILE_NAME_CHARS);
        if let Some(extension) = Format::of(media_type).map(Format::extension) {
            let ending = format!(".{extension}");
            for name in names.values().filter(|name| !name.ends_with(&ending)) {
                self.fail(field, format!("`{name}` must end with {ending}"));
            }
        }
    }
}

/// Without parameters, which no answer has after it was read.
fn is_media_type(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(|it| it.is_ascii_alphanumeric() || b".+-_".contains(&it))
    };
    text.len() <= MAX_MEDIA_TYPE_BYTES
        && text.split_once('/').is_some_and(|(of, kind)| part(of) && part(kind))
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests;
