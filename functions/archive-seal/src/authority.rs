//! The time-stamping authority, by HTTP as RFC 3161, section 3.4, says. It is an outside service: its answers are
//! bounded, and after one that did not come, it is asked nothing more in this pass.

use reqwest::{StatusCode, header::CONTENT_TYPE};
use rfc3161::{Authorities, Digest, Imprint, Refused, Request, TimeStamp, Untrusted};
use sealed_log::TimeRules;
use service::{Service, StartError, optional, required};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// For the whole answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// A token with its chain has some kilobytes.
const MAX_BYTES: usize = 64 * 1024;
/// Half a year: a shop may be looked at late, and an authority may be away for weeks.
const RENEW_DAYS: u16 = 180;

/// Where time-stamps come from.
pub struct Authority {
    http: reqwest::Client,
    url: String,
    rules: TimeRules,
    /// It did not answer in this pass.
    is_down: AtomicBool,
}

/// Why there is no time-stamp.
#[derive(Debug, thiserror::Error)]
pub enum StampError {
    #[error("the authority did not answer before in this pass")]
    Down,
    #[error("asking the authority")]
    Unanswered(#[source] reqwest::Error),
    #[error("the authority answered {0}")]
    Status(StatusCode),
    #[error("the authority's answer is no application/timestamp-reply")]
    MediaType,
    #[error("the authority's answer has more than {MAX_BYTES} bytes")]
    TooLong,
    #[error("the request cannot be written")]
    Request,
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
}

impl Authority {
    pub const fn new(http: reqwest::Client, url: String, rules: TimeRules) -> Self {
        Self { http, url, rules, is_down: AtomicBool::new(false) }
    }

    /// The one that the environment names, if it names one.
    pub fn configured(service: &Service) -> Result<Option<Self>, StartError> {
        let Some(url) = optional("TIME_STAMP_URL") else { return Ok(None) };
        let invalid = |name: &str, value: String, what: String| StartError::Invalid {
            name: name.to_owned(),
            value,
            what,
        };
        let pem = required("TIME_STAMP_ROOTS")?;
        let authorities = Authorities::from_pem(&pem)
            .map_err(|error| invalid("TIME_STAMP_ROOTS", "certificates".to_owned(), error.to_string()))?;
        let digest: Digest = match optional("TIME_STAMP_DIGEST") {
            None => Digest::Sha256,
            Some(name) => {
                name.parse().map_err(|what: &str| invalid("TIME_STAMP_DIGEST", name, what.to_owned()))?
            }
        };
        let renew_days = match optional("TIME_STAMP_RENEW_DAYS") {
            None => RENEW_DAYS,
            Some(days) => days.parse().map_err(|error: std::num::ParseIntError| {
                invalid("TIME_STAMP_RENEW_DAYS", days, error.to_string())
            })?,
        };
        let rules = TimeRules { authorities, roots_pem: pem, digest, renew_days };
        Ok(Some(Self::new(service.http(), url, rules)))
    }

    pub const fn rules(&self) -> &TimeRules {
        &self.rules
    }

    /// It may be up again.
    pub fn begin_pass(&self) {
        self.is_down.store(false, Ordering::Relaxed);
    }

    /// A stamp over `imprint` that holds.
    pub async fn stamp(&self, imprint: Imprint) -> Result<TimeStamp, StampError> {
        if self.is_down.load(Ordering::Relaxed) {
            return Err(StampError::Down);
        }
        let mut random = [0; 8];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| StampError::Request)?;
        let request = Request::new(imprint, random);
        let query = request.to_der().map_err(|_| StampError::Request)?;
        let reply =
            self.exchange(query).await.inspect_err(|_| self.is_down.store(true, Ordering::Relaxed))?;
        let stamp = TimeStamp::from_response(&reply, &request)?;
        stamp.verify(&self.rules.authorities)?;
        Ok(stamp)
    }

    async fn exchange(&self, query: Vec<u8>) -> Result<Vec<u8>, StampError> {
        let post =
            self.http.post(&self.url).timeout(PATIENCE).header(CONTENT_TYPE, "application/timestamp-query");
        let mut answer = post.body(query).send().await.map_err(StampError::Unanswered)?;
        if answer.status() != StatusCode::OK {
            return Err(StampError::Status(answer.status()));
        }
        let media_type =
            answer.headers().get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
        if media_type.split(';').next().is_none_or(|it| it.trim() != "application/timestamp-reply") {
            return Err(StampError::MediaType);
        }
        let mut reply = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(StampError::Unanswered)? {
            if reply.len() + part.len() > MAX_BYTES {
                return Err(StampError::TooLong);
            }
            reply.extend_from_slice(&part);
        }
        Ok(reply)
    }
}
