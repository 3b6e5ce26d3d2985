//! The requests. Whatever changes which link is in force is one transaction; whatever a link becomes afterwards is one
//! conditional write.

use crate::{
    Link, LinkError, LinkKey, LinkState, Opened, Opening, Publication, Revocation, Token, TokenHash,
};
use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::{
        transact_write_items::TransactWriteItemsError,
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    types::{AttributeValue, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update},
};
use comms::CommunicationId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

type Item = HashMap<String, AttributeValue>;

/// Which of a communication's links is in force.
#[derive(Debug, Serialize, Deserialize)]
struct Current {
    pk: String,
    serial: u32,
    token_sha256: TokenHash,
    expires_epoch_s: i64,
}

/// A link that was stored, with what opens it.
#[derive(Debug)]
pub struct Published {
    pub token: Token,
    pub link: Link,
    /// It was there before: an earlier attempt made it.
    pub adopted: bool,
}

/// What became of an opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It is counted, and what was asked for may be shown.
    Yes,
    /// The link has ended meanwhile. Nothing is counted, and nothing may be shown.
    Ended(LinkState),
    /// The item is gone.
    Absent,
}

/// What came of revoking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revoked {
    /// The link that was in force, with the revocation that holds: the first one, if there were several.
    Link(Box<Link>),
    /// The communication has no link.
    Absent,
}

pub struct Links {
    pub(crate) client: Client,
    pub(crate) table: String,
}

impl Links {
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Publishes a document, or finds the link that an earlier attempt made. The caller looks at its state: it may have
    /// expired or been revoked since, and then must not be sent.
    ///
    /// The second of two attempts at the same time is refused by the transaction and adopts what the first one made.
    ///
    /// # Errors
    /// [`LinkError::KeyChanged`] if the link was made with another key: then its token is not known.
    pub async fn publish(
        &self,
        key: &LinkKey,
        publication: &Publication<'_>,
        now: Timestamp,
    ) -> Result<Published, LinkError> {
        publication.check()?;
        let communication = publication.communication;
        let token = Token::derive(key, communication, 0);
        let link = publication.link(token.hash(), 0, now);
        let put = |item: Item| {
            let put = Put::builder().table_name(&self.table).set_item(Some(item));
            put.condition_expression("attribute_not_exists(pk)").build()
        };
        let items = [put(current_item(&link)?), put(link_item(&link)?)];
        let writes = items.into_iter().map(|put| Ok(TransactWriteItem::builder().put(put?).build()));
        let writes: Result<Vec<_>, _> = writes.collect();
        let writes =
            writes.map_err(|error: aws_sdk_dynamodb::error::BuildError| failed("publishing", error))?;
        if self.transact("publishing", writes).await? {
            return Ok(Published { token, link, adopted: false });
        }
        let Some(link) = self.of(communication).await? else {
            return Err(LinkError::Changed(communication.clone()));
        };
        let token = Token::derive(key, communication, link.serial);
        if token.hash() != link.token_sha256 {
            return Err(LinkError::KeyChanged(communication.clone()));
        }
        Ok(Published { token, link, adopted: true })
    }

