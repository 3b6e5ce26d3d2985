//! `--from-file`: the same decision about many communications, one per line. Whatever becomes of one, the others are decided
//! about; each has a line of its own, and the exit code says whether all went well.

use crate::{failure::Failure, out::note, rows::remark};
use comms::{CommunicationId, chain};
use std::{path::Path, process::ExitCode};

/// More than this in one file is a mistake.
const MOST: usize = 100_000;

/// The communications of a file. Empty lines and what follows a `#` say nothing; a line that is no id, or is there twice,
/// refuses the file before anything is decided.
fn read(text: &str) -> Result<Vec<CommunicationId>, Failure> {
    let mut ids = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let id: CommunicationId = line.parse().map_err(|error| format!("line {number}: {error}"))?;
        if ids.len() >= MOST {
            return Err(format!("more than {MOST} communications").into());
        }
        ids.push(id);
    }
    let mut sorted: Vec<_> = ids.iter().map(CommunicationId::as_str).collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("{} is there twice", pair[0]).into()),
        None => Ok(ids),
    }
}

/// Decides about each communication of a file.
pub async fn each(
    file: &Path,
    json: bool,
    decide: impl AsyncFn(&CommunicationId) -> Result<ExitCode, Failure>,
) -> Result<ExitCode, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let ids = read(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut failed = 0;
    for id in &ids {
        match decide(id).await {
            Ok(code) if code == ExitCode::SUCCESS => {}
            Ok(_) => failed += 1,
            Err(error) => {
                failed += 1;
                note!("{id}  {}", chain(error.as_ref()));
            }
        }
    }
    remark!(json, "{} of {} done, {failed} failed", ids.len() - failed, ids.len());
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "c4809f9b199959867b344883a5f958d0";
    const B: &str = "2b706c1bf2a6cefed14ac0788edd2bd6";

    #[test]
    fn a_file_is_read_as_a_whole_before_anything_is_decided() {
        assert_eq!(read(&format!("# of today\n{A}  # first\n\n {B}\n")).unwrap().len(), 2);
        let error = |text: &str| read(text).unwrap_err().to_string();
        assert!(error(&format!("{A}\nnothing")).starts_with("line 2: "));
        assert!(error(&format!("{A}\n{B}\n{A}")).ends_with("is there twice"));
    }

    #[tokio::test]
    async fn what_becomes_of_one_concerns_no_other() {
        let file = std::env::temp_dir().join(format!("ctl-many-{}", std::process::id()));
        std::fs::write(&file, format!("{A}\n{B}\n")).unwrap();
        let seen = std::cell::RefCell::new(Vec::new());
        let code = each(&file, false, async |id| {
            seen.borrow_mut().push(id.to_string());
            if id.as_str() == A { Err("no such communication".into()) } else { Ok(ExitCode::SUCCESS) }
        });
        assert_eq!(code.await.unwrap(), ExitCode::FAILURE);
        assert_eq!(*seen.borrow(), [A, B]);
        std::fs::remove_file(file).unwrap();
    }
}
