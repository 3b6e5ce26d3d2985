//! `ctl suppress`: the list of customers who get no marketing.

use crate::{
    failure::Failure,
    rows::{self, tell},
    stack::Stack,
};
use comms::{Gid, ShopDomain, one_line};
use jiff::Timestamp;
use std::process::ExitCode;

pub async fn run(
    stack: &Stack,
    shop: &ShopDomain,
    customer: Gid,
    reason: Option<String>,
    lift: bool,
    json: bool,
) -> Result<ExitCode, Failure> {
    let customer = customer.of_kind("Customer")?;
    let key = stack.customer(shop, &customer).await?;
    if lift {
        stack.ledger.lift(shop, &key).await?;
    } else if let Some(reason) = reason {
        stack.ledger.suppress(shop, &key, &reason, Timestamp::now()).await?;
    }
    let reason = stack.ledger.suppression(shop, &key).await?;
    let text = match &reason {
        Some(reason) => format!("{customer} gets no marketing: {}", one_line(reason)),
        None => format!("{customer} is not on the suppression list"),
    };
    let is_suppressed = reason.is_some();
    tell!(json, rows::Suppression { customer: customer.to_string(), is_suppressed, reason }, "{text}");
    Ok(ExitCode::SUCCESS)
}
