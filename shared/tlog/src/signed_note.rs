//! Signed notes and verifier keys, by c2sp.org/signed-note, with Ed25519 signatures (type 1). Signatures of keys that
//! are not asked for are ignored, as the specification says; a signature by a known key that does not verify refuses the note.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::prelude::{BASE64_STANDARD, Engine};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};

/// The largest note that is read: sixteen signatures of the longest kind fit.
const MAX_BYTES: usize = 128 * 1024;
const ED25519_TYPE: u8 = 1;
/// RFC 8410: the algorithm has no parameters, so everything before the key is fixed.
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// What a key is called: not empty, without spaces and `+`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyName(String);

/// A text that is no note, no key or no name of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNote {
    /// Names may have neither spaces nor `+`.
    #[error("not the name of a key")]
    Name,
    /// Not `<name>+<id>+<key>`, not Ed25519, or an id that does not follow from name and key.
    #[error("not a verifier key with an Ed25519 key")]
    Key,
    /// No text with signature lines after an empty line, or with control characters.
    #[error("not a signed note")]
    Note,
}

/// Why a note is not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It cannot be read.
    #[error(transparent)]
    Invalid(#[from] InvalidNote),
    /// The key did not sign it.
    #[error("the note has no signature of the key")]
    Unsigned,
    /// The text is not what was signed, or the signature is damaged.
    #[error("the signature of the note does not match its text")]
    Signature,
}

/// A public Ed25519 key with the name it signs by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    public: [u8; 32],
}

/// A text and who signed it. Nothing is verified by making one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    /// Name, key id and signature.
    signatures: Vec<(String, [u8; 4], Vec<u8>)>,
}

impl FromStr for KeyName {
    type Err = InvalidNote;

    fn from_str(name: &str) -> Result<Self, InvalidNote> {
        let is_valid = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
        if name.is_empty() || !name.chars().all(is_valid) {
            return Err(InvalidNote::Name);
        }
        Ok(Self(name.to_owned()))
    }
}

impl KeyName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl VerifierKey {
    /// The key `public`, as RFC 8032 encodes it, under a name.
    pub const fn new(name: KeyName, public: [u8; 32]) -> Self {
        Self { name, public }
    }

    /// The key of a SubjectPublicKeyInfo in DER, as AWS KMS gives it; none if that is no Ed25519 key.
    pub fn from_spki(name: KeyName, der: &[u8]) -> Option<Self> {
        let public = der.strip_prefix(&SPKI_PREFIX)?.try_into().ok()?;
        Some(Self { name, public })
    }

    /// The key alone as a SubjectPublicKeyInfo in PEM, as OpenSSL reads it.
    pub fn to_pem(&self) -> String {
        let der = [SPKI_PREFIX.as_slice(), &self.public].concat();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", BASE64_STANDARD.encode(der))
    }

    /// The name it signs by.
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The note that says `text`, with this key's signature of it.
    ///
    /// # Errors
    /// The text cannot be a note's, or the signature is not of this text and key.
    pub fn note(&self, text: String, signature: &[u8]) -> Result<SignedNote, NoteError> {
        let signature = (self.name.0.clone(), self.id(), signature.to_vec());
        let note = SignedNote { text, signatures: vec![signature] };
        let note: SignedNote = note.to_string().parse()?;
        self.verify(&note)?;
        Ok(note)
    }

    /// The text of a note that this key signed.
    ///
    /// # Errors
    /// It did not, or signed something else.
    pub fn verify<'a>(&self, note: &'a SignedNote) -> Result<&'a str, NoteError> {
        let id = self.id();
        let own = note.signatures.iter().filter(|(name, key, _)| *name == self.name.0 && *key == id);
        let (mut is_signed, public) = (false, UnparsedPublicKey::new(&ED25519, &self.public));
        for (_, _, signature) in own {
            public.verify(note.text.as_bytes(), signature).map_err(|_| NoteError::Signature)?;
            is_signed = true;
        }
        if is_signed { Ok(&note.text) } else { Err(NoteError::Unsigned) }
    }

    fn id(&self) -> [u8; 4] {
        let digest = Sha256::new()
            .chain_update(self.name.0.as_bytes())
            .chain_update([b'\n', ED25519_TYPE])
            .chain_update(self.public)
            .finalize();
        let [a, b, c, d, ..]: [u8; 32] = digest.into();
        [a, b, c, d]
    }
}

/// As `<name>+<id>+<key>`.
impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[ED25519_TYPE], self.public.as_slice()].concat();
        write!(f, "{}+{}+{}", self.name.0, hex::encode(self.id()), BASE64_STANDARD.encode(key))
    }
}

impl FromStr for VerifierKey {
    type Err = InvalidNote;

    fn from_str(text: &str) -> Result<Self, InvalidNote> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(InvalidNote::Key);
        };
        let key = BASE64_STANDARD.decode(key).map_err(|_| InvalidNote::Key)?;
        let Some((&ED25519_TYPE, public)) = key.split_first() else { return Err(InvalidNote::Key) };
        let public = public.try_into().map_err(|_| InvalidNote::Key)?;
        let key = Self { name: name.parse()?, public };
        if hex::encode(key.id()) == id { Ok(key) } else { Err(InvalidNote::Key) }
    }
}

impl SignedNote {
    /// What it says, whoever signed it.
    pub fn unverified_text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for (name, id, signature) in &self.signatures {
            writeln!(f, "\u{2014} {name} {}", BASE64_STANDARD.encode([id.as_slice(), signature].concat()))?;
        }
        Ok(())
    }
}

impl FromStr for SignedNote {
    type Err = InvalidNote;

    fn from_str(note: &str) -> Result<Self, InvalidNote> {
        if note.len() > MAX_BYTES || note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(InvalidNote::Note);
        }
        let at = note.rfind("\n\n").ok_or(InvalidNote::Note)?;
        let (text, lines) = (note.get(..=at), note.get(at + 2..));
        let (text, lines) = text.zip(lines).ok_or(InvalidNote::Note)?;
        let lines = lines.strip_suffix('\n').ok_or(InvalidNote::Note)?;
        let signatures = lines.split('\n').map(signature_line).collect::<Option<_>>();
        Ok(Self { text: text.to_owned(), signatures: signatures.ok_or(InvalidNote::Note)? })
    }
}

fn signature_line(line: &str) -> Option<(String, [u8; 4], Vec<u8>)> {
    let (name, signature) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    let name: KeyName = name.parse().ok()?;
    let bytes = BASE64_STANDARD.decode(signature).ok()?;
    let (id, signature) = bytes.split_first_chunk::<4>()?;
    (!signature.is_empty()).then(|| (name.0, *id, signature.to_vec()))
}
