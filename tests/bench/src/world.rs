//! The stand-ins, the samples they know, and what each scenario gives to its function.

use crate::{
    Failure, Options,
    aws::Aws,
    counts::Meter,
    runtime::Worker,
    scenarios::{Delivery, INTAKE, Input, ORDERS, Scenario},
    vendors::{Exstream, Shopify},
};
use bytes::Bytes;
use deployment::Deployment;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

/// As many as SQS gives a function at once.
pub const BATCH: usize = 10;
pub const SHOP: &str = "northwind-demo.myshopify.com";
/// The order of the sample events, and the first of those that reports are about.
const ORDER: u64 = 820_982_911_946_154_601;

pub struct World {
    pub meter: Meter,
    aws: Aws,
    address: SocketAddr,
    exstream: Exstream,
    binaries: PathBuf,
    items: HashMap<&'static str, String>,
    reports: Vec<String>,
    /// Keeps the stand-in for Shopify going.
    shopify: Shopify,
}

/// What a function is invoked with.
pub struct Inputs {
    /// One message each, all different.
    pub single: Vec<Bytes>,
    pub batch: Bytes,
    /// Messages in `batch`.
    pub messages: usize,
}

impl World {
    pub async fn make(options: &Options, scenarios: &[Scenario]) -> Result<Self, Failure> {
        let meter = Meter::default();
        let (aws, address) = Aws::start(meter.clone()).await?;
        let exstream = Exstream::start(meter.clone()).await?;
        let shopify = Shopify::start(meter.clone()).await?;
        let binaries = options.binaries.clone();
        let (items, reports) = (HashMap::new(), Vec::new());
        let mut world = Self { meter, aws, address, exstream, binaries, items, reports, shopify };
        world.learn_samples().await?;
        world.make_items(scenarios).await?;
        world.make_reports().await?;
        Ok(world)
    }

    /// A worker of the scenario's function, and what it is to be given.
    pub async fn worker(&self, scenario: &Scenario) -> Result<Worker, Failure> {
        self.aws.configure(self.config(scenario.delivery)?);
        self.exstream.make_html(scenario.delivery.is_some_and(|delivery| delivery.html));
        self.meter.reset();
        let environment = environment(scenario.function, self.address)?;
        Worker::start(&self.binaries.join(scenario.function), &environment, Arc::new(|_| ())).await
    }

    pub fn inputs(&self, scenario: &Scenario) -> Result<Inputs, Failure> {
        let bodies: Vec<String> = match scenario.input {
            Input::Events(files) => {
                let single = files.iter().map(|file| Ok(Bytes::from(sample(file)?.to_string())));
                let single = single.collect::<Result<Vec<_>, Failure>>()?;
                let batch = single.first().cloned().ok_or("a scenario without events")?;
                return Ok(Inputs { single, batch, messages: 1 });
            }
            Input::Items(files) => files.iter().filter_map(|file| self.items.get(file).cloned()).collect(),
            Input::Made(items) => items.iter().map(|item| (*item).to_owned()).collect(),
            Input::Reports => {
                // two orders apart: what Shopify has of one does not depend on what is measured first
                let (first, rest) = self.reports.split_first().ok_or("no reports")?;
                return Ok(Inputs { single: vec![batch([first])], batch: batch(rest), messages: BATCH });
            }
        };
        let single = bodies.iter().map(|body| batch([body])).collect();
        Ok(Inputs { single, batch: batch(bodies.iter().cycle().take(BATCH)), messages: BATCH })
    }

    async fn learn_samples(&self) -> Result<(), Failure> {
        for number in (ORDER..).take(1 + BATCH) {
            self.shopify.learn(SHOP, "orders", &order(number)?).await?;
        }
        for folder in fs::read_dir(samples())? {
            let documents = folder?.path().join("shopify");
            let Ok(files) = fs::read_dir(documents) else { continue };
            for file in files {
                let document: Value = serde_json::from_str(&fs::read_to_string(file?.path())?)?;
                // a segment is a document that has members
                let is_segment = document["id"].as_str().is_some_and(|id| id.contains("/Segment/"));
                let what = if is_segment { "segments" } else { "documents" };
                self.shopify.learn(SHOP, what, &document).await?;
            }
        }
        Ok(())
    }

