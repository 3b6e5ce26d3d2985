//! DynamoDB, S3, Secrets Manager and SQS, as far as the function asks them.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use comms::ShopDomain;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

#[derive(Default)]
pub struct Account {
    /// Shop configurations, by shop.
    pub configs: HashMap<String, String>,
    /// Updates of the ledger.
    pub updates: Vec<Value>,
    /// Visibility changes.
    pub delays: Vec<Value>,
    /// Communications whose update fails.
    pub broken: Vec<String>,
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

    /// Makes `shop` a served one whose Admin API is at `shopify`.
    pub fn serve(&self, shop: &ShopDomain, shopify: &str, write_back: bool) {
        let config = format!(
            "version = 1\nshop = \"{shop}\"\ntime_zone = \"UTC\"\ndefault_locale = \"en\"\n\
             [brand]\nname = \"Acme\"\n[shopify]\nbase_url = \"{shopify}\"\n[write_back]\nenabled = {write_back}\n\
             [exstream]\nadapter = \"orchestration\"\nbase_url = \"https://exstream.example\"\ndomain = \"d\"\n\
             token = {{ mode = \"none\" }}\n[documents]\n"
        );
        self.account().configs.insert(shop.to_string(), config);
    }

    /// What the ledger was told of each communication: state and reason.
    pub fn recorded(&self) -> HashMap<String, (String, Option<String>)> {
        let text = |value: &Value| value["S"].as_str().map(str::to_owned);
        self.account()
            .updates
            .iter()
            .map(|update| {
                let values = &update["ExpressionAttributeValues"];
                (
                    text(&update["Key"]["pk"]).unwrap(),
                    (text(&values[":state"]).unwrap(), text(&values[":reason"])),
                )
            })
            .collect()
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
        let shop = uri.path().rsplit('/').next().unwrap().trim_end_matches(".toml").to_owned();
        return match account.configs.get(&shop) {
            Some(config) => config.clone().into_response(),
            None => (StatusCode::NOT_FOUND, "<Error><Code>NoSuchKey</Code></Error>").into_response(),
        };
    }
    let target = fakes::operation(&headers).to_owned();
    let request: Value = serde_json::from_slice(&body).unwrap();
    let answer = match target.as_str() {
        "GetSecretValue" => {
            json!({"SecretString": json!({"shopify": {"access_token": "shpat"}}).to_string()})
        }
        "UpdateItem" => {
            let pk = request["Key"]["pk"]["S"].as_str().unwrap().to_owned();
            if account.broken.contains(&pk) {
                return (StatusCode::INTERNAL_SERVER_ERROR, "{}").into_response();
            }
            account.updates.push(request);
            json!({})
        }
        "ChangeMessageVisibilityBatch" => {
            account.delays.extend(request["Entries"].as_array().unwrap().iter().cloned());
            json!({"Successful": [], "Failed": []})
        }
        other => panic!("{other}"),
    };
    answer.to_string().into_response()
}
