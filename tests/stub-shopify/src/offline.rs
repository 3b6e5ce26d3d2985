//! Offline access tokens that expire, as the token service issues and renews them.
//!
//! Documented: an access token lives an hour, a refresh token 90 days. A refresh token that was used is good for more
//! tries until its replacement is used, at most for 30 days after its first use. Where the documentation is silent, the
//! answer here is the one that is worse for the client: a renewal ends the access token before it, and a further try
//! ends the pair that the last one gave. Time is passed in.

use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

const ACCESS_SECONDS: u64 = 3600;
const REFRESH_SECONDS: u64 = 90 * 24 * 3600;
const RETRY_SECONDS: u64 = 30 * 24 * 3600;

/// The tokens of all shops. `now` is in seconds since any moment.
#[derive(Debug, Default)]
pub struct OfflineTokens {
    /// By refresh token.
    pairs: HashMap<String, Pair>,
    serial: u64,
}

#[derive(Debug)]
struct Pair {
    shop: String,
    access_token: String,
    issued_at: u64,
    access_ended: bool,
    /// When it was first exchanged, and for which refresh token last.
    used_at: Option<u64>,
    replacement: Option<String>,
    /// What it replaced.
    previous: Option<String>,
    retired: bool,
}

impl OfflineTokens {
    /// What a shop's authorization gives. Ends all that the shop had before.
    pub fn install(&mut self, shop: &str, now: u64) -> Value {
        for pair in self.pairs.values_mut().filter(|pair| pair.shop == shop) {
            (pair.retired, pair.access_ended) = (true, true);
        }
        let refresh_token = self.issue(shop, None, now);
        self.answer(&refresh_token)
    }

    /// Exchanges the refresh token of a request. Its other parameters have been looked at.
    ///
    /// # Errors
    /// The refusal, as Shopify words it.
    pub fn renew(&mut self, shop: &str, refresh_token: &str, now: u64) -> Result<Value, Value> {
        let refusal = || {
            let description = "This request requires an active refresh_token";
            json!({"error": "invalid_request", "error_description": description})
        };
        let pair = self.pairs.get_mut(refresh_token).filter(|pair| pair.shop == shop).ok_or_else(refusal)?;
        let is_over = now >= pair.issued_at + REFRESH_SECONDS
            || pair.used_at.is_some_and(|used| now >= used + RETRY_SECONDS);
        if pair.retired || is_over {
            return Err(refusal());
        }
        pair.used_at.get_or_insert(now);
        pair.access_ended = true;
        let (last, previous) = (pair.replacement.take(), pair.previous.clone());
        for (gone, access_too) in [(last, true), (previous, false)] {
            if let Some(gone) = gone.and_then(|gone| self.pairs.get_mut(&gone)) {
                gone.retired = true;
                gone.access_ended |= access_too;
            }
        }
        let replacement = self.issue(shop, Some(refresh_token), now);
        if let Some(pair) = self.pairs.get_mut(refresh_token) {
            pair.replacement = Some(replacement.clone());
        }
        Ok(self.answer(&replacement))
    }

    /// Whether a request of the shop may carry the access token.
    pub fn is_good(&self, shop: &str, access_token: &str, now: u64) -> bool {
        self.pairs.values().any(|pair| {
            pair.shop == shop
                && pair.access_token == access_token
                && !pair.access_ended
                && now < pair.issued_at + ACCESS_SECONDS
        })
    }

    fn issue(&mut self, shop: &str, previous: Option<&str>, now: u64) -> String {
        self.serial += 1;
        let refresh_token = format!("shprt_{}", self.serial);
        let pair = Pair {
            shop: shop.to_owned(),
            access_token: format!("shpat_offline_{}", self.serial),
            issued_at: now,
            access_ended: false,
            used_at: None,
            replacement: None,
            previous: previous.map(str::to_owned),
            retired: false,
        };
        self.pairs.insert(refresh_token.clone(), pair);
        refresh_token
    }

    fn answer(&self, refresh_token: &str) -> Value {
        let access_token = self.pairs.get(refresh_token).map(|pair| pair.access_token.as_str());
        json!({
            "access_token": access_token,
            "scope": "read_customers,read_orders,read_all_orders,write_customers,write_orders",
            "expires_in": ACCESS_SECONDS,
            "refresh_token": refresh_token,
            "refresh_token_expires_in": REFRESH_SECONDS,
        })
    }
}

/// The parameters of a renewal, each once and no others.
pub(crate) fn refresh_token(sent: &HashMap<String, String>) -> Option<&str> {
    let names: HashSet<&str> = sent.keys().map(String::as_str).collect();
    let expected = HashSet::from(["grant_type", "client_id", "client_secret", "refresh_token"]);
    (names == expected).then(|| sent.get("refresh_token").map(String::as_str)).flatten()
}
