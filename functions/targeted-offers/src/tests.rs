//! From an event to a document, against a Shopify on the loopback interface that holds a few people.

mod documents;
mod plan;
mod points;
mod replenish;
mod shop;
