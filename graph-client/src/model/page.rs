//! Pages of lists, and of a drive's changes.

use std::fmt;

use serde::Deserialize;

use super::{DriveItem, PageReader};
use crate::json::JsonError;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub struct Page<T> {
    /// May be empty though more pages follow. Null counts as empty.
    #[serde(default = "Vec::new", deserialize_with = "null_is_empty")]
    pub value: Vec<T>,
    /// Where the list goes on; the last page has none.
    #[serde(rename = "@odata.nextLink", default)]
    pub next: Option<String>,
    /// Where to ask for what changes from now on.
    #[serde(rename = "@odata.deltaLink", default)]
    pub delta: Option<String>,
}

fn null_is_empty<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// One page of a drive's changes.
///
/// An item may occur more than once, here and across pages: the last occurrence counts. `Debug` does
/// not show the links.
#[derive(Clone, PartialEq)]
pub struct DeltaPage {
    /// In no particular order: a child may come before its folder.
    pub items: Vec<DriveItem>,
    /// The next page of this round.
    pub next: Option<String>,
    /// On the last page of a round: where the next round begins.
    pub delta: Option<String>,
    /// Where this page came from. Asking there again gives fresh download addresses:
    /// [`Graph::refresh_page`](crate::Graph::refresh_page).
    pub from: String,
}

impl DeltaPage {
    /// Reads the page that came from `from`.
    ///
    /// # Errors
    ///
    /// `Cut` or `Broken` if the body is no JSON, `Unexpected` if it is no page.
    pub fn decode(bytes: &[u8], from: String) -> Result<Self, JsonError> {
        let mut page = PageReader::default();
        page.push(bytes)?;
        Ok(Self::new(page.finish()?, from))
    }

    pub(crate) fn new(page: Page<DriveItem>, from: String) -> Self {
        Self { items: page.value, next: page.next, delta: page.delta, from }
    }
}

impl fmt::Debug for DeltaPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeltaPage")
            .field("items", &self.items)
            .field("next", &self.next.is_some())
            .field("delta", &self.delta.is_some())
            .finish_non_exhaustive()
    }
}
