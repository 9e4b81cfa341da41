//! One row of a drive's table, and what it was at any time.

/// What an item is, one bit each.
pub mod flag {
    pub const FOLDER: u16 = 1;
    /// A OneNote notebook: neither file nor folder, with children.
    pub const PACKAGE: u16 = 2;
    pub const MALWARE: u16 = 4;
    /// A shortcut into another drive.
    pub const REMOTE: u16 = 8;
    /// Has permissions of its own, and a `shared` facet.
    pub const SHARED: u16 = 16;
    pub const DELETED: u16 = 32;
    /// Its content is bytes that were uploaded, not a recipe.
    pub const STORED: u16 = 64;
}

/// An item's latest state: 48 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Item {
    /// Index of the folder it is in; the root is its own parent.
    pub parent: u32,
    pub flags: u16,
    /// Which of [`super::names::KINDS`].
    pub kind: u16,
    /// Bytes.
    pub size: u64,
    /// Seed of a recipe, or index of uploaded bytes.
    pub content: u64,
    /// Seconds since 1970, as the client's file system gave them.
    pub created: u32,
    pub modified: u32,
    pub etag: u32,
    pub ctag: u32,
    /// Number of its last change; 0 if there was none.
    pub last_seq: u32,
    /// 0: the generated name; n: the drive's given name n-1.
    pub name: u32,
}

impl Item {
    pub fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    pub fn set(&mut self, flag: u16) {
        self.flags |= flag;
    }

    /// Whether it can hold other items.
    pub fn is_container(&self) -> bool {
        self.has(flag::FOLDER | flag::PACKAGE)
    }

    /// Whether it has content.
    pub fn is_file(&self) -> bool {
        !self.has(flag::FOLDER | flag::PACKAGE | flag::REMOTE)
    }
}

/// One entry of a drive's change log. Entry n has sequence number n + 1.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    pub item: u32,
    /// Sequence number of the same item's change before this one, or 0.
    pub previous: u32,
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// What the item was; `None` if this created it.
    pub before: Option<Item>,
    /// Not told by delta: below a folder whose deletion is told.
    pub silent: bool,
    pub what: ChangeKind,
}

/// What a change did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    Create,
    Edit,
    Rename,
    Move,
    Delete,
    Share,
    /// Times or other metadata.
    Touch,
}
