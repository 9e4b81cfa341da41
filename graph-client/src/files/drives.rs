//! Which drives a user has.

use crate::budget::price;
use crate::error::{Absence, GraphError};
use crate::graph::Graph;
use crate::model::{Drive, DriveId, User};
use crate::paging::Pages;

impl Graph {
    /// The user's OneDrive.
    ///
    /// # Errors
    ///
    /// `ResourceAbsent` if they never opened it, have no licence for it, or are not there themselves.
    pub async fn drive_of(&self, user: &User) -> Result<Drive, GraphError> {
        let call = self.get_files(&["users", user.id.as_str(), "drive"], "", price::ITEM)?;
        self.json(&call).await.map_err(absent)
    }

    /// All drives of a user.
    ///
    /// # Errors
    ///
    /// As [`Graph::drive_of`].
    pub async fn drives_of(&self, user: &User) -> Result<Vec<Drive>, GraphError> {
        let call = self.get_files(&["users", user.id.as_str(), "drives"], "", price::LIST)?;
        Pages::new(self.clone(), call).all().await.map_err(absent)
    }

    /// A drive by its ID.
    ///
    /// # Errors
    ///
    /// `ResourceAbsent` if there is none.
    pub async fn drive(&self, drive: &DriveId) -> Result<Drive, GraphError> {
        let call = self.get_files(&["drives", drive.as_str()], "", price::ITEM)?;
        self.json(&call).await.map_err(absent)
    }
}

/// No drive is nothing to back up, and no failure.
fn absent(error: GraphError) -> GraphError {
    match error {
        GraphError::NotFound { place } => GraphError::ResourceAbsent { absence: Absence::Drive, place },
        other => other,
    }
}
