//! Secrets Manager: the secret of a shop, and the versions of its token.

use super::{broken, refusal, text};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::collections::VecDeque;

/// What the secrets say.
#[derive(Debug, Default)]
pub struct SecretValues {
    /// The shop's secret, if it is not the usual one.
    pub shop: Option<Value>,
    /// The versions of the token's secret by their ids; the last one is current.
    pub token_versions: Vec<(String, String)>,
    /// What becomes of the next writes of it.
    pub writes: VecDeque<SecretWrite>,
}

/// What becomes of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretWrite {
    Fine,
    /// Not done.
    Fails,
    /// Done, and the answer is lost.
    Lost,
}

impl SecretValues {
    pub(super) fn get(&self, request: &Value) -> Response {
        if text(request, "SecretId").ends_with("/token") {
            let (version, text) = self.token_versions.last().expect("there is a token");
            return json!({"SecretString": text, "VersionId": version}).to_string().into_response();
        }
        let usual = || json!({"shopify": {"access_token": "shpat"}});
        let secret = self.shop.clone().unwrap_or_else(usual).to_string();
        json!({"SecretString": secret, "VersionId": "v"}).to_string().into_response()
    }

    /// An id names one value for ever.
    pub(super) fn put(&mut self, request: &Value) -> Response {
        assert!(text(request, "SecretId").ends_with("/token"), "nothing else may be written");
        let (id, value) = (text(request, "ClientRequestToken"), text(request, "SecretString"));
        assert!((32..=64).contains(&id.len()), "{id}");
        let write = self.writes.pop_front().unwrap_or(SecretWrite::Fine);
        if write == SecretWrite::Fails {
            return broken();
        }
        match self.token_versions.iter().find(|(known, _)| known == id) {
            Some((_, known)) if known != value => return refusal("ResourceExistsException", "there is one"),
            Some(_) => {}
            None => self.token_versions.push((id.to_owned(), value.to_owned())),
        }
        if write == SecretWrite::Lost {
            return broken();
        }
        json!({"ARN": "arn", "VersionId": id}).to_string().into_response()
    }
}
