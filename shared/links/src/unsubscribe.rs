//! Links that end marketing to one customer: what such a link is, and its record.
//!
//! The token follows from the deployment's key and the communication, as that of a document's link does, and the table
//! has its SHA-256 only. It opens nothing and says nothing of the customer; what it can do is to end marketing to one
//! of them, any number of times. One item for each marketing communication:
//!
//! ```text
//! unsubscribe#<sha256>   whose marketing it ends     offer: if there is none     used: when, for the first time
//! ```

use crate::{
    LinkError, LinkKey, Sender, Token, TokenHash,
    store::{Links, failed, from_item, number, refused, text},
};
use comms::{CommunicationId, CustomerKey, Gid, ShopDomain, cut};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// For how long such a link works. The strictest law asks for 60 days after the message.
const KEPT_DAYS: i64 = 400;

/// Whose marketing a link ends, as it is stored: a versioned contract (`schemas/unsubscribe.v1.json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unsubscription {
    /// The version of this format: 1.
    pub v: u32,
    pub token_sha256: TokenHash,
    /// The message that the link is in.
    pub communication: CommunicationId,
    pub shop: ShopDomain,
    /// The customer in Shopify, whose consent ends.
    pub customer: Gid,
    /// The customer's keyed hash, by which the ledger knows them.
    pub customer_key: String,
    /// The language of the message, and of the page.
    pub locale: String,
    pub sender: Sender,
    pub created_epoch_ms: i64,
    /// When it was used for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_epoch_ms: Option<i64>,
    /// When DynamoDB may delete the item, in seconds.
    pub expires_epoch_s: i64,
}

/// The message that is to have such a link.
#[derive(Debug, Clone)]
pub struct UnsubscribeOffer<'a> {
    pub communication: &'a CommunicationId,
    pub shop: &'a ShopDomain,
    pub customer: &'a Gid,
    pub customer_key: &'a CustomerKey,
    pub locale: &'a str,
    pub sender: &'a Sender,
}

impl Token {
    /// The token of the link that ends marketing to whoever a communication is for.
    pub fn derive_unsubscribe(key: &LinkKey, communication: &CommunicationId) -> Self {
        Self::mac(key, &[b"unsubscribe/1", communication.as_str().as_bytes()])
    }
}

/// The path of the page that ends marketing, below the address of the deployment's documents.
pub fn unsubscribe_path(token: &Token) -> String {
    format!("/u/{}", token.expose())
}

impl Links {
    /// Lets whoever has the token end marketing to a customer. Doing so again changes nothing.
    ///
    /// # Errors
    /// When DynamoDB does not answer: then the message must not go out, as its link may lead nowhere.
    pub async fn offer_unsubscribe(
        &self,
        key: &LinkKey,
        offer: &UnsubscribeOffer<'_>,
        now: Timestamp,
    ) -> Result<Token, LinkError> {
        const DOING: &str = "offering to unsubscribe";
        let token = Token::derive_unsubscribe(key, offer.communication);
        let item = Unsubscription {
            v: 1,
            token_sha256: token.hash(),
            communication: offer.communication.clone(),
            shop: offer.shop.clone(),
            customer: offer.customer.clone(),
            customer_key: offer.customer_key.as_str().to_owned(),
            locale: cut(offer.locale, 35).to_owned(),
            sender: offer.sender.bounded(),
            created_epoch_ms: now.as_millisecond(),
            used_epoch_ms: None,
            expires_epoch_s: (now + SignedDuration::from_hours(24 * KEPT_DAYS)).as_second(),
        };
        let mut stored: std::collections::HashMap<_, _> =
            serde_dynamo::to_item(&item).map_err(|error| failed(DOING, error))?;
        stored.insert("pk".to_owned(), text(&pk(&item.token_sha256)));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(stored));
        let result = put.condition_expression("attribute_not_exists(pk)").send().await;
        match result {
            Ok(_) => Ok(token),
            // an earlier attempt, or this request before its answer was lost
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Ok(token)
            }
            Err(error) => Err(failed(DOING, error)),
        }
    }

    /// Whose marketing a token ends.
    ///
    /// # Errors
    /// When DynamoDB does not answer, or the item cannot be read.
    pub async fn find_unsubscribe(&self, token: &TokenHash) -> Result<Option<Unsubscription>, LinkError> {
        let get = self.client.get_item().table_name(&self.table).key("pk", text(&pk(token)));
        let output = get.consistent_read(true).send().await;
        let output = output.map_err(|error| failed("looking up a link to unsubscribe", error))?;
        output.item.map(|item| from_item(item, "a link to unsubscribe")).transpose()
    }

    /// Notes that a link has done its work. The first time holds.
    ///
    /// # Errors
    /// When DynamoDB does not answer.
    pub async fn record_unsubscribe(&self, token: &TokenHash, now: Timestamp) -> Result<(), LinkError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(&pk(token)))
            .update_expression("SET used_epoch_ms = if_not_exists(used_epoch_ms, :now)")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":now", number(now.as_millisecond()));
        // one that is gone meanwhile has done its work all the same
        refused("recording an unsubscription", update.send().await).map(drop)
    }
}

fn pk(token: &TokenHash) -> String {
    format!("unsubscribe#{token}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivation_is_fixed_and_opens_no_document() {
        let key = LinkKey::new("k".repeat(64).into()).unwrap();
        let id: CommunicationId = "c4809f9b199959867b344883a5f958d0".parse().unwrap();
        let token = Token::derive_unsubscribe(&key, &id);
        assert_eq!(token.expose(), "34m3BZLm63cnrV_F8I5vnM-6OGCf4kffI-v-ARlIRoU");
        assert_ne!(token, Token::derive(&key, &id, 0));
    }
}
