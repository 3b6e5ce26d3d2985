//! The action "Send document" of Shopify Flow: a merchant's workflow asks for a document.
//!
//! Shopify signs the body with the secret of the shop's own app, and the body says which shop that is: so a signature proves
//! both, and nothing of a request is believed or done before. What is asked for is checked and queued for its flow, which
//! makes it like any other document; it is sent at most once, however often workflows ask, and whichever run asks first is
//! on record with its reason. Shopify waits ten seconds for an answer and repeats a run (`action_run_id`) until it has one of
//! 2xx or 4xx other than 429: so whatever the merchant has to correct is a 4xx that says how, and what passes is 503.
//!
//! A public contract: `schemas/flow-action.v1.json`, `samples/`. A crash leaves nothing but a message in a queue, at most.

use crate::{
    Console,
    http::{BadBody, HttpRequest},
    shop_staff::{StaffError, served},
};
use comms::{CommunicationId, Document, Gid, ShopDomain, State, chain};
use decisions::{Decision, DocumentRequest, InvalidDecision, Refusal, Requested};
use downloads::{HttpResponse, NOWHERE};
use jiff::Timestamp;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use shopify::{Call, SIGNATURE_HEADER, Signature};
use std::time::Duration;
use tokio::time::Instant;
use work::Message;

/// The handle of the action in the Shopify app.
const HANDLE: &str = "send-document";

/// Who asks, in the record and on the order's page.
const ACTOR: &str = "Shopify Flow";

/// Where the workflow says none.
const NO_REASON: &str = "a workflow asked for it";

/// For Shopify's answer whether there is such an order. Flow waits ten seconds for ours.
const LOOK_UP: Duration = Duration::from_secs(4);

/// What a workflow asks for, as Shopify Flow sends it.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(title = "SendDocument")]
pub struct SendDocument {
    /// The shop whose workflow it is.
    pub shopify_domain: ShopDomain,
    /// Names the run of the action; Shopify repeats it with a repetition.
    #[schemars(regex(pattern = "^[A-Za-z0-9-]{1,64}$"))]
    pub action_run_id: String,
    /// `send-document`.
    pub handle: String,
    pub properties: Properties,
}

/// The fields of the action.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Properties {
    pub order_id: OrderId,
    /// The document's name, such as `receipt`, or its English title.
    pub document: String,
    /// Such as `fr`. Empty or absent: the customer's.
    #[serde(default)]
    pub language: Option<String>,
    #[serde(default)]
    pub reason: Option<String>,
}

/// Shopify writes it as an id or as its number, which may be a text.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OrderId {
    Number(u64),
    Text(String),
}

impl OrderId {
    fn gid(&self) -> Option<Gid> {
        match self {
            Self::Number(number) => Some(Gid::new("Order", *number)),
            Self::Text(text) if text.starts_with("gid://") => text.parse().ok(),
            Self::Text(text) => format!("gid://shopify/Order/{text}").parse().ok(),
        }
    }
}

/// The document is sent, or was.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "DocumentAsked")]
pub struct Asked {
    pub communication: CommunicationId,
    /// Where it was already. Absent where it was queued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
}

/// Nothing is sent.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "DocumentNotAsked")]
pub struct NotAsked {
    /// What the merchant can do about it.
    pub message: String,
}

