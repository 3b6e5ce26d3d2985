//! What log lines look like, and where they go: standard output, which Lambda reads. Texts from outside get into lines, and people read lines
//! in terminals: what cannot be seen is written as JSON's `\u…`, so that it neither steers nor hides, and nothing of it
//! is lost.

use std::io::{self, Write};
use tracing_subscriber::fmt::{
    SubscriberBuilder,
    format::{Format, Json, JsonFields},
};

/// One JSON object per line, its fields at the top.
pub fn subscriber() -> SubscriberBuilder<JsonFields, Format<Json>> {
    let json = tracing_subscriber::fmt().json().flatten_event(true).with_target(false);
    json.with_current_span(false).with_span_list(false)
}

/// Takes whole lines of JSON.
pub struct Lines<W>(pub W);

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write_all(comms::visible_json(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_says_all_and_steers_nothing() {
        let text = "x\u{9b}2J\u{202e}y\u{2028}z\u{1b}[0m Zoë";
        let shared = Shared::default();
        let target = shared.clone();
        let subscriber = subscriber().with_writer(move || Lines(target.clone())).finish();
        tracing::subscriber::with_default(subscriber, || tracing::info!(reason = text, "done"));
        let line = String::from_utf8(shared.0.lock().unwrap().clone()).unwrap();
        assert!(comms::is_one_line(line.trim_end_matches('\n')), "{line}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap()["reason"], text);
    }
}
