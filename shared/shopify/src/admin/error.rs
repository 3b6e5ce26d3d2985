//! What can go wrong with the Admin API, and what it means for the work it interrupted.

use crate::Malformed;
use comms::{Class, Classify};
use serde::{Deserialize, Deserializer};
use std::{fmt, time::Duration};

/// Names what happened. Carries statuses, codes, field paths and shortened messages; never a token, a body
/// or what a customer wrote.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error("no connection to Shopify")]
    Transport { source: reqwest::Error },
    #[error("Shopify did not answer in time")]
    TimedOut,
    #[error("the time allowed ended before Shopify was asked")]
    OutOfTime,
    /// Neither success nor one of the statuses with a meaning of their own.
    #[error("Shopify answered with status {status}")]
    Status { status: u16, retry_after: Option<Duration> },
    /// Also after a token was renewed.
    #[error("Shopify does not accept the access token: status {status}")]
    Unauthorized { status: u16 },
    #[error("Shopify gives no access token: status {status}{}", suffix(code))]
    TokenRefused { status: u16, code: Option<String> },
    #[error("the shop's secret has no Shopify credentials, or they cannot be sent")]
    Credentials,
    #[error("Shopify's answer is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("the shop's query budget is used up")]
    Throttled { retry_after: Option<Duration> },
    #[error("{operation}: {}", list(errors))]
    Graphql { operation: &'static str, errors: Vec<GraphqlError> },
    #[error("{operation} was refused: {}", list(errors))]
    UserErrors { operation: &'static str, errors: Vec<UserError> },
    /// Shopify dropped a search term it did not understand and returned everything.
    #[error("{operation}: Shopify ignored a part of the search")]
    SearchIgnored { operation: &'static str },
    #[error("{operation}: the answer has no data")]
    NoData { operation: &'static str },
    #[error("{operation}: the answer's {source}")]
    Malformed { operation: &'static str, source: Malformed },
    /// HTTP success with something else, such as a page of a gateway or of a shop that is closed.
    #[error("{operation}: what came back is no answer of the Admin API: {source}")]
    NoAnswer { operation: &'static str, source: Malformed },
    #[error("the order was changed while its pages were read")]
    Changed,
    /// A bulk operation's result is said to be elsewhere. Nothing was fetched.
    #[error("{operation}: the result's address is not one of Shopify's")]
    ResultAddress { operation: &'static str },
}

impl Classify for AdminError {
    /// What somebody can fix without the message waits, and ends in the DLQ at worst: credentials, access scopes, a
    /// shop that is frozen, locked or moved. So does whatever Shopify does not explain, a query that it does not take
    /// as it is meant or at its cost, and an answer that this release cannot read: a later one may, when the dead
    /// letter is sent again. Final is only what Shopify says against the input itself.
    fn class(&self) -> Class {
        match self {
            Self::Throttled { retry_after } => Class::Transient { retry_after: *retry_after },
            // about the request's own form, which is the same at every attempt
            Self::Status { status: 400 | 405 | 406 | 413 | 414 | 415 | 422, .. } => Class::Permanent,
            Self::Status { retry_after, .. } => Class::Transient { retry_after: *retry_after },
            Self::Transport { .. }
            | Self::TimedOut
            | Self::OutOfTime
            | Self::Unauthorized { .. }
            | Self::TokenRefused { .. }
            | Self::Credentials
            | Self::NoData { .. }
            | Self::TooLarge { .. }
            | Self::Malformed { .. }
            | Self::NoAnswer { .. }
            | Self::SearchIgnored { .. }
            | Self::Graphql { .. }
            | Self::Changed
            | Self::ResultAddress { .. } => Class::transient(),
            // only when everything that went wrong may pass, trying again makes sense
            Self::UserErrors { errors, .. } if errors.iter().all(UserError::may_pass) => Class::transient(),
            Self::UserErrors { .. } => Class::Permanent,
        }
    }
}

impl AdminError {
    /// The app lacks an access scope: whatever else is wrong, an operator has to grant it first.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Graphql { errors, .. } if errors.iter().any(|it| it.code == ErrorCode::AccessDenied))
    }

    /// Whether Shopify certainly did not do what it was asked. Anything else may have been done, with its answer lost.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::OutOfTime
            | Self::Unauthorized { .. }
            | Self::TokenRefused { .. }
            | Self::Credentials
            | Self::Throttled { .. }
            | Self::UserErrors { .. } => true,
            Self::Transport { source } => source.is_connect(),
            // a time-out at a gateway is one of those, too
            Self::Status { status, .. } => (400..500).contains(status) && *status != 408,
            Self::Graphql { errors, .. } => errors.iter().all(|it| match it.code {
                ErrorCode::Throttled
                | ErrorCode::AccessDenied
                | ErrorCode::MaxCostExceeded
                | ErrorCode::ShopInactive => true,
                ErrorCode::InternalServerError
                | ErrorCode::Timeout
                | ErrorCode::Other(_)
                | ErrorCode::None => false,
            }),
            Self::TimedOut
            | Self::TooLarge { .. }
            | Self::NoData { .. }
            | Self::Malformed { .. }
            | Self::NoAnswer { .. }
            | Self::SearchIgnored { .. }
            | Self::Changed
            | Self::ResultAddress { .. } => false,
        }
    }

    /// Shopify, or the way to it, gave up before there was an answer: the question may be too large, or the moment bad.
    pub fn is_timeout(&self) -> bool {
        let coded = |errors: &[GraphqlError]| errors.iter().any(|it| it.code == ErrorCode::Timeout);
        matches!(self, Self::TimedOut) || matches!(self, Self::Graphql { errors, .. } if coded(errors))
    }

    /// The shop is closed to apps: frozen, paused or not opened yet.
    fn is_inactive(&self) -> bool {
        matches!(self, Self::Graphql { errors, .. } if errors.iter().any(|it| it.code == ErrorCode::ShopInactive))
    }

    /// Whether one of the resources that were asked about together may be the cause, so that the others can be had
    /// without it. Not where it is the shop's matter, or the moment's.
    pub fn may_be_of_one(&self) -> bool {
        match self {
            Self::TooLarge { .. }
            | Self::NoData { .. }
            | Self::Malformed { .. }
            | Self::UserErrors { .. } => true,
            Self::Graphql { .. } => !self.is_denied() && !self.is_inactive(),
            Self::TimedOut | Self::Status { .. } => true,
            Self::Transport { .. }
            | Self::OutOfTime
            | Self::Unauthorized { .. }
            | Self::TokenRefused { .. }
            | Self::Credentials
            | Self::Throttled { .. }
            | Self::NoAnswer { .. }
            | Self::SearchIgnored { .. }
            | Self::Changed
            | Self::ResultAddress { .. } => false,
        }
    }

    pub(super) fn from_transport(error: reqwest::Error) -> Self {
        // the address of a request is the shop's; nothing that is not known anyway, but no news either
        if error.is_timeout() { Self::TimedOut } else { Self::Transport { source: error.without_url() } }
    }
}

/// A top-level error: the operation did not run, or only in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphqlError {
    pub code: ErrorCode,
    /// At most 200 characters.
    pub message: String,
}

/// `errors[].extensions.code`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorCode {
    Throttled,
    AccessDenied,
    MaxCostExceeded,
    InternalServerError,
    ShopInactive,
    Timeout,
    Other(String),
    None,
}

impl ErrorCode {
    pub(super) fn new(code: Option<&str>) -> Self {
        match code {
            Some("THROTTLED") => Self::Throttled,
            Some("ACCESS_DENIED") => Self::AccessDenied,
            Some("MAX_COST_EXCEEDED") => Self::MaxCostExceeded,
            Some("INTERNAL_SERVER_ERROR") => Self::InternalServerError,
            Some("SHOP_INACTIVE") => Self::ShopInactive,
            Some("TIMEOUT") => Self::Timeout,
            Some(other) => Self::Other(short(other, 64)),
            None => Self::None,
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Self::Throttled => "THROTTLED",
            Self::AccessDenied => "ACCESS_DENIED",
            Self::MaxCostExceeded => "MAX_COST_EXCEEDED",
            Self::InternalServerError => "INTERNAL_SERVER_ERROR",
            Self::ShopInactive => "SHOP_INACTIVE",
            Self::Timeout => "TIMEOUT",
            Self::Other(name) => name,
            Self::None => "no code",
        }
    }
}

impl fmt::Display for GraphqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.code.name(), self.message)
    }
}

