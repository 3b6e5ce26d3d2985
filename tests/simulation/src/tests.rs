use crate::{
    claims,
    scenario::{Outcome, Scenario, Work},
};

fn run(scenario: &Scenario) -> Outcome {
    let outcome = scenario.run(7).unwrap();
    assert_eq!(outcome.sent, scenario.messages as u64);
    assert_eq!(outcome.done + outcome.dead, outcome.sent, "nothing is lost");
    assert_eq!(outcome.reports.done + outcome.reports.dead, outcome.done, "each is reported");
    outcome
}

fn statements(exstream: usize) -> Scenario {
    Scenario::new("statements", Work::StatementsOnDemand, 3000, exstream)
}

#[test]
fn the_page_says_what_is_checked() {
    assert_eq!(claims::missing(), [""; 0]);
}

#[test]
fn the_batch_and_its_concurrency_bound_what_exstream_gets() {
    let free = run(&statements(1000));
    assert_eq!((free.dead, free.again, free.refused, free.calls), (0, 0, 0, 3000));
    assert!(free.sandboxes <= 20 && (101..=200).contains(&free.calls_at_once), "{free:?}");
    let bound = run(&Scenario { max_concurrency: Some(3), ..statements(1000) });
    assert!(
        bound.sandboxes == 3 && bound.calls_at_once <= 30 && bound.drained > 2 * free.drained,
        "{bound:?}"
    );
}

#[test]
fn what_exstream_refuses_comes_back() {
    let outcome = run(&statements(64));
    assert_eq!((outcome.dead, outcome.calls_at_once), (0, 64));
    assert!(outcome.refused > 0 && outcome.calls - outcome.refused == 3000, "{outcome:?}");
}

#[test]
fn an_hour_without_exstream_takes_more_than_five_deliveries() {
    let day = Scenario::new("day", Work::Day, 2000, 100).down(false);
    assert!(run(&Scenario { max_receive_count: Some(5), ..day.clone() }).dead > 500);
    assert_eq!(run(&day).dead, 0);
}

#[test]
fn jobs_hand_on_every_account() {
    let outcome = run(&Scenario::new("jobs", Work::StatementsByJobs, 4100, 1));
    assert_eq!((outcome.dead, outcome.calls), (0, 0));
}

#[test]
fn a_quiet_shop_does_not_wait_for_a_noisy_one() {
    let quiet = |noisy, fair| {
        let scenario = Scenario { shops: 2, fair, ..Scenario::new("quiet", Work::Neighbours, noisy, 250) };
        let outcome = scenario.run(7).unwrap();
        assert_eq!((outcome.done, outcome.dead), (noisy as u64 + 300, 0));
        outcome.last_shop
    };
    let alone = quiet(0, true);
    assert!(!alone.is_zero());
    let beside = quiet(20_000, true);
    assert!(beside <= alone * 2, "{beside:?} instead of {alone:?}");
    let ungrouped = quiet(20_000, false);
    assert!(ungrouped > alone * 10, "{ungrouped:?}");
}

#[test]
fn a_seed_is_a_course() {
    let scenario = statements(32);
    assert_eq!(scenario.run(1).unwrap(), scenario.run(1).unwrap());
    assert_ne!(scenario.run(1).unwrap(), scenario.run(2).unwrap());
}
