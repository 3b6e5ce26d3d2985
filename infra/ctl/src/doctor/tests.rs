//! Every precondition broken in turn, against an account of this process and the stand-ins of Shopify and Exstream.

pub mod world;

use super::{Missing, Row, Step, Verdict};
use crate::fake_account::Account;
use std::path::Path;
use world::{RECEIPT, World};

const EVERY_STEP: usize = Step::ALL.len();

fn found<'a>(rows: &'a [Row], step: Step, of: Option<&str>) -> &'a Row {
    let is_this = |row: &&Row| row.step == step && (of.is_none() || row.of.as_deref() == of);
    rows.iter().find(is_this).unwrap_or_else(|| panic!("no row {step} {of:?}: {rows:#?}"))
}

fn not_fine(rows: &[Row]) -> Vec<&Row> {
    rows.iter()
        .filter(|row| matches!(row.verdict, Verdict::Wrong | Verdict::Denied | Verdict::Unknown))
        .collect()
}

#[test]
fn rows_are_a_published_contract() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/doctor-row.v1.json");
    contract::published(&path, &schemars::schema_for!(Row).to_value());
}

/// From nothing but an event source in Shopify to a shop that is ready, once; the second time there is nothing to make.
#[tokio::test]
async fn setup_makes_everything_and_then_nothing() {
    let Some(world) = World::empty().await else { return };
    let rows = world.set_up().await;
    assert!(not_fine(&rows).is_empty(), "{:#?}", not_fine(&rows));
    let steps: std::collections::BTreeSet<Step> = rows.iter().map(|row| row.step).collect();
    assert_eq!(steps.len(), EVERY_STEP);
    let made: Vec<_> = rows.iter().filter(|row| row.made).map(|row| row.step).collect();
    for step in [Step::EventSource, Step::Configuration, Step::Secret, Step::Subscription, Step::Metafield] {
        assert!(made.contains(&step), "{step}: {made:?}");
    }
    let schema = schemars::schema_for!(Row).to_value();
    for row in &rows {
        contract::conforms(&schema, &serde_json::to_value(row).unwrap());
    }
    let changes = world.account().changes.clone();
    let again = world.set_up().await;
    assert!(again.iter().all(|row| !row.made), "{again:#?}");
    assert_eq!(world.account().changes, changes, "nothing is written a second time");
    let said = serde_json::to_string(&(rows, again)).unwrap();
    assert!(!said.contains("local-secret") && !said.contains("shpat_local"), "a secret is printed");
}

#[tokio::test]
async fn nothing_is_made_without_consent() {
    let Some(world) = World::empty().await else { return };
    let rows = world.set_up_if(|_| false).await;
    assert!(rows.iter().all(|row| !row.made));
    assert_eq!(world.account().changes, [""; 0]);
    assert_eq!(found(&rows, Step::EventSource, None).verdict, Verdict::Wrong);
    // what rests on what is missing is not guessed at
    assert_eq!(found(&rows, Step::Scopes, None).verdict, Verdict::NotChecked);
}

/// Something fails in the midst: the rest is made, and the next time what is missing.
#[tokio::test]
async fn setup_is_continued_where_it_stopped() {
    let Some(world) = World::empty().await else { return };
    world.account().denied.insert("CreateSecret");
    let rows = world.set_up().await;
    let secret = found(&rows, Step::Secret, None);
    assert_eq!(secret.verdict, Verdict::Wrong);
    assert!(secret.found.contains("could not be made"), "{secret:?}");
    assert!(found(&rows, Step::EventSource, None).made);
    assert_eq!(found(&rows, Step::Subscription, None).verdict, Verdict::NotChecked);
    world.account().denied.clear();
    let rows = world.set_up().await;
    assert!(not_fine(&rows).is_empty(), "{:#?}", not_fine(&rows));
    let made: Vec<_> = rows.iter().filter(|row| row.made).map(|row| row.step).collect();
    assert!(made.contains(&Step::Secret) && !made.contains(&Step::EventSource), "{made:?}");
}

/// The bus is made and the answer is lost: looking again shows it.
#[tokio::test]
async fn a_lost_answer_is_not_a_failure() {
    let Some(world) = World::empty().await else { return };
    world.account().lost = Some("CreateEventBus");
    let rows = world.set_up().await;
    let source = found(&rows, Step::EventSource, None);
    assert_eq!((source.verdict, source.made), (Verdict::Ok, true), "{source:?}");
}

