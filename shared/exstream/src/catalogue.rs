//! Which version of a template is in force, and of what it consists.
//!
//! Exstream composes with the latest approved version and does not say which one that was, so the evidence
//! names the version that the design service lists, with the parts that are in force, and says that both are
//! assumed. A listing is shared by all documents of a shop and domain, a list of parts by those of a template;
//! both are kept for ten minutes, and a list of parts not beyond an effective date. A failed look-up is remembered
//! for one minute, so that a slow or closed design service does not slow every document. It never fails a
//! document, unless its template version or its parts are pinned.

use crate::{
    Budget, ExchangeError, ExstreamError, Manifest, Parts, TemplateCall, TokenSource,
    design::{Design, Found, Listing},
};
use cache::{Cache, Fresh};
use comms::ShopDomain;
use jiff::Timestamp;
use reqwest::Client;
use serde::{Deserialize, Serialize};
use std::{convert::Infallible, sync::Arc, time::Duration};

const KEPT: Duration = Duration::from_secs(10 * 60);
const FAILURE_KEPT: Duration = Duration::from_secs(60);
/// A look-up may not use up the time a document has.
const PATIENCE: Duration = Duration::from_secs(10);
/// A look-up ends by itself this much earlier than the wait for it, so that its failure is remembered.
const TO_REMEMBER: Duration = Duration::from_millis(100);

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
    /// Absent where they could not be looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Arc<Parts>>,
}

/// What a look-up found, and when it was asked.
struct Known<T> {
    found: Result<T, Arc<ExstreamError>>,
    asked_at: Timestamp,
}

/// A shop's listing or template in a domain of a design service.
type Key = (ShopDomain, String);

pub struct Catalogue {
    design: Design,
    listings: Cache<Key, Known<Listing>>,
    parts: Cache<Key, Known<Arc<Parts>>>,
}

impl Catalogue {
    pub fn new(http: Client, tokens: Arc<TokenSource>) -> Self {
        Self { design: Design::new(http, tokens), listings: Cache::default(), parts: Cache::default() }
    }

    /// The template of a document, with its version and parts where these can be found out.
    ///
    /// # Errors
    /// Only for a pinned template: [`ExstreamError::PinMismatch`] if another version or none is approved,
    /// [`ExstreamError::PartsMismatch`] if other parts are in force, [`ExstreamError::PinUnchecked`] and
    /// [`ExstreamError::PartsUnchecked`] if that cannot be looked up.
    pub async fn template(&self, call: TemplateCall<'_>) -> Result<Template, ExstreamError> {
        let allowed = call.timeout.min(PATIENCE);
        let budget = Budget::new(allowed.saturating_sub(TO_REMEMBER));
        let communication = call.document.communication.clone();
        let (found, failure) = limited(call, allowed, self.listed(call, budget)).await;
        let version = match (call.document.template_pin, found.unwrap_or(Found::Nothing)) {
            (Some(pinned), Found::Version(version)) if version != pinned => {
                return Err(ExstreamError::PinMismatch { communication, pinned, found: Some(version) });
            }
            (Some(pinned), Found::NotListed) => {
                return Err(ExstreamError::PinMismatch { communication, pinned, found: None });
            }
            (Some(pinned), Found::Nothing) => {
                return Err(ExstreamError::PinUnchecked { communication, pinned, source: failure });
            }
            (_, Found::Version(version)) => Some(version),
            (None, Found::NotListed | Found::Nothing) => None,
        };
        let (parts, failure) = match version {
            Some(version) => {
                let left = budget.left().unwrap_or_default() + TO_REMEMBER;
                limited(call, left, self.parts_of(call, version, budget)).await
            }
            None => (None, failure),
        };
        match (&call.document.parts_pin, &parts) {
            (Some(pinned), Some(parts)) if parts.sha256 != *pinned => Err(ExstreamError::PartsMismatch {
                communication,
                pinned: pinned.clone(),
                found: parts.sha256.clone(),
                count: parts.count,
            }),
            (Some(pinned), None) => {
                Err(ExstreamError::PartsUnchecked { communication, pinned: pinned.clone(), source: failure })
            }
            _ => {
                let basis = if version.is_some() { Basis::Assumed } else { Basis::Unavailable };
                Ok(Template { communication, version, basis, parts })
            }
        }
    }

    /// The latest approved version of a document's template; `None` if none is approved.
    ///
    /// # Errors
    /// The design service cannot be asked, or lists more than is looked at.
    pub async fn approved(&self, call: TemplateCall<'_>) -> Result<Option<u32>, Arc<ExstreamError>> {
        let budget = Budget::new(call.timeout.min(PATIENCE));
        match self.listed(call, budget).await? {
            Found::Version(version) => Ok(Some(version)),
            Found::NotListed => Ok(None),
            Found::Nothing => {
                Err(Arc::new(ExstreamError::Unintelligible("a domain of more templates than are looked at")))
            }
        }
    }

