//! A shop, an event, and a flow that answers as the test says.

use super::outside::{Outside, Shared, clock, serve, step};
use crate::{
    breaker::Breakers,
    clients::Clients,
    content::Content,
    context::Attempt,
    document_flow::DocumentFlow,
    gate::Gates,
    gather::Gather,
    gather_error::GatherError,
    next_channel,
    outcome::AttemptOutcome,
    pipeline,
    plan::{Event, Plan, PlanError, Planned},
    resend::ResendRequest,
    verdict::Gathered,
};
use archive::{Archive, LockMode};
use commitments::CommitmentSecrets;
use comms::{CommunicationId, Document, Flow, Gid, Revision, State};
use delivery::{Channels, Phone, Recipient, WebPages};
use exstream::{Catalogue, Exstream, Memory, TokenSource};
use fakes::{Seen, Server};
use jiff::{SignedDuration, Timestamp};
use ledger::{Claim, ClaimRequest, Lease, Ledger};
use links::Links;
use serde_json::json;
use service::{Invocation, OutsideFiles, Secrets, ShopSecrets, Traces};
use shop_config::{ConfigStore, Loaded, ShopConfig};
use shopify::AdminApi;
use std::{sync::Arc, time::Duration};
use work::{Backoff, Payloads, Queue, Resend, Retry, WorkItem};

thread_local! {
    // it reads the machine's certificates when it is made
    static HTTP: reqwest::Client = reqwest::Client::new();
}

const HOUR: Duration = Duration::from_secs(3600);

/// How a test's shop sends its order confirmations.
pub const EMAIL: &str = "channels = [\"email\"]";
pub const EMAIL_TWICE: &str = "channels = [\"email\"]\non_unknown = \"resend\"";
pub const PRINT: &str = "channels = [\"print\"]";
pub const EXSTREAM: &str = "channels = [\"exstream\"]";
pub const EXSTREAM_TWICE: &str = "channels = [\"exstream\"]\non_unknown = \"resend\"";
pub const WEB: &str = "channels = [\"web\"]";
pub const SMS: &str = "channels = [\"sms\"]\nsms = { en = \"{order} {link}\" }";
pub const SMS_THEN_WEB: &str = "channels = [\"sms\", \"web\"]\nsms = { en = \"Order {order}\" }\n\
    next_channel_on = [\"refused\"]";
pub const ARCHIVE_ONLY: &str = "";

/// What the flow answers for the document.
pub struct Letters(pub fn() -> Result<Gathered, GatherError>);

impl DocumentFlow for Letters {
    const FLOW: Flow = Flow::OrderConfirmation;

    fn plan(&self, event: &Event<'_>) -> Result<Planned, PlanError> {
        Err(PlanError::Topic { topic: event.topic().to_owned() })
    }

    async fn gather(&self, _: Gather<'_>) -> Result<Gathered, GatherError> {
        (self.0)()
    }
}

/// A document for somebody with this address.
pub fn content(email: Option<&str>) -> Result<Gathered, GatherError> {
    let phone = Phone { number: "06 12 34 56 78".to_owned(), country: Some("FR".to_owned()) };
    let recipient = Recipient {
        name: None,
        email: email.map(str::to_owned),
        phones: email.map(|_| phone).into_iter().collect(),
        locale: "en".to_owned(),
    };
    let driver = json!({"order": "#1001"}).to_string().into_bytes().into();
    let postal_address = serde_json::from_value(json!({
        "name": "Zoe", "line1": "3 quai de la Fosse", "postal_code": "44000", "city": "Nantes", "country_code": "FR",
    }));
    let content = Content::empty("letter/1", recipient);
    Ok(Gathered::Ready(Box::new(Content { driver, postal_address: postal_address.ok(), ..content })))
}

pub fn ready() -> Result<Gathered, GatherError> {
    content(Some("zoe@example.com"))
}

/// A shop with one communication to make.
pub struct Shop {
    pub outside: Shared,
    server: Server,
    pub clients: Clients,
    loaded: Arc<Loaded>,
    pub item: WorkItem,
    pub plan: Plan,
    communication: CommunicationId,
    /// The invocation ends so long from now.
    pub time: SignedDuration,
    pub receive_count: u32,
    resend: Option<ResendRequest>,
    document: String,
}

fn config(base: &str, document: &str) -> ShopConfig {
    let config = format!(
        r##"
        version = 1
        shop = "acme.myshopify.com"
        time_zone = "Europe/Paris"
        default_locale = "en"
        brand = {{ name = "Acme" }}
        [exstream]
        adapter = "orchestration"
        base_url = "{base}"
        domain = "acme"
        catalogue = false
        token = {{ mode = "none" }}
        [delivery.email]
        base_url = "{base}"
        token = {{ mode = "none" }}
        [delivery.sms]
        base_url = "{base}"
        token = {{ mode = "none" }}
        [delivery.web]
        [documents.order-confirmation]
        communication = "c"
        data_source = "d"
        output = "text/html"
        answer = "raw"
        subject = {{ en = "Your order" }}
        {document}
        "##
    );
    ShopConfig::parse(&config).unwrap()
}

