//! The client against a Shopify that is faked on the wire.

mod failures;
mod operations;
mod throttle;
mod tokens;
mod wire;
