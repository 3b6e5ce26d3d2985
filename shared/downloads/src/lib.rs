//! What a document needs on its way to a browser, whoever sends it: a name to be saved under (`file_name.rs`), a part that
//! fits into an answer of Lambda's (`range.rs`), the policy that keeps it from doing anything, and the answer of an HTTP API
//! with its headers (`answer.rs`). No I/O.

mod answer;
mod file_name;
mod range;

pub use answer::HttpResponse;
pub use file_name::{disposition, file_name};
pub use range::{PART_BYTES, Part};

use comms::Format;

/// Saves what is too large for one answer: fetches it in parts, checks the hash, and hands it to the browser. For links
/// with `data-bytes`, `data-sha256`, `data-type`, `data-loading`, `data-loaded` and `data-failed`, on a page with an element
/// `status`.
const PARTS_SCRIPT: &str = include_str!("parts.js");

/// Nobody frames it, nothing is sent from it, and no address in it is bent.
pub const NOWHERE: &str = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The content type and the policy that a document is answered with. What a template wrote as HTML gets no script, no origin
/// and nothing from elsewhere.
pub fn content(media_type: &str) -> (&'static str, String) {
    match Format::of(media_type) {
        Some(Format::Html) => (
            "text/html; charset=utf-8",
            format!(
                "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; {NOWHERE}; \
                 sandbox allow-popups allow-popups-to-escape-sandbox"
            ),
        ),
        Some(Format::Text) => ("text/plain; charset=utf-8", format!("default-src 'none'; {NOWHERE}")),
        // a sandbox would keep browsers from showing it
        format => (
            format.map_or("application/octet-stream", Format::media_type),
            format!("default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; {NOWHERE}"),
        ),
    }
}
