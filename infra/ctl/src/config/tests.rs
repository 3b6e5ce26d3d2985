use super::{
    change::{Change, Plan, Stands, changes},
    diff, follow, history,
    history::{VersionRow, rows},
    put_over, rollback,
};
use crate::{
    again::Decision,
    failure::Failure,
    fake_account::{Account, Running, SHOP},
};
use comms::{Document, ShopDomain};
use shop_config::ShopConfig;
use std::{path::Path, process::ExitCode};

const CONFIG: &str = include_str!("../../../../shared/shop-config/tests/fixtures/shop.toml");
const WEEKLY: &str = "cron(0 6 ? * MON *)";

fn shop() -> ShopDomain {
    SHOP.parse().unwrap()
}

/// A configuration with a schedule.
fn text(schedule: &str) -> String {
    let own = CONFIG.replace("northwind-demo.myshopify.com\"\ntime", &format!("{SHOP}\"\ntime"));
    format!("{own}\n[statements]\ncustomer_tag = \"b2b\"\nschedule = \"{schedule}\"\n")
}

fn key() -> String {
    shop_config::config_key(&shop())
}

fn decision() -> decisions::Decision {
    decisions::Decision::new("Zoë".to_owned(), "a change".to_owned()).unwrap()
}

/// What `ctl config push` does with one file.
async fn push(aws: &Running, text: &str) -> Result<super::Stored, Failure> {
    let stack = aws.stack("ctl-config");
    let seen = history(&stack).in_force(&shop()).await?;
    let config = ShopConfig::parse(text).unwrap();
    put_over(&stack, &config, text, seen.as_ref(), "config-push", &decision()).await
}

async fn back(aws: &Running, version: &str, plan: bool) -> Result<ExitCode, Failure> {
    let decision = Decision { actor: "ops".to_owned(), reason: "it was better".to_owned() };
    let order = rollback::Order { shop: shop(), version: version.to_owned(), decision, plan, yes: !plan };
    rollback::run(&aws.stack("ctl-config"), order).await
}

fn in_force(aws: &Running) -> String {
    aws.account().objects.texts[&key()].0.clone()
}

fn schedule(aws: &Running) -> String {
    let account = aws.account();
    account.schedules["acme.statements"]["ScheduleExpression"].as_str().unwrap().to_owned()
}

fn puts(aws: &Running) -> usize {
    aws.account().changes.iter().filter(|it| it.contains("/config/")).count()
}

async fn history_of(aws: &Running) -> Vec<VersionRow> {
    rows(&aws.stack("ctl-config"), &shop(), 20).await.unwrap()
}

