//! Asking the person at the keyboard before something is changed. Where nobody can answer, the answer is no.

use crate::out::note;
use std::io::{BufRead, IsTerminal};

/// Whether the person wants it: `question` as a sentence without its question mark.
pub fn is_wanted(question: &dyn std::fmt::Display) -> bool {
    if !std::io::stdin().is_terminal() {
        note!("ctl: {question}: not without --yes, because nobody can be asked");
        return false;
    }
    note!("{question}? [y/N]");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).is_ok() && matches!(line.trim(), "y" | "Y" | "yes")
}
