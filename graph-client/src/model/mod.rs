//! What Graph says, typed: users, drives, items, permissions, pages, refusals.
//!
//! A property is what its name says, or absent; what has no name here is kept in `other`. So a page is
//! read whatever a newer service adds to it, and whatever an older one leaves out. Knows nothing of
//! HTTP. Texts whose bearer is let in are [`Secret`](crate::secret::Secret).
//!
//! ```
//! use graph_client::model::{DeltaPage, ItemKind};
//!
//! let body = br#"{"value":[{"id":"01A","name":"a.txt","size":"3","file":{},"new":[1]}],
//!                 "@odata.deltaLink":"https://graph.example/next"}"#;
//! let page = DeltaPage::decode(body, "https://graph.example/first".into())?;
//! let item = &page.items[0];
//! assert_eq!((item.kind(), item.size_bytes()), (ItemKind::File, Some(3)));
//! assert_eq!(item.other.get("new"), Some("[1]"));
//! # Ok::<(), graph_client::json::JsonError>(())
//! ```

mod batch;
mod drive;
mod error;
mod facet;
mod identity;
mod item;
mod object;
mod page;
mod permission;
mod stream;
mod upload;
mod values;

pub use batch::{BATCH_SIZE_MAX, BatchAnswer, BatchCall, BatchReply, BatchRequest};
pub use drive::{Drive, Quota};
pub use error::{GraphErrorBody, GraphErrorDetail};
pub use facet::{
    Deleted, File, FileSystemInfo, Folder, Hashes, Malware, Package, ParentReference, RemoteItem, Root,
    Shared, SharepointIds, SpecialFolder,
};
pub use identity::{Identity, IdentitySet, User};
pub use item::{DriveItem, ItemKind, Version};
pub use object::Other;
pub use page::{DeltaPage, Page};
pub use permission::{Invitation, Permission, SharingLink};
pub use stream::PageReader;
pub use upload::UploadStatus;
pub use values::{DriveId, ItemId, Moment, PermissionId, UserId, Whole};
