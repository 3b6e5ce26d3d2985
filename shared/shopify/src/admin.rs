//! The GraphQL Admin API: one client for all shops a process serves.
//!
//! Owns the access tokens, what is known of each shop's query budget, and the reading of answers: HTTP
//! success is not taken for success. Promises that every call ends by the caller's deadline, that an answer
//! costs no more than 16 MiB of memory, and that a shop known to have no budget left is not
//! asked. Waits by itself only when the wait is short; otherwise it answers with the time Shopify wants.
//! Every operation here can be repeated, but for `start_workflows`: a crash or time-out at any point costs a repetition,
//! no more. The client itself asks again only after a refusal.

mod answer;
mod budget;
mod call;
mod credentials;
mod error;
mod http;
mod offline;
mod operations;
mod token;

#[cfg(test)]
pub(crate) use operations::LINES as ORDER_LINES;

pub use call::{Call, MAX_PAUSE};
pub use credentials::{Credentials, OfflineMode};
pub use error::{AdminError, ErrorCode, GraphqlError, UserError};
pub use offline::OfflineToken;
pub use operations::{MAX_METAFIELDS, MetafieldWrite, StatusMetafield};

pub(crate) use answer::Data;
pub(crate) use call::Operation;
pub(crate) use operations::{Payload, accepted};

use budget::Budgets;
use http::exchange;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::Serialize;
use std::time::Duration;
use token::Tokens;
use tokio::time::Instant;

/// How often a call asks again after a pause.
pub const MAX_PAUSES: u32 = 5;

/// Made once per process and shared by everything it does at once.
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
