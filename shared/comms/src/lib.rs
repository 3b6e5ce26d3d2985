//! The vocabulary of the system: identifiers, money, flows, documents, communications and their states.
//!
//! Owns no I/O and no clock: everything here is a value that is parsed once at the edge and trusted from
//! then on. Other crates speak in these types, so a shop domain is never mistaken for a file path and an
//! amount never passes through a float.

#![warn(missing_docs)]

mod chain;
mod class;
mod document;
mod format;
mod gid;
mod id;
mod money;
mod month;
mod names;
mod postal;
mod segments;
mod shop;
mod state;
mod text;
mod url;

pub use chain::{chain, cut};
pub use class::{Class, Classify};
pub use document::{Document, Flow, MessageClass};
pub use format::Format;
pub use gid::{Gid, InvalidGid};
pub use id::{CommunicationId, CustomerKey, EmailKey, InvalidCommunicationId, Revision};
pub use money::{CurrencyCode, InvalidMoney, Money};
pub use month::month_name;
pub use names::UnknownName;
pub use postal::PostalAddress;
pub use segments::Segments;
pub use shop::{InvalidShopDomain, ShopDomain};
pub use state::{State, Undelivered, WriteBackState};
pub use text::{covered, is_one_line, masked, one_line, printable, visible_json};
pub use url::{HttpsUrl, InvalidUrl, is_public_address, is_web_link};
