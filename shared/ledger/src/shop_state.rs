//! What holds for all work of a shop: flows that a person has paused, and services that are not asked because they are ill.
//!
//! One item per shop, `pk = shop#<shop>`, with an attribute for each pause and each ill service, only while there is one.
//! Nothing here decides about a communication: an item that is lost, or read a minute late, costs requests, never a send.
//! Pauses stay until a person ends them. Of all workers that find an ill service's time past, one conditional write lets
//! one try it; if it dies, another may once the time that it set has passed.

use crate::{
    LedgerError,
    request::{conditional, number, text},
    table::Ledger,
};
use aws_sdk_dynamodb::{operation::update_item::builders::UpdateItemFluentBuilder, types::AttributeValue};
use comms::{Flow, ShopDomain};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

const PAUSED: &str = "paused_";
const ILL: &str = "ill_";
const SINCE: &str = "since_";

/// A flow of a shop that a person has paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    /// Since when.
    pub since_epoch_ms: i64,
    /// Who paused it.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// A service that is not asked for a shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ill {
    /// When it was found to be ill.
    pub since_epoch_ms: i64,
    /// Not asked until then. Whoever moves this moment may try.
    pub until_epoch_ms: i64,
}

/// What is known of a shop's work as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShopState {
    /// By flow.
    pub paused: BTreeMap<Flow, Paused>,
    /// By service.
    pub ill: BTreeMap<String, Ill>,
}

impl Ledger {
    /// What is known of a shop's work.
    pub async fn shop_state(&self, shop: &ShopDomain) -> Result<ShopState, LedgerError> {
        let item = self.item(&key(shop), "reading a shop's state").await?;
        Ok(item.as_ref().map(read).unwrap_or_default())
    }

    /// Pauses a flow of a shop, or gives the reason of a pause anew.
    pub async fn pause(&self, shop: &ShopDomain, flow: Flow, paused: &Paused) -> Result<(), LedgerError> {
        const DOING: &str = "pausing a flow of a shop";
        let value = serde_json::to_string(paused);
        let value = value.map_err(|error| LedgerError::Request { doing: DOING, source: error.into() })?;
        let update = self.update_of(shop, format!("{PAUSED}{flow}"), "SET #name = :value");
        let update = update.expression_attribute_values(":value", text(&value));
        conditional(DOING, update.send().await).map(drop)
    }

    /// Ends a pause. `false` if there was none.
    pub async fn resume(&self, shop: &ShopDomain, flow: Flow) -> Result<bool, LedgerError> {
        let update = self.update_of(shop, format!("{PAUSED}{flow}"), "REMOVE #name");
        let update = update.condition_expression("attribute_exists(#name)");
        Ok(conditional("ending a pause", update.send().await)?.is_ok())
    }

    /// Notes that a service is ill and not to be asked until a moment; `known`: the moment that was noted before, if
    /// there was one. `false` if another worker was faster.
    pub async fn note_ill(
        &self,
        shop: &ShopDomain,
        service: &str,
        known: Option<i64>,
        ill: Ill,
    ) -> Result<bool, LedgerError> {
        let update = self.update_of(shop, format!("{ILL}{service}"), "SET #name = :until, #since = :since");
        let update = update
            .expression_attribute_names("#since", format!("{SINCE}{service}"))
            .expression_attribute_values(":until", number(ill.until_epoch_ms))
            .expression_attribute_values(":since", number(ill.since_epoch_ms));
        let update = match known {
            None => update.condition_expression("attribute_not_exists(#name)"),
            Some(known) => update
                .condition_expression("#name = :known")
                .expression_attribute_values(":known", number(known)),
        };
        Ok(conditional("noting that a service is ill", update.send().await)?.is_ok())
    }

    /// The service answers again.
    pub async fn note_well(&self, shop: &ShopDomain, service: &str) -> Result<(), LedgerError> {
        let update = self.update_of(shop, format!("{ILL}{service}"), "REMOVE #name, #since");
        let update = update.expression_attribute_names("#since", format!("{SINCE}{service}"));
        conditional("noting that a service is well", update.send().await).map(drop)
    }

    /// An update of one attribute, which is `#name` in the expression.
    fn update_of(&self, shop: &ShopDomain, name: String, expression: &str) -> UpdateItemFluentBuilder {
        let update = self.update(&key(shop)).update_expression(expression);
        update.expression_attribute_names("#name", name)
    }
}

fn key(shop: &ShopDomain) -> String {
    format!("shop#{shop}")
}

/// What cannot be read is left out: it is one of another release, and waits for nobody.
fn read(item: &HashMap<String, AttributeValue>) -> ShopState {
    let mut state = ShopState::default();
    for (name, value) in item {
        if let Some((flow, text)) = name.strip_prefix(PAUSED).zip(value.as_s().ok()) {
            if let (Ok(flow), Ok(paused)) = (flow.parse(), serde_json::from_str(text)) {
                state.paused.insert(flow, paused);
            }
        } else if let Some((service, until)) = name.strip_prefix(ILL).zip(value.as_n().ok())
            && let Ok(until) = until.parse()
        {
            let since = item.get(&format!("{SINCE}{service}")).and_then(|since| since.as_n().ok());
            let since_epoch_ms = since.and_then(|since| since.parse().ok()).unwrap_or(until);
            state.ill.insert(service.to_owned(), Ill { since_epoch_ms, until_epoch_ms: until });
        }
    }
    state
}