async fn clients(base: &str) -> Clients {
    let aws = fakes::aws(base).await;
    let s3 = aws_sdk_s3::config::Builder::from(&aws).force_path_style(true).build();
    let s3 = aws_sdk_s3::Client::from_conf(s3);
    let http = HTTP.with(Clone::clone);
    let tokens = Arc::new(TokenSource::new(http.clone()));
    let exstream = || Exstream::new(http.clone(), Arc::clone(&tokens));
    let operations = || "operations".to_owned();
    let links = Links::new(aws_sdk_dynamodb::Client::new(&aws), "links".to_owned());
    let secrets = CommitmentSecrets::new(aws_sdk_dynamodb::Client::new(&aws), "commitments".to_owned());
    let pages = WebPages::new(links, "https://documents.example".to_owned());
    Clients {
        configs: ConfigStore::new(s3.clone(), operations(), HOUR),
        secrets: Secrets::new(aws_sdk_secretsmanager::Client::new(&aws), "prefix".to_owned(), HOUR),
        payloads: Payloads::new(s3.clone(), operations()),
        shopify: AdminApi::new(http.clone()),
        exstream: exstream(),
        sending_exstream: exstream(),
        catalogue: Catalogue::new(http.clone(), Arc::clone(&tokens)),
        archive: Archive::new(s3.clone(), "archive".to_owned(), LockMode::Governance).with_secrets(secrets),
        ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&aws), "table".to_owned()),
        channels: Channels::new(http.clone(), Arc::clone(&tokens), s3, operations()).publishing(pages),
        memory: Memory::new(64 * 1024 * 1024),
        gates: Gates::new(Backoff::default()),
        breakers: Breakers::new(Duration::from_secs(60)),
        files: OutsideFiles::default(),
        write_back: Queue::new(aws_sdk_sqs::Client::new(&aws), format!("{base}/queue")),
        traces: Arc::new(Traces::off()),
        clock,
    }
}

impl Shop {
    pub async fn new(document: &str) -> Self {
        let outside = Shared::default();
        let server = serve(&outside).await;
        let loaded = Loaded { config: config(&server.base, document), version_id: Some("1".to_owned()) };
        let item = json!({
            "v": 1, "shop": "acme.myshopify.com", "flow": "order-confirmation", "subject": "gid://shopify/Order/1",
            "trigger": {"topic": "orders/create", "webhook_id": "w"},
        });
        let item = WorkItem::from_json(&item.to_string()).unwrap();
        let order = Gid::new("Order", 1);
        let plan = Plan {
            document: Document::OrderConfirmation,
            subject: order.clone(),
            revision: Revision::Initial,
            reported_on: order,
            wanted: true,
        };
        let communication = CommunicationId::derive(&item.shop, plan.document, &plan.subject, &plan.revision);
        let clients = clients(&server.base).await;
        let (loaded, time) = (Arc::new(loaded), SignedDuration::from_secs(60));
        Self {
            outside,
            server,
            clients,
            loaded,
            item,
            plan,
            communication,
            time,
            receive_count: 1,
            resend: None,
            document: document.to_owned(),
        }
    }

    /// The same shop, at work on what is asked for by a request for the next channel. `None` if there is nothing to do.
    pub async fn next_channel(&self, item: &WorkItem) -> Option<Self> {
        let config = &self.loaded.config;
        let next = item.next_channel.as_ref().unwrap();
        let request = next_channel::load(&self.clients, item, next, config).await.unwrap()?;
        Some(self.at(request).await)
    }

    /// The same shop, at work on what a person asks for.
    pub async fn resend(&self, resend: &Resend) -> Result<Self, Retry> {
        let request = ResendRequest::load(&self.clients, &self.item, resend, &self.loaded.config).await?;
        Ok(self.at(request).await)
    }

    async fn at(&self, request: ResendRequest) -> Self {
        let plan = request.plan.clone();
        let (shop, document) = (&self.item.shop, plan.document);
        let communication = CommunicationId::derive(shop, document, &plan.subject, &plan.revision);
        let outside = Arc::clone(&self.outside);
        let server = serve(&outside).await;
        let clients = clients(&server.base).await;
        let loaded = Arc::new(Loaded {
            config: config(&server.base, &self.document),
            version_id: Some("1".to_owned()),
        });
        let (item, time, document) = (self.item.clone(), self.time, self.document.clone());
        let resend = Some(request);
        Self {
            outside,
            server,
            clients,
            loaded,
            item,
            plan,
            communication,
            time,
            receive_count: 1,
            resend,
            document,
        }
    }

    pub fn communication(&self) -> &CommunicationId {
        &self.communication
    }

    /// Changes what is outside.
    pub fn set(&self, change: impl FnOnce(&mut Outside)) {
        change(&mut self.outside.lock().unwrap());
    }

