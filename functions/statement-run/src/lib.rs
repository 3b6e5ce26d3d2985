//! Statement runs: every trade account of a shop, once a month.
//!
//! A run starts bulk operations for the accounts that get statements, waits for them, reads their
//! results and sends one work item per account to the flow `account-statements`. If the shop composes in
//! batches, it first hands the accounts to Exstream in driver files, and each item names the output that a job composed
//! for it. A run takes as many invocations as it needs: its state is one object, changed only over the version
//! that was read, and each invocation ends by sending the message of the next.
//!
//! | module | owns |
//! | --- | --- |
//! | `handler` | messages: claims a run, has it advanced, releases it |
//! | `claim` | who works on a run, and the message that continues it |
//! | `advance` | the order of the steps |
//! | `bulk_operation` | starting Shopify's bulk operations and waiting for them |
//! | `bulk_file`, `survey`, `accounts`, `file_error` | reading their results |
//! | `batch_job`, `outputs`, `batch_items` | Exstream's batch jobs, their outputs, and the items that name these |
//! | `chunk`, `session` | what all steps need: the run, its state, the calls |
//! | `items`, `state`, `period`, `tools` | work items, the stored state, months, clients |
//!
//! After a crash, what was done since the state was last written is done again: an operation that nobody remembers is
//! started anew, and items are sent a second time. An item's id follows from shop, period and account alone, so the
//! flow recognises one that comes twice. A finished run does nothing; a message without a ticket retries a failed one.

// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]

mod accounts;
mod advance;
mod batch_items;
mod batch_job;
mod bulk_file;
mod bulk_operation;
mod chunk;
mod claim;
mod file_error;
mod handler;
mod items;
mod outputs;
mod session;
mod state;
mod survey;
mod tools;

pub use accounts::SENT_AT_ONCE;
pub use handler::StatementRun;
pub use state::{CHUNKS, Counts, Outcome, RUN, Run};
pub use tools::{Check, MakeDriver, Pace, Tools};

use service::{Service, Serving};

/// Starts the function and serves its invocations until Lambda ends the process.
pub fn serve() -> Serving {
    Box::pin(async {
        let service = Service::start().await?;
        let run = StatementRun::new(&service)?;
        service::run(async |event, invocation| run.handle(event, invocation).await).await
    })
}