    /// What a document's template is made to read and write. Asked anew each time.
    pub async fn manifest(&self, call: TemplateCall<'_>) -> Result<Manifest, ExstreamError> {
        self.design.manifest(call, Budget::new(call.timeout.min(PATIENCE))).await
    }

    /// What the shop's listing says of the template. One that contradicts a pin is only believed if it is not older
    /// than the call: the pinned version may have been approved since.
    async fn listed(&self, call: TemplateCall<'_>, budget: Budget) -> Result<Found, Arc<ExstreamError>> {
        let load = async || {
            let found = self.design.templates(call, budget).await;
            kept(call, "template versions", found, None)
        };
        let agrees = |listing: &Listing| {
            let found = listing.find(&call.document.communication);
            call.document
                .template_pin
                .is_none_or(|pin| matches!(found, Found::Version(version) if version == pin))
        };
        let known = current(&self.listings, &key(call, ""), call.now, load, agrees).await;
        known.found.as_ref().map(|listing| listing.find(&call.document.communication)).map_err(Arc::clone)
    }

    /// The parts in force, with the same caution.
    async fn parts_of(
        &self,
        call: TemplateCall<'_>,
        version: u32,
        budget: Budget,
    ) -> Result<Arc<Parts>, Arc<ExstreamError>> {
        let communication = &call.document.communication;
        let load = async || {
            let links = self.design.links(call, budget).await;
            match links.and_then(|links| links.resolve(communication, version, call.now)) {
                Ok((parts, changes)) => kept(call, "parts of a template", Ok(Arc::new(parts)), changes),
                Err(error) => kept(call, "parts of a template", Err(error), None),
            }
        };
        let agrees =
            |parts: &Arc<Parts>| call.document.parts_pin.as_ref().is_none_or(|pin| parts.sha256 == *pin);
        // an approved version of the template itself is another list
        let key = key(call, &format!("{} {version}", communication.to_ascii_lowercase()));
        let known = current(&self.parts, &key, call.now, load, agrees).await;
        known.found.as_ref().map(Arc::clone).map_err(Arc::clone)
    }
}

fn key(call: TemplateCall<'_>, what: &str) -> Key {
    let settings = call.settings;
    let place = format!("{}{} {} {what}", settings.base_url, settings.design_path, settings.domain);
    (call.shop.clone(), place)
}

/// What a look-up answers within `allowed`, or why it does not.
async fn limited<T>(
    call: TemplateCall<'_>,
    allowed: Duration,
    look_up: impl Future<Output = Result<T, Arc<ExstreamError>>>,
) -> (Option<T>, Option<Arc<ExstreamError>>) {
    if !call.settings.catalogue {
        return (None, None);
    }
    match tokio::time::timeout(allowed, look_up).await {
        Ok(Ok(found)) => (Some(found), None),
        Ok(Err(error)) => (None, Some(error)),
        Err(_) => (None, Some(Arc::new(ExstreamError::Exchange(ExchangeError::OutOfTime)))),
    }
}

/// What is found is kept for ten minutes, at most until `changes`; a failure for one.
fn kept<T>(
    call: TemplateCall<'_>,
    what: &str,
    found: Result<T, ExstreamError>,
    changes: Option<Timestamp>,
) -> Fresh<Known<T>> {
    let kept = call.now + if found.is_ok() { KEPT } else { FAILURE_KEPT };
    if let Err(error) = &found {
        tracing::warn!(shop = %call.shop, error = %error, "{what} cannot be looked up");
    }
    let value = Known { found: found.map_err(Arc::new), asked_at: call.now };
    Fresh { value, expires_at: changes.map_or(kept, |changes| kept.min(changes)) }
}

/// What is kept, unless it is older than `now` and does not agree with a pin: then it is asked for anew.
async fn current<T>(
    cache: &Cache<Key, Known<T>>,
    key: &Key,
    now: Timestamp,
    load: impl AsyncFn() -> Fresh<Known<T>>,
    agrees: impl Fn(&T) -> bool,
) -> Arc<Known<T>> {
    let load = async || Ok::<_, Infallible>(load().await);
    let Ok(known) = cache.get(key, now, &load).await;
    let stale = known.asked_at < now && known.found.as_ref().is_ok_and(|found| !agrees(found));
    if !stale {
        return known;
    }
    cache.forget(key, &known).await;
    let Ok(known) = cache.get(key, now, &load).await;
    known
}
