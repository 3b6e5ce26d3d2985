//! An address that a person gives for one message.

use crate::{Phone, Recipient, choose::is_email_address, phone::mobile_number};
use shop_config::Channel;
use std::{fmt, str::FromStr};

/// An e-mail address, or the number of a mobile telephone in E.164. `Debug` says which of both it is, and no more.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    Email(String),
    Phone(String),
}

/// A text that is neither. It is not quoted, because it may be nearly somebody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "neither an e-mail address nor the number of a mobile telephone with its country's code, such as +33612345678"
)]
pub struct InvalidAddress;

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let text = text.trim();
        if is_email_address(text) {
            return Ok(Self::Email(text.to_owned()));
        }
        mobile_number(text, None).map(Self::Phone).ok_or(InvalidAddress)
    }
}

impl Address {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(text) | Self::Phone(text) => text,
        }
    }

    /// Whether a channel sends to such addresses.
    pub const fn fits(&self, channel: Channel) -> bool {
        match channel {
            Channel::Email => matches!(self, Self::Email(_)),
            Channel::Sms | Channel::WhatsApp => matches!(self, Self::Phone(_)),
            Channel::Exstream | Channel::Print | Channel::Web => false,
        }
    }

    /// The same person, reached here and nowhere else.
    pub fn of(&self, recipient: Recipient) -> Recipient {
        let (email, phones) = match self {
            Self::Email(email) => (Some(email.clone()), Vec::new()),
            Self::Phone(number) => (None, vec![Phone { number: number.clone(), country: None }]),
        };
        Recipient { email, phones, ..recipient }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Email(_) => "Email(***)",
            Self::Phone(_) => "Phone(***)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_of_one_kind() {
        for (text, expected) in [
            (" zoe@example.com ", Some(Address::Email("zoe@example.com".to_owned()))),
            ("+33 6 12 34 56 78", Some(Address::Phone("+33612345678".to_owned()))),
            // in which country is not said
            ("06 12 34 56 78", None),
            ("+33 1 23 45 67 89", None),
            ("zoe@example.com, a@b.co", None),
            ("", None),
        ] {
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
        let address: Address = "zoe@example.com".parse().unwrap();
        assert_eq!(format!("{address:?}"), "Email(***)");
        assert!(address.fits(Channel::Email) && !address.fits(Channel::Sms) && !address.fits(Channel::Web));
    }
}
