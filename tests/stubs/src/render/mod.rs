//! Documents out of driver data: a business letter for what is an order's own, a report for everything else.

mod cells;
mod document;
mod draw;
mod embed;
mod fonts;
mod html;
mod labels;
mod languages;
mod letter;
mod lines;
mod page;
mod pdf;
mod report;
mod sums;
#[cfg(test)]
mod tests;
mod text;
mod tidy;
pub(crate) mod value;
mod words;

pub use fonts::missing as missing_fonts;
pub use page::read_text;

use serde_json::Value;

pub(crate) const EMPOWER: &str = "application/vnd.exstream-empower";

/// What makes one composition differ from the next, as with the real engine.
#[derive(Debug, Clone)]
pub(crate) struct Stamp {
    pub at: jiff::Timestamp,
    pub serial: u64,
}

pub(crate) fn can_make(mime: &str) -> bool {
    matches!(mime, "application/pdf" | "text/html" | EMPOWER)
}

/// The documents of one queue. A PDF holds all customers of the file; HTML and Empower break per customer.
pub(crate) fn make(mime: &str, customers: &[Value], stamp: Option<&Stamp>, padding: usize) -> Vec<Vec<u8>> {
    match mime {
        "application/pdf" => vec![pdf::write(customers, stamp, padding)],
        "text/html" => customers.iter().map(|customer| html::write(customer).into_bytes()).collect(),
        _ => customers.iter().map(|customer| customer.to_string().into_bytes()).collect(),
    }
}
