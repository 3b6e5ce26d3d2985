//! Documents from driver data, as PDF and HTML: an order's own is a letter with a table, every other one a report laid
//! out from the shape of its data.
//!
//! Nothing is computed: a page shows the mistakes of its data. [`value`] reads driver data, JSON or XML, and
//! [`read_text`] reads the words of a PDF back.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "pages are bounded, and so are the amounts that tests give"
)]

mod cells;
mod document;
mod draw_frame;
mod draw_sections;
mod embed;
mod file;
mod fonts;
mod head;
mod html;
mod labels;
mod languages;
mod letter;
mod lines;
mod pdf;
mod read;
mod report;
mod section;

mod shapes;
mod sheet;
mod style;
mod sums;
#[cfg(test)]
mod tests;
mod text;
mod tidy;
mod totals;
pub mod value;
mod words;

pub use file::Stamp;
pub use fonts::missing as missing_fonts;
pub use read::read_text;

use serde_json::Value;

/// The type of a document that an editor of Exstream opens.
pub const EMPOWER: &str = "application/vnd.exstream-empower";

/// Whether documents of this type can be made.
pub fn can_make(mime: &str) -> bool {
    matches!(mime, "application/pdf" | "text/html" | "text/plain" | EMPOWER)
}

/// The documents of one queue. A PDF holds all customers of the file; all others break per customer.
pub fn make(mime: &str, customers: &[Value], stamp: Option<&Stamp>, padding: usize) -> Vec<Vec<u8>> {
    match mime {
        "application/pdf" => vec![pdf::write(customers, stamp, padding)],
        "text/html" => customers.iter().map(|customer| html::write(customer).into_bytes()).collect(),
        "text/plain" => customers.iter().map(|customer| short(customer).into_bytes()).collect(),
        _ => customers.iter().map(|customer| customer.to_string().into_bytes()).collect(),
    }
}

/// The text of a short message: what it is about, and whose it is.
fn short(customer: &Value) -> String {
    let of = |path: &[&str]| value::text(customer, path).unwrap_or_default();
    format!("{} {} {}\n", of(&["brand", "name"]), of(&["order", "name"]), of(&["communication"]))
}
