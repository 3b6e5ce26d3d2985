//! x
pub mod schema;
pub use schema::SchemaError;