    /// Publishes the next link of a communication and takes back the one before it, in one transaction.
    ///
    /// # Errors
    /// [`LinkError::Changed`] if there is no link yet, or somebody else replaces it at the same time.
    pub async fn replace(
        &self,
        key: &LinkKey,
        publication: &Publication<'_>,
        revocation: &Revocation,
        now: Timestamp,
    ) -> Result<Published, LinkError> {
        publication.check()?;
        let communication = publication.communication;
        let changed = || LinkError::Changed(communication.clone());
        let before = self.of(communication).await?.ok_or_else(changed)?;
        let serial = before.serial.saturating_add(1);
        let token = Token::derive(key, communication, serial);
        let link = publication.link(token.hash(), serial, now);
        let build = |error: aws_sdk_dynamodb::error::BuildError| failed("replacing a link", error);
        let current = Put::builder()
            .table_name(&self.table)
            .set_item(Some(current_item(&link)?))
            .condition_expression("token_sha256 = :before")
            .expression_attribute_values(":before", text(before.token_sha256.as_str()))
            .build()
            .map_err(build)?;
        let next = Put::builder()
            .table_name(&self.table)
            .set_item(Some(link_item(&link)?))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(build)?;
        let revoke = Update::builder()
            .table_name(&self.table)
            .key("pk", text(&link_pk(&before.token_sha256)))
            .update_expression("SET revoked = if_not_exists(revoked, :revocation)")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":revocation", stored("a revocation", revocation)?)
            .build()
            .map_err(build)?;
        let put = |put| TransactWriteItem::builder().put(put).build();
        let writes = vec![put(current), put(next), TransactWriteItem::builder().update(revoke).build()];
        if self.transact("replacing a link", writes).await? {
            Ok(Published { token, link, adopted: false })
        } else {
            Err(changed())
        }
    }

    /// The link that a token opens, whatever its state.
    pub async fn find(&self, token: &TokenHash) -> Result<Option<Link>, LinkError> {
        self.read(&link_pk(token), "a link").await
    }

    /// The link of a communication that is in force, or was the last one to be.
    pub async fn of(&self, communication: &CommunicationId) -> Result<Option<Link>, LinkError> {
        let current: Option<Current> = self.read(&communication_pk(communication), "a communication").await?;
        match current {
            Some(current) => self.find(&current.token_sha256).await,
            None => Ok(None),
        }
    }

    /// Takes back the link of a communication. The first revocation holds; a second one changes nothing.
    pub async fn revoke(
        &self,
        communication: &CommunicationId,
        revocation: &Revocation,
    ) -> Result<Revoked, LinkError> {
        let Some(mut link) = self.of(communication).await? else { return Ok(Revoked::Absent) };
        let result = self
            .update(&link.token_sha256)
            .update_expression("SET revoked = :revocation")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(revoked)")
            .expression_attribute_values(":revocation", stored("a revocation", revocation)?)
            .send()
            .await;
        match refused("revoking a link", result)? {
            None => {
                link.revoked = Some(revocation.clone());
                Ok(Revoked::Link(Box::new(link)))
            }
            Some(item) if item.is_empty() => Ok(Revoked::Absent),
            Some(item) => Ok(Revoked::Link(Box::new(from_item(item, "a link")?))),
        }
    }

    /// Deletes the links of a communication, whatever their state, and the one that ended marketing: an item says what a
    /// document was and who it was for. Whoever follows one later is told what everybody is told who follows a wrong one.
    ///
    /// # Errors
    /// When DynamoDB does not answer. Some may be deleted; repeating deletes the rest.
    pub async fn erase(&self, key: &LinkKey, communication: &CommunicationId) -> Result<(), LinkError> {
        let current: Option<Current> = self.read(&communication_pk(communication), "a current link").await?;
        let serials = current.as_ref().map_or(0..=0, |current| 0..=current.serial);
        let named = current.as_ref().map(|current| link_pk(&current.token_sha256));
        let derived = serials.map(|serial| link_pk(&Token::derive(key, communication, serial).hash()));
        let unsubscribe = Token::derive_unsubscribe(key, communication).hash();
        let last = communication_pk(communication);
        // the one that says how many there are goes last
        for pk in named.into_iter().chain(derived).chain([format!("unsubscribe#{unsubscribe}"), last]) {
            let delete = self.client.delete_item().table_name(&self.table).key("pk", text(&pk)).send().await;
            delete.map_err(|error| failed("erasing a link", error))?;
        }
        Ok(())
    }

    /// Counts an opening, if the link is in force in that moment. Whoever shows something calls this first.
    ///
    /// Openings at the same time are all counted. If the answer to a write is lost, the SDK sends it again: the item then
    /// has the opening already, so it is not counted twice. Two openings of the same thing in one millisecond are one.
    pub async fn record_opening(
        &self,
        token: &TokenHash,
        what: &Opened,
        now: Timestamp,
    ) -> Result<Recorded, LinkError> {
        let opening = Opening { at_epoch_ms: now.as_millisecond(), what: what.clone() };
        let entry = text(&opening.to_string());
        let kept = self
            .open(token, now)
            .update_expression(format!(
                "SET openings = list_append(if_not_exists(openings, :none), :entries), last_opened_epoch_ms = :now \
                 ADD {} :one",
                counter(what)
            ))
            .condition_expression(format!(
                "{IN_FORCE} AND (attribute_not_exists(openings) OR \
                 (size(openings) < :most AND NOT contains(openings, :entry)))"
            ))
            .expression_attribute_values(":none", AttributeValue::L(Vec::new()))
            .expression_attribute_values(":entries", AttributeValue::L(vec![entry.clone()]))
            .expression_attribute_values(":entry", entry)
            .expression_attribute_values(":most", number(i64::try_from(crate::MAX_OPENINGS).unwrap_or(i64::MAX)))
            .send()
            .await;
        let link = match ended(refused("recording an opening", kept)?, now)? {
            Checked::Settled(recorded) => return Ok(recorded),
            Checked::InForce(link) => link,
        };
        if link.openings.contains(&opening) || !link.is_full() {
            return Ok(Recorded::Yes);
        }
        let counted = self
            .open(token, now)
            .update_expression(format!("SET last_opened_epoch_ms = :now ADD {} :one", counter(what)))
            .condition_expression(format!("{IN_FORCE} AND last_opened_epoch_ms <> :now"))
            .send()
            .await;
        match ended(refused("counting an opening", counted)?, now)? {
            Checked::Settled(recorded) => Ok(recorded),
            Checked::InForce(_) => Ok(Recorded::Yes),
        }
    }

    fn open(&self, token: &TokenHash, now: Timestamp) -> UpdateItemFluentBuilder {
        self.update(token)
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .expression_attribute_values(":one", number(1))
    }

    fn update(&self, token: &TokenHash) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(&link_pk(token)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    async fn read<T: for<'de> Deserialize<'de>>(
        &self,
        pk: &str,
        what: &'static str,
    ) -> Result<Option<T>, LinkError> {
        let get = self.client.get_item().table_name(&self.table).key("pk", text(pk)).consistent_read(true);
        let output = get.send().await.map_err(|error| failed("looking up a link", error))?;
        output.item.map(|item| from_item(item, what)).transpose()
    }

    /// Whether the writes were made; otherwise a condition refused them.
    async fn transact(&self, doing: &'static str, writes: Vec<TransactWriteItem>) -> Result<bool, LinkError> {
        let result = self.client.transact_write_items().set_transact_items(Some(writes)).send().await;
        let Err(error) = result else { return Ok(true) };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled))
                if cancelled
                    .cancellation_reasons()
                    .iter()
                    .any(|reason| reason.code() == Some("ConditionalCheckFailed")) =>
            {
                Ok(false)
            }
            _ => Err(failed(doing, error)),
        }
    }
}

