//! Turns one firing of a campaign into one work item per member of its audience.
//!
//! A firing is named by shop, campaign and period: the local date it was scheduled for. Its state, the position
//! in the audience, is a checkpoint in S3 that is written after each page's items were queued. Whatever ends an
//! invocation, the next one continues from there and queues at most one page again; the items of a page
//! name the same communications however often they are queued, so nobody gets anything twice. An invocation
//! whose time ends sends itself a message, so that a large audience is no failure of its message.

// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]

mod audience;
mod firing;
mod handler;
mod previous_firing;
mod tools;

pub use audience::{Progress, Stage};
pub use firing::{Firing, InvalidPeriod, work_item};
pub use handler::OfferRun;
pub use tools::Tools;

use service::{Service, Serving};

/// Starts the function and serves its invocations until Lambda ends the process.
pub fn serve() -> Serving {
    Box::pin(async {
        let service = Service::start().await?;
        let run = OfferRun::new(&service)?;
        service::run(async |event, invocation| run.handle(event, invocation).await).await
    })
}
