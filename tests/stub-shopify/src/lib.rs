//! The stand-in for Shopify's Admin API: tokens, GraphQL over the real schema, costs and throttling.
//!
//! Shops are separate: orders, metafields, tags, tokens and the rate bucket belong to one shop each. The
//! shop is the `X-Stub-Shop` header, the `/shops/<shop>` path prefix or the Host. All state is in memory.

#![allow(clippy::arithmetic_side_effects, reason = "the amounts are those that tests give")]

mod amounts;
mod bucket;
mod bulk_check;
mod bulk_content;
mod bulk_lines;
mod bulk_operation;
mod bulk_run;
mod control;
mod cost;
mod derived;
mod execution;
mod flow_trigger;
mod gid;
mod graphql;
mod installation;
mod json;
mod marketing_consent;
mod metafield;
mod metafields_set;
mod mutation;
mod offline;
mod options;
mod page;
mod query;
mod resolve;
mod rest_order;
mod rest_party;
mod rest_value;
mod schema;
mod search;
mod segment;
mod service;
mod shop;
mod stub;

pub use offline::OfflineTokens;
pub use options::{ShopifyOptions, ShopifySettings, find_schema};
pub use schema::{AdminSchema, SchemaError};
pub use service::StartError;
pub use stub::ShopifyStub;
