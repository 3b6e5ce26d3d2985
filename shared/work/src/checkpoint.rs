//! How far long work has come: one small JSON object in the operations bucket for each piece of it.
//!
//! An object is only replaced as it was read. Of two workers that continue from the same place, one writes
//! and the other learns that it is not alone; a worker that dies leaves the last place it wrote. What was done
//! after that place is done again by the next worker, so it must bear repetition.

use aws_sdk_s3::{error::ProvideErrorMetadata, primitives::ByteStream};
use comms::{Class, Classify};
use serde::{Serialize, de::DeserializeOwned};

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A larger one is a mistake: a checkpoint says where, not what.
const MAX_BYTES: i64 = 64 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Somebody else wrote it since it was read.
    #[error("another worker continues with {key}")]
    Overtaken { key: String },
    #[error("{doing} {key}")]
    Request { doing: &'static str, key: String, source: Cause },
    #[error("{key} is no checkpoint")]
    Malformed { key: String, source: Cause },
}

impl Classify for CheckpointError {
    fn class(&self) -> Class {
        match self {
            Self::Overtaken { .. } | Self::Request { .. } => Class::transient(),
            Self::Malformed { .. } => Class::Stuck,
        }
    }
}

/// Which writing of a checkpoint is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(String);

pub struct Checkpoints {
    s3: aws_sdk_s3::Client,
    bucket: String,
}

impl Checkpoints {
    pub fn new(s3: aws_sdk_s3::Client, bucket: String) -> Self {
        Self { s3, bucket }
    }

    /// The checkpoint and its version, if one was written.
    pub async fn load<T: DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<(T, Version)>, CheckpointError> {
        let failed =
            |source: Cause| CheckpointError::Request { doing: "reading", key: key.to_owned(), source };
        let malformed = |source: Cause| CheckpointError::Malformed { key: key.to_owned(), source };
        let object = match self.s3.get_object().bucket(&self.bucket).key(key).send().await {
            Ok(object) => object,
            Err(error) if objects::is_missing(&self.s3, &self.bucket, key, &error).await => {
                return Ok(None);
            }
            Err(error) => return Err(failed(error.into())),
        };
        if object.content_length().is_none_or(|length| length > MAX_BYTES) {
            return Err(malformed("it is too large".into()));
        }
        let version = object.e_tag().map(|tag| Version(tag.to_owned()));
        let version = version.ok_or_else(|| failed("the answer has no entity tag".into()))?;
        let body = object.body.collect().await.map_err(|error| failed(error.into()))?;
        let state = serde_json::from_slice(&body.into_bytes()).map_err(|error| malformed(error.into()))?;
        Ok(Some((state, version)))
    }

    /// Writes the checkpoint: over the version that was read, or as the first.
    ///
    /// # Errors
    /// [`CheckpointError::Overtaken`] if that is not the one there.
    pub async fn save<T: Serialize>(
        &self,
        key: &str,
        state: &T,
        read: Option<&Version>,
    ) -> Result<Version, CheckpointError> {
        let failed =
            |source: Cause| CheckpointError::Request { doing: "writing", key: key.to_owned(), source };
        let body = serde_json::to_vec(state).map_err(|error| failed(error.into()))?;
        let put = self.s3.put_object().bucket(&self.bucket).key(key).content_type("application/json");
        let put = match read {
            Some(Version(tag)) => put.if_match(tag),
            None => put.if_none_match("*"),
        };
        match put.body(ByteStream::from(body)).send().await {
            Ok(output) => {
                let tag = output.e_tag().ok_or_else(|| failed("the answer has no entity tag".into()))?;
                Ok(Version(tag.to_owned()))
            }
            // a repeated request is refused because of the first, too: then, too, the next worker knows more
            Err(error) if overtaken(error.as_service_error().and_then(ProvideErrorMetadata::code)) => {
                Err(CheckpointError::Overtaken { key: key.to_owned() })
            }
            Err(error) => Err(failed(error.into())),
        }
    }
}

/// S3 refuses a condition that does not hold, and one of two writes at the same moment.
fn overtaken(code: Option<&str>) -> bool {
    matches!(code, Some("PreconditionFailed" | "ConditionalRequestConflict" | "NoSuchKey"))
}
