//! Takes Shopify's privacy topics: checks that Shopify signed the body, and queues what it asks for. Everything else takes
//! longer than Shopify waits, so the function `privacy` does it.
//!
//! What is not signed with one of the app's secrets gets 401, whatever it is. The signature covers the body and no header, so
//! shop, topic and customer are read from the body; the header that names the topic has to agree, or a signed request for
//! somebody's data could be sent again as one for their erasure. A repetition is queued again and is the same request.

use crate::{Answer, http::HttpRequest};
use aws_sdk_secretsmanager::Client;
use cache::{Cache, Fresh};
use comms::{Gid, ShopDomain, chain};
use downloads::HttpResponse;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::Deserialize;
use service::Metric;
use shopify::{SIGNATURE_HEADER, Signature};
use work::{Message, PrivacyItem, PrivacyTopic, Queue};

/// A customer has at most so many orders in a request that they fit. A message takes four times as much.
const MAX_BODY_BYTES: usize = 200 * 1024;
/// No secret of an app is shorter.
const MIN_SECRET_BYTES: usize = 16;
/// While they are changed there are two.
const MAX_SECRETS: usize = 4;
const SECRETS_TTL: SignedDuration = SignedDuration::from_mins(5);

/// What taking a request needs.
pub struct PrivacyRequests {
    secrets: AppSecrets,
    /// Where the function `privacy` takes them from.
    queue: Queue,
}

/// The secrets that Shopify signs with: one per line in a secret of the stack.
pub struct AppSecrets {
    client: Client,
    name: String,
    cache: Cache<(), Vec<SecretString>>,
}

/// Why a request could not be taken now. Shopify sends it again.
#[derive(Debug, thiserror::Error)]
enum PrivacyError {
    #[error("reading the secret {name}")]
    Read { name: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("the secret {0} has no line with at least 16 characters")]
    NoSecret(String),
    #[error(transparent)]
    Queue(#[from] work::QueueError),
}

#[derive(Deserialize)]
struct Body {
    shop_domain: ShopDomain,
    customer: Option<Customer>,
    orders_requested: Option<Vec<u64>>,
    orders_to_redact: Option<Vec<u64>>,
    data_request: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Customer {
    /// Without one, only a person can find them: see `docs/privacy.md`.
    id: Option<u64>,
    email: Option<String>,
    phone: Option<String>,
}

impl AppSecrets {
    /// Those in the secret `name`. Asks nothing yet.
    pub fn new(client: Client, name: String) -> Self {
        Self { client, name, cache: Cache::default() }
    }

    async fn get(&self, now: Timestamp) -> Result<std::sync::Arc<Vec<SecretString>>, PrivacyError> {
        let load = async || {
            let output = self.client.get_secret_value().secret_id(&self.name).send().await;
            let output = output
                .map_err(|error| PrivacyError::Read { name: self.name.clone(), source: error.into() })?;
            let text = output.secret_string.unwrap_or_default();
            let lines = text.lines().map(str::trim).filter(|line| line.len() >= MIN_SECRET_BYTES);
            let value: Vec<_> = lines.take(MAX_SECRETS).map(|line| line.to_owned().into()).collect();
            if value.is_empty() {
                return Err(PrivacyError::NoSecret(self.name.clone()));
            }
            Ok(Fresh { value, expires_at: now + SECRETS_TTL })
        };
        self.cache.get(&(), now, load).await
    }
}

impl PrivacyRequests {
    pub fn new(secrets: AppSecrets, queue: Queue) -> Self {
        Self { secrets, queue }
    }

    pub(crate) async fn answer(&self, request: &HttpRequest, now: Timestamp) -> Answer {
        let Some(body) = request.body(MAX_BODY_BYTES) else { return plain(413) };
        let secrets = match self.secrets.get(now).await {
            Ok(secrets) => secrets,
            Err(error) => return later(&error),
        };
        let signature = request.header(SIGNATURE_HEADER).unwrap_or_default();
        let Some(signature) = Signature::verified(secrets.iter(), &body, signature) else {
            return plain(401).counted(Metric::PrivacyRefused);
        };
        // half of it names the request
        let id = hex::encode(&signature.bytes()[..16]);
        let Some(item) = item(&body, request.header("x-shopify-topic"), id, now) else {
            return plain(400).counted(Metric::PrivacyRefused);
        };
        let sent = match Message::of(&item) {
            Ok(message) => self.queue.send(&message).await,
            Err(error) => Err(error.into()),
        };
        match sent {
            Ok(()) => {
                tracing::info!(shop = %item.shop, topic = item.topic.name(), request = item.request, "queued");
                plain(200).counted(Metric::PrivacyRequests)
            }
            Err(error) => later(&error.into()),
        }
    }
}

fn plain(status: u16) -> Answer {
    Answer::of(HttpResponse::new(status, "text/plain; charset=utf-8", "default-src 'none'"))
}

fn later(error: &PrivacyError) -> Answer {
    let Answer { response, .. } = plain(503);
    Answer { response: response.header("retry-after", "120"), metric: None, problem: Some(chain(error)) }
}

/// What a signed body asks for. None if it is none of the topics, or not the one that the header says.
fn item(body: &[u8], topic: Option<&str>, request: String, at: Timestamp) -> Option<PrivacyItem> {
    let body: Body = serde_json::from_slice(body).ok()?;
    let found = match (&body.customer, &body.orders_requested, &body.orders_to_redact, &body.data_request) {
        (Some(_), _, None, Some(_)) => PrivacyTopic::DataRequest,
        (Some(_), None, _, None) => PrivacyTopic::CustomerRedact,
        (None, None, None, None) => PrivacyTopic::ShopRedact,
        _ => return None,
    };
    if topic?.parse() != Ok(found) {
        return None;
    }
    let orders = body.orders_requested.or(body.orders_to_redact).unwrap_or_default();
    let customer = body.customer.as_ref().and_then(|it| it.id).map(|id| Gid::new("Customer", id));
    let (email, phone) = body.customer.map(|it| (it.email, it.phone)).unwrap_or_default();
    Some(PrivacyItem {
        v: PrivacyItem::VERSION,
        shop: body.shop_domain,
        topic: found,
        request,
        at,
        customer,
        email,
        phone,
        orders: orders.into_iter().map(|id| Gid::new("Order", id)).collect(),
        again: false,
    })
}

#[cfg(test)]
mod tests;
