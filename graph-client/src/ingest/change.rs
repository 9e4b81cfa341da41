//! One item of a page, as far as ingestion needs it.

use repo_format::tree::TimeNs;

use super::Person;

/// What a page says that an item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    Root,
    Folder,
    Package(String),
    File,
    /// Drive and item that it points to, empty where they are not told.
    Pointer(String, String),
    /// No facet says; so it is with most deleted items.
    Unknown,
}

/// One occurrence of an item in a page. What the page leaves out is empty or `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemChange {
    pub id: String,
    pub parent: Option<String>,
    pub name: Option<String>,
    pub deleted: bool,
    pub kind: ChangeKind,
    pub size: Option<u64>,
    pub hash: Option<[u8; 20]>,
    pub e_tag: Option<String>,
    pub c_tag: Option<String>,
    pub created_ns: Option<TimeNs>,
    pub modified_ns: Option<TimeNs>,
    pub created_by: Person,
    pub modified_by: Person,
    pub mime: Option<String>,
    pub shared: bool,
    pub malware: bool,
    pub list_item: Option<String>,
}

impl ItemChange {
    /// An occurrence of which nothing is told but ID and kind.
    pub fn new(id: impl Into<String>, kind: ChangeKind) -> ItemChange {
        ItemChange {
            id: id.into(),
            parent: None,
            name: None,
            deleted: false,
            kind,
            size: None,
            hash: None,
            e_tag: None,
            c_tag: None,
            created_ns: None,
            modified_ns: None,
            created_by: Person::default(),
            modified_by: Person::default(),
            mime: None,
            shared: false,
            malware: false,
            list_item: None,
        }
    }
}
