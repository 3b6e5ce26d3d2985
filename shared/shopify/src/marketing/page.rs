//! The pages in which Shopify answers what belongs to a customer.

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl PageInfo {
    pub fn next(self) -> Option<String> {
        self.end_cursor.filter(|_| self.has_next_page)
    }
}

#[derive(Deserialize)]
pub(super) struct Found<T> {
    pub customer: Option<Orders<T>>,
}

#[derive(Deserialize)]
pub(super) struct Orders<T> {
    pub orders: Page<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page<T> {
    pub page_info: PageInfo,
    pub nodes: Vec<T>,
}
