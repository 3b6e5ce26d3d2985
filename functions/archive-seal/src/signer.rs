//! The key that signs checkpoints. It never leaves AWS KMS.

use crate::SealError;
use aws_sdk_kms::{
    Client,
    primitives::Blob,
    types::{MessageType, SigningAlgorithmSpec},
};
use tokio::sync::OnceCell;

/// Signs by an Ed25519 key of KMS.
pub struct Signer {
    kms: Client,
    key: String,
    /// Read once: the key never changes.
    public: OnceCell<Vec<u8>>,
}

impl Signer {
    pub const fn new(kms: Client, key: String) -> Self {
        Self { kms, key, public: OnceCell::const_new() }
    }

    /// As a SubjectPublicKeyInfo in DER.
    pub async fn public_key(&self) -> Result<&[u8], SealError> {
        self.public.get_or_try_init(|| self.read_public_key()).await.map(Vec::as_slice)
    }

    async fn read_public_key(&self) -> Result<Vec<u8>, SealError> {
        let answer = self.kms.get_public_key().key_id(&self.key).send().await;
        let answer =
            answer.map_err(|error| SealError::request("reading the public key of the log", error))?;
        Ok(answer.public_key.map(Blob::into_inner).unwrap_or_default())
    }

    /// The signature of `text` by RFC 8032. KMS takes up to 4096 bytes.
    pub async fn sign(&self, text: &str) -> Result<Vec<u8>, SealError> {
        let sign = self.kms.sign().key_id(&self.key).message(Blob::new(text)).message_type(MessageType::Raw);
        let answer = sign.signing_algorithm(SigningAlgorithmSpec::Ed25519Sha512).send().await;
        let answer = answer.map_err(|error| SealError::request("signing a checkpoint", error))?;
        Ok(answer.signature.map(Blob::into_inner).unwrap_or_default())
    }
}
