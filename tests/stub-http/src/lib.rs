//! What the stand-ins of outside services have in common: HTTP with faults on order, and a record of what was asked.
//!
//! A stub implements [`Service`]; [`start`] puts it on a port with the control routes below `/__stub/` that every
//! stub has. [`Recorder`] stands before the local AWS and writes down who asks it for what.

mod body;
mod connection;
pub mod control;
mod fault;
mod journal;
mod message;
mod recorder;
mod server;
mod tokens;

pub use body::{Cut, Stream};
pub use control::Controls;
pub use fault::{Fault, FaultBook, FaultKind};
pub use journal::{Counts, Entry, Journal};
pub use message::{Answer, Request, form_pairs};
pub use recorder::{Recorder, RecorderError, RecorderOptions};
pub use server::{ListenError, Running, Service, start};
pub use tokens::{Check, Tokens};
