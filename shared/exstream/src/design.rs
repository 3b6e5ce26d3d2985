//! What the design service is asked: the approved templates of a domain, and the parts of one of them.

use crate::{
    Budget, Credentials, ExstreamError, Fault, Manifest, Outgoing, TokenCall, TokenSource,
    answer::is_unauthorized,
    parts::{MAX_PARTS, Part, Parts, WirePart},
    request::{self, headers},
    text::Text,
};
use bytes::Bytes;
use comms::ShopDomain;
use jiff::Timestamp;
use reqwest::{Client, Method};
use serde::Deserialize;
use std::{collections::HashMap, sync::Arc, time::Duration};

const PAGE: usize = 100;
const MAX_PAGES: usize = 50;
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Whose templates are asked for, and until when.
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

pub(crate) struct Design {
    http: Client,
    tokens: Arc<TokenSource>,
}

/// Latest approved versions by resource id, in lower case.
pub(crate) struct Listing {
    versions: HashMap<String, u32>,
    /// Whether the end of the list was reached.
    complete: bool,
}

pub(crate) enum Found {
    Version(u32),
    /// The whole list was read and the template is not in it.
    NotListed,
    Nothing,
}

impl Listing {
    pub(crate) fn find(&self, communication: &str) -> Found {
        match self.versions.get(&communication.to_ascii_lowercase()) {
            Some(&version) => Found::Version(version),
            None if self.complete => Found::NotListed,
            None => Found::Nothing,
        }
    }
}

/// The approved parts of a template, of any date.
pub(crate) struct Links(Vec<Part>);

impl Links {
    /// What the template `communication`, of this version, consists of at `now`, and when that changes.
    ///
    /// Whether a list of links begins with the template itself is not documented; it belongs to its parts.
    pub(crate) fn resolve(
        self,
        communication: &str,
        version: u32,
        now: Timestamp,
    ) -> Result<(Parts, Option<Timestamp>), ExstreamError> {
        let Self(mut listed) = self;
        let id = communication.to_ascii_lowercase();
        if !listed.iter().any(|part| part.id == id) {
            let kind = Some("exstrapplication".to_owned());
            listed.push(Part { id, version, kind, name: None, effective_start: None, effective_end: None });
        }
        Parts::in_force(listed, now)
    }
}

impl Design {
    pub(crate) fn new(http: Client, tokens: Arc<TokenSource>) -> Self {
        Self { http, tokens }
    }

    pub(crate) async fn templates(
        &self,
        call: TemplateCall<'_>,
        budget: Budget,
    ) -> Result<Listing, ExstreamError> {
        let mut listing = Listing { versions: HashMap::new(), complete: false };
        let mut seen = 0;
        for _ in 0..MAX_PAGES {
            let path = format!(
                "resources/{{domain}}?filter.types=exstrapplication&filter.states=APPROVED\
                 &filter.latestVersion=true&count={PAGE}&offset={seen}"
            );
            let body = self.get(call, budget, &path).await?;
            let page: Page<Resource<'_>> = read(&body, "the list of templates is not the documented JSON")?;
            let count = page.data.len();
            seen += count;
            for resource in page.data {
                listing.versions.insert(resource.id.0.to_ascii_lowercase(), resource.version);
            }
            if page.page.map_or(count < PAGE, |page| page.is_last(seen, count)) {
                listing.complete = true;
                break;
            }
        }
        Ok(listing)
    }

    /// Everything the template refers to, ten links deep.
    pub(crate) async fn links(&self, call: TemplateCall<'_>, budget: Budget) -> Result<Links, ExstreamError> {
        let mut parts: Vec<Part> = Vec::new();
        for _ in 0..MAX_PAGES {
            let mut path =
                "links/{domain}/resources?linkSubjectId={communication}&linkDepth=10&filter.states=APPROVED"
                    .to_owned();
            if !parts.is_empty() {
                path.push_str(&format!("&offset={}", parts.len()));
            }
            let body = self.get(call, budget, &path).await?;
            let page: Page<WirePart> =
                read(&body, "the list of a template's parts is not the documented JSON")?;
            let count = page.data.len();
            parts.extend(page.data.into_iter().map(Part::from));
            if parts.len() > MAX_PARTS {
                break;
            }
            if page.page.is_none_or(|page| page.is_last(parts.len(), count)) {
                return Ok(Links(parts));
            }
        }
        Err(ExstreamError::Unintelligible("a template of more parts than are looked at"))
    }

    /// What the template reads and writes.
    pub(crate) async fn manifest(
        &self,
        call: TemplateCall<'_>,
        budget: Budget,
    ) -> Result<Manifest, ExstreamError> {
        let path = "manifests/{domain}/communication-set/{communication}";
        Manifest::read(&self.get(call, budget, path).await?)
    }

    async fn get(&self, call: TemplateCall<'_>, budget: Budget, path: &str) -> Result<Bytes, ExstreamError> {
        let settings = call.settings;
        let path = format!("{}/{path}", settings.design_path.trim_end_matches('/'));
        let values = [("domain", settings.domain.as_str()), ("communication", &call.document.communication)];
        let outgoing = Outgoing {
            method: Method::GET,
            url: request::url(settings.base_url.as_str(), &path, &values)?,
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

fn read<'a, T: Deserialize<'a>>(body: &'a [u8], otherwise: &'static str) -> Result<Page<T>, ExstreamError> {
    let status: Status<'a> =
        serde_json::from_slice(body).map_err(|_| ExstreamError::Unintelligible(otherwise))?;
    if !status.status.0.eq_ignore_ascii_case("success") {
        return Err(ExstreamError::Failed(Fault::default()));
    }
    serde_json::from_slice(body).map_err(|_| ExstreamError::Unintelligible(otherwise))
}

#[derive(Deserialize)]
struct Status<'a> {
    #[serde(borrow)]
    status: Text<'a>,
}

#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
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

impl PageInfo {
    /// Whether a page of `count` entries is the last, with which `seen` were listed.
    fn is_last(&self, seen: usize, count: usize) -> bool {
        count == 0 || self.total_elements.map_or(count < PAGE, |total| seen >= total)
    }
}
