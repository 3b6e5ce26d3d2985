//! What a batch job was composed with, as Exstream's own job tracing says. Needs tracing to be on in the domain.

use super::{Batch, BatchCall, BatchJob, Envelope, address, read};
use crate::{
    Basis, Composed, ExstreamError, Outgoing, Output, Parts, Template,
    parts::{MAX_PARTS, Part, WirePart},
    request::{self, headers},
    select::as_made,
};
use bytes::Bytes;
use reqwest::{Method, header::CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use shop_config::DocumentConfig;
use std::{collections::BTreeSet, sync::Arc};

const TRACE_BYTES: usize = 4 * 1024 * 1024;

/// A customer's outputs of a batch job as they are kept until their document is archived.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kept {
    /// As the configuration lists them, the primary one first.
    pub outputs: Vec<Output>,
    /// What they were composed with, where Exstream traces its jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Template>,
}

impl Kept {
    /// The outputs with their uses, as the configuration lists them now.
    ///
    /// # Errors
    /// As for a document composed on demand.
    pub fn composed(&self, document: &DocumentConfig) -> Result<Composed, ExstreamError> {
        as_made(&self.outputs, &document.outputs())
    }
}

impl Batch {
    /// The template and its parts in the versions that a job used.
    ///
    /// # Errors
    /// [`ExstreamError`], also where tracing is off or an answer leaves out a part.
    pub async fn traced(&self, call: BatchCall<'_>, job: &BatchJob) -> Result<Template, ExstreamError> {
        let path = "runtime/{domain}/flow-instances/{flow}/collection-resources";
        let used = Outgoing {
            method: Method::GET,
            url: address(call.settings, path, &[("flow", &job.flow_instance)])?,
            headers: headers(call.settings, [])?,
            body: Bytes::new(),
            limit: TRACE_BYTES,
        };
        let reply = self.exchange(call, &used, b"{}").await?;
        let Envelope { data: ids, .. }: Envelope<BTreeSet<String>> = read(&reply.body, b"{}")?;
        if ids.is_empty() || ids.len() > MAX_PARTS {
            return Err(ExstreamError::Unintelligible("a trace of no parts, or of more than there can be"));
        }
        let path = format!(
            "{}/collection-resources/collection-details",
            call.settings.design_path.trim_end_matches('/')
        );
        let json = serde_json::to_vec(&ids)
            .map_err(|_| ExstreamError::Unintelligible("a trace that cannot be written as JSON"))?;
        let details = Outgoing {
            method: Method::POST,
            url: request::url(call.settings.base_url.as_str(), &path, &[])?,
            headers: headers(call.settings, [(CONTENT_TYPE, "application/json")])?,
            body: json.into(),
            limit: TRACE_BYTES,
        };
        let reply = self.exchange(call, &details, b"{}").await?;
        let Envelope { data, .. }: Envelope<Vec<WirePart>> = read(&reply.body, b"{}")?;
        let parts: Vec<Part> = data.into_iter().map(Part::from).collect();
        let listed: BTreeSet<_> = parts.iter().map(|part| part.id.as_str()).collect();
        if !ids.iter().all(|id| listed.contains(id.to_ascii_lowercase().as_str())) {
            return Err(ExstreamError::Unintelligible("a trace without the details of a part"));
        }
        let communication = call.document.communication.clone();
        let own = parts.iter().find(|part| part.id.eq_ignore_ascii_case(&communication));
        let version = own.map(|part| part.version);
        let parts = Some(Arc::new(Parts::of(parts)?));
        Ok(Template { communication, version, basis: Basis::Traced, parts })
    }
}
