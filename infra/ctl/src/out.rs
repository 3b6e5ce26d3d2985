//! What is printed. Nothing else prints: much of it comes from shops, customers and other services, and none of it
//! may steer the operator's terminal or read otherwise than it is.

use std::io::{ErrorKind, Write};

/// For standard output, as `println!`.
macro_rules! say {
    ($($text:tt)*) => { $crate::out::line(&format!($($text)*)) };
}

/// For standard error, as `eprintln!`.
macro_rules! note {
    ($($text:tt)*) => { $crate::out::aside(&format!($($text)*)) };
}

pub(crate) use {note, say};

/// What a shell shows of a program whose reader has closed the pipe.
const CLOSED_PIPE: i32 = 141;

pub fn line(text: &str) {
    raw(format!("{}\n", comms::printable(text)).as_bytes());
}

pub fn aside(text: &str) {
    // where nobody reads it, there is nobody to tell
    let _ = writeln!(std::io::stderr().lock(), "{}", comms::printable(text));
}

/// JSON, of which nothing is lost.
pub fn json(text: &str) {
    raw(format!("{}\n", comms::visible_json(text)).as_bytes());
}

/// What this program made itself, as it is. Ends the program where whoever reads it has closed the pipe, or nothing more
/// can be written: what was printed so far is not the whole answer.
pub fn raw(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(CLOSED_PIPE),
        Err(error) => {
            aside(&format!("ctl: cannot print: {error}"));
            std::process::exit(1)
        }
    }
}
