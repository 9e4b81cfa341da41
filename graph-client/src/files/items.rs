//! Single items: by ID, by path, their children and their permissions.

use crate::budget::price;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::http::Call;
use crate::model::{DriveId, DriveItem, ItemId, Permission, Version};
use crate::paging::Pages;

impl Graph {
    /// An item as it is now, with the address of its content.
    ///
    /// # Errors
    ///
    /// `NotFound` if it is gone.
    pub async fn item(&self, drive: &DriveId, item: &ItemId) -> Result<DriveItem, GraphError> {
        self.json(&self.item_call(drive, item)?).await
    }

    /// The call for an item.
    pub(super) fn item_call(&self, drive: &DriveId, item: &ItemId) -> Result<Call, GraphError> {
        let segments = ["drives", drive.as_str(), "items", item.as_str()];
        Ok(self.get_files(&segments, "", price::ITEM)?.on_behalf_of(drive.as_str()))
    }

    /// The root of a drive.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is no such drive.
    pub async fn root(&self, drive: &DriveId) -> Result<DriveItem, GraphError> {
        let call = self.get_files(&["drives", drive.as_str(), "root"], "", price::ITEM)?;
        self.json(&call.on_behalf_of(drive.as_str())).await
    }

    /// An item by the names that lead to it from `parent`, outermost first; `parent` itself for none.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is none.
    pub async fn item_by_path(
        &self,
        drive: &DriveId,
        parent: &ItemId,
        names: &[&str],
    ) -> Result<DriveItem, GraphError> {
        let Some((last, above)) = names.split_last() else { return self.item(drive, parent).await };
        let (parent, last) = (format!("{parent}:"), format!("{last}:"));
        let mut segments = vec!["drives", drive.as_str(), "items", parent.as_str()];
        segments.extend(above);
        segments.push(last.as_str());
        let call = self.get_files(&segments, "", price::ITEM)?;
        self.json(&call.on_behalf_of(drive.as_str())).await
    }

    /// The items in a folder.
    ///
    /// # Errors
    ///
    /// `Setup` if the client's address cannot have paths; the rest comes with the pages.
    pub fn children(&self, drive: &DriveId, folder: &ItemId) -> Result<Pages<DriveItem>, GraphError> {
        let segments = ["drives", drive.as_str(), "items", folder.as_str(), "children"];
        let call = self.get_files(&segments, "$top=200", price::LIST)?;
        Ok(Pages::new(self.clone(), call.on_behalf_of(drive.as_str())))
    }

    /// Who may do what with an item, inherited grants included. Costs five times what an item costs:
    /// ask only for items whose sharing facets say that there is something to know.
    ///
    /// # Errors
    ///
    /// `NotFound` if the item is gone.
    pub async fn permissions(&self, drive: &DriveId, item: &ItemId) -> Result<Vec<Permission>, GraphError> {
        let segments = ["drives", drive.as_str(), "items", item.as_str(), "permissions"];
        let call = self.get_files(&segments, "", price::PERMISSIONS)?;
        Pages::new(self.clone(), call.on_behalf_of(drive.as_str())).all().await
    }

    /// The former states of a file, newest first.
    ///
    /// # Errors
    ///
    /// `NotFound` if the item is gone.
    pub async fn versions(&self, drive: &DriveId, item: &ItemId) -> Result<Vec<Version>, GraphError> {
        let segments = ["drives", drive.as_str(), "items", item.as_str(), "versions"];
        let call = self.get_files(&segments, "", price::LIST)?;
        Pages::new(self.clone(), call.on_behalf_of(drive.as_str())).all().await
    }
}
