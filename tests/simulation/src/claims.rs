//! The scenarios, and what docs/performance.md says of them: sentences that stand there word for word, each with
//! what the simulation must have come to for it to be true.

use crate::scenario::{Outcome, Scenario, Work};
use std::time::Duration;

const PAGE: &str = include_str!("../../../docs/performance.md");

const DAY: &str = "day, ten shops";
const REFUSES: &str = "day, Exstream refuses for the peak hour";
const HANGS: &str = "day, Exstream hangs for the peak hour";
const ONE_SHOP: &str = "day, one shop";
const NIGHT: &str = "night, on demand";
const NIGHT_OF_64: &str = "half a night, on demand, Exstream takes 64";
const NIGHT_OF_60: &str = "tenth of a night, on demand, Exstream takes 64, maxConcurrency 6";
const NIGHT_OF_16: &str = "fiftieth of a night, on demand, Exstream takes 16";
const NIGHT_OF_JOBS: &str = "night, by jobs of 500";
const NIGHT_OF_LARGE_JOBS: &str = "tenth of a night, by jobs of 1000";

const QUIET_ALONE: &str = "a quiet shop alone";
const QUIET_BESIDE: &str = "a quiet shop beside 100,000 messages of another";
const QUIET_UNGROUPED: &str = "a quiet shop beside 100,000 messages of another, without groups";

const A_DAY: usize = 1_000_000;
const A_NIGHT: usize = 5_000_000;

pub fn scenarios() -> Vec<Scenario> {
    let day = |name| Scenario { shops: 10, ..Scenario::new(name, Work::Day, A_DAY, 100) };
    let one_shop = |name| Scenario { shops: 1, ..day(name) };
    let on_demand =
        |name, part, exstream| Scenario::new(name, Work::StatementsOnDemand, A_NIGHT / part, exstream);
    let jobs = |name, part, customers| Scenario {
        customers_per_file: Some(customers),
        ..Scenario::new(name, Work::StatementsByJobs, A_NIGHT / part, 250)
    };
    let quiet = |name, noisy| Scenario { shops: 2, ..Scenario::new(name, Work::Neighbours, noisy, 250) };
    vec![
        day(DAY),
        day(REFUSES).down(false),
        day(HANGS).down(true),
        one_shop(ONE_SHOP),
        on_demand(NIGHT, 1, 250),
        on_demand(NIGHT_OF_64, 2, 64),
        Scenario { max_concurrency: Some(6), ..on_demand(NIGHT_OF_60, 10, 64) },
        on_demand(NIGHT_OF_16, 50, 16),
        jobs(NIGHT_OF_JOBS, 1, 500),
        jobs(NIGHT_OF_LARGE_JOBS, 10, 1000),
        quiet(QUIET_ALONE, 0),
        quiet(QUIET_BESIDE, 100_000),
        Scenario { fair: false, ..quiet(QUIET_UNGROUPED, 100_000) },
    ]
}

struct Claim {
    sentence: &'static str,
    /// Nothing, if what it is about is missing.
    holds: fn(&[Outcome]) -> Option<bool>,
}

