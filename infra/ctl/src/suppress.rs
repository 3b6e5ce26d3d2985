//! `ctl suppress`: the list of customers who get no marketing.

use crate::{failure::Failure, out::say, stack::Stack};
use comms::{Gid, ShopDomain, one_line};
use jiff::Timestamp;
use std::process::ExitCode;

pub async fn run(
    stack: &Stack,
    shop: &ShopDomain,
    customer: Gid,
    reason: Option<String>,
    lift: bool,
) -> Result<ExitCode, Failure> {
    let customer = customer.of_kind("Customer")?;
    let key = stack.customer(shop, &customer).await?;
    if lift {
        stack.ledger.lift(shop, &key).await?;
    } else if let Some(reason) = reason {
        stack.ledger.suppress(shop, &key, &reason, Timestamp::now()).await?;
    }
    match stack.ledger.suppression(shop, &key).await? {
        Some(reason) => say!("{customer} gets no marketing: {}", one_line(&reason)),
        None => say!("{customer} is not on the suppression list"),
    }
    Ok(ExitCode::SUCCESS)
}
