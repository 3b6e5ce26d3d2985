use super::{Order, Standing, run, verdict};
use crate::{
    again::Decision,
    doctor::{
        Row, Step, Verdict,
        tests::world::{RECEIPT, World, designed},
    },
    failure::Failure,
    fake_account::SHOP,
};
use comms::Document;
use serde_json::Value;
use service::Service;
use shop_config::ShopConfig;
use std::{path::PathBuf, process::ExitCode};

const PAID: &str = include_str!("../../../local/samples/orders-paid.json");
const CREATED: &str = include_str!("../../../local/samples/orders-create.json");

/// A shop with everything, whose receipt is in a dry run.
async fn rehearsing() -> Option<World> {
    let world = World::ready().await?;
    world.account().change_config("[documents.receipt]", "[documents.receipt]\ndry_run = true");
    world.register_order(&event(PAID)).await;
    Some(world)
}

fn event(text: &str) -> Value {
    let mut event: Value = serde_json::from_str(text).unwrap();
    event["detail"]["metadata"]["X-Shopify-Shop-Domain"] = SHOP.into();
    event
}

/// A file that is gone with the test.
struct File(PathBuf);

impl File {
    fn new(event: &Value) -> Self {
        let id = event["detail"]["metadata"]["X-Shopify-Topic"].as_str().unwrap().replace('/', "-");
        let path =
            std::env::temp_dir().join(format!("go-live-{}-{id}-{}.json", std::process::id(), fastrand()));
        std::fs::write(&path, event.to_string()).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        _ = std::fs::remove_file(&self.0);
    }
}

/// Different each time.
fn fastrand() -> u128 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos()
}

async fn go(world: &World, text: &str, plan: bool, despite: &[Step]) -> Result<ExitCode, Failure> {
    let file = File::new(&event(text));
    let order = Order {
        document: Document::Receipt,
        shop: SHOP.parse().unwrap(),
        event: vec![file.0.clone()],
        rehearsed: None,
        decision: Decision { actor: "ops".to_owned(), reason: "looked at".to_owned() },
        despite: despite.to_vec(),
        app: false,
        plan,
        yes: !plan,
    };
    run(&world.stack(), order, &Service::without_log().await?).await
}

fn stored(world: &World) -> String {
    let account = world.account();
    let (_, (text, _)) = account.objects.texts.iter().find(|(key, _)| key.starts_with("config/")).unwrap();
    text.clone()
}

fn is_live(world: &World) -> bool {
    let config = ShopConfig::parse(&stored(world)).unwrap();
    config.document(Document::Receipt).is_some() && !config.is_dry_run(Document::Receipt)
}

fn puts(world: &World) -> usize {
    world.account().changes.iter().filter(|it| it.contains("/config/")).count()
}

#[tokio::test]
async fn a_document_goes_live_once() {
    let Some(world) = rehearsing().await else { return };
    let before = puts(&world);
    assert_eq!(go(&world, PAID, true, &[]).await.unwrap(), ExitCode::SUCCESS);
    assert!(!is_live(&world), "a plan changes nothing");
    for _ in 0..2 {
        assert_eq!(go(&world, PAID, false, &[]).await.unwrap(), ExitCode::SUCCESS);
        assert!(is_live(&world));
        assert_eq!(puts(&world), before + 1, "what is live stays as it is");
    }
    assert!(stored(&world).contains("[documents.receipt]\ndry_run = false\n"));
    let account = world.account();
    assert!(account.objects.texts.keys().any(|key| key.starts_with("audit/") && key.contains("go-live")));
}

/// Nothing is changed, whatever is not there.
#[tokio::test]
async fn what_is_missing_keeps_it_from_going_live() {
    let Some(world) = rehearsing().await else { return };
    let before = puts(&world);
    // no approved version, and a token that is refused
    world.design(designed("6f1f3ad0-7a55-4a07-9d0e-0c9b5b1f6a99", "Receipt", "LETTER")).await;
    assert_eq!(go(&world, PAID, false, &[]).await.unwrap(), ExitCode::FAILURE);
    assert_eq!(go(&world, PAID, false, &[Step::Template]).await.unwrap(), ExitCode::FAILURE);
    world.design(designed(RECEIPT, "Receipt", "LETTER")).await;
    world.set_secret("shpat_other", "local-secret");
    assert_eq!(go(&world, PAID, false, &[]).await.unwrap(), ExitCode::FAILURE);
    world.set_secret("shpat_local", "local-secret");
    // an event of another document
    let error = go(&world, CREATED, false, &[]).await.unwrap_err().to_string();
    assert!(error.contains("leads to no"), "{error}");
    // the design service does not answer
    world.exstream_fault("design", "access_denied").await;
    assert_eq!(go(&world, PAID, false, &[]).await.unwrap(), ExitCode::from(3));
    world.exstream_fault("ondemand", "drop_connection").await;
    let error = go(&world, PAID, false, &[]).await.unwrap_err().to_string();
    assert!(error.contains("the sample of receipt"), "{error}");
    assert!(!is_live(&world) && puts(&world) == before);
}

#[tokio::test]
async fn what_somebody_stores_meanwhile_is_not_overwritten() {
    let Some(world) = rehearsing().await else { return };
    world.account().meanwhile = Some(("PutObject", |it| {
        let (key, text) = it.objects.texts.iter().find(|(key, _)| key.starts_with("config/")).unwrap();
        let (key, text) = (key.clone(), text.0.replace("Acme", "Acme Ltd"));
        it.objects.set(key, text);
    }));
    let error = go(&world, PAID, false, &[]).await.unwrap_err().to_string();
    assert!(error.contains("somebody else"), "{error}");
    assert!(!is_live(&world) && stored(&world).contains("Acme Ltd"));
}

#[test]
fn only_what_is_not_known_can_be_passed_over() {
    let row =
        |step, verdict| Row { step, of: None, verdict, found: String::new(), remedy: None, made: false };
    let all = |rows: &[(Step, Verdict)], despite: &[Step]| {
        let rows: Vec<_> = rows.iter().map(|(step, verdict)| row(*step, *verdict)).collect();
        verdict(&rows, despite)
    };
    let (template, characters) = (Step::Template, Step::Characters);
    assert_eq!(all(&[(template, Verdict::Ok), (characters, Verdict::NotChecked)], &[]), Standing::Ready);
    assert_eq!(all(&[(characters, Verdict::Unknown)], &[]), Standing::Unknown);
    assert_eq!(all(&[(characters, Verdict::Unknown)], &[characters]), Standing::Ready);
    assert_eq!(all(&[(template, Verdict::NotChecked)], &[]), Standing::Unknown);
    assert_eq!(all(&[(template, Verdict::NotChecked)], &[template]), Standing::Ready);
    for verdict in [Verdict::Wrong, Verdict::Denied] {
        assert_eq!(all(&[(template, verdict)], &[template]), Standing::Wrong);
    }
}
