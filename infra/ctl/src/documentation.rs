//! The table of commands in the manual.

use crate::Cli;
use clap::{Arg, Command, CommandFactory};
use std::path::Path;

#[test]
fn the_manual_has_every_command() {
    let mut rows = String::from("| command | what it does |\n| --- | --- |\n");
    rows_of(&Cli::command(), "ctl", &mut rows);
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
    contract::published_part(&page, "ctl", &rows);
}

/// A row per command, and for one that has others a row per each of these.
fn rows_of(command: &Command, path: &str, rows: &mut String) {
    for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
        let path = format!("{path} {}", command.get_name());
        if command.has_subcommands() {
            rows_of(command, &path, rows);
            continue;
        }
        let given: Vec<&Arg> = command.get_arguments().filter(|it| it.get_id() != "help").collect();
        let (positional, options): (Vec<&Arg>, Vec<&Arg>) =
            given.into_iter().partition(|it| it.is_positional());
        let (required, optional): (Vec<&Arg>, Vec<&Arg>) =
            options.into_iter().partition(|it| it.is_required_set());
        let written = positional.iter().chain(&required).map(|it| written(it));
        let written: Vec<String> = std::iter::once(path).chain(written).collect();
        let about = command.get_about().expect("every command says what it does").to_string();
        let said = positional.iter().chain(&required).map(|it| described(it));
        let said = said.chain(optional.iter().map(|it| described(it))).collect::<Vec<_>>();
        rows.push_str(&format!(
            "| `{}` | {}<br>{} |\n",
            written.join(" "),
            sentence(&about),
            said.join("<br>")
        ));
    }
}

fn value(arg: &Arg) -> String {
    let many = if arg.get_num_args().is_some_and(|number| number.max_values() > 1) { "…" } else { "" };
    format!("<{}>{many}", arg.get_id().as_str().to_lowercase().replace('_', "-"))
}

fn written(arg: &Arg) -> String {
    match arg.get_long() {
        Some(long) if arg.get_action().takes_values() => format!("--{long} {}", value(arg)),
        Some(long) => format!("--{long}"),
        None => value(arg),
    }
}

fn described(arg: &Arg) -> String {
    let help = arg.get_help().unwrap_or_else(|| panic!("{}: is not described", arg.get_id())).to_string();
    let default: Vec<_> =
        arg.get_default_values().iter().map(|it| it.to_string_lossy().into_owned()).collect();
    let mut said = format!("`{}`: {}", written(arg), sentence(&help));
    if arg.get_action().takes_values() && !default.is_empty() {
        said.push_str(&format!(" Default: `{}`.", default.join(" ")));
    }
    if let Some(variable) = arg.get_env() {
        said.push_str(&format!(" Also as `{}`.", variable.to_string_lossy()));
    }
    said
}

/// Help has no full stop at its end.
fn sentence(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    if line.ends_with('.') { line } else { line + "." }
}
