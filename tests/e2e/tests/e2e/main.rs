//! The end-to-end tests: real binaries, a real local AWS, stub servers that render and refuse.
//!
//! `make e2e` brings the stack up and runs them. Tests through the bus use the deployed functions; tests of
//! crashes and of single answers run the same binary under a Runtime API of their own.

mod again;
mod archived;
mod attacks;
mod bus;
mod cases;
mod console;
mod crashes;
mod doctor;
mod events;
mod failures;
mod flows;
mod ledger;
mod next_channel;
mod operations;
mod outcome_events;
mod outputs;
mod passes;
mod people;
mod print;
mod privacy;
mod real_orders;
mod runs;
mod sealing;
mod shopify_flow;
mod shops;
mod sms;
mod unsubscribe;
mod web;
mod web_channel;
mod wire;
