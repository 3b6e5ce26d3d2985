//! What people do with `ctl`, each command as they run it. The recording of it is what the roles for people are
//! compared with: a command that is not here would leave its permissions unused.

use comms::{Document, State};
use e2e::{order_number, runtime::repository, shop::Shop, stack::Stack};
use serde_json::json;
use std::{
    path::PathBuf,
    process::{Output, Stdio},
};
use tokio::process::Command;

/// A folder of its own, gone with the test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("ctl-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &std::path::Path {
        &self.0
    }

    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The program, from the top of the repository.
const CTL: &str = "target/debug/ctl";

/// A command, ready to run through the recorder.
pub fn command(stack: &Stack, folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = Command::new(repository().join(CTL));
    command
        .args(arguments)
        .env("AWS_ENDPOINT_URL", stack.output("RecorderUrl"))
        .env("CTL_ACTOR", "ops@northwind.example")
        .env("CTL_REASON", "a test looks at it")
        .current_dir(folder.path())
        .stdin(Stdio::null());
    command
}

/// Runs a command. Answers what it printed.
pub async fn ctl(stack: &Stack, folder: &Folder, arguments: &[&str]) -> String {
    let output = output(stack, folder, arguments).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "ctl {}: {text}{}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

/// The same of a command that fails: what it says.
pub async fn ctl_fails(stack: &Stack, folder: &Folder, arguments: &[&str]) -> String {
    let output = output(stack, folder, arguments).await;
    assert!(!output.status.success(), "ctl {}", arguments.join(" "));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub async fn output(stack: &Stack, folder: &Folder, arguments: &[&str]) -> Output {
    let run = command(stack, folder, arguments).output().await;
    run.unwrap_or_else(|error| panic!("{CTL}: {error}"))
}

/// The configuration without one campaign.
fn without(config: &str, campaign: &str) -> String {
    let (before, rest) = config.split_once(&format!("[marketing.campaigns.{campaign}]")).unwrap();
    let (_, after) = rest.split_once("\n[").unwrap();
    format!("{before}[{after}")
}

#[tokio::test]
async fn a_configuration_is_checked_and_pushed_with_its_schedules() {
    let (stack, folder) = (Stack::open().await, Folder::new());
    let shop = Shop::open_demo(&stack, str::to_owned).await;
    let file = folder.file("shop.toml", &shop.config);
    ctl(&stack, &folder, &["config", "check", &file]).await;
    let first = ctl(&stack, &folder, &["config", "push", &file]).await;
    let fewer = folder.file("fewer.toml", &without(&shop.config, "winter"));
    let second = ctl(&stack, &folder, &["config", "push", &fewer]).await;
    let schedules = |text: &str| -> u32 {
        text.split_whitespace()
            .rev()
            .nth(1)
            .and_then(|count| count.parse().ok())
            .expect("a count of schedules")
    };
    assert_eq!(schedules(&second), schedules(&first) - 1, "{first}{second}");

    // the newest first: without the campaign, with it, and what the shop was opened with
    let domain = shop.domain.as_str();
    let versions = history(&stack, &folder, domain).await;
    assert_eq!(versions[0]["actor"], "ops@northwind.example", "{versions:#?}");
    assert_eq!(versions[0]["in_force"], true);
    let former = versions[1]["version"].as_str().unwrap();
    let text = ctl(&stack, &folder, &["config", "diff", domain]).await;
    assert!(text.contains("- [marketing.campaigns.winter]") && text.contains("deleted"), "{text}");
    let text = ctl(&stack, &folder, &["config", "diff", domain, &file]).await;
    assert!(text.contains("+ [marketing.campaigns.winter]"), "{text}");
    let back = ["config", "rollback", domain, former, "--reason", "the campaign continues"];
    ctl(&stack, &folder, &[&back[..], &["--plan"]].concat()).await;
    assert_eq!(history(&stack, &folder, domain).await.len(), versions.len());
    ctl(&stack, &folder, &[&back[..], &["--yes"]].concat()).await;
    ctl(&stack, &folder, &[&back[..], &["--yes"]].concat()).await;
    let after = history(&stack, &folder, domain).await;
    assert_eq!(after.len(), versions.len() + 1, "{after:#?}");
    assert_eq!((&after[0]["sha256"], &after[0]["by"]), (&versions[1]["sha256"], &json!("ctl-config")));
    // over a version that is not in force any more
    let late = ctl_fails(&stack, &folder, &["config", "push", &fewer, "--over", former]).await;
    assert!(late.contains("somebody else"), "{late}");
}

async fn history(stack: &Stack, folder: &Folder, shop: &str) -> Vec<serde_json::Value> {
    let lines = ctl(stack, folder, &["config", "history", shop, "--json"]).await;
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_communication_is_looked_up_shown_compared_and_issued_again() {
    let (stack, folder) = (Stack::open().await, Folder::new());
    let shop = Shop::open_demo(&stack, str::to_owned).await;
    let number = order_number();
    let id = shop.confirmed(&stack, number, |_| {}).await.communication;
    let (order, domain) = (number.to_string(), shop.domain.as_str());

    let text = ctl(&stack, &folder, &["status", id.as_str(), "--json"]).await;
    assert!(text.contains("\"accepted\""), "{text}");
    let of_order = ["status", "--shop", domain, "--order", &order];
    assert!(ctl(&stack, &folder, &of_order).await.contains(id.as_str()));
    let text = ctl(&stack, &folder, &[&of_order[..], &["--metafield"]].concat()).await;
    assert!(text.contains("\"communications\""), "{text}");

    ctl(&stack, &folder, &["show", id.as_str(), "--out", "shown"]).await;
    let shown = folder.0.join("shown").join(format!("order-confirmation-{id}.record.json"));
    let record: serde_json::Value = serde_json::from_slice(&std::fs::read(shown).unwrap()).unwrap();
    assert_eq!(record["communication"], id.as_str());
    let fact =
        std::fs::read_to_string(folder.0.join("shown").join(format!("order-confirmation-{id}.fact-01.json")));
    assert!(fact.unwrap().contains("\"accepted\""));
    // the only one of its kind, so it is looked for in the archive
    assert!(ctl(&stack, &folder, &["diff", id.as_str()]).await.contains("no difference"));

    let decision = ["--actor", "ops@northwind.example", "--reason", "the customer asked for it"];
    let text = ctl(&stack, &folder, &[&["resend", id.as_str()][..], &decision[..]].concat()).await;
    assert!(text.contains("accepted"), "{text}");
    assert_eq!(shop.emails().await.len(), 2);
}

/// What was decided about it stands beside the record, and who looked at it is on record.
#[tokio::test]
async fn what_is_held_for_a_matter_is_released_and_looked_up_by_order_customer_and_query() {
    let (stack, folder) = (Stack::open().await, Folder::new());
    let shop = Shop::open_demo(&stack, str::to_owned).await;
    let number = order_number();
    let entry = shop.confirmed(&stack, number, |_| {}).await;
    let (id, domain) = (entry.communication.as_str(), shop.domain.as_str());
    let (record, _) = stack.record(&entry).await;
    let why = ["--matter", "case 7", "--actor", "legal@northwind.example", "--reason", "a claim"];
    let (order, day) =
        (format!("gid://shopify/Order/{number}"), record.composed_at.strftime("%Y-%m-%d").to_string());
    let of_order = ["--shop", domain, "--order", &order];
    let of_query = ["--shop", domain, "--document", "order-confirmation", "--from", &day];
    for of in [&[id][..], &of_order, &of_query] {
        let text = ctl(&stack, &folder, &[&["hold"][..], of, &why].concat()).await;
        assert!(text.contains("held for case 7"), "{text}");
    }
    let refused = delete_record(&stack, &entry).await;
    assert!(refused.is_err(), "what is held cannot be deleted");
    let text = ctl(&stack, &folder, &[&["release", id][..], &why].concat()).await;
    assert!(text.contains("free"), "{text}");
    let kinds: Vec<_> =
        stack.facts(&entry).await.iter().map(|it| it["fact"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["accepted", "held", "released"]);
    let text =
        ctl(&stack, &folder, &["templates", "history", "--shop", domain, "--document", "order-confirmation"])
            .await;
    assert!(text.contains("1 documents"), "{text}");
    let by = ["--actor", "legal@northwind.example", "--reason", "yearly"];
    let text = ctl(&stack, &folder, &[&["dispose", domain][..], &by].concat()).await;
    assert!(text.starts_with("0 would go"), "{text}");
}

async fn delete_record(stack: &Stack, entry: &ledger::Entry) -> Result<(), String> {
    let archived = entry.archived.as_ref().unwrap();
    let key = format!("{}/record.json", archived.archive_key.rsplit_once('/').unwrap().0);
    let delete = stack.s3.delete_object().bucket(stack.output("ArchiveBucket")).key(key);
    let delete = delete.version_id(&archived.record_version).bypass_governance_retention(true).send().await;
    delete.map(drop).map_err(|error| comms::chain(&error))
}

#[tokio::test]
async fn an_unknown_send_is_settled() {
    let (stack, folder) = (Stack::open().await, Folder::new());
    let shop = Shop::open_demo(&stack, crate::failures::impatient).await;
    shop.exstream_faults(json!([{"match": "email", "kind": "timeout_after_success", "times": 1}])).await;
    let number = order_number();
    let entry = shop.confirmed(&stack, number, |_| {}).await;
    assert_eq!(entry.state, State::Unknown);
    let decision =
        ["--as", "accepted", "--actor", "ops@northwind.example", "--reason", "it is in the mail log"];
    let id = entry.communication.as_str();
    ctl(&stack, &folder, &[&["settle", id][..], &decision[..]].concat()).await;
    assert_eq!(shop.settled(&stack, &entry.communication).await.state, State::Accepted);
    let facts = stack.facts(&entry).await;
    assert_eq!((facts[0]["fact"].as_str(), facts[1]["fact"].as_str()), (Some("unknown"), Some("settled")));
    assert_eq!(facts[1]["decision"]["reason"], "it is in the mail log");
}

#[tokio::test]
async fn an_event_is_previewed_and_then_sent() {
    let (stack, folder) = (Stack::open().await, Folder::new());
    let shop = Shop::open_demo(&stack, str::to_owned).await;
    let number = order_number();
    let event = shop.event("orders/create", number, |_| {});
    shop.register(&event).await;
    let file = folder.file("event.json", &event.to_string());
    let text = ctl(&stack, &folder, &["preview", &file, "--out", "seen"]).await;
    assert!(text.contains("driver data"), "{text}");
    assert_eq!(shop.about(&stack, &format!("gid://shopify/Order/{number}")).await.len(), 0);
    let text = ctl(&stack, &folder, &["send", &file]).await;
    assert!(text.contains(shop.id(Document::OrderConfirmation, number).as_str()), "{text}");
}

#[tokio::test]
async fn runs_are_begun_and_followed() {
    let (stack, folder) = (Stack::open().await, Folder::new());
    let shop = Shop::open_demo(&stack, str::to_owned).await;
    shop.control(shop.shopify, "PUT", "bulk", Some(&json!({"jsonl": ""}))).await;
    for run in ["account-statements", "winter"] {
        let text = ctl(&stack, &folder, &["run", shop.domain.as_str(), run, "--timeout", "80"]).await;
        assert!(text.contains("done"), "{run}: {text}");
    }
    // a run that is done is not begun again, and can be followed to its last document
    let text = ctl(&stack, &folder, &["run", shop.domain.as_str(), "winter", "--follow", "--json"]).await;
    let last: serde_json::Value = serde_json::from_str(text.lines().last().expect("a row")).unwrap();
    assert_eq!((&last["stage"], &last["left"]), (&json!("done"), &json!(0)), "{text}");
}

#[tokio::test]
async fn a_customer_is_put_on_the_list_and_taken_off() {
    let (stack, folder) = (Stack::open().await, Folder::new());
    let shop = Shop::open_demo(&stack, str::to_owned).await;
    let who = ["suppress", shop.domain.as_str(), "gid://shopify/Customer/7100000000001"];
    let text = ctl(&stack, &folder, &[&who[..], &["--reason", "asked by telephone"]].concat()).await;
    assert!(text.contains("gets no marketing: asked by telephone"), "{text}");
    let text = ctl(&stack, &folder, &[&who[..], &["--lift"]].concat()).await;
    assert!(text.contains("is not on the suppression list"), "{text}");
}

/// What S3 tells nobody but those who may list everything: that a shop has no configuration.
#[tokio::test]
async fn a_shop_without_a_configuration_is_named_as_such() {
    let (stack, folder) = (Stack::open().await, Folder::new());
    let text = ctl_fails(&stack, &folder, &["run", "nobody.myshopify.com", "winter"]).await;
    assert!(text.contains("has no configuration"), "{text}");
}