#[tokio::test]
async fn only_what_is_agreed_to_is_made() {
    let Some(world) = World::empty().await else { return };
    let rows = world.set_up_if(|missing| *missing == Missing::Bus).await;
    let made: Vec<_> = rows.iter().filter(|row| row.made).map(|row| row.step).collect();
    assert_eq!(made, [Step::EventSource]);
}

type Break = fn(&mut Account);

/// What is wrong in the account is found, and nothing else is called wrong for it.
#[tokio::test]
async fn each_precondition_of_the_account() {
    let Some(world) = World::ready().await else { return };
    let cases: [(Break, Step, Verdict, &str); 21] = [
        (|it| it.source = Some("PENDING"), Step::EventSource, Verdict::Wrong, "not associated"),
        (|it| it.source = Some("DELETED"), Step::EventSource, Verdict::Wrong, "deleted"),
        (|it| it.source = None, Step::EventSource, Verdict::Wrong, "no event source"),
        (
            |it| {
                it.denied.insert("DescribeEventSource");
            },
            Step::EventSource,
            Verdict::Denied,
            "you may not",
        ),
        (|it| it.bus = false, Step::Bus, Verdict::Wrong, "no bus"),
        (|it| it.rule = None, Step::Rule, Verdict::Wrong, "no rule"),
        (|it| it.rule = Some("DISABLED"), Step::Rule, Verdict::Wrong, "disabled"),
        (|it| it.objects.texts.clear(), Step::Configuration, Verdict::Wrong, "there is no"),
        (
            |it| it.change_config("Acme", "Acme Ltd"),
            Step::Configuration,
            Verdict::Wrong,
            "not what the file says",
        ),
        (|it| it.change_config("version = 1", "version = 7"), Step::Configuration, Verdict::Wrong, "invalid"),
        (
            |it| {
                it.denied.insert("GetObject");
            },
            Step::Configuration,
            Verdict::Denied,
            "you may not read",
        ),
        (
            |it| {
                it.failing.insert("GetObject");
            },
            Step::Configuration,
            Verdict::Unknown,
            "reading the configuration",
        ),
        (|it| it.schedules.clear(), Step::Schedules, Verdict::Wrong, "missing: acme.statements"),
        (
            |it| it.schedule("ScheduleExpression", "cron(0 0 1 1 ? *)"),
            Step::Schedules,
            Verdict::Wrong,
            "not as configured: acme.statements",
        ),
        (
            |it| it.schedule("ScheduleExpressionTimezone", "UTC"),
            Step::Schedules,
            Verdict::Wrong,
            "not as configured",
        ),
        (|it| it.schedule("State", "DISABLED"), Step::Schedules, Verdict::Wrong, "not as configured"),
        (
            |it| {
                it.denied.insert("GetSchedule");
            },
            Step::Schedules,
            Verdict::Denied,
            "you may not read schedules",
        ),
        (
            |it| {
                it.failing.insert("ListSchedules");
            },
            Step::Schedules,
            Verdict::Unknown,
            "listing the schedules",
        ),
        (|it| it.secret = None, Step::Secret, Verdict::Wrong, "there is no secret"),
        (
            |it| it.secret = Some(r#"{"shopify": 1}"#.to_owned()),
            Step::Secret,
            Verdict::Wrong,
            "not the expected JSON",
        ),
        (
            |it| {
                it.failing.insert("GetSecretValue");
            },
            Step::Secret,
            Verdict::Unknown,
            "read the shop's secret",
        ),
    ];
    for (spoil, step, verdict, words) in cases {
        let before = world.account().clone();
        spoil(&mut world.account());
        let rows = world.look().await;
        let row = found(&rows, step, None);
        assert_eq!(row.verdict, verdict, "{words}: {row:?}");
        assert!(row.found.contains(words) && row.remedy.is_some(), "{words}: {row:?}");
        let others: Vec<_> = not_fine(&rows).into_iter().filter(|it| it.step != step).collect();
        assert!(others.is_empty(), "{words}: {others:#?}");
        *world.account() = before;
    }
    let rows = world.look().await;
    assert!(not_fine(&rows).is_empty(), "{:#?}", not_fine(&rows));
}

#[tokio::test]
async fn each_precondition_of_shopify() {
    let Some(world) = World::ready().await else { return };
    world.set_secret("shpat_other", "local-secret");
    let rows = world.look().await;
    assert_eq!(found(&rows, Step::ShopifyToken, None).verdict, Verdict::Wrong);
    assert_eq!(found(&rows, Step::Metafield, None).verdict, Verdict::NotChecked);
    world.set_secret("shpat_local", "local-secret");

    world.grant(&["write_orders", "read_customers", "read_payment_terms", "read_products"]).await;
    let scopes = found(&world.look().await, Step::Scopes, None).clone();
    assert_eq!(scopes.verdict, Verdict::Wrong);
    for scope in ["read_fulfillments", "read_all_orders", "one of read_merchant_managed_fulfillment_orders"] {
        assert!(scopes.found.contains(scope), "{scopes:?}");
    }
    assert!(!scopes.found.contains("read_orders"), "who may write may read: {scopes:?}");
    let scopes =
        ["write_orders", "write_customers", "read_payment_terms", "read_products", "read_fulfillments"];
    world.grant(&[&scopes[..], &["read_all_orders", "read_assigned_fulfillment_orders"]].concat()).await;
    assert_eq!(found(&world.look().await, Step::Scopes, None).verdict, Verdict::Ok);

    let of = Some("orders/paid");
    for (document, words) in world.spoilt_subscriptions() {
        world.forget_subscription("orders/paid").await;
        if let Some(document) = document {
            world.register(&document).await;
        }
        let row = found(&world.look().await, Step::Subscription, of).clone();
        assert_eq!(row.verdict, Verdict::Wrong, "{row:?}");
        assert!(row.found.contains(words), "{words}: {row:?}");
    }
    world.define_otherwise("CUSTOMER").await;
    let row = found(&world.look().await, Step::Metafield, Some("CUSTOMER")).clone();
    assert!(row.verdict == Verdict::Wrong && row.found.contains("single_line_text_field"), "{row:?}");
    world.shopify_fault("graphql", "drop_connection").await;
    assert_eq!(found(&world.look().await, Step::ShopifyToken, None).verdict, Verdict::Unknown);
}

#[tokio::test]
async fn each_precondition_of_exstream_and_core_messaging() {
    let Some(world) = World::ready().await else { return };
    world.set_secret("shpat_local", "wrong");
    let rows = world.look().await;
    assert_eq!(found(&rows, Step::ExstreamToken, None).verdict, Verdict::Wrong);
    assert_eq!(found(&rows, Step::CoreMessaging, Some("email")).verdict, Verdict::Wrong);
    assert_eq!(found(&rows, Step::Template, None).verdict, Verdict::NotChecked);
    world.set_secret("shpat_local", "local-secret");

    let receipt = Some("receipt");
    for (designed, step, words) in [
        (
            world::designed("6f1f3ad0-7a55-4a07-9d0e-0c9b5b1f6a99", "Receipt", "LETTER"),
            Step::Template,
            "no approved",
        ),
        (world::designed(RECEIPT, "Sample", "LETTER"), Step::DataSource, "`Receipt` is not one of: Sample"),
        (world::designed(RECEIPT, "Receipt", "PDF"), Step::Queue, "no queue LETTER; there are: PDF"),
    ] {
        world.design(designed).await;
        let row = found(&world.look().await, step, receipt).clone();
        assert_eq!(row.verdict, Verdict::Wrong, "{row:?}");
        assert!(row.found.contains(words), "{words}: {row:?}");
    }
    world.design(world::designed(RECEIPT, "Receipt", "LETTER")).await;
    world.exstream_settings(&serde_json::json!({"characters": "SBCS"})).await;
    assert_eq!(found(&world.look().await, Step::Characters, receipt).verdict, Verdict::Wrong);
    world.exstream_fault("design", "access_denied").await;
    let row = found(&world.look().await, Step::Template, receipt).clone();
    assert!(row.verdict == Verdict::Unknown && row.remedy.unwrap().contains("catalogue"));
    world.exstream_fault("token", "drop_connection").await;
    assert_eq!(found(&world.look().await, Step::ExstreamToken, None).verdict, Verdict::Unknown);
}

/// The number beside the command that tells the account's own is that of the manual.
#[test]
fn the_manual_says_how_many_invocations_are_needed() {
    let page = include_str!("../../../../docs/deployment.md");
    let row = page.lines().find(|line| line.contains("| concurrent executions |")).unwrap();
    let number = row.split('|').nth(3).unwrap().trim();
    assert_eq!(number, super::account::CONCURRENT.to_string());
}
