//! Whose word a token is: signature, certificate and chain.

use crate::{Digest, TimeStamp};
use aws_lc_rs::digest as legacy;
use cms::signed_data::{SignerIdentifier, SignerInfo};
use der::{
    Any, AnyRef, Decode, Encode, Sequence, Tag, Tagged,
    asn1::{ObjectIdentifier, OctetStringRef},
};
use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime, pem::PemObject};
use std::time::Duration;
use webpki::{
    EndEntityCert, KeyUsage,
    aws_lc_rs::{
        ECDSA_P256_SHA256, ECDSA_P256_SHA384, ECDSA_P256_SHA512, ECDSA_P384_SHA256, ECDSA_P384_SHA384,
        ECDSA_P384_SHA512, ECDSA_P521_SHA256, ECDSA_P521_SHA384, ECDSA_P521_SHA512, ED25519,
        RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    },
};
use x509_cert::{Certificate, ext::pkix::ExtendedKeyUsage, spki::AlgorithmIdentifier};

const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
/// The same as the bytes of its encoding.
const TIME_STAMPING_BYTES: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];

type Algorithm = &'static dyn SignatureVerificationAlgorithm;

/// What certificates and tokens may be signed with. Not SHA-1, and no RSA key below 2,048 bits.
const ALGORITHMS: &[Algorithm] = &[
    RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512,
    ECDSA_P256_SHA256,
    ECDSA_P256_SHA384,
    ECDSA_P256_SHA512,
    ECDSA_P384_SHA256,
    ECDSA_P384_SHA384,
    ECDSA_P384_SHA512,
    ECDSA_P521_SHA256,
    ECDSA_P521_SHA384,
    ECDSA_P521_SHA512,
    ED25519,
];

/// The root certificates of authorities that are trusted.
#[derive(Debug, Clone)]
pub struct Authorities(Vec<CertificateDer<'static>>);

/// What a token proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// When what it stamps was there.
    pub time: Timestamp,
    /// When the first certificate of its chain expires, the root's included: it has to be renewed before that.
    pub valid_until: Timestamp,
}

/// Not certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the certificates of time-stamping authorities in PEM")]
pub struct InvalidTrust;

/// Why a token proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// It has no signature, or several.
    #[error("the token has not exactly one signature")]
    Signers,
    /// What it is signed with is not in it.
    #[error("the certificate that signed the token is not in it")]
    Certificate,
    /// The signature is not over this content.
    #[error("the token's signed attributes are not of its content: {0}")]
    Attributes(&'static str),
    /// The certificate may do something else, or anything.
    #[error("the certificate is not for time-stamping alone, as a critical extended key usage")]
    KeyUsage,
    /// Not by this certificate, or by an algorithm that is not taken.
    #[error("the token's signature is not the certificate's")]
    Signature,
    /// No chain, or one that was not valid at that time.
    #[error("the certificate is not of a trusted authority at the stamped time: {0}")]
    Chain(String),
}

#[derive(Sequence)]
struct EssCertId<'a> {
    #[asn1(optional = "true")]
    hash_algorithm: Option<AlgorithmIdentifier<Any>>,
    hash: OctetStringRef<'a>,
    #[asn1(optional = "true")]
    issuer_serial: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
struct EssSigningCertificate<'a> {
    certificates: Vec<EssCertId<'a>>,
    #[asn1(optional = "true")]
    policies: Option<AnyRef<'a>>,
}

impl Authorities {
    /// From PEM, each certificate a root.
    ///
    /// # Errors
    /// There is none, or something else.
    pub fn from_pem(pem: &str) -> Result<Self, InvalidTrust> {
        let certificates = CertificateDer::pem_slice_iter(pem.as_bytes());
        let certificates: Vec<_> = certificates.collect::<Result<_, _>>().map_err(|_| InvalidTrust)?;
        let is_root = |cert: &CertificateDer<'_>| webpki::anchor_from_trusted_cert(cert).is_ok();
        if certificates.is_empty() || !certificates.iter().all(is_root) {
            return Err(InvalidTrust);
        }
        Ok(Self(certificates))
    }

