//! Files that go with a document's e-mail and come from elsewhere, such as the carrier's label of a return: where the
//! driver data has their addresses, and which hosts may be asked for them.

use crate::{Channel, DocumentConfig, ShopConfig, check::Check, outputs::MAX_OUTPUTS};
use comms::{Document, HttpsUrl};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The media type of every file that is attached.
pub const ATTACHMENT_MEDIA_TYPE: &str = "application/pdf";

/// More are one host with `*.` before it.
const MAX_HOSTS: usize = 16;

/// Names deeper than any driver data has.
const MAX_NAMES: usize = 8;

/// A file that is fetched when the document is composed, archived with it, attached to its e-mail, and on its page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttachmentConfig {
    /// Where the driver data has the file's address, below `customers`: names with dots between them, such as
    /// `send_in.labels.file_url`. Of a list, every entry's. Where there is none, nothing is attached.
    pub data: String,
    /// The hosts that may be asked, such as `cdn.shopify.com`, or `*.example.com` for all hosts below one. Addresses are
    /// `https://`, and none leads into a private network.
    pub hosts: Vec<String>,
    /// Whether the document waits for it. One that is not required is left out where it cannot be had.
    #[serde(default = "yes")]
    pub required: bool,
    /// The name of the attached file by locale: see `file_name` of the document.
    #[serde(default)]
    pub file_name: BTreeMap<String, String>,
}

impl AttachmentConfig {
    /// The address, if it may be asked. This very machine may be if it is among the hosts, as in the local run.
    pub fn address(&self, text: &str) -> Option<HttpsUrl> {
        let url = HttpsUrl::from_outside(text).or_else(|| text.parse().ok().filter(HttpsUrl::is_loopback))?;
        self.hosts.iter().any(|host| is_of(host, url.host())).then_some(url)
    }

    /// The names that lead to the address, from the outermost one.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.data.split('.')
    }
}

/// Whether a host is the configured one, or one below it.
fn is_of(configured: &str, host: &str) -> bool {
    match configured.strip_prefix('*') {
        Some(domain) => host.len() > domain.len() && host.ends_with(domain),
        None => host == configured,
    }
}

impl DocumentConfig {
    /// How many files there is room for beside the outputs of the composition.
    pub fn attachments_at_most(&self) -> usize {
        MAX_OUTPUTS.saturating_sub(self.outputs.len().max(1))
    }

    /// Whether files are attached to what a channel sends, or to what one of those sends that come after it.
    pub fn attaches_for(&self, channel: Channel) -> bool {
        let email = |channels: &[Channel]| channels.contains(&Channel::Email);
        let later = !self.next_channel_on.is_empty() && email(self.channels_after(channel));
        channel != Channel::Exstream && (email(&[channel]) || channel == Channel::Web || later)
    }
}

impl Check {
    pub(crate) fn attachments(&mut self, config: &ShopConfig, document: Document, settings: &DocumentConfig) {
        let field = format!("documents.{document}.attachments");
        if settings.attachments.is_empty() {
            return;
        }
        if ![Channel::Email, Channel::Web].iter().any(|it| settings.channels.contains(it)) {
            self.fail(&field, "need `email` or `web` among `channels`");
        }
        if settings.attachments.len() > settings.attachments_at_most() {
            self.fail(&field, format!("has too many entries: with the outputs at most {MAX_OUTPUTS}"));
        }
        let local = config.exstream.base_url.is_loopback();
        for (number, attachment) in (1..).zip(&settings.attachments) {
            let field = format!("{field}[{number}]");
            let name =
                |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_lowercase() || it == b'_');
            if !attachment.names().all(name) || attachment.names().count() > MAX_NAMES {
                self.fail(
                    format!("{field}.data"),
                    "must be names of the driver data, with dots between them",
                );
            }
            let earlier = settings.attachments.iter().take(number - 1);
            if earlier.clone().any(|it| it.data == attachment.data) {
                self.fail(format!("{field}.data"), "stands in an earlier entry, too");
            }
            if attachment.hosts.is_empty() || attachment.hosts.len() > MAX_HOSTS {
                self.fail(format!("{field}.hosts"), format!("must name 1 to {MAX_HOSTS} hosts"));
            }
            for host in attachment.hosts.iter().filter(|host| !may_be_asked(host, local)) {
                let what =
                    format!("`{host}` must be a public host, such as cdn.shopify.com or *.example.com");
                self.fail(format!("{field}.hosts"), what);
            }
            self.file_name(&format!("{field}.file_name"), ATTACHMENT_MEDIA_TYPE, &attachment.file_name);
        }
    }
}

/// A name in small letters of a host that is public, or of this machine where Exstream is here, too.
fn may_be_asked(host: &str, local: bool) -> bool {
    let name = host.strip_prefix("*.").unwrap_or(host);
    let public = || {
        let url = HttpsUrl::from_outside(&format!("https://{name}/"));
        // of addresses in numbers nothing says whose they are
        url.is_some_and(|url| url.host() == name && name.ends_with(|last: char| last.is_ascii_alphabetic()))
    };
    // two labels at least stand behind a star: `*.com` is everybody
    public() && (name == host || name.contains('.')) || (local && host == "127.0.0.1")
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests;
