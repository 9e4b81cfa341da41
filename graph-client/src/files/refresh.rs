//! Fresh addresses of contents in bulk, from a delta page that was read before.

use std::collections::HashMap;

use crate::error::GraphError;
use crate::graph::Graph;
use crate::model::{DriveId, DriveItem, ItemId, Page};

impl Graph {
    /// Reads a delta page again, and gives the items that have a content, each with a fresh address of
    /// it in [`DriveItem::download_url`].
    ///
    /// `from` is [`DeltaPage::from`]. The page costs one resource unit (the first of an enumeration:
    /// two), however many addresses it gives; [`Graph::refresh_download_urls`] costs one an item.
    /// Items are told as they are now: compare with what was listed ([`DownloadOf::is_still`]). An
    /// item that is wanted and not there has changed meanwhile, so that the feed tells it elsewhere,
    /// or the page was asked for without addresses: ask for it by itself.
    ///
    /// [`DeltaPage::from`]: crate::model::DeltaPage::from
    /// [`DownloadOf::is_still`]: super::DownloadOf::is_still
    ///
    /// # Errors
    ///
    /// `Resync` or `NotFound` if the link is dead: the items may be there all the same, so ask for
    /// them by their IDs. It says nothing of the link that the feed goes on with.
    pub async fn refresh_page(
        &self,
        drive: &DriveId,
        from: &str,
    ) -> Result<HashMap<ItemId, DriveItem>, GraphError> {
        let page: Page<DriveItem> = self.page(&self.delta_link(drive, from)?).await?;
        let mut items = HashMap::with_capacity(page.value.len());
        for item in page.value {
            // The last occurrence counts, also if it says that there is no content any more.
            items.insert(item.id.clone(), item);
        }
        items.retain(|id, item| !id.is_empty() && !item.is_deleted() && item.download_url.is_some());
        Ok(items)
    }
}
