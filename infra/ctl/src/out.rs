//! What is printed. Nothing else prints: much of it comes from shops, customers and other services, and none of it
//! may steer the operator's terminal or read otherwise than it is. Colours are added to what was made harmless, and only
//! for who wants them: a terminal, unless `NO_COLOR` or `--color` says otherwise.

use anstream::{AutoStream, ColorChoice};
use std::{
    io::{ErrorKind, Write},
    ops::Range,
};

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

/// When there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    Always,
    Never,
}

impl Color {
    /// For everything that is printed from now on.
    pub fn apply(self) {
        let choice = match self {
            Self::Auto => ColorChoice::Auto,
            Self::Always => ColorChoice::Always,
            Self::Never => ColorChoice::Never,
        };
        choice.write_global();
    }
}

/// What a part of a line says beside its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    Head,
    Good,
    Bad,
    /// It is open, or nobody can tell.
    Doubt,
}

impl Paint {
    /// The sequence of ECMA-48.
    const fn code(self) -> &'static str {
        match self {
            Self::Head => "\u{1b}[1m",
            Self::Good => "\u{1b}[32m",
            Self::Bad => "\u{1b}[31m",
            Self::Doubt => "\u{1b}[33m",
        }
    }
}

const PLAIN: &str = "\u{1b}[0m";

pub fn line(text: &str) {
    raw(format!("{}\n", comms::printable(text)).as_bytes());
}

/// A line of which a part is painted, where there are colours.
pub fn painted(text: &str, part: Range<usize>, paint: Paint) {
    colours(format!("{}\n", with_paint(text, part, paint)).as_bytes());
}

/// Each piece is made harmless before it is painted.
fn with_paint(text: &str, part: Range<usize>, paint: Paint) -> String {
    let piece = |range: Range<usize>| comms::printable(text.get(range).unwrap_or_default());
    match text.get(part.clone()) {
        Some(_) => format!(
            "{}{}{}{PLAIN}{}",
            piece(0..part.start),
            paint.code(),
            piece(part.clone()),
            piece(part.end..text.len())
        ),
        None => comms::printable(text).into_owned(),
    }
}

pub fn aside(text: &str) {
    const WHO: &str = "ctl: ";
    let mut out = anstream::stderr().lock();
    // where nobody reads it, there is nobody to tell
    let _ = match text.starts_with(WHO) {
        true => writeln!(out, "{}", with_paint(text, 0..WHO.len(), Paint::Bad)),
        false => writeln!(out, "{}", comms::printable(text)),
    };
}

/// A line of a terminal that is written over by the next one, unless it is the last.
pub fn in_place(text: &str, part: Range<usize>, paint: Paint, is_last: bool) {
    let end = if is_last { "\n" } else { "" };
    raw(b"\r\x1b[2K");
    colours(format!("{}{end}", with_paint(&comms::one_line(text), part, paint)).as_bytes());
}

/// JSON, of which nothing is lost.
pub fn json(text: &str) {
    raw(format!("{}\n", comms::visible_json(text)).as_bytes());
}

/// What this program made itself, as it is. Ends the program where whoever reads it has closed the pipe, or nothing more
/// can be written: what was printed so far is not the whole answer.
pub fn raw(bytes: &[u8]) {
    write(std::io::stdout().lock(), bytes);
}

/// The same, without colours where nobody wants them.
fn colours(bytes: &[u8]) {
    write(AutoStream::auto(std::io::stdout().lock()), bytes);
}

fn write(mut out: impl Write, bytes: &[u8]) {
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(CLOSED_PIPE),
        Err(error) => {
            aside(&format!("ctl: cannot print: {error}"));
            std::process::exit(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is painted comes from outside as well, and brings no sequence of its own.
    #[test]
    fn only_our_own_colours_are_printed() {
        let painted = with_paint("a \u{1b}[2Jb c", 2..7, Paint::Bad);
        assert_eq!(painted.matches('\u{1b}').count(), 2, "{painted:?}");
        assert!(painted.starts_with("a \u{1b}[31m") && painted.ends_with("\u{1b}[0m c"), "{painted:?}");
        assert_eq!(with_paint("é", 0..1, Paint::Good), "é", "a part that is none paints nothing");
    }
}
