//! A shop, a document, and a server that keeps what it is asked.

use aws_sdk_s3::config::retry::RetryConfig;
use axum::{
    body::{Body, Bytes},
    http::StatusCode,
    response::Response,
};
use comms::{CommunicationId, Document, PostalAddress, ShopDomain};
use delivery::{Channels, Phone, Recipient, SendCall, SendOutput};
use exstream::{Budget, Credentials, TokenSource};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use shop_config::{Channel, ShopConfig};
use std::{sync::Arc, time::Duration};

pub use fakes::{Seen, Server};

pub fn answer(status: u16, body: impl Into<Body>) -> Response {
    Response::builder().status(StatusCode::from_u16(status).unwrap()).body(body.into()).unwrap()
}

/// Where a test's document is shown.
pub const LINK: &str = "https://d.acme.example/d/0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";

/// Everything a send borrows.
pub struct Fixture {
    pub config: ShopConfig,
    pub shop: ShopDomain,
    pub communication: CommunicationId,
    pub recipient: Recipient,
    pub credentials: Credentials,
    pub content: Bytes,
    pub sha256: String,
    pub media_type: &'static str,
    pub order_name: Option<String>,
    pub postal_address: PostalAddress,
    pub pages: Option<u32>,
    pub timeout: Duration,
}

impl Fixture {
    /// A shop whose Core Messaging and token service are at `base`.
    pub fn new(base: &str, media_type: &'static str, content: &'static [u8]) -> Self {
        let config = format!(
            r##"
            version = 1
            shop = "acme.myshopify.com"
            time_zone = "Europe/Paris"
            default_locale = "en"
            locales = ["en", "fr"]
            brand = {{ name = "Acme", reply_to = "help@acme.example" }}
            [exstream]
            adapter = "orchestration"
            base_url = "https://exstream.example"
            domain = "acme"
            token = {{ mode = "none" }}
            [delivery.email]
            base_url = "{base}"
            token = {{ mode = "gateway_json", url = "{base}/token" }}
            [delivery.sms]
            base_url = "{base}"
            token = {{ mode = "gateway_json", url = "{base}/token" }}
            billing_code = "acme-sms"
            [delivery.whatsapp]
            base_url = "{base}"
            token = {{ mode = "gateway_json", url = "{base}/token" }}
            number_prefix = "+"
            [delivery.web]
            [documents.order-confirmation]
            communication = "c"
            data_source = "d"
            channels = ["email"]
            subject = {{ en = "Your order {{order}}", fr = "Votre commande {{order}}" }}
            sms = {{ en = "{{brand}}: order {{order}} {{link}}", fr = "{{brand}} : commande {{order}} {{link}}" }}
            [documents.order-confirmation.whatsapp.en]
            template_id = "order_confirmed"
            language_code = "en"
            parameters = {{ "body[1]text" = "{{order}}", "body[2]text" = "{{link}}" }}
            [documents.order-confirmation.whatsapp.fr]
            template_id = "commande_confirmee"
            language_code = "fr"
            parameters = {{ "body[1]text" = "{{order}}", "body[2]text" = "{{link}}" }}
            "##
        );
        Self {
            config: ShopConfig::parse(&config).unwrap(),
            shop: "acme.myshopify.com".parse().unwrap(),
            communication: "c4809f9b199959867b344883a5f958d0".parse().unwrap(),
            recipient: Recipient {
                name: Some("Zoë Öztürk".to_owned()),
                email: Some("zoe@example.com".to_owned()),
                phones: vec![Phone { number: "06 12 34 56 78".to_owned(), country: Some("FR".to_owned()) }],
                locale: "fr".to_owned(),
            },
            credentials: serde_json::from_str(r#"{"client_id":"id","client_secret":"s3cret"}"#).unwrap(),
            content: Bytes::from_static(content),
            sha256: hex::encode(Sha256::digest(content)),
            media_type,
            order_name: Some("#1001".to_owned()),
            postal_address: PostalAddress {
                name: Some("Zoë Öztürk".to_owned()),
                line1: Some("3 quai de la Fosse".to_owned()),
                postal_code: Some("44000".to_owned()),
                city: Some("Nantes".to_owned()),
                country: Some("France".to_owned()),
                country_code: Some("FR".to_owned()),
                ..PostalAddress::default()
            },
            pages: Some(2),
            timeout: Duration::from_secs(10),
        }
    }

    /// The document's only output.
    pub fn output(&self) -> SendOutput<'_> {
        SendOutput {
            uses: &[],
            media_type: self.media_type,
            bytes: &self.content,
            sha256: &self.sha256,
            pages: self.pages,
            queue: None,
            file_name: &self.config.document(Document::OrderConfirmation).unwrap().file_name,
        }
    }

    pub fn call(&self, channel: Channel) -> SendCall<'_> {
        SendCall {
            shop: &self.shop,
            config: &self.config,
            document: Document::OrderConfirmation,
            settings: self.config.document(Document::OrderConfirmation).unwrap(),
            communication: &self.communication,
            channel,
            recipient: &self.recipient,
            order_name: self.order_name.as_deref(),
            postal_address: Some(&self.postal_address),
            outputs: Box::leak(Box::new([self.output()])),
            dated: "2026-01-02T23:30:00-02:00".parse().unwrap(),
            link: Some(LINK),
            unsubscribe_url: None,
            credentials: &self.credentials,
            now: Timestamp::UNIX_EPOCH,
            budget: Budget::new(self.timeout),
        }
    }
}

/// Channels whose S3 is at `s3`.
pub async fn channels(s3: &str) -> Channels {
    channels_with(s3, RetryConfig::disabled()).await
}

/// Channels whose S3 client repeats requests that failed.
pub async fn channels_with(s3: &str, retries: RetryConfig) -> Channels {
    let s3 = aws_sdk_s3::config::Builder::from(&fakes::aws_with(s3, retries).await).force_path_style(true);
    let http = reqwest::Client::new();
    let tokens = Arc::new(TokenSource::new(http.clone()));
    Channels::new(http, tokens, aws_sdk_s3::Client::from_conf(s3.build()), "operations".to_owned())
}
