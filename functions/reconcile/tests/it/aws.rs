//! DynamoDB, S3, Secrets Manager and SQS, as far as the function asks them, with their rules.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

#[derive(Default)]
pub struct Account {
    /// Configurations by shop.
    pub configs: Vec<(String, String)>,
    /// Communications the ledger knows.
    pub known: BTreeSet<String>,
    /// What was queued.
    pub queued: Vec<Value>,
    /// How many requests of the ledger are refused for the moment.
    pub throttled: u32,
    /// Refuses messages that have this text.
    pub refused: Option<String>,
    /// The shop's secret, if it is not the usual one.
    pub secret: Option<Value>,
    /// The versions of the token's secret by their ids; the last one is current.
    pub token_versions: Vec<(String, String)>,
    /// What becomes of the next writes of it.
    pub writes: VecDeque<Write>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    Fine,
    /// Not done.
    Fails,
    /// Done, and the answer is lost.
    Lost,
}

#[derive(Clone)]
pub struct FakeAws {
    account: Arc<Mutex<Account>>,
    url: String,
}

impl FakeAws {
    pub async fn start() -> Self {
        let account = Arc::new(Mutex::new(Account::default()));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&account));
        let url = fakes::serve(router).await;
        Self { account, url }
    }

    pub fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap()
    }

    pub async fn sdk(&self) -> aws_config::SdkConfig {
        fakes::aws(&self.url).await
    }
}

async fn answer(
    State(account): State<Arc<Mutex<Account>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut account = account.lock().unwrap();
    if method == Method::GET {
        return account.object(&uri);
    }
    let target = fakes::operation(&headers).to_owned();
    let request: Value = serde_json::from_slice(&body).unwrap();
    match target.as_str() {
        "GetSecretValue" if request["SecretId"].as_str().unwrap().ends_with("/token") => {
            let (version, text) = account.token_versions.last().unwrap();
            json!({"SecretString": text, "VersionId": version}).to_string().into_response()
        }
        "GetSecretValue" => {
            let usual = || json!({"shopify": {"access_token": "shpat"}});
            let secret = account.secret.clone().unwrap_or_else(usual).to_string();
            json!({"SecretString": secret, "VersionId": "v"}).to_string().into_response()
        }
        "PutSecretValue" => account.put_token(&request),
        "BatchGetItem" => account.batch_get(&request["RequestItems"]["table"]["Keys"]),
        "SendMessage" => account.send(&request),
        other => panic!("{other}"),
    }
}

fn refusal(kind: &str, message: &str) -> Response {
    (StatusCode::BAD_REQUEST, json!({"__type": kind, "message": message}).to_string()).into_response()
}

impl Account {
    /// By the rules of Secrets Manager: an id names one value for ever.
    fn put_token(&mut self, request: &Value) -> Response {
        let text = |name: &str| request[name].as_str().unwrap().to_owned();
        assert!(text("SecretId").ends_with("/token"), "nothing else may be written");
        let (id, value) = (text("ClientRequestToken"), text("SecretString"));
        assert!((32..=64).contains(&id.len()));
        let write = self.writes.pop_front().unwrap_or(Write::Fine);
        if write == Write::Fails {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        match self.token_versions.iter().find(|(known, _)| *known == id) {
            Some((_, known)) if *known != value => return refusal("ResourceExistsException", "there is one"),
            Some(_) => {}
            None => self.token_versions.push((id.clone(), value)),
        }
        if write == Write::Lost {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        json!({"ARN": "arn", "VersionId": id}).to_string().into_response()
    }

    fn object(&self, uri: &Uri) -> Response {
        if uri.query().is_some_and(|query| query.contains("list-type=2")) {
            let contents: String = self
                .configs
                .iter()
                .map(|(shop, _)| format!("<Contents><Key>config/{shop}.toml</Key></Contents>"))
                .collect();
            let xml =
                format!("<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>");
            return xml.into_response();
        }
        let found = self.configs.iter().find(|(shop, _)| uri.path().contains(shop.as_str()));
        match found {
            Some((_, config)) => config.clone().into_response(),
            None => (StatusCode::NOT_FOUND, "<Error><Code>NoSuchKey</Code></Error>").into_response(),
        }
    }

    fn batch_get(&mut self, keys: &Value) -> Response {
        if self.throttled > 0 {
            self.throttled -= 1;
            return refusal("ProvisionedThroughputExceededException", "slow down");
        }
        let keys = keys.as_array().unwrap();
        let names: BTreeSet<_> = keys.iter().map(|key| key["pk"]["S"].as_str().unwrap()).collect();
        if names.len() < keys.len() {
            return refusal("ValidationException", "Provided list of item keys contains duplicates");
        }
        let found: Vec<_> =
            keys.iter().filter(|key| self.known.contains(key["pk"]["S"].as_str().unwrap())).collect();
        json!({"Responses": {"table": found}, "UnprocessedKeys": {}}).to_string().into_response()
    }

    fn send(&mut self, request: &Value) -> Response {
        let body = request["MessageBody"].as_str().unwrap();
        if body.contains(['\u{fffe}', '\u{ffff}'])
            || self.refused.as_ref().is_some_and(|it| body.contains(it))
        {
            return refusal("InvalidMessageContents", "characters outside the allowed set");
        }
        self.queued.push(serde_json::from_str(body).unwrap());
        json!({"MessageId": "m", "MD5OfMessageBody": "m"}).to_string().into_response()
    }
}
