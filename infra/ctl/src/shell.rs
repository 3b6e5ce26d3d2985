//! `ctl completions` and `ctl man`: what shells and `man` know of this program, from its own definition of its commands.

use crate::{
    Cli,
    failure::Failure,
    out::{self, say},
};
use clap::CommandFactory;
use clap_complete::Shell;
use std::{path::Path, process::ExitCode};

/// Prints the script that completes the program's commands and options.
pub fn completions(shell: Shell) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "ctl", &mut script);
    out::raw(&script);
    ExitCode::SUCCESS
}

/// Writes a page for the program and for each of its commands.
pub fn man(folder: &Path) -> Result<ExitCode, Failure> {
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)?;
    say!("{}: pages for `man -M`, or for a folder `man1` of `MANPATH`", folder.display());
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page() {
        let folder = std::env::temp_dir().join(format!("ctl-man-{}", std::process::id()));
        man(&folder).unwrap();
        for page in ["ctl.1", "ctl-doctor.1", "ctl-config-push.1"] {
            assert!(folder.join(page).is_file(), "{page}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
