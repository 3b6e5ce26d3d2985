//! A console with two shops, a few communications and an identity provider, and requests as an HTTP API hands them over.

use crate::aws::{Aws, OTHER_SHOP, SHOP};
use archive::{AccessLog, Archive, LockMode};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use bytes::Bytes;
use comms::{CommunicationId, Flow, ShopDomain};
use fakes::Server;
use jiff::{SignedDuration, Timestamp};
use ledger::Ledger;
use links::Links;
use sealed_log::{CommitmentSecret, CommitmentSecrets, Entry, LabelKey, LogStore, Owned, ShopLog, origin};
use serde_json::{Value, json};
use service::Secrets;
use shop_config::ConfigStore;
use staff_console::{Console, MetricService, Parts, Provider, ProviderSettings, RoleNames};
use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};
use stub_oidc::{CLIENT, OidcStub, ROLES_CLAIM};
use tlog::VerifierKey;
use work::Queue;

pub const DELIVERED: &str = "c4809f9b199959867b344883a5f958d0";
pub const UNKNOWN: &str = "11111111111111111111111111111111";
pub const FAILED: &str = "22222222222222222222222222222222";
/// Of another shop.
pub const FOREIGN: &str = "33333333333333333333333333333333";

pub const HOSTILE: &str =
    "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u{202e}evil\u{2066}\u{0}";

pub struct World {
    pub console: Console,
    pub aws: Arc<Mutex<Aws>>,
    pub provider: OidcStub,
    pub issuer: String,
    s3: aws_sdk_s3::Client,
    /// How far the clock is ahead.
    later: Mutex<SignedDuration>,
}

pub fn pdf() -> Bytes {
    Bytes::from_static(b"%PDF-1.7 the receipt")
}

fn config(shop: &str) -> String {
    let receipt = "data_source = \"Receipt\"\nchannels = [\"print\"]";
    let by_email =
        "data_source = \"Receipt\"\nchannels = [\"email\", \"print\"]\nsubject = { en = \"Your receipt\" }";
    let demo = include_str!("../../../../infra/local/config/demo-shop.toml");
    assert!(demo.contains(receipt));
    demo.replace(SHOP, shop).replace(receipt, by_email)
}

fn aws() -> Aws {
    let mut aws = Aws::default();
    aws.note(DELIVERED, SHOP, "delivered", json!({"accepted_epoch_ms": {"N": "1795766430000"}}));
    aws.archive(DELIVERED, SHOP, "application/pdf", pdf(), json!({}));
    aws.note(UNKNOWN, SHOP, "unknown", json!({"reason": {"S": "the answer was lost"}}));
    aws.archive(UNKNOWN, SHOP, "application/pdf", pdf(), json!({"name": HOSTILE}));
    aws.note(
        FAILED,
        SHOP,
        "failed",
        json!({"reason": {"S": HOSTILE}, "write_back": {"S": "failed"}, "write_back_reason": {"S": HOSTILE}}),
    );
    aws.note(FOREIGN, OTHER_SHOP, "delivered", json!({}));
    aws.archive(FOREIGN, OTHER_SHOP, "application/pdf", pdf(), json!({}));
    for shop in [SHOP, OTHER_SHOP] {
        aws.objects.insert(format!("operations/config/{shop}.toml"), config(shop).into());
        let credentials =
            json!({"client_id": format!("app-of-{shop}"), "client_secret": format!("secret-of-{shop}")});
        aws.secrets.insert(format!("p/shop/{shop}"), json!({"shopify": credentials}).to_string());
    }
    let earlier = config(SHOP).replace("dry_run = false", "dry_run = true") + "\n# an earlier <b>line</b>\n";
    aws.objects.insert(format!("operations/config/{SHOP}.toml@v0"), earlier.into());
    for (number, queue, shop, cause, reason) in [
        (1, "write-back", SHOP, "cannot-work", HOSTILE),
        (2, "write-back", SHOP, "waited-too-long", "Shopify answers with status 503"),
        (3, "write-back", OTHER_SHOP, "cannot-work", "no field `total`"),
    ] {
        aws.give_up(number, queue, shop, &[("Cause", cause), ("Reason", reason)]);
    }
    aws.give_up(4, "schedules", SHOP, &[("ERROR_MESSAGE", "the queue was not there")]);
    let run = json!({"v": 1, "stage": "queueing", "members": 12, "counts": {"queued": 7}});
    aws.objects.insert(format!("operations/runs/{SHOP}/vip/2026-11-27.json"), run.to_string().into());
    aws.secrets.insert("p/console-key".to_owned(), "k".repeat(64));
    aws.secrets.insert("p/link-key".to_owned(), "l".repeat(32));
    aws.secrets.insert("p/customer-key".to_owned(), "c".repeat(64));
    aws
}

