//! Time-stamps by [RFC 3161]: what an authority is asked, and whether what it answers proves anything.
//!
//! An answer is read strictly ([`TimeStamp::from_response`]): it must grant the request, and stamp the hash and repeat the
//! number that it was asked with. Whether a token holds is another question ([`TimeStamp::verify`]): one signature over the
//! attributes and the content, by a certificate that may do nothing but stamp time, that the token names by its hash, and
//! whose chain leads to an authority that the caller trusts, all valid at the stamped time. Whether a certificate was
//! revoked is not asked: an authority's word of today says nothing of the day of the stamp.
//!
//! No I/O and no clock. Nothing that is read here makes it panic.
//!
//! [RFC 3161]: https://www.rfc-editor.org/rfc/rfc3161

#![warn(missing_docs)]

mod digest;
mod request;
mod token;
mod trust;

pub use digest::{Digest, Imprint};
pub use request::Request;
pub use token::{Refused, TimeStamp};
pub use trust::{Authorities, InvalidTrust, Untrusted, Verified};
