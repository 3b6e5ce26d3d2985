//! `ctl send`: events onto the bus, and what became of them.

use crate::{
    Failure,
    stack::Stack,
    table::{self, Row},
};
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use comms::{CommunicationId, Flow, WriteBackState};
use flow::{DocumentFlow, Plan};
use intake::{Intaken, work_item};
use order_confirmation::OrderConfirmation;
use shop_config::ConfigStore;
use shopify::Event;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};
use work::WorkItem;

pub async fn run(
    stack: &Stack,
    files: &[PathBuf],
    json: bool,
    wait: Option<Duration>,
) -> Result<ExitCode, Failure> {
    let configs =
        ConfigStore::new(stack.s3.clone(), stack.outputs.operations_bucket.clone(), Duration::from_secs(60));
    let mut expected: Vec<CommunicationId> = Vec::new();
    for file in files {
        let event = Event::parse(&std::fs::read(file)?)
            .map_err(|error| format!("{}: {}", file.display(), comms::chain(&error)))?;
        let shop = event.shop.clone();
        let loaded = configs.get(&shop, jiff::Timestamp::now()).await?;
        let ids = match work_item(&event, &loaded.config)? {
            Intaken::Work(item) => {
                let plans = plans(&item, &loaded.config);
                plans
                    .iter()
                    .map(|plan| CommunicationId::derive(&shop, plan.document, &plan.subject, &plan.revision))
                    .collect()
            }
            Intaken::Ignored(reason) => {
                eprintln!("{}: no document follows: {reason}", file.display());
                Vec::new()
            }
        };
        put(stack, file).await?;
        eprintln!("{}: {} on the bus, {} expected", file.display(), event.topic, ids.len());
        for id in ids {
            if !expected.contains(&id) {
                expected.push(id);
            }
        }
    }
    let Some(wait) = wait else { return Ok(ExitCode::SUCCESS) };
    settle(stack, &expected, json, wait).await
}

fn plans(item: &WorkItem, config: &shop_config::ShopConfig) -> Vec<Plan> {
    match item.flow {
        Flow::OrderConfirmation => OrderConfirmation.plan(item, config),
        Flow::ShippingDocuments
        | Flow::ReturnLetters
        | Flow::TargetedOffers
        | Flow::AccountStatements
        | Flow::ExceptionLetters => Vec::new(),
    }
}

async fn put(stack: &Stack, file: &Path) -> Result<(), Failure> {
    let event: serde_json::Value = serde_json::from_slice(&std::fs::read(file)?)?;
    let mut source = event["source"].as_str().unwrap_or_default().to_owned();
    if !source.starts_with(&stack.outputs.event_source) {
        // nobody but AWS may put events whose source begins with `aws.`
        source = format!("{}ctl", stack.outputs.event_source);
    }
    let entry = PutEventsRequestEntry::builder()
        .event_bus_name(&stack.outputs.bus_name)
        .source(source)
        .detail_type(event["detail-type"].as_str().unwrap_or_default())
        .detail(event["detail"].to_string())
        .build();
    let output = stack.events.put_events().entries(entry).send().await?;
    match output.entries().iter().find_map(|entry| entry.error_code()) {
        None => Ok(()),
        Some(code) => Err(format!("{}: the bus refused the event: {code}", file.display()).into()),
    }
}

/// Polls the ledger until every communication has ended and its report is through.
async fn settle(
    stack: &Stack,
    expected: &[CommunicationId],
    json: bool,
    wait: Duration,
) -> Result<ExitCode, Failure> {
    let begun = Instant::now();
    loop {
        let mut entries = Vec::with_capacity(expected.len());
        let mut open = 0;
        for id in expected {
            match stack.ledger.get(id).await? {
                Some(entry) => {
                    open += usize::from(entry.state.is_open() || entry.write_back == WriteBackState::Pending);
                    entries.push(entry);
                }
                None => open += 1,
            }
        }
        if open == 0 || begun.elapsed() > wait {
            let rows: Vec<_> = entries.iter().map(Row::from).collect();
            table::print(&rows, json)?;
            if open == 0 {
                return Ok(ExitCode::SUCCESS);
            }
            eprintln!("ctl: {open} of {} have not settled within {} s", expected.len(), wait.as_secs());
            return Ok(ExitCode::FAILURE);
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}
