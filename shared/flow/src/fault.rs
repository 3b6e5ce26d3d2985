//! Fault points: places where a test can make the process die.

use std::sync::LazyLock;

/// The point named by `FAULT_POINT`. Unset, as it is in every deployment, nothing ever dies here.
static ARMED: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("FAULT_POINT").ok());

/// Ends the process, as a crash or a lost machine would: nothing is flushed, nothing is answered.
pub fn point(name: &str) {
    if ARMED.as_deref() == Some(name) {
        std::process::abort();
    }
}
