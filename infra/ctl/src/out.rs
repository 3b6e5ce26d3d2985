//! What is printed. Nothing else prints: much of it comes from shops, customers and other services, and none of it
//! may steer the operator's terminal or read otherwise than it is.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what this program is for")]

/// For standard output, as `println!`.
macro_rules! say {
    ($($text:tt)*) => { $crate::out::line(&format!($($text)*)) };
}

/// For standard error, as `eprintln!`.
macro_rules! note {
    ($($text:tt)*) => { $crate::out::aside(&format!($($text)*)) };
}

pub(crate) use {note, say};

pub fn line(text: &str) {
    println!("{}", comms::printable(text));
}

pub fn aside(text: &str) {
    eprintln!("{}", comms::printable(text));
}

/// JSON, of which nothing is lost.
pub fn json(text: &str) {
    println!("{}", comms::visible_json(text));
}
