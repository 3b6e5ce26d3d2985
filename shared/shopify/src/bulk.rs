//! Bulk operations: starting and following them, and fetching what they found.
//!
//! Shopify runs a query on its own time and leaves the result as a file at a signed address. Starting one is
//! the only act with an effect, and a harmless one: an operation that nobody remembers ends by itself. A
//! [`Download`] promises the file's bytes in order, each once, or an error that says whether to come back.

mod download;

pub use download::{BulkFile, Download, DownloadError, ResultUrl};

use crate::{
    AdminApi, AdminError, Call, UserError,
    admin::Operation,
    decode::{list, scalar},
};
use comms::Gid;
use serde::Deserialize;
use serde_json::json;

const RUN: Operation = Operation { name: "BulkRun", text: include_str!("../graphql/bulk_run.graphql") };
const STATUS: Operation =
    Operation { name: "BulkStatus", text: include_str!("../graphql/bulk_status.graphql") };

/// What became of the wish to run a bulk query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkStart {
    Started(Gid),
    /// The shop runs as many as it may: five. Nothing was started.
    Busy,
}

/// Where a bulk operation stands.
#[derive(Clone, PartialEq, Eq)]
pub enum BulkState {
    /// Created, running or being canceled.
    Running,
    /// With the address of the result, which is good for seven days; none if nothing was found.
    Completed { url: Option<ResultUrl>, bytes: Option<u64> },
    /// Canceled, expired, failed, or unknown to Shopify. The reason is Shopify's word for it.
    Ended { reason: String },
}

// the address is signed: who has it has the file
impl std::fmt::Debug for BulkState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Running => f.write_str("Running"),
            Self::Completed { url, bytes } => {
                f.debug_struct("Completed").field("found", &url.is_some()).field("bytes", bytes).finish()
            }
            Self::Ended { reason } => f.debug_struct("Ended").field("reason", reason).finish(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Started {
    bulk_operation: Option<Identified>,
    #[serde(default, deserialize_with = "list")]
    user_errors: Vec<UserError>,
}

#[derive(Deserialize)]
struct Identified {
    id: Gid,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(deserialize_with = "scalar")]
    status: String,
    error_code: Option<String>,
    /// Shopify counts in texts.
    #[serde(default, deserialize_with = "scalar")]
    file_size: String,
    url: Option<String>,
}

impl AdminApi {
    /// Starts a bulk query whose result is to be grouped: children follow their parent.
    ///
    /// # Errors
    /// [`AdminError::UserErrors`] if Shopify does not take the query.
    pub async fn start_bulk(&self, call: Call<'_>, query: &str) -> Result<BulkStart, AdminError> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(rename = "bulkOperationRunQuery")]
            payload: Option<Started>,
        }
        let data = self.execute(call, RUN, json!({"query": query})).await?;
        let missing = || AdminError::NoData { operation: RUN.name };
        let Started { bulk_operation, user_errors } = data.read::<Answer>()?.payload.ok_or_else(missing)?;
        let full = |error: &UserError| {
            matches!(error.code.as_deref(), Some("OPERATION_IN_PROGRESS" | "LIMIT_REACHED"))
        };
        if user_errors.iter().any(full) {
            return Ok(BulkStart::Busy);
        }
        if !user_errors.is_empty() {
            return Err(AdminError::UserErrors { operation: RUN.name, errors: user_errors });
        }
        bulk_operation.map(|it| BulkStart::Started(it.id)).ok_or_else(missing)
    }

    /// Where a bulk operation stands.
    ///
    /// # Errors
    /// [`AdminError::ResultAddress`] if the result is said to be where Shopify keeps none.
    pub async fn bulk_state(&self, call: Call<'_>, id: &Gid) -> Result<BulkState, AdminError> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(rename = "bulkOperation")]
            operation: Option<Wire>,
        }
        let data = self.execute(call, STATUS, json!({"id": id})).await?;
        let Some(wire) = data.read::<Answer>()?.operation else {
            return Ok(BulkState::Ended { reason: "unknown".to_owned() });
        };
        Ok(match wire.status.as_str() {
            "CREATED" | "RUNNING" | "CANCELING" => BulkState::Running,
            "COMPLETED" => {
                let read = |url: String| {
                    ResultUrl::parse(&url, call.settings)
                        .ok_or(AdminError::ResultAddress { operation: STATUS.name })
                };
                let url = wire.url.map(read).transpose()?;
                BulkState::Completed { url, bytes: wire.file_size.parse().ok() }
            }
            status => {
                let reason = wire.error_code.as_deref().unwrap_or(status);
                let known = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
                BulkState::Ended { reason: reason.chars().filter(known).take(64).collect() }
            }
        })
    }
}
