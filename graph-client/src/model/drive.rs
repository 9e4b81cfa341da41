//! Drives.

use super::object::object;
use super::{DriveId, IdentitySet, Moment, Whole};

object! {
    /// A OneDrive, or a document library of a site.
    pub struct Drive {
        id: DriveId = "id",
        /// `business`, `personal` or `documentLibrary`.
        drive_type: Option<String> = "driveType",
        /// For people to read.
        name: Option<String> = "name",
        description: Option<String> = "description",
        /// Whose it is.
        owner: Option<IdentitySet> = "owner",
        quota: Option<Quota> = "quota",
        created: Option<Moment> = "createdDateTime",
        last_modified: Option<Moment> = "lastModifiedDateTime",
        web_url: Option<String> = "webUrl",
    }
}

object! {
    /// The space of a drive, in bytes.
    pub struct Quota {
        deleted: Option<Whole> = "deleted",
        remaining: Option<Whole> = "remaining",
        used: Option<Whole> = "used",
        total: Option<Whole> = "total",
        file_count: Option<Whole> = "fileCount",
        /// `normal`, `nearing`, `critical` or `exceeded`.
        state: Option<String> = "state",
    }
}
