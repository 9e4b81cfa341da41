//! Facets: what tells an item's kind and properties by being there.

use super::object::object;
use super::{DriveId, IdentitySet, ItemId, Moment, Whole};

object! {
    /// The item has content.
    pub struct File {
        mime_type: Option<String> = "mimeType",
        hashes: Option<Hashes> = "hashes",
    }
}

object! {
    /// Hashes of the content. Business drives have quickXorHash alone; empty files have none.
    pub struct Hashes {
        /// Base64 of 20 bytes.
        quick_xor: Option<String> = "quickXorHash",
        /// Hexadecimal; personal drives had it until 2023.
        sha1: Option<String> = "sha1Hash",
        sha256: Option<String> = "sha256Hash",
        crc32: Option<String> = "crc32Hash",
    }
}

object! {
    /// The item holds others.
    pub struct Folder {
        child_count: Option<Whole> = "childCount",
    }
}

object! {
    /// The item holds others and is shown as one.
    pub struct Package {
        /// `oneNote`.
        kind: Option<String> = "type",
    }
}

object! {
    /// The item is gone.
    pub struct Deleted {
        /// `deleted`; often absent.
        state: Option<String> = "state",
    }
}

object! {
    /// The item is the root of its drive.
    pub struct Root {}
}

object! {
    /// The service found malware in the content, and will not serve it.
    pub struct Malware {
        description: Option<String> = "description",
    }
}

object! {
    /// Somebody beside those who may see the folder may see the item. Empty: its permissions are its own.
    pub struct Shared {
        /// `anonymous`, `organization` or `users`.
        scope: Option<String> = "scope",
        owner: Option<IdentitySet> = "owner",
        shared_by: Option<IdentitySet> = "sharedBy",
        at: Option<Moment> = "sharedDateTime",
    }
}

object! {
    /// A folder that has a part to play: documents, photos, …
    pub struct SpecialFolder {
        name: Option<String> = "name",
    }
}

object! {
    /// The times that a client set.
    pub struct FileSystemInfo {
        created: Option<Moment> = "createdDateTime",
        last_modified: Option<Moment> = "lastModifiedDateTime",
        last_accessed: Option<Moment> = "lastAccessedDateTime",
    }
}

object! {
    /// The folder around an item.
    pub struct ParentReference {
        drive_id: Option<DriveId> = "driveId",
        drive_type: Option<String> = "driveType",
        /// Absent for the root of a drive.
        id: Option<ItemId> = "id",
        name: Option<String> = "name",
        /// Percent-encoded, from `/drives/ID/root:`. Delta pages leave it out.
        path: Option<String> = "path",
        site_id: Option<String> = "siteId",
    }
}

object! {
    /// What a pointer points to.
    pub struct RemoteItem {
        id: Option<ItemId> = "id",
        name: Option<String> = "name",
        size: Option<Whole> = "size",
        parent: Option<ParentReference> = "parentReference",
        file: Option<File> = "file",
        folder: Option<Folder> = "folder",
        package: Option<Package> = "package",
        file_system_info: Option<FileSystemInfo> = "fileSystemInfo",
        shared: Option<Shared> = "shared",
        web_url: Option<String> = "webUrl",
    }
}

object! {
    /// The item by SharePoint's own IDs.
    pub struct SharepointIds {
        list_id: Option<String> = "listId",
        list_item_id: Option<String> = "listItemId",
        list_item_unique_id: Option<String> = "listItemUniqueId",
        site_id: Option<String> = "siteId",
        site_url: Option<String> = "siteUrl",
        tenant_id: Option<String> = "tenantId",
        web_id: Option<String> = "webId",
    }
}
