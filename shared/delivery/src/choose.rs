//! Who gets a document, and by which channel.

use crate::phone::mobile_number;
use comms::is_one_line;
use shop_config::Channel;
use std::fmt;

/// The person a document is for. `Debug` prints what is known, not what it is.
#[derive(Clone, Default)]
pub struct Recipient {
    pub name: Option<String>,
    pub email: Option<String>,
    /// Telephone numbers, the one that is most likely the recipient's own first.
    pub phones: Vec<Phone>,
    /// The locale the document is written in, as the shop's configuration spells it.
    pub locale: String,
}

/// A telephone number as somebody wrote it. `Debug` prints what is known, not what it is.
#[derive(Clone)]
pub struct Phone {
    pub number: String,
    /// ISO 3166-1: where it is dialled, if it does not begin with a country's code.
    pub country: Option<String>,
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Phone").field("country", &self.country).finish_non_exhaustive()
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = |it: &Option<String>| if it.is_some() { "***" } else { "none" };
        f.debug_struct("Recipient")
            .field("name", &format_args!("{}", known(&self.name)))
            .field("email", &format_args!("{}", known(&self.email)))
            .field("phones", &self.phones.len())
            .field("locale", &self.locale)
            .finish()
    }
}

impl Recipient {
    /// The e-mail address, if a message could be sent to it.
    pub(crate) fn usable_email(&self) -> Option<&str> {
        self.email.as_deref().map(str::trim).filter(|address| is_email_address(address))
    }

    /// The first number that a text message could be sent to, in E.164.
    pub fn mobile_number(&self) -> Option<String> {
        self.phones.iter().find_map(|phone| mobile_number(&phone.number, phone.country.as_deref()))
    }
}

/// The first of `channels`, the document's order of preference, that can reach `recipient`.
///
/// Print, a page and Exstream's own channel need nothing from the recipient; e-mail needs a plausible address, a text
/// message and WhatsApp a number of a mobile telephone.
pub fn choose(channels: &[Channel], recipient: &Recipient) -> Option<Channel> {
    channels.iter().copied().find(|channel| match channel {
        Channel::Email => recipient.usable_email().is_some(),
        Channel::Sms | Channel::WhatsApp => recipient.mobile_number().is_some(),
        Channel::Print | Channel::Exstream | Channel::Web => true,
    })
}

/// Where a channel sends it, where that is an address of the recipient's.
pub fn address(channel: Channel, recipient: &Recipient) -> Option<String> {
    match channel {
        Channel::Email => recipient.usable_email().map(str::to_owned),
        Channel::Sms | Channel::WhatsApp => recipient.mobile_number(),
        Channel::Print | Channel::Exstream | Channel::Web => None,
    }
}

/// Whether `address` can be one: bounded, one `@`, a host with a dot, and nothing that could end the
/// address or begin another. Whether it exists only a delivery tells.
pub(crate) fn is_email_address(address: &str) -> bool {
    let Some((local, host)) = address.rsplit_once('@') else { return false };
    let plain = |c: char| c != ' ' && !"<>()[],;:\\\"@".contains(c);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c == '-' || c.is_alphanumeric())
    };
    address.len() <= 254
        && (1..=64).contains(&local.len())
        && is_one_line(local)
        && local.chars().all(plain)
        && host.contains('.')
        && host.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipient(email: &str) -> Recipient {
        Recipient {
            name: Some("Zoë Öztürk".to_owned()),
            email: Some(email.to_owned()),
            phones: vec![Phone { number: "06 12 34 56 78".to_owned(), country: Some("FR".to_owned()) }],
            locale: "en".to_owned(),
        }
    }

    #[test]
    fn the_first_channel_that_can_reach_the_recipient_is_chosen() {
        use Channel::{Email, Exstream, Print, Sms, Web, WhatsApp};
        let reachable = recipient("zoe@example.com");
        let nobody = Recipient::default();
        assert_eq!(choose(&[Email, Print], &reachable), Some(Email));
        assert_eq!(choose(&[Email, Print], &nobody), Some(Print));
        assert_eq!(choose(&[Exstream, Email], &nobody), Some(Exstream));
        assert_eq!(choose(&[Email], &nobody), None);
        assert_eq!(choose(&[Sms, Email], &reachable), Some(Sms));
        assert_eq!(choose(&[WhatsApp, Sms, Web], &reachable), Some(WhatsApp));
        assert_eq!(choose(&[WhatsApp, Sms, Web], &nobody), Some(Web));
        assert_eq!(choose(&[], &reachable), None);
    }

    #[test]
    fn the_address_is_the_one_that_the_channel_uses() {
        let of = |channel, email| address(channel, &recipient(email));
        assert_eq!(of(Channel::Email, " zoe@example.com ").as_deref(), Some("zoe@example.com"));
        assert_eq!(of(Channel::Email, "nobody"), None);
        assert_eq!(of(Channel::Sms, "nobody").as_deref(), Some("+33612345678"));
        assert_eq!(of(Channel::Print, "zoe@example.com"), None);
    }

    #[test]
    fn only_plausible_addresses_are_used() {
        for good in
            ["a@b.co", " zoe+x@mail.example.com ", "o'brien@example.com", "zoë@exämple.de", "a.b_c-d@x-y.io"]
        {
            assert!(recipient(good).usable_email().is_some(), "{good}");
        }
        let long = format!("{}@example.com", "a".repeat(65));
        for bad in [
            "",
            "a",
            "@b.co",
            "a@",
            "a@b",
            "a@b..co",
            "a@.co",
            "a@-b.co",
            "a b@c.de",
            "a@b.co\r\nBcc: x@y.z",
            "a@b.co,c@d.co",
            "<a@b.co>",
            "a@b@c.de",
            "a\u{0}@b.co",
            "a@b_c.de",
            "a\u{200b}@b.co",
            "a\u{202e}b@c.co",
            "a\u{9b}@b.co",
            &long,
        ] {
            assert!(recipient(bad).usable_email().is_none(), "{bad:?}");
        }
    }

    #[test]
    fn debug_names_nobody() {
        let text = format!("{:?}", recipient("zoe@example.com"));
        assert!(!format!("{:?}", recipient("x").phones).contains("12"));
        assert_eq!(text, r#"Recipient { name: ***, email: ***, phones: 1, locale: "en" }"#);
    }
}
