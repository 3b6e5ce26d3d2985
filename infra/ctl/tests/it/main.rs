//! The program itself.

use std::process::{Command, Output, Stdio};

fn ctl(arguments: &[&str], set: &[(&str, &str)]) -> std::io::Result<Output> {
    let mut ctl = Command::new(env!("CARGO_BIN_EXE_ctl"));
    ctl.args(arguments).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").stdin(Stdio::null());
    ctl.envs(set.iter().copied()).output()
}

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

/// A script never meets a colour that it did not ask for.
#[test]
fn colours_are_for_who_wants_them() {
    let wrong = ["why", "no-such"];
    let text = |set: &[(&str, &str)], more: &[&str]| {
        let output = ctl(&[&wrong[..], more].concat(), set).unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(!text(&[], &[]).contains('\u{1b}'), "it is piped");
    assert!(!text(&[("NO_COLOR", "1")], &[]).contains('\u{1b}'));
    assert!(text(&[], &["--color", "always"]).starts_with("\u{1b}[31mctl: \u{1b}[0m"));
    assert!(!text(&[], &["--color", "never"]).contains('\u{1b}'));
}

/// Rows of what needs no deployment: each line is an object.
#[test]
fn rows_are_json_lines_and_nothing_else() {
    let folder = std::env::temp_dir().join(format!("ctl-it-{}", std::process::id()));
    let out = folder.to_str().unwrap();
    for arguments in [
        &["cost", "--communications", "1000", "--json"][..],
        &["samples", "write", "receipt", "--json", "--out", out],
    ] {
        let output = ctl(arguments, &[]).unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.lines().count() > 3, "{text}");
        for line in text.lines() {
            assert!(line.starts_with('{') && line.ends_with('}'), "{line}");
        }
    }
    assert!(
        folder.join("receipt.many-rows.v1.json").is_file() && folder.join("receipt.v1.schema.json").is_file()
    );
    std::fs::remove_dir_all(folder).unwrap();
}
