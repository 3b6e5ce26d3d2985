//! Clients that show a certificate to servers that ask for one (mutual TLS), one for each certificate.
//!
//! A certificate comes with a shop's credentials, so a changed one takes effect when the secret is read again; until then the
//! earlier one is shown, and both should be valid for that long. What was begun ends with the one it was begun with. Each
//! request makes a connection of its own: one that is kept would be of the earlier certificate, or dead after the process
//! was frozen.

use crate::{Credentials, TokenError};
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Makes a client that shows this certificate, a chain with its key in PEM; `None` if it is none.
pub type MakeClient = Arc<dyn Fn(&SecretString) -> Option<Client> + Send + Sync>;

/// More than shops have at once; each costs a copy of what is trusted.
const MOST_CLIENTS: usize = 16;

#[derive(Default)]
pub(crate) struct Identities {
    make: Option<MakeClient>,
    /// By the hash of the certificate's text.
    clients: Mutex<HashMap<[u8; 32], Client>>,
}

impl Identities {
    pub fn new(make: MakeClient) -> Self {
        Self { make: Some(make), clients: Mutex::default() }
    }

    /// The client to call with, where the credentials have a certificate.
    pub fn client(&self, credentials: &Credentials) -> Result<Option<Client>, TokenError> {
        let Some(certificate) = credentials.client_certificate() else { return Ok(None) };
        let hash: [u8; 32] = Sha256::digest(certificate.expose_secret()).into();
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&hash) {
            return Ok(Some(client.clone()));
        }
        let make = self.make.as_ref().ok_or(TokenError::Certificate)?;
        let client = make(certificate).ok_or(TokenError::Certificate)?;
        if clients.len() >= MOST_CLIENTS {
            clients.clear();
        }
        clients.insert(hash, client.clone());
        Ok(Some(client))
    }
}