const CLAIMS: &[Claim] = &[
    Claim {
        sentence: "Over ten shops, no message of the day waits for five minutes, and none becomes a dead letter.",
        holds: |all| {
            let day = of(all, DAY)?;
            Some(day.longest_wait < minutes(5) && day.dead == 0 && day.done == A_DAY as u64)
        },
    },
    Claim { sentence: "No limit is reached.", holds: |all| Some(of(all, DAY)?.used_up().is_empty()) },
    Claim {
        sentence: "If Exstream refuses everything during the peak hour, no message becomes a dead letter, and 45 minutes \
                   later nothing waits.",
        holds: |all| {
            let refuses = of(all, REFUSES)?;
            Some(refuses.dead == 0 && refuses.drained < minutes(45))
        },
    },
    Claim {
        sentence: "If Exstream hangs during the peak hour, it holds the sandboxes until the time-out, so most messages \
                   wait undelivered: none becomes a dead letter, and nothing waits 40 minutes later.",
        holds: |all| {
            let hangs = of(all, HANGS)?;
            Some(hangs.dead == 0 && hangs.drained < minutes(40))
        },
    },
    Claim {
        sentence: "SQS delivers nothing more while 120,000 messages are in flight, which is no loss: the rest waits \
                   without using up deliveries.",
        holds: |all| {
            let refuses = of(all, REFUSES)?;
            Some(refuses.share("messages in flight") > 0.99 && refuses.done == A_DAY as u64)
        },
    },
    Claim {
        sentence: "One shop with the whole day needs more than twice the points of Shopify Plus in its peak hour: \
                   throttled again and again, its messages wait, and none becomes a dead letter.",
        holds: |all| {
            let shop = of(all, ONE_SHOP)?;
            Some(shop.dead == 0 && shop.share("Shopify points") > 0.95)
        },
    },
    Claim {
        sentence: "On demand, the night takes 4 h 35 min with the settings as they are, and its reports 5 h 20 min.",
        holds: |all| {
            let night = of(all, NIGHT)?;
            let complete = night.dead == 0 && night.calls_at_once <= 200;
            Some(
                complete
                    && near(night.drained, minutes(275), 0.05)
                    && near(night.reports_drained, minutes(320), 0.05),
            )
        },
    },
    Claim {
        sentence: "If Exstream takes only 64 documents at once, it refuses a third of the calls and the night takes six \
                   and a half hours, without a dead letter; with `maxConcurrencyAccountStatements` at 6 it refuses \
                   none, and the night takes 14 hours.",
        holds: |all| {
            let (refusing, polite) = (of(all, NIGHT_OF_64)?, of(all, NIGHT_OF_60)?);
            let third = refusing.refused as f64 / refusing.calls as f64;
            let harmless = refusing.dead == 0 && polite.dead == 0 && polite.refused == 0;
            let times = near(refusing.drained * 2, minutes(400), 0.07)
                && near(polite.drained * 10, minutes(850), 0.05);
            Some(harmless && times && (0.28..0.40).contains(&third))
        },
    },
    Claim {
        sentence: "If Exstream takes only 16 at once, a twelfth of what it is offered, messages of a fiftieth \
                   of the night are late, and none becomes a dead letter.",
        holds: |all| {
            let small = of(all, NIGHT_OF_16)?;
            Some(small.dead == 0 && small.longest_wait > minutes(15))
        },
    },
    Claim {
        sentence: "By batch jobs of 500 the night takes 5 h 15 min with the flow's function half idle, and by batch \
                   jobs of 1,000 an hour less: one run has 16 driver files with Exstream at once.",
        holds: |all| {
            let (jobs, large) = (of(all, NIGHT_OF_JOBS)?, of(all, NIGHT_OF_LARGE_JOBS)?);
            let times =
                near(jobs.drained, minutes(315), 0.05) && near(large.drained * 10, minutes(255), 0.05);
            Some(times && jobs.dead == 0 && jobs.share("maxConcurrency") < 0.6)
        },
    },
    Claim {
        sentence: "Beside 100,000 waiting messages of another shop, 95 of 100 messages of a quiet shop are done within at \
                   most twice the time they take alone; without groups they would take more than a minute.",
        holds: |all| {
            let (alone, beside) = (of(all, QUIET_ALONE)?.last_shop, of(all, QUIET_BESIDE)?.last_shop);
            let ungrouped = of(all, QUIET_UNGROUPED)?.last_shop;
            Some(!alone.is_zero() && beside <= alone * 2 && ungrouped > minutes(1))
        },
    },
    Claim {
        sentence: "DynamoDB and S3 stay below their limits throughout.",
        holds: |all| {
            let limits = ["ledger writes", "by-check partition", "archive prefix"];
            Some(all.iter().all(|it| limits.iter().all(|limit| it.share(limit) < 0.95)))
        },
    },
];

/// The sentences that are not true, or not there.
pub fn broken(outcomes: &[Outcome]) -> Vec<String> {
    let untrue = CLAIMS.iter().filter(|claim| (claim.holds)(outcomes) != Some(true));
    let untrue = untrue.map(|claim| format!("not so: {}", claim.sentence));
    untrue.chain(missing().into_iter().map(|sentence| format!("not there: {sentence}"))).collect()
}

/// The sentences that the page does not hold.
pub fn missing() -> Vec<&'static str> {
    let text = PAGE.split_whitespace().collect::<Vec<_>>().join(" ");
    CLAIMS.iter().map(|claim| claim.sentence).filter(|sentence| !text.contains(sentence)).collect()
}

fn of<'o>(outcomes: &'o [Outcome], name: &str) -> Option<&'o Outcome> {
    outcomes.iter().find(|outcome| outcome.name == name)
}

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

fn near(time: Duration, expected: Duration, tolerance: f64) -> bool {
    (time.as_secs_f64() / expected.as_secs_f64() - 1.0).abs() < tolerance
}
