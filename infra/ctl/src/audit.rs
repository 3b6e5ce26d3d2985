//! Who did what to the deployment as a whole, and why: an object per act in the operations bucket, below `audit/`, put
//! before the act begins, and for a move of dead letters once more when it ends. An act whose entry cannot be put does
//! not begin.

use crate::{failure::Failure, stack::Stack};
use aws_sdk_s3::primitives::ByteStream;
use jiff::Timestamp;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub struct Entry {
    at: Timestamp,
    act: String,
    to: String,
    actor: String,
    reason: String,
    stage: &'static str,
    /// Messages that were moved or deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved: Option<u64>,
}

impl Entry {
    pub fn new(act: &str, decision: &decisions::Decision, to: String) -> Self {
        let (actor, reason) = (decision.actor().to_owned(), decision.reason().to_owned());
        Self { at: Timestamp::now(), act: act.to_owned(), to, actor, reason, stage: "begun", moved: None }
    }

    pub async fn put(&mut self, stack: &Stack, stage: &'static str) -> Result<(), Failure> {
        self.stage = stage;
        let key = format!(
            "audit/{}/{}-{}-{stage}.json",
            self.at.strftime("%Y-%m-%d"),
            self.at.as_millisecond(),
            self.act
        );
        let body = ByteStream::from(serde_json::to_vec(self)?);
        let put = stack.s3.put_object().bucket(&stack.outputs.operations_bucket).key(key);
        put.content_type("application/json").body(body).send().await?;
        Ok(())
    }
}
