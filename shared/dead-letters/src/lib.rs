//! What was given up, queue by queue: looking at it, having it delivered again, discarding it. `ctl dlq` and the console do it
//! with this library, so that both show the same and move the same.
//!
//! Nothing is shown of a message but what it is about and why it was given up (`letter.rs`). A move goes batch by batch
//! (`batches.rs`): each message is first put where it belongs (`way.rs`) and then deleted here, so that a crash or a cancel
//! between the two leaves it in both places, never in none. Twice the same work names the same communication. Who asks for a
//! move has seen a plan of it (`plan.rs`) and is on record before it begins; both are the caller's part.

mod batches;
mod choice;
mod letter;
mod moving;
mod plan;
mod way;

pub use batches::{Batches, Message, Patience, count};
pub use choice::Choice;
pub use letter::Letter;
pub use moving::{Bounds, Progress, move_all};
pub use plan::{Plan, look};
pub use way::{NoWayBack, NotTaken, Way};

/// Why dead letters could not be looked at or moved.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    #[error("SQS did not answer")]
    Sqs(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("batch after batch fails as a whole, so nothing more is tried")]
    NothingMoves,
}

impl DeadLetterError {
    fn sqs(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Sqs(Box::new(error))
    }
}