/// A mutation's objection to one of its inputs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UserError {
    /// The input's path, such as `["metafields", "0", "value"]`.
    #[serde(default, deserialize_with = "crate::decode::list")]
    pub field: Vec<String>,
    #[serde(default)]
    pub code: Option<String>,
    /// At most 200 characters.
    #[serde(deserialize_with = "message")]
    pub message: String,
}

impl UserError {
    /// Which element of the list given as the mutation's input this is about. Shopify's own `elementIndex`
    /// counts inside of one value and does not tell.
    pub fn element(&self) -> Option<usize> {
        self.field.get(1)?.parse().ok()
    }

    /// The metafield is not what was read: somebody wrote it in between. Read again and decide again.
    pub fn is_stale(&self) -> bool {
        matches!(self.code.as_deref(), Some("STALE_OBJECT" | "INVALID_COMPARE_DIGEST" | "TAKEN"))
    }

    /// Whether the same input may be taken another time.
    pub fn may_pass(&self) -> bool {
        self.is_stale() || self.code.as_deref() == Some("INTERNAL_ERROR")
    }
}

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at `{}`, {}",
            self.code.as_deref().unwrap_or("no code"),
            self.field.join("."),
            self.message
        )
    }
}

/// Printable and of bounded length, because it came from outside.
pub(super) fn short(text: &str, chars: usize) -> String {
    comms::one_line(text).chars().take(chars).collect()
}

fn message<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(short(&String::deserialize(deserializer)?, 200))
}

fn suffix(code: &Option<String>) -> String {
    code.as_deref().map(|code| format!(", {code}")).unwrap_or_default()
}

fn list(errors: &[impl fmt::Display]) -> String {
    // a validation failure can come with hundreds
    errors.iter().take(5).map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
