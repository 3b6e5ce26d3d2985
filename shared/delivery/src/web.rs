//! Pages for customers: a document is published behind a link ([`links`]).
//!
//! Publishing bears repetition: a second attempt finds the link of the first one, so a lost answer leaves no doubt, and
//! whether it took place can be asked. By itself it is a channel; where an e-mail or a text message leads to the page,
//! the page is published before that is sent.

use crate::DeliveryError;
use comms::{CommunicationId, Document, ShopDomain};
use jiff::Timestamp;
use links::{LinkKey, LinkState, LinkedOutput, Links, Publication, Published, Sender};
use shop_config::{Brand, ShopConfig};

/// How much of a token's hash names a publication in the ledger, in hexadecimal digits.
const REFERENCE_DIGITS: usize = 32;

/// Where pages are published.
pub struct WebPages {
    pub links: Links,
    /// Where links begin, without a slash at the end.
    pub address: String,
}

/// A document to publish.
#[derive(Clone, Copy)]
pub struct PageCall<'a> {
    pub shop: &'a ShopDomain,
    pub config: &'a ShopConfig,
    pub document: Document,
    pub communication: &'a CommunicationId,
    pub locale: &'a str,
    /// What the customer calls what the document is about.
    pub name: Option<&'a str>,
    /// What is archived, the document itself first.
    pub outputs: &'a [LinkedOutput],
    pub key: &'a LinkKey,
    pub now: Timestamp,
}

/// A published page. It does not print: whoever has the address can read the document.
#[derive(Clone, PartialEq, Eq)]
pub struct Page {
    pub address: String,
    /// What the ledger knows the publication by. It opens nothing.
    pub reference: String,
}

/// Who pages say they are from.
pub fn sender(brand: &Brand) -> Sender {
    Sender {
        name: brand.name.clone(),
        email: brand.reply_to.clone(),
        phone: brand.phone.clone(),
        url: brand.url.as_ref().map(ToString::to_string),
        colour: brand.colour.clone(),
    }
}

impl WebPages {
    pub fn new(links: Links, address: String) -> Self {
        Self { links, address }
    }

    /// Publishes, or finds what an earlier attempt has published.
    pub(crate) async fn publish(&self, call: PageCall<'_>) -> Result<Page, DeliveryError> {
        let settings = call.config.delivery.web.ok_or(DeliveryError::Settings("there are none"))?;
        let brand = call.config.brand(call.document);
        let sender = sender(brand);
        let publication = Publication {
            communication: call.communication,
            shop: call.shop,
            document: call.document,
            locale: call.locale,
            name: call.name,
            sender: &sender,
            outputs: call.outputs,
            valid_days: settings.valid_days,
        };
        let published = self.links.publish(call.key, &publication, call.now).await?;
        let Published { token, link, .. } = published;
        match link.state(call.now) {
            LinkState::Live => Ok(Page {
                address: format!("{}{}", self.address, links::path(&token)),
                reference: reference(link.token_sha256.as_str()),
            }),
            LinkState::Expired => Err(DeliveryError::PageEnded("has expired")),
            LinkState::Revoked => Err(DeliveryError::PageEnded("was revoked")),
        }
    }

    /// The reference of a communication's page, if it was ever published.
    pub(crate) async fn find(
        &self,
        communication: &CommunicationId,
    ) -> Result<Option<String>, DeliveryError> {
        let link = self.links.of(communication).await?;
        Ok(link.map(|link| reference(link.token_sha256.as_str())))
    }
}

fn reference(token_sha256: &str) -> String {
    token_sha256.chars().take(REFERENCE_DIGITS).collect()
}
