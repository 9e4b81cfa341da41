//! Kinds of content (CID-1).

/// What a content holds. Part of its ID, so a content of one kind never passes for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ContentKind {
    /// A piece of a stream.
    Data = 1,
    /// A piece of an object's list.
    List = 2,
    /// A map node.
    Node = 3,
    /// A snapshot's manifest.
    Manifest = 4,
}

impl ContentKind {
    /// The kind with this number, if there is one.
    pub fn from_number(number: u8) -> Option<ContentKind> {
        match number {
            1 => Some(ContentKind::Data),
            2 => Some(ContentKind::List),
            3 => Some(ContentKind::Node),
            4 => Some(ContentKind::Manifest),
            _ => None,
        }
    }
}
