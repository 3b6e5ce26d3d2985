//! The pages that returns and refunds are read in.

use crate::{Malformed, connection::Page};
use comms::Gid;
use serde::Deserialize;

/// Lines of a return per page.
pub(crate) const LINES: u32 = 100;

/// Lines of a refund per page: the largest number Shopify gives.
pub(crate) const REFUND_LINES: u32 = 250;

#[derive(Deserialize)]
pub(super) struct Id {
    pub id: Gid,
}

/// The list that ends first is asked again behind its last entry, where there is nothing.
pub(super) type Cursor = Option<String>;

impl<T> Page<T> {
    /// Moves `cursor` to the end of this page; answers whether there is more behind it.
    pub(super) fn advance(&self, cursor: &mut Cursor) -> bool {
        if let Some(end) = &self.page_info.end_cursor {
            *cursor = Some(end.clone());
        }
        self.page_info.has_next_page
    }

    /// Everything, of a list that is not read in pages.
    pub(super) fn whole(self, name: &str) -> Result<Vec<T>, Malformed> {
        match self.page_info.has_next_page {
            true => Err(Malformed::new(name, "has more entries than are read")),
            false => Ok(self.nodes),
        }
    }
}
