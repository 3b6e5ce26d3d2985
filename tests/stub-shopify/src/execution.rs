//! What the resolvers of one operation share: the schema, the shop and what a search did not understand.

use crate::{json::Json, options::ShopifySettings, schema::AdminSchema, search, shop::Shop};
use apollo_compiler::{resolvers::FieldError, response::JsonMap};
use serde_json::Value;
use std::{
    cell::RefCell,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub(crate) struct Execution<'a> {
    pub schema: &'a Arc<AdminSchema>,
    pub shop: &'a Arc<Mutex<Shop>>,
    pub settings: Arc<ShopifySettings>,
    /// Where the stub was reached, for the URLs it gives out.
    pub base: &'a str,
    pub now: jiff::Timestamp,
    /// Whether this is the inside of a bulk operation, which has no pages.
    pub bulk: bool,
    /// What a search did not understand, for `extensions.search`.
    pub search: RefCell<Vec<Value>>,
}

impl Execution<'_> {
    pub(crate) fn shop(&self) -> MutexGuard<'_, Shop> {
        self.shop.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the arguments select of `all`; terms that were not understood are noted.
    pub(crate) fn search(
        &self,
        all: Vec<Json>,
        type_name: &str,
        field: &str,
        arguments: &Value,
    ) -> Vec<Json> {
        let (found, report) = search::select(all, type_name, field, arguments);
        self.search.borrow_mut().extend(report);
        found
    }
}

pub(crate) fn fail(message: impl Into<String>) -> FieldError {
    FieldError { message: message.into() }
}

pub(crate) fn plain(arguments: &JsonMap) -> Value {
    serde_json::to_value(arguments).unwrap_or_default()
}
