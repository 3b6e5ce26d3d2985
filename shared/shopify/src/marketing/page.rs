//! The pages in which Shopify answers what belongs to a customer.

use crate::connection::Page;
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Found<T> {
    pub customer: Option<Orders<T>>,
}

#[derive(Deserialize)]
pub(super) struct Orders<T> {
    pub orders: Page<T>,
}
