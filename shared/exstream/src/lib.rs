//! OpenText Exstream over HTTP: tokens, on-demand composition, batch jobs, the template catalogue and driver
//! formats.
//!
//! [`Exstream::compose`] turns driver data into documents through the adapter a shop configured
//! (orchestration or service gateway). It promises that a returned document is whole and of the expected
//! media type, that every other outcome is an [`ExstreamError`] that says what happened, and that no error
//! carries a token, a response body or a customer's data. Composing has no effect outside Exstream unless
//! the template itself sends, so a crash in the middle costs one composition; for templates that send,
//! [`ExstreamError::may_have_acted`] says whether a repetition could be a second send.

mod answer;
mod batch;
mod catalogue;
mod compose;
mod credentials;
mod design;
mod driver;
mod error;
mod exchange;
mod fault;
mod identity;
mod manifest;
mod memory;
mod orchestration;
mod page;
mod parts;
mod proof;
mod request;
mod samples;
mod select;
mod sgw;
mod text;
mod token;

pub use answer::Output;
pub use batch::{Batch, BatchCall, BatchJob, JobState, Kept};
pub use catalogue::{Basis, Catalogue, Template};
pub use compose::{ComposeCall, Exstream};
pub use credentials::{AccessToken, Credentials};
pub use design::TemplateCall;
pub use driver::{DriverError, encode as encode_driver, file as driver_file};
pub use error::ExstreamError;
pub use exchange::{Budget, ExchangeError, Outgoing, Reply, exchange};
pub use fault::Fault;
pub use identity::MakeClient;
pub use manifest::Manifest;
pub use memory::{Memory, Room};
pub use page::PageError;
pub use parts::{Part, Parts};
pub use samples::{SampleCall, SampleStore};
pub use select::{Composed, ComposedOutput};
pub use token::{CallError, TokenCall, TokenError, TokenSource};
