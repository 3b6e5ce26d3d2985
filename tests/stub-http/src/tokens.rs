//! Issued tokens and their ends.
//!
//! Tokens are random enough to be unguessable in a test and carry no meaning; the issuer remembers them with their
//! end.

use sha2::{Digest as _, Sha256};
use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Issued tokens with their ends, for one realm (a tenant, a shop).
#[derive(Debug, Default)]
pub struct Tokens {
    issued: Mutex<HashMap<String, Issued>>,
    serial: AtomicU64,
}

#[derive(Debug)]
struct Issued {
    realm: String,
    until: Instant,
}

/// What the issuer knows of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    Good,
    Expired,
    Unknown,
}

impl Tokens {
    fn issued(&self) -> MutexGuard<'_, HashMap<String, Issued>> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A token that begins with `prefix` and is good for `realm`.
    pub fn issue(&self, prefix: &str, realm: &str, lifetime: Duration) -> String {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let random = Sha256::digest(format!("{serial} {nanos} {realm}"));
        let token = format!("{prefix}{}", hex::encode(&random[..20]));
        let issued = Issued { realm: realm.to_owned(), until: Instant::now() + lifetime };
        self.issued().insert(token.clone(), issued);
        token
    }

    /// Without a `realm`, a token of any is good.
    pub fn check(&self, token: &str, realm: Option<&str>) -> Check {
        match self.issued().get(token) {
            Some(issued) if realm.is_some_and(|r| r != issued.realm) => Check::Unknown,
            Some(issued) if issued.until > Instant::now() => Check::Good,
            Some(_) => Check::Expired,
            None => Check::Unknown,
        }
    }

    /// Ends every token now; answers how many there are.
    pub fn expire_all(&self) -> usize {
        let now = Instant::now();
        let mut issued = self.issued();
        for token in issued.values_mut() {
            token.until = token.until.min(now);
        }
        issued.len()
    }
}
