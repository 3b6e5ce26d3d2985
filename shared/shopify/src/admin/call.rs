//! What is asked of Shopify: an operation, of a shop, as somebody, until a moment.

use super::{credentials::Credentials, error::AdminError};
use comms::ShopDomain;
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::Instant;

/// The longest pause a call makes before it leaves the waiting to the queue.
pub const MAX_PAUSE: Duration = Duration::from_secs(2);

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
    pub(super) fn url(&self, path: &str) -> String {
        match &self.settings.base_url {
            Some(base) => base.with_path(path),
            None => format!("https://{}{path}", self.shop),
        }
    }

    /// The time one request may take.
    pub(super) fn timeout(&self) -> Result<Duration, AdminError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(AdminError::OutOfTime) } else { Ok(left.min(self.settings.timeout())) }
    }

    pub(super) fn has_time_for(&self, pause: Duration) -> bool {
        pause <= MAX_PAUSE && Instant::now() + pause < self.deadline
    }
}
