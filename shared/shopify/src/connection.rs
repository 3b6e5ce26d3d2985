//! What Shopify answers in pages: the shape of a list, and a resource put together from pages of its lists.

use crate::AdminError;
use serde::Deserialize;

/// More pages than any resource has.
const PAGES: u32 = 50;

/// A list that is read as a whole.
#[derive(Deserialize)]
pub(crate) struct Nodes<T> {
    pub nodes: Vec<T>,
}

/// Of what was not asked for.
impl<T> Default for Nodes<T> {
    fn default() -> Self {
        Self { nodes: Vec::new() }
    }
}

/// A part of a list, and where the next one begins.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page<T> {
    pub page_info: PageInfo,
    pub nodes: Vec<T>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageInfo {
    pub has_next_page: bool,
    pub end_cursor: Option<String>,
}

impl PageInfo {
    /// Where the next page begins, if there is one.
    pub fn next(&self) -> Option<String> {
        self.end_cursor.clone().filter(|_| self.has_next_page)
    }
}

/// Two pages of one resource that belong to different states of it.
pub(crate) struct Differs;

/// A resource with all of its lists. `page` asks for what is next and says whether there is more behind it; `append`
/// adds it to what is there. `None` if Shopify has no such resource or keeps it from the app.
///
/// # Errors
/// [`AdminError::Changed`] if it was changed, or is gone, between two pages.
pub(crate) async fn whole<T>(
    mut page: impl AsyncFnMut() -> Result<Option<(T, bool)>, AdminError>,
    append: impl Fn(&mut T, T) -> Result<(), Differs>,
) -> Result<Option<T>, AdminError> {
    let mut whole: Option<T> = None;
    for _ in 0..PAGES {
        let Some((part, more)) = page().await? else {
            return if whole.is_none() { Ok(None) } else { Err(AdminError::Changed) };
        };
        match &mut whole {
            None => whole = Some(part),
            Some(whole) => append(whole, part).map_err(|_| AdminError::Changed)?,
        }
        if !more {
            return Ok(whole);
        }
    }
    Err(AdminError::Changed)
}