    pub(crate) fn verify(&self, token: &TimeStamp) -> Result<Verified, Untrusted> {
        let [signer] = token.signed_data.signer_infos.0.as_slice() else { return Err(Untrusted::Signers) };
        let (der, certificate) = token
            .certificates
            .iter()
            .filter_map(|der| Some((der, Certificate::from_der(der).ok()?)))
            .find(|(_, certificate)| is_signer(signer, certificate))
            .ok_or(Untrusted::Certificate)?;
        let signed = attributes(token, signer, der)?;
        if !is_for_time_stamping(&certificate) {
            return Err(Untrusted::KeyUsage);
        }
        let der = CertificateDer::from(der.as_slice());
        let end_entity = EndEntityCert::try_from(&der).map_err(|_| Untrusted::Certificate)?;
        let signature = signer.signature.as_bytes();
        let is_signed = algorithms(signer)
            .iter()
            .any(|algorithm| end_entity.verify_signature(*algorithm, &signed, signature).is_ok());
        if !is_signed {
            return Err(Untrusted::Signature);
        }
        let time = token.unverified_time();
        let valid_until = self.chain(token, &end_entity, &certificate, time)?;
        Ok(Verified { time, valid_until })
    }

    /// When the first certificate of the chain expires that was valid at `time`.
    fn chain(
        &self,
        token: &TimeStamp,
        end_entity: &EndEntityCert<'_>,
        certificate: &Certificate,
        time: Timestamp,
    ) -> Result<Timestamp, Untrusted> {
        let untrusted = |error: webpki::Error| Untrusted::Chain(error.to_string());
        let seconds =
            u64::try_from(time.as_second()).map_err(|_| Untrusted::Chain("before 1970".to_owned()))?;
        let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let anchors: Vec<_> = self
            .0
            .iter()
            .map(webpki::anchor_from_trusted_cert)
            .collect::<Result<_, _>>()
            .map_err(untrusted)?;
        let others: Vec<CertificateDer<'_>> =
            token.certificates.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
        // authorities between may leave the usage open; the one that signs may not
        let usage = KeyUsage::required_if_present(TIME_STAMPING_BYTES);
        let path = end_entity
            .verify_for_usage(ALGORITHMS, &anchors, &others, at, usage, None, None)
            .map_err(untrusted)?;
        let mut valid_until = expiry(certificate);
        for between in path.intermediate_certificates() {
            let certificate = Certificate::from_der(&between.der());
            let certificate = certificate.map_err(|error| Untrusted::Chain(error.to_string()))?;
            valid_until = valid_until.min(expiry(&certificate));
        }
        for (root, _) in self.0.iter().zip(&anchors).filter(|(_, anchor)| *anchor == path.anchor()) {
            let root = Certificate::from_der(root).map_err(|error| Untrusted::Chain(error.to_string()))?;
            // webpki takes a root for trusted whatever its dates
            let since = root.tbs_certificate.validity.not_before.to_unix_duration();
            if expiry(&root) < time || i128::from(time.as_second()) < i128::from(since.as_secs()) {
                return Err(Untrusted::Chain("the root was not valid".to_owned()));
            }
            valid_until = valid_until.min(expiry(&root));
        }
        Ok(valid_until)
    }
}

fn expiry(certificate: &Certificate) -> Timestamp {
    let until = certificate.tbs_certificate.validity.not_after.to_unix_duration();
    let until = SignedDuration::try_from(until).and_then(|until| Timestamp::UNIX_EPOCH.checked_add(until));
    until.unwrap_or(Timestamp::MAX)
}

fn is_signer(signer: &SignerInfo, certificate: &Certificate) -> bool {
    let certificate = &certificate.tbs_certificate;
    match &signer.sid {
        SignerIdentifier::IssuerAndSerialNumber(id) => {
            id.issuer == certificate.issuer && id.serial_number == certificate.serial_number
        }
        SignerIdentifier::SubjectKeyIdentifier(_) => false,
    }
}

