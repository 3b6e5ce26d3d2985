//! From an event to a document, against a Shopify on the loopback interface that holds a few people.

mod documents;
mod offers;
mod plan;
mod points;
mod reminders;
mod replenish;
mod shop;
mod statements;
