//! Who did what to the deployment as a whole, and why: an object per act in the operations bucket, below `audit/`, put
//! before the act begins, and for a move of dead letters once more when it ends. An act whose entry cannot be put does
//! not begin.

use crate::Decision;
use aws_sdk_s3::primitives::ByteStream;
use jiff::Timestamp;
use serde::Serialize;

/// How far an act is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    Begun,
    Ended,
    Failed,
}

impl Stage {
    const fn name(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Ended => "ended",
            Self::Failed => "failed",
        }
    }
}

/// The entry was not put.
#[derive(Debug, thiserror::Error)]
#[error("the operations bucket did not take the entry of who does it")]
pub struct AuditError(#[source] Box<dyn std::error::Error + Send + Sync>);

#[derive(Debug, Serialize)]
pub struct AuditEntry {
    at: Timestamp,
    act: String,
    to: String,
    actor: String,
    reason: String,
    stage: Stage,
    /// Messages that were moved or deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved: Option<u64>,
}

impl AuditEntry {
    pub fn new(act: &str, decision: &Decision, to: String) -> Self {
        let (actor, reason) = (decision.actor().to_owned(), decision.reason().to_owned());
        Self {
            at: Timestamp::now(),
            act: act.to_owned(),
            to,
            actor,
            reason,
            stage: Stage::Begun,
            moved: None,
        }
    }

    /// Puts it on record. The object of a later stage stands beside those of the earlier ones.
    ///
    /// # Errors
    /// When the bucket does not take it. Do not begin then.
    pub async fn put(
        &mut self,
        s3: &aws_sdk_s3::Client,
        bucket: &str,
        stage: Stage,
    ) -> Result<(), AuditError> {
        self.stage = stage;
        let (at, act) = (self.at.as_millisecond(), &self.act);
        let key = format!("audit/{}/{at}-{act}-{}.json", self.at.strftime("%Y-%m-%d"), stage.name());
        let body = serde_json::to_vec(self).map_err(|error| AuditError(error.into()))?;
        let put = s3.put_object().bucket(bucket).key(key).content_type("application/json");
        put.body(ByteStream::from(body)).send().await.map_err(|error| AuditError(error.into()))?;
        Ok(())
    }
}