impl World {
    pub async fn new() -> Self {
        let account = Arc::new(Mutex::new(aws()));
        let shared = Arc::clone(&account);
        let server = Server::start(move |seen| shared.lock().unwrap().answer(seen)).await;
        let sdk = fakes::aws(&server.base).await;
        let s3 = aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true).build();
        let s3 = aws_sdk_s3::Client::from_conf(s3);
        let dynamodb = aws_sdk_dynamodb::Client::new(&sdk);
        let sqs = aws_sdk_sqs::Client::new(&sdk);
        let log_client = s3.clone();
        let provider = serve_provider().await;
        let queue = |name: &str| Queue::new(sqs.clone(), format!("{}/queue/{name}", server.base));
        let flows: HashMap<_, _> = Flow::ALL.iter().map(|flow| (*flow, queue(flow.name()))).collect();
        let letters = |name: &str| (name.to_owned(), format!("{}/queue/{name}-dlq", server.base));
        let console = Console::with(Parts {
            ledger: Ledger::new(dynamodb.clone(), "ledger".to_owned()),
            links: Links::new(dynamodb.clone(), "links".to_owned()),
            documents_url: "https://documents.example".to_owned(),
            archive: Archive::new(s3.clone(), "archive".to_owned(), LockMode::Compliance)
                .with_secrets(CommitmentSecrets::new(dynamodb.clone(), "commitments".to_owned())),
            access_log: AccessLog::new(s3.clone(), "archive".to_owned(), LockMode::Compliance, 4018),
            configs: ConfigStore::new(s3.clone(), "operations".to_owned(), Duration::from_secs(60)),
            secrets: Secrets::new(
                aws_sdk_secretsmanager::Client::new(&sdk),
                "p".to_owned(),
                Duration::from_secs(300),
            ),
            logs: LogStore::new(s3.clone(), "archive".to_owned(), LockMode::Compliance, 1),
            commitments: CommitmentSecrets::new(dynamodb, "commitments".to_owned()),
            s3,
            write_back: queue("write-back"),
            shopify: shopify::AdminApi::new(http()),
            sqs,
            lambda: aws_sdk_lambda::Client::new(&sdk),
            intake_function: "p-intake:live".to_owned(),
            metrics: MetricService::new(http(), &sdk),
            prefix: "p-".to_owned(),
            operations_bucket: "operations".to_owned(),
            flows,
            dead_letters: ["write-back", "order-confirmation", "privacy", "intake", "schedules"]
                .map(letters)
                .to_vec(),
            provider: client_of(&provider.1),
            role_names: RoleNames::parse("").unwrap(),
            has_client_secret: false,
            url: None,
        });
        Self {
            console,
            aws: account,
            provider: provider.0,
            issuer: provider.1,
            s3: log_client,
            later: Mutex::default(),
        }
    }

    /// A client of the same provider, and the provider's public key.
    pub fn identity_provider(&self) -> (Provider, Value) {
        (client_of(&self.issuer), self.provider.public_key().clone())
    }

    /// Requests from now on come so much later.
    pub fn at(&self, later: SignedDuration) {
        *self.later.lock().unwrap() = later;
    }

    pub fn change(&self, change: impl FnOnce(&mut Aws)) {
        change(&mut self.aws.lock().unwrap());
    }

    /// Makes the record of a communication, as it is now, the first leaf of the shop's log.
    pub async fn seal(&self, id: &str, secret: &CommitmentSecret) {
        let (shop, id): (ShopDomain, CommunicationId) = (SHOP.parse().unwrap(), id.parse().unwrap());
        let store = LogStore::new(self.s3.clone(), "archive".to_owned(), LockMode::Compliance, 1);
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let public = pair.public_key().as_ref().try_into().unwrap();
        let key = VerifierKey::new(origin("archive", &shop).unwrap(), public);
        let sign = async |text: &str| Ok::<_, Infallible>(pair.sign(text.as_bytes()).as_ref().to_vec());
        let record = {
            let mut aws = self.aws.lock().unwrap();
            aws.is_sealed = true;
            let mut records =
                aws.objects.iter().filter(|(key, _)| key.ends_with(&format!("/{id}/record.json")));
            records.next().unwrap().1.clone()
        };
        let commitment = secret.salt(&id, None).commit(&record);
        let entry = Entry { communication: id, object: None, commitment };
        let entry = Owned { entry, label_key: LabelKey::of(secret) };
        let mut log = ShopLog::open(&store, &shop, key).await.unwrap();
        log.seal("2026-11-27".parse().unwrap(), vec![entry], sign, Timestamp::now()).await.unwrap();
        self.change(|aws| aws.is_sealed = false);
    }

    pub fn sent(&self) -> Vec<(String, Value)> {
        self.aws.lock().unwrap().sent.clone()
    }

    pub async fn send(&self, method: &str, address: &str, headers: Value, body: Option<&str>) -> Value {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let mut headers = headers;
        if headers["host"].is_null() {
            headers["host"] = json!("console.localhost");
        }
        let request = json!({
            "version": "2.0", "rawPath": path, "rawQueryString": query, "headers": headers, "body": body,
            "requestContext": {"http": {"method": method, "path": path, "sourceIp": "192.0.2.7", "userAgent": "tester"}},
            "isBase64Encoded": false,
        });
        let request = serde_json::from_value(request).unwrap();
        let later = *self.later.lock().unwrap();
        serde_json::to_value(self.console.handle(&request, Timestamp::now() + later).await).unwrap()
    }

    /// Logs in as one of the provider's people, through every step. Answers the cookie.
    pub async fn log_in(&self, person: &str) -> String {
        let begun = self.send("GET", "/", json!({}), None).await;
        let back = self.at_provider(&begun, person).await;
        let finished = self.send("GET", &back, json!({"cookie": cookie(&begun)}), None).await;
        assert_eq!(finished["statusCode"], 303, "{finished}");
        cookie(&finished)
    }

    /// Follows an answer to the provider, and answers the address that the provider sends a person to.
    pub async fn at_provider(&self, begun: &Value, person: &str) -> String {
        assert_eq!(begun["statusCode"], 303, "{begun}");
        let address = begun["headers"]["location"]
            .as_str()
            .unwrap()
            .replace("/authorize?", &format!("/authorize/{person}?"));
        let answer = http().get(address).send().await.unwrap();
        let status = answer.status();
        let location = answer.headers().get("location").map(|it| it.to_str().unwrap().to_owned());
        let location = location.unwrap_or_else(|| panic!("the provider answered {status}"));
        location.strip_prefix("http://console.localhost").unwrap().to_owned()
    }

    /// A page, for somebody with a session.
    pub async fn get(&self, address: &str, cookie: &str) -> Value {
        self.send("GET", address, json!({"cookie": cookie}), None).await
    }

    /// Sends a form, with the fields that it has.
    pub async fn post(&self, address: &str, cookie: &str, fields: &BTreeMap<String, String>) -> Value {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let headers = json!({
            "cookie": cookie, "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"
        });
        self.send("POST", address, headers, Some(&body)).await
    }

    /// The hidden fields of the form that leads to `action`, on a page.
    pub async fn form(&self, page: &str, action: &str, cookie: &str) -> BTreeMap<String, String> {
        let answer = self.get(page, cookie).await;
        let html = answer["body"].as_str().unwrap().to_owned();
        let form =
            html.split(&format!("action=\"{action}\"")).nth(1).unwrap_or_else(|| panic!("no form: {html}"));
        let form = form.split("</form>").next().unwrap();
        let hidden = form.split("<input type=\"hidden\" name=\"").skip(1);
        hidden
            .map(|input| {
                let (name, rest) = input.split_once("\" value=\"").unwrap();
                (name.to_owned(), rest.split('"').next().unwrap().to_owned())
            })
            .collect()
    }
}

/// As the function's own.
fn http() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

/// The console as a client of the provider.
fn client_of(issuer: &str) -> Provider {
    let settings = ProviderSettings {
        issuer: issuer.parse().unwrap(),
        client_id: CLIENT.to_owned(),
        roles_claim: ROLES_CLAIM.to_owned(),
        log_out: None,
    };
    Provider::new(settings, http())
}

async fn serve_provider() -> (OidcStub, String) {
    let (listener, issuer) = fakes::listen().await;
    let stub = OidcStub::new(issuer.clone());
    let router = stub.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (stub, issuer)
}

/// The cookie that an answer sets, as a browser sends it back.
pub fn cookie(answer: &Value) -> String {
    let set = answer["headers"]["set-cookie"].as_str().unwrap_or_else(|| panic!("no cookie: {answer}"));
    for must in ["__Host-console=", "; Path=/;", "; HttpOnly", "; Secure", "; SameSite=Lax"] {
        assert!(set.contains(must), "{set}");
    }
    set.split(';').next().unwrap().to_owned()
}

pub fn body(answer: &Value) -> &str {
    answer["body"].as_str().unwrap()
}
