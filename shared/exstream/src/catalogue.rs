//! Which version of a template is in force.
//!
//! Exstream composes with the latest approved version and does not say which one that was, so the evidence
//! names the version the design service lists, and says that it is assumed. A listing is shared by all
//! documents of a shop and domain and kept for ten minutes; a failed one is remembered for one minute, so
//! that a slow or closed design service does not slow every document. A failed look-up never fails a
//! document, unless its template version is pinned.

use crate::{
    Budget, Credentials, ExchangeError, ExstreamError, Fault, Outgoing, TokenCall, TokenSource,
    compose::{Text, headers, is_unauthorized},
    url,
};
use bytes::Bytes;
use cache::{Cache, Fresh};
use comms::ShopDomain;
use jiff::Timestamp;
use reqwest::{Client, Method};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, convert::Infallible, sync::Arc, time::Duration};

const KEPT: Duration = Duration::from_secs(10 * 60);
const FAILURE_KEPT: Duration = Duration::from_secs(60);
/// A look-up may not use up the time a document has.
const PATIENCE: Duration = Duration::from_secs(10);
/// A look-up ends by itself this much earlier than the wait for it, so that its failure is remembered.
const TO_REMEMBER: Duration = Duration::from_millis(100);
const PAGE: usize = 100;
const MAX_PAGES: usize = 50;
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// How a template version is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// The latest approved version at the time of the look-up.
    Assumed,
    /// What Exstream's job tracing says was used. On-demand answers name no job, so only batches have it.
    Traced,
    /// Nothing is known.
    Unavailable,
}

/// The template a document is composed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    pub communication: String,
    pub version: Option<u32>,
    pub basis: Basis,
}

#[derive(Debug, Clone, Copy)]
pub struct TemplateCall<'a> {
    pub shop: &'a ShopDomain,
    pub settings: &'a shop_config::Exstream,
    pub document: &'a shop_config::DocumentConfig,
    pub credentials: &'a Credentials,
    pub now: Timestamp,
    /// Not later than the invocation's deadline. A look-up ends after ten seconds in any case.
    pub timeout: Duration,
}

/// Latest approved versions by resource id, in lower case.
struct Listing {
    versions: HashMap<String, u32>,
    /// Whether the end of the list was reached.
    complete: bool,
    listed_at: Timestamp,
}

type Known = Result<Listing, Arc<ExstreamError>>;

pub struct Catalogue {
    http: Client,
    tokens: Arc<TokenSource>,
    cache: Cache<(ShopDomain, String), Known>,
}

impl Catalogue {
    pub fn new(http: Client, tokens: Arc<TokenSource>) -> Self {
        Self { http, tokens, cache: Cache::default() }
    }

    /// The template of a document, with its version where that can be found out.
    ///
    /// # Errors
    /// Only for a pinned template: [`ExstreamError::PinMismatch`] if another version or none is approved,
    /// [`ExstreamError::PinUnchecked`] if that cannot be looked up.
    pub async fn template(&self, call: TemplateCall<'_>) -> Result<Template, ExstreamError> {
        let communication = call.document.communication.clone();
        let pinned = call.document.template_pin;
        let (found, failure) = self.look_up(call).await;
        match (pinned, found) {
            (Some(pinned), Found::Version(version)) if version != pinned => {
                Err(ExstreamError::PinMismatch { communication, pinned, found: Some(version) })
            }
            (Some(pinned), Found::NotListed) => {
                Err(ExstreamError::PinMismatch { communication, pinned, found: None })
            }
            (Some(pinned), Found::Nothing) => {
                Err(ExstreamError::PinUnchecked { communication, pinned, source: failure })
            }
            (_, Found::Version(version)) => {
                Ok(Template { communication, version: Some(version), basis: Basis::Assumed })
            }
            (None, Found::NotListed | Found::Nothing) => {
                Ok(Template { communication, version: None, basis: Basis::Unavailable })
            }
        }
    }

    async fn look_up(&self, call: TemplateCall<'_>) -> (Found, Option<Arc<ExstreamError>>) {
        if !call.settings.catalogue {
            return (Found::Nothing, None);
        }
        let allowed = call.timeout.min(PATIENCE);
        let budget = Budget::new(allowed.saturating_sub(TO_REMEMBER));
        match tokio::time::timeout(allowed, self.known(call, budget)).await.as_deref() {
            Ok(Ok(listing)) => (listing.find(&call.document.communication), None),
            Ok(Err(error)) => (Found::Nothing, Some(Arc::clone(error))),
            Err(_) => (Found::Nothing, Some(Arc::new(ExstreamError::Exchange(ExchangeError::OutOfTime)))),
        }
    }

