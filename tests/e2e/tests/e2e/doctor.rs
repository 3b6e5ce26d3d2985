//! `ctl setup` and `ctl doctor` against the deployed stack: a shop is set up from its two files, and what is broken is
//! found and made again. The emulator has no partner event sources of its own: it calls any of them active, so here the bus
//! of one is made by the test. Their states are in `infra/ctl/src/doctor/tests.rs`.

use crate::people::{Folder, output};
use aws_config::BehaviorVersion;
use e2e::{order_number, shop::Shop, stack::Stack};
use serde_json::{Value, json};

/// A shop of which nothing is stored yet, and the files that it is set up from.
struct NewShop {
    stack: Stack,
    folder: Folder,
    shop: Shop,
    events: aws_sdk_eventbridge::Client,
    scheduler: aws_sdk_scheduler::Client,
    bus: String,
    config: String,
    secret: String,
    /// The outputs, with the bus of a partner's event source.
    outputs: String,
}

impl NewShop {
    async fn open() -> Self {
        let (stack, folder) = (Stack::open().await, Folder::new());
        let shop = Shop::open_demo(&stack, str::to_owned).await;
        let name = secret_name(&stack, &shop);
        let secret = stack.secrets.get_secret_value().secret_id(&name).send().await.unwrap();
        let secret = folder.file("secret.json", &secret.secret_string.unwrap());
        let config = folder.file("shop.toml", &shop.config);
        let aws = aws_config::defaults(BehaviorVersion::latest()).load().await;
        let events = aws_sdk_eventbridge::Client::new(&aws);
        let source = stack.output("EventSource").trim_end_matches('/').to_owned();
        // its number is that of an app
        let bus = format!("aws.partner/shopify.com/{}/orders", order_number());
        events.create_event_bus().name(&bus).send().await.unwrap();
        let pattern = json!({"source": [{"prefix": source}]}).to_string();
        events.put_rule().event_bus_name(&bus).name("intake").event_pattern(pattern).send().await.unwrap();
        let text = std::fs::read_to_string(std::env::var("STACK_FILE").unwrap()).unwrap();
        let mut stacks: Value = serde_json::from_str(&text).unwrap();
        for outputs in stacks.as_object_mut().unwrap().values_mut().filter(|it| it.get("BusName").is_some()) {
            outputs["BusName"] = bus.as_str().into();
        }
        let outputs = folder.file("stack.json", &stacks.to_string());
        let scheduler = aws_sdk_scheduler::Client::new(&aws);
        let shop = Self { stack, folder, shop, events, scheduler, bus, config, secret, outputs };
        shop.forget_config().await;
        shop.forget_secret().await;
        shop
    }

    async fn forget_config(&self) {
        let key = shop_config::config_key(&self.shop.domain);
        let bucket = self.stack.output("OperationsBucket");
        self.stack.s3.delete_object().bucket(bucket).key(key).send().await.unwrap();
    }

    async fn forget_secret(&self) {
        let delete = self.stack.secrets.delete_secret().secret_id(secret_name(&self.stack, &self.shop));
        delete.force_delete_without_recovery(true).send().await.unwrap();
    }

    async fn set_secret(&self, text: &str) {
        let put = self.stack.secrets.put_secret_value().secret_id(secret_name(&self.stack, &self.shop));
        put.secret_string(text).send().await.unwrap();
    }

    async fn rows(&self, command: &str, more: &[&str]) -> Vec<Value> {
        let domain = self.shop.domain.as_str();
        let arguments = [&["--stack", &self.outputs, command, domain, "--json"][..], more].concat();
        let run = output(&self.stack, &self.folder, &arguments).await;
        let said = String::from_utf8(run.stdout).unwrap();
        assert!(!said.contains("local-secret"), "a secret is printed");
        let rows: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let is_fine = not_fine(&rows).is_empty() && !rows.is_empty();
        assert_eq!(run.status.success(), is_fine, "{said}{}", String::from_utf8_lossy(&run.stderr));
        rows
    }

    async fn doctor(&self) -> Vec<Value> {
        self.rows("doctor", &["--config", &self.config]).await
    }

    async fn setup(&self) -> Vec<Value> {
        self.rows("setup", &["--config", &self.config, "--secret", &self.secret, "--yes"]).await
    }

    /// A schedule of the shop's.
    async fn schedule(&self) -> String {
        let name = self.shop.domain.as_str().split('.').next().unwrap().to_owned();
        format!("{name}.statements")
    }

    fn group(&self) -> &str {
        self.stack.output("ScheduleGroup")
    }

