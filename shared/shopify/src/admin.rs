//! The GraphQL Admin API: one client for all shops a process serves.
//!
//! Owns the access tokens, what is known of each shop's query budget, and the reading of answers: HTTP
//! success is not taken for success. Promises that every call ends by the caller's deadline, that an answer
//! costs no more than [`MAX_ANSWER_BYTES`] of memory, and that a shop known to have no budget left is not
//! asked. Waits by itself only when the wait is short; otherwise it answers with the time Shopify wants.
//! Every operation here can be repeated: a crash or time-out at any point costs a repetition, no more.

mod answer;
mod budget;
mod error;
mod offline;
mod operations;
mod token;

#[cfg(test)]
pub(crate) use operations::LINES as ORDER_LINES;

pub use error::{AdminError, ErrorCode, GraphqlError, UserError};
pub use offline::OfflineToken;
pub use operations::{MAX_METAFIELDS, MetafieldWrite, StatusMetafield};
pub use token::{Credentials, OfflineMode};

pub(crate) use answer::Data;
use budget::Budgets;
use comms::ShopDomain;
use jiff::Timestamp;
use reqwest::{Client, RequestBuilder, Response, StatusCode, header};
use serde::Serialize;
use std::time::Duration;
use token::Tokens;
use tokio::time::Instant;

/// The largest answer read. The largest an order's page can be is far below.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// The longest pause a call makes before it leaves the waiting to the queue.
pub const MAX_PAUSE: Duration = Duration::from_secs(2);

/// How often a call asks again after a pause.
pub const MAX_PAUSES: u32 = 5;

/// A query or mutation. The texts are in `graphql/`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    pub name: &'static str,
    pub text: &'static str,
}

/// Which shop is asked, as whom, and until when.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    pub shop: &'a ShopDomain,
    pub settings: &'a shop_config::Shopify,
    pub credentials: &'a Credentials,
    pub now: Timestamp,
    /// When the answer is of no use any more. Pauses and requests end before.
    pub deadline: Instant,
}

impl Call<'_> {
    fn url(&self, path: &str) -> String {
        match &self.settings.base_url {
            Some(base) => base.with_path(path),
            None => format!("https://{}{path}", self.shop),
        }
    }

    /// The time one request may take.
    fn timeout(&self) -> Result<Duration, AdminError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(AdminError::OutOfTime) } else { Ok(left.min(self.settings.timeout())) }
    }

    fn has_time_for(&self, pause: Duration) -> bool {
        pause <= MAX_PAUSE && Instant::now() + pause < self.deadline
    }
}

/// Made once a process and shared by everything it does at once.
pub struct AdminApi {
    http: Client,
    tokens: Tokens,
    budgets: Budgets,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a, V> {
    query: &'a str,
    operation_name: &'a str,
    variables: V,
}

impl AdminApi {
    pub fn new(http: Client) -> Self {
        Self { http, tokens: Tokens::default(), budgets: Budgets::default() }
    }

    /// Runs an operation and returns its `data`.
    ///
    /// # Errors
    /// [`AdminError`]; `userErrors` are inside the data and are the caller's to look at.
    pub(crate) async fn execute(
        &self,
        call: Call<'_>,
        operation: Operation,
        variables: impl Serialize,
    ) -> Result<Data, AdminError> {
        let body = Request { query: operation.text, operation_name: operation.name, variables };
        let (mut pauses, mut renewed) = (0, false);
        loop {
            if let Some(pause) = self.budgets.reserve(call.shop, operation.name, Instant::now()) {
                self.pause(call, pause, &mut pauses).await?;
                continue;
            }
            let token = self.tokens.get(&self.http, call).await?;
            let url = call.url(&format!("/admin/api/{}/graphql.json", call.settings.api_version));
            let request = self.http.post(url).header("X-Shopify-Access-Token", token.header()?).json(&body);
            match self.attempt(call, operation, request).await {
                Err(AdminError::Unauthorized { .. }) if !renewed && token.is_renewable() => {
                    renewed = true;
                    self.tokens.forget(call.shop, &token).await;
                }
                Err(AdminError::Throttled { retry_after: Some(pause) }) => {
                    self.pause(call, pause, &mut pauses).await?
                }
                result => return result,
            }
        }
    }

    async fn attempt(
        &self,
        call: Call<'_>,
        operation: Operation,
        request: RequestBuilder,
    ) -> Result<Data, AdminError> {
        let reply = exchange(request, call.timeout()?).await?;
        let now = Instant::now();
        match reply.status {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err(AdminError::Unauthorized { status: reply.status.as_u16() });
            }
            StatusCode::TOO_MANY_REQUESTS => {
                self.budgets.block(call.shop, reply.retry_after, now);
                return Err(AdminError::Throttled { retry_after: reply.retry_after });
            }
            status => {
                return Err(AdminError::Status { status: status.as_u16(), retry_after: reply.retry_after });
            }
        }
        let (cost, result) = answer::read(operation, &reply.body, reply.retry_after);
        match (cost, &result) {
            (Some(cost), _) => self.budgets.learn(call.shop, operation.name, cost, now),
            (None, Err(AdminError::Throttled { retry_after })) => {
                self.budgets.block(call.shop, *retry_after, now)
            }
            (None, _) => {}
        }
        result
    }

    async fn pause(&self, call: Call<'_>, pause: Duration, pauses: &mut u32) -> Result<(), AdminError> {
        if *pauses == MAX_PAUSES || !call.has_time_for(pause) {
            return Err(AdminError::Throttled { retry_after: Some(pause) });
        }
        *pauses += 1;
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// A complete HTTP answer; without a body, unless it was a success.
struct Reply {
    status: StatusCode,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

async fn exchange(request: RequestBuilder, timeout: Duration) -> Result<Reply, AdminError> {
    let mut response = request.timeout(timeout).send().await.map_err(AdminError::from_transport)?;
    let status = response.status();
    let retry_after = retry_after(&response);
    let mut body = Vec::new();
    // errors of the token service say why in a small body; no other failure's body is read
    if matches!(status, StatusCode::OK | StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED) {
        while let Some(chunk) = response.chunk().await.map_err(AdminError::from_transport)? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(AdminError::TooLarge { limit: MAX_ANSWER_BYTES });
            }
            body.extend_from_slice(&chunk);
        }
    }
    Ok(Reply { status, retry_after, body })
}

/// Seconds, which Shopify writes with a fraction (`2.0`). At most an hour.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds: f32 = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Duration::try_from_secs_f32(seconds).ok().map(|wait| wait.min(Duration::from_secs(3600)))
}