    /// Has the real intake make the work items of all samples.
    async fn make_items(&mut self, scenarios: &[Scenario]) -> Result<(), Failure> {
        let events = Scenario { function: INTAKE, name: "", delivery: None, input: Input::Events(&[]) };
        let mut intake = self.worker(&events).await?;
        for scenario in scenarios {
            let Input::Items(files) = scenario.input else { continue };
            for file in files {
                intake.invoke(&sample(file)?.to_string().into()).await?;
                let sent = self.aws.sent();
                // an event may matter to two flows
                let of_function = sent.iter().find(|sent| sent.queue == scenario.function);
                let sent = of_function
                    .ok_or_else(|| format!("{file} leads to no work for {}", scenario.function))?;
                self.items.insert(file, sent.body.clone());
            }
        }
        Ok(())
    }

    /// Makes many of the report that one order confirmation leads to: one for itself, and a batch.
    async fn make_reports(&mut self) -> Result<(), Failure> {
        let item = json!({
            "v": 1, "shop": SHOP, "flow": "order-confirmation", "subject": format!("gid://shopify/Order/{ORDER}"),
            "trigger": {"topic": "orders/create", "webhook_id": "0d5b0f5e-3f0e-4a3c-9a53-1f1f3ad07a01"},
            "payload": order(ORDER)?["detail"]["payload"],
        });
        let scenario = Scenario { function: ORDERS, name: "", delivery: None, input: Input::Made(&[]) };
        let mut worker = self.worker(&scenario).await?;
        worker.invoke(&batch([&item.to_string()])).await?;
        let sent = self.aws.sent();
        let [report] = &sent[..] else { return Err("an order confirmation is not reported".into()) };
        for (index, number) in (ORDER..).take(1 + BATCH).enumerate() {
            let mut report: Value = serde_json::from_str(&report.body)?;
            report["reported_on"] = format!("gid://shopify/Order/{number}").into();
            report["communication"] = format!("{index:032x}").into();
            self.reports.push(report.to_string());
        }
        Ok(())
    }

    /// The demonstration's configuration, with the addresses of this world.
    fn config(&self, delivery: Option<Delivery>) -> Result<String, Failure> {
        let text = fs::read_to_string(repository().join("infra/local/config/demo-shop.toml"))?
            .replace("127.0.0.1:4601", &self.exstream.address.to_string())
            .replace("127.0.0.1:4602", &self.shopify.address.to_string());
        let mut config: toml::Table = text.parse()?;
        let documents = config.get_mut("documents").and_then(toml::Value::as_table_mut);
        for (_, document) in documents.ok_or("the configuration has no documents")? {
            deliver(document.as_table_mut().ok_or("a document is no table")?, delivery);
        }
        Ok(config.to_string())
    }
}

/// The letter and the page beside it, each with what the channels use it for.
fn outputs(channels: &[&str]) -> toml::Value {
    let output = |media_type: &str, uses: [(&str, &str); 2]| {
        let uses = uses.into_iter().filter(|(channel, _)| channels.contains(channel));
        let uses = uses.map(|(_, it)| toml::Value::from(it)).collect::<Vec<_>>();
        toml::Table::from_iter([
            ("use".to_owned(), uses.into()),
            ("media_type".to_owned(), media_type.into()),
        ])
    };
    let letter = output("application/pdf", [("email", "email-attachment"), ("web", "web")]);
    let page = output("text/html", [("email", "email-body"), ("web", "web")]);
    vec![letter, page].into()
}

