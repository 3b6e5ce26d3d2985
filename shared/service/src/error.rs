//! Why a function does not start.

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the environment variable {0} is not set")]
    Missing(String),
    #[error("the environment variable {name} is `{value}`: {what}")]
    Invalid { name: String, value: String, what: String },
    #[error("the HTTP client cannot be made")]
    Http(#[from] reqwest::Error),
    #[error("the HTTP client for AWS cannot be made")]
    Aws(#[source] Box<dyn std::error::Error + Send + Sync>),
}