/// The signed bytes, if the attributes are those of this content and of this certificate.
fn attributes(token: &TimeStamp, signer: &SignerInfo, certificate: &[u8]) -> Result<Vec<u8>, Untrusted> {
    let wrong = Untrusted::Attributes;
    let attributes = signer.signed_attrs.as_ref().ok_or(wrong("there are none"))?;
    let value = |oid: ObjectIdentifier| {
        let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
        match (found.next().map(|attribute| attribute.values.as_slice()), found.next()) {
            (Some([value]), None) => Some(value),
            _ => None,
        }
    };
    let content_type = value(CONTENT_TYPE).and_then(|value| value.decode_as::<ObjectIdentifier>().ok());
    if content_type != Some(token.signed_data.encap_content_info.econtent_type) {
        return Err(wrong("content type"));
    }
    let digest = Digest::of(signer.digest_alg.oid).ok_or(wrong("digest algorithm"))?;
    let hash = value(MESSAGE_DIGEST).filter(|value| value.tag() == Tag::OctetString).map(Any::value);
    if hash != Some(digest.hash(&token.content).as_slice()) {
        return Err(wrong("message digest"));
    }
    let named = match (value(SIGNING_CERTIFICATE_V2), value(SIGNING_CERTIFICATE)) {
        (Some(value), _) => value.to_der().is_ok_and(|value| names(&value, certificate, false)),
        (None, Some(value)) => value.to_der().is_ok_and(|value| names(&value, certificate, true)),
        (None, None) => false,
    };
    if !named {
        return Err(wrong("signing certificate"));
    }
    attributes.to_der().map_err(|_| wrong("they cannot be written"))
}

/// Whether a SigningCertificate (RFC 2634, by SHA-1) or SigningCertificateV2 (RFC 5035) names the certificate first.
fn names(value: &[u8], certificate: &[u8], is_first_version: bool) -> bool {
    let Ok(named) = EssSigningCertificate::from_der(value) else { return false };
    let Some(first) = named.certificates.first() else { return false };
    let hash = match (&first.hash_algorithm, is_first_version) {
        (None, true) => legacy::digest(&legacy::SHA1_FOR_LEGACY_USE_ONLY, certificate).as_ref().to_vec(),
        (None, false) => Digest::Sha256.hash(certificate),
        (Some(algorithm), false) => match Digest::of(algorithm.oid) {
            Some(digest) => digest.hash(certificate),
            None => return false,
        },
        (Some(_), true) => return false,
    };
    first.hash.as_bytes() == hash
}

/// RFC 3161, section 2.3: the extension is critical and has this one usage.
fn is_for_time_stamping(certificate: &Certificate) -> bool {
    let extensions = certificate.tbs_certificate.extensions.iter().flatten();
    let mut usages = extensions.filter(|extension| extension.extn_id == EXTENDED_KEY_USAGE);
    let (Some(usage), None) = (usages.next(), usages.next()) else { return false };
    let named = ExtendedKeyUsage::from_der(usage.extn_value.as_bytes());
    usage.critical && named.is_ok_and(|named| named.0 == [TIME_STAMPING])
}

/// By which algorithms the signature may be: an identifier may leave the digest or the curve open.
fn algorithms(signer: &SignerInfo) -> &'static [Algorithm] {
    const RSA: [&[Algorithm]; 3] =
        [&[RSA_PKCS1_2048_8192_SHA256], &[RSA_PKCS1_2048_8192_SHA384], &[RSA_PKCS1_2048_8192_SHA512]];
    const ECDSA: [&[Algorithm]; 3] = [
        &[ECDSA_P256_SHA256, ECDSA_P384_SHA256, ECDSA_P521_SHA256],
        &[ECDSA_P256_SHA384, ECDSA_P384_SHA384, ECDSA_P521_SHA384],
        &[ECDSA_P256_SHA512, ECDSA_P384_SHA512, ECDSA_P521_SHA512],
    ];
    const EDDSA: &[Algorithm] = &[ED25519];
    let digest = match Digest::of(signer.digest_alg.oid) {
        Some(Digest::Sha256) => 0,
        Some(Digest::Sha384) => 1,
        Some(Digest::Sha512) => 2,
        None => return &[],
    };
    let named = signer.signature_algorithm.oid.to_string();
    let (family, of_digest) = match named.as_str() {
        "1.2.840.113549.1.1.1" => (&RSA, digest),
        "1.2.840.113549.1.1.11" => (&RSA, 0),
        "1.2.840.113549.1.1.12" => (&RSA, 1),
        "1.2.840.113549.1.1.13" => (&RSA, 2),
        "1.2.840.10045.4.3.2" => (&ECDSA, 0),
        "1.2.840.10045.4.3.3" => (&ECDSA, 1),
        "1.2.840.10045.4.3.4" => (&ECDSA, 2),
        "1.3.101.112" => return EDDSA,
        _ => return &[],
    };
    // the attributes are hashed as the content is
    if of_digest == digest { family.get(digest).copied().unwrap_or_default() } else { &[] }
}