const IN_FORCE: &str =
    "attribute_exists(pk) AND attribute_not_exists(revoked) AND valid_until_epoch_ms > :now";

enum Checked {
    Settled(Recorded),
    /// The write was refused although the link is in force.
    InForce(Box<Link>),
}

/// What the item that a refusal shows says of the link.
fn ended(refused: Option<Item>, now: Timestamp) -> Result<Checked, LinkError> {
    let Some(item) = refused else { return Ok(Checked::Settled(Recorded::Yes)) };
    if item.is_empty() {
        return Ok(Checked::Settled(Recorded::Absent));
    }
    let link: Link = from_item(item, "a link")?;
    Ok(match link.state(now) {
        LinkState::Live => Checked::InForce(Box::new(link)),
        state => Checked::Settled(Recorded::Ended(state)),
    })
}

/// The item that a refused write found, empty if there is none; nothing if it was made.
pub(crate) fn refused<T>(
    doing: &'static str,
    result: Result<T, SdkError<UpdateItemError>>,
) -> Result<Option<Item>, LinkError> {
    let Err(error) = result else { return Ok(None) };
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
            Ok(Some(refused.item.clone().unwrap_or_default()))
        }
        _ => Err(failed(doing, error)),
    }
}

fn counter(what: &Opened) -> &'static str {
    match what {
        Opened::Page => "page_opens",
        Opened::File(_) => "document_opens",
    }
}

fn link_item(link: &Link) -> Result<Item, LinkError> {
    let mut item: Item = serde_dynamo::to_item(link).map_err(|error| failed("writing a link", error))?;
    item.insert("pk".to_owned(), text(&link_pk(&link.token_sha256)));
    Ok(item)
}

fn current_item(link: &Link) -> Result<Item, LinkError> {
    let current = Current {
        pk: communication_pk(&link.communication),
        serial: link.serial,
        token_sha256: link.token_sha256.clone(),
        expires_epoch_s: link.expires_epoch_s,
    };
    serde_dynamo::to_item(current).map_err(|error| failed("writing a link", error))
}

pub(crate) fn from_item<T: for<'de> Deserialize<'de>>(
    item: Item,
    what: &'static str,
) -> Result<T, LinkError> {
    serde_dynamo::from_item(item).map_err(|error| LinkError::Malformed { what, source: Box::new(error) })
}

fn stored(what: &'static str, value: &impl Serialize) -> Result<AttributeValue, LinkError> {
    serde_dynamo::to_attribute_value(value)
        .map_err(|error| LinkError::Malformed { what, source: Box::new(error) })
}

fn link_pk(token: &TokenHash) -> String {
    format!("link#{token}")
}

fn communication_pk(communication: &CommunicationId) -> String {
    format!("communication#{communication}")
}

pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub(crate) fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn failed(
    doing: &'static str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> LinkError {
    LinkError::Request { doing, source: source.into() }
}
