//! How commands fail.

/// A failure, in words for the person at the keyboard.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
