//! `ctl hold` and `ctl release`: what must not be deleted, for which matter.

use crate::{
    again::Decision,
    failure::Failure,
    rows::{self, remark, tell},
    select::Selection,
    stack::Stack,
};
use archive::HoldChange;
use jiff::Timestamp;
use std::process::ExitCode;

/// What a hold is for, and who decides.
#[derive(clap::Args)]
pub struct Matter {
    /// What it is held for, such as the number of a case. What is held for several matters is free when the last one ends.
    #[arg(long)]
    matter: String,
    #[command(flatten)]
    decision: Decision,
    /// Print one JSON object per line instead of text.
    #[arg(long)]
    json: bool,
}

impl Matter {
    /// The decision, as facts have it.
    fn checked(&self) -> Result<archive::Decision, Failure> {
        let decision = self.decision.clone().checked()?;
        decisions::Matter::new(self.matter.clone())?;
        Ok(decision.fact())
    }
}

/// Holds them, or releases them. Dying in between leaves some done; doing it again does the rest.
pub async fn run(stack: &Stack, of: &Selection, matter: &Matter, holds: bool) -> Result<ExitCode, Failure> {
    let decision = matter.checked()?;
    let selected = of.find(stack).await?;
    let Matter { matter, json, .. } = matter;
    let mut changed = 0;
    for it in &selected {
        let (archive, now) = (&stack.archive, Timestamp::now());
        let HoldChange { is_new, matters, versions } = match holds {
            true => archive.hold(&it.reference, matter, &decision, now).await?,
            false => archive.release(&it.reference, matter, &decision, now).await?,
        };
        changed += usize::from(is_new);
        let state =
            if matters.is_empty() { "free".to_owned() } else { format!("held for {}", matters.join(", ")) };
        let (communication, document) = (&it.record.communication, it.record.document);
        let row = rows::Hold {
            communication: communication.to_string(),
            document: document.to_string(),
            objects: versions,
            matters,
            changed: is_new,
        };
        tell!(*json, row, "{communication}  {document}  {versions} objects  {state}");
    }
    let verb = if holds { "held" } else { "released" };
    remark!(*json, "{changed} of {} communications {verb}; the others were so before", selected.len());
    Ok(if selected.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
