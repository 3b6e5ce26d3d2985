//! One HTTP exchange with Shopify.

use super::error::AdminError;
use reqwest::{RequestBuilder, Response, StatusCode, header};
use std::time::Duration;

/// The largest answer read. The largest an order's page can be is far below.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// A complete HTTP answer; without a body, unless it was a success.
pub(super) struct Reply {
    pub status: StatusCode,
    pub retry_after: Option<Duration>,
    pub body: Vec<u8>,
}

pub(super) async fn exchange(request: RequestBuilder, timeout: Duration) -> Result<Reply, AdminError> {
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
