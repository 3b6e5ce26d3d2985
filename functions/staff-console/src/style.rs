//! The one style of all pages, and the policy that allows it by its hash.

use base64::{Engine, prelude::BASE64_STANDARD};
use downloads::NOWHERE;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

pub const STYLE: &str = include_str!("style.css");

static HASH: LazyLock<String> = LazyLock::new(|| BASE64_STANDARD.encode(Sha256::digest(STYLE)));

/// No script but the one for large documents, nothing from elsewhere, and forms that go here alone.
pub fn policy(has_script: bool) -> String {
    let script = if has_script { "; script-src 'self'; connect-src 'self'" } else { "" };
    let nowhere = NOWHERE.replace("form-action 'none'", "form-action 'self'");
    format!("default-src 'none'; style-src 'sha256-{}'{script}; {nowhere}", *HASH)
}
