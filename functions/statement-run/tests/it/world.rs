//! A shop, the services around it, and a queue that delivers the function's messages.

use crate::{
    aws::FakeAws,
    shopify::{FakeShopify, Outcome},
};
use comms::ShopDomain;
use exstream::{Batch, TokenSource};
use jiff::Timestamp;
use serde_json::{Value, json};
use service::{Invocation, Secrets};
use shop_config::ConfigStore;
use shopify::AdminApi;
use statement_run::{Pace, StatementRun, Tools};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;
use work::{Backoff, Checkpoints, Inbox, Payloads, Queue, SqsEvent};

/// When the worker dies: at a request, before or after it was served.
#[derive(Clone, Default)]
pub struct Faults(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Requests left to live, if positive.
    left: AtomicI64,
    served: std::sync::atomic::AtomicBool,
    death: Notify,
}

impl Faults {
    pub fn die_at(&self, request: i64, served: bool) {
        self.0.served.store(served, Ordering::SeqCst);
        self.0.left.store(request, Ordering::SeqCst);
    }

    pub async fn meet<T>(&self, serve: impl Future<Output = T>) -> T {
        if self.0.left.fetch_sub(1, Ordering::SeqCst) != 1 {
            return serve.await;
        }
        if self.0.served.load(Ordering::SeqCst) {
            serve.await;
        }
        self.0.death.notify_one();
        std::future::pending().await
    }
}

pub struct World {
    pub aws: FakeAws,
    pub shopify: FakeShopify,
    pub faults: Faults,
    pub shop: ShopDomain,
    pub pace: Pace,
    /// Whether an account can be read.
    pub check: statement_run::Check,
    pub queue: VecDeque<(String, String)>,
    next: u32,
    /// Invocations that ended by themselves.
    pub invocations: usize,
    /// How often a message was delivered again without the worker's death.
    pub returned: usize,
}

/// One item, without what makes it a message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    pub subject: String,
    pub payload: String,
}

impl World {
    pub async fn new(statements: &str) -> Self {
        let faults = Faults::default();
        let (aws, shopify) = (FakeAws::start(faults.clone()).await, FakeShopify::start(faults.clone()).await);
        let world = Self {
            aws,
            shopify,
            faults,
            shop: "acme.myshopify.com".parse().unwrap(),
            pace: Pace {
                patience: Duration::ZERO,
                accounts: 7,
                limits: bulk_reader::Limits { bucket: 2000, ..bulk_reader::Limits::default() },
                ..Pace::default()
            },
            check: |_| Ok(()),
            queue: VecDeque::new(),
            next: 0,
            invocations: 0,
            returned: 0,
        };
        world.configure(statements, "http://127.0.0.1:1");
        world
    }

    pub fn configure(&self, statements: &str, exstream: &str) {
        let Self { shop, shopify: FakeShopify { url, .. }, .. } = self;
        let config = format!(
            "version = 1\nshop = \"{shop}\"\ntime_zone = \"Europe/Paris\"\ndefault_locale = \"en\"\n\
             [brand]\nname = \"Acme\"\n[shopify]\nbase_url = \"{url}\"\n[statements]\n{statements}\n\
             [exstream]\nadapter = \"orchestration\"\nbase_url = \"{exstream}\"\ndomain = \"d\"\n\
             token = {{ mode = \"none\" }}\n\
             [documents.account-statement]\ncommunication = \"0b2c1d3e-1111-4222-8333-444455556666\"\ndata_source = \"D\"\n\
             [documents.purchase-summary]\ncommunication = \"0b2c1d3e-1111-4222-8333-444455556667\"\ndata_source = \"D\"\n"
        );
        self.aws.account().objects.texts.insert(format!("config/{shop}.toml"), (config, 0));
    }

