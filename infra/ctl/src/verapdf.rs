//! What veraPDF says of a file, where it is installed. It checks what a file claims; without a claim there is nothing
//! to check.

use crate::{failure::Failure, out::say};
use archive::Examined;
use std::{
    io::ErrorKind,
    path::Path,
    process::{Command, Stdio},
};

/// Whether the file keeps every standard that it claims. What veraPDF reports is printed.
pub fn run(file: &Path, examined: Option<&Examined>) -> Result<bool, Failure> {
    validate("verapdf", file, examined)
}

fn validate(program: &str, file: &Path, examined: Option<&Examined>) -> Result<bool, Failure> {
    let flavours = examined.map(flavours).unwrap_or_default();
    if flavours.is_empty() {
        say!("  veraPDF: the file claims no standard that could be checked");
        return Ok(true);
    }
    let mut all = true;
    for flavour in flavours {
        let mut run = Command::new(program);
        run.args(["--format", "text", "--flavour", &flavour]).arg(file.canonicalize()?).stdin(Stdio::null());
        let found = match run.output() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err("veraPDF is not installed: there is no `verapdf` on the path".into());
            }
            found => found?,
        };
        let passed = found.status.success();
        say!("  veraPDF, {flavour}: {}", if passed { "passed" } else { "FAILED" });
        if !passed {
            for printed in [&found.stdout, &found.stderr] {
                String::from_utf8_lossy(printed).lines().for_each(|line| say!("  {line}"));
            }
        }
        all &= passed;
    }
    Ok(all)
}

/// As veraPDF names the standards that a file claims.
fn flavours(examined: &Examined) -> Vec<String> {
    let pdf = &examined.pdf;
    pdf.pdf_a.clone().into_iter().chain(pdf.pdf_ua.iter().map(|part| format!("ua{part}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use archive::Pdf;

    fn claiming(pdf_a: Option<&str>, pdf_ua: Option<&str>) -> Examined {
        let text = |it: Option<&str>| it.map(str::to_owned);
        let pdf = Pdf { pdf_a: text(pdf_a), pdf_ua: text(pdf_ua), language: None, encrypted: false };
        Examined { pages: 1, pdf }
    }

    #[test]
    fn each_claim_is_checked_and_each_failure_counts() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let both = claiming(Some("3b"), Some("1"));
        assert_eq!(flavours(&both), ["3b", "ua1"]);
        for (program, examined, passed) in
            [("true", &both, true), ("false", &both, false), ("no-such-program", &claiming(None, None), true)]
        {
            assert_eq!(validate(program, &file, Some(examined)).unwrap(), passed, "{program}");
        }
        let absent = validate("no-such-program", &file, Some(&both)).unwrap_err();
        assert!(absent.to_string().contains("not installed"), "{absent}");
    }
}
