//! The program itself.

use std::process::{Command, Stdio};

/// Whoever pipes it into `head` gets no panic, and a shell sees that the answer was not read to its end.
#[test]
fn a_closed_pipe_ends_the_program_quietly() {
    let mut ctl = Command::new(env!("CARGO_BIN_EXE_ctl"));
    let ctl = ctl.args(["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = ctl.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(141));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
