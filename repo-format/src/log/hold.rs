//! The hold on dooms that a mended log is under (LOG-9).

use crate::cbor::{Cbor, CborError, Reader, Writer};

/// Records were lost, so nothing may be doomed until all was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// The record that began it, or took it to its second stage.
    pub since: u64,
    /// Whether the manifests that packs show were found again. If not, a repair has not ended.
    pub found: bool,
}

impl Hold {
    /// A hold that begins.
    pub(super) fn begin(since: u64) -> Hold {
        Hold { since, found: false }
    }
}

impl Cbor for Hold {
    fn write(&self, w: &mut Writer) {
        w.array(2).put(&self.since).put(&self.found);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.tuple(|t| Ok(Hold { since: t.get()?, found: t.get()? }))
    }
}