#[test]
fn rows_are_published_contracts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    for (file, schema) in [
        ("config-version-row.v1.json", schemars::schema_for!(VersionRow)),
        ("config-change-row.v1.json", schemars::schema_for!(Change)),
        ("config-mistake-row.v1.json", schemars::schema_for!(super::MistakeRow<'_>)),
    ] {
        contract::published(&folder.join(file), &schema.to_value());
    }
}

#[tokio::test]
async fn what_is_stored_says_by_whom_and_is_not_stored_twice() {
    let aws = Running::start(Account::default()).await;
    let first = push(&aws, &text("cron(0 6 1 * ? *)")).await.unwrap();
    assert!(first.is_new && first.schedules == 1);
    let again = push(&aws, &text("cron(0 6 1 * ? *)")).await.unwrap();
    assert!(!again.is_new && again.version == first.version);
    assert_eq!(puts(&aws), 1);
    push(&aws, &text(WEEKLY)).await.unwrap();
    let rows = history_of(&aws).await;
    let schema = schemars::schema_for!(VersionRow).to_value();
    for row in &rows {
        contract::conforms(&schema, &serde_json::to_value(row).unwrap());
    }
    let [second, first] = rows.as_slice() else { panic!("{rows:#?}") };
    assert!(second.in_force && !first.in_force && second.at > first.at);
    assert_eq!((second.actor.as_deref(), second.reason.as_deref()), (Some("Zoë"), Some("a change")));
    assert_eq!(second.changed.as_deref(), Some(&["statements.schedule".to_owned()][..]));
    assert_eq!(first.changed, None);
    assert_eq!(first.sha256, Some(archive::sha256_hex(text("cron(0 6 1 * ? *)").as_bytes())));
    let audited = aws.account().objects.texts.keys().filter(|key| key.starts_with("audit/")).count();
    assert!(audited >= 1, "each act is on record");
}

/// Somebody else stores another one after it was looked at.
#[tokio::test]
async fn nobody_overwrites_what_they_have_not_seen() {
    let aws = Running::start(Account::default()).await;
    push(&aws, &text("cron(0 6 1 * ? *)")).await.unwrap();
    aws.account().meanwhile = Some(("PutObject", |it| {
        let others = text("cron(0 9 9 * ? *)");
        it.objects.set(key(), others);
    }));
    let error = push(&aws, &text(WEEKLY)).await.err().unwrap().to_string();
    assert!(error.contains("somebody else") && error.contains("nothing was stored"), "{error}");
    assert_eq!(in_force(&aws), text("cron(0 9 9 * ? *)"));

    // the first of a shop, and somebody's who is going to be told
    let aws = Running::start(Account::default()).await;
    aws.account().meanwhile = Some(("PutObject", |it| it.objects.set(key(), text("rate(1 day)"))));
    assert!(push(&aws, &text(WEEKLY)).await.is_err());
    assert_eq!(in_force(&aws), text("rate(1 day)"));
}

#[tokio::test]
async fn an_answer_that_is_lost_is_looked_for() {
    let aws = Running::start(Account::default()).await;
    aws.account().lost = Some("PutObject");
    let stored = push(&aws, &text(WEEKLY)).await.unwrap();
    assert!(stored.is_new && stored.schedules == 1);
    assert_eq!(in_force(&aws), text(WEEKLY));
}

/// It dies between the configuration and its schedules.
#[tokio::test]
async fn storing_again_makes_the_schedules_that_are_missing() {
    let aws = Running::start(Account::default()).await;
    aws.account().denied.insert("CreateSchedule");
    assert!(push(&aws, &text(WEEKLY)).await.is_err());
    assert_eq!(in_force(&aws), text(WEEKLY));
    aws.account().denied.clear();
    let again = push(&aws, &text(WEEKLY)).await.unwrap();
    assert!(!again.is_new && again.schedules == 1);
    assert_eq!((puts(&aws), schedule(&aws).as_str()), (1, WEEKLY));
}

/// Two people store one after the other, and the first one's schedules come last.
#[tokio::test]
async fn schedules_follow_what_is_in_force_in_the_end() {
    let aws = Running::start(Account::default()).await;
    push(&aws, &text("cron(0 6 1 * ? *)")).await.unwrap();
    aws.account().meanwhile = Some(("UpdateSchedule", |it| it.objects.set(key(), text("cron(0 7 7 * ? *)"))));
    push(&aws, &text(WEEKLY)).await.unwrap();
    assert_eq!(schedule(&aws), "cron(0 7 7 * ? *)");
    assert_eq!(follow(&aws.stack("ctl-config"), &shop()).await.unwrap(), 1);
}

#[tokio::test]
async fn a_former_version_is_stored_again() {
    let aws = Running::start(Account::default()).await;
    let first = push(&aws, &text("cron(0 6 1 * ? *)")).await.unwrap().version;
    push(&aws, &text(WEEKLY)).await.unwrap();
    // a plan changes nothing
    assert_eq!(back(&aws, &first, true).await.unwrap(), ExitCode::SUCCESS);
    assert_eq!((puts(&aws), schedule(&aws).as_str()), (2, WEEKLY));
    for _ in 0..2 {
        assert_eq!(back(&aws, &first, false).await.unwrap(), ExitCode::SUCCESS);
        assert_eq!(in_force(&aws), text("cron(0 6 1 * ? *)"));
        assert_eq!((puts(&aws), schedule(&aws).as_str()), (3, "cron(0 6 1 * ? *)"));
    }
    let rows = history_of(&aws).await;
    assert_eq!((rows.len(), rows[0].actor.as_deref()), (3, Some("ops")));
    let audit: Vec<_> =
        aws.account().objects.texts.keys().filter(|it| it.contains("config-rollback")).cloned().collect();
    assert_eq!(audit.len(), 1, "{audit:?}");
}

/// It dies after the configuration was stored: the schedules follow the next time.
#[tokio::test]
async fn a_rollback_is_continued() {
    let aws = Running::start(Account::default()).await;
    let first = push(&aws, &text("cron(0 6 1 * ? *)")).await.unwrap().version;
    push(&aws, &text(WEEKLY)).await.unwrap();
    aws.account().denied.insert("UpdateSchedule");
    assert!(back(&aws, &first, false).await.is_err());
    assert_eq!((in_force(&aws), schedule(&aws).as_str()), (text("cron(0 6 1 * ? *)"), WEEKLY));
    aws.account().denied.clear();
    back(&aws, &first, false).await.unwrap();
    assert_eq!((puts(&aws), schedule(&aws).as_str()), (3, "cron(0 6 1 * ? *)"));
}

#[tokio::test]
async fn a_rollback_is_refused() {
    let aws = Running::start(Account::default()).await;
    let old = text(WEEKLY).replace("version = 1", "version = 7\ntime_zon = \"x\"");
    aws.account().objects.set(key(), old);
    let foreign = text(WEEKLY).replace(SHOP, "other.myshopify.com");
    aws.account().objects.set(key(), foreign);
    let first = push(&aws, &text("cron(0 6 1 * ? *)")).await.unwrap().version;
    push(&aws, &text(WEEKLY)).await.unwrap();
    for (version, words) in [
        // of former software: every mistake, with its line
        ("v1", "version v1:2:1: version: 7 is not known"),
        ("v2", "is the configuration of other.myshopify.com"),
        ("v99", "no configuration of version v99"),
    ] {
        let error = back(&aws, version, false).await.unwrap_err().to_string();
        assert!(error.contains(words), "{words}: {error}");
    }
    aws.account().meanwhile = Some(("PutObject", |it| it.objects.set(key(), text("rate(1 day)"))));
    let error = back(&aws, &first, false).await.unwrap_err().to_string();
    assert!(error.contains("somebody else"), "{error}");
    assert_eq!(in_force(&aws), text("rate(1 day)"));
    // an act whose entry cannot be put does not begin
    let before = puts(&aws);
    aws.account().denied.insert("PutObject");
    assert!(back(&aws, &first, false).await.is_err());
    assert_eq!(puts(&aws), before);
    let question = diff::Question::of(shop(), Some("v1"), Some("v99"));
    assert!(diff::run(&aws.stack("ctl-config"), &question).await.is_err());
    for (from, to) in [(None, None), (Some("v1"), None), (Some("v1"), Some("v2"))] {
        let question = diff::Question::of(shop(), from, to);
        assert_eq!(diff::run(&aws.stack("ctl-config"), &question).await.unwrap(), ExitCode::SUCCESS);
    }
}

#[test]
fn a_plan_names_fields_documents_and_schedules() {
    let old = text(WEEKLY);
    let new = text("cron(0 6 1 * ? *)")
        .replace("[documents.receipt]", "[documents.receipt]\ndry_run = true")
        .replace("[documents.order-confirmation]", "[documents.order-confirmation]\nenabled = false");
    let named: Vec<_> = changes(&old, &new).into_iter().map(|it| it.field).collect();
    assert_eq!(
        named,
        ["documents.order-confirmation.enabled", "documents.receipt.dry_run", "statements.schedule"]
    );
    let change = changes(&old, &new).pop().unwrap();
    assert_eq!(change.before.as_deref(), Some("\"cron(0 6 ? * MON *)\""));
    let (old_config, new_config) = (ShopConfig::parse(&old).unwrap(), ShopConfig::parse(&new).unwrap());
    assert_eq!(Stands::of(Some(&new_config), Document::Receipt), Stands::DryRun);
    let plan = Plan { before: &old, after: &new, old: Some(&old_config), new: &new_config };
    assert_eq!(
        plan.sentences(),
        [
            "document order-confirmation: live -> off",
            "document receipt: live -> dry run",
            "schedule acme.statements: cron(0 6 ? * MON *) Europe/Paris -> cron(0 6 1 * ? *) Europe/Paris",
        ]
    );
}
