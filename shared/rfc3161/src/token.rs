//! A time-stamp token: what it says, read strictly. What it is worth is in `trust.rs`.

use crate::{Authorities, Imprint, Request, Untrusted, Verified};
use cms::{content_info::ContentInfo, signed_data::SignedData};
use der::{
    AnyRef, Decode, Encode, Header, Reader, Sequence, SliceReader, Tag, TagNumber, Tagged,
    asn1::{Int, ObjectIdentifier},
};
use jiff::{Timestamp, civil, tz::TimeZone};
use x509_tsp::{MessageImprint, TspVersion};

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

/// Larger tokens are refused: a chain of certificates has some kilobytes.
const MAX_BYTES: usize = 64 * 1024;

/// Why an answer is no time-stamp.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The authority said no. `failure` is its PKIFailureInfo, bit by bit.
    #[error("the authority did not grant it: status {status}, failure {failure}")]
    NotGranted {
        /// Its PKIStatus.
        status: u8,
        /// In hexadecimal; empty where it gives none.
        failure: String,
    },
    /// Not what RFC 3161 says.
    #[error("not a time-stamp by RFC 3161: {0}")]
    Malformed(&'static str),
    /// It stamps something else.
    #[error("the time-stamp covers another hash than was asked for")]
    Imprint,
    /// It answers another request.
    #[error("the time-stamp does not repeat the number of the request")]
    Nonce,
}

/// A token, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeStamp {
    der: Vec<u8>,
    pub(crate) signed_data: SignedData,
    /// As they are in the token, byte for byte.
    pub(crate) certificates: Vec<Vec<u8>>,
    /// The bytes that are signed.
    pub(crate) content: Vec<u8>,
    imprint: Imprint,
    nonce: Option<Int>,
    time: Timestamp,
}

/// TSTInfo with its time as it is written: it may have fractions of a second.
#[derive(Sequence)]
struct TstInfo<'a> {
    version: TspVersion,
    policy: ObjectIdentifier,
    imprint: MessageImprint,
    serial_number: Int,
    gen_time: AnyRef<'a>,
    #[asn1(optional = "true")]
    accuracy: Option<x509_tsp::Accuracy>,
    #[asn1(default = "Default::default")]
    ordering: bool,
    #[asn1(optional = "true")]
    nonce: Option<Int>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    tsa: Option<AnyRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    extensions: Option<x509_cert::ext::Extensions>,
}

#[derive(Sequence)]
struct Response<'a> {
    status: Status<'a>,
    #[asn1(optional = "true")]
    token: Option<ContentInfo>,
}

#[derive(Sequence)]
struct Status<'a> {
    status: u8,
    #[asn1(optional = "true")]
    text: Option<Vec<AnyRef<'a>>>,
    #[asn1(optional = "true")]
    failure: Option<der::asn1::BitString>,
}

impl TimeStamp {
    /// From an authority's answer to `request`.
    ///
    /// # Errors
    /// It grants no time-stamp, or one for something else.
    pub fn from_response(response: &[u8], request: &Request) -> Result<Self, Refused> {
        if response.len() > MAX_BYTES {
            return Err(Refused::Malformed("it is too long"));
        }
        let response =
            Response::from_der(response).map_err(|_| Refused::Malformed("it is no TimeStampResp"))?;
        let Status { status, failure, .. } = response.status;
        // granted, or granted with changes: both have a token, which says what it stamps
        if status > 1 {
            let bytes = failure.iter().flat_map(|bits| bits.raw_bytes().to_vec());
            let failure = bytes.map(|byte| format!("{byte:02x}")).collect();
            return Err(Refused::NotGranted { status, failure });
        }
        let token = response.token.ok_or(Refused::Malformed("it grants a token and has none"))?;
        let token = token.to_der().map_err(|_| Refused::Malformed("its token is none"))?;
        let stamp = Self::from_der(&token)?;
        if stamp.imprint != *request.imprint() {
            return Err(Refused::Imprint);
        }
        if stamp.nonce.is_none() || stamp.nonce != request.nonce().ok() {
            return Err(Refused::Nonce);
        }
        Ok(stamp)
    }

