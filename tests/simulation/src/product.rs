//! What the product is set to: read out of the very files that set it, so that a changed default is a changed
//! simulation, and one that cannot be found any more is an error.

use serde_json::Value;
use std::time::Duration;

const ROWS: &str = include_str!("../../../infra/cdk/lib/functions.ts");
const SETTINGS: &str = include_str!("../../../infra/cdk/lib/settings.ts");
const STACK: &str = include_str!("../../../infra/cdk/lib/stack.ts");
const STATEMENT_READ: &str = include_str!("../../../functions/statement-run/src/read.rs");
const STATEMENT_RUN: &str = include_str!("../../../functions/statement-run/src/lib.rs");
const SHOP_STATEMENTS: &str = include_str!("../../../shared/shop-config/src/statements.rs");
const REQUESTS: &str = include_str!("../../bench/requests.json");

/// An event source mapping: the queue, and how its function is fed.
#[derive(Debug, Clone)]
pub struct Source {
    pub batch: usize,
    pub window: Duration,
    pub max_concurrency: usize,
    /// Messages of a batch that are worked on at once.
    pub at_once: usize,
    pub max_receive_count: u32,
    pub timeout: Duration,
}

/// What one communication of a flow asks for, as the benchmark counted it.
#[derive(Debug, Clone)]
pub struct Recipe {
    pub ledger_writes: u32,
    pub puts: u32,
    /// Names of Shopify's operations.
    pub queries: Vec<String>,
    pub sends: u32,
}

/// How a statement run hands accounts on.
#[derive(Debug, Clone, Copy)]
pub struct StatementRun {
    pub sent_at_once: usize,
    pub accounts_a_save: usize,
    pub chunks: usize,
    pub customers_per_file: usize,
}

pub fn retry_base() -> Result<Duration, String> {
    number(SETTINGS, "whole('retryBase', ").map(Duration::from_secs)
}

pub fn flow(name: &str) -> Result<Source, String> {
    let row = after(ROWS, &format!("name: '{name}', "))?;
    let calls = after(STACK, "handler.consume(work, {")?;
    Ok(Source {
        batch: size(calls, "size: ")?,
        window: Duration::ZERO,
        max_concurrency: size(SETTINGS, "whole('maxConcurrency', ")?,
        at_once: size(STACK, "BATCH_CONCURRENCY: '")?,
        max_receive_count: max_receive_count()?,
        timeout: Duration::from_secs(number(row, "timeoutSeconds: ")?),
    })
}

fn max_receive_count() -> Result<u32, String> {
    number(SETTINGS, "whole('maxReceiveCount', ").map(|count| u32::try_from(count).unwrap_or(u32::MAX))
}

pub fn write_back() -> Result<Source, String> {
    let (row, call) =
        (after(ROWS, "name: 'write-back', ")?, after(STACK, "handler.consume(this.writeBacks, {")?);
    Ok(Source {
        batch: size(call, "size: ")?,
        window: Duration::from_secs(number(SETTINGS, "whole('writeBackWindow', ")?),
        max_concurrency: size(SETTINGS, "whole('maxConcurrencyWriteBack', ")?,
        at_once: 10,
        max_receive_count: max_receive_count()?,
        timeout: Duration::from_secs(number(row, "timeoutSeconds: ")?),
    })
}

pub fn statement_run() -> Result<StatementRun, String> {
    let customers = after(SHOP_STATEMENTS, "fn default_customers_per_file() -> u16 {")?;
    Ok(StatementRun {
        sent_at_once: size(STATEMENT_READ, "const SENT_AT_ONCE: usize = ")?,
        accounts_a_save: size(after(STATEMENT_RUN, "impl Default for Pace")?, "accounts: ")?,
        chunks: size(STATEMENT_READ, "const CHUNKS: usize = ")?,
        customers_per_file: size(customers, "\n    ")?,
    })
}

/// What is asked about one communication of `flow` that goes out by `channel`; what is asked about fewer than
/// half of them is left out.
pub fn recipe(flow: &str, channel: &str) -> Result<Recipe, String> {
    let counts: Value = serde_json::from_str(REQUESTS).map_err(|error| error.to_string())?;
    let counted = &counts["functions"][flow][channel];
    let communications =
        counted["communications"].as_f64().ok_or(format!("no counts of {flow}, {channel}"))?;
    let requests = counted["requests"].as_object().ok_or("the counts have no requests")?;
    let each = |name: &str| {
        let count = requests.get(name).and_then(Value::as_f64).unwrap_or(0.0);
        (count / communications).round() as u32
    };
    let shopify = requests.keys().filter_map(|name| Some((name, name.strip_prefix("Shopify:")?)));
    Ok(Recipe {
        ledger_writes: each("DynamoDB:UpdateItem"),
        puts: each("S3:PutObject"),
        queries: shopify.filter(|(name, _)| each(name) > 0).map(|(_, query)| query.to_owned()).collect(),
        sends: each("CoreMessaging:send"),
    })
}

fn after<'t>(text: &'t str, mark: &str) -> Result<&'t str, String> {
    text.split_once(mark).map(|(_, rest)| rest).ok_or(format!("`{mark}` is not where it was: see product.rs"))
}

fn number(text: &str, mark: &str) -> Result<u64, String> {
    let rest = after(text, mark)?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(rest.len());
    rest[..end].replace('_', "").parse().map_err(|_| format!("no number follows `{mark}`: see product.rs"))
}

fn size(text: &str, mark: &str) -> Result<usize, String> {
    number(text, mark).and_then(|number| usize::try_from(number).map_err(|error| error.to_string()))
}