    /// One attempt, given to `work`.
    pub async fn attempt<T>(&self, work: impl AsyncFnOnce(&Attempt<'_>) -> T) -> T {
        let invocation = Invocation { request_id: "r".to_owned(), deadline: clock() + self.time };
        let attempt = Attempt {
            clients: &self.clients,
            item: &self.item,
            payload: None,
            plan: &self.plan,
            communication: &self.communication,
            loaded: &self.loaded,
            settings: &self.loaded.config.documents[&self.plan.document],
            secrets: &ShopSecrets::default(),
            invocation: &invocation,
            lease_holder: "this",
            receive_count: self.receive_count,
            resend: self.resend.as_ref(),
            place: self.clients.traces.carried(self.item.trace),
        };
        let result = work(&attempt).await;
        self.outside.lock().unwrap().check();
        result
    }

    /// The whole pipeline.
    pub async fn run(&self, letters: fn() -> Result<Gathered, GatherError>) -> Result<AttemptOutcome, Retry> {
        self.attempt(async |attempt| pipeline::run(attempt, &Letters(letters)).await).await
    }

    /// The lease of a worker that took it so many minutes ago and has died since.
    pub async fn lease(&self, holder: &str, minutes: i64) -> Lease {
        let now = clock() - SignedDuration::from_mins(minutes);
        let request = ClaimRequest {
            communication: &self.communication,
            shop: &self.item.shop,
            flow: self.item.flow,
            document: self.plan.document,
            subject: &self.plan.subject,
            revision: &self.plan.revision,
            reported_on: &self.plan.reported_on,
            lease_holder: holder,
            now,
            lease_until: now + SignedDuration::from_secs(30),
        };
        match self.clients.ledger.claim(request).await.unwrap() {
            Claim::Started(lease) => lease,
            other => panic!("{other:?}"),
        }
    }

    /// What a worker leaves that died after it had marked a send by this channel.
    pub async fn marked(&self, channel: &str) {
        let lease = self.lease("earlier", 10).await;
        self.clients.ledger.mark_sending(&lease, channel, None, earlier()).await.unwrap();
    }

    /// The same, but the send certainly did not happen.
    pub async fn withdrawn(&self, channel: &str) {
        let lease = self.lease("earlier", 10).await;
        let ledger = &self.clients.ledger;
        ledger.mark_sending(&lease, channel, None, earlier()).await.unwrap();
        ledger.release(&lease, true, earlier()).await.unwrap();
    }

    /// A whole attempt whose worker died before it could record more than `state` and what is `archived`. Its lease has
    /// lapsed; what was archived, spooled or sent stays.
    pub async fn died_in(&self, state: State, archived: bool) {
        self.died_with(ready, state, archived).await;
    }

    /// The same of other letters.
    pub async fn died_with(
        &self,
        letters: fn() -> Result<Gathered, GatherError>,
        state: State,
        archived: bool,
    ) {
        self.died_after_the_fact(letters, state, archived).await;
        self.set(|outside| outside.forget_facts());
    }

    /// The same of a worker that had archived the fact of its send.
    pub async fn died_after_the_fact(
        &self,
        letters: fn() -> Result<Gathered, GatherError>,
        state: State,
        archived: bool,
    ) {
        let outcome = self.run(letters).await.unwrap();
        assert!(outcome.settled.is_some_and(|settled| settled.fresh));
        self.set(|outside| {
            let item = outside.items.get_mut(self.communication.as_str()).unwrap();
            for name in ["reference", "write_back", "check_shop", "check_epoch_ms"] {
                item.remove(name);
            }
            if !archived {
                item.retain(|name, _| !name.starts_with("archive_") && !name.starts_with("record_"));
                item.remove("sha256");
                item.remove("template");
            }
            item.insert("state".to_owned(), json!({"S": state.name()}));
            item.insert("lease_holder".to_owned(), json!({"S": "earlier"}));
            item.insert("lease_until_epoch_ms".to_owned(), json!({"N": "0"}));
        });
    }

    /// What the ledger has of it.
    pub async fn entry(&self) -> ledger::Entry {
        self.clients.ledger.get(&self.communication).await.unwrap().unwrap()
    }

    /// The state in the ledger, if the communication is there.
    pub async fn state(&self) -> Option<State> {
        self.clients.ledger.get(&self.communication).await.unwrap().map(|entry| entry.state)
    }

    /// Whether the ledger says that a send was begun and did not happen.
    pub async fn is_unsent(&self) -> bool {
        self.clients.ledger.get(&self.communication).await.unwrap().is_some_and(|entry| entry.unsent)
    }

    /// What was asked of the outside so far, in order.
    pub fn steps(&self) -> Vec<String> {
        self.server.seen().iter().filter_map(step).collect()
    }

    /// The last request whose target has this part.
    pub fn request(&self, part: &str) -> Seen {
        self.server.seen().into_iter().rfind(|seen| seen.target.contains(part)).unwrap()
    }

    pub fn count(&self, step: &str) -> usize {
        self.steps().iter().filter(|it| *it == step).count()
    }
}

fn earlier() -> Timestamp {
    clock() - SignedDuration::from_mins(10)
}
