//! What all workers know of a channel that answers in doubt.
//!
//! One item for each shop and host of a channel, `pk = channel#<shop>#<host>`, only while there is doubt. Doubtful
//! answers are counted across all processes; after a few in a row the channel is closed until a moment, and of all who
//! find that moment past, one conditional write lets one try it. A worker that dies while it tries leaves the channel
//! closed until the next moment. A good answer deletes the item. Nothing here decides about a communication: an item that
//! is lost costs a doubtful send more, never a second one.

use crate::{
    LedgerError,
    request::{conditional, millis, number, text},
    table::Ledger,
};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use comms::ShopDomain;
use jiff::{Timestamp, ToSpan};
use std::collections::HashMap;

/// Doubtful answers with more time between them are not in a row.
const IN_A_ROW_MINUTES: i64 = 10;

/// After so long without a doubtful answer the item is of no interest.
const EXPIRES_HOURS: i64 = 48;

const COUNTING: &str = "counting a channel's doubtful answers";
const COUNT: &str = "SET doubts = doubts + :one, doubted_epoch_ms = :now, expires_epoch_s = :expires";
/// The first, or the first for a while.
const BEGIN: &str = "SET doubts = :one, doubted_epoch_ms = :now, expires_epoch_s = :expires \
                     REMOVE closings, closed_until_epoch_ms";

/// A channel that answers in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// Doubtful answers in a row.
    pub doubts: u32,
    /// How often it was closed without a good answer in between.
    pub closings: u32,
    /// Until when nothing is sent. Zero: it was not closed.
    pub closed_until_epoch_ms: i64,
}

impl Ledger {
    /// What is known of a channel. Nothing, unless there is doubt.
    pub async fn outage(&self, shop: &ShopDomain, host: &str) -> Result<Option<Outage>, LedgerError> {
        let item = self.item(&key(shop, host), "reading a channel's state").await?;
        Ok(item.as_ref().map(read))
    }

    /// Counts a doubtful answer.
    pub async fn count_doubt(
        &self,
        shop: &ShopDomain,
        host: &str,
        now: Timestamp,
    ) -> Result<Outage, LedgerError> {
        let recent = now.checked_sub(IN_A_ROW_MINUTES.minutes()).unwrap_or(Timestamp::UNIX_EPOCH);
        // whoever is refused the one finds the other open, unless others change the item between the two
        for (update, condition) in [
            (COUNT, "doubted_epoch_ms >= :recent"),
            (BEGIN, "attribute_not_exists(doubted_epoch_ms) OR doubted_epoch_ms < :recent"),
            (COUNT, "doubted_epoch_ms >= :recent"),
        ] {
            let update = self
                .update(&key(shop, host))
                .update_expression(update)
                .condition_expression(condition)
                .expression_attribute_values(":recent", millis(recent))
                .expression_attribute_values(":now", millis(now))
                .expression_attribute_values(":expires", expires(now))
                .expression_attribute_values(":one", number(1))
                .return_values(ReturnValue::AllNew);
            if let Ok(output) = conditional(COUNTING, update.send().await)? {
                return Ok(read(&output.attributes.unwrap_or_default()));
            }
        }
        Err(LedgerError::Request { doing: COUNTING, source: "too many at once".into() })
    }

    /// Closes a channel until a moment: whoever does so is the only one who may try it until then. `false` if another
    /// worker was faster, it answers well again, or the answer to the write was lost: then it stays closed, tried by nobody.
    pub async fn close_channel(
        &self,
        shop: &ShopDomain,
        host: &str,
        known: &Outage,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, LedgerError> {
        let update = self
            .update(&key(shop, host))
            .update_expression(
                "SET closed_until_epoch_ms = :until, closings = :closings, doubted_epoch_ms = :now, \
                 expires_epoch_s = :expires",
            )
            .expression_attribute_values(":until", millis(until))
            .expression_attribute_values(":closings", number(i64::from(known.closings) + 1))
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":expires", expires(now));
        let update = match known.closed_until_epoch_ms {
            0 => update
                .condition_expression("attribute_exists(pk) AND attribute_not_exists(closed_until_epoch_ms)"),
            known => update
                .condition_expression("closed_until_epoch_ms = :known")
                .expression_attribute_values(":known", number(known)),
        };
        Ok(conditional("closing a channel", update.send().await)?.is_ok())
    }

    /// The channel answers well.
    pub async fn end_outage(&self, shop: &ShopDomain, host: &str) -> Result<(), LedgerError> {
        let delete = self.client.delete_item().table_name(&self.table).key("pk", text(&key(shop, host)));
        delete.send().await.map(drop).map_err(|error| LedgerError::Request {
            doing: "forgetting a channel's doubtful answers",
            source: error.into(),
        })
    }
}

fn key(shop: &ShopDomain, host: &str) -> String {
    format!("channel#{shop}#{host}")
}

fn expires(now: Timestamp) -> AttributeValue {
    number(now.checked_add(EXPIRES_HOURS.hours()).unwrap_or(now).as_second())
}

fn read(item: &HashMap<String, AttributeValue>) -> Outage {
    let value =
        |name: &str| item.get(name).and_then(|value| value.as_n().ok()?.parse::<i64>().ok()).unwrap_or(0);
    let count = |name: &str| u32::try_from(value(name)).unwrap_or_default();
    Outage {
        doubts: count("doubts"),
        closings: count("closings"),
        closed_until_epoch_ms: value("closed_until_epoch_ms"),
    }
}