    /// Somebody changes when it runs, in the AWS console.
    async fn change_schedule(&self) {
        let name = self.schedule().await;
        let found = self.scheduler.get_schedule().group_name(self.group()).name(&name).send().await.unwrap();
        let update = self.scheduler.update_schedule().group_name(self.group()).name(&name);
        let update = update.schedule_expression("cron(0 3 3 * ? *)").schedule_expression_timezone("UTC");
        let update = update.set_target(found.target).set_flexible_time_window(found.flexible_time_window);
        update.send().await.unwrap();
    }

    async fn versions(&self) -> usize {
        let key = shop_config::config_key(&self.shop.domain);
        let list = self.stack.s3.list_object_versions().bucket(self.stack.output("OperationsBucket"));
        list.prefix(key).send().await.unwrap().versions().len()
    }
}

fn secret_name(stack: &Stack, shop: &Shop) -> String {
    format!("{}/shop/{}", stack.output("SecretPrefix"), shop.domain)
}

fn not_fine(rows: &[Value]) -> Vec<&Value> {
    let fine = ["ok", "not-checked", "not-needed"];
    rows.iter().filter(|row| !fine.contains(&row["verdict"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn a_shop_is_set_up_once_and_what_is_broken_is_found_and_made_again() {
    let new = NewShop::open().await;
    let broken = new.doctor().await;
    for step in ["configuration", "secret"] {
        assert!(not_fine(&broken).iter().any(|row| row["step"] == step), "{step}: {broken:#?}");
    }
    let before = new.versions().await;
    let made = new.setup().await;
    assert_eq!(not_fine(&made), [&Value::Null; 0], "{made:#?}");
    for step in ["configuration", "secret", "subscription", "metafield"] {
        assert!(made.iter().any(|row| row["step"] == step && row["made"] == true), "{step}: {made:#?}");
    }
    // a second time there is nothing to make
    let again = new.setup().await;
    assert!(again.iter().all(|row| row["made"] == false), "{again:#?}");
    assert_eq!(new.versions().await, before + 1);
    assert_eq!(not_fine(&new.doctor().await), [&Value::Null; 0]);

    new.forget_config().await;
    finds(&new, "configuration", "there is no").await;
    makes(&new, "configuration").await;
    new.change_schedule().await;
    finds(&new, "schedules", "not as configured").await;
    makes(&new, "schedules").await;
    let (group, name) = (new.group(), new.schedule().await);
    new.scheduler.delete_schedule().group_name(group).name(&name).send().await.unwrap();
    finds(&new, "schedules", "missing").await;
    makes(&new, "schedules").await;
    new.forget_secret().await;
    finds(&new, "secret", "there is no secret").await;
    makes(&new, "secret").await;
    new.set_secret("{\"shopify\": 1}").await;
    finds(&new, "secret", "not the expected JSON").await;
    let right = std::fs::read_to_string(&new.secret).unwrap();
    new.set_secret(&right.replace("local-secret", "other")).await;
    let rows = new.doctor().await;
    for step in ["shopify-token", "exstream-token", "core-messaging"] {
        assert!(not_fine(&rows).iter().any(|row| row["step"] == step), "{step}: {rows:#?}");
    }
    new.set_secret(&right).await;
    new.events.disable_rule().event_bus_name(&new.bus).name("intake").send().await.unwrap();
    finds(&new, "rule", "disabled").await;
    new.events.delete_rule().event_bus_name(&new.bus).name("intake").force(true).send().await.unwrap();
    finds(&new, "rule", "no rule").await;
    new.events.delete_event_bus().name(&new.bus).send().await.unwrap();
    finds(&new, "bus", "no bus").await;
}

/// What is wrong is said of its step, and of no other.
async fn finds(new: &NewShop, step: &str, words: &str) {
    let rows = new.doctor().await;
    let wrong = not_fine(&rows);
    assert!(!wrong.is_empty() && wrong.iter().all(|row| row["step"] == step), "{step}: {wrong:#?}");
    assert!(wrong[0]["found"].as_str().unwrap().contains(words), "{words}: {wrong:#?}");
    assert!(wrong[0]["remedy"].is_string(), "{wrong:#?}");
}

/// What is missing is made, and nothing else.
async fn makes(new: &NewShop, step: &str) {
    let rows = new.setup().await;
    let made: Vec<_> = rows.iter().filter(|row| row["made"] == true).collect();
    assert!(!made.is_empty() && made.iter().all(|row| row["step"] == step), "{step}: {made:#?}");
    assert_eq!(not_fine(&new.doctor().await), [&Value::Null; 0]);
}