/// Why nothing follows from a request. Each says what the merchant can do.
#[derive(Debug, thiserror::Error)]
enum ActionError {
    #[error("This takes requests that Shopify Flow has signed.")]
    NotSigned,
    #[error("The request is too long.")]
    TooLarge,
    #[error("The request is not one of the action Send document.")]
    Malformed,
    #[error(
        "This shop has no such order, or keeps it from the app: orders older than 60 days need read_all_orders."
    )]
    NoSuchOrder,
    #[error("There is no document \"{0}\". Known are order-confirmation, receipt and cancellation-letter.")]
    NoSuchDocument(String),
    #[error("It is not sent: {0}.")]
    Refused(#[from] Refusal),
    #[error("It is not sent: {0}.")]
    Decision(#[from] InvalidDecision),
    #[error("It was asked for before and not sent: {state}, {reason}.")]
    Ended { state: State, reason: String },
    #[error("This does not work at the moment.")]
    Unavailable(String),
}

impl ActionError {
    const fn status(&self) -> u16 {
        match self {
            Self::NotSigned => 401,
            Self::TooLarge => 413,
            Self::Malformed => 400,
            Self::NoSuchOrder | Self::NoSuchDocument(_) | Self::Refused(_) | Self::Decision(_) => 422,
            Self::Ended { .. } => 409,
            Self::Unavailable(_) => 503,
        }
    }

    fn unavailable(error: &dyn std::error::Error) -> Self {
        Self::Unavailable(chain(error))
    }
}

impl From<BadBody> for ActionError {
    fn from(error: BadBody) -> Self {
        match error {
            BadBody::TooLarge => Self::TooLarge,
            BadBody::Type | BadBody::Malformed => Self::Malformed,
        }
    }
}

impl From<StaffError> for ActionError {
    fn from(error: StaffError) -> Self {
        match error {
            StaffError::Token(_) => Self::NotSigned,
            error => Self::unavailable(&error),
        }
    }
}

pub async fn answer(console: &Console, request: &HttpRequest, now: Timestamp) -> HttpResponse {
    if request.method() != "POST" {
        return json(405, &NotAsked { message: "There is no such method here.".to_owned() })
            .header("allow", "POST");
    }
    match asked(console, request, now).await {
        Ok(asked) => json(200, &asked),
        Err(error) => {
            let answer = json(error.status(), &NotAsked { message: error.to_string() });
            if let ActionError::Unavailable(why) = error {
                tracing::error!(error = why, "a workflow was not answered");
                return answer.header("retry-after", "60");
            }
            answer
        }
    }
}

async fn asked(console: &Console, request: &HttpRequest, now: Timestamp) -> Result<Asked, ActionError> {
    let body = request.body("application/json")?;
    let signature = request.header(SIGNATURE_HEADER).ok_or(ActionError::NotSigned)?;
    // which secret would prove it; nothing else of the body is looked at before
    let shop = claimed_shop(&body).ok_or(ActionError::NotSigned)?;
    let (loaded, secrets) = served(&shop, &console.secrets, &console.configs, now).await?;
    let secret: Option<&SecretString> = secrets.shopify.client_secret();
    Signature::verified(secret, &body, signature).ok_or(ActionError::NotSigned)?;
    let sent: SendDocument = serde_json::from_slice(&body).map_err(|_| ActionError::Malformed)?;
    let wanted = wanted(&sent)?;
    let (document, run) = (wanted.document, wanted.name.clone());
    let call = Call {
        shop: &shop,
        settings: &loaded.config.shopify,
        credentials: &secrets.shopify,
        now,
        deadline: Instant::now() + LOOK_UP,
    };
    let order = wanted.order.clone();
    let asked = match decisions::request(&console.ledger, &loaded.config, wanted, now).await {
        Ok(Requested::Known(entry)) => match entry.state {
            State::Failed | State::Suppressed | State::Unknown => {
                let reason = entry.reason.as_deref().map(comms::one_line).unwrap_or_default();
                return Err(ActionError::Ended { state: entry.state, reason });
            }
            state => Asked { communication: entry.communication, state: Some(state) },
        },
        Ok(Requested::Work { communication, item }) => {
            exists(console, call, &order).await?;
            let queue = console.flows.get(&item.flow);
            let queue = queue.ok_or_else(|| ActionError::Unavailable("no queue".to_owned()))?;
            let message = Message::of(&*item).map_err(|error| ActionError::unavailable(&error))?;
            queue.send(&message).await.map_err(|error| ActionError::unavailable(&error))?;
            Asked { communication, state: None }
        }
        Err(refusal) if refusal.may_pass() => return Err(ActionError::unavailable(&refusal)),
        Err(refusal) => return Err(refusal.into()),
    };
    tracing::info!(%shop, %document, communication = %asked.communication, run, "asked for by a workflow");
    Ok(asked)
}

/// Nothing of another shop's is ever asked for: Shopify is asked with this one's token.
async fn exists(console: &Console, call: Call<'_>, order: &Gid) -> Result<(), ActionError> {
    match console.shopify.has_order(call, order).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(ActionError::NoSuchOrder),
        // whatever it is, the merchant cannot correct it in the workflow
        Err(error) => Err(ActionError::unavailable(&error)),
    }
}

fn claimed_shop(body: &[u8]) -> Option<ShopDomain> {
    #[derive(Deserialize)]
    struct Unproven {
        shopify_domain: ShopDomain,
    }
    serde_json::from_slice::<Unproven>(body).ok().map(|it| it.shopify_domain)
}

/// What the signed body asks for.
fn wanted(sent: &SendDocument) -> Result<DocumentRequest, ActionError> {
    let run = sent.action_run_id.as_str();
    let is_name =
        (1..=64).contains(&run.len()) && run.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if sent.handle != HANDLE || !is_name {
        return Err(ActionError::Malformed);
    }
    let Properties { order_id, document, language, reason } = &sent.properties;
    let text =
        |text: &Option<String>| text.as_deref().map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned);
    let reason = text(reason).unwrap_or_else(|| NO_REASON.to_owned());
    Ok(DocumentRequest {
        shop: sent.shopify_domain.clone(),
        order: order_id.gid().ok_or(ActionError::Refused(Refusal::NoOrder))?,
        document: named(document)?,
        decision: Decision::new(ACTOR.to_owned(), reason)?,
        name: run.to_owned(),
        language: text(language),
    })
}

/// By its name, or as a merchant may write it: `Order confirmation`.
fn named(text: &str) -> Result<Document, ActionError> {
    let name = text.trim().to_lowercase().replace(' ', "-");
    let shown = || comms::one_line(text).chars().take(40).collect();
    name.parse().map_err(|_| ActionError::NoSuchDocument(shown()))
}

fn json(status: u16, body: &impl Serialize) -> HttpResponse {
    let text = serde_json::to_string(body).unwrap_or_default();
    HttpResponse::new(status, "application/json", &format!("default-src 'none'; {NOWHERE}")).text(text)
}

#[cfg(test)]
mod tests;
