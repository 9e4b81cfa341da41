//! Items of a drive: files, folders, packages and pointers, as lists and delta pages give them.

use super::facet::{
    Deleted, File, FileSystemInfo, Folder, Malware, Package, ParentReference, RemoteItem, Root, Shared,
    SharepointIds, SpecialFolder,
};
use super::object::object;
use super::{IdentitySet, ItemId, Moment, Whole};
use crate::quickxor::QuickXor;
use crate::secret::Secret;

object! {
    /// An item. Facets tell what it is; in a delta page nearly everything may be absent.
    pub struct DriveItem {
        id: ItemId = "id",
        /// Absent on what was deleted.
        name: Option<String> = "name",
        /// As listed, in bytes. The service rewrites some files after it has counted them.
        size: Option<Whole> = "size",
        /// Changes with anything: `"{GUID},n"`.
        e_tag: Option<String> = "eTag",
        /// Changes with the content: `"c:{GUID},n"`. Business drives leave it out in places.
        c_tag: Option<String> = "cTag",
        created: Option<Moment> = "createdDateTime",
        last_modified: Option<Moment> = "lastModifiedDateTime",
        created_by: Option<IdentitySet> = "createdBy",
        last_modified_by: Option<IdentitySet> = "lastModifiedBy",
        parent: Option<ParentReference> = "parentReference",
        file: Option<File> = "file",
        folder: Option<Folder> = "folder",
        package: Option<Package> = "package",
        deleted: Option<Deleted> = "deleted",
        root: Option<Root> = "root",
        /// A pointer to an item of another drive.
        remote_item: Option<Box<RemoteItem>> = "remoteItem",
        shared: Option<Shared> = "shared",
        special_folder: Option<SpecialFolder> = "specialFolder",
        malware: Option<Malware> = "malware",
        /// The times that a client set, rather than the service.
        file_system_info: Option<FileSystemInfo> = "fileSystemInfo",
        sharepoint_ids: Option<SharepointIds> = "sharepointIds",
        web_url: Option<String> = "webUrl",
        description: Option<String> = "description",
        /// Its bearer may fetch the content for about an hour, without signing in.
        download_url: Option<Secret> = "@microsoft.graph.downloadUrl" | "@content.downloadUrl",
        /// `True` if the item is in a delta page because its sharing changed.
        shared_changed: Option<String> = "@microsoft.graph.sharedChanged",
    }
}

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// Has content.
    File,
    /// Holds others.
    Folder,
    /// Holds others, and is shown as one thing: a OneNote notebook.
    Package,
    /// Points to an item of another drive.
    Pointer,
    /// No facet says; so it is with most deleted items.
    Unknown,
}

impl DriveItem {
    /// What it is. A pointer is one whatever it points to.
    pub fn kind(&self) -> ItemKind {
        match self {
            Self { remote_item: Some(_), .. } => ItemKind::Pointer,
            Self { package: Some(_), .. } => ItemKind::Package,
            Self { folder: Some(_), .. } | Self { root: Some(_), .. } => ItemKind::Folder,
            Self { file: Some(_), .. } => ItemKind::File,
            _ => ItemKind::Unknown,
        }
    }

    /// Whether it is gone.
    pub fn is_deleted(&self) -> bool {
        self.deleted.is_some()
    }

    /// The listed hash of the content; `None` if there is none, or one that is none.
    pub fn quick_xor(&self) -> Option<QuickXor> {
        self.file.as_ref()?.hashes.as_ref()?.quick_xor.as_deref()?.parse().ok()
    }

    /// The listed size in bytes.
    pub fn size_bytes(&self) -> Option<u64> {
        self.size.map(Whole::count)
    }

    /// Whether the item's permissions may differ from its folder's.
    pub fn is_shared(&self) -> bool {
        let changed = self.shared_changed.as_deref();
        self.shared.is_some() || changed.is_some_and(|changed| changed.eq_ignore_ascii_case("true"))
    }
}

object! {
    /// A former state of a file.
    pub struct Version {
        /// `3.0` and the like, newest first in lists.
        id: Option<String> = "id",
        last_modified: Option<Moment> = "lastModifiedDateTime",
        last_modified_by: Option<IdentitySet> = "lastModifiedBy",
        size: Option<Whole> = "size",
    }
}