/// Has a document of the configuration delivered like this.
fn deliver(document: &mut toml::Table, delivery: Option<Delivery>) {
    document.remove("outputs");
    let Some(Delivery { channels, html, .. }) = delivery else { return };
    if html {
        document.insert("outputs".to_owned(), outputs(channels));
    }
    let channels = channels.iter().map(|channel| toml::Value::from(*channel)).collect();
    document.insert("channels".to_owned(), toml::Value::Array(channels));
    // what is never sent on a channel has no words for it
    for (key, text) in [("subject", "Your document"), ("sms", "{brand}: {link}")] {
        let text = toml::Table::from_iter([("en".to_owned(), text.into())]);
        document.entry(key).or_insert(text.into());
    }
}

/// What a function finds in its environment, with all of AWS at `address`.
pub fn environment(function: &str, address: SocketAddr) -> Result<Vec<(String, String)>, Failure> {
    let aws = format!("http://{}", address);
    let queue = |name: &str| format!("{aws}/000000000000/{name}");
    let mut environment: Vec<(String, String)> = [
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("AWS_SESSION_TOKEN", "IQoJb3JpZ2luX2VjEXAMPLESESSIONTOKEN"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_LAMBDA_FUNCTION_NAME", function),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("TABLE_NAME", "ledger"),
        ("ARCHIVE_BUCKET", "archive"),
        ("COMMITMENTS_TABLE_NAME", "commitments"),
        ("LINKS_TABLE_NAME", "links"),
        ("DOCUMENTS_URL", "https://documents.example"),
        ("OPERATIONS_BUCKET", "operations"),
        ("SECRET_PREFIX", "shopify-exstream"),
        ("EVENT_SOURCES", "local.partner/shopify.com/"),
        // nothing is read again while it is measured
        ("CONFIG_TTL_SECONDS", "3600"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    environment.push(("QUEUE_URL".to_owned(), queue(function)));
    environment.push(("DEAD_LETTER_QUEUE_URL".to_owned(), queue(&format!("{function}-dlq"))));
    environment.push(("WRITE_BACK_QUEUE_URL".to_owned(), queue("write-back")));
    for flow in Deployment::read()?.names(deployment::FLOW) {
        let name = format!("QUEUE_URL_{}", flow.to_ascii_uppercase().replace('-', "_"));
        environment.push((name, queue(flow)));
    }
    environment.push(("AWS_ENDPOINT_URL".to_owned(), aws));
    Ok(environment)
}

/// A batch as the event source mapping makes it.
fn batch<'a>(bodies: impl IntoIterator<Item = &'a String>) -> Bytes {
    let now = jiff::Timestamp::now().as_millisecond().to_string();
    let record = |(index, body): (usize, &String)| {
        json!({
            "messageId": format!("5fea7756-0ea4-451a-a703-a558b933e2{index:02}"), "receiptHandle": "MessageReceiptHandle",
            "body": body, "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": now},
            "messageAttributes": {}, "eventSource": "aws:sqs", "awsRegion": "us-east-1",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:queue",
        })
    };
    let records: Vec<_> = bodies.into_iter().enumerate().map(record).collect();
    json!({"Records": records}).to_string().into()
}

/// The event of a new order with another number.
fn order(number: u64) -> Result<Value, Failure> {
    let text = sample("orders-create.json")?.to_string();
    Ok(serde_json::from_str(&text.replace(&ORDER.to_string(), &number.to_string()))?)
}

pub fn sample(file: &str) -> Result<Value, Failure> {
    let text = fs::read_to_string(samples().join(file)).map_err(|error| format!("{file}: {error}"))?;
    let mut event: Value = serde_json::from_str(&text)?;
    // as that of a customer who can be reached by text message
    if let Some(phone) = event.pointer_mut("/detail/payload/phone").filter(|phone| phone.is_null()) {
        *phone = "+33612345678".into();
    }
    Ok(event)
}

pub fn samples() -> PathBuf {
    repository().join("infra/local/samples")
}

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