    /// The shop's listing. One that contradicts a pin is only believed if it is not older than the call:
    /// the pinned version may have been approved since.
    async fn known(&self, call: TemplateCall<'_>, budget: Budget) -> Arc<Known> {
        let settings = call.settings;
        let key =
            (call.shop.clone(), format!("{}{} {}", settings.base_url, settings.design_path, settings.domain));
        let load = async || {
            let listing = self.list(call, budget).await.map_err(Arc::new);
            let kept = if listing.is_ok() { KEPT } else { FAILURE_KEPT };
            if let Err(error) = &listing {
                tracing::warn!(shop = %call.shop, error = %error, "template versions cannot be looked up");
            }
            Ok::<_, Infallible>(Fresh { value: listing, expires_at: call.now + kept })
        };
        let Ok(known) = self.cache.get(&key, call.now, &load).await;
        let stale = known.as_ref().as_ref().is_ok_and(|listing| {
            listing.listed_at < call.now && call.document.template_pin.is_some_and(|pin| {
                !matches!(listing.find(&call.document.communication), Found::Version(version) if version == pin)
            })
        });
        if !stale {
            return known;
        }
        self.cache.forget(&key, &known).await;
        let Ok(known) = self.cache.get(&key, call.now, &load).await;
        known
    }

    async fn list(&self, call: TemplateCall<'_>, budget: Budget) -> Result<Listing, ExstreamError> {
        let mut listing = Listing { versions: HashMap::new(), complete: false, listed_at: call.now };
        let mut seen = 0;
        for _ in 0..MAX_PAGES {
            let body = self.page(call, budget, seen).await?;
            let page: Page<'_> = serde_json::from_slice(&body).map_err(|_| {
                ExstreamError::Unintelligible("the list of templates is not the documented JSON")
            })?;
            let Text(status) = &page.status;
            if !status.eq_ignore_ascii_case("success") {
                return Err(ExstreamError::Failed(Fault::default()));
            }
            let count = page.data.len();
            seen += count;
            for resource in page.data {
                listing.versions.insert(resource.id.0.to_ascii_lowercase(), resource.version);
            }
            let total = page.page.and_then(|page| page.total_elements);
            if count == 0 || total.map_or(count < PAGE, |total| seen >= total) {
                listing.complete = true;
                break;
            }
        }
        Ok(listing)
    }

    async fn page(
        &self,
        call: TemplateCall<'_>,
        budget: Budget,
        offset: usize,
    ) -> Result<Bytes, ExstreamError> {
        let settings = call.settings;
        let path = format!(
            "{}/resources/{{domain}}?filter.types=exstrapplication&filter.states=APPROVED\
             &filter.latestVersion=true&count={PAGE}&offset={offset}",
            settings.design_path.trim_end_matches('/'),
        );
        let outgoing = Outgoing {
            method: Method::GET,
            url: url::build(&settings.base_url, &path, &[("domain", &settings.domain)])?,
            headers: headers(settings, [])?,
            body: Bytes::new(),
            limit: PAGE_BYTES,
        };
        let token = TokenCall {
            shop: call.shop,
            token: &settings.token,
            credentials: call.credentials,
            now: call.now,
            budget,
        };
        let reply = self.tokens.exchange(&self.http, token, &outgoing, is_unauthorized).await?;
        if reply.is_success() {
            return Ok(reply.body);
        }
        let (_, fault) = Fault::read(&reply.body, b"{}");
        Err(ExstreamError::from_status(reply.status, reply.retry_after, fault))
    }
}

enum Found {
    Version(u32),
    /// The whole list was read and the template is not in it.
    NotListed,
    Nothing,
}

impl Listing {
    fn find(&self, communication: &str) -> Found {
        match self.versions.get(&communication.to_ascii_lowercase()) {
            Some(&version) => Found::Version(version),
            None if self.complete => Found::NotListed,
            None => Found::Nothing,
        }
    }
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    data: Vec<Resource<'a>>,
    page: Option<PageInfo>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    version: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    total_elements: Option<usize>,
}
