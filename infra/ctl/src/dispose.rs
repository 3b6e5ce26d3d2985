//! `ctl dispose`: what has expired by a class that the shop's configuration has destroyed, with a certificate. Without
//! `--destroy` it only says what would go.

use crate::{
    again::Decision,
    failure::Failure,
    rows::{self, remark, tell},
    stack::Stack,
};
use archive::{
    Certificate, Destroyed, Disposal, ObjectVersion, Plan, Verdict, YOUNGEST_DAYS, folder_of, place,
};
use comms::ShopDomain;
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use shop_config::{Expired, ShopConfig};
use std::{collections::BTreeMap, process::ExitCode};

/// What one plan and one certificate are about at most.
const COMMUNICATIONS: usize = 100;

#[derive(clap::Args)]
pub struct Question {
    /// The shop.
    shop: ShopDomain,
    #[command(flatten)]
    decision: Decision,
    /// Destroy it. Nothing brings it back.
    #[arg(long)]
    destroy: bool,
    /// The first month to look at.
    #[arg(long, default_value = "2020-01-01")]
    from: Date,
    /// Print one JSON object per line instead of text.
    #[arg(long)]
    json: bool,
}

/// How many of a kind were seen.
#[derive(Default)]
struct Counts {
    expired: usize,
    locked: usize,
    held: usize,
    kept: usize,
    unknown: usize,
}

struct Run<'a> {
    stack: &'a Stack,
    disposal: Disposal<'a>,
    config: &'a ShopConfig,
    destroy: bool,
    json: bool,
    ready: Vec<Destroyed>,
    plans: u32,
    counts: Counts,
}

pub async fn run(stack: &Stack, question: &Question) -> Result<ExitCode, Failure> {
    let Question { shop, decision, destroy, from, json } = question;
    let by = decision.clone().checked()?.fact();
    let now = Timestamp::now();
    let loaded = stack.configs().get(shop, now).await?;
    let id = now.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string();
    let days = stack.outputs.max_retention_days();
    let disposal = Disposal { archive: &stack.archive, shop, run: &id, decision: &by, days };
    let config = &loaded.config;
    let (ready, counts) = (Vec::new(), Counts::default());
    let mut run = Run { stack, disposal, config, destroy: *destroy, json: *json, ready, plans: 0, counts };
    if *destroy {
        for plan in run.disposal.unfinished().await? {
            remark!(*json, "run {} died at plan {}, which is carried out now", plan.run, plan.number);
            run.carry_out(&plan).await?;
        }
    }
    let today = now.to_zoned(TimeZone::UTC).date();
    let last = today.checked_sub(YOUNGEST_DAYS.days())?;
    let mut month = from.first_of_month();
    while month <= last {
        run.month(month, last, now).await?;
        month = month.checked_add(1.month())?;
    }
    run.flush().await?;
    let Counts { expired, locked, held, kept, unknown } = run.counts;
    let verb = if *destroy { "to go" } else { "would go" };
    remark!(
        *json,
        "{expired} {verb}, {locked} locked, {held} held, {kept} of classes that are kept, {unknown} without a readable record"
    );
    Ok(ExitCode::SUCCESS)
}

impl Run<'_> {
    async fn month(&mut self, month: Date, last: Date, now: Timestamp) -> Result<(), Failure> {
        let prefix = format!("{}/{}/", self.disposal.shop, month.strftime("%Y/%m"));
        let mut folders: BTreeMap<String, Vec<ObjectVersion>> = BTreeMap::new();
        for version in self.stack.archive.versions(&prefix).await? {
            folders.entry(folder_of(&version.key).to_owned()).or_default().push(version);
        }
        for (folder, versions) in folders {
            if place(&folder).is_none_or(|(day, ..)| day > last) {
                continue;
            }
            self.folder(&folder, &versions, now).await?;
        }
        Ok(())
    }

    async fn folder(
        &mut self,
        folder: &str,
        versions: &[ObjectVersion],
        now: Timestamp,
    ) -> Result<(), Failure> {
        let is_destroyed = |class: &str| {
            self.config.named_class(class).is_some_and(|(_, class)| class.expired == Expired::Destroy)
        };
        match self.disposal.verdict(folder, versions, is_destroyed, now).await? {
            Verdict::Expired(it) => {
                self.counts.expired += 1;
                let row = rows::Expired {
                    communication: it.communication.to_string(),
                    document: it.document.to_string(),
                    expired_at: it.expired_at.to_string(),
                    class: it.rule.class.clone(),
                };
                tell!(
                    self.json,
                    row,
                    "{}  {}  expired {}  {}",
                    it.communication,
                    it.document,
                    it.expired_at,
                    it.rule.class
                );
                self.ready.push(*it);
            }
            Verdict::Locked => self.counts.locked += 1,
            Verdict::Held => self.counts.held += 1,
            Verdict::Kept => self.counts.kept += 1,
            Verdict::Unknown => self.counts.unknown += 1,
        }
        if self.ready.len() >= COMMUNICATIONS {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        let ready = std::mem::take(&mut self.ready);
        if ready.is_empty() || !self.destroy {
            return Ok(());
        }
        self.plans += 1;
        let plan = self.disposal.plan(self.plans, ready, Timestamp::now()).await?;
        self.carry_out(&plan).await
    }

    async fn carry_out(&self, plan: &Plan) -> Result<(), Failure> {
        let Certificate { plan, destroyed, kept, .. } =
            self.disposal.carry_out(plan, Timestamp::now()).await?;
        remark!(self.json, "{} destroyed, {} kept; certified beside {plan}", destroyed.len(), kept.len());
        Ok(())
    }
}
