//! `ctl status`: what the ledger and Shopify know.

use crate::{
    failure::Failure,
    out::{note, say},
    stack::Stack,
    table::{self, Row},
};
use comms::{CommunicationId, Gid, ShopDomain};
use std::process::ExitCode;

pub async fn communication(stack: &Stack, id: &CommunicationId, json: bool) -> Result<ExitCode, Failure> {
    let entry = stack.entry(id).await?;
    table::print(&[Row::from(&entry)], json)?;
    Ok(ExitCode::SUCCESS)
}

pub async fn order(
    stack: &Stack,
    shop: &ShopDomain,
    order: &Gid,
    json: bool,
    metafield: bool,
) -> Result<ExitCode, Failure> {
    let found = stack.ledger.of_resource(shop, order).await?;
    for problem in &found.problems {
        note!("ctl: {}", comms::chain(&problem.error));
    }
    let rows: Vec<_> = found.entries.iter().map(Row::from).collect();
    table::print(&rows, json)?;
    if metafield {
        say!("{}", crate::metafield::read(stack, shop, order).await?);
    }
    if rows.is_empty() && found.problems.is_empty() {
        note!("ctl: the ledger has no communication about {order}");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
