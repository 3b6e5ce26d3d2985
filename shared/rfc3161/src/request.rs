//! What an authority is asked.

use crate::Imprint;
use der::{Encode, asn1::Int};
use x509_tsp::{TimeStampReq, TspVersion};

/// A request for a time-stamp with its certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    imprint: Imprint,
    nonce: [u8; 8],
}

impl Request {
    /// For a stamp over `imprint`. `random` becomes the number that the answer has to repeat, so that an old answer is not
    /// taken for one to this request.
    pub fn new(imprint: Imprint, random: [u8; 8]) -> Self {
        // a positive number of exactly eight bytes
        let [first, rest @ ..] = random;
        let [a, b, c, d, e, f, g] = rest;
        Self { imprint, nonce: [(first & 0x7f) | 0x40, a, b, c, d, e, f, g] }
    }

    /// What is to be stamped.
    pub const fn imprint(&self) -> &Imprint {
        &self.imprint
    }

    pub(crate) fn nonce(&self) -> der::Result<Int> {
        Int::new(&self.nonce)
    }

    /// The body of the HTTP request, of type `application/timestamp-query`.
    ///
    /// # Errors
    /// Never for requests that there are.
    pub fn to_der(&self) -> der::Result<Vec<u8>> {
        let request = TimeStampReq {
            version: TspVersion::V1,
            message_imprint: self.imprint.message()?,
            req_policy: None,
            nonce: Some(self.nonce()?),
            cert_req: true,
            extensions: None,
        };
        request.to_der()
    }
}