    /// From the token alone.
    ///
    /// # Errors
    /// It is no time-stamp token.
    pub fn from_der(token: &[u8]) -> Result<Self, Refused> {
        let malformed = |what| move |_: der::Error| Refused::Malformed(what);
        if token.len() > MAX_BYTES {
            return Err(Refused::Malformed("it is too long"));
        }
        let info = ContentInfo::from_der(token).map_err(malformed("its token is no ContentInfo"))?;
        // anything that is not in the one form that DER allows would not survive being written again
        if info.content_type != SIGNED_DATA || info.to_der().ok().as_deref() != Some(token) {
            return Err(Refused::Malformed("its token is not signed data"));
        }
        let signed_data = info.content.to_der().map_err(malformed("its token is not signed data"))?;
        let certificates = certificates(&signed_data).map_err(malformed("it has no certificates"))?;
        let signed_data =
            SignedData::from_der(&signed_data).map_err(malformed("its token is not signed data"))?;
        let encapsulated = &signed_data.encap_content_info;
        let content = encapsulated.econtent.as_ref().filter(|content| content.tag() == Tag::OctetString);
        let content = content.ok_or(Refused::Malformed("it has no content"))?.value().to_vec();
        if encapsulated.econtent_type != TST_INFO {
            return Err(Refused::Malformed("its content is no TSTInfo"));
        }
        let (imprint, nonce, time) = {
            let info = TstInfo::from_der(&content).map_err(malformed("its content is no TSTInfo"))?;
            // nothing here is written for an extension, and a critical one must be understood
            if info.extensions.iter().flatten().any(|extension| extension.critical) {
                return Err(Refused::Malformed("it has an extension that is not known"));
            }
            let imprint = Imprint::read(&info.imprint).ok_or(Refused::Malformed("its hash is not known"))?;
            let time = generalized_time(&info.gen_time).ok_or(Refused::Malformed("its time is none"))?;
            (imprint, info.nonce, time)
        };
        Ok(Self { der: token.to_vec(), signed_data, certificates, content, imprint, nonce, time })
    }

    /// The token: a ContentInfo in DER.
    pub fn to_der(&self) -> &[u8] {
        &self.der
    }

    /// What is stamped.
    pub const fn imprint(&self) -> &Imprint {
        &self.imprint
    }

    /// The time that it claims.
    pub const fn unverified_time(&self) -> Timestamp {
        self.time
    }

    /// Whether one of the `authorities` stamped this, and with certificates that were valid at that time.
    ///
    /// # Errors
    /// What does not hold.
    pub fn verify(&self, authorities: &Authorities) -> Result<Verified, Untrusted> {
        authorities.verify(self)
    }
}

/// The certificates of signed data, without reading them: their signatures cover their bytes.
fn certificates(signed_data: &[u8]) -> der::Result<Vec<Vec<u8>>> {
    let set = Tag::ContextSpecific { constructed: true, number: TagNumber::N0 };
    let mut certificates = Vec::new();
    let mut reader = SliceReader::new(signed_data)?;
    let header = Header::decode(&mut reader)?;
    reader.read_nested(header.length, |reader| {
        while !reader.is_finished() {
            if reader.peek_header()?.tag != set {
                reader.tlv_bytes()?;
                continue;
            }
            let header = Header::decode(reader)?;
            reader.read_nested(header.length, |reader| {
                while !reader.is_finished() {
                    certificates.push(reader.tlv_bytes()?.to_vec());
                }
                Ok(())
            })?;
        }
        Ok(())
    })?;
    Ok(certificates)
}

/// `YYYYMMDDhhmmss[.s...]Z`, without zeroes at the end of the fraction.
fn generalized_time(time: &AnyRef<'_>) -> Option<Timestamp> {
    if time.tag() != Tag::GeneralizedTime {
        return None;
    }
    let text = std::str::from_utf8(time.value()).ok()?.strip_suffix('Z')?;
    let (seconds, fraction) = text.split_once('.').map_or((text, None), |(it, rest)| (it, Some(rest)));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if seconds.len() != 14 || !is_number(seconds) {
        return None;
    }
    let nanoseconds = match fraction {
        None => 0,
        Some(text) if is_number(text) && text.len() <= 9 && !text.ends_with('0') => {
            format!("{text:0<9}").parse().ok()?
        }
        Some(_) => return None,
    };
    let part = |from: usize, to: usize| seconds.get(from..to)?.parse::<i8>().ok();
    let date = civil::Date::new(seconds.get(..4)?.parse().ok()?, part(4, 6)?, part(6, 8)?).ok()?;
    let time = civil::Time::new(part(8, 10)?, part(10, 12)?, part(12, 14)?, nanoseconds).ok()?;
    date.to_datetime(time).to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use der::Any;

    #[test]
    fn a_time_is_read_in_its_one_form() {
        let read = |text: &str| {
            let time = Any::new(Tag::GeneralizedTime, text.as_bytes()).unwrap().to_der().unwrap();
            generalized_time(&AnyRef::from_der(&time).unwrap()).map(|time| time.to_string())
        };
        assert_eq!(read("20261128003015Z").as_deref(), Some("2026-11-28T00:30:15Z"));
        assert_eq!(read("20261128003015.25Z").as_deref(), Some("2026-11-28T00:30:15.25Z"));
        for wrong in
            ["20261128003015", "20261128003015.250Z", "20261128003015.Z", "2026112800301Z", "20261328003015Z"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
