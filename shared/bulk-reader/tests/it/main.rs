//! Grouped or not, whole or in pieces: the same accounts.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the way tests do")]

use bulk_reader::{Group, Groups, Limits, Mark, Partition, ReadError, Survey};
use proptest::prelude::*;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

/// Children by account, as texts in order.
type Accounts = BTreeMap<String, (String, Vec<String>)>;

fn folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("bulk-reader-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    std::env::temp_dir().join(name)
}

/// An account's lines: the root first.
fn lines(number: u64, children: &[u32]) -> Vec<String> {
    let id = format!("gid://shopify/CompanyLocation/{number}");
    let mut lines = vec![format!(r#"{{"id":"{id}","name":"L \"{number}\" é"}}"#)];
    lines.extend(children.iter().enumerate().map(|(index, size)| {
        let note = "x".repeat(*size as usize);
        format!(r#"{{"id":"gid://shopify/Order/{number}{index:03}","note":"{note}","__parentId":"{id}"}}"#)
    }));
    lines
}

fn text(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn survey(text: &str) -> bool {
    let mut survey = Survey::new(Limits::default());
    survey.feed(text.as_bytes()).unwrap();
    survey.end().unwrap()
}

fn note(accounts: &mut Accounts, group: &Group) {
    assert!(!group.too_large);
    let root = String::from_utf8(group.root.clone()).unwrap();
    let children: Vec<Box<serde_json::value::RawValue>> =
        serde_json::from_slice(&[b"[", &group.children[..], b"]"].concat()).unwrap();
    assert_eq!(children.len() as u64, group.count);
    let children = children.iter().map(|child| child.get().to_owned()).collect();
    assert_eq!(accounts.insert(group.id.clone(), (root, children)), None, "{} came twice", group.id);
}

fn grouped(text: &str) -> Accounts {
    let mut groups = Groups::new(Mark::default(), Limits::default());
    groups.feed(text.as_bytes()).unwrap();
    groups.end().unwrap();
    let mut accounts = Accounts::new();
    while let Some(group) = groups.pop() {
        note(&mut accounts, &group);
    }
    accounts
}

fn partition(text: &str, limits: Limits) -> (Vec<Group>, u64) {
    let folder = folder();
    let mut partition = Partition::create(&folder, limits).unwrap();
    for chunk in text.as_bytes().chunks(37) {
        partition.feed(chunk).unwrap();
    }
    let mut buckets = partition.end().unwrap();
    let mut groups = Vec::new();
    while let Some(group) = buckets.pop().unwrap() {
        groups.push(group);
    }
    let orphans = buckets.orphans();
    drop(buckets);
    assert!(!folder.exists(), "nothing is left behind");
    (groups, orphans)
}

fn sorted(mut accounts: Accounts) -> Accounts {
    accounts.values_mut().for_each(|(_, children)| children.sort());
    accounts
}

fn shape() -> impl Strategy<Value = Vec<Vec<u32>>> {
    prop::collection::vec(prop::collection::vec(0..40u32, 0..6), 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_reader_killed_at_any_byte_goes_on_after_its_last_account(
        shape in shape(),
        deaths in prop::collection::vec(0..8000usize, 0..5),
        chunk in 1..300usize,
    ) {
        let all: Vec<_> = shape.iter().enumerate().flat_map(|(i, children)| lines(i as u64 + 1, children)).collect();
        let text = text(&all);
        prop_assert!(survey(&text));
        let (mut accounts, mut mark) = (Accounts::new(), Mark::default());
        for death in deaths.iter().map(|death| *death % (text.len() + 1)).chain([text.len()]) {
            let mut groups = Groups::new(mark, Limits::default());
            let begin = usize::try_from(mark.offset).unwrap();
            for piece in text.as_bytes().get(begin..death.max(begin)).unwrap().chunks(chunk) {
                groups.feed(piece).unwrap();
                while let Some(group) = groups.pop() {
                    note(&mut accounts, &group);
                    mark = group.mark;
                }
            }
            if death == text.len() {
                groups.end().unwrap();
                while let Some(group) = groups.pop() {
                    note(&mut accounts, &group);
                    mark = group.mark;
                }
            }
        }
        prop_assert_eq!(mark, Mark { offset: text.len() as u64, line: all.len() as u64 });
        prop_assert_eq!(accounts, grouped(&text));
    }

    #[test]
    fn the_order_of_the_lines_does_not_matter(
        (shape, mixed) in shape().prop_flat_map(|shape| {
            let all: Vec<_> = shape.iter().enumerate().flat_map(|(i, children)| lines(i as u64 + 1, children)).collect();
            (Just(all.clone()), Just(all).prop_shuffle())
        }),
        bucket in 100..4000usize,
    ) {
        let expected = sorted(grouped(&text(&shape)));
        let limits = Limits { bucket, ..Limits::default() };
        let (groups, orphans) = partition(&text(&mixed), limits);
        let mut accounts = Accounts::new();
        groups.iter().for_each(|group| note(&mut accounts, group));
        prop_assert_eq!(orphans, 0);
        prop_assert_eq!(sorted(accounts), expected);
        let ids = |groups: &[Group]| groups.iter().map(|it| it.id.clone()).collect::<Vec<_>>();
        prop_assert_eq!(ids(&partition(&text(&mixed), limits).0), ids(&groups), "the order is the file's");
    }

    /// Whatever a survey calls grouped, the grouped reader reads as the other one does.
    #[test]
    fn a_survey_is_never_wrong_about_grouped(mixed in prop::collection::vec((1..4u64, any::<bool>()), 0..8)) {
        let pool: Vec<_> = (0..4).map(|number| lines(number, &[1])).collect();
        let text = text(&mixed.iter().map(|(number, root)| pool[*number as usize][usize::from(!root)].clone()).collect::<Vec<_>>());
        if survey(&text) {
            let (groups, _) = partition(&text, Limits::default());
            let mut accounts = Accounts::new();
            groups.iter().for_each(|group| note(&mut accounts, group));
            prop_assert!(accounts.values().all(|(_, children)| children.len() <= mixed.len()));
            let found = grouped(&text);
            prop_assert_eq!(found.keys().collect::<Vec<_>>(), accounts.keys().collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_survey_finds_what_is_not_grouped() {
    let [a, b, c] = [lines(1, &[1, 1]), lines(2, &[1]), lines(3, &[])];
    let pick = |all: &[&String]| text(&all.iter().map(|line| (*line).clone()).collect::<Vec<_>>());
    assert!(survey(&pick(&[&a[0], &a[1], &a[2], &b[0], &b[1], &c[0]])));
    assert!(survey(&pick(&[&c[0], &a[0], &a[1], &a[2], &b[0], &b[1]])), "any order of accounts will do");
    assert!(survey(""), "nothing is nothing");
    assert!(!survey(&pick(&[&a[0], &a[1], &b[0], &a[2]])), "a child after another root");
    assert!(!survey(&pick(&[&a[1], &a[0]])), "a child before its root");
    assert!(!survey(&pick(&[&a[0], &b[0], &a[0]])), "a root twice");
    assert!(!survey(&pick(&[&a[0], &a[0]])), "a root twice in a row");
}

#[test]
fn a_stored_survey_goes_on_where_it_was() {
    let text = text(&(1..9).flat_map(|number| lines(number, &[3, 4])).collect::<Vec<_>>());
    for cut in 0..text.len() {
        let mut survey = Survey::new(Limits::default());
        survey.feed(&text.as_bytes()[..cut]).unwrap();
        let mut survey: Survey = serde_json::from_str(&serde_json::to_string(&survey).unwrap()).unwrap();
        survey.feed(&text.as_bytes()[usize::try_from(survey.mark().offset).unwrap()..]).unwrap();
        assert_eq!(survey.counts(), (8, 16));
        assert!(survey.end().unwrap());
    }
    // out of order, it would have to know what it forgot
    let text = format!("{}{text}", self::text(&lines(20, &[])));
    let mut survey = Survey::new(Limits::default());
    survey.feed(&text.as_bytes()[..200]).unwrap();
    let mut survey: Survey = serde_json::from_str(&serde_json::to_string(&survey).unwrap()).unwrap();
    survey.feed(&text.as_bytes()[usize::try_from(survey.mark().offset).unwrap()..]).unwrap();
    assert!(!survey.end().unwrap());
}

#[test]
fn a_root_that_comes_twice_is_one_account_without_repeated_children() {
    let a = lines(1, &[1, 2]);
    let again: Vec<_> = [&a[..], &lines(2, &[])[..], &a[..], &lines(1, &[1, 2, 3])[1..]].concat();
    let (groups, _) = partition(&text(&again), Limits::default());
    let counts: BTreeMap<_, _> =
        groups.iter().map(|it| (it.id.rsplit('/').next().unwrap(), it.count)).collect();
    assert_eq!(counts, BTreeMap::from([("1", 3), ("2", 0)]));
}

#[test]
fn an_account_that_is_too_large_is_reported_and_the_others_go_on() {
    let limits = Limits { account: 2000, bucket: 500, ..Limits::default() };
    let all: Vec<_> = [lines(1, &[5; 3]), lines(2, &[30; 60]), lines(3, &[5; 3])].concat();
    let mut groups = Groups::new(Mark::default(), limits);
    groups.feed(text(&all).as_bytes()).unwrap();
    groups.end().unwrap();
    let found: Vec<_> = std::iter::from_fn(|| groups.pop()).collect();
    assert_eq!(
        found.iter().map(|it| (it.count, it.too_large)).collect::<Vec<_>>(),
        [(3, false), (60, true), (3, false)]
    );
    assert!(found[1].children.is_empty() && found[1].children.capacity() == 0);
    let (mut spread, _) = partition(&text(&all), limits);
    spread.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(
        spread.iter().map(|it| (it.count, it.too_large, it.bytes)).collect::<Vec<_>>(),
        found.iter().map(|it| (it.count, it.too_large, it.bytes)).collect::<Vec<_>>()
    );
}

#[test]
fn lines_without_their_account_are_counted() {
    let all = [lines(1, &[1]), lines(2, &[1, 1])[1..].to_vec()].concat();
    assert!(!survey(&text(&all)));
    let (groups, orphans) = partition(&text(&all), Limits::default());
    assert_eq!((groups.len(), orphans), (1, 2));
}

#[test]
fn a_file_that_is_not_what_was_surveyed_is_refused() {
    let a = lines(1, &[1]);
    let mut groups = Groups::new(Mark::default(), Limits::default());
    let error = groups.feed(text(&[a[1].clone()]).as_bytes()).unwrap_err();
    assert!(matches!(error, ReadError::NotGrouped { line: 1 }));
}
