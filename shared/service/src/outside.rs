//! Files at addresses that others chose, such as carriers' labels.
//!
//! Such an address must lead to no machine of this network, whatever its name resolves to, and no redirect may lead to
//! one that the caller does not allow. The client is made for the first file: hardly any message has one. An error
//! holds no address, which may be all it takes to get the file.

use crate::{start::http_client, trust::Trust};
use bytes::{Bytes, BytesMut};
use comms::{Class, Classify, HttpsUrl};
use reqwest::{
    Client, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    header::LOCATION,
};
use std::{
    io,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

/// A file's own host, its store, and the store's region are three.
const REDIRECTS: usize = 3;

/// Why a file could not be had. All of it may pass, or is corrected in the shop's configuration.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The address, or one that it redirects to.
    #[error("its address, or one that it redirects to, is of no host that the configuration allows")]
    Host,
    /// What the host answered.
    #[error("its host answered with status {0}")]
    Status(u16),
    /// What redirects never end at.
    #[error("its address redirects more than {REDIRECTS} times")]
    Redirects,
    /// What is in no e-mail.
    #[error("it has more than the {limit} bytes that are left for it")]
    TooLarge {
        /// What is allowed.
        limit: usize,
    },
    /// In time.
    #[error("it did not arrive within {} s", .0.as_secs())]
    Late(Duration),
    /// On the way.
    #[error("its host did not answer")]
    Request(#[source] reqwest::Error),
    /// Before the way.
    #[error(transparent)]
    Client(#[from] crate::StartError),
}

impl Classify for FileError {
    fn class(&self) -> Class {
        match self {
            Self::Host
            | Self::Status(_)
            | Self::Redirects
            | Self::TooLarge { .. }
            | Self::Late(_)
            | Self::Request(_)
            | Self::Client(_) => Class::transient(),
        }
    }
}

/// Fetches them.
#[derive(Default)]
pub struct OutsideFiles {
    client: OnceLock<Client>,
}

impl OutsideFiles {
    /// The file at `url`. `allows` says which addresses may be redirected to.
    ///
    /// # Errors
    /// See [`FileError`].
    pub async fn fetch(
        &self,
        url: HttpsUrl,
        allows: impl Fn(&str) -> Option<HttpsUrl>,
        limit: usize,
        timeout: Duration,
    ) -> Result<Bytes, FileError> {
        let file = async {
            let response = self.follow(url, allows).await?;
            read(response, limit).await
        };
        tokio::time::timeout(timeout, file).await.map_err(|_| FileError::Late(timeout))?
    }

    async fn follow(
        &self,
        mut url: HttpsUrl,
        allows: impl Fn(&str) -> Option<HttpsUrl>,
    ) -> Result<Response, FileError> {
        let client = self.client()?;
        for _ in 0..=REDIRECTS {
            let response = client.get(url.as_url().clone()).send().await;
            let response = response.map_err(|error| FileError::Request(error.without_url()))?;
            match response.status() {
                status if status.is_success() => return Ok(response),
                status if status.is_redirection() => {
                    let location = response.headers().get(LOCATION).and_then(|it| it.to_str().ok());
                    let next = location.and_then(|it| url.as_url().join(it).ok());
                    url = next.and_then(|it| allows(it.as_str())).ok_or(FileError::Host)?;
                }
                status => return Err(FileError::Status(status.as_u16())),
            }
        }
        Err(FileError::Redirects)
    }

    fn client(&self) -> Result<Client, FileError> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        let trust = Trust::load(crate::optional(crate::trust::EXTRA_CA_FILE).as_deref())?;
        let builder = http_client(&trust)?.dns_resolver(Arc::new(PublicHosts)).pool_max_idle_per_host(0);
        let made = builder.build().map_err(crate::StartError::from)?;
        Ok(self.client.get_or_init(|| made).clone())
    }
}

async fn read(mut response: Response, limit: usize) -> Result<Bytes, FileError> {
    let length = response.content_length().and_then(|length| usize::try_from(length).ok());
    if length.is_some_and(|length| length > limit) {
        return Err(FileError::TooLarge { limit });
    }
    let mut bytes = BytesMut::with_capacity(length.unwrap_or_default());
    loop {
        let chunk = response.chunk().await.map_err(|error| FileError::Request(error.without_url()))?;
        let Some(chunk) = chunk else { return Ok(bytes.freeze()) };
        if bytes.len().saturating_add(chunk.len()) > limit {
            return Err(FileError::TooLarge { limit });
        }
        bytes.extend_from_slice(&chunk);
    }
}

/// Names of hosts, without those of their addresses that are of a private network.
struct PublicHosts;

impl Resolve for PublicHosts {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|it| comms::is_public_address(it.ip())).collect();
            match public.is_empty() {
                true => Err(io::Error::other("the host has no public address").into()),
                false => Ok(Box::new(public.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests;