    /// A cold start.
    pub async fn function(&self) -> StatementRun {
        static FOLDER: AtomicU32 = AtomicU32::new(0);
        let folder =
            format!("statement-run-{}-{}", std::process::id(), FOLDER.fetch_add(1, Ordering::Relaxed));
        let sdk = self.aws.sdk().await;
        let s3 = aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true).build();
        let s3 = aws_sdk_s3::Client::from_conf(s3);
        let sqs = aws_sdk_sqs::Client::new(&sdk);
        let ttl = Duration::from_secs(60);
        let http = reqwest::Client::new();
        StatementRun::with(Tools {
            configs: ConfigStore::new(s3.clone(), "operations".into(), ttl),
            secrets: Secrets::new(aws_sdk_secretsmanager::Client::new(&sdk), "p".into(), ttl),
            shopify: AdminApi::new(http.clone()),
            exstream: Batch::new(http.clone(), Arc::new(TokenSource::new(http.clone()))),
            http,
            checkpoints: Checkpoints::new(s3.clone(), "operations".into()),
            payloads: Payloads::new(s3, "operations".into()),
            inbox: Inbox {
                queue: Queue::new(sqs.clone(), "http://queue/own".into()),
                dead_letters: Queue::new(sqs.clone(), "http://queue/own-dlq".into()),
                backoff: Backoff::default(),
            },
            flow_queue: Queue::new(sqs, "http://queue/flow".into()),
            driver: crate::batch::driver,
            check: self.check,
            folder: std::env::temp_dir().join(folder),
            pace: self.pace,
            clock: Timestamp::now,
        })
    }

    pub fn schedule(&mut self) {
        let shop = &self.shop;
        self.put(json!({"v": 1, "shop": shop, "run": "account-statements", "scheduled_at": "2026-11-01T05:00:00Z"}).to_string());
    }

    pub fn put(&mut self, body: String) {
        self.next += 1;
        self.queue.push_back((format!("m{}", self.next), body));
    }

    /// One delivery of the next message: handled, returned, or cut off by death.
    pub async fn deliver(&mut self, function: &StatementRun) -> bool {
        let (id, body) = self.queue.pop_front().unwrap();
        let died = tokio::select! {
            response = function.handle(event(&id, &body), invocation()) => {
                self.invocations += 1;
                if !response.unwrap().failures.is_empty() {
                    self.returned += 1;
                    self.queue.push_back((id, body));
                }
                false
            }
            () = self.faults.0.death.notified() => {
                self.queue.push_back((id, body));
                true
            }
        };
        let sent: Vec<_> = self.aws.account().own.drain(..).collect();
        sent.into_iter().for_each(|(body, _)| self.put(body));
        died
    }

    /// Delivers until the queue is empty.
    pub async fn drain(&mut self) {
        let mut function = self.function().await;
        for _ in 0..2000 {
            if self.queue.is_empty() {
                return;
            }
            if self.deliver(&function).await {
                function = self.function().await;
            }
        }
        panic!("the run does not end: {}", self.state());
    }

    pub fn state(&self) -> Value {
        let key = format!("runs/{}/account-statements/2026-10.json", self.shop);
        self.aws
            .account()
            .objects
            .texts
            .get(&key)
            .map_or(Value::Null, |(text, _)| serde_json::from_str(text).unwrap())
    }

    /// The items the flow got, by their ids: what came twice must be the same.
    pub fn items(&self) -> BTreeMap<String, Found> {
        let account = self.aws.account();
        let mut items = BTreeMap::new();
        for body in &account.flow {
            let item = work::WorkItem::from_json(body).unwrap();
            let payload = match (&item.payload, &item.payload_key) {
                (Some(payload), None) => payload.get().to_owned(),
                (None, Some(key)) => account.objects.texts[key].0.clone(),
                other => panic!("{other:?}"),
            };
            let found = Found { subject: item.subject.to_string(), payload };
            assert_eq!(item.trigger.topic, "statement-run");
            let before = items.insert(item.trigger.webhook_id, found.clone());
            assert!(before.is_none_or(|before| before == found), "two items of one id");
        }
        items
    }

    pub fn found(&self, text: &str) {
        self.shopify.store().results = vec![Outcome::Found(text.to_owned())];
    }
}

pub fn event(id: &str, body: &str) -> SqsEvent {
    let record = json!({"messageId": id, "receiptHandle": "h", "body": body, "attributes": {"ApproximateReceiveCount": "1"}});
    serde_json::from_value(json!({"Records": [record]})).unwrap()
}

pub fn invocation() -> Invocation {
    Invocation { request_id: "r".into(), deadline: Timestamp::now() + Duration::from_secs(60) }
}

/// Lines of accounts with so many orders each.
pub fn lines(orders: &[usize]) -> Vec<String> {
    let account = |(index, orders): (usize, &usize)| {
        let id = format!("gid://shopify/CompanyLocation/{}", index + 1);
        let order = |order: usize| {
            format!(
                r##"{{"id":"gid://shopify/Order/{}{order:02}","name":"#{index}-{order}","__parentId":"{id}"}}"##,
                index + 1
            )
        };
        let root = format!(r#"{{"id":"{id}","name":"Location {index}"}}"#);
        std::iter::once(root).chain((0..*orders).map(order)).collect::<Vec<_>>()
    };
    orders.iter().enumerate().flat_map(account).collect()
}

pub fn text(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

impl World {
    /// The ids of all items. An item sent again after a crash may name another job.
    pub fn items_by_any_job(&self) -> Vec<String> {
        let account = self.aws.account();
        let ids = account.flow.iter().map(|body| work::WorkItem::from_json(body).unwrap().trigger.webhook_id);
        ids.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    }
}
